"""What a water meter can show at all: how often it reports and how fine it counts, recognised."""

from __future__ import annotations

from enum import StrEnum
from math import gcd

import msgspec

HOUR_S = 3600

FINE_EVERY_S = 2 * HOUR_S + HOUR_S // 2
COARSE_EVERY_S = 7 * HOUR_S
"""Reports up to every 2 h (and some jitter) show a home's day; up to every 6 h its outline."""

COARSE_PULSE_DL = 50
BLIND_PULSE_DL = 500
"""10 L pulses hide single uses, 100 L pulses whole days."""

HOLE_S = 3 * HOUR_S
"""Silence beyond three reports and at least this long is a hole: what moved in it has no time."""

PULSE_MAX = 10_000
"""A power of ten, so that the step in common with a coarser pulse is still a coarse one."""
_LONGEST_S = 99_999


class Grade(StrEnum):
    """Which rule the meter allows."""

    FINE = "fine"  # the home's own rule
    SPARSE = "sparse"  # its own rule, with a margin above the interval
    COARSE = "coarse"  # its own rule, not before a day has passed
    BLIND = "blind"  # no rule of its own: a day without use
    DARK = "dark"  # nor that: a day and a half


FINE, SPARSE, COARSE = Grade.FINE, Grade.SPARSE, Grade.COARSE
BLIND, DARK = Grade.BLIND, Grade.DARK  # by their own names: a member of a class is slow to look up


class Meter(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How often it reports, and the largest step that all of its increments are made of."""

    every_s: int = 0  # 0: one reading or none
    pulse_dl: int = 0  # of the week before; 0: it never moved
    fresh_dl: int = 0  # of the present week, so that one odd reading is forgotten with its week


def note(meter: Meter, span_s: int, moved: int) -> Meter:
    """Take in the time and the movement between two trusted readings.

    The interval creeps towards the median: by an eighth of itself, and not for mere jitter.
    """
    every, fresh = meter.every_s, meter.fresh_dl
    if span_s <= 0:
        pass  # two values of one moment say nothing about the interval
    elif not every:
        every = min(span_s, _LONGEST_S)
    elif span_s * 8 > every * 9:
        every = min(every + (every >> 3) + 1, span_s, _LONGEST_S)
    elif span_s * 8 < every * 7:
        every = max(every - (every >> 3) - 1, span_s)
    if moved and fresh != 1:
        fresh = min(gcd(fresh, moved), PULSE_MAX)
    if every == meter.every_s and fresh == meter.fresh_dl:
        return meter
    return Meter(every, meter.pulse_dl, fresh)


def is_as_ever(meter: Meter, span_s: int, moved: int) -> bool:
    """Whether `note` has nothing to note, which is so of nearly every reading."""
    every, fresh = meter.every_s * 8, meter.fresh_dl
    if not 7 * every <= span_s * 64 <= 9 * every:
        return False
    return not moved or (fresh > 0 and not moved % fresh)


def next_week(meter: Meter) -> Meter:
    """The pulse of the week that ended is the meter's, if the meter moved at all."""
    return Meter(meter.every_s, meter.fresh_dl or meter.pulse_dl, 0)


def hole_s(meter: Meter) -> int:
    """Seconds between two readings that are more than the meter's habit."""
    return max(3 * meter.every_s, HOLE_S)


def grade(meter: Meter) -> Grade:
    """Which rule this meter allows, from what is known of it so far."""
    pulse = meter.pulse_dl or meter.fresh_dl
    if pulse >= BLIND_PULSE_DL:
        return DARK
    if meter.every_s > COARSE_EVERY_S:
        return BLIND
    if pulse >= COARSE_PULSE_DL:
        return COARSE
    return SPARSE if meter.every_s > FINE_EVERY_S else FINE
