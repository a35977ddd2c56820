"""What a webserver for readers lets pass."""

import asyncio
from typing import Any

import pytest
from dagster_graphql.schema import create_schema
from dagster_webserver.webserver import DagsterWebserver
from graphql import parse, specified_rules, validate
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from taxiway.servers.webserver import BY_GET, REFUSED, NoMutation, OnlyReading, ReadOnlyWebserver, Webserver

SCHEMA = create_schema().graphql_schema


def answered(method: str, path: str, kind: str = "http") -> int:
    """The status that a request gets; 200 stands for its being passed on."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent.append({"status": 200})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any: ...

    asyncio.run(OnlyReading(app)({"type": kind, "method": method, "path": path}, receive, send))
    return sent[0]["status"]


@pytest.mark.parametrize("text", ["mutation { setNuxSeen }", "query A { version } mutation B { setNuxSeen }"])
def test_a_document_with_a_mutation_is_refused(text: str) -> None:
    assert validate(SCHEMA, parse(text), specified_rules) == []
    assert [error.message for error in validate(SCHEMA, parse(text), (*specified_rules, NoMutation))] == [REFUSED]


@pytest.mark.parametrize("text", ["{ version }", "query A { version } query B { version }"])
def test_queries_pass(text: str) -> None:
    assert validate(SCHEMA, parse(text), (*specified_rules, NoMutation)) == []


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("HEAD", "/runs"), ("GET", "/logs/x"), ("POST", "/graphql")]
)
def test_reading_passes(method: str, path: str) -> None:
    assert answered(method, path) == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/report_asset_materialization/x", "/report_asset_check/x", "/", "/graphql/", "//graphql"]
)
def test_no_other_method_does(method: str, path: str) -> None:
    assert answered(method, path) == 403


@pytest.mark.parametrize("kind", [Webserver, ReadOnlyWebserver])
@pytest.mark.parametrize(
    ("method", "query", "passes"),
    [
        ("GET", b"query=mutation%20%7B%20setNuxSeen%20%7D", False),
        ("GET", b"variables=%7B%7D&query=%7B%20version%20%7D", False),
        ("GET", b"", True),
        ("POST", b"", True),
    ],
)
def test_no_document_is_executed_that_comes_by_get(
    monkeypatch: pytest.MonkeyPatch, kind: type[Webserver], method: str, query: bytes, passes: bool
) -> None:
    async def executed(webserver: Any, request: Request) -> Response:
        return PlainTextResponse("executed")

    monkeypatch.setattr(DagsterWebserver, "graphql_http_endpoint", executed)
    scope = {"type": "http", "method": method, "path": "/graphql", "query_string": query, "headers": []}
    answer = asyncio.run(kind.__new__(kind).graphql_http_endpoint(Request(scope)))
    assert (answer.status_code, bytes(answer.body).decode()) == ((200, "executed") if passes else (405, BY_GET))


def test_websockets_pass_as_only_subscriptions_can_be_asked_for_there() -> None:
    assert answered("GET", "/graphql", "websocket") == 200
