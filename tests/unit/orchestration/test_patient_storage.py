"""Dagster's storage on a server that ends connections; the server itself is killed in the tests of a deployment."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dagster_postgres.utils import DagsterPostgresException, retry_pg_connection_fn
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from tests.postgres import PASSWORD, USER, Database

from taxiway.orchestration import patient_storage
from taxiway.orchestration.patient_storage import PatientPostgresStorage, be_patient


class Interface:
    def store(self, told: str) -> str:
        raise NotImplementedError


class Storage(Interface):
    """Loses its connection so often, before it stores something."""

    def __init__(self, error: Callable[[], Exception], times: int) -> None:
        self._error, self._left, self.stored = error, times, list[str]()

    def store(self, told: str) -> str:
        if self._left:
            self._left -= 1
            raise self._error()
        self.stored.append(told)
        return told.upper()


def lost(invalidated: bool = True) -> OperationalError:
    return OperationalError("INSERT", {}, Exception("gone"), connection_invalidated=invalidated)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_storage, "_LOOK_S", 0.01)


def patient(error: Callable[[], Exception], times: int) -> Storage:
    storage = Storage(error, times)
    be_patient(storage, Interface)
    return storage


def test_what_a_lost_connection_interrupts_is_done_again() -> None:
    storage = patient(lost, 3)
    assert storage.store("event") == "EVENT"
    assert storage.stored == ["event"]


def test_any_other_error_is_raised_at_once() -> None:
    storage = patient(lambda: lost(invalidated=False), 1)
    with pytest.raises(OperationalError):
        storage.store("event")
    assert storage.store("event") == "EVENT"


def test_a_server_that_does_not_come_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_storage, "PATIENCE_S", 0.05)
    with pytest.raises(OperationalError, match="gone"):
        patient(lost, 10**6).store("event")


def not_connected(engine: Engine) -> Exception:
    """What Dagster raises where a server is not connected to."""
    try:
        retry_pg_connection_fn(engine.connect, retry_limit=0)
    except DagsterPostgresException as error:
        return error
    raise AssertionError("it is connected")


@pytest.mark.parametrize(
    ("user", "password", "name"),
    [(USER, "wrong", ""), ("nobody", "x", ""), (USER, PASSWORD, "_gone")],
    ids=["password", "user", "database"],
)
def test_a_server_that_refuses_is_not_waited_for(database: Database, user: str, password: str, name: str) -> None:
    url = Database(database.folder, database.name + name).url_of(user, password)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))

    storage = patient(partial(not_connected, engine), 1)
    with pytest.raises(DagsterPostgresException):
        storage.store("event")
    assert storage.store("event") == "EVENT"


def test_a_server_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    engine = create_engine(f"postgresql+psycopg2://{USER}@/x?host={tmp_path}")

    assert patient(partial(not_connected, engine), 2).store("event") == "EVENT"


def test_a_connection_that_the_server_ends_in_a_statement_is_replaced(database: Database) -> None:
    storage = PatientPostgresStorage(database.url.replace("postgresql:", "postgresql+psycopg2:"))
    runs: Any = storage.run_storage
    killed = list[bool]()

    def ends_once(connection: Any, *_: Any) -> None:
        if not killed:
            killed.append(True)
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    event.listen(runs._engine, "before_cursor_execute", ends_once)
    assert runs.get_runs() == []
    assert killed == [True]
