"""When this home's stillness becomes an alarm: its habit at this hour, and a margin."""

from __future__ import annotations

from typing import NamedTuple

from alerting.detectors import meter as meter_
from alerting.detectors.habit import (
    COLD_DAYS,
    HOUR_S,
    HOURS,
    PROFILES,
    UNIT_S,
    WIDER_PER_CENT,
    YOUNG_DAYS,
    Habit,
)
from alerting.detectors.meter import BLIND, COARSE, DARK, SPARSE
from alerting.detectors.zone import local_s

COARSE_CAP_S = (24 * HOUR_S, 36 * HOUR_S)
COLD_LIMIT_S = 14 * HOUR_S
YOUNG_MARGIN_S = 4 * HOUR_S
PRIOR = bytes(
    (34, 40, 50, 52, 60, 70, 74, 80, 80, 80, 70, 40, 40, 50, 50, 60, 57, 60, 60, 61, 60, 50, 43, 40)
)
"""Longest stillness by hour in a home like most (tenths of an hour), until its own is known."""

BLIND_LIMIT_S = 24 * HOUR_S
DARK_LIMIT_S = 36 * HOUR_S


class Limit(NamedTuple):
    """When stillness becomes an alarm, and why then."""

    limit_s: int
    seen_s: int  # the longest stillness known that fits, 0 while that is not known
    capped: bool


def limit(habit: Habit, profile: int, at: int, zone: str) -> Limit:
    """The home's limit at `at`, counted from its last use."""
    grade = meter_.grade(habit.meter)
    if grade is DARK:
        return Limit(DARK_LIMIT_S, 0, True)
    if grade is BLIND:
        return Limit(BLIND_LIMIT_S, 0, True)
    cap = habit.caps[profile]
    if grade is COARSE:
        cap = min(max(cap, COARSE_CAP_S[0]), COARSE_CAP_S[1])
    margin = habit.margins[profile]
    if grade is SPARSE:
        margin = max(margin, habit.meter.every_s + HOUR_S)
    if habit.days < COLD_DAYS:
        return Limit(max(COLD_LIMIT_S, cap if grade is COARSE else 0), 0, True)
    now = local_s(zone, at) // HOUR_S % HOURS
    seen = around(habit.cells, 0, now)
    if habit.days < YOUNG_DAYS:
        seen = max(seen, around(PRIOR, 0, now))
        margin = max(margin, YOUNG_MARGIN_S)
    else:
        then = local_s(zone, habit.used_at) // HOUR_S % HOURS
        seen = min(seen, around(habit.cells, HOURS, then))
    wanted = max(seen * UNIT_S * WIDER_PER_CENT // 100 + margin, PROFILES[profile].floor_s)
    return Limit(min(wanted, cap), seen * UNIT_S, wanted >= cap)


def around(cells: bytes, half: int, hour: int) -> int:
    """The largest of a cell and its two neighbours in time."""
    return max(
        cells[half + (hour - 1) % HOURS], cells[half + hour], cells[half + (hour + 1) % HOURS]
    )
