"""Homes and the elders who live in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from care import equipment, queries
from care.accounts import visitor_for
from care.areas import area_for_new
from care.handing_down import refresh_homes
from care.limits import ElderRules
from care.model import Actor, Category, ElderStatus
from care.queries import Sight
from care.reach import normal_phone
from care.status import set_status
from care.tables import Binding, Device, Elder, Home
from core.errors import InvalidInput
from core.ids import new_id

MAX_AGE_YEARS = 130
_FAR_EAST = timedelta(hours=14)  # a date that has begun anywhere is not in the future

_HOME_FIELDS = frozenset({"name", "address", "note", "latitude", "longitude", "fence_m"})


async def create_home(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    address: str = "",
    name: str | None = None,
    area_id: str | None = None,
    note: str | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
    fence_m: int | None = None,
) -> Home:
    """Add a dwelling; without `area_id` it belongs to the caller's own area.

    Its place in degrees (WGS 84) and the fence in metres say when a locator has left home.
    """
    home = Home(
        id=new_id("home"),
        name=name,
        address=address,
        area_id=await area_for_new(session, actor, area_id),
        note=note,
        latitude=latitude,
        longitude=longitude,
        fence_m=fence_m,
        created_at=now,
    )
    _check_place(home)
    session.add(home)
    await session.flush()
    return home


async def update_home(
    session: AsyncSession, actor: Actor, now: datetime, home_id: str, changes: Mapping[str, Any]
) -> Home:
    """Change name, address, note, place, fence or area; residents and devices follow into a new
    area."""
    home = await queries.home(session, Sight(actor=actor), home_id)
    for field in changes.keys() & _HOME_FIELDS:
        setattr(home, field, changes[field])
    _check_place(home)
    if "area_id" in changes:
        area_id = await area_for_new(session, actor, changes["area_id"])
        await move_home(session, home, area_id, now)
    await session.flush()
    return home


def _check_place(home: Home) -> None:
    """Half a position is none."""
    if (home.latitude is None) != (home.longitude is None):
        missing = "latitude" if home.latitude is None else "longitude"
        raise InvalidInput(missing, "latitude and longitude go together")


async def move_home(session: AsyncSession, home: Home, area_id: str | None, now: datetime) -> None:
    """One place has one area: residents and the devices bound there go along, and are watched as
    that area is."""
    home.area_id = area_id
    for resident in await queries.residents(session, home.id):
        resident.area_id = area_id
    bound = select(Binding.device_id).where(Binding.home_id == home.id, Binding.valid_to.is_(None))
    await session.execute(update(Device).where(Device.id.in_(bound)).values(area_id=area_id))
    await session.flush()
    await refresh_homes(session, [home.id], now)


async def create_elder(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    birth_date: date | None = None,
    phone: str | None = None,
    address: str | None = None,
    area_id: str | None = None,
    home_id: str | None = None,
    categories: Sequence[Category] = (),
    tier: str | None = None,
    responsible_visitor_id: str | None = None,
    rules: ElderRules | None = None,
    health: str | None = None,
    access: str | None = None,
) -> Elder:
    """Add an elder, in `home_id` or in a home of their own made for `address`.

    A home that exists keeps its address and area. Raises `NotFound` for an area or home outside
    the caller's, `InvalidInput` when the date of birth is not plausible, when `area_id` is not
    the home's, or when the visitor does not work there. Programs and pages call
    `alerting.handling.absences.create_elder`, which tells the detectors that somebody is there.
    """
    check_birth_date(birth_date, now)
    home = await _home_for(session, actor, now, home_id, area_id, address)
    if responsible_visitor_id is not None:
        field = "responsible_visitor_id"
        await visitor_for(session, responsible_visitor_id, home.area_id, field=field)
    elder = Elder(
        id=new_id("elder"),
        name=name,
        birth_date=birth_date,
        phone=normal_phone(phone),
        area_id=home.area_id,
        home_id=home.id,
        categories=_plain(categories),
        tier=tier,
        responsible_visitor_id=responsible_visitor_id,
        status=ElderStatus.HOME.value,
        status_review_at=None,
        rules=rules.stored() if rules is not None else {},
        health=health,
        access=access,
        created_at=now,
    )
    session.add(elder)
    await session.flush()
    await refresh_homes(session, [home.id], now)
    return elder


async def _home_for(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    home_id: str | None,
    area_id: str | None,
    address: str | None,
) -> Home:
    if home_id is None:
        return await create_home(session, actor, now, address=address or "", area_id=area_id)
    home = await queries.home(session, Sight(actor=actor), home_id)
    if area_id is not None:
        await queries.area(session, actor.scope, area_id)
        if home.area_id is None:
            await move_home(session, home, area_id, now)
        elif area_id != home.area_id:
            raise InvalidInput("area_id", "the home lies in another area; leave area_id out")
    if not home.address:
        home.address = address or ""
    return home


async def update_elder(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    elder_id: str,
    changes: Mapping[str, Any],
) -> Elder:
    """Change what `changes` names; fields as for `create_elder`, and the status: status,
    status_review_at, status_text (why, for the history). `rules` (an `ElderRules`) replaces all
    that was set before.

    `address` and `area_id` are the home's and change it for everybody who lives there, so a
    shared home's area is changed at the home. With a new `home_id` worn devices move along and
    shared ones stay. `alerting.handling.absences.update_elder` calls this and tells the detectors
    who is back; programs and pages use that.
    """
    elder = await queries.elder(session, Sight(actor=actor), elder_id)
    plain = ("name", "birth_date", "tier", "health", "access")
    check_birth_date(changes.get("birth_date"), now)
    for field in plain:
        if field in changes:
            setattr(elder, field, changes[field])
    if "phone" in changes:
        elder.phone = normal_phone(changes["phone"])
    if "rules" in changes:
        elder.rules = changes["rules"].stored()
    if "categories" in changes:
        elder.categories = _plain(changes["categories"])
    await _change_place(session, actor, now, elder, changes)
    if changes.get("responsible_visitor_id") is not None:
        field = "responsible_visitor_id"
        await visitor_for(session, changes[field], elder.area_id, field=field)
    if "responsible_visitor_id" in changes:
        elder.responsible_visitor_id = changes["responsible_visitor_id"]
    await _change_status(session, actor, now, elder, changes)
    await session.flush()
    await refresh_homes(session, [elder.home_id], now)
    return elder


async def _change_place(
    session: AsyncSession, actor: Actor, now: datetime, elder: Elder, changes: Mapping[str, Any]
) -> None:
    if changes.get("home_id", elder.home_id) != elder.home_id:
        home = await queries.home(session, Sight(actor=actor), changes["home_id"])
        left = elder.home_id
        elder.home_id, elder.area_id = home.id, home.area_id
        await session.flush()
        await equipment.follow_elder(session, elder, now)
        await refresh_homes(session, [left], now)
    home = await session.get_one(Home, elder.home_id)
    if "area_id" in changes and changes["area_id"] != home.area_id:
        area_id = await area_for_new(session, actor, changes["area_id"])
        if "home_id" in changes:
            raise InvalidInput("area_id", "the home lies in another area; leave area_id out")
        if len(await queries.residents(session, home.id)) > 1:
            raise InvalidInput("area_id", f"others live there too; change home {home.id}")
        await move_home(session, home, area_id, now)
    if "address" in changes:
        home.address = changes["address"] or ""


async def _change_status(
    session: AsyncSession, actor: Actor, now: datetime, elder: Elder, changes: Mapping[str, Any]
) -> None:
    if changes.keys() & {"status", "status_review_at"}:
        await set_status(
            session,
            elder,
            ElderStatus(changes.get("status", elder.status)),
            now,
            actor=actor,
            until=changes.get("status_review_at"),
            reason="staff",
            text=changes.get("status_text"),
        )


def check_birth_date(birth_date: date | None, now: datetime) -> None:
    """Raises `InvalidInput` for a date in the future or more than 130 years ago."""
    if birth_date is None:
        return
    today = (now + _FAR_EAST).date()
    if birth_date > today:
        raise InvalidInput("birth_date", "lies in the future")
    if birth_date.year < today.year - MAX_AGE_YEARS:
        raise InvalidInput("birth_date", f"is more than {MAX_AGE_YEARS} years ago")


def _plain(categories: Sequence[Category]) -> list[str]:
    """Each once, in the order given."""
    return list(dict.fromkeys(Category(one).value for one in categories))
