"""Where in a JSON document a value is: a small part of RFC 9535, with the `$` left out if liked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]'"$*?@\s][^.\[\]'"]*)   # .name, and the first one without its dot
      | \[(?P<index>-?\d{1,6})\]                   # [0], [-1]
      | \['(?P<single>[^']+)'\]                    # ['a name with spaces']
      | \["(?P<double>[^"]+)"\]                    # ["the same"]
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
MAX_STEPS = 16


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""What `Path.find` answers where nothing is; null is something."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """`$.a.b[0]['c d']`: names of objects and indices of lists, from the top; `$` is all of it."""

    text: str  # as it was written
    steps: tuple[str | int, ...]

    def find(self, document: Any) -> Any:
        """The value there, or `ABSENT`."""
        value = document
        for step in self.steps:
            if isinstance(step, int):
                if type(value) is not list or not -len(value) <= step < len(value):
                    return ABSENT
            elif type(value) is not dict or step not in value:
                return ABSENT
            value = value[step]
        return value


def parse(text: str) -> Path:
    """Raises `ValueError` saying what is wrong.

    Names lose spaces around them, since the keys of what devices send lose theirs too.
    """
    rest = text.strip()
    at = 1 if rest.startswith("$") else 0
    if not rest:
        raise ValueError("a path must not be empty; $ is the whole message")
    steps: list[str | int] = []
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None or (rest[at] == "." and at == 0):
            raise ValueError(
                f"{text!r} is no path: stuck at {rest[at:]!r} (write $.a.b, $.list[0], $['a b'])"
            )
        steps.append(_step(found))
        at = found.end()
        if at < len(rest) and rest[at] not in ".[":
            raise ValueError(f"{text!r} is no path: a dot or bracket is missing at {rest[at:]!r}")
    if len(steps) > MAX_STEPS:
        raise ValueError(f"{text!r} is deeper than {MAX_STEPS} levels")
    return Path(text=rest, steps=tuple(steps))


def _step(found: re.Match[str]) -> str | int:
    if found["index"] is not None:
        return int(found["index"])
    return (found["name"] or found["single"] or found["double"]).strip()


def write(*steps: str | int) -> str:
    """The path of these steps, as a person would write it."""
    return "$" + "".join(map(_written, steps))


def _written(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN.fullmatch(step):
        return f".{step}"
    return f'["{step}"]' if "'" in step else f"['{step}']"
