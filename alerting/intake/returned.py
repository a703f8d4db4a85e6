"""Water is used in a home where nobody should be: twice ends an absence, once does not.

A neighbour who waters the flowers, or a meter that is read out a day late, is not a return.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import DeviceState
from alerting.handling.absences import (
    announce,
    count_rows_anew,
    counted_anew,
    resting_devices,
)
from alerting.intake.batch import Batch
from alerting.intake.heard import KnownDevice
from alerting.tables import DeviceStateRow, ReadingRow
from care import queries
from care.status import came_home, used_while_gone
from care.tables import Binding, Device
from core.logging import get_logger

log = get_logger("absences")

USES = 2
"""Readings with use that show that somebody lives there again."""

PULSE_M3 = 0.001
"""A register that moved by less than a litre moved by its own rounding."""

MOST_READINGS = 500


async def note_use(batch: Batch, device: KnownDevice, state: DeviceState) -> None:
    """To be called after a resting meter was judged: acts once its detector counted enough.

    Away and in hospital end, and every device of the home counts anew. Where the elder moved out
    or died nothing ends: people are to look.
    """
    if state.water is None or state.water.away_uses < USES:
        return
    row = await batch.session.get(Device, device.id)
    if row is None or row.resting_since is None:
        return
    if await uses_since(batch, device.id, row.resting_since) < USES:
        return
    binding = (await queries.open_bindings(batch.session, [device.id])).get(device.id)
    if binding is None:
        return
    others = await _others(batch, binding.home_id)
    if not await _have(batch.session, others):
        log.info("used again, and somebody is at it: with the next reading", device=device.id)
        return
    before = await resting_devices(batch.session, [binding.home_id])
    back = await came_home(batch.session, binding.home_id, batch.now)
    surprising = () if back else await used_while_gone(batch.session, binding.home_id, batch.now)
    for elder in (*back, *surprising):
        announce(batch.session, elder, batch.now)
    if back:
        log.info("used again", home=binding.home_id, device=device.id)
        await _count_anew(batch, before - await resting_devices(batch.session, [binding.home_id]))


async def _others(batch: Batch, home_id: str) -> set[str]:
    """Devices of the home whose states this batch does not hold."""
    hang_there = await batch.session.scalars(
        select(Binding.device_id).where(Binding.home_id == home_id, Binding.valid_to.is_(None))
    )
    return set(hang_there) - {device.id for device in batch.devices.values()}


async def _have(session: AsyncSession, ids: set[str]) -> bool:
    """Lock the states of these too, unless somebody else has one of them.

    States come first, and in device order; a batch holds some already, so it must not wait for
    others: whoever has them may wait for ours. The count stays, and the next reading asks again.
    """
    stored = select(DeviceStateRow.device_id).where(DeviceStateRow.device_id.in_(ids))
    free = await session.scalars(stored.with_for_update(skip_locked=True))
    return set(free) == set(await session.scalars(stored))


async def uses_since(batch: Batch, device_id: str, since: datetime) -> int:
    """Readings with use between two that were both taken since then, stored or of this batch."""
    fresh = [
        (at, value)
        for ident, register, at, value in batch.readings
        if ident == device_id and register == "water_total"
    ]
    known = dict(await _stored(batch.session, device_id, since)) | dict(fresh)
    line = sorted((at, value) for at, value in known.items() if at >= since)
    return sum(after - before >= PULSE_M3 for (_, before), (_, after) in pairwise(line))


async def _stored(
    session: AsyncSession, device_id: str, since: datetime
) -> Sequence[tuple[datetime, float]]:
    query = (
        select(ReadingRow.at, ReadingRow.value)
        .where(
            ReadingRow.device_id == device_id,
            ReadingRow.register == "water_total",
            ReadingRow.at >= since,
        )
        .order_by(ReadingRow.at.desc())
        .limit(MOST_READINGS)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def _count_anew(batch: Batch, ids: set[str]) -> None:
    """In memory for the devices of this batch, whose states are written when it ends; in their
    rows for the others."""
    here = [device for device in batch.devices.values() if device.id in ids]
    for device in here:
        device.view = replace(device.view, resting=False)
        batch.keep(device, counted_anew(batch.state(device), batch.now), device.judge_at)
    await count_rows_anew(batch.session, ids - {device.id for device in here}, batch.now)
