"""Readings of the past through the very detectors that run in production. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from alerting.detect import (
    DeviceState,
    DeviceView,
    another_register,
    answered,
    judge_register,
    rearm,
    seen,
    tick,
)
from alerting.detectors.view import moment, seconds
from alerting.finding import Finding, Severity, Sign

FALSE_WITHIN_S = 24 * 3600
"""A gap that ended sooner was somebody at home: what a call to the elder would have found out."""

TOLD = frozenset({Sign.ROSE, Sign.WORSE})
GAPS = frozenset({"no_water_use", "no_power_use"})
"""Kinds that end by themselves when there is use again."""

_NEVER = 1 << 62


class Told(NamedTuple):
    """What was found, and after which reading."""

    row: int  # number of the last reading that had arrived
    at: int  # when it would have been raised, seconds
    finding: Finding


class Act(StrEnum):
    """What people said or did meanwhile."""

    WAS_FALSE = "was_false"  # the elder was there and well: the rule learns
    WAS_NOT = "was_not"  # a true alarm, or nobody was at home: it does not
    REARM = "rearm"  # closed without proof of life: found again after a while
    SEEN = "seen"  # proof of life: the gap counts anew
    AWAY = "away"  # from now on nobody is at home, and welfare is not asked about
    HOME = "home"
    SWAPPED = "swapped"  # another register hangs in the meter's place


class Happened(NamedTuple):
    """One act, at a time in seconds, about findings of a kind."""

    at: int
    act: Act
    kind: str = "no_water_use"


class Replay:
    """One meter's detectors on their way through its readings."""

    def __init__(
        self, device: DeviceView, *, feedback: bool = True, happened: Iterable[Happened] = ()
    ) -> None:
        """`feedback` answers every alarm as a duty desk would, as soon as there is use again:
        false when that is within a day. `happened` is what people really did, by rising time."""
        self.device = device
        self.state = DeviceState()
        self.told: list[Told] = []
        self.standing: dict[str, Told] = {}  # kind → what was found and has not ended since
        self.judge_at = 0  # when `tick` is wanted, seconds; 0: not wanted
        self._feedback = feedback
        self._happened = list(happened)[::-1]

    def run(
        self,
        times: Sequence[int],
        values: Iterable[float],
        arrivals: Iterable[int] | None = None,
        watch: Callable[[int, DeviceState], None] | None = None,
    ) -> None:
        """Take in all readings: seconds, and values of the register that the meter is there for.

        `arrivals`: when each was heard (rising; missing: as soon as it was read). `watch` is
        called with a reading's number and the state after it.
        """
        device, state, row = self.device, self.state, -1
        next_at, judge_at = self._next_at(), self.judge_at
        for at, value, now in zip(times, values, arrivals or times, strict=True):
            if next_at < now:
                self.state = state
                self.pass_time(now, row)
                state, device = self.state, self.device
                next_at, judge_at = self._next_at(), self.judge_at
            row += 1
            state, found, due = judge_register(state, value, at, device, now)
            if found:
                self.state = state
                self._take(found, row, now)
                state = self.state
            if due != judge_at:
                self.judge_at = judge_at = due
                next_at = self._next_at()
            if watch is not None:
                watch(row, state)
        self.state = state

    def pass_time(self, now: int, row: int) -> None:
        """What was due before `now`: ticks, and what people did. `row`: of the last reading."""
        while (at := self._next_at()) < now:
            if self._happened and self._happened[-1].at == at:
                self._happen(self._happened.pop())
                continue
            judged = tick(self.state, self.device, moment(at))
            self.state = judged.state
            self.judge_at = seconds(judged.judge_at) if judged.judge_at is not None else 0
            self._take(judged.findings, row, at)

    def _next_at(self) -> int:
        """When something is due that is not a reading."""
        acts = self._happened[-1].at if self._happened else _NEVER
        return min(acts, self.judge_at or _NEVER)

    def _happen(self, one: Happened) -> None:
        state, at = self.state, moment(one.at)
        match one.act:
            case Act.WAS_FALSE | Act.WAS_NOT:
                state = answered(state, one.kind, was_false=one.act is Act.WAS_FALSE)
            case Act.REARM:
                state = rearm(state, one.kind, at)
            case Act.SEEN:
                state = self._seen(state, one.kind, at)
            case Act.AWAY:
                self.device = replace(self.device, resting=True)
            case Act.SWAPPED:
                self.standing.clear()
                state = another_register(state)
            case Act.HOME:
                self.device = replace(self.device, resting=False)
                for kind in GAPS:
                    state = self._seen(state, kind, at)
        self.state = state

    def _seen(self, state: DeviceState, kind: str, at: datetime) -> DeviceState:
        self.standing.pop(kind, None)
        return seen(state, kind, at)

    def _take(self, findings: tuple[Finding, ...], row: int, now: int) -> None:
        for found in findings:
            if found.sign in TOLD:
                told = Told(row, now, found)
                self.standing[found.kind] = told
                if not (self.device.resting and found.severity is Severity.WELFARE):
                    self.told.append(told)
                continue
            self.standing.pop(found.kind, None)
            if self._feedback and found.kind in GAPS and found.sign is Sign.CLEARED:
                was_false = found.facts.get("gap_s", 0) < FALSE_WITHIN_S
                self.state = answered(self.state, found.kind, was_false=was_false)
