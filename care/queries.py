"""What a caller may see: the area or the assignment is part of every query, never checked after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, false, inspect, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from care.model import Actor, Scope, UserRole
from care.tables import Area, Binding, Elder, Hazard, Home, User, Visit
from core.db import Base
from core.errors import NotFound

_Row = TypeVar("_Row", bound=Base)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What a caller may see.

    The desk sees its area and what has none. A visitor sees what they are responsible for and
    what they were sent to, wherever it is, until the case is closed; incidents are not care's
    business, so `alerting.queries.sight_of` fills in the homes and elders of those.
    """

    actor: Actor
    assigned_homes: Select[Any] | None = None  # of one column, home ids
    assigned_elders: Select[Any] | None = None  # of one column, elder ids

    @property
    def by_area(self) -> bool:
        return self.actor.is_desk or self.actor.role == "system"


def in_scope(
    area_id: InstrumentedAttribute[Any] | ColumnElement[Any], scope: Scope
) -> ColumnElement[bool]:
    """Rows of the scope's areas, and rows without an area, which every officer sees."""
    if not scope.path:
        return true()
    inside = select(Area.id).where(Area.path.startswith(scope.path, autoescape=True))
    return or_(area_id.is_(None), area_id.in_(inside))


def serves(
    area_id: InstrumentedAttribute[Any] | ColumnElement[Any], scope: Scope
) -> ColumnElement[bool]:
    """Rows of the scope's areas and of those above it: a county's bridge serves its villages."""
    above = [part for part in scope.path.split("/") if part]
    return or_(in_scope(area_id, scope), area_id.in_(above))


def visible_elders(sight: Sight) -> ColumnElement[bool]:
    if sight.by_area:
        return in_scope(Elder.area_id, sight.actor.scope)
    if sight.actor.role != UserRole.VISITOR:
        return false()
    ways = [Elder.responsible_visitor_id == sight.actor.id]
    if sight.assigned_homes is not None:
        ways.append(Elder.home_id.in_(sight.assigned_homes))
    if sight.assigned_elders is not None:
        ways.append(Elder.id.in_(sight.assigned_elders))
    return or_(*ways)


def visible_homes(sight: Sight) -> ColumnElement[bool]:
    if sight.by_area:
        return in_scope(Home.area_id, sight.actor.scope)
    of_elders = Home.id.in_(select(Elder.home_id).where(visible_elders(sight)))
    if sight.assigned_homes is None:
        return of_elders
    return or_(of_elders, Home.id.in_(sight.assigned_homes))


def visible_home_ids(sight: Sight) -> Select[Any]:
    """Ids of the homes a caller may see, for `column.in_(…)`."""
    return select(Home.id).where(visible_homes(sight))


def visible_elder_ids(sight: Sight) -> Select[Any]:
    """Ids of the elders a caller may see, for `column.in_(…)`."""
    return select(Elder.id).where(visible_elders(sight))


def visible_users(sight: Sight) -> ColumnElement[bool]:
    """Users of the own area, and oneself."""
    own = User.id == sight.actor.id
    return or_(in_scope(User.area_id, sight.actor.scope), own) if sight.by_area else own


def visible_visits(sight: Sight) -> ColumnElement[bool]:
    """Visits to visible elders; a visitor keeps seeing what they recorded themselves."""
    mine = or_(Visit.visitor_id == sight.actor.id, Visit.recorded_by == sight.actor.id)
    of_elders = Visit.elder_id.in_(visible_elder_ids(sight))
    return of_elders if sight.by_area else or_(of_elders, mine)


def visible_hazards(sight: Sight) -> ColumnElement[bool]:
    return Hazard.home_id.in_(visible_home_ids(sight))


async def one_seen(
    session: AsyncSession,
    entity: type[_Row],
    ident: str,
    visible: ColumnElement[bool],
    *,
    lock: bool = False,
    name: str | None = None,
) -> _Row:
    """The row with that id, where it is `visible`; raises `NotFound` for any other.

    `name` is what people call it; None: as its class.
    """
    key: ColumnElement[Any] = inspect(entity).primary_key[0]
    query = select(entity).where(key == ident, visible)
    found = (await session.scalars(query.with_for_update() if lock else query)).one_or_none()
    if found is None:
        raise NotFound(name or entity.__name__.lower(), ident)
    return found


async def area(session: AsyncSession, scope: Scope, area_id: str) -> Area:
    """An area inside the scope; raises `NotFound` for any other."""
    found = await session.get(Area, area_id)
    if found is None or not scope.covers(found.path):
        raise NotFound("area", area_id)
    return found


async def home(session: AsyncSession, sight: Sight, home_id: str) -> Home:
    """A home the caller may see; raises `NotFound` for any other."""
    return await one_seen(session, Home, home_id, visible_homes(sight))


async def elder(session: AsyncSession, sight: Sight, elder_id: str) -> Elder:
    """An elder the caller may see; raises `NotFound` for any other."""
    return await one_seen(session, Elder, elder_id, visible_elders(sight))


async def user(session: AsyncSession, sight: Sight, user_id: str) -> User:
    """A user the caller may see; raises `NotFound` for any other."""
    return await one_seen(session, User, user_id, visible_users(sight))


async def residents(session: AsyncSession, home_id: str) -> tuple[Elder, ...]:
    """Everybody who lives in a home, longest known first."""
    query = select(Elder).where(Elder.home_id == home_id).order_by(Elder.created_at, Elder.id)
    return tuple((await session.scalars(query)).all())


async def open_bindings(session: AsyncSession, device_ids: list[str]) -> dict[str, Binding]:
    """Device id → its present binding, for those that have one."""
    query = select(Binding).where(Binding.device_id.in_(device_ids), Binding.valid_to.is_(None))
    return {row.device_id: row for row in (await session.scalars(query)).all()}
