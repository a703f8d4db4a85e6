"""Lists of people and places, cut to what the caller may see, page by page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import (
    Sight,
    in_scope,
    visible_elders,
    visible_hazards,
    visible_homes,
    visible_users,
    visible_visits,
)
from care.tables import (
    Area,
    Elder,
    ElderStatusEntry,
    FollowUp,
    Hazard,
    Home,
    Shift,
    Source,
    User,
    Visit,
)

_AREAS = Order(name="areas", key=Area.created_at, ident=Area.id)
_USERS = Order(name="users", key=User.created_at, ident=User.id)
_HOMES = Order(name="homes", key=Home.created_at, ident=Home.id)
_ELDERS = Order(name="elders", key=Elder.created_at, ident=Elder.id)
_STATUSES = Order(
    name="statuses", key=ElderStatusEntry.at, ident=ElderStatusEntry.id, newest_first=True
)
_SOURCES = Order(name="sources", key=Source.created_at, ident=Source.id)
_VISITS = Order(name="visits", key=Visit.created_at, ident=Visit.id, newest_first=True)
_FOLLOW_UPS = Order(name="follow-ups", key=FollowUp.due_at, ident=FollowUp.id)
_HAZARDS = Order(name="hazards", key=Hazard.created_at, ident=Hazard.id, newest_first=True)
_SHIFTS = Order(name="shifts", key=Shift.starts_at, ident=Shift.id, newest_first=True)


def within(
    area_id: InstrumentedAttribute[Any] | ColumnElement[Any], wanted: str
) -> ColumnElement[bool]:
    """Rows of the wanted area and of everything below it."""
    root = select(Area.path).where(Area.id == wanted).scalar_subquery()
    return area_id.in_(select(Area.id).where(Area.path.startswith(root)))


def equal(statement: Any, **filters: Any) -> Any:
    """Narrow a statement of one entity by columns; a filter that is None does not narrow."""
    entity = statement.column_descriptions[0]["entity"]
    for name, value in filters.items():
        if value is not None:
            statement = statement.where(getattr(entity, name) == value)
    return statement


async def areas(
    session: AsyncSession, sight: Sight, page: PageRequest, *, parent_id: str | None = None
) -> Page[Area]:
    """Areas inside the caller's, oldest first."""
    statement = equal(select(Area), parent_id=parent_id)
    path = sight.actor.scope.path
    if path:
        statement = statement.where(Area.path.startswith(path, autoescape=True))
    return await fetch_page(session, statement, _AREAS, page)


async def users(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    role: str | None = None,
    area_id: str | None = None,
) -> Page[User]:
    statement = equal(select(User).where(visible_users(sight)), role=role)
    if area_id is not None:
        statement = statement.where(within(User.area_id, area_id))
    return await fetch_page(session, statement, _USERS, page)


async def homes(
    session: AsyncSession, sight: Sight, page: PageRequest, *, area_id: str | None = None
) -> Page[Home]:
    statement = select(Home).where(visible_homes(sight))
    if area_id is not None:
        statement = statement.where(within(Home.area_id, area_id))
    return await fetch_page(session, statement, _HOMES, page)


async def elders(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    area_id: str | None = None,
    home_id: str | None = None,
    responsible_visitor_id: str | None = None,
    status: str | None = None,
    name: str | None = None,
) -> Page[tuple[Elder, Home]]:
    """Elders with their homes; `name` is any part of a name."""
    statement = equal(
        select(Elder, Home).join(Home, Home.id == Elder.home_id).where(visible_elders(sight)),
        home_id=home_id,
        responsible_visitor_id=responsible_visitor_id,
        status=status,
    )
    if area_id is not None:
        statement = statement.where(within(Elder.area_id, area_id))
    if name:
        statement = statement.where(Elder.name.contains(name, autoescape=True))
    return await fetch_page(session, statement, _ELDERS, page)


async def statuses(
    session: AsyncSession, elder: Elder, page: PageRequest
) -> Page[ElderStatusEntry]:
    """The changes of one elder's status, latest first."""
    statement = select(ElderStatusEntry).where(ElderStatusEntry.elder_id == elder.id)
    return await fetch_page(session, statement, _STATUSES, page)


async def sources(session: AsyncSession, sight: Sight, page: PageRequest) -> Page[Source]:
    statement = select(Source).where(in_scope(Source.area_id, sight.actor.scope))
    return await fetch_page(session, statement, _SOURCES, page)


async def visits(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    elder_id: str | None = None,
    incident_id: str | None = None,
    visitor_id: str | None = None,
) -> Page[Visit]:
    """Visits, latest recorded first."""
    statement = equal(
        select(Visit).where(visible_visits(sight)),
        elder_id=elder_id,
        incident_id=incident_id,
        visitor_id=visitor_id,
    )
    return await fetch_page(session, statement, _VISITS, page)


async def follow_ups(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    elder_id: str | None = None,
    incident_id: str | None = None,
    open_only: bool = False,
) -> Page[FollowUp]:
    """Follow-ups, earliest due first; `open_only`: neither completed nor handed over."""
    statement = equal(
        select(FollowUp).join(Elder, Elder.id == FollowUp.elder_id).where(visible_elders(sight)),
        elder_id=elder_id,
        incident_id=incident_id,
    )
    if open_only:
        statement = statement.where(
            FollowUp.completed_at.is_(None), FollowUp.handed_over_to.is_(None)
        )
    return await fetch_page(session, statement, _FOLLOW_UPS, page)


async def hazards(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    home_id: str | None = None,
    elder_id: str | None = None,
    incident_id: str | None = None,
    device_id: str | None = None,
    code: str | None = None,
    open_only: bool = False,
) -> Page[Hazard]:
    statement = equal(
        select(Hazard).where(visible_hazards(sight)),
        home_id=home_id,
        elder_id=elder_id,
        incident_id=incident_id,
        device_id=device_id,
        code=code,
    )
    if open_only:
        statement = statement.where(Hazard.remedied_at.is_(None))
    return await fetch_page(session, statement, _HAZARDS, page)


async def shifts(
    session: AsyncSession, sight: Sight, page: PageRequest, *, user_id: str | None = None
) -> Page[Shift]:
    """Shifts, latest first."""
    statement = equal(
        select(Shift).where(in_scope(Shift.area_id, sight.actor.scope)), user_id=user_id
    )
    return await fetch_page(session, statement, _SHIFTS, page)
