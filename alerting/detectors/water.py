"""A home whose water has stopped, or does not stop: which readings count, and which rule judges."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from alerting.detectors.found import finding
from alerting.detectors.liveness import SHORTEST_LIMIT_S, silence_limit_s
from alerting.detectors.register import (
    CLOCK_SLACK_S,
    DOUBTED,
    FIRST,
    FOLLOWS,
    IGNORED,
    RESTARTED,
    WENT_BACK,
    Line,
    follow,
)
from alerting.detectors.view import DeviceView, iso, moment
from alerting.detectors.water_judge import TOO_OLD_S, judge, levels_of, steps_of
from alerting.detectors.water_memory import (
    SWAY_DL,
    Water,
    begun,
    is_doubtful,
    is_taken_back,
    is_whole,
    moved_on,
    on_a_clock_set_back,
    swung_back,
    taken_back,
)
from alerting.finding import Finding, Sign
from devices.event import REGISTER_UNITS, Reading

__all__ = [
    "Water",
    "due",
    "is_doubtful",
    "is_whole",
    "levels_of",
    "on_reading",
    "steps_of",
    "tick",
]

MOST_DL_PER_HOUR = 50_000  # 5 m³: not a home
MOST_M3 = 400_000  # a home's register has five digits; in tenths of a litre it fits four bytes

_UNIT = REGISTER_UNITS["water_total"]
_NOTHING = Water()


def on_reading(
    part: Water | None, reading: Reading, at: int, device: DeviceView, now: int
) -> tuple[Water | None, tuple[Finding, ...]]:
    """Take in one `water_total` reading (any finite value) of a water meter."""
    if device.role != "water_meter" and "no_water_use" not in device.rules:
        return part, ()
    if reading.unit != _UNIT:
        water = part or _NOTHING
        return _doubt(water, "not_a_register_value", reading.value, min(at, now), now)
    return on_register(part, reading.value, at, device, now)


def on_register(
    part: Water | None, value: float, at: int, device: DeviceView, now: int
) -> tuple[Water | None, tuple[Finding, ...]]:
    """Take in one value of the register in m³, any finite one.

    Old and repeated readings change nothing. A register that went back, jumped by more than 5 m³
    an hour, or is no register value at all gives `cannot_assess`, and the window begins anew with
    the next line. A hole is bridged by the register: what did not move across it was not used;
    what did counts as used on arrival.
    """
    water = part or _NOTHING
    if water.line.at - now > CLOCK_SLACK_S:
        water = on_a_clock_set_back(water, now)
    if at > now:
        at = now
    if not 0 <= value < MOST_M3:
        return _doubt(water, "not_a_register_value", value, at, now)
    dl = round(value * 10_000)
    line, verdict = follow(water.line, at, dl, MOST_DL_PER_HOUR, SWAY_DL)
    if verdict is IGNORED:
        return part, ()
    if verdict in DOUBTED:
        reason = "register_went_back" if verdict is WENT_BACK else "register_jumped"
        doubting = msgspec.structs.replace(water, line=line)
        return _doubt(doubting, reason, value, at, now)
    steps = steps_of(device)
    by_habit = steps is not None
    if verdict is FOLLOWS:  # nearly always
        after = moved_on(water, line, by_habit, device)
    elif verdict is FIRST:
        after = begun(water, line, by_habit, device.zone)
    elif verdict is RESTARTED:
        after = moved_on(_restarted(water, by_habit, device.zone), line, by_habit, device)
    else:
        after = moved_on(swung_back(water, dl), line, by_habit, device)
    return judge(water, after, steps, device, now)


def _restarted(water: Water, by_habit: bool, zone: str) -> Water:
    """The doubted reading was right: another register, or the one before it was a single spike."""
    if (water.habit is not None) is by_habit and is_taken_back(water):
        return taken_back(water, zone)
    return begun(water, Line(water.line.doubt_at, water.line.doubt_value), by_habit, zone)


def tick(part: Water, device: DeviceView, now: int) -> tuple[Water, tuple[Finding, ...]]:
    """Judge the present after a catch-up, if the last reading is fresh enough to speak for it.

    Fresh: within the silence that liveness allows (three intervals, at least 3 h). Beyond that
    the silence is what is wrong, and liveness finds it.
    """
    line = part.line
    limit_s = silence_limit_s(device) or SHORTEST_LIMIT_S
    fresh = -CLOCK_SLACK_S <= now - line.at <= limit_s
    if not fresh or line.doubt_at:
        if not part.judge_at:
            return part, ()
        return msgspec.structs.replace(part, judge_at=0), ()
    steps = steps_of(device)
    if (steps is None) is (part.habit is not None):  # the rule was changed since the last reading
        return msgspec.structs.replace(part, judge_at=0), ()
    return judge(part, part, steps, device, now, ticking=True)


def due(part: Water | None) -> datetime | None:
    """When `tick` is wanted."""
    return moment(part.judge_at) if part is not None and part.judge_at else None


def _doubt(
    water: Water, reason: str, value: float, at: int, now: int
) -> tuple[Water, tuple[Finding, ...]]:
    """Remember the doubt; a finding if it is not known yet and not of the past."""
    if water.doubted_at:
        return msgspec.structs.replace(water, doubted_at=max(water.doubted_at, at)), ()
    if now - at > TOO_OLD_S:
        return water, ()
    facts: dict[str, Any] = {"reason": reason, "register_m3": value}
    if water.line.at:
        facts |= {"before_m3": water.line.value / 10_000, "last_reading_at": iso(water.line.at)}
    words = "the register cannot be trusted"
    found = finding("cannot_assess", Sign.ROSE, words, facts, at, now)
    return msgspec.structs.replace(water, doubted_at=at), (found,)
