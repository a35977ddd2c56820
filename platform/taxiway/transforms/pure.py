"""That a Python function depends on nothing but its arguments, as far as its source tells.

Looked through are the function and what it uses of its project: helpers, classes, constants of modules. What installed
packages do, what is reached through a value (a method of an argument, say), and what `eval` runs is not seen.
"""

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import resolve_name
from typing import Any

from taxiway.errors import DefinitionError
from taxiway.transforms import impure
from taxiway.transforms.sources import found, installed_as, is_source, text_of

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass
class _Scope:
    """Names of a module, or of a function around the one that is looked at, and what stands for them."""

    module: str
    place: str
    imports: dict[str, str] = field(default_factory=dict)
    bound: dict[str, list[ast.AST]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)


def check_pure(function: Callable[..., Any], table: str) -> None:
    """Raise DefinitionError where a function of a table asks for the environment, the clock or random numbers, or opens
    files or connections, with the place and what to do instead."""
    problems = list(dict.fromkeys(_Walk().of(function)))
    if problems:
        raise DefinitionError(f"{table}: {function.__name__} would not give the same rows again: {'; '.join(problems)}")


class _Walk:
    """One look at a function and all that it reaches; each definition once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, type, int, int]] = set()
        self._scopes: dict[str, _Scope | None] = {}
        self._ahead: list[tuple[ast.AST, tuple[_Scope, ...]]] = []

    def of(self, function: Any) -> Iterator[str]:
        """The problems of a function."""
        self._ahead += self._start(inspect.unwrap(function))
        while self._ahead:
            node, scopes = self._ahead.pop()
            key = (scopes[-1].place, type(node), getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
            if key not in self._seen:
                self._seen.add(key)
                yield from self._look(node, scopes)

    def _start(self, function: Any) -> Iterator[tuple[ast.AST, tuple[_Scope, ...]]]:
        scope = self._scope(function.__module__)
        if scope is not None:
            path = _path_to(scope.bound[""][0], function.__name__, function.__code__.co_firstlineno)
            if path:
                functions = [node for node in path[:-1] if isinstance(node, _FUNCTIONS)]
                around = [_scope_of(node, scope.module, scope.place) for node in functions]
                yield path[-1], (*reversed(around), scope)
            return
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError):
            return
        scope = _scope_of(tree, function.__module__, f"<{function.__name__}>")
        for name, value in function.__globals__.items():
            self._typed_in(scope, name, value)
        yield tree, (scope,)

    def _typed_in(self, scope: _Scope, name: str, value: Any) -> None:
        """What a name of a notebook stands for."""
        if inspect.ismodule(value):
            scope.imports.setdefault(name, value.__name__)
        elif (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ != scope.module:
            scope.imports.setdefault(name, f"{value.__module__}.{value.__qualname__}")
        elif inspect.isfunction(value) and name not in scope.bound:
            try:
                scope.bound[name] = [ast.parse(textwrap.dedent(inspect.getsource(value)))]
            except (OSError, TypeError, SyntaxError):
                return

    def _scope(self, module: str) -> _Scope | None:
        """The names of a module that counts by its text; None for any other."""
        if module not in self._scopes:
            self._scopes[module] = self._read(module)
        return self._scopes[module]

    def _read(self, module: str) -> _Scope | None:
        top = module.partition(".")[0]
        if impure.is_library(top) or installed_as(top):
            return None
        spec = found(module)
        if spec is None or not is_source(spec):
            return None
        tree = ast.parse(text_of(spec))
        scope = _scope_of(tree, spec.name, spec.origin or "", package=spec.parent or "")
        scope.bound[""] = [tree]
        return scope

    def _look(self, root: ast.AST, scopes: tuple[_Scope, ...]) -> Iterator[str]:
        """The problems in a definition; what it uses of the project is looked at later."""
        place, module = scopes[-1].place, scopes[-1].module
        own = _scope_of(root, module, place, deep=True)
        parents = {child: node for node in ast.walk(root) for child in ast.iter_child_nodes(node)}
        use = impure.Use(root, parents)
        for node in ast.walk(root):
            dotted: Sequence[str] = ()
            if isinstance(node, ast.Name | ast.Attribute) and not isinstance(parents.get(node), ast.Attribute):
                dotted = self._resolved(node, own, scopes)
            elif isinstance(node, ast.Name):
                dotted = self._resolved(_outermost(node, parents), own, scopes)
            told = [use.of_name(node, name) for name in dotted] or [use.of_call(node)]
            yield from (f"{place}:{getattr(node, 'lineno', 0)}: {text}" for text in told if text)

    def _resolved(self, node: ast.AST, own: _Scope, scopes: tuple[_Scope, ...]) -> Sequence[str]:
        """What a name with its attributes stands for outside the project; what is in it is to be looked at."""
        parts = _parts(node)
        if not parts:
            return ()
        base, *rest = parts
        for scope in (own, *scopes):
            if base in scope.imports:
                return self._followed(".".join([scope.imports[base], *rest]))
            if base in scope.bound:
                if scope is not own:
                    self._ahead += [(value, scopes[scopes.index(scope) :]) for value in scope.bound[base]]
                return ()
        starred = [f"{star}.{'.'.join(parts)}" for scope in (own, *scopes) for star in scope.stars]
        if starred:
            return [name for star in starred for name in self._followed(star)]
        return [f"builtins.{'.'.join(parts)}"] if hasattr(builtins, base) else ()

    def _followed(self, dotted: str, depth: int = 0) -> Sequence[str]:
        """The name itself where it is of a library; of the project, what it stands for is looked at."""
        parts = dotted.split(".")
        if depth > 20 or impure.is_library(parts[0]) or installed_as(parts[0]):
            return [dotted]
        for end in range(len(parts), 0, -1):
            scope = self._scope(".".join(parts[:end]))
            if scope is None:
                continue
            if end == len(parts):
                return ()
            name, rest = parts[end], parts[end + 1 :]
            if name in scope.imports:
                return self._followed(".".join([scope.imports[name], *rest]), depth + 1)
            if name in scope.bound:
                self._ahead += [(node, (scope,)) for node in scope.bound[name]]
                return ()
            return [again for star in scope.stars for again in self._followed(f"{star}.{name}", depth + 1)]
        return [dotted]


def _outermost(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST:
    while isinstance(parent := parents.get(node), ast.Attribute):
        node = parent
    return node


def _parts(node: ast.AST) -> list[str]:
    """`["os", "environ"]` for `os.environ`; nothing where it does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []


