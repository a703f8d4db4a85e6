"""Asks the tables whether an area's homes stand still together, and says so once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, and_, func, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import Purpose
from alerting.detect import can_assess, load_state
from alerting.detectors.habit import SAID
from alerting.detectors.view import moment, seconds
from alerting.detectors.water import Water
from alerting.handling.interrupted import announce
from alerting.simultaneous import LEAST_QUIET, Meter, Together
from alerting.tables import Check, DeviceStateRow, Incident
from care.interruptions import close
from care.model import SYSTEM, AreaLevel
from care.supply import SupplyKind, SupplyState
from care.tables import Area, Binding, Device, Home, Interruption
from core.ids import new_id
from core.logging import get_logger

log = get_logger("interruptions")

LOOKED_BACK = timedelta(hours=24)
MOST_METERS = 3000
"""Of one look: a village has fewer; an area with more is no place with one supply."""

_LEVELS = (AreaLevel.VILLAGE.value, AreaLevel.GRID.value)
"""Where one supply may be expected; a home that lies in none of them counts for its own area."""


async def areas_to_look_at(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Areas where enough homes were found quiet within a day, and those already suspected.

    On most days none: then a look is one query.
    """
    found = _found(now).subquery()
    homes = await session.execute(
        select(found.c.home_id, Home.area_id)
        .join(Home, Home.id == found.c.home_id)
        .where(Home.area_id.is_not(None))
        .distinct()
    )
    quiet = homes.all()
    inside = await _inside(session, {row.area_id for row in quiet})
    counted: dict[str, int] = {}
    for row in quiet:
        for area_id in inside.get(row.area_id, ()):
            counted[area_id] = counted.get(area_id, 0) + 1
    suspected = await session.scalars(
        select(Interruption.area_id).where(Interruption.state == SupplyState.SUSPECTED.value)
    )
    return sorted({area for area, homes in counted.items() if homes >= LEAST_QUIET} | {*suspected})


async def act(
    session: AsyncSession, meters: Sequence[Meter], said: Sequence[Together], now: datetime
) -> list[str]:
    """Suspect what is said of these meters, and end what was used again; returns changed ids.

    Idempotent: the unique index knows what is suspected already.
    """
    changed = await _end_used(session, meters, now)
    for one in said:
        changed += await _suspect(session, one, now)
    await session.flush()
    return changed


def _found(now: datetime) -> Select[Any]:
    """(home, device, when it was found quiet, what was found) of the last day."""
    since = now - LOOKED_BACK
    checks = select(
        Check.home_id, Check.device_id, Check.opened_at, Check.finding["facts"].label("facts")
    ).where(
        Check.kind == "no_water_use",
        Check.purpose == Purpose.WELLBEING.value,
        Check.opened_at > since,
    )
    incidents = select(
        Incident.home_id, Incident.device_id, Incident.opened_at, Incident.facts
    ).where(Incident.kind == "no_water_use", Incident.opened_at > since, Incident.mode == "actual")
    return select(union_all(checks, incidents).subquery())


