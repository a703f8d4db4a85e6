"""Water runs in a home whose supply was said to be interrupted: it is watched as ever.

Some have a tank or a well of their own, or the water is back before the announcement is over.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import DeviceState
from alerting.intake.batch import Batch
from alerting.intake.heard import KnownDevice
from alerting.intake.returned import PULSE_M3, USES, uses_since
from alerting.tables import ReadingRow
from care.tables import Device
from core.logging import get_logger

log = get_logger("interruptions")


async def note_flow(batch: Batch, device: KnownDevice, state: DeviceState) -> None:
    """To be called after a resting meter was judged: acts once its detector counted enough.

    Air in the pipes turns a meter once; twice, and both ends read after the interruption began,
    is use. The gap counts from that use on, which the detector knows already.
    """
    if state.water is None or state.water.away_uses < USES:
        return
    row = await batch.session.get(Device, device.id)
    if row is None or row.dry_since is None:
        return
    if await uses_since(batch, device.id, row.dry_since) < USES:
        return
    row.flowed_at, row.dry_since = batch.now, None
    if row.resting_since is None:
        device.view = replace(device.view, resting=False)
    log.info("water flows", device=device.id)


async def flows_since(
    session: AsyncSession, device_ids: Collection[str], since: datetime
) -> dict[str, datetime]:
    """Device → its last use, of those whose stored readings show `USES` uses since then."""
    line = (
        select(
            ReadingRow.device_id,
            ReadingRow.at,
            (
                ReadingRow.value
                - func.lag(ReadingRow.value).over(
                    partition_by=ReadingRow.device_id, order_by=ReadingRow.at
                )
            ).label("moved"),
        )
        .where(
            ReadingRow.device_id.in_(device_ids),
            ReadingRow.register == "water_total",
            ReadingRow.at >= since,
        )
        .subquery()
    )
    rows = await session.execute(
        select(line.c.device_id, func.max(line.c.at))
        .where(line.c.moved >= PULSE_M3)
        .group_by(line.c.device_id)
        .having(func.count() >= USES)
    )
    return {row[0]: row[1] for row in rows}
