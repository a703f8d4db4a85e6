"""How much a register moved within a window, remembered as the last few steps it took."""

from __future__ import annotations

from typing import Annotated

import msgspec

from alerting.detectors.view import Seconds

MAX_STEPS = 25
"""A day of hourly readings that all moved, and one before the day."""

KEEP_S = 24 * 3600
"""Longest window that can be asked for."""

KEEP_MOVED = 100
"""Most movement that can be asked about; anything above only counts as at least this much."""

Steps = Annotated[tuple[Seconds, ...], msgspec.Meta(max_length=2 * MAX_STEPS)]


class Stairs(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The register's rises, newest last.

    A register only rises, so between two rises it has one value, and the movement within a window
    is the sum of the rises in it. `steps` holds (seconds since the rise before, movement) pairs
    flat, oldest first; the last pair is the rise at `rose_at`. The first pair's rise before it is
    the oldest moment known. No step, no arithmetic: a reading without movement changes nothing.
    """

    rose_at: Seconds = 0  # the last rise; while `moved` is 0, the first reading
    steps: Steps = ()
    moved: int = 0  # 1: there was a rise since the first reading


def climb(stairs: Stairs, at: int, movement: int) -> Stairs:
    """Add a rise of `movement` > 0 that arrived with the reading at `at`, and forget what is past.

    What is forgotten cannot change an answer of `moved_within`: rises before the last one that is
    older than KEEP_S, or below the last KEEP_MOVED of movement. Only when more than MAX_STEPS
    remain (more than hourly readings *and* steps finer than KEEP_MOVED / MAX_STEPS) the two
    rises closest in time become one at the later time. Movement within a window can then be
    overstated by what moved in the two hours before the window, and is never understated.
    """
    steps = (*stairs.steps, min(at - stairs.rose_at, KEEP_S), min(movement, KEEP_MOVED))
    age = sum(steps[::2])
    moved = sum(steps[1::2])
    first = 0
    while first < len(steps) - 2:
        age -= steps[first]
        moved -= steps[first + 1]
        if age < KEEP_S and moved < KEEP_MOVED:
            break
        first += 2
    steps = steps[first:]
    if len(steps) > 2 * MAX_STEPS:
        steps = _merged(steps)
    return Stairs(at, steps, 1)


def moved_within(stairs: Stairs, at: int, window_s: int) -> int | None:
    """Movement between the last reading at or before `at - window_s` and the one at `at`.

    Exact below KEEP_MOVED, else at least KEEP_MOVED. None: no reading is old enough to tell, and
    less than KEEP_MOVED was seen. `at` is the time of the last reading; `window_s` ≤ KEEP_S.
    """
    age = at - stairs.rose_at
    moved = 0
    steps = stairs.steps
    index = len(steps) - 2
    while age < window_s:
        if index < 0:
            return None
        age += steps[index]
        moved += steps[index + 1]
        if moved >= KEEP_MOVED:
            return moved
        index -= 2
    return moved


def _merged(steps: tuple[int, ...]) -> tuple[int, ...]:
    """One step fewer: the two neighbours closest in time become one, at the later's time."""
    index = min(range(0, len(steps) - 2, 2), key=lambda i: steps[i] + steps[i + 2])
    pair = (steps[index] + steps[index + 2], steps[index + 1] + steps[index + 3])
    return (*steps[:index], *pair, *steps[index + 4 :])
