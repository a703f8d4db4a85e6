"""A home whose water stands still: which level its rule has reached, and again after a closure."""

from __future__ import annotations

from typing import Any

import msgspec

from alerting.detectors import adaptive, fixed
from alerting.detectors import habit as habit_
from alerting.detectors.adaptive import Step
from alerting.detectors.fixed import Level
from alerting.detectors.found import finding
from alerting.detectors.habit import Habit
from alerting.detectors.stairs import Stairs
from alerting.detectors.view import iso
from alerting.finding import Finding, Sign


class Judged(msgspec.Struct, frozen=True, gc=False):
    """The reading that is judged, and what may come of it."""

    at: int
    now: int
    level: int  # that the gap had reached before
    can_find: bool  # False: of the past, nobody at home, or the meter cannot tell
    again: int  # how often it was closed without proof of life; 0: not to be found again now
    said: bool  # the gap began with a person's word


def little_use(
    what: Judged, levels: tuple[Level, ...], stairs: Stairs, *, moved: bool
) -> tuple[int, Finding | None]:
    """The level of a fixed rule after a reading, and what is to be told."""
    at, before = what.at, what.level
    level, within = fixed.reached_level(levels, stairs, at, before, what.can_find)
    if not levels or (level == before and not (what.again or what.said)):
        return level, None
    if level > before or (level and what.again):
        if level == before:
            standing, within = fixed.reached_level(levels, stairs, at, 0, may_open=True)
            if not standing:
                return level, None
            level = standing
        reason, facts = fixed.no_use_facts(levels, level, stairs, within, at)
        if what.said:
            facts["seen_at"], facts["since_known"] = facts["since"], False
        return level, _no_use(what, reason, facts)
    if level < before or (what.said and moved and not level):
        return level, _used_again(what, stairs.rose_at, {})
    return level, None


def stillness(
    what: Judged,
    steps: tuple[Step, ...],
    habit: Habit,
    zone: str,
    *,
    used_before: int,
) -> tuple[int, Habit, Finding | None]:
    """The adaptive rule's level after a reading, its memory, and what is to be told.

    One use ends a gap. `used_before`: the last use before this reading.
    """
    at, level = what.at, what.level
    if habit.used_at == at:
        is_use = habit.flags & (habit_.USE_SEEN | habit_.SAID) == habit_.USE_SEEN
        if is_use and (level or what.said):
            facts = {"since": iso(used_before), "gap_s": at - used_before}
            return 0, habit, _used_again(what, at, facts)
        return level, habit, None
    if not what.can_find or at - habit.used_at <= habit_.FLOOR_S:
        return level, habit, None
    if level >= len(steps) and not what.again:
        return level, habit, None
    reached, why = adaptive.reached_level(habit, steps, at, level, zone)
    if why is None:
        if not what.again or not level:
            return level, habit, None
        reached = min(level, len(steps))
        why = adaptive.limit_of(habit, steps, reached, at, zone)
    reason, facts = adaptive.no_use_facts(habit, steps, reached, why, at, zone)
    first = reached - 1 if what.again else level
    return reached, adaptive.found(habit, steps, first, reached, why), _no_use(what, reason, facts)


def _no_use(what: Judged, reason: str, facts: dict[str, Any]) -> Finding:
    """A gap reached a level, or still runs though somebody closed its case."""
    facts["last_reading_at"] = iso(what.at)
    if what.again:
        facts["again"] = what.again
    sign = Sign.WORSE if what.level and not what.again else Sign.ROSE
    return finding("no_water_use", sign, reason, facts, what.at, what.now)


def _used_again(what: Judged, used_at: int, facts: dict[str, Any]) -> Finding:
    facts |= {"last_reading_at": iso(what.at), "used_at": iso(used_at)}
    reason = "water is used again"
    return finding("no_water_use", Sign.CLEARED, reason, facts, what.at, what.now)
