"""Meters that a rule of the home's own watches and that have learnt nothing: from their readings.

A fixed rule remembers a day. When a watch rule makes a meter adaptive, the weeks before are in the
stored readings, and the home need not be a stranger to its rule for a month.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import DeviceState, load_state
from alerting.detectors.assessable import REGISTERS
from alerting.detectors.view import seconds
from alerting.detectors.water import steps_of
from alerting.intake.store import view_of
from alerting.tables import DeviceStateRow, ReadingRow
from care.tables import Binding, Device, DeviceLog

WATER = "water_meter"
NOT_AGAIN_FOR = timedelta(days=7)
"""A meter that learns nothing from its readings is not asked again before."""


async def cold_meters(
    session: AsyncSession, home_ids: Collection[str], *, unless_since: datetime | None = None
) -> list[str]:
    """Ids of these homes' meters that have a rule of their own and no day learnt.

    Only those whose stored readings go as far as what they remember: nothing would be learnt from
    the others, and the gap that runs would be lost. `unless_since`: not those whose state was made
    anew since then.
    """
    stored = (
        select(func.max(ReadingRow.at))
        .where(ReadingRow.device_id == Device.id, ReadingRow.register == REGISTERS[WATER])
        .scalar_subquery()
    )
    query = (
        select(Device, DeviceStateRow.state, stored)
        .join(Binding, Binding.device_id == Device.id)
        .join(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(Binding.home_id.in_(home_ids), Binding.valid_to.is_(None))
        .where(Device.active, Device.role == WATER)
        .order_by(Device.id)
    )
    if unless_since is not None:
        made_anew = select(DeviceLog.device_id).where(
            DeviceLog.kind == "rebuilt", DeviceLog.at > unless_since
        )
        query = query.where(Device.id.not_in(made_anew))
    return [
        device.id
        for device, text, read_at in await session.execute(query)
        if steps_of(view_of(device)) is not None and _is_cold(load_state(text), read_at)
    ]


def _is_cold(state: DeviceState, read_at: datetime | None) -> bool:
    """Whether nothing is learnt yet that the readings, stored up to `read_at`, could teach."""
    water = state.water
    if water is None or read_at is None or seconds(read_at) < water.line.at:
        return False
    return water.habit is None or water.habit.days == 0
