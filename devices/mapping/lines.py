"""On which line of a TOML file a key stands: `tomllib` reads values and forgets where they were."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

Location = tuple[str | int, ...]
"""Keys and indices from the top: `("fields", 2, "unit")`."""

_SYNTAX = re.compile(
    r"^(?P<what>.*?) \((?:at line (?P<line>\d+), column \d+|at end of document)\)$"
)


def lines_of(text: str) -> dict[Location, int]:
    """Location → line (from 1) of every table and key of a document that tomllib can read.

    Statement by statement: a statement is the fewest whole lines that are TOML by themselves.
    Keys inside an inline table, and items of a list, are on the line where their statement begins.
    """
    found: dict[Location, int] = {(): 1}
    seen: dict[tuple[str, ...], int] = {}  # array of tables → how many so far
    table: Location = ()
    for line, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _table(content, seen, statement.lstrip().startswith("[["))
            found.setdefault(table, line)
        else:
            for inner in _below(content, ()):
                found.setdefault((*table, *inner), line)
    return found


def line_at(lines: dict[Location, int], location: Location) -> int:
    """The line of that location, or of the nearest one around it that has a line."""
    while location not in lines:
        location = location[:-1]
    return lines[location]


def syntax_error(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """(line, what is wrong) of a file that is not TOML."""
    said = _SYNTAX.match(str(error))
    if said is None:
        return 1, str(error)
    return int(said["line"] or text.count("\n") + 1), said["what"]


def _statements(text: str) -> Iterator[tuple[int, str]]:
    pending: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        pending.append(line.removesuffix("\r"))
        if not line.strip() or _is_unfinished("\n".join(pending)):
            if pending == [line] and not line.strip():
                pending.clear()
            continue
        yield number - len(pending) + 1, "\n".join(pending)
        pending.clear()


def _is_unfinished(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return True
    return False


def _table(content: dict[str, Any], seen: dict[tuple[str, ...], int], is_array: bool) -> Location:
    """Where a header's keys go: below the last element of every array of tables on the way."""
    names: list[str] = []
    node: Any = content
    while node:
        node = node[0] if isinstance(node, list) else node
        if not node:
            break
        name, node = next(iter(node.items()))
        names.append(name)
    if is_array:
        whole = tuple(names)
        seen[whole] = seen.get(whole, -1) + 1
    location: list[str | int] = []
    for depth, name in enumerate(names, 1):
        location.append(name)
        if tuple(names[:depth]) in seen:
            location.append(seen[tuple(names[:depth])])
    return tuple(location)


def _below(content: Any, above: Location) -> Iterator[Location]:
    inner: Iterator[tuple[str | int, Any]]
    if isinstance(content, dict):
        inner = iter(content.items())
    elif isinstance(content, list):
        inner = iter(enumerate(content))
    else:
        return
    for key, value in inner:
        yield (*above, key)
        yield from _below(value, (*above, key))
