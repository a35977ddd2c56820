"""Dagster's webserver for a deployment with log-ins: it knows who asks, and one that is to read only does nothing else.

`python -m taxiway.servers.webserver` takes the place of `dagster-webserver`, whose `--read-only` looks at
permissions mutation by mutation: some ask for none, and what a later release adds need not either. Here no mutation is
executed at all, and no method passes that changes something.
"""

import argparse
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import uvicorn
from dagster._core.storage.tags import REPORTING_USER_TAG
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.interrupts import setup_interrupt_handlers
from dagster._utils.log import configure_loggers
from dagster_webserver.cli import (
    DEFAULT_DB_STATEMENT_TIMEOUT,
    DEFAULT_POOL_MAX_OVERFLOW,
    DEFAULT_POOL_RECYCLE,
)
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from graphql import (
    ASTValidationRule,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    specified_rules,
)
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from taxiway.users import UNKNOWN, USER_HEADER, asking

REFUSED = "this log-in only reads"
"""What whoever asks for a change is told."""

BY_GET = "a document of GraphQL is sent by POST"
"""What whoever sends one by GET is told."""

_GRAPHQL = "/graphql"
_READS = frozenset({"GET", "HEAD"})
_LOOK_MS = 2000


class Webserver(DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext]):
    """Dagster's own, which knows who asks, and executes what a POST or a websocket brings alone."""

    @contextmanager
    def request_context(self, conn: HTTPConnection) -> Iterator[WorkspaceRequestContext]:
        """The context of a request, during which it is known who asks."""
        token = asking.set(conn.headers.get(USER_HEADER) or UNKNOWN)
        try:
            with super().request_context(conn) as context:
                yield context
        finally:
            asking.reset(token)

    async def graphql_http_endpoint(self, request: Request) -> HTMLResponse | PlainTextResponse | JSONResponse:
        """Dagster's own, but for a document that comes by GET.

        A browser sends such a request for a page of others, as for a picture, with the log-in and without an Origin.
        """
        if request.method == "GET" and "query" in request.query_params:
            return PlainTextResponse(BY_GET, status_code=405, headers={"Allow": "POST"})
        return await super().graphql_http_endpoint(request)


class ReadOnlyWebserver(Webserver):
    """One that refuses whatever is not reading."""

    def build_graphql_validation_rules(self) -> Collection[type[ASTValidationRule]]:
        """GraphQL's own rules, and that there be no mutation. Subscriptions, on websockets, can have none in them."""
        return (*specified_rules, NoMutation)

    def build_middleware(self) -> list[Middleware]:
        """Before all of Dagster's pages, that nothing is sent to them but queries."""
        return [Middleware(OnlyReading), *super().build_middleware()]


class NoMutation(ASTValidationRule):
    """A rule for documents of GraphQL: none of their operations is a mutation."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Report an operation that is one."""
        if node.operation is OperationType.MUTATION:
            self.report_error(GraphQLError(REFUSED, node))


class OnlyReading:
    """Lets requests pass by methods that read, and queries in the body of a POST."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to whatever else is asked."""
        is_query = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == _GRAPHQL
        if scope["type"] != "http" or scope["method"] in _READS or is_query:
            await self.app(scope, receive, send)
        else:
            await JSONResponse({"error": REFUSED}, status_code=403)(scope, receive, send)


class _Request(WorkspaceRequestContext):
    """The context of a request, which tells who reports what no run made."""

    def get_reporting_user_tags(self) -> dict[str, str]:
        user = asking.get(None)
        return {} if user is None else {REPORTING_USER_TAG: user}


class _Workspace(WorkspaceProcessContext):
    def create_request_context(self, source: object | None = None) -> WorkspaceRequestContext:
        return _Request(
            instance=self.instance,
            current_workspace=self.get_current_workspace(),
            process_context=self,
            version=self.version,
            source=source,
            read_only=self._read_only,
        )


def serve(host: str, port: int, workspace: str, *, read_only: bool) -> None:
    """Serve Dagster's pages, of the instance that DAGSTER_HOME names, until this process is told to end."""
    configure_loggers(formatter="colored", log_level="INFO")
    setup_interrupt_handlers()
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
        target = WorkspaceFileTarget([workspace])
        with _Workspace(instance, target, __version__, read_only=read_only) as process:
            kind = ReadOnlyWebserver if read_only else Webserver
            app = kind(process, live_data_poll_rate=_LOOK_MS).create_asgi_app()
            logging.getLogger("dagster-webserver").info(f"Serving on http://{host}:{port}")
            uvicorn.run(app, host=host, port=port, log_level="warning")


def _main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="taxiway.servers.webserver")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--read-only", action="store_true")
    told = parser.parse_args(words)
    serve(told.host, told.port, told.workspace, read_only=told.read_only)


if __name__ == "__main__":
    _main()
