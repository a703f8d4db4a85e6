"""Rows of the watch list: meters with how their homes stand, and who lives there."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Text, and_, case, cast, exists, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check_queries import Asking, asking_about
from alerting.detect import load_state
from alerting.detectors.view import seconds
from alerting.fleet.overview import conditions
from alerting.incident import FINAL
from alerting.intake.store import view_of
from alerting.queries import visible_devices
from alerting.tables import DeviceStateRow, Incident
from alerting.watchlist.standing import Standing, stand, without_supply
from care.listing import within
from care.model import Category, ElderStatus
from care.queries import Sight, visible_elders
from care.tables import Area, Binding, Device, Elder, Home, Source

_KINDS = ("no_water_use", "cannot_assess")
AT_ONCE = 200
"""Meters between two looks at what else is to be done: an alarm must not wait for a county's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Narrows the list; an empty member does not."""

    show: str = "near"  # a section
    area_id: str = ""  # this area and everything below it
    q: str = ""  # in names, telephones, addresses and ids


@dataclass(frozen=True, kw_only=True, slots=True)
class Resident:
    """Somebody who lives there."""

    id: str
    name: str
    birth_date: date | None
    phone: str | None
    categories: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchRow:
    """One meter's home, or the home of somebody who lives alone and has no meter."""

    ident: str  # of the device, or of the elder who has none
    standing: Standing
    home_id: str
    area_id: str | None
    device_id: str | None = None
    room: str | None = None
    heard_at: datetime | None = None
    until: datetime | None = None  # of an absence, as far as anybody said
    area_name: str | None = None
    address: str = ""
    residents: tuple[Resident, ...] = ()
    incident_id: str | None = None  # about no use, or about the meter
    asking: Asking | None = None
    doubt: str = ""  # why the meter cannot be trusted, as the incident says


async def load_rows(
    session: AsyncSession, sight: Sight, wanted: Wanted, now: datetime, zone: str
) -> list[WatchRow]:
    """Every meter's home and everybody without one, in no order, without people's particulars."""
    absent = await _absences(session)
    now_s = seconds(now)
    holds = conditions(now, false())
    rows = await session.execute(_meters(sight, wanted, case((holds["silent"], 1), else_=0)))
    found: list[WatchRow] = []
    for number, row in enumerate(rows, 1):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
        view = view_of(row, zone)
        away = absent.get(row.home_id)
        rests = away is not None or row.dry_since is not None
        if view.resting is not rests:  # said elsewhere a moment ago, or not handed down yet
            view = msgspec.structs.replace(view, resting=rests)
        standing = stand(
            load_state(row.state),
            view,
            now_s,
            silent=_silence(row),
            upload_s=row.interval_s,
        )
        if away is not None:
            standing = msgspec.structs.replace(standing, why=away.status)
        elif row.dry_since is not None:
            standing = without_supply(standing)
        found.append(
            WatchRow(
                ident=row.id,
                standing=standing,
                home_id=row.home_id,
                area_id=row.area_id,
                device_id=row.id,
                room=row.room,
                heard_at=row.last_heard_at,
                until=away.until if away else None,
            )
        )
    return found + await _without_meter(session, sight, wanted)


def _silence(row: Any) -> str:
    """Why a meter is not heard, empty while it is."""
    if row.last_heard_at is None:
        return "never"
    if not row.is_silent:
        return ""
    return "offline" if row.online is False or row.source_online is False else "silent"


def _meters(sight: Sight, wanted: Wanted, is_silent: Any) -> Any:
    """What standing asks of every water meter that hangs in a home."""
    query = (
        select(
            Device.id,
            Device.role,
            Device.family,
            Device.rules,
            Device.inherited,
            Device.enrolled_at,
            Device.expected_every_s,
            Device.supervisable,
            Device.resting_since,
            Device.dry_since,
            Device.area_id,
            Device.room,
            Binding.home_id,
            DeviceStateRow.state,
            DeviceStateRow.last_heard_at,
            DeviceStateRow.online,
            DeviceStateRow.interval_s,
            Source.online.label("source_online"),
            is_silent.label("is_silent"),
        )
        .join(Source, Source.id == Device.source_id)
        .join(Binding, and_(Binding.device_id == Device.id, Binding.valid_to.is_(None)))
        .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(Device.active.is_(True), Device.role == "water_meter", visible_devices(sight))
    )
    if wanted.area_id:
        query = query.where(within(Device.area_id, wanted.area_id))
    if wanted.q:
        theirs = select(Elder.home_id).where(_called(wanted.q))
        there = select(Home.id).where(Home.address.icontains(wanted.q, autoescape=True))
        query = query.where(
            or_(
                Device.id.icontains(wanted.q, autoescape=True),
                Binding.home_id.in_(theirs),
                Binding.home_id.in_(there),
            )
        )
    return query


