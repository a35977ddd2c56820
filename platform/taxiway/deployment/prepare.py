"""What the processes of a deployment find when they start: folders, secrets, data, certificate, configuration.

Everything is made once, but for configuration, which is written anew; what somebody has put in its place is kept.
"""

import json
import os
import shlex
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import yaml
from pydantic import SecretStr

from taxiway.deployment import nginx, supervisor
from taxiway.deployment.layout import Layout
from taxiway.deployment.oidc import OpenIdConnect, prepare_oidc
from taxiway.deployment.owner import note_whose_it_is, see_whose_it_is
from taxiway.deployment.postgres import OWNER, READER, prepare_postgres, storage_url
from taxiway.deployment.processes import (
    CONNECTION,
    S3_KEY,
    STORAGE,
    Process,
    code_process,
    code_socket,
    connection_file,
    deployment_variables,
)
from taxiway.deployment.secret_files import private_file, private_folder, secret
from taxiway.errors import DeploymentError
from taxiway.home import check_home
from taxiway.settings.connections import connection_variable
from taxiway.settings.secret import FILE

ROLES = ("reader", "publisher", "upkeep")
"""Who may reach the bucket; `admin` may make it, and is nobody's but the process's that does."""

# The longest name of a socket, and what supervisor adds to one while it makes it.
_SOCKET_CHARACTERS, _LONGEST_PATH = 40, 104
# It outlives whoever logs out, as XDG_RUNTIME_DIR does not.
_SHORT = "/tmp"
# What browsers take at most; and for what no browser sees, so long that nobody has to make it anew.
_CERTIFICATE_DAYS, _OWN_CERTIFICATE_DAYS = 825, 36500


def prepare(
    layout: Layout,
    processes: Iterable[Process],
    oidc: OpenIdConnect | None = None,
    connections: Mapping[str, SecretStr] = MappingProxyType({}),
) -> None:
    """Make all that is missing; people log in with `oidc`, or with passwords.

    Processes whose variables name the files of `connections` find the URLs there. Raises DeploymentError, with what
    to do, where something cannot be made, SettingsError where the folder is another deployment's.
    """
    try:
        _prepare(layout, list(processes), oidc, connections)
    except OSError as error:
        raise DeploymentError(f"{layout.stack} cannot be prepared: {error}") from error


def _prepare(
    layout: Layout,
    processes: Sequence[Process],
    oidc: OpenIdConnect | None,
    connections: Mapping[str, SecretStr],
) -> None:
    check_home(layout.home)
    # Accounts of their own pass through to their folders, where root starts the deployment.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    private_folder(layout.stack, mode=mode)
    see_whose_it_is(layout.stack, layout.deployment)
    note_whose_it_is(layout.stack, layout.deployment)
    _prepare_run(layout, mode)
    for folder in (layout.secrets, layout.stack / "logs", layout.stack / "as"):
        private_folder(folder)
    for process in processes:
        account = layout.account(process.account)
        folder = private_folder(layout.folder(process.name), account)
        if account:
            _see_that_it_is_reached(account, folder)
        _give_secrets(layout, process)
        _give_connections(layout, process, connections)
    prepare_postgres(layout, layout.account("postgres"))
    _prepare_s3(layout)
    prepare_oidc(layout, oidc)
    prepare_nginx(layout, oidc)
    _prepare_workspaces(layout)
    _prepare_roles(layout)
    if not layout.in_containers:
        private_file(layout.stack / "supervisord.conf", supervisor.render(layout, processes))


def login(layout: Layout, name: str) -> tuple[str, Path]:
    """The password of a log-in that was made, and the file that keeps it."""
    return secret(layout.secrets, f"login-{name}"), layout.secrets / f"login-{name}"


def is_new(layout: Layout) -> bool:
    """Whether no log-in has been made yet."""
    return not (layout.secrets / f"login-{nginx.ADMIN}").is_file()


def _prepare_run(layout: Layout, mode: int) -> None:
    """The folder of the sockets: below the deployment's, or where that is too long, what a link there names."""
    run = layout.run
    if len(str(run)) + _SOCKET_CHARACTERS > _LONGEST_PATH and not run.is_dir():
        raise DeploymentError(f"{run} is too long a path for sockets")
    private_folder(run, mode=mode)
    for location in layout.locations:
        private_folder(run / code_process(location))


def short_run_folder(stack: Path) -> None:
    """See that the path of the sockets is as short as systems want: a deep `run` is a link to a folder made for it."""
    run = stack / "run"
    is_folder = run.is_dir() and not run.is_symlink()
    if len(str(run)) + _SOCKET_CHARACTERS <= _LONGEST_PATH or is_folder or _leads_to_own(run):
        return
    run.unlink(missing_ok=True)
    stack.mkdir(parents=True, exist_ok=True)
    run.symlink_to(tempfile.mkdtemp(prefix="taxiway-", dir=_SHORT))


def _leads_to_own(link: Path) -> bool:
    """Whether a link leads to a folder that only this account can change.

    Where the machine was started anew, the folder is gone, and another account may have put something in its place.
    """
    try:
        found = link.readlink().lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _see_that_it_is_reached(account: str, folder: Path) -> None:
    tried = ["test", "-w", str(folder)]
    if subprocess.run(tried, user=account, group=account, extra_groups=[], check=False).returncode:
        raise DeploymentError(
            f"the account {account} cannot reach {folder}: let others pass the folders above it (chmod o+x), or set "
            "TAXIWAY_HOME to a folder that they can pass"
        )


def _give_secrets(layout: Layout, process: Process) -> None:
    """Put the secrets that its variables name into a process's folder, and no others."""
    folder, variables = layout.folder(process.name), process.variables
    if "TAXIWAY_DAGSTER_STORAGE_FILE" in variables:
        private_file(folder / STORAGE, storage_url(layout, READER if process.name == "viewer" else OWNER))
    if role := variables.get("AWS_ACCESS_KEY_ID"):
        private_file(folder / S3_KEY, secret(layout.secrets, f"s3-{role}"))


