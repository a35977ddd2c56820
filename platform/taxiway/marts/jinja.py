"""What dbt's Jinja may not ask: what differs between two runs over the same files and the same tables."""

from collections.abc import Iterator
from typing import cast

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError

from taxiway.marts import sql

_VARIABLE = "declare a variable in dbt_project.yml and write var('name'), which settings can give a value"
_REFUSED = {
    "env_var": f"env_var() reads the environment: {_VARIABLE}",
    "run_started_at": f"run_started_at is the time of the run: {_VARIABLE}",
    "invocation_id": "invocation_id differs from run to run: leave it out; taxiway history tells a table's runs",
    "invocation_args_dict": f"invocation_args_dict tells how dbt was called: {_VARIABLE}",
    "selected_resources": "selected_resources depends on what else a run makes: ref() what the model reads",
    "thread_id": "thread_id differs from run to run: leave it out",
}
_CLOCK = f"modules.datetime can tell the time: {_VARIABLE}, or compute with dates in SQL"
_QUERIES = ("run_query", "statement")


def problems(template: str) -> Iterator[str]:
    """Why what a template gives may differ between two runs, with what to write instead.

    Comments and what is no Jinja are not looked at. A template that cannot be parsed has none: dbt says so.
    """
    try:
        tree = _environment().parse(template)
    except TemplateSyntaxError:
        return
    with_attribute = tree.find_all((nodes.Getattr, nodes.Getitem))
    harmless = {id(node.node) for node in with_attribute if _attribute(node) not in (None, "datetime")}
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Filter)):
        name = node.name if isinstance(node, nodes.Name) and node.ctx == "load" else _attribute(node)
        if name in _REFUSED:
            yield _REFUSED[name]
        elif isinstance(node, nodes.Name) and name == "modules" and id(node) not in harmless:
            yield _CLOCK
        elif isinstance(node, nodes.Filter) and node.name == "random":
            yield "the filter random differs from run to run: choose by the row's key in SQL"
        elif name == "path" and _is_target(node):
            yield "target.path differs from run to run: leave it out"
    yield from _queried(tree)


def _queried(tree: nodes.Template) -> Iterator[str]:
    """The problems of the SQL that a template has dbt execute while it compiles."""
    for block in tree.find_all((nodes.Call, nodes.CallBlock)):
        call = cast(nodes.Call, block.call) if isinstance(block, nodes.CallBlock) else block
        if not isinstance(call.node, nodes.Name) or call.node.name not in _QUERIES:
            continue
        for text in block.find_all((nodes.Const, nodes.TemplateData)):
            written = text.data if isinstance(text, nodes.TemplateData) else text.value
            if isinstance(written, str):
                yield from sql.words(written)


def _attribute(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return str(node.arg.value)
    return None


def _is_target(node: nodes.Node) -> bool:
    of = node.node if isinstance(node, nodes.Getattr | nodes.Getitem) else None
    return isinstance(of, nodes.Name) and of.name == "target"


def _environment() -> Environment:
    from dbt_common.clients.jinja import get_environment

    return get_environment(None)
