"""What dbt's Jinja may not ask: what differs between two runs over the same files and the same tables."""

from collections.abc import Collection, Iterator, Sequence

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError

from taxiway.marts import sql

_VARIABLE = "declare a variable in dbt_project.yml and write var('name'), which settings can give a value"
HOOK = "what a hook does is in no model, so a change of it would not be seen: write it in the models"
_HEADER = f"sql_header: {HOOK}"
_REFUSED = {
    "set_sql_header": _HEADER,
    "env_var": f"env_var() reads the environment: {_VARIABLE}",
    "run_started_at": f"run_started_at is the time of the run: {_VARIABLE}",
    "invocation_id": "invocation_id differs from run to run: leave it out; taxiway history tells a table's runs",
    "invocation_args_dict": f"invocation_args_dict tells how dbt was called: {_VARIABLE}",
    "selected_resources": "selected_resources depends on what else a run makes: ref() what the model reads",
    "thread_id": "thread_id differs from run to run: leave it out",
}
_CLOCK = f"modules.datetime can tell the time: {_VARIABLE}, or compute with dates in SQL"
_QUERIES = ("run_query", "statement")
_QUERIES_OF_ADAPTER = ("execute", "add_query")
# What the platform gives to the profile alone.
_OF_THE_RUN = ("scratch", "threads", "memory_limit")
_SAME_TARGET = ("name", "target_name", "profile_name", "type", "schema", "database")
_SAME = f"{', '.join(_SAME_TARGET[:-1])} and {_SAME_TARGET[-1]}"


def problems(template: str, *, macros: Sequence[str] = (), declared: Collection[str] | None = None) -> Iterator[str]:
    """Why what a template gives may differ between two runs, with what to write instead.

    `macros` are the texts of those that it calls, `declared` the variables of the project, any for None. Comments and
    what is no Jinja are not looked at. A template that cannot be parsed has no problems: dbt says so.
    """
    tree = _parsed(template)
    if tree is None:
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
    if any(constant.value == "sql_header" for constant in tree.find_all(nodes.Const)):
        yield _HEADER
    yield from _of_target(tree)
    yield from _of_variables(tree, declared)
    yield from _queried([tree, *filter(None, map(_parsed, macros))])


def _of_target(tree: nodes.Template) -> Iterator[str]:
    """What a template reads of the profile that may be another one on another machine."""
    if any(name.name == "target" and name.ctx == "param" for name in tree.find_all(nodes.Name)):
        return  # a macro's own parameter
    named = {id(of): _attribute(node) for node in tree.find_all((nodes.Getattr, nodes.Getitem)) if (of := node.node)}
    for node in tree.find_all(nodes.Name):
        member = named.get(id(node))
        if node.name == "target" and member not in _SAME_TARGET:
            told = f"target.{member}" if member else "target"
            yield f"{told} depends on the run or its machine, as only its {_SAME} do not: {_VARIABLE}"


def _of_variables(tree: nodes.Template, declared: Collection[str] | None) -> Iterator[str]:
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "var" and call.args:
            name = call.args[0].value if isinstance(call.args[0], nodes.Const) else None
            if name in _OF_THE_RUN:
                yield f"var('{name}') depends on the machine: leave it out"
            elif name is not None and declared is not None and name not in declared:
                yield f"var('{name}') is not declared: give it a value under vars in dbt_project.yml"


def _queried(trees: Sequence[nodes.Template]) -> Iterator[str]:
    """The problems of the SQL that templates which call each other have dbt execute while it compiles.

    It may be put together anywhere in them, so all their texts are looked at where one of them executes any.
    """
    if any(_executes(call) for tree in trees for call in tree.find_all(nodes.Call)):
        for text in (text for tree in trees for text in tree.find_all((nodes.Const, nodes.TemplateData))):
            written = text.data if isinstance(text, nodes.TemplateData) else text.value
            if isinstance(written, str):
                yield from sql.words(written)


def _executes(call: nodes.Call) -> bool:
    if isinstance(call.node, nodes.Name):
        return call.node.name in _QUERIES
    return _attribute(call.node) in (*_QUERIES, *_QUERIES_OF_ADAPTER)


def _parsed(template: str) -> nodes.Template | None:
    try:
        return _environment().parse(template)
    except TemplateSyntaxError:
        return None


def _attribute(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return str(node.arg.value)
    return None


def _environment() -> Environment:
    from dbt_common.clients.jinja import get_environment

    return get_environment(None)
