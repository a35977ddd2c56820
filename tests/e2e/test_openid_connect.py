"""Log-in by OpenID Connect: nginx and oauth2-proxy as a deployment runs them, a provider that the tests tell who comes,
and listeners in the places of the two webservers."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from tests.e2e.staging import BACK_S, free_ports, wait
from tests.working import ROOT, unavailable

from taxiway.deployment import Layout, nginx
from taxiway.deployment.oidc import COOKIE, PROCESS, OpenIdConnect, configuration, prepare_oidc
from taxiway.deployment.prepare import prepare_nginx
from taxiway.deployment.probe import Probe
from taxiway.deployment.processes import processes
from taxiway.deployment.secret_files import private_folder

BUILD_S = 900
BROWSER, PROGRAM = {"Accept": "text/html,*/*"}, {"Accept": "application/json"}
VERSION = "v7.15.6"
PROXY = f"github.com/oauth2-proxy/oauth2-proxy/v7@{VERSION}"
PROVIDER = ROOT / "tests" / "identity_provider"
SPOOFED = dict.fromkeys((*nginx.IDENTITY_HEADERS, "X-Forwarded-User"), "ada@example.org")
PATHS = ("/", "/graphql", "/logs/x", "/download_debug/x", "/report_asset_check/x", "/is-of-admins", "/oauth2x")
pytestmark = pytest.mark.timeout(BUILD_S)


@dataclass
class Deployment:
    """nginx with what is behind it, and what the listeners heard, by the webserver in whose place they are."""

    layout: Layout
    provider: subprocess.Popen[str]
    heard: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.layout.port}"

    def browser(self) -> requests.Session:
        """One that trusts the certificate, and keeps cookies."""
        session = requests.Session()
        session.verify = str(self.layout.folder("nginx") / nginx.CERTIFICATE)
        session.trust_env = False
        return session

    def log_in(self, *groups: str, path: str = "/", email: str = "grace@example.org") -> requests.Session:
        """A browser in which somebody of these groups has logged in; they come back to the page they asked for."""
        assert self.provider.stdin is not None
        assert self.provider.stdout is not None
        user = {"Subject": email.split("@", maxsplit=1)[0], "Email": email, "EmailVerified": True, "Groups": groups}
        self.provider.stdin.write(f"{json.dumps(user)}\n")
        self.provider.stdin.flush()
        self.provider.stdout.readline()
        browser = self.browser()
        self.last = browser.get(f"{self.url}{path}", headers=BROWSER)
        return browser

    def ask(self, browser: requests.Session, path: str = "/", **more: Any) -> tuple[int, str, Mapping[str, str]]:
        """The status, and which webserver heard what headers; empty where none did."""
        self.heard.clear()
        answer = browser.get(f"{self.url}{path}", **({"headers": PROGRAM, "allow_redirects": False} | more))
        _, who, headers = self.heard[0] if self.heard else ("", "", {})
        return answer.status_code, who, headers


@pytest.fixture(scope="module")
def programs() -> Path:
    """oauth2-proxy and the provider, which Go builds once for all runs of the tests."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        pytest.skip("Go is not installed, which builds oauth2-proxy and the identity provider of these tests")
    if not Path("/usr/sbin/nginx").exists():
        unavailable("nginx is not installed: apt-get install nginx")
    kept = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        / "taxiway-tests"
        / PROXY.rsplit("@", maxsplit=1)[-1]
    )
    kept.mkdir(parents=True, exist_ok=True)
    variables = os.environ | {"GOBIN": str(kept)}
    # Whatever is there and up to date is left as it is.
    if not (kept / "oauth2-proxy").exists():
        subprocess.run([go, "install", PROXY], check=True, env=variables, timeout=BUILD_S)
    subprocess.run([go, "build", "-o", kept / "provider", "."], cwd=PROVIDER, check=True, timeout=BUILD_S)
    return kept


