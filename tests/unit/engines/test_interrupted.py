"""A signal that comes while DuckDB computes ends that as what its handler raised, which Dagster looks for."""

import os
import signal
import threading

import duckdb
import pytest

from taxiway.engines.duckdb import _told

ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"


class Interrupted(BaseException):
    """What the handler raises."""


def test_what_the_handler_of_a_signal_raises_is_what_the_query_raises() -> None:
    def handle(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGINT, handle)
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        timer.start()
        with pytest.raises(Interrupted), _told(), duckdb.connect() as connection:
            connection.sql(ENDLESS).fetchall()
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
