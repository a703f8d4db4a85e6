"""Which elders does nothing watch, asked of the tables: by set for many, exactly for a few."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import load_state
from alerting.detectors import power
from alerting.detectors.view import DEFAULT_ZONE
from alerting.intake.heard import KnownDevice
from alerting.intake.store import view_of
from alerting.intake.whom import add_personal_rules
from alerting.supervision import (
    COUNTED_ROLES,
    METER_ROLES,
    Device,
    Share,
    Standing,
    judge,
    standing,
)
from alerting.tables import DeviceStateRow, Incident
from alerting.vigilance import BED_RULE, vigilance
from care.model import WORN_ROLES, ElderStatus
from care.tables import Binding, Elder, Home, Source
from care.tables import Device as DeviceRow

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def works(now: datetime) -> ColumnElement[bool]:
    """Devices that work, as far as columns tell: heard, in time, nobody says they are away.

    Needs `devices`, `device_states` and `sources` joined. A device that notices nothing still
    counts here: `standings` looks into its rules and its state.
    """
    return and_(
        DeviceRow.active.is_(True),
        DeviceStateRow.last_heard_at.is_not(None),
        DeviceStateRow.silent_after > now,
        or_(DeviceStateRow.online.is_(None), DeviceStateRow.online.is_(True)),
        or_(Source.online.is_(None), Source.online.is_(True)),
    )


def _preset(column: Any, rule: str) -> ColumnElement[str]:
    value: ColumnElement[str] = column[(rule, "preset")].as_string()
    return value


def _switched_off() -> ColumnElement[bool]:
    """Meters whose rule is off, as `vigilance` has it, as far as two columns tell.

    What stands strangely in them is left to `vigilance`: it is not for sure either way.
    """
    own, wider = DeviceRow.rules, DeviceRow.inherited
    water = func.coalesce(_preset(own, "no_water_use"), _preset(wider, "no_water_use"), "")
    energy = func.coalesce(_preset(own, power.RULE), _preset(wider, power.RULE), "off")
    watching = [preset for preset, limit_s in power.PRESETS.items() if limit_s]
    return or_(
        and_(DeviceRow.role == "water_meter", water == "off"),
        and_(DeviceRow.role == "electricity_meter", energy.not_in(watching)),
    )


def _watches_for_sure(now: datetime) -> ColumnElement[bool]:
    """The same, less everything that may notice nothing: meters that a finding was ever about and
    that did not clear, all that tell of electricity, beds with a rule of their own."""
    doubted = select(Incident.device_id).where(
        Incident.kind == "cannot_assess",
        Incident.condition == "active",
        Incident.device_id.is_not(None),
    )
    sound = or_(
        DeviceRow.role.not_in(METER_ROLES | {"bed_sensor"}),
        and_(
            DeviceRow.role == "water_meter",
            DeviceRow.id.not_in(doubted),
            not_(_switched_off()),
        ),
        and_(
            DeviceRow.role == "bed_sensor",
            *(
                func.coalesce(cast(rules, Text), "").not_like(f"%{BED_RULE}%")
                for rules in (DeviceRow.rules, Elder.rules)
            ),
        ),
    )
    return and_(works(now), sound)


def _spoke(*columns: Any) -> Select[Any]:
    """Everything bound now whose role counts and that ever spoke, with its home."""
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
        )
    )


def _counted(*columns: Any) -> Select[Any]:
    """Of these, what can be lost."""
    return _spoke(*columns).where(
        # Nobody judges the silence of the others.
        or_(
            DeviceStateRow.silent_after.is_not(None),
            DeviceStateRow.online.is_(False),
            DeviceRow.active.is_(False),
        ),
        not_(_switched_off()),
    )


_FOR_ELDER = or_(
    DeviceRow.role.not_in(WORN_ROLES), Binding.elder_id.is_(None), Binding.elder_id == Elder.id
)
"""What a home shares watches over everybody in it; what is worn, over its wearer."""


async def unwatched_elders(
    session: AsyncSession, now: datetime, *, source_id: str | None = None, limit: int | None = None
) -> list[str]:
    """Ids of elders at home whom, as far as columns tell, nothing watches any more.

    Those with a meter that was doubted once, and others whose rules must be looked into, may be
    listed too many: `standings` knows exactly. With `source_id` only those who have a device there.
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


def without_a_sure_watch(now: datetime, *, meters: bool = True) -> Select[Any]:
    """Ids of elders at home who have something that spoke, and of whom columns alone do not show
    that anything watches. `meters`: whether a water meter that is in order counts as such."""
    sure = _watches_for_sure(now)
    if not meters:
        sure = and_(sure, DeviceRow.role.not_in(METER_ROLES))
    return (
        _spoke(Elder.id)
        .join(Elder, and_(Elder.home_id == Binding.home_id, _FOR_ELDER))
        .where(Elder.status == ElderStatus.HOME)
        .group_by(Elder.id)
        .having(func.max(case((sure, 1), else_=0)) == 0)
    )


async def surely_unwatched(
    session: AsyncSession, now: datetime, *, source_id: str, limit: int
) -> list[str]:
    """The same of one source's elders, each looked into; at most so many are."""
    ids = await unwatched_elders(session, now, source_id=source_id, limit=limit)
    elders = (await session.scalars(select(Elder).where(Elder.id.in_(ids)))).all()
    stands = await standings(session, elders, now)
    lost = {ident for ident, found in stands.items() if judge([one for one, _ in found]).since}
    return [ident for ident in ids if ident in lost]


async def standings(
    session: AsyncSession, elders: Collection[Elder], now: datetime, zone: str = DEFAULT_ZONE
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
    bound = rows.all()
    known = await _known(session, [device for _, device, _, _ in bound], zone)
    found: dict[str, list[tuple[Standing, str]]] = {elder.id: [] for elder in elders}
    for binding, device, state, source in bound:
        stands = standing(_of(known[device.id], device, state, source), now)
        is_worn = device.role in WORN_ROLES and binding.elder_id is not None
        for elder in elders:
            if elder.home_id == binding.home_id and (not is_worn or binding.elder_id == elder.id):
                found[elder.id].append((stands, source.id))
    return found


async def _known(
    session: AsyncSession, devices: Collection[DeviceRow], zone: str
) -> dict[str, KnownDevice]:
    """Devices with the rules in force for them: inherited, their own, and their person's."""
    known = {
        one.id: KnownDevice(
            id=one.id,
            source_id=one.source_id,
            child_id=one.child_id,
            role=one.role,
            family=one.family,
            room=one.room,
            area_id=one.area_id,
            view=view_of(one, zone),
        )
        for one in devices
    }
    await add_personal_rules(session, {i: one for i, one in known.items() if one.role in _BEDS})
    return known


_BEDS = frozenset({"bed_sensor"})


def _of(
    known: KnownDevice, device: DeviceRow, row: DeviceStateRow | None, source: Source
) -> Device:
    state = load_state(row.state if row and device.role in METER_ROLES else None)
    return Device(
        id=device.id,
        role=device.role,
        room=device.room,
        active=device.active,
        last_heard_at=row.last_heard_at if row else None,
        silent_after=row.silent_after if row else None,
        online=row.online if row else None,
        retired_at=device.retired_at,
        bridge_lost_at=(source.online_changed_at or _LONG_AGO) if source.online is False else None,
        vigilance=vigilance(state, known.view),
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
