"""The fleet: every device with how it stands, filtered, counted, by area; as the reader sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.liveness import EVERY_S_BY_ROLE
from alerting.fleet.firmware import outdated_devices
from alerting.fleet.trends import BatteryTrend, battery_trend
from alerting.queries import visible_devices
from alerting.tables import DeviceStateRow, ReadingRow
from care.listing import within
from care.paging import MAX_LIMIT, Order, Page, PageRequest, fetch_page
from care.queries import Sight
from care.tables import Area, Binding, Device, Elder, Home, Source
from devices.registry import FAMILIES

LOW_BATTERY_PCT = 20
UNTESTED_AFTER = timedelta(days=7)
TEST_EVERY = timedelta(days=31)
TREND_OVER = timedelta(days=90)
TESTED_ROLES = frozenset({"sos_button", "fall_detector", "smoke_detector", "gas_detector"})
"""Alarm devices that show only in use whether they still work: pressed once a month."""

Show = Literal[
    "all",
    "in_service",
    "silent",
    "never",
    "low_battery",
    "untested",
    "test_due",
    "unsupervisable",
    "old_firmware",
]
FILTERS: tuple[str, ...] = get_args(Show)
_FLEET = Order(name="fleet", key=Device.enrolled_at, ident=Device.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Narrows the fleet; an empty member does not."""

    show: str = "all"  # one of FILTERS
    area_id: str = ""  # this area and everything below it
    family: str = ""
    q: str = ""  # in ids, room, and the elder's name, phone and address


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetRow:
    """A device as the fleet shows it."""

    device: Device
    state: DeviceStateRow | None
    elder: Elder | None
    home: Home | None
    source: Source
    area_name: str | None
    health: str  # unsupervisable, never, silent, offline (its bridge is gone), online
    test_due: bool
    untested: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaCounts:
    """One area's devices by filter; `area_id` None: devices without an area."""

    area_id: str | None
    area_name: str | None
    counts: Mapping[str, int]


def conditions(now: datetime, outdated: ColumnElement[bool]) -> dict[str, ColumnElement[bool]]:
    """Filter → its condition over devices with their states and sources."""
    unsupervisable = _unsupervisable()
    heard = DeviceStateRow.last_heard_at.is_not(None)
    away = or_(
        DeviceStateRow.silent_after.is_(None),
        DeviceStateRow.silent_after <= now,
        DeviceStateRow.online.is_(False),
        Source.online.is_(False),
    )
    return {
        "in_service": Device.in_service_at.is_not(None),
        "silent": and_(heard, away, not_(unsupervisable)),
        "never": DeviceStateRow.last_heard_at.is_(None),
        "low_battery": DeviceStateRow.battery_pct < LOW_BATTERY_PCT,
        "untested": and_(
            Device.in_service_at.is_(None), Device.enrolled_at <= now - UNTESTED_AFTER
        ),
        "test_due": test_due(now),
        "unsupervisable": unsupervisable,
        "old_firmware": outdated,
    }


def test_due(now: datetime) -> ColumnElement[bool]:
    """Alarm devices that nobody has tried for a month, neither in a test nor in earnest."""
    last = func.coalesce(Device.tested_at, Device.in_service_at, Device.enrolled_at)
    return and_(Device.role.in_(TESTED_ROLES), last <= now - TEST_EVERY)


def _unsupervisable() -> ColumnElement[bool]:
    """Devices whose silence means nothing; the same rule as `liveness.silence_limit_s`."""
    mute = [name for name, family in FAMILIES.items() if not family.supervised]
    timed = [name for name, family in FAMILIES.items() if family.reports_every_s is not None]
    muted = or_(
        Device.supervisable.is_(False),
        and_(Device.supervisable.is_(None), Device.family.in_(mute)),
    )
    untimed = and_(
        Device.expected_every_s.is_(None),
        Device.family.not_in(timed),
        Device.role.not_in(EVERY_S_BY_ROLE),
    )
    return or_(muted, untimed)


async def fleet(
    session: AsyncSession, sight: Sight, page: PageRequest, wanted: Wanted, now: datetime
) -> Page[FleetRow]:
    """One page of the fleet, first enrolled first.

    In two steps: the page's ids, then its rows. Sorting five thousand whole rows would take longer
    than everything else.
    """
    holds = conditions(now, await outdated_devices(session))
    ids = _narrowed(_stated(Device.id), sight, wanted)
    if wanted.show in holds:
        ids = ids.where(holds[wanted.show])
    found = await fetch_page(session, ids, _FLEET, page)
    flags = ("unsupervisable", "never", "silent", "test_due", "untested")
    columns = [case((holds[name], 1), else_=0) for name in flags]
    rows = await session.execute(
        _with_people(_stated(Device, DeviceStateRow, Elder, Home, Source, Area.name, *columns))
        .where(Device.id.in_(found.items))
        .order_by(_FLEET.key, _FLEET.ident)
    )
    return Page(items=tuple(map(_row, rows)), next_cursor=found.next_cursor)


async def whole_fleet(
    session: AsyncSession, sight: Sight, wanted: Wanted, now: datetime
) -> AsyncIterator[FleetRow]:
    """Every row of the filtered fleet, for an export."""
    cursor: str | None = None
    while True:
        page = await fleet(session, sight, PageRequest(limit=MAX_LIMIT, cursor=cursor), wanted, now)
        for row in page.items:
            yield row
        cursor = page.next_cursor
        if cursor is None:
            return


