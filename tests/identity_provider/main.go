// An identity provider for tests: it says where it is, then logs in whoever is written to it, a user a line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/oauth2-proxy/mockoidc"
)

func main() {
	provider, err := mockoidc.Run()
	if err != nil {
		log.Fatal(err)
	}
	said, err := json.Marshal(provider.Config())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(said))
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		user := &mockoidc.MockUser{}
		if err := json.Unmarshal(lines.Bytes(), user); err != nil {
			log.Fatal(err)
		}
		provider.QueueUser(user)
		fmt.Println("{}")
	}
}
