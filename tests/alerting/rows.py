"""Rows to begin with: a region's ladders, an incident, notices that wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.finding import Finding, Severity, Sign
from alerting.handling.opening import apply_finding
from alerting.intake.whose import Whose
from alerting.stream import write_hints
from alerting.tables import Delivery, Incident, Notice, TimelineEntry
from alerting.telling.policies import install_ladders
from care.equipment import ensure_native_source
from care.policy import load_policy
from core.db import Database

_numbers = count(1)


async def begin(db: Database, now: datetime) -> None:
    """What every installation has: ladders and the native source; hints are stored."""
    db.on_hints(write_hints, lambda: None)
    region = load_policy("guangdong")
    async with db.transaction() as session:
        await install_ladders(session, region.name, region.ladders, now)
        await ensure_native_source(session, now)


async def open_incident(
    session: AsyncSession, now: datetime, *, severity: Severity = Severity.LIFE_SAFETY
) -> Incident:
    """An incident of an unknown device, and the notices of its first step taken out of the way."""
    kind = {"life_safety": "sos", "welfare": "leak", "technical": "fault"}[severity.value]
    finding = Finding(kind=kind, severity=severity, sign=Sign.EDGE, at=now, reason="test")
    child = f"device-{next(_numbers)}"
    incident = await apply_finding(session, finding, Whose(source_id="native", child_id=child), now)
    assert incident is not None
    await session.flush()
    for notice in (await session.scalars(select(Notice))).all():
        if notice.state == "waiting" and notice.incident_id == incident.id:
            await session.delete(notice)
    return incident


def notice(incident: Incident | None, now: datetime, **fields: Any) -> Notice:
    """A text message that waits; ids in order of making."""
    values: dict[str, Any] = {
        "id": f"ntc-{next(_numbers):06}",
        "incident_id": incident.id if incident else None,
        "type": "incident.opened",
        "severity_rank": incident.severity_rank if incident else 2,
        "recipient_kind": "contact",
        "recipient_id": "con-1",
        "recipient": "李女儿",
        "channel": "sms",
        "address": "+8613900000001",
        "fallbacks": [],
        "payload": {},
        "reason": "first_contact",
        "language": "zh",
        "state": "waiting",
        "created_at": now,
        "next_attempt_at": now,
        "attempt": 0,
        "crashes": 0,
        "is_repeat": False,
    }
    return Notice(**(values | fields))


def ago(now: datetime, **span: float) -> datetime:
    return now - timedelta(**span)


async def notices(db: Database) -> list[Notice]:
    """All but the desk's, in order of making."""
    async with db.reading() as session:
        query = select(Notice).where(Notice.channel != "console")
        return list(await session.scalars(query.order_by(Notice.created_at, Notice.id)))


async def attempts(db: Database, notice_id: str) -> list[tuple[int, str]]:
    """(number, result) of every attempt to send a notice."""
    async with db.reading() as session:
        query = select(Delivery).where(Delivery.notice_id == notice_id).order_by(Delivery.id)
        return [(row.attempt, row.result) for row in await session.scalars(query)]


async def story(db: Database, incident_id: str) -> list[str]:
    """The kinds of an incident's timeline."""
    async with db.reading() as session:
        query = select(TimelineEntry.kind).where(TimelineEntry.incident_id == incident_id)
        return list(await session.scalars(query.order_by(TimelineEntry.id)))
