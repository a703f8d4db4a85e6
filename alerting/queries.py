"""What is known of incidents, devices and messages, cut to what the caller may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.incident import FINAL
from alerting.tables import (
    Channel,
    DeviceStateRow,
    Incident,
    Notice,
    TimelineEntry,
)
from care.listing import equal, within
from care.model import Actor, UserRole
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight, in_scope, visible_elder_ids, visible_home_ids
from care.tables import Binding, Device, Elder, FollowUp, Visit
from core.errors import NotAllowed, NotFound

_INCIDENTS = Order(name="incidents", key=Incident.opened_at, ident=Incident.id, newest_first=True)
_DEVICES = Order(name="devices", key=Device.enrolled_at, ident=Device.id)


def sight_of(actor: Actor) -> Sight:
    """What a caller may see; a visitor also the homes and elders of cases they were sent to.

    Those go out of sight again when the case ends (architecture: Private by default).
    """
    if actor.role != UserRole.VISITOR:
        return Sight(actor=actor)
    mine = and_(Incident.visitor_id == actor.id, Incident.stage.not_in(FINAL))
    return Sight(
        actor=actor,
        assigned_homes=select(Incident.home_id).where(mine, Incident.home_id.is_not(None)),
        assigned_elders=select(Incident.elder_id).where(mine, Incident.elder_id.is_not(None)),
    )


def visible_incidents(sight: Sight) -> ColumnElement[bool]:
    """The desk: its area and what has none. A visitor: assigned ones, and their elders'."""
    if sight.by_area:
        return in_scope(Incident.area_id, sight.actor.scope)
    if sight.actor.role != UserRole.VISITOR:
        return false()
    return or_(
        Incident.visitor_id == sight.actor.id,
        Incident.elder_id.in_(visible_elder_ids(sight)),
        Incident.home_id.in_(visible_home_ids(sight)),
    )


def visible_devices(sight: Sight) -> ColumnElement[bool]:
    """The desk: its area and what has none. A visitor: what is bound to a home they may see."""
    if sight.by_area:
        return in_scope(Device.area_id, sight.actor.scope)
    bound = select(Binding.device_id).where(
        Binding.valid_to.is_(None), Binding.home_id.in_(visible_home_ids(sight))
    )
    return Device.id.in_(bound)


@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentFilter:
    """Narrows a list of incidents; a member that is None, or empty, does not narrow."""

    stages: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    elder_id: str | None = None
    home_id: str | None = None
    area_id: str | None = None  # this area and everything below it
    device_id: str | None = None
    owner_id: str | None = None
    visitor_id: str | None = None
    since: datetime | None = None  # opened at or after


async def incidents(
    session: AsyncSession, sight: Sight, page: PageRequest, wanted: IncidentFilter
) -> Page[Incident]:
    """Incidents, latest opened first."""
    statement = equal(
        select(Incident).where(visible_incidents(sight)),
        elder_id=wanted.elder_id,
        home_id=wanted.home_id,
        device_id=wanted.device_id,
        owner_id=wanted.owner_id,
        visitor_id=wanted.visitor_id,
    )
    for column, values in (
        (Incident.stage, wanted.stages),
        (Incident.severity, wanted.severities),
        (Incident.kind, wanted.kinds),
    ):
        if values:
            statement = statement.where(column.in_(values))
    if wanted.area_id is not None:
        statement = statement.where(within(Incident.area_id, wanted.area_id))
    if wanted.since is not None:
        statement = statement.where(Incident.opened_at >= wanted.since)
    return await fetch_page(session, statement, _INCIDENTS, page)


