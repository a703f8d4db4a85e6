"""What follows an incident at the door: visits, follow-ups and hazards, told to its timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import queries, timeline
from alerting.handling import moving
from alerting.queries import sight_of
from alerting.tables import Incident
from care import follow_ups, visits
from care import queries as care_queries
from care.accounts import visitor_for
from care.model import Actor, VisitMode
from care.queries import Sight
from care.tables import Elder, FollowUp, Hazard, Visit
from care.visit_record import VisitRecord
from core.errors import InvalidInput, NotAllowed, NotFound


async def record_visit(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    elder_id: str | None = None,
    incident_id: str | None = None,
    mode: VisitMode,
    record: VisitRecord,
    visitor_id: str | None = None,
    visited_at: datetime | None = None,
) -> Visit:
    """Record a visit, for an incident or by plan.

    For an incident: by its assigned visitor, or by the desk on their behalf. Without one: by
    whoever may see the elder. `elder_id` may be left out where the incident names one elder.
    Raises `NotAllowed`, `NotFound`, `InvalidInput`.
    """
    incident = await _incident(session, actor, incident_id)
    elder = await _elder(session, actor, elder_id, incident)
    if not actor.is_desk and visitor_id not in (None, actor.id):
        raise NotAllowed("a visitor records their own visits")
    behind = incident.visitor_id if incident is not None and actor.is_desk else None
    who = visitor_id or behind or actor.id
    if visitor_id is not None and visitor_id != actor.id:
        await visitor_for(session, visitor_id, elder.area_id)
    if incident is not None:  # before the elder, whose visits are numbered under a lock
        await moving.load(session, incident.id)
    visit = await visits.record_visit(
        session,
        actor,
        now,
        elder=elder,
        visitor_id=who,
        mode=mode,
        record=record,
        incident_id=incident_id,
        visited_at=visited_at,
    )
    data = {"visit_id": visit.id, "number": visit.number, "mode": visit.mode}
    at = visit.visited_at
    await _tell(session, incident_id, "visit_recorded", actor, now, data, at=at)
    return visit


async def add_follow_up(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    text: str,
    due_at: datetime,
    elder_id: str | None = None,
    incident_id: str | None = None,
) -> FollowUp:
    """Something still to be done; an incident does not close before it is, or is handed over."""
    incident = await _incident(session, actor, incident_id)
    if incident is not None and incident.stage in ("closed", "cancelled"):
        raise InvalidInput("incident_id", f"this incident is {incident.stage}; reopen it first")
    elder = await _elder(session, actor, elder_id, incident)
    follow_up = await follow_ups.add_follow_up(
        session, actor, now, elder=elder, text=text, due_at=due_at, incident_id=incident_id
    )
    data = {"follow_up_id": follow_up.id, "text": text, "due_at": due_at.isoformat()}
    await _tell(session, incident_id, "follow_up_added", actor, now, data)
    return follow_up


async def complete_follow_up(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    follow_up_id: str,
    *,
    result: str | None = None,
    handed_over_to: str | None = None,
) -> FollowUp:
    """Done, or handed over. Raises `Conflict` naming who was first."""
    follow_up = await follow_ups.complete_follow_up(
        session,
        actor,
        now,
        follow_up_id,
        sight=sight_of(actor),
        result=result,
        handed_over_to=handed_over_to,
    )
    said = " → ".join(part for part in (result, handed_over_to) if part)
    data = {"follow_up_id": follow_up.id, "text": f"{follow_up.text}：{said}"}
    await _tell(session, follow_up.incident_id, "follow_up_done", actor, now, data)
    return follow_up


async def add_hazard(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    text: str,
    home_id: str | None = None,
    elder_id: str | None = None,
    visit_id: str | None = None,
    incident_id: str | None = None,
    found_at: datetime | None = None,
) -> Hazard:
    """A danger seen in a home, by its id or by an elder who lives there."""
    sight = sight_of(actor)
    incident = await _incident(session, actor, incident_id)
    visit = await visits.find_visit(session, sight, visit_id) if visit_id else None
    if elder_id is None and home_id is None and visit is not None:
        elder_id = visit.elder_id
    if home_id is None:
        elder = await _elder(session, actor, elder_id, incident)
        elder_id, home_id = elder.id, elder.home_id
    home = await care_queries.home(session, sight, home_id)
    hazard = await follow_ups.add_hazard(
        session,
        now,
        home_id=home.id,
        text=text,
        elder_id=elder_id,
        visit_id=visit_id,
        incident_id=incident_id,
        found_at=found_at,
    )
    data = {"hazard_id": hazard.id, "text": text}
    await _tell(session, incident_id, "hazard_found", actor, now, data, at=hazard.found_at)
    return hazard


async def remedy_hazard(
    session: AsyncSession, actor: Actor, now: datetime, hazard_id: str, *, remedy: str
) -> Hazard:
    """The danger is gone, and how. Raises `Conflict` naming who was first."""
    hazard = await follow_ups.remedy_hazard(
        session, actor, now, hazard_id, sight=sight_of(actor), remedy=remedy
    )
    data = {"hazard_id": hazard.id, "text": f"{hazard.text}：{remedy}"}
    await _tell(session, hazard.incident_id, "hazard_remedied", actor, now, data)
    return hazard


async def _incident(
    session: AsyncSession, actor: Actor, incident_id: str | None
) -> Incident | None:
    """The incident something is linked to: a visitor must be the one who was sent."""
    if incident_id is None:
        return None
    incident = await queries.incident_to_act_on(session, sight_of(actor), incident_id)
    if not actor.is_desk and incident.visitor_id != actor.id:
        raise NotAllowed("this incident is assigned to somebody else")
    return incident


async def _elder(
    session: AsyncSession, actor: Actor, elder_id: str | None, incident: Incident | None
) -> Elder:
    """The elder named, or the only one the incident concerns; they must belong together."""
    concerned = await queries.elders_of(session, incident) if incident is not None else ()
    if elder_id is None:
        if len(concerned) != 1:
            raise InvalidInput("elder_id", "is required")
        return concerned[0]
    elder = await _visible_elder(session, actor, elder_id)
    if incident is not None and concerned and elder.id not in {one.id for one in concerned}:
        raise InvalidInput("elder_id", "the incident does not concern this elder")
    return elder


async def _visible_elder(session: AsyncSession, actor: Actor, elder_id: str) -> Elder:
    """Like `care.queries.elder`, but "not yours" for an elder of the visitor's own area."""
    try:
        return await care_queries.elder(session, sight_of(actor), elder_id)
    except NotFound:
        inside = care_queries.in_scope(Elder.area_id, actor.scope)
        known = await session.scalar(select(Elder.id).where(Elder.id == elder_id, inside))
        if not Sight(actor=actor).by_area and known is not None:
            raise NotAllowed("this elder is visited by somebody else") from None
        raise


async def _tell(
    session: AsyncSession,
    incident_id: str | None,
    kind: str,
    actor: Actor,
    now: datetime,
    data: dict[str, Any],
    *,
    at: datetime | None = None,
) -> None:
    """Add the fact to the incident's timeline, where there is an incident."""
    if incident_id is None:
        return
    incident = await moving.load(session, incident_id)
    timeline.append(session, incident.id, at=at or now, now=now, kind=kind, actor=actor, data=data)
    timeline.touch(session, incident, now)
