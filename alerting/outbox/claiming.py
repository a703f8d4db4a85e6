"""Notices leave: claim with a lease, send outside any transaction, settle; crashes are counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.incident import UNATTENDED
from alerting.outbox.handing_on import (
    close_attempt,
    copy_of,
    look_at_check,
    next_channel,
    note_failure,
)
from alerting.tables import Delivery, Incident, Notice
from core.metrics import NOTICES

LEASE = timedelta(seconds=60)
STALE_AFTER = timedelta(minutes=15)
"""A notice this old is decided anew by the ladder, not sent as news."""
DEVICE = "device"
DEVICE_STALE_AFTER = timedelta(hours=24)
"""A device repeats its event for a day; no later does it want to know what became of it."""
MOST_CRASHES = 3
_OPERATOR = "operator"


def stale_after(channel: str) -> timedelta:
    """How old a notice may be and still go out as it is."""
    return DEVICE_STALE_AFTER if channel == DEVICE else STALE_AFTER


async def claim(
    session: AsyncSession,
    worker_id: str,
    now: datetime,
    *,
    slots: int,
    life_safety_slots: int,
    reaches_devices: bool = True,
) -> Sequence[Notice]:
    """Take up to `slots` ready notices, most urgent and oldest first.

    A process without a broker does not reach devices and leaves their notices to one that does.

    The last `life_safety_slots` of them are given to life safety only, so that a flood of
    technical messages never stands in front of one call.
    """
    ready = or_(
        and_(Notice.state == "waiting", Notice.next_attempt_at <= now),
        and_(Notice.state == "sending", Notice.lease_until < now),
    )
    if not reaches_devices:
        ready = and_(ready, Notice.channel != DEVICE)
    query = (
        select(Notice)
        .where(ready)
        .order_by(Notice.severity_rank, Notice.created_at, Notice.id)
        .limit(slots)
        .with_for_update(skip_locked=True)
    )
    rows = (await session.scalars(query)).all()
    taken: list[Notice] = []
    for row in rows:
        if row.severity_rank > 0 and len(taken) >= slots - life_safety_slots:
            continue
        if await _lease(session, row, worker_id, now):
            taken.append(row)
    await session.flush()
    return taken


async def _lease(session: AsyncSession, row: Notice, worker_id: str, now: datetime) -> bool:
    if row.state == "sending":  # its sender died without a word
        row.crashes += 1
        row.is_repeat = True
        await close_attempt(session, row, now, "crashed", "the sender broke off")
        if row.crashes >= MOST_CRASHES:
            await park(session, row, now, "the sender broke off three times")
            return False
    if now - row.created_at > stale_after(row.channel):
        await _decide_anew(session, row, now)
        return False
    row.state = "sending"
    row.leased_by, row.lease_until = worker_id, now + LEASE
    row.attempt += 1
    session.add(Delivery(notice_id=row.id, attempt=row.attempt, started_at=now, result="started"))
    return True


async def park(session: AsyncSession, notice: Notice, now: datetime, detail: str) -> None:
    """Nobody can send this one: leave it, try the next channel, tell the operator."""
    notice.state, notice.detail = "parked", detail
    notice.lease_until = notice.leased_by = notice.next_attempt_at = None
    note_failure(session, notice, now, kind="notice_parked")
    await next_channel(session, notice, now, reason="sender_crashed")
    await look_at_check(session, notice, now)
    if notice.channel != _OPERATOR:
        session.add(
            copy_of(
                notice,
                now,
                channel=_OPERATOR,
                address="",
                reason="sender_crashed",
                recipient_kind=_OPERATOR,
                recipient=_OPERATOR,
            )
        )
    NOTICES.labels(notice.channel, "parked").inc()


async def _decide_anew(session: AsyncSession, notice: Notice, now: datetime) -> None:
    """Too old to be news: drop it and let the ladder decide what the present needs."""
    notice.state, notice.next_attempt_at = "superseded", None
    notice.lease_until = notice.leased_by = None
    notice.detail = "too old to be news: decided anew"
    if notice.check_id is not None:
        await look_at_check(session, notice, now)
        return
    if notice.channel == DEVICE or notice.incident_id is None:  # a stale drill helps nobody
        return
    await session.execute(
        update(Incident)
        .where(
            Incident.id == notice.incident_id,
            Incident.stage.in_(UNATTENDED),
            Incident.due_at > now,
        )
        .values(due_at=now)
    )


async def next_ready_at(session: AsyncSession, *, reaches_devices: bool = True) -> datetime | None:
    """When the next notice becomes ready by itself (a retry, a lease that ends)."""
    mine = true() if reaches_devices else Notice.channel != DEVICE
    waiting = await session.scalar(
        select(Notice.next_attempt_at)
        .where(Notice.state == "waiting", mine)
        .order_by(Notice.next_attempt_at)
        .limit(1)
    )
    leased = await session.scalar(
        select(Notice.lease_until)
        .where(Notice.state == "sending", mine)
        .order_by(Notice.lease_until)
        .limit(1)
    )
    known = [moment for moment in (waiting, leased) if moment is not None]
    return min(known) if known else None
