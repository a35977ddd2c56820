"""`taxiway deployment`: a deployment with servers of its own, on this machine or in containers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxiway.cli.options import Json
from taxiway.cli.output import hint, print_json, print_rows, say
from taxiway.cli.program import called, near
from taxiway.errors import UsageError

if TYPE_CHECKING:
    from taxiway.deployment.stack import Stack

deployment = typer.Typer(no_args_is_help=True, add_completion=False, help="Start, end, look at and make deployments.")

_COLUMNS = ("process", "pid", "state", "since", "address")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The deployment: a folder of deployments/.")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", metavar="N", min=1024, help="The port of https; those after it are used on this machine alone."
    ),
]


@deployment.command()
def start(name: Name, port: Port = None) -> None:
    """Start all of a deployment's servers on this machine, and say where they answer and how to log in."""
    from taxiway.deployment.oidc import OpenIdConnect
    from taxiway.deployment.prepare import is_new
    from taxiway.settings import LoginSettings, load_connections, load_group

    oidc = OpenIdConnect.of(load_group(LoginSettings, name))
    stack = _stack(name, port)
    if stack.is_started():
        hint(f"{name} runs already; end it with: {_command('stop', name)}")
        _tell_where(stack)
        _tell_states(stack, as_json=False)
        return
    first = is_new(stack.layout)
    stack.start(hint, oidc, load_connections())
    _tell_where(stack)
    if oidc is None:
        _tell_logins(stack, shown=first)
    else:
        say(f"people log in to {oidc.issuer}; members of {oidc.admins} may do everything")
    hint(f"a shell that publishes: . {near(stack.layout.stack / 'as' / 'publisher')}")


@deployment.command()
def stop(name: Name) -> None:
    """End all of a deployment's servers, with the runs that are underway; what they keep stays."""
    ended = _stack(name).stop()
    hint(f"{name} has ended" if ended else f"{name} did not run")


@deployment.command()
def status(name: Name, as_json: Json = False) -> None:
    """Show each process of a deployment; exits with 1 unless all of them run."""
    _tell_states(_stack(name), as_json=as_json)


@deployment.command()
def new(name: Name, port: Port = None) -> None:
    """Write the folder of a further deployment, as staging's."""
    from taxiway.deployment.new import new_deployment
    from taxiway.settings import project_root

    folder, chosen = new_deployment(project_root(), name, port)
    say(f"{near(folder)}/settings.toml is written, with port {chosen}; change what is to differ")
    hint(f"start it with: {_command('start', name)}")


@deployment.command()
def render(
    name: Name,
    folder: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where to write them.")],
    port: Port = None,
) -> None:
    """Write a compose file, and the Dockerfile of its image, for the same processes in containers."""
    from taxiway.deployment import Layout, processes
    from taxiway.deployment.containers import render_compose, render_dockerfile
    from taxiway.settings import project_root

    root = project_root()
    layout = Layout.containers(name, root, port or _port(name))
    listed, target = processes(layout), folder.absolute()
    target.mkdir(parents=True, exist_ok=True)
    (target / "Dockerfile").write_text(render_dockerfile(layout, listed, root))
    (target / "compose.yaml").write_text(render_compose(layout, listed, target, root))
    say(f"{near(target)}/compose.yaml and Dockerfile are written")


@deployment.command(hidden=True)
def prepare(name: Name, port: Port = None) -> None:
    """Make what the processes in containers find."""
    from taxiway.deployment import Layout, processes
    from taxiway.deployment.prepare import prepare
    from taxiway.settings import project_root

    layout = Layout.containers(name, project_root(), port or _port(name))
    prepare(layout, processes(layout))


@deployment.command("make-bucket", hidden=True)
def make_bucket(name: Name) -> None:
    """Make the bucket of the lake and the landing zone, with a key that may."""
    from taxiway.deployment.bucket import make_bucket

    make_bucket(name)


@deployment.command("exec", hidden=True)
def become(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...")],
    *,
    compiled: Annotated[bool, typer.Option("--compile", help="Have dbt compile the project's models first.")] = False,
) -> None:
    """Become a server of Dagster's for the deployment that the environment names."""
    from taxiway.deployment.server import become
    from taxiway.settings import load_settings

    become(load_settings(), command, compiled=compiled)


def _stack(name: str, port: int | None = None) -> "Stack":
    """The servers of a deployment on this machine: in TAXIWAY_HOME, by default a folder of the project."""
    from taxiway.deployment.stack import Stack
    from taxiway.settings import project_root, servers_home

    root = project_root()
    return Stack(name, root, servers_home(name, root), port or _port(name))


def _port(name: str) -> int:
    from taxiway.settings import ServerSettings, load_group

    port = load_group(ServerSettings, name).port
    if port is None:
        raise UsageError(f"the deployment {name} has no servers: set port in deployments/{name}/settings.toml")
    return port


def _command(word: str, name: str) -> str:
    return f"{called('taxiway')} deployment {word} {name}"


def _tell_where(stack: "Stack") -> None:
    say(f"https://localhost:{stack.layout.port}")


def _tell_logins(stack: "Stack", *, shown: bool) -> None:
    """The log-ins, with their passwords where they have just been made, else where those are kept."""
    from taxiway.deployment.nginx import ADMIN, VIEWER
    from taxiway.deployment.prepare import login

    for who, what in ((ADMIN, "does everything"), (VIEWER, "only reads")):
        password, file = login(stack.layout, who)
        say(f"{who} {what}; " + (f"password {password}, " if shown else "its password is ") + f"kept in {near(file)}")


def _tell_states(stack: "Stack", *, as_json: bool) -> None:
    states = stack.states()
    rows = [
        {"process": each.name, "pid": each.pid, "state": each.state, "since": each.since, "address": each.address}
        for each in states
    ]
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, _COLUMNS)
    if not all(each.is_well for each in states):
        raise typer.Exit(1)
