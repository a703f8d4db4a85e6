"""What people do with an incident until its outcome: take it, send somebody, go, arrive."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.escalation import DueKind, Target, stage_deadline
from alerting.handling.moving import (
    begin,
    check_version,
    check_visitor,
    enter,
    keep_late_fact,
    load,
    restart_ladder,
    stage_of,
)
from alerting.incident import FINAL, MOVES, Move, Stage
from alerting.tables import Incident
from alerting.telling.notices import set_deadline, tell, tell_devices
from alerting.telling.policies import stamped_policy
from care.model import Actor
from care.tables import User
from core.errors import Conflict, InvalidInput


async def acknowledge(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
) -> Incident:
    """A duty officer takes it: the ladder stops, and the next deadline is to send somebody."""
    incident = await begin(session, incident_id, Move.ACKNOWLEDGE, actor, version)
    _own(incident, actor)
    incident.acknowledged_at = now
    await enter(session, incident, Move.ACKNOWLEDGE, actor, now)
    await tell_devices(session, incident, now, Stage.ACKNOWLEDGED)
    return incident


async def release(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
    reason: str | None = None,
) -> Incident:
    """Give it back: nobody owns it, and the ladder starts again from the first step."""
    incident = await begin(session, incident_id, Move.RELEASE, actor, version)
    incident.owner_id = incident.owner_name = incident.visitor_id = None
    await enter(session, incident, Move.RELEASE, actor, now, data={"text": reason or ""})
    await restart_ladder(session, incident, now, reason="released")
    await tell_devices(session, incident, now, Stage.OPEN)
    return incident


async def dispatch(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    visitor_id: str,
    version: int | None = None,
) -> Incident:
    """Send somebody; takes the incident if nobody owned it. Sending somebody else is allowed."""
    visitor = await session.get(User, visitor_id)
    if visitor is None or not visitor.active:
        raise InvalidInput("visitor_id", f"no active user has the id {visitor_id}")
    incident = await begin(session, incident_id, Move.DISPATCH, actor, version)
    taken = incident.owner_id is None
    if taken:
        _own(incident, actor)
        incident.acknowledged_at = incident.acknowledged_at or now
    incident.visitor_id = visitor.id
    incident.dispatched_at = now
    incident.accepted_at = None
    await enter(
        session,
        incident,
        Move.DISPATCH,
        actor,
        now,
        data={"visitor": visitor.name, "visitor_id": visitor.id},
    )
    await tell(
        session,
        incident,
        (Target(who="assigned_visitor", by="all"),),
        now,
        type_="incident.assigned",
        reason="assigned_visitor",
    )
    if taken:
        await tell_devices(session, incident, now, Stage.ACKNOWLEDGED)
    return incident


async def accept(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
) -> Incident:
    """The visitor goes. Only now may a device say that help is coming."""
    incident = await begin(session, incident_id, Move.ACCEPT, actor, version)
    incident.accepted_at = now
    await enter(session, incident, Move.ACCEPT, actor, now, data=await _visitor(session, incident))
    await tell_devices(session, incident, now, Stage.ACCEPTED)
    return incident


async def arrive(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
    at: datetime | None = None,
) -> Incident:
    """Somebody is at the door. A fact that comes too late to move the stage is still recorded."""
    at = _fact_time(at, now)
    incident = await load(session, incident_id)
    check_visitor(incident, actor)
    if stage_of(incident) not in MOVES[Move.ARRIVE][0]:
        late = await _visitor(session, incident)
        await keep_late_fact(session, incident, Move.ARRIVE, actor, at, now, late)
    check_version(incident, version)
    incident.accepted_at = incident.accepted_at or at
    incident.attended_at = at
    await enter(
        session, incident, Move.ARRIVE, actor, now, at=at, data=await _visitor(session, incident)
    )
    return incident


async def add_note(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    text: str,
    version: int | None = None,
) -> Incident:
    """A fact in words. Never moves a deadline."""
    incident = await load(session, incident_id)
    check_version(incident, version)
    timeline.append(
        session, incident.id, at=now, now=now, kind="noted", actor=actor, data={"text": text}
    )
    timeline.touch(session, incident, now)
    return incident


async def heard(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
) -> Incident:
    """The owner has heard a further press: the ladder that it restarted stops."""
    incident = await load(session, incident_id)
    if incident.owner_id is None or stage_of(incident) in FINAL:
        raise Conflict("nobody owns this incident; acknowledge it instead", stage=incident.stage)
    check_version(incident, version)
    policy = await stamped_policy(session, incident.policy_id, incident.policy_version)
    if incident.due_kind in (DueKind.OWNER_REACTION, DueKind.LADDER):
        set_deadline(incident, stage_deadline(stage_of(incident), policy, now))
        incident.round = 0
        incident.version += 1
    timeline.append(session, incident.id, at=now, now=now, kind="heard", actor=actor)
    timeline.touch(session, incident, now)
    return incident


def _own(incident: Incident, actor: Actor) -> None:
    incident.owner_id, incident.owner_name = actor.id, actor.name


def _fact_time(at: datetime | None, now: datetime) -> datetime:
    if at is not None and at > now:
        raise InvalidInput("at", "lies in the future")
    return at or now


async def _visitor(session: AsyncSession, incident: Incident) -> dict[str, Any]:
    name = await session.scalar(select(User.name).where(User.id == incident.visitor_id))
    return {"visitor": name or "", "visitor_id": incident.visitor_id}
