"""What a home's residents mean for its devices, written on each device: judging asks no further.

Rules by area, tier and elder, and whether anybody is at home, change a few times a year; a meter
is judged a few times an hour. So they are handed down when they change.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care.model import OF_ONE_PERSON, ElderStatus
from care.tables import Binding, Device, Elder


async def refresh_homes(session: AsyncSession, home_ids: Collection[str], now: datetime) -> int:
    """Hand down to every device of these homes; returns how many devices were changed.

    Called whenever a device is bound, an elder moves or changes, and a rule comes into force; a
    loop calls it for everything now and then, so that a place that forgot is mended.
    """
    if not home_ids:
        return 0
    rows = await session.execute(
        select(Device, Binding.home_id, Binding.elder_id)
        .join(Binding, Binding.device_id == Device.id)
        .where(Binding.home_id.in_(home_ids), Binding.valid_to.is_(None))
        .order_by(Device.id)
    )
    devices = rows.all()
    residents = await _residents(session, home_ids)
    changed = 0
    for device, home_id, elder_id in devices:
        since = resting_since(concerned(residents.get(home_id, ()), device.role, elder_id), now)
        if (device.resting_since is None) is (since is None):
            continue
        device.resting_since = since
        changed += 1
    await session.flush()
    return changed


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
    living = (await _residents(session, [home_id])).get(home_id, ())
    return resting_since(concerned(living, role, elder_id), now) is not None


def resting_since(residents: Sequence[Elder], now: datetime) -> datetime | None:
    """Since when nobody who lives there is at home; None while somebody is, or nobody lives there.

    A home with several residents rests only when all of them are away.
    """
    if not residents or any(one.status == ElderStatus.HOME for one in residents):
        return None
    return max((one.status_since or now for one in residents), default=None)


async def _residents(
    session: AsyncSession, home_ids: Collection[str]
) -> dict[str, tuple[Elder, ...]]:
    found: dict[str, tuple[Elder, ...]] = {}
    rows = await session.scalars(select(Elder).where(Elder.home_id.in_(home_ids)))
    for elder in rows:
        found[elder.home_id] = (*found.get(elder.home_id, ()), elder)
    return found
