"""Keeps what only grows within bounds: quarantine, hints, sessions, old events and readings."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.handling.smokeless import remedy_replaced
from alerting.stream import prune_hints
from alerting.tables import EventRow, QuarantineRow, ReadingRow
from care.tables import Device, LoginSession
from core.logging import get_logger

log = get_logger("housekeeping")

QUARANTINE_ROWS = 10_000
KEEP_EVENTS = timedelta(days=400)
KEEP_READINGS = timedelta(days=400)
_DEVICES_A_ROUND = 20
_MOST_AT_ONCE = 5_000
"""Deletes stay small: transactions that are not urgent must stay under 100 ms."""


async def prune(session: AsyncSession, now: datetime) -> None:
    """One round of forgetting, and of what was remedied by a replacement that works."""
    await remedy_replaced(session, now)
    await prune_hints(session, now)
    await session.execute(delete(LoginSession).where(LoginSession.expires_at < now))
    await _prune_events(session, now)
    await _prune_readings(session, now)


async def prune_quarantine(session: AsyncSession) -> bool:
    """Drop the oldest of what is too much; True when there is still more, for another round."""
    newest = await session.scalar(select(func.max(QuarantineRow.id)))
    oldest = await session.scalar(select(func.min(QuarantineRow.id)))
    if newest is None or oldest is None or newest - oldest < QUARANTINE_ROWS:
        return False
    keep_from: int = newest - QUARANTINE_ROWS + 1
    upto: int = min(keep_from, oldest + _MOST_AT_ONCE)
    await session.execute(delete(QuarantineRow).where(QuarantineRow.id < upto))
    return upto < keep_from


async def _prune_events(session: AsyncSession, now: datetime) -> None:
    oldest = (
        select(EventRow.id)
        .where(EventRow.received_at < now - KEEP_EVENTS)
        .order_by(EventRow.received_at)
        .limit(_MOST_AT_ONCE)
    )
    await session.execute(delete(EventRow).where(EventRow.id.in_(oldest)))


async def _prune_readings(session: AsyncSession, now: datetime) -> None:
    """A few devices a round, each in its turn: the key begins with the device, so that nothing
    here ever scans the table."""
    rounds = -(-(await session.scalar(select(func.count(Device.id))) or 0) // _DEVICES_A_ROUND)
    if not rounds:
        return
    turn = int(now.timestamp() // 60) % rounds
    ids = select(Device.id).order_by(Device.id).offset(turn * _DEVICES_A_ROUND)
    for device_id in (await session.scalars(ids.limit(_DEVICES_A_ROUND))).all():
        await session.execute(
            delete(ReadingRow).where(
                ReadingRow.device_id == device_id, ReadingRow.at < now - KEEP_READINGS
            )
        )