def _give_connections(layout: Layout, process: Process, connections: Mapping[str, SecretStr]) -> None:
    """Put the URLs of the connections that its variables name into a process's folder, and take away what was there."""
    given = {
        connection_file(layout, process.name, name): url
        for name, url in connections.items()
        if f"{connection_variable(name)}{FILE}" in process.variables
    }
    for file in layout.folder(process.name).glob(f"{CONNECTION}*"):
        if file not in given:
            file.unlink()
    for file, url in given.items():
        private_file(file, url.get_secret_value())


def _prepare_s3(layout: Layout) -> None:
    """Who may do what with the bucket, and the keys without which the server's other doors stay closed.

    Its parts ask one another by HTTP for data, with tokens that the keys sign, and by gRPC for all else, where each
    shows the one certificate. The HTTP doors of the master and the filer, of which the first gives tokens away, are
    closed by an option of the process.
    """
    folder, bucket = layout.folder("s3"), layout.bucket
    private_folder(folder / "data")
    reads = [f"Read:{bucket}", f"List:{bucket}"]
    writes = [*reads, f"Write:{bucket}/lake/*", f"Write:{bucket}/landing/*"]
    actions = {"admin": ["Admin"], "reader": reads, "publisher": writes, "upkeep": writes}
    identities = [
        {
            "name": role,
            "credentials": [{"accessKey": role, "secretKey": secret(layout.secrets, f"s3-{role}")}],
            "actions": allowed,
        }
        for role, allowed in actions.items()
    ]
    private_file(folder / "s3.json", json.dumps({"identities": identities}, indent=2))
    key, certificate = folder / "grpc-key.pem", folder / "grpc-certificate.pem"
    if not certificate.is_file():
        # It is its own authority: nobody but who has its key can show it, or another that it has signed.
        made = _certificate(layout, _OWN_CERTIFICATE_DAYS, "extendedKeyUsage=serverAuth,clientAuth")
        for file, text in zip((key, certificate), made, strict=True):
            private_file(file, text)
    doors = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
    sections = [f'[{door}]\nkey = "{secret(layout.secrets, f"s3-{door}")}"' for door in doors]
    sections.append(f"[grpc]\nca = {json.dumps(str(certificate))}")
    sections += [
        f"[grpc.{part}]\ncert = {json.dumps(str(certificate))}\nkey = {json.dumps(str(key))}"
        for part in ("master", "volume", "filer", "s3", "client")
    ]
    private_file(folder / "security.toml", "\n".join(sections) + "\n")


def prepare_nginx(layout: Layout, oidc: OpenIdConnect | None) -> None:
    """Its configuration, and where there are none passwords and a certificate."""
    folder, account = layout.folder("nginx"), layout.account("www-data")
    private_folder(folder / "tmp", account)
    private_file(folder / "nginx.conf", nginx.render(layout, oidc), account)
    if not (folder / nginx.PASSWORDS).is_file():
        lines = [
            f"{name}:{_openssl('passwd', '-6', '-stdin', told=login(layout, name)[0])}\n"
            for name in (nginx.ADMIN, nginx.VIEWER)
        ]
        private_file(folder / nginx.PASSWORDS, "".join(lines), account)
    if not (folder / nginx.CERTIFICATE).is_file():
        names = ",".join(f"DNS:{name}" for name in dict.fromkeys(("localhost", socket.gethostname())))
        key, certificate = _certificate(layout, _CERTIFICATE_DAYS, f"subjectAltName={names},IP:127.0.0.1")
        private_file(folder / nginx.KEY, key, account)
        private_file(folder / nginx.CERTIFICATE, certificate, account)


def _certificate(layout: Layout, days: int, extension: str) -> tuple[str, str]:
    """A new key, and a certificate that it has signed itself."""
    with tempfile.TemporaryDirectory(dir=layout.secrets) as made:
        key, certificate = Path(made) / "key", Path(made) / "certificate"
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", str(days), "-subj", f"/CN=taxiway {layout.deployment}", "-addext", extension),
            *("-keyout", str(key), "-out", str(certificate)),
        )
        return key.read_text(), certificate.read_text()


def _openssl(*words: str, told: str = "") -> str:
    done = subprocess.run(["openssl", *words], input=told, text=True, capture_output=True, check=False)
    if done.returncode:
        raise DeploymentError(f"openssl {words[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _prepare_workspaces(layout: Layout) -> None:
    """Where the webservers and the daemon find the code locations."""
    served = [
        {"grpc_server": {"socket": str(code_socket(layout, location)), "location_name": location}}
        for location in layout.locations
    ]
    for name in ("webserver", "viewer", "daemon"):
        private_file(layout.folder(name) / "workspace.yaml", yaml.safe_dump({"load_from": served}))


def _prepare_roles(layout: Layout) -> None:
    """For people at a shell: the variables of the deployment for each role, which name secrets but do not hold them."""
    for role in ROLES:
        account = READER if role == "reader" else OWNER
        private_file(layout.secrets / f"storage-{account}", storage_url(layout, account))
        variables = {
            **deployment_variables(layout),
            "TAXIWAY_DAGSTER_STORAGE_FILE": layout.secrets / f"storage-{account}",
            "AWS_ACCESS_KEY_ID": role,
            "AWS_SECRET_ACCESS_KEY_FILE": layout.secrets / f"s3-{role}",
        }
        lines = [f"export {name}={shlex.quote(str(value))}\n" for name, value in variables.items()]
        private_file(layout.stack / "as" / role, "".join(lines))