async def queue(session: AsyncSession, sight: Sight, limit: int = 500) -> Sequence[Incident]:
    """What is not over yet, as the desk works through it: by severity, then oldest first."""
    statement = (
        select(Incident)
        .where(Incident.stage.not_in(FINAL), visible_incidents(sight))
        .order_by(Incident.severity_rank, Incident.opened_at, Incident.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def incident(session: AsyncSession, sight: Sight, incident_id: str) -> Incident:
    """An incident the caller may see; raises `NotFound` for any other."""
    query = select(Incident).where(Incident.id == incident_id, visible_incidents(sight))
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound("incident", incident_id)
    return found


async def incident_to_act_on(session: AsyncSession, sight: Sight, incident_id: str) -> Incident:
    """Like `incident`, but says "not yours" to a visitor of the area whom nobody sent.

    They may know of the case from a colleague; "not found" would send them looking for an error.
    """
    try:
        return await incident(session, sight, incident_id)
    except NotFound:
        query = select(Incident.id).where(
            Incident.id == incident_id, in_scope(Incident.area_id, sight.actor.scope)
        )
        if not sight.by_area and await session.scalar(query) is not None:
            raise NotAllowed("this incident is assigned to somebody else") from None
        raise


async def timeline(session: AsyncSession, incident_id: str) -> Sequence[TimelineEntry]:
    """An incident's story in the order it was recorded."""
    query = (
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id)
        .order_by(TimelineEntry.id)
    )
    return (await session.scalars(query)).all()


async def notices(session: AsyncSession, incident_id: str) -> Sequence[Notice]:
    """Who was told, first told first."""
    query = (
        select(Notice)
        .where(Notice.incident_id == incident_id)
        .order_by(Notice.created_at, Notice.id)
    )
    return (await session.scalars(query)).all()


async def visits_of(session: AsyncSession, incident_id: str) -> Sequence[Visit]:
    """Visits recorded for an incident, in order."""
    query = select(Visit).where(Visit.incident_id == incident_id)
    return (await session.scalars(query.order_by(Visit.created_at, Visit.id))).all()


async def follow_ups_of(session: AsyncSession, incident_id: str) -> Sequence[FollowUp]:
    """Follow-ups of an incident, earliest due first."""
    query = select(FollowUp).where(FollowUp.incident_id == incident_id)
    return (await session.scalars(query.order_by(FollowUp.due_at, FollowUp.id))).all()


async def elders_of(session: AsyncSession, incident: Incident) -> Sequence[Elder]:
    """Whom an incident concerns: the wearer, or everybody who lives in the home."""
    if incident.elder_id is not None and not incident.subject.startswith("home:"):
        query = select(Elder).where(Elder.id == incident.elder_id)
    elif incident.home_id is not None:
        query = select(Elder).where(Elder.home_id == incident.home_id)
    else:
        return ()
    return (await session.scalars(query.order_by(Elder.created_at, Elder.id))).all()


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceView:
    """A device with its present binding and what was last heard of it, where there is such."""

    device: Device
    binding: Binding | None
    state: DeviceStateRow | None


def _devices(sight: Sight) -> Any:
    return (
        select(Device, Binding, DeviceStateRow)
        .outerjoin(Binding, and_(Binding.device_id == Device.id, Binding.valid_to.is_(None)))
        .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(visible_devices(sight))
    )


async def devices(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    elder_id: str | None = None,
    home_id: str | None = None,
    source_id: str | None = None,
    role: str | None = None,
    area_id: str | None = None,
) -> Page[DeviceView]:
    """Devices, first enrolled first."""
    statement = equal(_devices(sight), source_id=source_id, role=role)
    if elder_id is not None:
        statement = statement.where(Binding.elder_id == elder_id)
    if home_id is not None:
        statement = statement.where(Binding.home_id == home_id)
    if area_id is not None:
        statement = statement.where(within(Device.area_id, area_id))
    found = await fetch_page(session, statement, _DEVICES, page)
    return Page(
        items=tuple(_device_view(row) for row in found.items), next_cursor=found.next_cursor
    )


async def device(session: AsyncSession, sight: Sight, device_id: str) -> DeviceView:
    """A device the caller may see; raises `NotFound` for any other."""
    row = (await session.execute(_devices(sight).where(Device.id == device_id))).one_or_none()
    if row is None:
        raise NotFound("device", device_id)
    return _device_view(row)


def _device_view(row: Any) -> DeviceView:
    return DeviceView(device=row[0], binding=row[1], state=row[2])


async def receipt_secrets(session: AsyncSession, notice_id: str) -> tuple[str, ...]:
    """Secrets that a receipt for this notice may be signed with; none when it does not exist.

    Every channel of the notice's kind counts, also one that was switched off meanwhile: its
    provider may still have something to report.
    """
    notice = await session.get(Notice, notice_id)
    if notice is None:
        return ()
    query = select(Channel.secret).where(
        Channel.kind == notice.channel, Channel.secret.is_not(None)
    )
    return tuple(secret for secret in await session.scalars(query) if secret)
