"""The one list of what a deployment runs, in the order in which it starts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from taxiway.deployment import oidc
from taxiway.deployment.layout import Layout
from taxiway.deployment.probe import Probe
from taxiway.settings.connections import connection_variable
from taxiway.settings.secret import FILE

_WEBSERVER = "taxiway.servers.webserver"

STORAGE, S3_KEY, CONNECTION = "storage", "s3-key", "connection-"
"""Files in a process's folder: the URL of Dagster's storage, with its password, the secret key of the bucket, and what
those begin with that hold the URL of a connection."""


@dataclass(frozen=True)
class Process:
    """A process: how it is started, how one sees that it answers, and all that it is given.

    `ports` are those it listens on, `needs` the processes that must answer before. `folders` are those that it uses
    beside its own: `home`, `run`. `account` is whom it runs as where root starts the deployment, `packages` are
    Debian's. One that runs `once` does its work and ends. `stop` is the signal that ends it, within `stop_s` seconds;
    its children get it too unless it `ends_children` itself. In containers its processes are numbered together with
    those of `sees_processes_of`.
    """

    name: str
    command: tuple[str, ...]
    answers: Probe
    needs: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    folders: tuple[str, ...] = ()
    account: str = ""
    packages: tuple[str, ...] = ()
    once: bool = False
    stop: str = "TERM"
    stop_s: int = 20
    ends_children: bool = False
    sees_processes_of: str = ""


def processes(
    layout: Layout,
    settings: Mapping[str, str] = MappingProxyType({}),
    *,
    by_oidc: bool = False,
    connections: Collection[str] = (),
) -> tuple[Process, ...]:
    """Every process of a deployment; `settings` are further variables, for the code locations, which are given the
    URLs of `connections` too.

    One more where people log in `by_oidc`, OpenID Connect.
    """
    # A code location also makes the tables of Dagster's storage.
    served = tuple(map(code_process, layout.locations))
    return (
        _postgres(layout),
        _s3(layout),
        _bucket(layout),
        *(_code(layout, location, settings, connections) for location in layout.locations),
        _webserver(layout, "webserver", needs=served),
        # It executes no mutation, and the account of storage that it is given only reads.
        _webserver(layout, "viewer", "--read-only", needs=served),
        _daemon(layout, needs=served),
        *([_oauth2_proxy(layout)] if by_oidc else []),
        _nginx(layout, asks=(oidc.PROCESS,) if by_oidc else ()),
    )


def _postgres(layout: Layout) -> Process:
    folder, port = layout.folder("postgres"), str(layout.ports["postgres"])
    settings = {
        "listen_addresses": layout.listen,
        "port": port,
        "unix_socket_directories": str(layout.run / "postgres"),
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    host = layout.host("postgres")
    return Process(
        "postgres",
        (str(layout.postgres / "postgres"), "-D", str(folder / "data"), *options),
        Probe("program", f"{layout.postgres / 'pg_isready'} -q -h {host} -p {port}"),
        ports=("postgres",),
        folders=("run",),
        account="postgres",
        packages=("postgresql",),
        # Ends at once, without waiting for those who are connected.
        stop="INT",
        ends_children=True,
    )


def _s3(layout: Layout) -> Process:
    folder, ports = layout.folder("s3"), layout.ports
    options = {
        "dir": folder / "data",
        "ip": layout.host("s3"),
        "ip.bind": layout.listen,
        **{f"{part}.port": ports[part] for part in ("master", "volume", "filer", "s3")},
        **{f"{part}.port.grpc": ports[f"{part}-grpc"] for part in ("master", "volume", "filer", "s3")},
        "s3.config": folder / "s3.json",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "master.volumeSizeLimitMB": 1024,
        "volume.max": 0,  # as many as the disk takes
        "volume.preStopSeconds": 1,
        # Whoever asks the master by HTTP is given a token for any file; its parts ask by gRPC, with a certificate.
        "disableHttp": "true",
        # Alone, it need not wait for others to be there again after it was stopped.
        "master.electionTimeout": "1s",
        "master.telemetry": "false",
    }
    return Process(
        "s3",
        (
            *(str(layout.python / "weed"), f"-config_dir={folder}", "server", "-filer", "-s3"),
            *(f"-{name}={value}" for name, value in options.items()),
        ),
        Probe("http", f"http://{layout.address('s3')}/healthz"),
        ports=tuple(name for name in ports if name.split("-")[0] in {"s3", "filer", "volume", "master"}),
        # It tells the others and waits for them, though there are none.
        stop_s=40,
    )


def _bucket(layout: Layout) -> Process:
    """Makes the bucket, with the one key that may; nobody else is given that."""
    return Process(
        "bucket",
        _taxiway(layout, "make-bucket", layout.deployment),
        Probe("ended"),
        needs=("s3",),
        variables={**deployment_variables(layout), **_s3_key(layout, "admin", "bucket")},
        folders=("home",),
        once=True,
    )


def code_process(location: str) -> str:
    """The name of the process that serves a code location."""
    return f"code-{location}"


def code_socket(layout: Layout, location: str) -> Path:
    """Where a code location is served: a socket, as its server asks nobody who they are."""
    return layout.run / code_process(location) / "grpc.sock"


def connection_file(layout: Layout, process: str, connection: str) -> Path:
    """The file in a process's folder that holds a connection's URL."""
    return layout.folder(process) / f"{CONNECTION}{connection}"


def _first_code(layout: Layout) -> str:
    return code_process(next(iter(layout.locations)))


def _code(layout: Layout, location: str, settings: Mapping[str, str], connections: Collection[str]) -> Process:
    """A code location: its sensors look at the bucket, and each run is a process that it starts."""
    name, socket = code_process(location), code_socket(layout, location)
    found = layout.locations[location]
    served = ("--socket", str(socket), "--module-name", found.module, "--location-name", location)
    if found.folder is not None:
        served += ("--working-directory", str(layout.root / found.folder))
    urls = {f"{connection_variable(each)}{FILE}": str(connection_file(layout, name, each)) for each in connections}
    return Process(
        name,
        _exec(layout, "dagster", "api", "grpc", *served, compiled=True),
        Probe("code", f"unix:{socket}"),
        needs=("postgres", "bucket"),
        variables={
            **_dagster(layout, name),
            **settings,
            **urls,
            **_s3_key(layout, "publisher", name),
            "TAXIWAY_ROOT": str(found.project_root(layout.root)),
        },
        folders=("home", "run"),
        # A run that is ended says so in its log.
        stop_s=60,
        # The daemon looks at the runs of all locations, and can be numbered with one container alone.
        sees_processes_of="" if name == _first_code(layout) else _first_code(layout),
    )


def _webserver(layout: Layout, name: str, *options: str, needs: tuple[str, ...]) -> Process:
    port = str(layout.ports[name])
    workspace = str(layout.folder(name) / "workspace.yaml")
    command = ("python", "-m", _WEBSERVER, "--host", layout.listen, "--port", port, "--workspace", workspace)
    return Process(
        name,
        _exec(layout, *command, *options),
        Probe("http", f"http://{layout.address(name)}/server_info"),
        needs=needs,
        ports=(name,),
        variables=_dagster(layout, name),
        folders=("home", "run"),
    )


def _daemon(layout: Layout, needs: tuple[str, ...]) -> Process:
    """Queue, sensors, schedules, monitoring; it asks the code location to look at the bucket, and has no key of it."""
    return Process(
        "daemon",
        _exec(layout, "dagster-daemon", "run", "-w", str(layout.folder("daemon") / "workspace.yaml")),
        Probe("heartbeats", f"http://{layout.address('webserver')}/graphql"),
        needs=needs,
        variables=_dagster(layout, "daemon"),
        folders=("home", "run"),
        stop_s=40,
        # Its monitoring looks whether the process of a run is there.
        sees_processes_of=_first_code(layout),
    )


def _oauth2_proxy(layout: Layout) -> Process:
    """Logs people in with an identity provider, and tells nginx who they are."""
    return Process(
        oidc.PROCESS,
        (str(layout.python / "oauth2-proxy"), f"--config={oidc.configuration(layout)}"),
        Probe("http", f"http://{layout.address(oidc.PROCESS)}/ping"),
        ports=(oidc.PROCESS,),
    )


def _nginx(layout: Layout, asks: tuple[str, ...]) -> Process:
    folder = layout.folder("nginx")
    return Process(
        "nginx",
        ("/usr/sbin/nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")),
        Probe("login", f"https://{layout.address('nginx')}/"),
        needs=("webserver", "viewer", *asks),
        ports=("nginx",),
        account="www-data",
        packages=("nginx", "openssl"),
    )


def _taxiway(layout: Layout, *words: str) -> tuple[str, ...]:
    return (str(layout.python / "taxiway"), "deployment", *words)


def _exec(layout: Layout, *command: str, compiled: bool = False) -> tuple[str, ...]:
    program, *words = command
    return (*_taxiway(layout, "exec", *(["--compile"] if compiled else []), "--"), str(layout.python / program), *words)


def deployment_variables(layout: Layout) -> Mapping[str, str]:
    """The variables that say which deployment it is and where its parts are; none is a secret."""
    return {
        "TAXIWAY_DEPLOYMENT": layout.deployment,
        "TAXIWAY_ROOT": str(layout.root),
        "TAXIWAY_HOME": str(layout.home),
        "TAXIWAY_ENGINE": "duckdb",
        "TAXIWAY_LAKE": f"s3://{layout.bucket}/lake",
        "TAXIWAY_LANDING": f"s3://{layout.bucket}/landing",
        "AWS_ENDPOINT_URL": f"http://{layout.address('s3')}",
    }


def _dagster(layout: Layout, process: str) -> Mapping[str, str]:
    return {**deployment_variables(layout), "TAXIWAY_DAGSTER_STORAGE_FILE": str(layout.folder(process) / STORAGE)}


def _s3_key(layout: Layout, role: str, process: str) -> Mapping[str, str]:
    return {"AWS_ACCESS_KEY_ID": role, "AWS_SECRET_ACCESS_KEY_FILE": str(layout.folder(process) / S3_KEY)}
