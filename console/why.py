"""The figures behind a case about water, few and large: what is wrong, and what is usual here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from alerting.wording import clock_text, duration_text
from console.texts import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A value as people say it, and what it is."""

    value: str
    label: str


class _Case(Protocol):
    kind: str
    facts: dict[str, Any]


def figures(case: _Case, until: datetime, words: Words, zone: ZoneInfo) -> tuple[Figure, ...]:
    """Up to three figures of an incident, the one that raised it first; none for other kinds.

    `until` is now, or when the case was closed: a stillness goes on meanwhile.
    """
    made = _OF_KIND.get(case.kind)
    return made(case.facts, until, words, zone) if made is not None else ()


def _no_water_use(
    facts: Mapping[str, Any], until: datetime, words: Words, zone: ZoneInfo
) -> tuple[Figure, ...]:
    lang = words.lang
    since = _moment(facts.get("since"))
    idle_s = (until - since).total_seconds() if since else facts.get("idle_s") or 0
    known = since is not None and facts.get("since_known", True)
    label = words("why.idle", at=clock_text(since, zone)) if known else words("why.idle_ever")
    found = [Figure(value=duration_text(idle_s, lang), label=label)]
    if facts.get("longest_s"):
        usual = duration_text(facts["longest_s"], lang)
        found.append(Figure(value=usual, label=words("why.usual")))
    if facts.get("limit_s"):
        limit = duration_text(facts["limit_s"], lang)
        found.append(Figure(value=limit, label=words("why.limit")))
    elif facts.get("window_h"):
        limit = duration_text(facts["window_h"] * 3600, lang)
        litres = f"{facts.get('threshold_l', 10):g}"
        found.append(Figure(value=limit, label=words("why.limit_fixed", litres=litres)))
    return tuple(found)


def _running(
    facts: Mapping[str, Any], until: datetime, words: Words, zone: ZoneInfo
) -> tuple[Figure, ...]:
    """Water that does not stop: how much an hour, and since when."""
    since = _moment(facts.get("since"))
    found = []
    if facts.get("litres_per_hour"):
        value = words("why.litres", n=f"{facts['litres_per_hour']:g}")
        found.append(Figure(value=value, label=words("why.an_hour")))
    if since is not None:
        span = duration_text((until - since).total_seconds(), words.lang)
        label = words("why.running", at=clock_text(since, zone))
        found.append(Figure(value=span, label=label))
    if facts.get("litres"):
        value = words("why.litres", n=f"{facts['litres']:,.0f}")
        found.append(Figure(value=value, label=words("why.so_far")))
    return tuple(found)


def _leak(
    facts: Mapping[str, Any], until: datetime, words: Words, zone: ZoneInfo
) -> tuple[Figure, ...]:
    """Never a calm hour, or too much within a day."""
    found = []
    too_much = facts.get("limit_l") is not None
    if facts.get("litres"):
        value = words("why.litres", n=f"{facts['litres']:,.0f}")
        label = words("why.within_a_day") if too_much else words("why.a_day")
        found.append(Figure(value=value, label=label))
    if too_much:
        value = words("why.litres", n=f"{facts['limit_l']:,.0f}")
        return (*found, Figure(value=value, label=words("why.at_most")))
    since = _moment(facts.get("since"))
    if since is not None:
        span = duration_text((until - since).total_seconds(), words.lang)
        label = words("why.running", at=clock_text(since, zone))
        found.append(Figure(value=span, label=label))
    return tuple(found)


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


_OF_KIND = {"no_water_use": _no_water_use, "tap_left_on": _running, "leak": _leak}
