"""Shifts: who carries the on-call phone of an area, from when until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from care import queries
from care.areas import area_for_new
from care.model import Actor
from care.queries import Sight, in_scope, one_seen
from care.reach import normal_phone
from care.tables import Shift
from core.errors import InvalidInput
from core.ids import new_id


async def add_shift(
    session: AsyncSession,
    actor: Actor,
    *,
    user_id: str,
    starts_at: datetime,
    ends_at: datetime | None = None,
    area_id: str | None = None,
    phone: str | None = None,
) -> Shift:
    """Somebody is on call. Without `ends_at`: until it is set; without `phone`: the user's own.

    Raises `InvalidInput` when nobody could be rung: an account that is closed, or no number.
    """
    user = await queries.user(session, Sight(actor=actor), user_id)
    if not user.active:
        raise InvalidInput("user_id", "this user's account is closed")
    number = normal_phone(phone)
    if number is None and user.phone is None:
        raise InvalidInput("phone", "the user has no phone either; on call means to be rung")
    shift = Shift(
        id=new_id("shift"),
        user_id=user.id,
        area_id=await area_for_new(session, actor, area_id),
        phone=number,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    _check_times(shift)
    session.add(shift)
    await session.flush()
    return shift


async def find_shift(session: AsyncSession, actor: Actor, shift_id: str) -> Shift:
    """A shift of the caller's area, or of none; raises `NotFound` for any other."""
    return await one_seen(session, Shift, shift_id, in_scope(Shift.area_id, actor.scope))


async def update_shift(
    session: AsyncSession, actor: Actor, shift_id: str, changes: Mapping[str, Any]
) -> Shift:
    """Change phone, times or area; `ends_at` now ends it."""
    shift = await find_shift(session, actor, shift_id)
    for field in changes.keys() & {"starts_at", "ends_at"}:
        setattr(shift, field, changes[field])
    if "phone" in changes:
        shift.phone = normal_phone(changes["phone"])
    if "area_id" in changes:
        shift.area_id = await area_for_new(session, actor, changes["area_id"])
    _check_times(shift)
    await session.flush()
    return shift


def _check_times(shift: Shift) -> None:
    if shift.ends_at is not None and shift.ends_at <= shift.starts_at:
        raise InvalidInput("ends_at", "must be after starts_at")