async def _inside(session: AsyncSession, area_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Area → itself and the villages and grids above it, the widest first."""
    paths = await session.execute(select(Area.id, Area.path).where(Area.id.in_(area_ids)))
    parts = {row.id: [part for part in row.path.split("/") if part] for row in paths}
    above = {part for path in parts.values() for part in path}
    levels = await session.execute(select(Area.id, Area.level).where(Area.id.in_(above)))
    level = {row.id: row.level for row in levels}
    return {
        area_id: tuple(one for one in path if one == area_id or level.get(one) in _LEVELS)
        for area_id, path in parts.items()
    }


async def meters_of(
    session: AsyncSession, area_ids: Collection[str], now: datetime
) -> tuple[Meter, ...]:
    """Every water meter of these areas that works and that no recorded interruption covers."""
    roots = select(Area.path).where(Area.id.in_(area_ids))
    paths = (await session.scalars(roots)).all()
    if not paths:
        return ()
    inside: set[str] = set()
    for path in paths:
        below = select(Area.id).where(Area.path.startswith(path, autoescape=True))
        inside |= set(await session.scalars(below))
    rows = await session.execute(
        select(Device.id, Binding.home_id, Home.area_id, DeviceStateRow.state)
        .join(Binding, and_(Binding.device_id == Device.id, Binding.valid_to.is_(None)))
        .join(Home, Home.id == Binding.home_id)
        .join(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(
            Device.role == "water_meter",
            Device.active,
            Device.dry_since.is_(None),
            Home.area_id.in_(inside),
        )
        .order_by(Device.id)
        .limit(MOST_METERS)
    )
    known = rows.all()
    if len(known) == MOST_METERS:
        log.warning("too many meters for one look", areas=len(area_ids))
        return ()
    areas = await _inside(session, {row.area_id for row in known})
    found: dict[str, tuple[datetime, Any]] = {}
    for row in (await session.execute(_found(now))).all():
        if row.device_id not in found or found[row.device_id][0] < row.opened_at:
            found[row.device_id] = (row.opened_at, row.facts)
    return tuple(
        _meter(row.home_id, areas[row.area_id], state.water, found.get(row.id))
        for row in known
        if (state := load_state(row.state)).water is not None and can_assess(state)
    )


def _meter(
    home_id: str,
    areas: tuple[str, ...],
    water: Water | None,
    found: tuple[datetime, Any] | None,
) -> Meter:
    assert water is not None
    opened_at = seconds(found[0]) if found else 0
    return Meter(home_id, areas, _used_at(water, found), water.line.at, opened_at)


def _used_at(water: Water, found: tuple[datetime, Any] | None) -> int:
    """The last use. Where a word restarted the gap it is what the finding says, or unknown."""
    habit = water.habit
    if habit is not None and not habit.flags & SAID:
        return habit.used_at
    if habit is None and water.stairs.moved:
        return water.stairs.rose_at
    since = str((found[1] or {}).get("since") or "") if found else ""
    try:
        return seconds(datetime.fromisoformat(since)) if since else 0
    except ValueError:
        return 0


async def _end_used(session: AsyncSession, meters: Sequence[Meter], now: datetime) -> list[str]:
    """Somebody used water since: it is over, or never was."""
    used: dict[str, int] = {}
    for meter in meters:
        for area_id in meter.areas:
            used[area_id] = max(used.get(area_id, 0), meter.used_at)
    rows = await session.scalars(
        select(Interruption)
        .where(Interruption.state == SupplyState.SUSPECTED.value, Interruption.area_id.in_(used))
        .with_for_update()
    )
    ended = []
    for row in rows:
        if used[row.area_id] > seconds(row.begins_at):
            close(row, SupplyState.ENDED, "used_again", now, SYSTEM.name)
            announce(session, row, now)
            ended.append(row.id)
    await session.flush()
    return ended


async def _suspect(session: AsyncSession, said: Together, now: datetime) -> list[str]:
    """One row an area: a new one, or the figures of the one that is there."""
    begins_at = moment(said.since)
    data = {"homes": said.homes, "still": said.still, "quiet": len(said.quiet)}
    current = await session.scalar(
        select(Interruption)
        .where(
            Interruption.area_id == said.area_id,
            Interruption.kind == SupplyKind.WATER.value,
            Interruption.state == SupplyState.SUSPECTED.value,
        )
        .with_for_update()
    )
    if current is not None:
        if current.data == data:
            return []
        current.data = data
        announce(session, current, now)
        return [current.id]
    if await _was_dismissed(session, said.area_id, begins_at):
        return []
    row = await _insert(session, said.area_id, begins_at, data, now)
    if row is None:
        return []
    await _end_narrower(session, row, now)
    announce(session, row, now)
    log.info("suspected", interruption=row.id, area=row.area_id, **data)
    return [row.id]


async def _was_dismissed(session: AsyncSession, area_id: str, since: datetime) -> bool:
    """Did a person say of this stillness that it is no cut?"""
    last = await session.scalar(
        select(func.max(Interruption.ended_at)).where(
            Interruption.area_id == area_id,
            Interruption.state == SupplyState.DISMISSED.value,
        )
    )
    return last is not None and last >= since


async def _insert(
    session: AsyncSession, area_id: str, begins_at: datetime, data: dict[str, int], now: datetime
) -> Interruption | None:
    """None when somebody else's insert was first."""
    values = {
        "id": new_id("cut"),
        "area_id": area_id,
        "kind": SupplyKind.WATER.value,
        "state": SupplyState.SUSPECTED.value,
        "begins_at": begins_at,
        "reason": "",
        "data": data,
        "version": 1,
        "created_at": now,
        "created_by": SYSTEM.name,
    }
    table = Interruption.__table__
    assert isinstance(table, Table)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    result = await session.execute(
        insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    )
    ident = result.scalar_one_or_none()
    return None if ident is None else await session.get_one(Interruption, ident)


async def _end_narrower(session: AsyncSession, row: Interruption, now: datetime) -> None:
    """What was suspected of a part of the area is now said of the whole."""
    path = await session.scalar(select(Area.path).where(Area.id == row.area_id))
    inside = select(Area.id).where(Area.path.startswith(path or "", autoescape=True))
    parts = await session.scalars(
        select(Interruption)
        .where(
            Interruption.state == SupplyState.SUSPECTED.value,
            Interruption.kind == row.kind,
            Interruption.id != row.id,
            Interruption.area_id.in_(inside),
        )
        .with_for_update()
    )
    for one in parts:
        close(one, SupplyState.ENDED, "wider", now, SYSTEM.name)
