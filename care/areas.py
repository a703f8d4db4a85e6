"""Areas: county, town, village, grid; a path of ids makes "this and all below" one prefix."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care import queries
from care.handing_down import MOST_AT_ONCE, refresh_homes
from care.model import Actor, AreaLevel
from care.tables import Area, Home
from core.errors import InvalidInput, NotAllowed
from core.ids import new_id

_ORDER = {level: number for number, level in enumerate(AreaLevel)}  # county is the widest


async def create_area(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    level: AreaLevel,
    parent_id: str | None = None,
) -> Area:
    """Add an area below `parent_id`, or at the top.

    Raises `NotFound` for a parent outside the caller's area, `NotAllowed` when somebody limited
    to an area asks for one at the top, `InvalidInput` when the levels do not nest.
    """
    parent = await _parent(session, actor, parent_id)
    _check_nesting(level, parent)
    area_id = new_id("area")
    area = Area(
        id=area_id,
        name=name,
        level=level.value,
        parent_id=parent_id,
        path=_path(parent, area_id),
        created_at=now,
    )
    session.add(area)
    await session.flush()
    return area


async def update_area(
    session: AsyncSession, actor: Actor, now: datetime, area_id: str, changes: Mapping[str, Any]
) -> Area:
    """Rename an area, change its level or its weather alert, or move it with all below it.

    Its homes are then watched as the new place is: the first of them at once, those beyond
    `MOST_AT_ONCE` by the loop that mends.
    """
    area = await queries.area(session, actor.scope, area_id)
    level = AreaLevel(changes.get("level", area.level))
    moves = "parent_id" in changes and changes["parent_id"] != area.parent_id
    if moves and actor.scope.path == area.path:
        raise NotAllowed("you cannot move the area you are limited to")
    parent_id = changes["parent_id"] if moves else area.parent_id
    parent = await _parent(session, actor, parent_id) if moves else await _get(session, parent_id)
    if parent is not None and parent.path.startswith(area.path):
        raise InvalidInput("parent_id", "an area cannot lie inside itself")
    _check_nesting(level, parent)
    await _check_children(session, area, level)
    area.name, area.level = changes.get("name", area.name), level.value
    for field in changes.keys() & {"alert_until", "alert_reason"}:
        setattr(area, field, changes[field])
    if moves:
        await _move(session, area, parent)
        inside = select(Area.id).where(Area.path.startswith(area.path, autoescape=True))
        homes = select(Home.id).where(Home.area_id.in_(inside)).limit(MOST_AT_ONCE)
        await refresh_homes(session, (await session.scalars(homes)).all(), now)
    await session.flush()
    return area


async def area_for_new(session: AsyncSession, actor: Actor, area_id: str | None) -> str | None:
    """Where something new belongs: the area named, otherwise the caller's own, otherwise none.

    Raises `NotFound` for an area outside the caller's.
    """
    if area_id is None:
        return actor.scope.path.rstrip("/").rpartition("/")[2] or None
    return (await queries.area(session, actor.scope, area_id)).id


async def _parent(session: AsyncSession, actor: Actor, parent_id: str | None) -> Area | None:
    if parent_id is not None:
        return await queries.area(session, actor.scope, parent_id)
    if actor.scope.path:
        raise NotAllowed("you are limited to an area; name it, or one inside it, as parent_id")
    return None


async def _get(session: AsyncSession, area_id: str | None) -> Area | None:
    return await session.get(Area, area_id) if area_id is not None else None


def _check_nesting(level: AreaLevel, parent: Area | None) -> None:
    if parent is None:
        return
    if _ORDER[level] <= _ORDER[AreaLevel(parent.level)]:
        raise InvalidInput("level", f"a {level} cannot lie inside a {parent.level}")


async def _check_children(session: AsyncSession, area: Area, level: AreaLevel) -> None:
    levels = await session.scalars(select(Area.level).where(Area.parent_id == area.id))
    for child in levels:
        if _ORDER[AreaLevel(child)] <= _ORDER[level]:
            raise InvalidInput("level", f"a {child} lies inside; it cannot be inside a {level}")


def _path(parent: Area | None, area_id: str) -> str:
    return f"{parent.path if parent else '/'}{area_id}/"


async def _move(session: AsyncSession, area: Area, parent: Area | None) -> None:
    old, new = area.path, _path(parent, area.id)
    area.parent_id = parent.id if parent else None
    inside = select(Area).where(Area.path.startswith(old, autoescape=True))
    for one in (await session.scalars(inside)).all():
        one.path = new + one.path.removeprefix(old)
    await session.flush()
