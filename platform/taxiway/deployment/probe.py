"""How one sees that a process answers; `python -m taxiway.deployment.probe KIND ADDRESS` does, for a container."""

import json
import shlex
import ssl
import subprocess
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_LOOK_S = 5
_HEARTBEATS = "{ instance { daemonHealth { allDaemonStatuses { required healthy lastHeartbeatTime } } } }"


@dataclass(frozen=True)
class Probe:
    """What to ask, of which address.

    `program` is a command that succeeds, `http` a page, `login` a page that wants a log-in, `code` the health service
    of gRPC, `heartbeats` those of Dagster's daemon as a webserver knows them, `ended` nothing: the process does one
    thing and ends.
    """

    kind: Literal["program", "http", "login", "code", "heartbeats", "ended"]
    address: str = ""

    def answers(self, since: float = 0.0) -> bool:
        """Whether it answers now, and has since `since`, in seconds since 1970, where it tells of the past."""
        look = {
            "program": lambda: _succeeds(self.address),
            "http": lambda: _status(self.address) == HTTPStatus.OK,
            "login": lambda: _status(self.address) == HTTPStatus.UNAUTHORIZED,
            "code": lambda: _serves(self.address),
            "heartbeats": lambda: _beats(self.address, since),
            "ended": lambda: False,
        }
        try:
            return look[self.kind]()
        except (OSError, ValueError, KeyError, TypeError):
            return False


def _succeeds(command: str) -> bool:
    try:
        done = subprocess.run(shlex.split(command), capture_output=True, timeout=_LOOK_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _status(url: str) -> int:
    try:
        # The certificate is the deployment's own, and nothing is told to whoever has it.
        with urlopen(url, timeout=_LOOK_S, context=ssl._create_unverified_context()) as response:
            return response.status
    except HTTPError as error:
        return error.code


def _beats(url: str, since: float) -> bool:
    request = Request(url, json.dumps({"query": _HEARTBEATS}).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=_LOOK_S) as response:
        found: list[dict[str, Any]] = json.load(response)["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
    needed = [daemon for daemon in found if daemon["required"]]
    return bool(needed) and all(daemon["healthy"] and daemon["lastHeartbeatTime"] >= since for daemon in needed)


def _serves(address: str) -> bool:
    import grpc
    from grpc_health.v1 import health_pb2
    from grpc_health.v1.health_pb2_grpc import HealthStub

    with grpc.insecure_channel(address) as channel:
        try:
            check: Any = HealthStub(channel).Check  # pyright: ignore[reportAttributeAccessIssue]
            found = check(health_pb2.HealthCheckRequest(service="DagsterApi"), timeout=_LOOK_S)
        except grpc.RpcError:
            return False
    return found.status == health_pb2.HealthCheckResponse.SERVING


if __name__ == "__main__":
    sys.exit(0 if Probe(*sys.argv[1:]).answers() else 1)  # pyright: ignore[reportArgumentType]
