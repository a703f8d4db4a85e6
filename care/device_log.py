"""A device's own story: facts of its life, each with its time and who did it; only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care.model import SYSTEM, Actor
from care.tables import Device, DeviceLog

MOST_SHOWN = 200


def note(
    session: AsyncSession,
    device_id: str,
    what: str,
    at: datetime,
    actor: Actor = SYSTEM,
    /,
    **data: Any,
) -> None:
    """Add one fact. `what` is a key of the console's `device_log` texts, `data` its figures."""
    session.add(
        DeviceLog(
            device_id=device_id,
            at=at,
            kind=what,
            actor=actor.name,
            actor_id=None if actor is SYSTEM else actor.id,
            data=data,
        )
    )


async def log_of(session: AsyncSession, device_id: str) -> Sequence[DeviceLog]:
    """A device's facts, latest first."""
    query = select(DeviceLog).where(DeviceLog.device_id == device_id)
    return (await session.scalars(query.order_by(DeviceLog.id.desc()).limit(MOST_SHOWN))).all()


async def chain_of(session: AsyncSession, device: Device) -> tuple[Device, ...]:
    """The device, those it replaced and those that replaced it, oldest first."""
    chain = [device]
    while chain[0].replaces_id is not None and len(chain) < MOST_SHOWN:
        chain.insert(0, await session.get_one(Device, chain[0].replaces_id))
    while len(chain) < MOST_SHOWN:
        newer = await session.scalar(select(Device).where(Device.replaces_id == chain[-1].id))
        if newer is None:
            break
        chain.append(newer)
    return tuple(chain)
