"""Which readings of a cumulative register can be trusted, and which open a new line."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from alerting.detectors.view import Seconds

CLOCK_SLACK_S = 3600
"""A stored reading further ahead of now than this was stamped by a clock that has been set back."""


class Verdict(Enum):
    """What a reading is to the line of readings before it."""

    FIRST = auto()  # nothing was known
    FOLLOWS = auto()  # the register stood still or moved on plausibly
    IGNORED = auto()  # a duplicate, or older than what is known
    WENT_BACK = auto()  # doubted: the register is lower than it was
    JUMPED = auto()  # doubted: the register moved on faster than a home can use
    SWAYED = auto()  # the register is a little lower than it was: it stood still
    RESTARTED = auto()  # follows the doubted reading: reset or swapped, a new line began there


# By their own names: looking a member up in its class takes as long as comparing two readings.
FIRST, FOLLOWS, IGNORED = Verdict.FIRST, Verdict.FOLLOWS, Verdict.IGNORED
WENT_BACK, JUMPED = Verdict.WENT_BACK, Verdict.JUMPED
SWAYED, RESTARTED = Verdict.SWAYED, Verdict.RESTARTED
DOUBTED = (WENT_BACK, JUMPED)


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last trusted reading, and the doubted one after it, if any. `at` 0: none."""

    at: Seconds = 0
    value: int = 0  # in whatever integer unit the detector counts
    doubt_at: Seconds = 0
    doubt_value: int = 0


def follow(
    line: Line, at: int, value: int, most_per_hour: int, sway: int = 0
) -> tuple[Line, Verdict]:
    """Place one reading. `value` ≥ 0; `most_per_hour` in the same unit bounds plausible use.

    A register that is back by no more than `sway` stood still: pressure pushes water to and fro.
    It counts on from the highest value, so what only swings back is no use.

    A reading that goes back or jumps is only doubted: the line waits for the next one to say
    whether it was a glitch (which fits the old line again) or a new register (which fits the
    doubted one). So one bad reading neither makes an alarm nor hides one, and a swapped meter
    loses nothing: its line begins at its first reading.
    """
    if at > line.at > 0 == line.doubt_at and 0 <= value - line.value <= most_per_hour:
        return Line(at, value), FOLLOWS  # nearly always; what comes now says the same of it
    if not line.at:
        return Line(at, value), FIRST
    if at < line.at or at < line.doubt_at or (at == line.at and value == line.value):
        return line, IGNORED
    if _fits(line.at, line.value, at, value, most_per_hour):
        return Line(at, value), FOLLOWS
    if 0 < line.value - value <= sway:
        return Line(at, line.value), SWAYED
    if line.doubt_at:
        if at == line.doubt_at and value == line.doubt_value:
            return line, IGNORED
        if _fits(line.doubt_at, line.doubt_value, at, value, most_per_hour):
            return Line(at, value), RESTARTED
    verdict = WENT_BACK if value < line.value else JUMPED
    return Line(line.at, line.value, at, value), verdict


def _fits(from_at: int, from_value: int, at: int, value: int, most_per_hour: int) -> bool:
    """Not lower, and not more than the plausible flow since (for at least an hour's worth)."""
    moved = value - from_value
    return moved >= 0 and (moved <= most_per_hour or moved * 3600 <= most_per_hour * (at - from_at))
