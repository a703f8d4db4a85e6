"""Finds, in the source of `alerting`, the keys that it writes down for people to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import alerting

FOLDER = Path(alerting.__file__).parent


@dataclass(frozen=True)
class Module:
    """What is needed of one file: its calls, its functions' parameters, what names stand for."""

    calls: tuple[ast.Call, ...]
    functions: tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]
    assigned: Mapping[str, list[ast.expr]] = field(default_factory=dict)


@cache
def modules() -> Mapping[str, Module]:
    """Every file that decides or acts, by name; detectors give rules, not reasons."""
    found = {}
    for path in sorted(FOLDER.rglob("*.py")):
        if path.parent.name in ("wording", "detectors", "channels"):
            continue
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        assigned: dict[str, list[ast.expr]] = {}
        for node in nodes:
            if isinstance(node, ast.Assign):
                for name, value in _pairs(node.targets[0], node.value):
                    assigned.setdefault(name, []).append(value)
        found[path.relative_to(FOLDER).with_suffix("").as_posix()] = Module(
            calls=tuple(node for node in nodes if isinstance(node, ast.Call)),
            functions=tuple(
                node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            ),
            assigned=assigned,
        )
    return found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """`a, x.state = 1, 2` → (a, 1), (state, 2)."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, its)
    elif isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Attribute):
        yield target.attr, value


def _texts(node: ast.expr, module: Module) -> Iterator[str]:
    """The strings that an expression may stand for: through `a if … else b`, through names that
    were given strings, and through tables such as `_TIMELINE_KIND[move]`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, module)
        yield from _texts(node.orelse, module)
    elif isinstance(node, ast.Name):
        for value in module.assigned.get(node.id, ()):
            if not isinstance(value, ast.Name):
                yield from _texts(value, module)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        for table in module.assigned.get(node.value.id, ()):
            for value in table.values if isinstance(table, ast.Dict) else ():
                yield from _texts(value, module)


def _callee(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def handed_over(parameter: str, *, not_to: tuple[str, ...] = (), skip: str = "") -> set[str]:
    """The strings that are handed over as `parameter`, by name, by position or by default.

    Calls of the functions `not_to` mean something else by it; so does all of the module `skip`.
    """
    found: set[str] = set()
    for name, module in modules().items():
        if name == skip:
            continue
        places = dict(_places(module, parameter))
        for function in module.functions:
            for default in _default(function, parameter):
                found.update(_texts(default, module))
        for call in module.calls:
            if _callee(call) not in not_to:
                for argument in _arguments(call, parameter, places.get(_callee(call))):
                    found.update(_texts(argument, module))
    return found


def _places(module: Module, parameter: str) -> Iterator[tuple[str, int]]:
    """(function, position) of the functions of a module that take the parameter by position."""
    for function in module.functions:
        names = [argument.arg for argument in function.args.args]
        if parameter in names:
            yield function.name, names.index(parameter)


def _default(function: ast.FunctionDef | ast.AsyncFunctionDef, parameter: str) -> list[ast.expr]:
    names = [argument.arg for argument in function.args.args]
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    return [defaults[parameter]] if parameter in defaults else []


def _arguments(call: ast.Call, parameter: str, place: int | None) -> list[ast.expr]:
    named = [keyword.value for keyword in call.keywords if keyword.arg == parameter]
    return named or ([] if place is None else call.args[place : place + 1])


def assigned(name: str, *, skip: str = "") -> set[str]:
    """The strings that any variable or attribute of this name is given, but in module `skip`."""
    return {
        text
        for where, module in modules().items()
        if where != skip
        for value in module.assigned.get(name, ())
        for text in _texts(value, module)
    }
