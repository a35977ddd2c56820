"""The configuration of nginx: TLS, log-in, and who reaches which webserver."""

from taxiway.deployment.layout import Layout
from taxiway.deployment.oidc import PREFIX, PROCESS, OpenIdConnect

ADMIN, VIEWER = "admin", "viewer"
"""The log-ins that are made: one for everything, one that only reads; further ones only read."""

PASSWORDS, CERTIFICATE, KEY = "passwords", "certificate.pem", "key.pem"

IDENTITY_HEADERS = (
    "Remote-User",
    "Remote-Email",
    "Remote-Groups",
    "X-Remote-User",
    "X-Remote-Email",
    "X-Remote-Groups",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Access-Token",
    "X-Auth-Request-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
)


def render(layout: Layout, oidc: OpenIdConnect | None = None) -> str:
    """nginx.conf; all that nginx reads and writes lies in its own folder, so it needs no right but that to the port."""
    temporary = "\n".join(
        f"    {kind}_temp_path tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    login = _Passwords(layout) if oidc is None else _OpenIdConnect(layout, oidc)
    return f"""\
daemon off;
# One process: workers outlive a master that is killed, and keep the port from the next.
master_process off;
pid nginx.pid;
error_log stderr warn;

events {{
    worker_connections 1024;
}}

http {{
{temporary}
    # Nothing of a request but its line is kept, and never a password.
    log_format who '$remote_addr - {login.user} [$time_local] "$request" $status $body_bytes_sent';
    # No name is the standard error, whose log supervisor rotates; /dev/stdout can be opened by its maker alone.
    access_log "" who;
    server_tokens off;
    client_max_body_size 8m;
    client_body_timeout 30s;
    client_header_timeout 30s;

    upstream webserver {{
        server {layout.address("webserver")};
    }}
    upstream viewer {{
        server {layout.address("viewer")};
    }}
{login.outside}
    map $http_upgrade $connection_header {{
        default upgrade;
        "" "";
    }}
    # A browser sends the log-in for pages of others too, so what another page asks for is refused.
    map "$scheme://$http_host $http_origin" $foreign {{
        default 1;
        "~^\\S+ $" 0;
        "~^(?<own>\\S+) \\k<own>$" 0;
    }}

    server {{
        listen {layout.ports["nginx"]} ssl;
        ssl_certificate {CERTIFICATE};
        ssl_certificate_key {KEY};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:1m;
        # Who comes with http is sent to https.
        error_page 497 =301 https://$http_host$request_uri;

        add_header X-Content-Type-Options nosniff always;
        add_header X-Frame-Options DENY always;
        add_header Referrer-Policy same-origin always;

        proxy_http_version 1.1;
        # What is watched may say nothing for long.
        proxy_read_timeout 1h;

{login.inside}
    }}
}}
"""


_NOBODY = '""'
_NOT_FOREIGN = """\
            if ($foreign) {
                return 403;
            }"""


class _Passwords:
    """Log-in with the deployment's own passwords."""

    user = "$remote_user"

    def __init__(self, layout: Layout) -> None:
        self.outside = f"""\
    # Who is not known to do more only reads.
    map $remote_user $dagster {{
        default viewer;
        "~^{ADMIN}$" webserver;
    }}"""
        self.inside = f"""\
        location / {{
{_NOT_FOREIGN}
            auth_basic "Taxiway {layout.deployment}";
            auth_basic_user_file {PASSWORDS};
{_passed_on(self.user)}
            proxy_pass http://$dagster;
        }}"""


class _OpenIdConnect:
    """Log-in with an identity provider. oauth2-proxy says who somebody is, and whether a group has them as a member;
    lists of groups are not looked at here, as the name of one may hold a comma."""

    user = "$user"

    def __init__(self, layout: Layout, oidc: OpenIdConnect) -> None:
        self.outside = f"""\
    upstream {PROCESS} {{
        server {layout.address(PROCESS)};
    }}
    # Of a provider that tells no address the name by which it knows somebody.
    map $email $user {{
        default $email;
        "" $subject;
    }}
    # A browser is sent to log in; a program is told that it is not.
    map "$request_method $http_accept" $page {{
        default 0;
        "~^GET .*text/html" 1;
    }}"""
        self.inside = f"""\
        set $email "";
        set $subject "";
        # Who is not known to do more only reads.
        location / {{
{_NOT_FOREIGN}
{_asked("admins")}
            error_page 403 = @viewer;
{_passed_on(self.user)}
            proxy_pass http://webserver;
        }}
        # What another page asks for comes here too.
        location @viewer {{
{_NOT_FOREIGN}
{_asked("viewers")}
{_passed_on(self.user)}
            proxy_pass http://viewer;
        }}
        location @login {{
            if ($page = 0) {{
                return 401;
            }}
            rewrite ^ {PREFIX}/start? break;
{_passed_on(_NOBODY)}
            proxy_set_header X-Auth-Request-Redirect $request_uri;
            proxy_pass http://{PROCESS};
        }}
{_question("admins", oidc.admins)}
{_question("viewers", oidc.viewers)}
        location {PREFIX}/ {{
{_passed_on(_NOBODY)}
            proxy_pass http://{PROCESS};
        }}"""


def _asked(who: str) -> str:
    return f"""\
            auth_request /is-of-{who};
            auth_request_set $email $upstream_http_x_auth_request_email;
            auth_request_set $subject $upstream_http_x_auth_request_user;
            error_page 401 = @login;"""


def _question(who: str, group: str) -> str:
    asked = f"?allowed_groups={group}" if group else ""
    return f"""\
        location = /is-of-{who} {{
            internal;
            proxy_pass http://{PROCESS}{PREFIX}/auth{asked};
{_passed_on(_NOBODY)}
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }}"""


def _passed_on(user: str) -> str:
    """What a server behind nginx is told of a request, and of who sent it; an identity that came with it is nobody's.

    Each place says all of it, as one that says some inherits nothing.
    """
    headers = {
        "X-Forwarded-User": user,
        **dict.fromkeys(IDENTITY_HEADERS, _NOBODY),
        "Authorization": _NOBODY,
        "Host": "$http_host",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Host": "$http_host",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-Uri": _NOBODY,
        "Upgrade": "$http_upgrade",
        "Connection": "$connection_header",
    }
    return "\n".join(f"            proxy_set_header {name} {value};" for name, value in headers.items())
