"""Findings meet incidents in both databases: one subject one incident, rings, ladders, latches."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from alerting.escalation import DueKind
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from alerting.handling import closing, responding, sweep
from alerting.handling.opening import apply_finding
from alerting.intake.whose import Whose
from alerting.tables import Incident, TimelineEntry
from care.model import Actor, UserRole
from core.db import Database
from tests.alerting import rows
from tests.support.clock import ManualClock

OFFICER = Actor(id="usr-1", name="王值班", role=UserRole.DUTY_OFFICER)


class Case:
    """One device, its findings, and what people do."""

    def __init__(self, db: Database, clock: ManualClock) -> None:
        self.db, self.clock = db, clock

    async def found(
        self, kind: str = "sos", sign: Sign = Sign.EDGE, *, child: str = "btn-1", **facts: Any
    ) -> str | None:
        now = self.clock.now()
        finding = Finding(
            kind=kind,
            severity=SEVERITY_OF_KIND[kind],
            sign=sign,
            at=now,
            reason="test",
            facts=facts,
        )
        whose = Whose(source_id="native", child_id=child)
        async with self.db.transaction() as session:
            incident = await apply_finding(session, finding, whose, now)
            return incident.id if incident else None

    async def acts(self, act: Any, ident: str | None, **fields: Any) -> None:
        async with self.db.transaction() as session:
            await act(session, ident, OFFICER, self.clock.now(), **fields)

    async def due(self, ident: str | None) -> str | None:
        """Let time pass until the incident is due; the reason of the step that is taken then."""
        due_at = (await self.row(ident)).due_at
        assert due_at is not None
        self.clock.advance(seconds=max((due_at - self.clock.now()).total_seconds(), 0))
        async with self.db.transaction() as session:
            step = await sweep.escalate(session, str(ident), self.clock.now())
        return step.reason if step else None

    async def row(self, ident: str | None) -> Incident:
        async with self.db.reading() as session:
            return await session.get_one(Incident, ident)

    async def reason(self, ident: str) -> str | None:
        """Why it was opened."""
        async with self.db.reading() as session:
            query = select(TimelineEntry.reason).where(TimelineEntry.incident_id == ident)
            return await session.scalar(query.order_by(TimelineEntry.id).limit(1))

    async def all(self) -> list[Incident]:
        async with self.db.reading() as session:
            return list(await session.scalars(select(Incident).order_by(Incident.opened_at)))


@pytest.fixture
async def case(db: Database, clock: ManualClock) -> Case:
    await rows.begin(db, clock.now())
    return Case(db, clock)


async def test_presses_at_the_same_moment_are_one_incident(case: Case) -> None:
    """Whoever inserts second joins; the unique index decides, not who looked first."""
    touched = await asyncio.gather(*(case.found() for _ in range(8)))
    (incident,) = await case.all()
    assert set(touched) == {incident.id} and incident.findings == 8


async def test_different_devices_are_different_incidents(case: Case) -> None:
    touched = await asyncio.gather(*(case.found(child=f"btn-{n}") for n in range(3)))
    assert len(set(touched)) == 3


async def test_a_press_after_the_outcome_is_a_new_incident_linked_to_the_old(case: Case) -> None:
    first = await case.found()
    await case.acts(responding.acknowledge, first)
    await case.acts(closing.record_outcome, first, outcome="assisted")
    case.clock.advance(minutes=1)
    second = await case.found()
    assert second != first and (await case.row(second)).previous_id == first
    assert "linked" in await rows.story(case.db, str(second))


async def test_an_owner_has_two_minutes_then_the_ladder_climbs_to_its_top(case: Case) -> None:
    ident = await case.found()
    await case.acts(responding.acknowledge, ident)
    await case.found()
    row = await case.row(ident)
    assert row.due_kind == DueKind.OWNER_REACTION
    assert row.due_at == case.clock.now() + timedelta(minutes=2)
    assert await case.due(ident) == "owner_silent"
    assert [await case.due(ident) for _ in range(5)] == [
        *["nobody_took_it"] * 4,
        "nobody_took_it_repeat",
    ]


async def test_further_presses_do_not_send_a_climbing_ladder_back_to_its_foot(case: Case) -> None:
    """Somebody who keeps pressing must not keep the supervisors from being told."""
    ident = await case.found()
    await case.acts(responding.acknowledge, ident)
    await case.found()
    reasons = [await case.due(ident)]
    for _ in range(5):
        case.clock.advance(seconds=1)
        await case.found()
        reasons.append(await case.due(ident))
    assert reasons == ["owner_silent", *["nobody_took_it"] * 4, "nobody_took_it_repeat"]


async def test_a_press_never_moves_a_deadline_further_off(case: Case) -> None:
    ident = await case.found()
    await case.acts(responding.acknowledge, ident)
    before = (await case.row(ident)).due_at
    assert before is not None
    case.clock.advance(seconds=(before - case.clock.now()).total_seconds() - 10)
    await case.found()
    assert (await case.row(ident)).due_at == before


async def latched(case: Case) -> tuple[str | None, datetime]:
    """Smoke with an outcome 13 h ago that never cleared."""
    smoke = await case.found("smoke", Sign.ROSE, child="smoke-1")
    await case.acts(responding.acknowledge, smoke)
    await case.acts(closing.record_outcome, smoke, outcome="false_alarm")
    case.clock.advance(hours=11, minutes=59)
    assert await case.found("smoke", Sign.HELD, child="smoke-1") is None
    return smoke, case.clock.advance(minutes=1)


async def test_a_level_that_never_cleared_becomes_one_fault(case: Case) -> None:
    """A bridge repeats it with every update: that is one fault, and not a line each minute."""
    smoke, _ = await latched(case)
    faults = set()
    for _ in range(5):
        faults.add(await case.found("smoke", Sign.HELD, child="smoke-1"))
        case.clock.advance(minutes=1)
    (fault,) = faults
    assert fault not in (None, smoke)
    row = await case.row(fault)
    assert (row.kind, row.severity, row.facts["fault"], row.facts["level"]) == (
        "fault",
        "technical",
        "latched",
        "smoke",
    )
    assert row.findings == 1
    assert (await rows.story(case.db, row.id)).count("finding") == 0
    assert await case.reason(row.id) == "latched"


async def test_a_latched_detector_is_a_fault_again_until_it_is_remedied(case: Case) -> None:
    await latched(case)
    fault = await case.found("smoke", Sign.HELD, child="smoke-1")
    await case.acts(responding.acknowledge, fault)
    await case.acts(closing.record_outcome, fault, outcome="other")
    await case.acts(closing.close, fault)
    case.clock.advance(hours=11, minutes=59)
    assert await case.found("smoke", Sign.HELD, child="smoke-1") is None, "they know"
    case.clock.advance(minutes=1)
    again = await case.found("smoke", Sign.HELD, child="smoke-1")
    assert again not in (None, fault), "that home is still without smoke detection"


async def test_a_clear_never_closes_and_a_new_alarm_takes_it_back(case: Case) -> None:
    ident = await case.found("gas", Sign.ROSE)
    await case.found("gas", Sign.CLEARED)
    row = await case.row(ident)
    assert (row.stage, row.condition, row.due_at is not None) == ("open", "cleared", True)
    assert await case.found("gas", Sign.ROSE) == ident
    assert (await case.row(ident)).condition == "active"
