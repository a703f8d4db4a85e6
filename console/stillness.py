"""Since when nothing was used in a home, as the facts of a case or a check say it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KINDS = ("no_water_use", "no_power_use")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stillness:
    """A gap that runs since then. It began with a use, or with somebody's word of the elder."""

    kind: str
    since: datetime
    begun: str  # use, word; unknown: the first reading, no use was ever seen


def stillness_of(kind: str, facts: Mapping[str, Any]) -> Stillness | None:
    """None for other kinds, and where the facts do not say since when."""
    since = moment_of(facts.get("since"))
    if kind not in KINDS or since is None:
        return None
    begun = "use" if facts.get("since_known", True) else "unknown"
    return Stillness(kind=kind, since=since, begun="word" if facts.get("seen_at") else begun)


def moment_of(value: Any) -> datetime | None:
    """A time as facts carry it; None for what is none."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
