"""Status flags of wireless M-Bus meters: what is now, what is past, and what nobody knows."""

from __future__ import annotations

import re
from typing import Any

from devices import parts, words
from devices.event import LEVEL_KINDS, DeviceEvent
from devices.parts import attempt
from devices.vocabulary import Speaker

_FIELDS = ("status", "current_status", "current_alarms")  # `previous_alarms` is the past
_SEPARATORS = re.compile(r"[\s,;]+")
_MOST_FLAGS = 32

_PAST = re.compile(r"PREV_.*|PREVIOUS_.*|.*_PREV(_MONTH|_YEAR)?|.*_LAST_(MONTH|YEAR)").fullmatch
_MEANINGS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("", re.compile(r"OK|NO_ALARM|NO_ERRORS?|NORMAL|NONE|INSTALLED")),
    ("no_use", re.compile(r"NO_?FLOW.*|NO_?CONSUMPTION.*|NO_?USE.*|NO_?USAGE.*|ZERO_FLOW.*")),
    ("unclear", re.compile(r"LEAKAGE_OR_NO_USAGE|ALARM|GENERAL_ALARM")),
    ("smoke", re.compile(r"SMOKE|SMOKE_ALARM|ALARM_SMOKE|SMOKE_DETECTED|FIRE")),
    ("test", re.compile(r"TEST|TEST_ALARM|TEST_BUTTON|SELF_TEST")),
    ("leak", re.compile(r"LEAK.*|BURST.*|.*_LEAK|.*_LEAKAGE|PIPE_BURST")),
    ("tamper", re.compile(r".*TAMPER.*|.*REMOV.*|MANIPULAT.*|MAGNET.*|.*FRAUD.*|SABOTAGE.*")),
    (
        "battery_low",
        re.compile(r"LOW_BATTERY|BATTERY_LOW|POWER_LOW|LOW_POWER|BATTERY_(EXPIRED|EOL|EMPTY)"),
    ),
)
KINDS = words.listed(
    "leak leak_clear tamper tamper_clear battery_low battery_ok fault fault_clear heartbeat"
)


def events(
    said: dict[str, Any], who: Speaker, *, is_smoke: bool, faults: list[str]
) -> list[DeviceEvent]:
    """A level for each flag that is set, and an end for each that could be and is not.

    No status at all says nothing. What neither alarms nor ends anything (NO_FLOW, PREV_LEAKAGE)
    goes with a `heartbeat`.
    """
    flags = _flags(said, faults)
    if flags is None:
        return []
    found: dict[str, list[str]] = {}
    for flag in flags:
        found.setdefault(_meaning(flag), []).append(flag)
    asides = found.pop("no_use", []) + found.pop("unclear", []) + found.pop("past", [])
    found.pop("", None)
    if "LEAKAGE_OR_NO_USAGE" in asides:
        found.setdefault("leak", [])  # neither a leak nor the end of one
    if asides in (["ALARM"], ["GENERAL_ALARM"]) and not found:
        found["fault"] = asides  # an alarm that says no more is not OK
    levels = ("smoke" if is_smoke else "leak", "tamper", "battery_low", "fault")
    events = [who.event("test")] if found.pop("test", []) else []
    for kind in (*found, *levels):
        if kind not in found:
            events.append(who.event(LEVEL_KINDS[kind]))
        elif found[kind]:
            events.append(who.event(kind, {"flags": found[kind]}))
            found[kind] = []
    return events + ([who.event("heartbeat", {"flags": asides})] if asides else [])


def _flags(said: dict[str, Any], faults: list[str]) -> list[str] | None:
    """All flags of the present, in capitals; None when the meter has no status field."""
    known = [field for field in _FIELDS if said.get(field) is not None]
    if not known:
        return None
    flags: dict[str, None] = {}
    for field in known:
        if said[field] == "":
            continue
        said_words = attempt(faults, parts.text, said[field], "status", longest=512)
        for word in _SEPARATORS.split(said_words or ""):
            if word:
                flags[word.upper()[:64]] = None
    return list(flags)[:_MOST_FLAGS]


def _meaning(flag: str) -> str:
    """A kind of level, or `past`, `no_use`, `unclear`, `test`, "" for OK; else `fault`."""
    if _PAST(flag):
        return "past"
    for meaning, pattern in _MEANINGS:
        if pattern.fullmatch(flag):
            return meaning
    return "fault"
