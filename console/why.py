"""The figures behind a case about water, few and large: what is wrong, and what is usual here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerting.check import is_asking_line
from alerting.detectors.habit import PROFILES
from alerting.wording import clock_text, duration_text
from console.stillness import moment_of, stillness_of
from console.texts import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A value as people say it, and what it is."""

    value: str
    label: str


def figures(
    kind: str, facts: Mapping[str, Any], until: datetime, words: Words, zone: ZoneInfo
) -> tuple[Figure, ...]:
    """A few figures of an incident or check, what raised it first; none for other kinds.

    `until` is now, or when it was closed: a stillness goes on meanwhile.
    """
    made = _OF_KIND.get(kind)
    return made(facts, until, words, zone) if made is not None else ()


def _no_water_use(
    facts: Mapping[str, Any], until: datetime, words: Words, zone: ZoneInfo
) -> tuple[Figure, ...]:
    lang = words.lang
    gap = stillness_of("no_water_use", facts)
    idle_s = (until - gap.since).total_seconds() if gap else facts.get("idle_s") or 0
    label = words("why.idle_ever")
    if gap is not None and gap.begun != "unknown":
        key = "why.idle_word" if gap.begun == "word" else "why.idle"
        label = words(key, at=clock_text(gap.since, zone))
    found = [Figure(value=duration_text(idle_s, lang), label=label)]
    if facts.get("longest_s"):
        usual = duration_text(facts["longest_s"], lang)
        found.append(Figure(value=usual, label=words("why.usual")))
    if facts.get("limit_s"):
        limit = duration_text(facts["limit_s"], lang)
        found.append(Figure(value=limit, label=_line_label(facts, words)))
        found += _later(facts, words)
    elif facts.get("window_h"):
        limit = duration_text(facts["window_h"] * 3600, lang)
        litres = f"{facts.get('threshold_l', 10):g}"
        found.append(Figure(value=limit, label=words("why.limit_fixed", litres=litres)))
    return tuple(found)


def _line_label(facts: Mapping[str, Any], words: Words) -> str:
    """Which line it is, and whether habit and margin made it, or the least or most it may be."""
    line = words("why.check" if is_asking_line(facts) else "why.limit")
    if not facts.get("longest_s"):
        return line
    if facts.get("capped"):
        return words("why.by_cap", line=line)
    is_least = facts["limit_s"] in [one.floor_s for one in PROFILES]
    return words("why.by_floor" if is_least else "why.by_margin", line=line)


def _later(facts: Mapping[str, Any], words: Words) -> tuple[Figure, ...]:
    """The incident's own limit, where only the one that asks has passed."""
    later_s = facts.get("quiet_limit_s") or 0
    if not is_asking_line(facts) or later_s <= facts["limit_s"]:
        return ()
    return (Figure(value=duration_text(later_s, words.lang), label=words("why.limit")),)


def passed(facts: Mapping[str, Any], until: datetime, words: Words) -> str:
    """已 7 小时没有用水，过了 6 小时 15 分的问安线。 Empty where the facts name no limit."""
    gap = stillness_of("no_water_use", facts)
    limit_s = facts.get("limit_s") or (facts.get("window_h") or 0) * 3600
    if gap is None or not limit_s or facts.get("used_l"):
        return ""
    key = "why.passed_check" if is_asking_line(facts) else "why.passed_incident"
    span = duration_text((until - gap.since).total_seconds(), words.lang)
    return words(key, span=span, limit=duration_text(limit_s, words.lang))


def _running(
    facts: Mapping[str, Any], until: datetime, words: Words, zone: ZoneInfo
) -> tuple[Figure, ...]:
    """Water that does not stop: how much an hour, and since when."""
    since = moment_of(facts.get("since"))
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
    since = moment_of(facts.get("since"))
    if since is not None:
        span = duration_text((until - since).total_seconds(), words.lang)
        label = words("why.running", at=clock_text(since, zone))
        found.append(Figure(value=span, label=label))
    return tuple(found)


_OF_KIND = {"no_water_use": _no_water_use, "tap_left_on": _running, "leak": _leak}
