"""How much a register moved within a window, remembered as the last few steps it took."""

from __future__ import annotations

from struct import pack, unpack
from typing import Annotated

import msgspec

from alerting.detectors.view import Seconds

MAX_STEPS = 25
"""A day of hourly readings that all moved, and one before the day."""

KEEP_S = 24 * 3600
"""Longest window that can be asked for."""

KEEP_MOVED = 100
"""Most movement that can be asked about; anything above only counts as at least this much."""

_SPAN_BITS, _MOVED_BITS = 20, 12
_SPAN_MOST, _MOVED_MOST = (1 << _SPAN_BITS) - 1, (1 << _MOVED_BITS) - 1
_STEP_BYTES = 4

Steps = (
    Annotated[bytes, msgspec.Meta(max_length=_STEP_BYTES * MAX_STEPS)]
    | Annotated[tuple[Seconds, ...], msgspec.Meta(max_length=2 * MAX_STEPS)]
)
"""Four bytes a step; flat (seconds, movement) pairs are how they were stored before."""


class Stairs(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The register's rises, newest last.

    A register only rises, so between two rises it has one value, and the movement within a window
    is the sum of the rises in it. `steps` holds seconds since the rise before and movement of each,
    oldest first; the last is the rise at `rose_at`. The first one's rise before it is the oldest
    moment known. No step, no arithmetic: a reading without movement changes nothing.
    """

    rose_at: Seconds = 0  # the last rise; while `moved` is 0, the first reading
    steps: Steps = b""
    moved: int = 0  # 1: there was a rise since the first reading


def climb(stairs: Stairs, at: int, movement: int) -> Stairs:
    """Add a rise of `movement` > 0 that arrived with the reading at `at`, and forget what is past.

    What is forgotten cannot change an answer of `moved_within`, not even should the new rise be
    taken back: rises before the last one that is older than KEEP_S, or below the last KEEP_MOVED of
    movement, not counting the new one. Only when more than MAX_STEPS
    remain (more than hourly readings *and* steps finer than KEEP_MOVED / MAX_STEPS) the two
    rises closest in time become one at the later time. Movement within a window can then be
    overstated by what moved in the two hours before the window, and is never understated.
    """
    span = min(max(at - stairs.rose_at, 0), KEEP_S)
    steps = [*_words(stairs.steps)]
    total = sum(steps)  # of both halves at once: there is room in the lower one
    steps.append(_word(span, min(movement, KEEP_MOVED)))
    first = 0
    while first < len(steps) - 2:
        total -= steps[first]
        if total >> _MOVED_BITS < KEEP_S and total & _MOVED_MOST < KEEP_MOVED:
            break
        first += 1
    steps = steps[first:]
    if len(steps) > MAX_STEPS:
        _merge(steps)
    return Stairs(at, pack(f"<{len(steps)}I", *steps), 1)


def taken_back(stairs: Stairs, rose_at: int) -> Stairs:
    """Without the last rise, which was none: the one before it was at `rose_at`."""
    steps = _words(stairs.steps)[:-1]
    return Stairs(rose_at, pack(f"<{len(steps)}I", *steps), 1 if steps else 0)


def moved_within(stairs: Stairs, at: int, window_s: int) -> int | None:
    """Movement between the last reading at or before `at - window_s` and the one at `at`.

    Exact below KEEP_MOVED, else at least KEEP_MOVED. None: no reading is old enough to tell, and
    less than KEEP_MOVED was seen. `at` is the time of the last reading; `window_s` ≤ KEEP_S.
    """
    age = at - stairs.rose_at
    moved = 0
    steps = _words(stairs.steps)
    index = len(steps) - 1
    while age < window_s:
        if index < 0:
            return None
        word = steps[index]
        age += word >> _MOVED_BITS
        moved += word & _MOVED_MOST
        if moved >= KEEP_MOVED:
            return moved
        index -= 1
    return moved


def pairs(stairs: Stairs) -> tuple[tuple[int, int], ...]:
    """(seconds since the rise before, movement) of every step, oldest first."""
    return tuple((word >> _MOVED_BITS, word & _MOVED_MOST) for word in _words(stairs.steps))


def is_whole(stairs: Stairs) -> bool:
    """Whether no stored step is cut in two."""
    return len(stairs.steps) % (_STEP_BYTES if isinstance(stairs.steps, bytes) else 2) == 0


def _words(steps: Steps) -> tuple[int, ...]:
    if isinstance(steps, bytes):
        return unpack(f"<{len(steps) // _STEP_BYTES}I", steps)
    return tuple(_word(*pair) for pair in zip(steps[::2], steps[1::2], strict=True))


def _word(span_s: int, moved: int) -> int:
    return min(span_s, _SPAN_MOST) << _MOVED_BITS | min(moved, _MOVED_MOST)


def _merge(steps: list[int]) -> None:
    """One step fewer: the two neighbours closest in time become one, at the later's time."""
    spans = [word >> _MOVED_BITS for word in steps]
    index = min(range(len(steps) - 1), key=lambda i: spans[i] + spans[i + 1])
    moved = (steps[index] & _MOVED_MOST) + (steps[index + 1] & _MOVED_MOST)
    steps[index : index + 2] = [_word(spans[index] + spans[index + 1], moved)]
