"""Long replays in small pieces, with a breath between them: messages that come in go first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from alerting.trial.replay import Replay

AT_ONCE = 1_000
"""Readings replayed, or loaded, between two breaths: a few milliseconds of a processor."""

PAUSE_S = 0.004
_NEVER_SET = Event()  # waiting for it lets other threads on

Breathe = Callable[[], None]
"""Called between two pieces of the work; may wait, and raises `OutOfTime` to end it."""


class OutOfTime(Exception):
    """The time that was set for a replay is up; what was not finished counts for nothing."""


def no_breath() -> None:
    """Where nothing waits meanwhile."""


def pause() -> None:
    """Let others on; for a thread of one's own, never for the event loop's."""
    _NEVER_SET.wait(PAUSE_S)


def run_in_pieces(
    course: Replay, times: Sequence[int], values: Sequence[float], breathe: Breathe = no_breath
) -> None:
    """`course.run` of all of them; the same to the bit."""
    for start in range(0, len(times), AT_ONCE):
        breathe()
        course.run(times[start : start + AT_ONCE], values[start : start + AT_ONCE])
