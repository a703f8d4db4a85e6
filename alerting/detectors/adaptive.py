"""No water used for longer than this home's own habit: two profiles, a question and an incident."""

from __future__ import annotations

from typing import Any, NamedTuple

from alerting.detectors import habit as habit_
from alerting.detectors import limit as limit_
from alerting.detectors.habit import FLOOR_S, PROFILES, QUIET, SAID, TIGHT, USE_SEEN, Habit
from alerting.detectors.limit import Limit
from alerting.detectors.meter import Grade, grade
from alerting.detectors.view import iso


class Step(NamedTuple):
    """One level of an adaptive preset: whose limit it waits for, and what it opens."""

    profile: int
    opens: str  # "check": a question to the elder first; "incident"


PRESETS: dict[str, tuple[Step, ...]] = {
    "adaptive": (Step(TIGHT, "check"), Step(QUIET, "incident")),
    "adaptive-tight": (Step(TIGHT, "incident"),),
    "adaptive-quiet": (Step(QUIET, "incident"),),
}
"""By rising limit. Without checks: where the scheme wants the contact told at the first sign."""


def limit_of(habit: Habit, steps: tuple[Step, ...], level: int, at: int, zone: str) -> Limit:
    """The limit of level 1, 2 … at `at`; a later level never comes before an earlier one."""
    latest = limit_.limit(habit, steps[0].profile, at, zone)
    for step in steps[1:level]:
        latest = _later(latest, limit_.limit(habit, step.profile, at, zone))
    return latest


def reached_level(
    habit: Habit, steps: tuple[Step, ...], at: int, level: int, zone: str
) -> tuple[int, Limit | None]:
    """The highest level above `level` whose limit has passed at `at`, with that limit."""
    elapsed = at - habit.used_at
    reached, why = level, None
    if elapsed <= FLOOR_S:
        return reached, why
    limit = limit_of(habit, steps, level + 1, at, zone) if level < len(steps) else None
    while limit is not None and elapsed > limit.limit_s:
        reached, why = reached + 1, limit
        if reached == len(steps):
            break
        limit = _later(limit, limit_.limit(habit, steps[reached].profile, at, zone))
    return reached, why


def _later(one: Limit, other: Limit) -> Limit:
    return other if other.limit_s > one.limit_s else one


def found(habit: Habit, steps: tuple[Step, ...], before: int, level: int, why: Limit) -> Habit:
    """Remember that the levels after `before` up to `level` were found."""
    for step in steps[before:level]:
        habit = habit_.found(habit, step.profile, why.capped)
    return habit


def no_use_facts(
    habit: Habit, steps: tuple[Step, ...], level: int, why: Limit, at: int, zone: str
) -> tuple[str, dict[str, Any]]:
    """Reason and figures of the level that was reached at `at`."""
    idle_s = at - habit.used_at
    step = steps[level - 1]
    hours = round(why.limit_s / 3600, 1)
    facts: dict[str, Any] = {
        "level": level,
        "opens": step.opens,
        "profile": PROFILES[step.profile].name,
        "since": iso(habit.used_at),  # last use, a person's word, or the first reading
        "since_known": bool(habit.flags & USE_SEEN),  # False: no use was ever seen
        "idle_s": idle_s,
        "hours": round(idle_s / 3600, 4),
        "limit_s": why.limit_s,
        "quiet_limit_s": limit_.limit(habit, QUIET, at, zone).limit_s,  # from `since` too
        "capped": why.capped,
        "window_h": hours,
        "used_l": 0.0,
        "threshold_l": 1.0,
        "learnt_days": min(habit.days, 99),
        "grade": grade(habit.meter).value,
    }
    if why.seen_s:
        facts["longest_s"] = why.seen_s
    if habit.flags & SAID:
        facts["seen_at"], facts["since_known"] = facts["since"], False
    return f"no use for longer than this home's {hours:g} h", facts


def delay_s(habit: Habit, steps: tuple[Step, ...] = PRESETS["adaptive"]) -> int:
    """The longest that this meter and this rule let a home lie unnoticed, in seconds.

    From the last use to the incident: the highest cap, and the interval until a reading shows it.
    For the page that says what a home's meter can achieve.
    """
    known = grade(habit.meter)
    if known is Grade.DARK:
        cap = limit_.DARK_LIMIT_S
    elif known is Grade.BLIND:
        cap = limit_.BLIND_LIMIT_S
    else:
        cap = max(habit.caps[step.profile] for step in steps)
        if known is Grade.COARSE:
            cap = min(max(cap, limit_.COARSE_CAP_S[0]), limit_.COARSE_CAP_S[1])
        if habit.days < habit_.COLD_DAYS:
            cap = max(cap, limit_.COLD_LIMIT_S)
    return cap + habit.meter.every_s
