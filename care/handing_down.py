"""What a home's residents mean for its devices, written on each device: judging asks no further.

Rules by area, tier and elder, whether anybody is at home, and whether water comes at all change a
few times a year; a meter is judged a few times an hour. So they are handed down when they change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from care.model import OF_ONE_PERSON, ElderStatus
from care.policy import tier_ranks
from care.supply import Cut, SupplyState, dry_since
from care.tables import Area, Binding, Device, Elder, Home, Interruption, WatchRule
from care.watch import Book, Resident, Rule, Watched, book_of, watch_of
from care.watch_choices import for_role

MOST_AT_ONCE = 200
"""Homes in one transaction, which must stay under 100 ms."""

_OF_A_RULE = [getattr(WatchRule, one.name) for one in fields(Rule)]
"""The columns that the pure part asks for, and none of the large ones beside them."""

_GONE = (ElderStatus.MOVED, ElderStatus.DECEASED)


class Handed(NamedTuple):
    """What a device of a home is to be told."""

    device: Device
    inherited: dict[str, Any]
    resting_since: datetime | None
    dry_since: datetime | None


async def refresh_homes(session: AsyncSession, home_ids: Collection[str], now: datetime) -> int:
    """Hand down to every device of these homes; returns how many devices were changed.

    Called whenever a device is bound, an elder moves or changes, and a rule comes into force; a
    loop calls it for everything now and then, so that a place that forgot is mended.
    """
    changed = await outdated(session, home_ids, now, lock=True)
    for device, inherited, since, dry in changed:
        device.inherited, device.resting_since, device.dry_since = inherited, since, dry
    await session.flush()
    return len(changed)


async def outdated(
    session: AsyncSession, home_ids: Collection[str], now: datetime, *, lock: bool = False
) -> list[Handed]:
    """Devices of these homes that were told something else, with what holds now.

    `lock`: for writing. The rows are taken before anything else is read, so that of two who hand
    down at once the later one writes what both of them changed.
    """
    if not home_ids:
        return []
    query = (
        select(Device, Binding.home_id, Binding.elder_id)
        .join(Binding, Binding.device_id == Device.id)
        .where(Binding.home_id.in_(home_ids), Binding.valid_to.is_(None))
        .order_by(Device.id)
    )
    if lock:
        query = query.with_for_update(of=Device, key_share=True)
    devices = (await session.execute(query)).all()
    if not devices:
        return []
    residents = await residents_of(session, home_ids)
    watched = await as_watched(session, home_ids, residents)
    book, tiers = await load_book(session, now), tier_ranks()
    cuts = await load_cuts(session, now)
    found: list[Handed] = []
    for device, home_id, elder_id in devices:
        home = watched.get(home_id, Watched())
        watch = watch_of(home, book, tiers)
        inherited = for_role(watch.rules, device.role)
        living = concerned(residents.get(home_id, ()), device.role, elder_id)
        since = resting_since(living, now)
        if (device.resting_since is None) is (since is None):
            since = device.resting_since
        dry = dry_since(cuts, home.areas, device.role, device.flowed_at, now)
        told = (device.inherited, device.resting_since, device.dry_since)
        if told != (inherited, since, dry):
            found.append(Handed(device, inherited, since, dry))
    return found


async def load_cuts(session: AsyncSession, now: datetime) -> tuple[Cut, ...]:
    """The interruptions of a supply that people recorded and that hold at `now`."""
    rows = await session.execute(
        select(
            Interruption.area_id, Interruption.kind, Interruption.begins_at, Interruption.until
        ).where(
            Interruption.state == SupplyState.RECORDED,
            Interruption.begins_at <= now,
            Interruption.until > now,
        )
    )
    return tuple(Cut(area, kind, since, until) for area, kind, since, until in rows if until)


def concerned(
    residents: Sequence[Elder], role: str | None, elder_id: str | None
) -> Sequence[Elder]:
    """Whose status decides about a device: its one elder's, or that of all who live there."""
    if elder_id is None or role not in OF_ONE_PERSON:
        return residents
    return tuple(one for one in residents if one.id == elder_id)


async def welfare_rests(
    session: AsyncSession, home_id: str, role: str | None, elder_id: str | None, now: datetime
) -> bool:
    """What `Device.resting_since` says, asked of the statuses themselves."""
    living = (await residents_of(session, [home_id])).get(home_id, ())
    return resting_since(concerned(living, role, elder_id), now) is not None


def resting_since(residents: Sequence[Elder], now: datetime) -> datetime | None:
    """Since when nobody who lives there is at home; None while somebody is, or nobody lives there.

    A home with several residents rests only when all of them are away.
    """
    if not residents or any(one.status == ElderStatus.HOME for one in residents):
        return None
    return max((one.status_since or now for one in residents), default=None)


async def load_book(session: AsyncSession, now: datetime) -> Book:
    """Every rule in force: of each scope the newest that has begun, unless it has ended.

    The database chooses as `book_of` does: years of rules that are over, and what their
    back-tests said, are not read each time a home is handed down to.
    """
    newest_first = (WatchRule.effective_from.desc(), WatchRule.created_at.desc())
    place = func.row_number().over(
        partition_by=(WatchRule.area_id, WatchRule.tier, WatchRule.elder_id),
        order_by=(*newest_first, WatchRule.id.desc()),
    )
    was = or_(WatchRule.ended_at.is_(None), WatchRule.ended_at > WatchRule.effective_from)
    begun = (
        select(WatchRule.id, WatchRule.ended_at, place.label("place"))
        .where(WatchRule.effective_from <= now, was)
        .subquery()
    )
    in_force = or_(begun.c.ended_at.is_(None), begun.c.ended_at > now)
    chosen = select(begun.c.id).where(begun.c.place == 1, in_force)
    rows = await session.execute(select(*_OF_A_RULE).where(WatchRule.id.in_(chosen)))
    return book_of((Rule(**row._mapping) for row in rows), now)


def rule_of(row: WatchRule) -> Rule:
    """A stored rule as the pure part sees it."""
    return Rule(
        id=row.id,
        area_id=row.area_id,
        tier=row.tier,
        elder_id=row.elder_id,
        rules=row.rules,
        effective_from=row.effective_from,
        ended_at=row.ended_at,
        created_at=row.created_at,
    )


async def as_watched(
    session: AsyncSession,
    home_ids: Collection[str],
    residents: Mapping[str, Sequence[Elder]] | None = None,
) -> dict[str, Watched]:
    """Homes as rules see them. Who moved away or died no longer counts."""
    if residents is None:
        residents = await residents_of(session, home_ids)
    rows = await session.execute(
        select(Home.id, Area.path)
        .outerjoin(Area, Area.id == Home.area_id)
        .where(Home.id.in_(home_ids))
    )
    return {
        home_id: Watched(
            areas=tuple(part for part in (path or "").split("/") if part),
            residents=tuple(
                Resident(id=one.id, tier=one.tier)
                for one in residents.get(home_id, ())
                if one.status not in _GONE
            ),
        )
        for home_id, path in rows
    }


async def residents_of(
    session: AsyncSession, home_ids: Collection[str]
) -> dict[str, tuple[Elder, ...]]:
    """Home → everybody who lives there."""
    found: dict[str, tuple[Elder, ...]] = {}
    rows = await session.scalars(
        select(Elder).where(Elder.home_id.in_(home_ids)).order_by(Elder.id)
    )
    for elder in rows:
        found[elder.home_id] = (*found.get(elder.home_id, ()), elder)
    return found
