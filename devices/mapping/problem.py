"""What is wrong with a mapping file, and on which line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from devices.mapping.lines import Location


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A mistake at a key; `location` is () for the file as a whole."""

    location: Location
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A mistake as a person reads it: `mappings/bed.toml:14: fields[2].unit: …`."""

    file: str
    line: int  # 0: the file cannot be read at all
    where: str  # "" for the file as a whole
    text: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def what(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def spelled(location: Location) -> str:
    """`("fields", 2, "unit")` → `fields[2].unit`."""
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in location
    ).removeprefix(".")


def none_of(word: object, known: Iterable[str]) -> str:
    """`'lire' is none of …; did you mean 'litre'?`, the nearest one where there is one."""
    listed = sorted(known)
    near = difflib.get_close_matches(str(word), listed, n=1, cutoff=0.6)
    near = near or [one for one in listed if str(word) and one.startswith(str(word))]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{word!r} is none of {', '.join(listed)}{hint}"
