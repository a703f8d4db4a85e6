"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 0, 15, tzinfo=UTC)
"""08:15 on a Sunday morning in Guangdong."""


class ManualClock:
    """Implements `core.clock.Clock`; wall and monotonic time move together unless told apart."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> datetime:
        """Let time pass; returns the new present."""
        span = timedelta(seconds=seconds, minutes=minutes, hours=hours)
        if span < timedelta(0):
            raise ValueError("time only passes forwards; use step_wall() for a stepped clock")
        self._now += span
        self._monotonic += span.total_seconds()
        return self._now

    def step_wall(self, *, seconds: float) -> datetime:
        """Set the wall clock as an administrator or NTP would; monotonic time stays."""
        self._now += timedelta(seconds=seconds)
        return self._now