@pytest.fixture(scope="module", params=["", "analysts"], ids=["all read", "analysts read"])
def deployment(programs: Path, request: pytest.FixtureRequest) -> Iterator[Deployment]:
    folder = Path(tempfile.mkdtemp(prefix="oidc-"))
    folder.chmod(0o711)
    layout = Layout.here("staging", ROOT, folder / "home", free_ports())
    started: list[subprocess.Popen[Any]] = []
    servers: list[ThreadingHTTPServer] = []
    try:
        provider = subprocess.Popen([programs / "provider"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(provider)
        assert provider.stdout is not None
        told = json.loads(provider.stdout.readline())
        oidc = OpenIdConnect(told["Issuer"], told["ClientID"], told["ClientSecret"], "engineers", request.param)
        for made in (layout.stack, layout.folder("nginx"), layout.secrets):
            private_folder(made, mode=0o711)
        prepare_oidc(layout, oidc)
        prepare_nginx(layout, oidc)
        running = Deployment(layout, provider)
        servers.extend(listener(running, name) for name in ("webserver", "viewer"))
        for process in processes(layout, by_oidc=True):
            if process.name in {PROCESS, "nginx"}:
                program = programs / PROCESS if process.name == PROCESS else Path(process.command[0])
                log = (folder / f"{process.name}.log").open("wb")
                started.append(subprocess.Popen([program, *process.command[1:]], stdout=log, stderr=log))
                wait(f"{process.name} to answer", BACK_S, process.answers.answers)
        yield running
    finally:
        for each in started:
            each.terminate()
            each.wait()
        for server in servers:
            server.shutdown()
            server.server_close()
        shutil.rmtree(folder)


def listener(deployment: Deployment, name: str) -> ThreadingHTTPServer:
    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            self.rfile.read(int(headers.get("content-length", 0)))
            deployment.heard.append((self.path, name, headers))
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    server = ThreadingHTTPServer(("127.0.0.1", deployment.layout.ports[name]), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_reached_without_a_log_in(deployment: Deployment, path: str) -> None:
    for headers in (PROGRAM, PROGRAM | SPOOFED, PROGRAM | {"Authorization": "Bearer x"}):
        for method in ("GET", "POST"):
            deployment.heard.clear()
            answer = deployment.browser().request(
                method, f"{deployment.url}{path}", headers=headers, allow_redirects=False
            )
            assert answer.status_code == (404 if path == "/is-of-admins" else 401)
            assert deployment.heard == []


def test_a_browser_is_sent_to_log_in_and_comes_back(deployment: Deployment) -> None:
    sent = deployment.browser().get(f"{deployment.url}/runs?a=1&b=2", headers=BROWSER, allow_redirects=False)
    assert sent.status_code == 302
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{deployment.url}/oauth2/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    deployment.log_in("engineers", path="/runs?a=1&b=2")
    assert deployment.last.url == f"{deployment.url}/runs?a=1&b=2"
    assert deployment.heard[-1][:2] == ("/runs?a=1&b=2", "webserver")


def test_who_is_of_the_group_may_do_everything(deployment: Deployment) -> None:
    browser = deployment.log_in("others", "engineers", email="ada@example.org")
    for sent in (PROGRAM, PROGRAM | dict.fromkeys(SPOOFED, "eve@example.org")):
        status, who, headers = deployment.ask(browser, headers=sent)
        assert (status, who) == (200, "webserver")
        assert headers["x-forwarded-user"] == "ada@example.org"
        assert "eve@example.org" not in headers.values()
        assert "authorization" not in headers
    deployment.heard.clear()
    assert browser.post(f"{deployment.url}/graphql", json={"query": "{ version }"}).status_code == 200
    assert deployment.heard[0][:2] == ("/graphql", "webserver")
    log = deployment.layout.home.parent / "nginx.log"
    told = re.compile(r'- ada@example\.org \[.*"POST /graphql')
    # It is written after the answer.
    wait("nginx to note who asked", BACK_S, lambda: told.search(log.read_text()) is not None)


@pytest.mark.parametrize("groups", [(), ("others",), ("engineers2",), ("x,engineers",), ("Engineers", "analysts")])
def test_who_is_not_only_reads_or_is_refused(deployment: Deployment, groups: tuple[str, ...]) -> None:
    browser = deployment.log_in(*groups)
    restricted = "allowed_groups=analysts" in (deployment.layout.folder("nginx") / "nginx.conf").read_text()
    for sent in (PROGRAM, PROGRAM | SPOOFED):
        status, who, headers = deployment.ask(browser, headers=sent)
        if restricted and "analysts" not in groups:
            assert (status, who) == (403, "")
        else:
            assert (status, who) == (200, "viewer")
            assert headers["x-forwarded-user"] == "grace@example.org"
            assert "ada@example.org" not in headers.values()
    deployment.heard.clear()
    posted = browser.post(f"{deployment.url}/graphql", data=json.dumps({"query": "{ version }"}))
    assert [heard[1] for heard in deployment.heard] == (["viewer"] if posted.status_code == 200 else [])


def test_the_cookie_is_for_this_host_over_tls_and_for_no_script(deployment: Deployment) -> None:
    browser = deployment.log_in("engineers")
    (cookie,) = [each for each in browser.cookies if each.name == COOKIE]
    assert cookie.secure
    assert cookie.path == "/"
    assert not cookie.domain_specified
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert str(cookie.get_nonstandard_attr("SameSite")).lower() == "lax"


def test_a_cookie_that_was_changed_is_refused(deployment: Deployment) -> None:
    cookie = str(deployment.log_in("engineers").cookies[COOKIE])
    value, *rest = cookie.split("|")
    other = value[:40] + ("A" if value[40] != "A" else "B") + value[41:]
    for changed in ("|".join([other, *rest]), cookie[:-4] + "AAA=", value, "x"):
        sent = PROGRAM | {"Cookie": f"{COOKIE}={changed}"}
        assert deployment.ask(deployment.browser(), headers=sent)[:2] == (401, "")
    assert deployment.ask(deployment.browser(), headers=PROGRAM | {"Cookie": f"{COOKIE}={cookie}"})[0] == 200


def test_who_logs_out_has_to_log_in_again(deployment: Deployment) -> None:
    browser = deployment.log_in("engineers")
    assert deployment.ask(browser)[0] == 200
    out = browser.get(f"{deployment.url}/oauth2/sign_out?rd=https://example.org/", allow_redirects=False)
    assert "example.org" not in out.headers.get("location", "")
    assert deployment.ask(browser)[:2] == (401, "")


def test_another_page_cannot_use_the_log_in_of_a_browser(deployment: Deployment) -> None:
    browser = deployment.log_in("engineers")
    assert deployment.ask(browser, headers=PROGRAM | {"Origin": "https://example.org"})[:2] == (403, "")
    assert deployment.ask(browser, headers=PROGRAM | {"Origin": deployment.url})[:2] == (200, "webserver")


def test_its_secrets_are_its_owner_s_alone(deployment: Deployment) -> None:
    folder = deployment.layout.folder(PROCESS)
    assert folder.stat().st_mode & 0o077 == 0
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0
    told = configuration(deployment.layout).read_text()
    assert (folder / "client-secret").read_text() not in told
    assert (folder / "cookie-secret").read_text() not in told


def test_nginx_counts_as_answering_when_it_asks_for_a_log_in(deployment: Deployment) -> None:
    assert Probe("login", deployment.url).answers()
