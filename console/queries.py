"""What the pages beside the desk show, cut to what their reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import check_queries
from alerting.incident import FINAL, Stage
from alerting.queries import visible_incidents
from alerting.tables import Check, DeviceStateRow, Incident
from care.queries import Sight, visible_elders, visible_visits
from care.tables import (
    Area,
    Binding,
    Device,
    Elder,
    EmergencyContact,
    Hazard,
    Home,
    User,
    Visit,
)
from console.queue import load_residents, shared_home

LIST_LIMIT = 100


async def devices_of_home(session: AsyncSession, home_id: str) -> Sequence[Any]:
    """(device, state) of everything bound to a home or its residents now."""
    query = (
        select(Device, DeviceStateRow)
        .join(Binding, and_(Binding.device_id == Device.id, Binding.valid_to.is_(None)))
        .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(Binding.home_id == home_id, Device.active)
        .order_by(Device.role, Device.id)
    )
    return (await session.execute(query)).all()


@dataclass(frozen=True, kw_only=True, slots=True)
class ElderRow:
    elder: Elder
    home: Home
    area_name: str | None


async def find_elders(
    session: AsyncSession,
    sight: Sight,
    q: str = "",
    *,
    limit: int = LIST_LIMIT,
    only: ColumnElement[bool] | None = None,
) -> tuple[ElderRow, ...]:
    """Elders by name, phone or address, in the order of their names."""
    query = (
        select(Elder, Home, Area.name)
        .join(Home, Home.id == Elder.home_id)
        .outerjoin(Area, Area.id == Elder.area_id)
        .where(visible_elders(sight))
        .order_by(Elder.name, Elder.id)
        .limit(limit)
    )
    if only is not None:
        query = query.where(only)
    if q:
        query = query.where(_like(q, Elder.name, Elder.phone, Home.address, Elder.id))
    return tuple(
        ElderRow(elder=row[0], home=row[1], area_name=row[2])
        for row in (await session.execute(query)).all()
    )


async def find_incidents(
    session: AsyncSession, sight: Sight, q: str, *, limit: int = 20
) -> Sequence[Any]:
    """(incident, elder's name) by id, elder or device, latest first."""
    query = (
        select(Incident, Elder.name)
        .outerjoin(Elder, Elder.id == Incident.elder_id)
        .where(
            visible_incidents(sight),
            _like(q, Incident.id, Incident.device_id, Incident.child_id, Elder.name),
        )
        .order_by(Incident.opened_at.desc())
        .limit(limit)
    )
    return (await session.execute(query)).all()


def _like(q: str, *columns: Any) -> ColumnElement[bool]:
    """Any of the columns contains the text; `%` and `_` in it mean themselves."""
    return or_(*(column.icontains(q, autoescape=True) for column in columns))


@dataclass(frozen=True, kw_only=True, slots=True)
class ElderFile:
    """One person one file (一人一档)."""

    elder: Elder
    home: Home
    area_name: str | None
    housemates: tuple[Elder, ...]
    contacts: tuple[EmergencyContact, ...]
    visitor: User | None
    devices: Sequence[Any]
    incidents: tuple[Incident, ...]
    checks: tuple[Check, ...]
    visits: tuple[Visit, ...]
    hazards: tuple[Hazard, ...]


async def load_elder_file(session: AsyncSession, sight: Sight, elder: Elder) -> ElderFile:
    """The file of an elder whom the reader may see."""
    home = await session.get_one(Home, elder.home_id)
    area = await session.get(Area, elder.area_id) if elder.area_id else None
    visitor_id = elder.responsible_visitor_id
    return ElderFile(
        elder=elder,
        home=home,
        area_name=area.name if area else None,
        housemates=await _all(
            session,
            select(Elder).where(Elder.home_id == home.id, Elder.id != elder.id),
        ),
        contacts=await _all(
            session,
            select(EmergencyContact)
            .where(EmergencyContact.elder_id == elder.id)
            .order_by(EmergencyContact.rank, EmergencyContact.id),
        ),
        visitor=await session.get(User, visitor_id) if visitor_id else None,
        devices=await devices_of_home(session, home.id),
        incidents=await _all(
            session,
            select(Incident)
            .where(
                visible_incidents(sight),
                or_(Incident.elder_id == elder.id, Incident.home_id == home.id),
            )
            .order_by(Incident.opened_at.desc())
            .limit(20),
        ),
        checks=await check_queries.latest_of(session, elder.id),
        visits=await _all(
            session,
            select(Visit)
            .where(Visit.elder_id == elder.id, visible_visits(sight))
            .order_by(Visit.number.desc())
            .limit(20),
        ),
        hazards=await _all(
            session,
            select(Hazard)
            .where(Hazard.home_id == home.id, Hazard.remedied_at.is_(None))
            .order_by(Hazard.found_at),
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What a visitor was sent to, and to whom: the wearer, or everybody of the home."""

    incident: Incident
    names: tuple[str, ...]


async def load_tasks(session: AsyncSession, user_id: str) -> tuple[Task, ...]:
    """What a visitor was sent to and has not finished: without an outcome, or without a record."""
    recorded = select(Visit.id).where(Visit.incident_id == Incident.id, Visit.visitor_id == user_id)
    query = (
        select(Incident, Elder.name)
        .outerjoin(Elder, Elder.id == Incident.elder_id)
        .where(
            Incident.visitor_id == user_id,
            Incident.stage.not_in([stage.value for stage in FINAL]),
            or_(Incident.stage != Stage.FOLLOWING_UP, ~recorded.exists()),
        )
        .order_by(Incident.severity_rank, Incident.opened_at, Incident.id)
        .limit(LIST_LIMIT)
    )
    rows = (await session.execute(query)).all()
    residents = await load_residents(session, (shared_home(one) for one, _ in rows))
    return tuple(
        Task(
            incident=incident,
            names=tuple(person.name for person in residents.get(shared_home(incident), ()))
            or ((name,) if name else ()),
        )
        for incident, name in rows
    )


async def _all(session: AsyncSession, query: Any) -> tuple[Any, ...]:
    return tuple((await session.scalars(query)).all())