async def counts(
    session: AsyncSession, sight: Sight, wanted: Wanted, now: datetime
) -> dict[str, int]:
    """Filter → how many devices it would show, with the other members of `wanted` in force."""
    holds = conditions(now, await outdated_devices(session))
    sums = [func.sum(case((condition, 1), else_=0)) for condition in holds.values()]
    row = (await session.execute(_narrowed(_stated(func.count(), *sums), sight, wanted))).one()
    return dict(zip(("all", *holds), (int(value or 0) for value in row), strict=True))


def total(areas: Iterable[AreaCounts]) -> dict[str, int]:
    """The sum of all areas."""
    summed: dict[str, int] = dict.fromkeys(FILTERS, 0)
    for area in areas:
        for name, count in area.counts.items():
            summed[name] += count
    return summed


async def by_area(session: AsyncSession, sight: Sight, now: datetime) -> tuple[AreaCounts, ...]:
    """The same for every area that has devices, by name."""
    holds = conditions(now, await outdated_devices(session))
    sums = [func.sum(case((condition, 1), else_=0)) for condition in holds.values()]
    query = (
        _narrowed(_stated(Device.area_id, Area.name, func.count(), *sums), sight, Wanted())
        .group_by(Device.area_id, Area.name)
        .order_by(Area.name, Device.area_id)
    )
    return tuple(
        AreaCounts(
            area_id=row[0],
            area_name=row[1],
            counts=dict(zip(("all", *holds), map(int, row[2:]), strict=True)),
        )
        for row in (await session.execute(query)).all()
    )


async def due_for_a_press(
    session: AsyncSession, now: datetime, *, visitor_id: str | None = None, home_id: str = ""
) -> tuple[FleetRow, ...]:
    """Devices to be pressed on the way: of a visitor's elders, or in one home."""
    statement = _with_people(_stated(Device, DeviceStateRow, Elder, Home, Source, Area.name))
    statement = statement.where(Device.active.is_(True), test_due(now))
    if home_id:
        statement = statement.where(Binding.home_id == home_id)
    if visitor_id is not None:
        theirs = select(Elder.home_id).where(Elder.responsible_visitor_id == visitor_id)
        statement = statement.where(Binding.home_id.in_(theirs))
    rows = await session.execute(statement.order_by(Home.address, Device.id).limit(100))
    return tuple(_row((*row, 0, 0, 0, 1, 0)) for row in rows)


async def battery_trends(
    session: AsyncSession, device_ids: Collection[str], now: datetime
) -> dict[str, BatteryTrend]:
    """Device id → its battery's trend, for those of which enough is known."""
    points: dict[str, dict[int, tuple[datetime, float]]] = {}
    query = select(ReadingRow.device_id, ReadingRow.at, ReadingRow.value).where(
        ReadingRow.device_id.in_(device_ids),
        ReadingRow.register == "battery_pct",
        ReadingRow.at >= now - TREND_OVER,
    )
    for device_id, at, value in await session.execute(query.order_by(ReadingRow.at)):
        points.setdefault(device_id, {})[at.toordinal()] = (at, value)  # the day's last
    trends = {name: battery_trend(list(days.values())) for name, days in points.items()}
    return {name: trend for name, trend in trends.items() if trend is not None}


async def link_qualities(
    session: AsyncSession, device_ids: Collection[str], now: datetime
) -> dict[str, float]:
    """Device id → its newest link quality of the last week (Zigbee; others say dBm)."""
    query = select(ReadingRow.device_id, ReadingRow.value).where(
        ReadingRow.device_id.in_(device_ids),
        ReadingRow.register == "link_quality",
        ReadingRow.at >= now - timedelta(days=7),
    )
    return {row[0]: row[1] for row in await session.execute(query.order_by(ReadingRow.at))}


def _stated(*columns: Any) -> Any:
    """Devices with their state and source, of which the filters speak, and their area."""
    return (
        select(*columns)
        .select_from(Device)
        .join(Source, Source.id == Device.source_id)
        .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .outerjoin(Area, Area.id == Device.area_id)
    )


def _with_people(statement: Any) -> Any:
    """The same with whom each belongs to now."""
    return (
        statement.outerjoin(
            Binding, and_(Binding.device_id == Device.id, Binding.valid_to.is_(None))
        )
        .outerjoin(Elder, Elder.id == Binding.elder_id)
        .outerjoin(Home, Home.id == Binding.home_id)
    )


def _narrowed(statement: Any, sight: Sight, wanted: Wanted) -> Any:
    statement = statement.where(Device.active.is_(True), visible_devices(sight))
    if wanted.area_id:
        statement = statement.where(within(Device.area_id, wanted.area_id))
    if wanted.family:
        statement = statement.where(Device.family == wanted.family)
    if wanted.q:
        texts = (Device.id, Device.child_id, Device.room, Elder.name, Elder.phone, Home.address)
        found = (column.icontains(wanted.q, autoescape=True) for column in texts)
        statement = _with_people(statement).where(or_(*found))
    return statement


def _row(row: Any) -> FleetRow:
    device, state, elder, home, source, area_name, mute, never, silent, due, untested = row
    health = "online"
    if mute:
        health = "unsupervisable"
    elif never:
        health = "never"
    elif silent:
        health = "offline" if source.online is False else "silent"
    return FleetRow(
        device=device,
        state=state,
        elder=elder,
        home=home,
        source=source,
        area_name=area_name,
        health=health,
        test_due=bool(due),
        untested=bool(untested),
    )
