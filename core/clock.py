"""The only place that reads a clock; everything else is handed the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for business decisions, monotonic time for measuring spans."""

    def now(self) -> datetime:
        """The present, zone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class DriftWatch:
    """Notices that wall time and monotonic time have parted (a step of the clock, a suspend).

    A stepped clock makes every stored deadline wrong by the same amount, so the caller clamps
    them (see `alerting/handling/sweep.py`).
    """

    def __init__(self, clock: Clock, tolerance_s: float = 60.0) -> None:
        self._clock = clock
        self._tolerance_s = tolerance_s
        self._restart()

    def _restart(self) -> None:
        self._wall = self._clock.now()
        self._mono = self._clock.monotonic()

    def step_seconds(self) -> float:
        """Seconds the wall clock jumped since the last look; 0.0 while within tolerance."""
        wall = (self._clock.now() - self._wall).total_seconds()
        mono = self._clock.monotonic() - self._mono
        step = wall - mono
        self._restart()
        return step if abs(step) > self._tolerance_s else 0.0
