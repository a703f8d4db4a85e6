"""What a family asks of its source while it decodes, so that only that need be looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from devices.event import Decoded
from devices.family import SourceView


class Asked:
    """Decode with `view(…)`, tell `spoke(…)` what came of it, and `names` holds everybody to know.

    Those are all that decoding it with the real view may ask for, but for the child that a name
    stands for: families ask by name, and for more names of a source that knows nobody.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._nobody = _Nobody(self._names)

    def view(self, prefix: str, zone: ZoneInfo) -> SourceView:
        """A source that knows nobody, and remembers who was looked for."""
        nobody = self._nobody
        return SourceView(
            prefix=prefix, zone=zone, roles=nobody, aliases=nobody, capabilities=nobody
        )

    def spoke(self, decoded: Decoded) -> None:
        """Note whom a message is about."""
        self._names |= decoded.speakers()

    @property
    def names(self) -> set[str]:
        """Children's ids, and what they are called; none that no database can store."""
        return {name for name in self._names if "\0" not in name}


class _Nobody(Mapping[str, Any]):
    def __init__(self, asked: set[str]) -> None:
        self._asked = asked

    def __getitem__(self, name: str) -> Any:
        self._asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
