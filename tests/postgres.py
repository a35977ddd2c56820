"""A server of PostgreSQL for tests, started by the first test that asks for it, and an empty database for each."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.working import unavailable

USER, PASSWORD = "taxiway", "s3cret/word"
_STARTS_S = 60
_PLACES = (Path("/usr/lib/postgresql"), Path("/usr/pgsql"), Path("/opt/homebrew/opt"))
# What is lost when the machine fails is lost with the test.
_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "16MB"}


@dataclass
class Database:
    """A database, reached by `url`."""

    folder: Path
    name: str = "postgres"

    @property
    def url(self) -> str:
        return self.url_of(USER, PASSWORD)

    def url_of(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{quote(password, safe='')}@/{self.name}?host={self.folder}"

    @contextmanager
    def connected(self) -> Iterator[Any]:
        """A connection of which each statement is a transaction of its own."""
        import psycopg2

        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            yield connection

    def do(self, statement: str, *values: Any) -> None:
        with self.connected() as connection:
            connection.cursor().execute(statement, values or None)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


def _program(name: str) -> str:
    found = [*(str(path) for place in _PLACES for path in sorted(place.glob(f"*/bin/{name}"))), shutil.which(name)]
    return next((path for path in found if path), "")


@contextmanager
def serving() -> Iterator[Database]:
    """A server on a socket of its own folder, which ends with the block."""
    initdb, server = _program("initdb"), _program("postgres")
    if not initdb or not server:
        unavailable("PostgreSQL is not installed")
    # A socket's path is short, and no ancestor of it may be closed to the user of the server.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    # It refuses to run as root.
    as_user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if as_user:
        for path in (folder, secret):
            shutil.chown(path, "postgres", "postgres")
    folder.chmod(0o755)
    options = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync"]
    process: subprocess.Popen[Any] | None = None
    try:
        with (folder.with_suffix(".log")).open("wb") as log:
            subprocess.run(
                [initdb, "-D", folder / "data", *options], check=True, stdout=log, stderr=log, cwd="/", **as_user
            )
            settings = _QUICK | {"listen_addresses": "", "unix_socket_directories": str(folder)}
            words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
            process = subprocess.Popen(
                [server, "-D", folder / "data", *words], stdout=log, stderr=log, cwd="/", **as_user
            )
        database = Database(folder)
        _await(database, process, folder.with_suffix(".log"))
        yield database
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".log").unlink(missing_ok=True)


def _await(database: Database, process: subprocess.Popen[Any], log: Path) -> None:
    import psycopg2

    end = time.monotonic() + _STARTS_S
    while True:
        try:
            database.rows("SELECT 1")
        except psycopg2.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """A server for all tests of a process."""
    if not _has_driver():
        unavailable("psycopg2 is not installed")
    with serving() as database:
        yield database


@pytest.fixture
def database(postgres: Database) -> Database:
    """An empty database."""
    name = f"t{uuid4().hex}"
    postgres.do(f"CREATE DATABASE {name}")
    return Database(postgres.folder, name)


def _has_driver() -> bool:
    try:
        import psycopg2  # noqa: F401
    except ImportError:
        return False
    return True
