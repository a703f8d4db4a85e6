"""Acts on what is due: ladders, silent devices, late judgements; clamps after a clock step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.escalation import DueKind, Step, clamp, next_step
from alerting.handling.check_ending import clamp_checks
from alerting.incident import FINAL, Stage
from alerting.tables import Check, Incident, Notice
from alerting.telling.notices import carry_out
from alerting.telling.policies import stamped_policy
from core.logging import about, get_logger

log = get_logger("sweep")

OVERDUE_AFTER = timedelta(seconds=60)
"""A deadline that nobody acted on for this long is an alarm about Anju itself."""


async def due_incidents(session: AsyncSession, now: datetime, limit: int = 50) -> Sequence[str]:
    """Ids of incidents whose deadline has come, most urgent and longest overdue first."""
    rows = await session.scalars(
        select(Incident.id)
        .where(Incident.due_at <= now)
        .order_by(Incident.severity_rank, Incident.due_at)
        .limit(limit)
    )
    return rows.all()


async def escalate(session: AsyncSession, incident_id: str, now: datetime) -> Step | None:
    """Take the next step of one incident, if it is still due; another worker may be first."""
    incident = await session.scalar(
        select(Incident)
        .where(Incident.id == incident_id, Incident.due_at <= now)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if incident is None or incident.due_kind is None:
        return None
    policy = await stamped_policy(session, incident.policy_id, incident.policy_version)
    step = next_step(
        Stage(incident.stage),
        DueKind(incident.due_kind),
        incident.step,
        incident.round,
        policy,
        now,
    )
    incident.version += 1
    type_ = "incident.escalated" if incident.stage == Stage.OPEN else "incident.overdue"
    await carry_out(session, incident, step, policy, now, type_=type_)
    with about(incident=incident.id):
        log.info("escalated", reason=step.reason, step=step.step, round=step.round)
    return step


async def next_due_at(session: AsyncSession) -> datetime | None:
    """The earliest deadline there is, of an incident or a check."""
    found = [
        await session.scalar(
            select(table.due_at).where(table.due_at.is_not(None)).order_by(table.due_at).limit(1)
        )
        for table in (Incident, Check)
    ]
    return min((due for due in found if due is not None), default=None)


async def overdue(session: AsyncSession, now: datetime) -> Sequence[str]:
    """The auditor asks of every stage, and of checks: whose deadline passed without anybody
    acting?"""
    incidents = await session.scalars(
        select(Incident.id).where(
            Incident.stage.not_in([stage.value for stage in FINAL]),
            Incident.due_at < now - OVERDUE_AFTER,
        )
    )
    checks = await session.scalars(select(Check.id).where(Check.due_at < now - OVERDUE_AFTER))
    return [*incidents, *checks]


async def clamp_deadlines(session: AsyncSession, now: datetime) -> int:
    """After a clock step (and at start) nothing may lie further off than its own delay.

    Returns how many deadlines and leases were pulled in.
    """
    changed = await clamp_checks(session, now)
    incidents = await session.scalars(select(Incident).where(Incident.due_at > now))
    for incident in incidents:
        assert incident.due_at is not None
        clamped = clamp(incident.due_at, incident.due_delay_s, now)
        if clamped != incident.due_at:
            incident.due_at = clamped
            timeline.append(session, incident.id, at=now, now=now, kind="clock_clamped")
            changed += 1
    horizon = now + timedelta(seconds=60)
    notices = await session.scalars(select(Notice).where(Notice.state.in_(("waiting", "sending"))))
    for notice in notices:
        if notice.lease_until is not None and notice.lease_until > horizon:
            notice.lease_until = horizon
            changed += 1
        if notice.next_attempt_at is not None and notice.next_attempt_at > horizon:
            notice.next_attempt_at = horizon
            changed += 1
    return changed