def _called(q: str) -> Any:
    texts = (Elder.name, Elder.phone)
    return or_(*(column.icontains(q, autoescape=True) for column in texts))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Absence:
    status: str
    until: datetime | None


async def _absences(session: AsyncSession) -> dict[str, _Absence]:
    """Homes where nobody who lives there is at home, with the status of whoever is back first."""
    away = Elder.status != ElderStatus.HOME
    at_home = select(Elder.home_id).where(Elder.status == ElderStatus.HOME)
    rows = await session.execute(
        select(Elder.home_id, Elder.status, Elder.status_review_at)
        .where(away, Elder.home_id.not_in(at_home))
        .order_by(Elder.status_review_at, Elder.id)
    )
    found: dict[str, _Absence] = {}
    for home_id, status, until in rows:
        found.setdefault(home_id, _Absence(status=status, until=until))
    return found


async def _without_meter(session: AsyncSession, sight: Sight, wanted: Wanted) -> list[WatchRow]:
    """Whoever lives alone, is at home, and has no water meter there."""
    metered = exists().where(
        Binding.home_id == Elder.home_id,
        Binding.valid_to.is_(None),
        Device.id == Binding.device_id,
        Device.active.is_(True),
        Device.role == "water_meter",
    )
    query = select(Elder.id, Elder.home_id, Elder.area_id).where(
        visible_elders(sight),
        Elder.status == ElderStatus.HOME,
        cast(Elder.categories, Text).contains(f'"{Category.LIVING_ALONE.value}"'),
        ~metered,
    )
    if wanted.area_id:
        query = query.where(within(Elder.area_id, wanted.area_id))
    if wanted.q:
        there = select(Home.id).where(Home.address.icontains(wanted.q, autoescape=True))
        query = query.where(or_(_called(wanted.q), Elder.home_id.in_(there)))
    none = Standing(verdict="unable", why="no_meter", rule="")
    return [
        WatchRow(ident=ident, standing=none, home_id=home_id, area_id=area_id)
        for ident, home_id, area_id in await session.execute(query)
    ]


# ── people ────────────────────────────────────────────────────────────────────────────────────


async def with_people(session: AsyncSession, rows: Sequence[WatchRow]) -> tuple[WatchRow, ...]:
    """The rows of one page with who lives there, where, and what people are doing about it."""
    homes = {row.home_id for row in rows}
    devices = {row.device_id for row in rows if row.device_id is not None}
    residents = await _residents(session, homes)
    places = await session.execute(select(Home.id, Home.address).where(Home.id.in_(homes)))
    addresses = {row[0]: row[1] for row in places}
    named = await session.execute(
        select(Area.id, Area.name).where(Area.id.in_({row.area_id for row in rows if row.area_id}))
    )
    areas = {row[0]: row[1] for row in named}
    cases = await _cases(session, devices)
    asking = await asking_about(session, devices)
    filled = []
    for row in rows:
        case_id, doubt = cases.get(row.device_id or "", (None, ""))
        filled.append(
            replace(
                row,
                residents=residents.get(row.home_id, ()),
                address=addresses.get(row.home_id, ""),
                area_name=areas.get(row.area_id or ""),
                incident_id=case_id,
                doubt=doubt,
                asking=asking.get(row.device_id or ""),
            )
        )
    return tuple(filled)


async def _residents(
    session: AsyncSession, home_ids: Collection[str]
) -> dict[str, tuple[Resident, ...]]:
    found: dict[str, tuple[Resident, ...]] = {}
    rows = await session.execute(
        select(Elder.home_id, Elder.id, Elder.name, Elder.birth_date, Elder.phone, Elder.categories)
        .where(Elder.home_id.in_(home_ids))
        .order_by(Elder.created_at, Elder.id)
    )
    for home_id, ident, name, birth_date, phone, categories in rows:
        one = Resident(
            id=ident,
            name=name,
            birth_date=birth_date,
            phone=phone,
            categories=tuple(categories or ()),
        )
        found[home_id] = (*found.get(home_id, ()), one)
    return found


async def _cases(session: AsyncSession, device_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Device → the incident that people handle now, and why its meter cannot be trusted."""
    rows = await session.execute(
        select(Incident.device_id, Incident.id, Incident.kind, Incident.facts)
        .where(
            Incident.device_id.in_(device_ids),
            Incident.kind.in_(_KINDS),
            Incident.stage.not_in([stage.value for stage in FINAL]),
        )
        .order_by(Incident.severity_rank.desc(), Incident.opened_at)
    )
    found: dict[str, tuple[str, str]] = {}
    for device_id, ident, kind, facts in rows:
        doubt = str(facts.get("reason") or "") if kind == "cannot_assess" else ""
        found[device_id] = (ident, doubt or found.get(device_id, ("", ""))[1])
    return found
