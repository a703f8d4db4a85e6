"""The right side of the desk: all there is to know about one incident, loaded in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import queries
from alerting.finding import Severity
from alerting.fleet import overview
from alerting.fleet.trends import BatteryTrend, signal_band
from alerting.handling import closing
from alerting.incident import FINAL, Move, Stage, allowed_moves
from alerting.tables import DeviceStateRow, Incident, Notice, TimelineEntry
from care.model import Actor, UserRole
from care.permissions import may
from care.queries import in_scope, visible_elders
from care.tables import (
    Area,
    Device,
    Elder,
    EmergencyContact,
    FollowUp,
    Hazard,
    Home,
    Source,
    User,
    Visit,
)
from console.icons import icon_of_kind
from console.outlook import Outlook, outlook
from console.queue import load_policies
from console.usage_chart import UsageChart
from console.why import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactView:
    """An emergency contact and every notice they got, newest first."""

    contact: EmergencyContact
    notices: tuple[Notice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """The device that an unknown child is registered as elsewhere, and whose it is."""

    device: Device
    elders: tuple[Elder, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFile:
    """One incident with everything the page shows. `moves` are those this reader may make."""

    incident: Incident
    outlook: Outlook | None
    residents: tuple[Elder, ...]
    home: Home | None
    area_name: str | None
    contacts: tuple[ContactView, ...]
    others_told: tuple[Notice, ...]
    timeline: tuple[TimelineEntry, ...]
    device: Device | None
    device_state: DeviceStateRow | None
    trend: BatteryTrend | None
    signal: str | None  # good, fair, weak
    left_alone: tuple[Elder, ...]  # whom a lost bridge leaves without a watch
    source: Source | None
    visits: tuple[Visit, ...]
    visit_authors: dict[str, str]
    follow_ups: tuple[FollowUp, ...]
    hazards: tuple[Hazard, ...]
    visitor: User | None
    visitors: tuple[User, ...]
    previous: Incident | None
    missing: tuple[str, ...]
    moves: tuple[Move, ...]
    chart: UsageChart | None = None
    figures: tuple[Figure, ...] = ()  # behind it, to be shown large
    registered: Registered | None = None
    asked: tuple[Notice, ...] = ()  # the questions of the check before it

    @property
    def icon(self) -> str:
        return icon_of_kind(self.incident.kind)

    @property
    def elder(self) -> Elder | None:
        """The one it is about, or the first resident of the home."""
        return next(
            (one for one in self.residents if one.id == self.incident.elder_id),
            self.residents[0] if self.residents else None,
        )

    @property
    def names(self) -> dict[str, str | None]:
        """Who the words `owner` and `assigned_visitor` stand for."""
        visitor = self.visitor.name if self.visitor else None
        return {"owner": self.incident.owner_name, "assigned_visitor": visitor}

    @property
    def is_final(self) -> bool:
        return Stage(self.incident.stage) in FINAL

    @property
    def pressed_again(self) -> bool:
        """The owner has not yet reacted to a further alarm."""
        return self.incident.due_kind == "owner_reaction" or (
            self.incident.due_kind == "ladder" and self.incident.stage != Stage.OPEN
        )


async def load_case(
    session: AsyncSession, actor: Actor, incident_id: str, now: datetime
) -> CaseFile:
    """Everything about one incident. Raises `NotFound` for what the reader may not see."""
    incident = await queries.incident(session, queries.sight_of(actor), incident_id)
    residents = await _residents(session, incident)
    notices = tuple(reversed(await queries.notices(session, incident.id)))
    contacts = await _contacts(session, residents, notices)
    shown = {notice.id for view in contacts for notice in view.notices}
    device = await _get(session, Device, incident.device_id)
    state = await _get(session, DeviceStateRow, incident.device_id)
    ids = [device.id] if device is not None else []
    visits = tuple(await queries.visits_of(session, incident.id))
    stage = Stage(incident.stage)
    return CaseFile(
        incident=incident,
        outlook=await _outlook(session, incident),
        residents=residents,
        home=await _get(session, Home, incident.home_id),
        area_name=await _area_name(session, incident.area_id),
        contacts=contacts,
        others_told=tuple(
            one for one in notices if one.id not in shown and one.recipient_kind != "device"
        ),
        timeline=tuple(await queries.timeline(session, incident.id)),
        device=device,
        device_state=state,
        trend=(await overview.battery_trends(session, ids, now)).get(ids[0]) if ids else None,
        signal=await _signal(session, state, now),
        left_alone=await _left_alone(session, actor, incident),
        source=await _get(session, Source, incident.source_id),
        visits=visits,
        visit_authors=await _names(session, [visit.visitor_id for visit in visits]),
        follow_ups=tuple(await queries.follow_ups_of(session, incident.id)),
        hazards=await _all(
            session,
            select(Hazard)
            .where(Hazard.incident_id == incident.id)
            .order_by(Hazard.found_at, Hazard.id),
        ),
        visitor=await _get(session, User, incident.visitor_id),
        visitors=await _visitors(session, actor, incident, residents),
        previous=await _get(session, Incident, incident.previous_id),
        missing=()
        if stage in FINAL or stage is Stage.OPEN
        else await closing.gates_missing(session, incident),
        moves=moves_for(actor, incident),
        registered=await _registered(session, actor, incident),
    )


def moves_for(actor: Actor, incident: Incident) -> tuple[Move, ...]:
    """What this person may do now, the next sensible thing first."""
    stage, severity = Stage(incident.stage), Severity(incident.severity)
    first = _FIRST.get(stage)
    if stage is Stage.ACKNOWLEDGED and severity is Severity.TECHNICAL:
        first = Move.OUTCOME
    if not actor.is_desk and incident.visitor_id != actor.id:
        return ()
    allowed = allowed_moves(stage, severity, incident.mode)
    permitted = [move for move in allowed if may(actor, f"incidents.{move.value}")]
    return tuple(sorted(permitted, key=lambda move: (move is not first, _ORDER.index(move))))


_GONE = ("moved", "deceased")
_FIRST = {
    Stage.OPEN: Move.ACKNOWLEDGE,
    Stage.ACKNOWLEDGED: Move.DISPATCH,
    Stage.DISPATCHED: Move.ACCEPT,
    Stage.ACCEPTED: Move.ARRIVE,
    Stage.ATTENDED: Move.OUTCOME,
    Stage.FOLLOWING_UP: Move.CLOSE,
    Stage.CLOSED: Move.REOPEN,
}
_ORDER = (
    Move.ACKNOWLEDGE,
    Move.DISPATCH,
    Move.ACCEPT,
    Move.ARRIVE,
    Move.OUTCOME,
    Move.CLOSE,
    Move.RELEASE,
    Move.REOPEN,
    Move.CANCEL,
)


async def _outlook(session: AsyncSession, incident: Incident) -> Outlook | None:
    key = (incident.policy_id, incident.policy_version)
    policy = (await load_policies(session, [key]))[key]
    return outlook(
        incident.stage, incident.due_kind, incident.due_at, incident.step, incident.round, policy
    )


async def _signal(session: AsyncSession, state: DeviceStateRow | None, now: datetime) -> str | None:
    if state is None:
        return None
    quality = await overview.link_qualities(session, [state.device_id], now)
    return signal_band(state.rssi_dbm, quality.get(state.device_id))


async def _left_alone(session: AsyncSession, actor: Actor, incident: Incident) -> tuple[Elder, ...]:
    """Whom a lost bridge left without a watch, as far as the reader may see them."""
    ids = incident.facts.get("elders") or []
    visible = visible_elders(queries.sight_of(actor))
    query = select(Elder).where(Elder.id.in_(ids), visible).order_by(Elder.name, Elder.id)
    return await _all(session, query) if ids else ()


async def _residents(session: AsyncSession, incident: Incident) -> tuple[Elder, ...]:
    """Everybody of the home; the wearer first when it is about one of them."""
    ways = []
    if incident.elder_id:
        ways.append(Elder.id == incident.elder_id)
    if incident.home_id:
        ways.append(Elder.home_id == incident.home_id)
    if not ways:
        return ()
    found = await _all(
        session, select(Elder).where(or_(*ways)).order_by(Elder.created_at, Elder.id)
    )
    there = [one for one in found if one.id == incident.elder_id or one.status not in _GONE]
    return tuple(sorted(there, key=lambda elder: elder.id != incident.elder_id))


async def _contacts(
    session: AsyncSession, residents: Sequence[Elder], notices: Sequence[Notice]
) -> tuple[ContactView, ...]:
    if not residents:
        return ()
    rows: Sequence[EmergencyContact] = await _all(
        session,
        select(EmergencyContact)
        .where(EmergencyContact.elder_id.in_([elder.id for elder in residents]))
        .order_by(EmergencyContact.rank, EmergencyContact.id),
    )
    place = {elder.id: number for number, elder in enumerate(residents)}
    rows = sorted(rows, key=lambda row: place[row.elder_id])
    return tuple(
        ContactView(
            contact=row,
            notices=tuple(
                notice
                for notice in notices
                if notice.recipient_kind == "contact" and notice.recipient_id == row.id
            ),
        )
        for row in rows
    )


async def _visitors(
    session: AsyncSession, actor: Actor, incident: Incident, residents: Sequence[Elder]
) -> tuple[User, ...]:
    """Whom one may send: the responsible visitor first, then those of the area."""
    if not actor.is_desk or Stage(incident.stage) in FINAL:
        return ()
    rows: Sequence[User] = await _all(
        session,
        select(User)
        .where(
            User.active.is_(True),
            User.role == UserRole.VISITOR,
            in_scope(User.area_id, actor.scope),
        )
        .order_by(User.name, User.id)
        .limit(200),
    )
    responsible = {elder.responsible_visitor_id for elder in residents}
    near = incident.area_id
    return tuple(sorted(rows, key=lambda u: (u.id not in responsible, u.area_id != near, u.name)))


async def _registered(session: AsyncSession, actor: Actor, incident: Incident) -> Registered | None:
    """Whose an unknown device seems to be, as far as the reader may see that."""
    ident = incident.facts.get("registered_device")
    if ident is None or incident.device_id is not None:
        return None
    seen = queries.visible_devices(queries.sight_of(actor))
    device = await session.scalar(select(Device).where(Device.id == ident, seen))
    if device is None:
        return None
    elder_id, home_id = (incident.facts.get(f"registered_{one}") for one in ("elder", "home"))
    whose = Elder.id == elder_id if elder_id else Elder.home_id == home_id
    elders = await _all(session, select(Elder).where(whose).order_by(Elder.created_at))
    return Registered(device=device, elders=elders)


async def _get(session: AsyncSession, entity: Any, ident: str | None) -> Any:
    return None if ident is None else await session.get(entity, ident)


async def _area_name(session: AsyncSession, area_id: str | None) -> str | None:
    area = await _get(session, Area, area_id)
    return area.name if area else None


async def _names(session: AsyncSession, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    rows = await session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in rows}


async def _all(session: AsyncSession, query: Any) -> tuple[Any, ...]:
    return tuple((await session.scalars(query)).all())
