"""Log-in by OpenID Connect: the configuration of oauth2-proxy, which nginx asks who somebody is."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from taxiway.deployment.layout import Layout
from taxiway.deployment.secret_files import private_file, private_folder, secret
from taxiway.settings import LoginSettings

PROCESS = "oauth2-proxy"
PREFIX = "/oauth2"
"""What the paths of a log-in begin with; no page of Dagster's does."""

COOKIE = "__Host-taxiway"
"""Browsers take a cookie of such a name over TLS alone, and for this host and no other."""

# Groups are those of the log-in: so long somebody who has left one is still taken for a member.
_LOG_IN_LASTS = "8h"
_CONFIGURATION, _CLIENT, _COOKIE = "oauth2-proxy.cfg", "client-secret", "cookie-secret"


@dataclass(frozen=True)
class OpenIdConnect:
    """The identity provider that people log in to, and the group of those who may do everything.

    Where `viewers` is empty, all others to whom the provider gives a log-in may read.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    admins: str
    viewers: str = ""
    scope: str = "openid email profile groups"
    host: str = "localhost"

    @classmethod
    def of(cls, settings: LoginSettings) -> "OpenIdConnect | None":
        """What the settings say; None where people log in with passwords of the deployment's own."""
        if not settings.oidc_issuer:
            return None
        return cls(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret.get_secret_value(),
            settings.oidc_admins,
            settings.oidc_viewers,
            settings.oidc_scope,
            settings.oidc_host,
        )


def configuration(layout: Layout) -> Path:
    """The file that oauth2-proxy reads, which is there where people log in by OpenID Connect."""
    return layout.folder(PROCESS) / _CONFIGURATION


def prepare_oidc(layout: Layout, oidc: OpenIdConnect | None) -> None:
    """Write what oauth2-proxy reads, or take away what it read before."""
    if oidc is None:
        for name in (_CONFIGURATION, _CLIENT, _COOKIE):
            (layout.folder(PROCESS) / name).unlink(missing_ok=True)
        return
    folder = private_folder(layout.folder(PROCESS))
    private_file(folder / _CLIENT, oidc.client_secret)
    private_file(folder / _COOKIE, secret(layout.secrets, "oidc-cookie"))
    private_file(configuration(layout), _render(layout, oidc))


def _render(layout: Layout, oidc: OpenIdConnect) -> str:
    folder = layout.folder(PROCESS)
    options = {
        "provider": "oidc",
        "oidc_issuer_url": oidc.issuer,
        "client_id": oidc.client_id,
        "client_secret_file": str(folder / _CLIENT),
        "scope": oidc.scope,
        "code_challenge_method": "S256",
        "insecure_oidc_skip_nonce": False,
        "redirect_url": f"https://{oidc.host}:{layout.port}{PREFIX}/callback",
        "http_address": f"{layout.listen}:{layout.ports[PROCESS]}",
        "reverse_proxy": True,
        "trusted_proxy_ips": ["127.0.0.1/32"],
        # It passes nothing on itself, and tells nginx who it is.
        "upstreams": ["static://404"],
        "set_xauthrequest": True,
        "skip_provider_button": True,
        # Whom the provider lets in; nginx asks for the groups.
        "email_domains": ["*"],
        "cookie_name": COOKIE,
        "cookie_secret_file": str(folder / _COOKIE),
        "cookie_secure": True,
        "cookie_httponly": True,
        "cookie_samesite": "lax",
        "cookie_expire": _LOG_IN_LASTS,
        # Of the provider's tokens none is needed afterwards.
        "session_cookie_minimal": True,
        "request_logging": False,
    }
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