def _scope_of(root: ast.AST, module: str, place: str, *, package: str = "", deep: bool = False) -> _Scope:
    """The names that a module or function binds: its own, or with `deep` those of functions within it too."""
    scope = _Scope(module, place)
    package = package or module.rpartition(".")[0]
    for node in _within(root, deep=deep):
        if isinstance(node, ast.Import):
            for alias in node.names:
                scope.imports[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            origin = resolve_name(name, package) if node.level else name
            for alias in node.names:
                if alias.name == "*":
                    scope.stars.append(origin)
                else:
                    scope.imports[alias.asname or alias.name] = f"{origin}.{alias.name}"
        else:
            for name, value in _bindings(node, root):
                scope.bound.setdefault(name, []).append(value)
    return scope


def _within(root: ast.AST, *, deep: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(root):
        yield node
        if deep or not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield from _within(node, deep=deep)


def _bindings(node: ast.AST, root: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, node
    elif isinstance(node, ast.arg):
        yield node.arg, node
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr | ast.For | ast.withitem):
        for target in ast.walk(node):
            if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                yield target.id, node
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not isinstance(root, ast.Module):
        yield node.id, node


def _path_to(tree: ast.AST, name: str, line: int) -> list[ast.AST]:
    """The definition of a function, after those that it lies in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _FUNCTIONS):
            decorators = [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
            is_named = isinstance(node, ast.Lambda) or node.name == name
            if is_named and line in (node.lineno, *decorators):
                return [node]
        deeper = _path_to(node, name, line)
        if deeper:
            return [node, *deeper]
    return []
