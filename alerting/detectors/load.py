"""How much a home draws: half hours cut from a counter or from samples, and what changes them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from alerting.detectors.view import Seconds

BLOCK_S = 1800
"""Half hours: long enough for a refrigerator's turns, short enough for a kettle to show."""

JITTER_S = 90
"""Readings meant for the half hour come a little early."""

LONGEST_S = 9000
"""Longest stretch whose mean still says something about a half hour in it: reports every 2 h."""

MARGIN_DWH = 150
"""15 Wh in a half hour, in tenths: below that, a difference is nobody's doing."""

J_PER_DWH = 360

UNKNOWN = -1

Level = Annotated[int, msgspec.Meta(ge=UNKNOWN, le=9_999_999)]
"""Tenths of a watt-hour in half an hour; twice a fifth of it are watts."""


class Block(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The present half hour, and the level of the one before it."""

    mark_at: Seconds = 0  # where it began; 0: nowhere yet
    joules: int = 0  # drawn since
    level: Level = UNKNOWN  # of the half hour before


class Closed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A half hour (or a longer stretch between two readings) that has passed."""

    from_at: Seconds
    at: Seconds
    level: Level
    before: Level  # of the stretch before it; UNKNOWN: none was seen


def pour(block: Block, from_at: int, at: int, joules: int) -> tuple[Block, Closed | None]:
    """Take in what was drawn between two moments that follow one another.

    Half hours are cut at the first moment 30 min after the last cut. What follows no half hour
    begins one.
    """
    mark_at, drawn = block.mark_at or from_at, block.joules + joules
    stretch = at - mark_at
    if stretch < BLOCK_S - JITTER_S:
        return Block(mark_at, drawn, block.level), None
    level = min(drawn * BLOCK_S // (J_PER_DWH * stretch), 9_999_999)
    return Block(at, 0, level), Closed(mark_at, at, level, block.level)


def so_far(block: Block, at: int) -> Closed:
    """The present half hour as if nothing more were drawn in it: its level is at least this."""
    level = min(block.joules // J_PER_DWH, 9_999_999)
    return Closed(block.mark_at, at, max(level, block.level), block.level)


def is_activity(closed: Closed, base: int, step: int) -> bool:
    """Whether somebody did something: above the base load, and not what it was just before.

    A load that stays the same (a television left on, a heater) is the home's and not a person's,
    however large. `step`: the finest that the counter can show, in tenths of a watt-hour.
    """
    if closed.before == UNKNOWN or not is_above(closed.level, base, step):
        return False
    return abs(closed.level - closed.before) > _slack(closed.before, step)


def is_above(level: int, base: int, step: int) -> bool:
    """Whether a half hour held more than the base load."""
    return base != UNKNOWN and level > base + _slack(base, step)


def _slack(level: int, step: int) -> int:
    return level * 15 // 100 + max(MARGIN_DWH, 2 * step)


def is_calm(joules: int, span_s: int, base: int) -> bool:
    """Whether a hole in the readings, bridged by the counter, held no more than the base load."""
    if base == UNKNOWN:
        return False
    return joules * BLOCK_S <= (base * span_s + MARGIN_DWH * BLOCK_S) * J_PER_DWH


def watts(level: int) -> int:
    """Mean watts of a half hour's level, rounded."""
    return (level + 2) // 5
