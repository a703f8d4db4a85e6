"""Which elders does nothing watch, asked of the tables: by set for many, exactly for a few."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import can_assess, load_state
from alerting.detectors.view import moment
from alerting.supervision import COUNTED_ROLES, METER_ROLES, Device, Share, Standing, standing
from alerting.tables import DeviceStateRow, Incident
from care.model import WORN_ROLES, ElderStatus
from care.tables import Binding, Elder, Home, Source
from care.tables import Device as DeviceRow

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def works(now: datetime) -> ColumnElement[bool]:
    """Devices that work, as far as columns tell: heard, in time, nobody says they are away.

    Needs `devices`, `device_states` and `sources` joined. A meter that cannot be assessed still
    counts here: `standings` looks into its state.
    """
    return and_(
        DeviceRow.active.is_(True),
        DeviceStateRow.last_heard_at.is_not(None),
        DeviceStateRow.silent_after > now,
        or_(DeviceStateRow.online.is_(None), DeviceStateRow.online.is_(True)),
        or_(Source.online.is_(None), Source.online.is_(True)),
    )


def _watches_for_sure(now: datetime) -> ColumnElement[bool]:
    """The same, less every meter that a finding was ever about and that did not clear."""
    doubted = select(Incident.device_id).where(
        Incident.kind == "cannot_assess",
        Incident.condition == "active",
        Incident.device_id.is_not(None),
    )
    sound = or_(DeviceRow.role.not_in(METER_ROLES), DeviceRow.id.not_in(doubted))
    return and_(works(now), sound)


def _counted(*columns: Any) -> Select[Any]:
    """Everything bound now that counts and that ever spoke, with its elder's home."""
    return (
        select(*columns)
        .select_from(Binding)
        .join(DeviceRow, DeviceRow.id == Binding.device_id)
        .join(DeviceStateRow, DeviceStateRow.device_id == DeviceRow.id)
        .join(Source, Source.id == DeviceRow.source_id)
        .where(
            Binding.valid_to.is_(None),
            DeviceRow.role.in_(COUNTED_ROLES),
            DeviceStateRow.last_heard_at.is_not(None),
            # Nobody judges the silence of the others: they cannot be lost.
            or_(
                DeviceStateRow.silent_after.is_not(None),
                DeviceStateRow.online.is_(False),
                DeviceRow.active.is_(False),
            ),
        )
    )


_FOR_ELDER = or_(
    DeviceRow.role.not_in(WORN_ROLES), Binding.elder_id.is_(None), Binding.elder_id == Elder.id
)
"""What a home shares watches over everybody in it; what is worn, over its wearer."""


async def unwatched_elders(
    session: AsyncSession, now: datetime, *, source_id: str | None = None, limit: int | None = None
) -> list[str]:
    """Ids of elders at home whom, as far as columns tell, nothing watches any more.

    A meter that was doubted once may be listed too many: `standings` knows exactly. With
    `source_id` only those who have a device there.
    """
    working = func.max(case((_watches_for_sure(now), 1), else_=0))
    query = (
        _counted(Elder.id)
        .join(Elder, and_(Elder.home_id == Binding.home_id, _FOR_ELDER))
        .where(Elder.status == ElderStatus.HOME)
        .group_by(Elder.id)
        .having(working == 0)
        .order_by(Elder.id)
        .limit(limit)
    )
    if source_id is not None:
        query = query.having(func.max(case((DeviceRow.source_id == source_id, 1), else_=0)) == 1)
    return [row[0] for row in (await session.execute(query)).all()]


async def standings(
    session: AsyncSession, elders: Collection[Elder], now: datetime
) -> dict[str, list[tuple[Standing, str]]]:
    """Elder id → how every device that is there for them stands, with its source's id."""
    homes = {elder.home_id for elder in elders}
    rows = await session.execute(
        select(Binding, DeviceRow, DeviceStateRow, Source)
        .join(DeviceRow, DeviceRow.id == Binding.device_id)
        .join(Source, Source.id == DeviceRow.source_id)
        .outerjoin(DeviceStateRow, DeviceStateRow.device_id == DeviceRow.id)
        .where(Binding.valid_to.is_(None), Binding.home_id.in_(homes))
        .where(DeviceRow.role.in_(COUNTED_ROLES))
    )
    found: dict[str, list[tuple[Standing, str]]] = {elder.id: [] for elder in elders}
    for binding, device, state, source in rows:
        stands = standing(_of(device, state, source), now)
        is_worn = device.role in WORN_ROLES and binding.elder_id is not None
        for elder in elders:
            if elder.home_id == binding.home_id and (not is_worn or binding.elder_id == elder.id):
                found[elder.id].append((stands, source.id))
    return found


def _of(device: DeviceRow, state: DeviceStateRow | None, source: Source) -> Device:
    detectors = load_state(state.state) if state and device.role in METER_ROLES else None
    at = detectors.register.at if detectors and detectors.register else 0
    return Device(
        id=device.id,
        role=device.role,
        room=device.room,
        active=device.active,
        last_heard_at=state.last_heard_at if state else None,
        silent_after=state.silent_after if state else None,
        online=state.online if state else None,
        retired_at=device.retired_at,
        bridge_lost_at=(source.online_changed_at or _LONG_AGO) if source.online is False else None,
        assessable=detectors is None or can_assess(detectors),
        register_at=moment(at) if at else None,
    )


class MassOutage:
    """Areas and sources of which so many homes fell silent that it is no longer about one home."""

    def __init__(self, areas: set[str], sources: set[str]) -> None:
        self.areas, self.sources = areas, sources


async def mass_outage(session: AsyncSession, now: datetime, share: float, homes: int) -> MassOutage:
    """Count homes without a working device, by area and by source."""
    return MassOutage(
        await _mass(session, now, Home.area_id, share, homes),
        await _mass(session, now, DeviceRow.source_id, share, homes),
    )


async def _mass(
    session: AsyncSession, now: datetime, key: Any, share: float, homes: int
) -> set[str]:
    working = func.max(case((works(now), 1), else_=0)).label("working")
    of_homes = (
        _counted(key.label("key"), working)
        .join(Home, Home.id == Binding.home_id)
        .where(key.is_not(None))
        .group_by(key, Home.id)
        .subquery()
    )
    silent = func.sum(1 - of_homes.c.working)
    rows = await session.execute(
        select(of_homes.c.key, func.count(), silent)
        .group_by(of_homes.c.key)
        .having(silent >= homes)
    )
    return {name for name, count, lost in rows if Share(count, lost).is_mass(share, homes)}
