"""The meters of an area are told that their supply does not come, or that it does again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.handling.absences import count_rows_anew, resting_devices
from alerting.intake.flowing import flows_since
from alerting.tables import DeviceStateRow, StreamHint
from care.handing_down import refresh_homes
from care.supply import ROLES, SupplyState, is_short
from care.tables import Binding, Device, Interruption
from core.db import add_hint


async def tell_homes(
    session: AsyncSession, row: Interruption, home_ids: Collection[str], now: datetime
) -> int:
    """Hand down to a piece of the area's homes; returns how many devices were changed.

    What rested for it counts its gap anew from its end, unless it was too short to explain one:
    who lay there before somebody put it down by mistake is not waited for once more. One that was
    put down hours after it began leaves out the homes where water has run since.
    """
    await _hold_memories(session, row, home_ids)
    if row.state == SupplyState.RECORDED:
        await _leave_out_supplied(session, row, home_ids)
    before = await resting_devices(session, home_ids)
    changed = await refresh_homes(session, home_ids, now)
    back = before - await resting_devices(session, home_ids)
    over_at = min(row.ended_at or now, now)
    if not is_short(row.begins_at, over_at):
        await count_rows_anew(session, back, over_at)
    return changed


async def _hold_memories(
    session: AsyncSession, row: Interruption, home_ids: Collection[str]
) -> None:
    """Lock the states before the devices, in device order, as a message does."""
    await session.execute(
        select(DeviceStateRow.device_id)
        .join(Device, Device.id == DeviceStateRow.device_id)
        .join(Binding, Binding.device_id == Device.id)
        .where(
            Binding.home_id.in_(home_ids),
            Binding.valid_to.is_(None),
            Device.role.in_(ROLES[row.kind]),
        )
        .order_by(DeviceStateRow.device_id)
        .with_for_update(of=DeviceStateRow)
    )


async def _leave_out_supplied(
    session: AsyncSession, row: Interruption, home_ids: Collection[str]
) -> None:
    meters = await session.scalars(
        select(Device)
        .join(Binding, Binding.device_id == Device.id)
        .where(
            Binding.home_id.in_(home_ids),
            Binding.valid_to.is_(None),
            Device.role.in_(ROLES[row.kind]),
        )
        .order_by(Device.id)
        .with_for_update(of=Device, key_share=True)
    )
    by_id = {meter.id: meter for meter in meters}
    for device_id, at in (await flows_since(session, by_id.keys(), row.begins_at)).items():
        by_id[device_id].flowed_at = at
    await session.flush()


def announce(session: AsyncSession, row: Interruption, now: datetime) -> None:
    """Tell every open page, once the transaction has committed."""
    add_hint(session, StreamHint(topic="interruption", ref_id=row.id, area_id=row.area_id, at=now))
