"""A server of the S3 protocol for tests: SeaweedFS, started by the first test that asks for it."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store
from pydantic import SecretStr

from taxiway.storage import S3, Store

BUCKET = "taxiway"
_KEYS = {
    "writer": ("writing", "writing-secret", ["Admin", "Read", "List", "Write", "Tagging"]),
    "reader": ("reading", "reading-secret", [f"Read:{BUCKET}", f"List:{BUCKET}"]),
}
_STARTS_S = 60


@dataclass
class Server:
    """A server in a folder, on ports of its own; it can be stopped and started again."""

    folder: Path
    ports: dict[str, int]
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    def s3(self, who: str = "writer") -> S3:
        """How it is reached, with the keys of one who may write or who may only read."""
        key, secret, _ = _KEYS[who]
        return S3(self.endpoint, access_key_id=SecretStr(key), secret_access_key=SecretStr(secret))

    def environment(self, who: str = "writer") -> dict[str, str]:
        """The same as variables."""
        key, secret, _ = _KEYS[who]
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}

    def store(self) -> Store:
        """An empty place in its bucket."""
        return Store(f"s3://{BUCKET}/{uuid4().hex}", self.s3())

    def start(self) -> None:
        """Start it and wait until it takes a file, at most a minute."""
        program = Path(sys.executable).with_name("weed")
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [_identity(name, *keys) for name, keys in _KEYS.items()]}))
        options = {
            "dir": self.folder,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.port": self.ports["master"],
            "master.port.grpc": self.ports["master_grpc"],
            "volume.port": self.ports["volume"],
            "volume.port.grpc": self.ports["volume_grpc"],
            "filer.port": self.ports["filer"],
            "filer.port.grpc": self.ports["filer_grpc"],
            "s3.port": self.ports["s3"],
            "s3.port.grpc": self.ports["s3_grpc"],
            "s3.config": config,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "master.volumeSizeLimitMB": 64,
            # Alone, it need not wait for others to be there again after it was stopped.
            "master.electionTimeout": "1s",
            "master.telemetry": "false",
            "volume.max": 100,
        }
        with (self.folder / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "server", "-filer", "-s3", *(f"-{name}={value}" for name, value in options.items())],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self._await()

    def stop(self) -> None:
        """End it, as when its machine fails."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _await(self) -> None:
        key, secret, _ = _KEYS["writer"]
        bucket = S3Store(
            BUCKET,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=key,
            secret_access_key=secret,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )
        end = time.monotonic() + _STARTS_S
        while True:
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > end:
                told = (self.folder / "weed.log").read_text()[-2000:]
                raise RuntimeError(f"SeaweedFS did not start within {_STARTS_S} s:\n{told}")
            with contextlib.suppress(BaseError, OSError):
                obstore.put(bucket, f"ready/{uuid4().hex}", b"1")
                return
            time.sleep(0.1)


def _identity(name: str, key: str, secret: str, actions: list[str]) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}


def _free_ports(names: list[str]) -> dict[str, int]:
    held = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
    ports = {name: place.getsockname()[1] for name, place in held.items()}
    for place in held.values():
        place.close()
    return ports


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server that ends, with all that it holds, with the block."""
    # Its folder is its own and short-lived: what it holds is many times what the tests put there.
    folder = Path(tempfile.mkdtemp(prefix="seaweed-"))
    names = ["master", "volume", "filer", "s3"]
    server = Server(folder, _free_ports([*names, *(f"{name}_grpc" for name in names)]))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def s3() -> Iterator[Server]:
    """A server for all tests of a process; none of them stops it."""
    with serving() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty place for files: a folder, or one in a bucket."""
    if request.param == "folder":
        return Store(str(tmp_path / "store"))
    server: Server = request.getfixturevalue("s3")
    return server.store()
