"""How buckets are reached: where, with which keys, how long to wait; and the same in the words of each library."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from obstore.store import BackoffConfig, ClientConfig, RetryConfig

CONNECT_S = 5
REQUEST_S = 30
RETRY_S = 45
"""For so long a request is made again where there is no answer; then it has failed, and whoever made it says so."""

# So many that it is the time which ends them.
_RETRIES = 1000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 3


@dataclass(frozen=True)
class S3:
    """A server of the S3 protocol and who asks it; without an `endpoint` it is Amazon's in `region`.

    Keys that are not given are looked for as Amazon's own programs do: in the role of the machine.
    """

    endpoint: str | None = None
    region: str = "us-east-1"
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.endpoint is None or urlsplit(self.endpoint).scheme == "https"

    @property
    def keys(self) -> dict[str, str]:
        """The keys in the clear, by their usual names without `aws_`."""
        given = {
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "session_token": self.session_token,
        }
        return {name: secret.get_secret_value() for name, secret in given.items() if secret is not None}

    @property
    def client(self) -> "ClientConfig":
        """How obstore connects."""
        return {
            "allow_http": not self.uses_tls,
            "connect_timeout": timedelta(seconds=CONNECT_S),
            "timeout": timedelta(seconds=REQUEST_S),
        }

    @property
    def retries(self) -> "RetryConfig":
        """How obstore tries again."""
        pauses: BackoffConfig = {
            "init_backoff": timedelta(seconds=_FIRST_PAUSE_S),
            "max_backoff": timedelta(seconds=_LONGEST_PAUSE_S),
        }
        return {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=RETRY_S), "backoff": pauses}

    @property
    def delta_options(self) -> dict[str, str]:
        """What deltalake is given to reach the same tables."""
        return {
            **{f"aws_{name}": value for name, value in self.keys.items()},
            **({"aws_endpoint_url": self.endpoint} if self.endpoint else {}),
            "aws_region": self.region,
            "aws_allow_http": str(not self.uses_tls).lower(),
            # A commit is a file that only one writer can create.
            "aws_conditional_put": "etag",
            "connect_timeout": f"{CONNECT_S}s",
            "timeout": f"{REQUEST_S}s",
            "max_retries": str(_RETRIES),
            "backoff_config.init_backoff": f"{_FIRST_PAUSE_S}s",
            "backoff_config.max_backoff": f"{_LONGEST_PAUSE_S}s",
            "retry_timeout": f"{RETRY_S}s",
        }
