"""What a rule would have found on a device's stored readings: before it is trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.view import DeviceView, moment, seconds
from alerting.tables import ReadingRow
from alerting.trial.course import Course, course_of
from alerting.trial.pieces import AT_ONCE, Breathe, no_breath, run_in_pieces
from alerting.trial.replay import FALSE_WITHIN_S, GAPS, Act, Happened, Replay, Told

Readings = Sequence[tuple[datetime, float]]
"""(UTC, value of a cumulative register in its own unit), by rising time."""

_HOLE_S = 24 * 3600
"""Readings further apart leave the time between them out of `Backtest.days`."""


class Ending(StrEnum):
    """How the gap that a finding is about went on."""

    ROUTINE = "routine"  # used again within 24 h: somebody was at home, and well
    ABSENCE = "absence"  # used again, later than that: nobody was
    RUNNING = "running"  # not used again so far


class Found(NamedTuple):
    """One finding as it would have been made; `check` or `incident` is what it opens."""

    at: datetime
    kind: str
    level: int
    opens: str
    since: datetime | None  # of the gap, or of whatever it is about, where the finding tells
    facts: dict[str, Any]
    ending: Ending | None = None  # of kinds that are about a gap
    grew: bool = False  # of a check: the same gap reached the level that opens an incident


class Backtest(NamedTuple):
    """All that would have been found in a stretch of time, and how much of it readings cover."""

    found: tuple[Found, ...]
    days: float


def backtest(
    readings: Readings,
    device: DeviceView,
    since: datetime,
    until: datetime,
    *,
    absences: Iterable[tuple[datetime, datetime | None]] = (),
    breathe: Breathe = no_breath,
) -> Backtest:
    """What the rules of `device` would have found from `since` to `until`. Pure.

    The detectors begin with nothing at the first of `readings`: what lies before `since` is their
    warm-up (60 days serve the adaptive rule well). Alarms are answered as a duty desk would: false
    if there was use again within 24 h. During `absences` nobody was at home.
    """
    began, ends = seconds(since), seconds(until)
    heard = [(seconds(at), value) for at, value in readings if at <= until]
    course = Replay(device, happened=_absences(absences))
    run_in_pieces(course, [at for at, _ in heard], [value for _, value in heard], breathe)
    course.pass_time(ends + 1, len(heard) - 1)
    told = [one for one in course.told if began <= one.at <= ends]
    gaps = course_of((at, round(value * 10_000)) for at, value in heard) if told else None
    return Backtest(_found(told, gaps), _days(heard, began))


async def load_readings(
    session: AsyncSession,
    device_id: str,
    register: str,
    since: datetime,
    until: datetime,
    breathe: Breathe = no_breath,
) -> list[tuple[datetime, float]]:
    """A device's stored values of a register from `since` to `until`, by rising time.

    In pieces, with a breath between them: a meter that is read every minute has 130,000 in 90 days.
    """
    found: list[tuple[datetime, float]] = []
    wanted = (
        select(ReadingRow.at, ReadingRow.value)
        .where(ReadingRow.device_id == device_id, ReadingRow.register == register)
        .where(ReadingRow.at <= until)
        .order_by(ReadingRow.at)
        .limit(AT_ONCE)
    )
    piece = wanted.where(ReadingRow.at >= since)
    while True:
        breathe()
        rows = (await session.execute(piece)).all()
        found += [(at, value) for at, value in rows]
        if len(rows) < AT_ONCE:
            return found
        await asyncio.sleep(0)
        piece = wanted.where(ReadingRow.at > found[-1][0])


def _absences(spans: Iterable[tuple[datetime, datetime | None]]) -> list[Happened]:
    acts: list[Happened] = []
    for away, home in spans:
        acts.append(Happened(seconds(away), Act.AWAY))
        if home is not None:
            acts.append(Happened(seconds(home), Act.HOME))
    return sorted(acts, key=lambda one: one.at)


def _found(told: Sequence[Told], course: Course | None) -> tuple[Found, ...]:
    found: list[Found] = []
    last_grown: dict[tuple[str, Any], int] = {}  # of a gap: its last finding that opens an incident
    for number, (_, at, finding) in enumerate(told):
        facts = finding.facts
        opens = facts.get("opens", "incident")
        if opens == "incident":
            last_grown[finding.kind, facts.get("since")] = number
        ending = None
        if course is not None and finding.kind in GAPS:
            ending = _ending(course, at)
        text = facts.get("since")
        since = datetime.fromisoformat(text) if isinstance(text, str) else None
        level = int(facts.get("level", 1))
        found.append(Found(moment(at), finding.kind, level, opens, since, facts, ending))
    return tuple(
        one._replace(grew=last_grown.get((one.kind, one.facts.get("since")), -1) > number)
        if one.opens == "check"
        else one
        for number, one in enumerate(found)
    )


def _ending(course: Course, at: int) -> Ending:
    since, after = course.gap(at)
    if after is None:
        return Ending.RUNNING
    return Ending.ROUTINE if after - since < FALSE_WITHIN_S else Ending.ABSENCE


def _days(heard: Sequence[tuple[int, float]], began: int) -> float:
    spans = (at - max(before, began) for (before, _), (at, _) in pairwise(heard) if at > began)
    return sum(span for span in spans if 0 < span <= _HOLE_S) / 86_400
