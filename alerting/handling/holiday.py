"""Nobody was at home: the first contact is asked once whether the elder is away.

A message and no call, and by day: the incident was attended, and who sleeps cannot know more.
No answer changes nothing: it is never "away".
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.check import (
    HOLIDAY_ANSWER_WITHIN,
    CheckState,
    Decision,
    Purpose,
    Result,
    Verb,
    awake_at,
)
from alerting.finding import Finding, Severity, Sign
from alerting.handling import checking
from alerting.handling.silencing import welfare_suspended
from alerting.intake.whose import Whose
from alerting.tables import Check, Incident
from alerting.telling import questions
from care.model import SYSTEM
from core.ids import new_id

KINDS = frozenset({"no_water_use", "no_power_use"})


async def wonder(session: AsyncSession, incident: Incident, now: datetime) -> None:
    """Ask after an incident with the outcome "nobody home", once a gap; the sweep writes to the
    contact, at once or in the morning."""
    if incident.kind not in KINDS or await _was_asked(session, incident):
        return
    finding = Finding(
        kind=incident.kind,
        severity=Severity(incident.severity),
        sign=Sign.ROSE,
        at=incident.happened_at,
        reason="should be at home",
        facts=incident.facts | {"opens": "incident", "gap": _gap(incident)},
    )
    whose = Whose(
        source_id=incident.source_id or "",
        child_id=incident.child_id or "",
        device_id=incident.device_id,
        elder_id=incident.elder_id,
        home_id=incident.home_id,
        area_id=incident.area_id,
    )
    values = {
        "id": new_id("chk"),
        "purpose": Purpose.HOLIDAY.value,
        "kind": incident.kind,
        "subject": incident.subject,
        "state": CheckState.ASKING.value,
        "version": 1,
        "elder_id": incident.elder_id,
        "home_id": incident.home_id,
        "area_id": incident.area_id,
        "device_id": incident.device_id,
        "finding": msgspec.to_builtins(finding),
        "whose": asdict(whose),
        "opened_at": now,
        "due_at": now,
        "due_delay_s": 0,
        "asked": 0,
        "incident_id": incident.id,
    }
    await checking.insert_check(session, values)


def _gap(incident: Incident) -> str:
    """What names a gap: when it began. Without that, the incident."""
    return str(incident.facts.get("since") or incident.id)


async def _was_asked(session: AsyncSession, incident: Incident) -> bool:
    """A gap lasts for days, so the latest questions are looked through, not all."""
    asked = await session.scalars(
        select(Check.finding)
        .where(
            Check.subject == incident.subject,
            Check.kind == incident.kind,
            Check.purpose == Purpose.HOLIDAY.value,
        )
        .order_by(Check.opened_at.desc())
        .limit(20)
    )
    return any(one["facts"].get("gap") == _gap(incident) for one in asked)


async def act(session: AsyncSession, check: Check, now: datetime, zone: ZoneInfo) -> Decision:
    """Write to the contact when they are awake; after a day without an answer it is over."""
    if check.asked:
        await checking.finish(session, check, Result.UNANSWERED, SYSTEM, now)
        return Decision(verb=Verb.END, reason="holiday_unanswered", result=Result.UNANSWERED)
    if await _is_settled(session, check, now):
        await checking.finish(session, check, Result.WITHDRAWN, SYSTEM, now)
        return Decision(verb=Verb.END, reason="check_withdrawn", result=Result.WITHDRAWN)
    morning = awake_at(now, zone)
    if morning > now:
        _wait(check, now, morning)
        return Decision(verb=Verb.WAIT, reason="holiday_in_the_morning", due_at=morning)
    if not await questions.ask_contact(session, check, now):
        await checking.finish(session, check, Result.NOBODY_TO_ASK, SYSTEM, now)
        return Decision(verb=Verb.END, reason="nobody_to_ask", result=Result.NOBODY_TO_ASK)
    _wait(check, now, now + HOLIDAY_ANSWER_WITHIN)
    checking.touch(session, check, now)
    if check.incident_id is not None:
        timeline.append(session, check.incident_id, at=now, now=now, kind="holiday_asked")
    return Decision(verb=Verb.ASK, reason="holiday_asked", due_at=check.due_at)


async def _is_settled(session: AsyncSession, check: Check, now: datetime) -> bool:
    """Does nobody need to be asked any more? A night has passed: people know, or water ran."""
    incident = await session.get(Incident, check.incident_id) if check.incident_id else None
    if incident is not None and incident.condition == "cleared":
        return True
    return await welfare_suspended(
        session, checking.stored_finding(check), checking.stored_whose(check), now
    )


def _wait(check: Check, now: datetime, until: datetime) -> None:
    check.due_at, check.due_delay_s = until, int((until - now).total_seconds())
