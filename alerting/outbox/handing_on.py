"""What becomes of a notice that failed: a line in the timeline, and its next channel."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.check import CheckState
from alerting.routing import Hop
from alerting.tables import Check, Delivery, Notice
from alerting.telling.questions import is_reached
from alerting.telling.writing import waiting_notice


def note_failure(session: AsyncSession, notice: Notice, now: datetime, *, kind: str) -> None:
    """A line in the timeline; a device's own notices are not for people to read."""
    if notice.incident_id is None or notice.channel == "device":
        return
    timeline.append(
        session,
        notice.incident_id,
        at=now,
        now=now,
        kind=kind,
        data={
            "channel": notice.channel,
            "recipient": notice.recipient,
            "detail": notice.detail or "",
        },
    )


async def next_channel(
    session: AsyncSession, notice: Notice, now: datetime, *, reason: str
) -> None:
    """The same message over the recipient's next channel, ready at once."""
    if not notice.fallbacks:
        return
    hop, *rest = notice.fallbacks
    notice.fallbacks = []  # handed on: a later failure must not open the chain twice
    row = copy_of(notice, now, channel=hop["channel"], address=hop["address"], reason=reason)
    row.fallbacks = rest
    session.add(row)


async def look_at_check(session: AsyncSession, notice: Notice, now: datetime) -> None:
    """A question of a check did not get through. Was it the last that could, the check decides now,
    and not at its deadline, whether anybody is left to ask."""
    if notice.check_id is None:
        return
    await session.flush()
    # Locked first: of two questions that fail side by side the second must see the first.
    check = await session.scalar(
        select(Check)
        .where(Check.id == notice.check_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if check is None or check.state != CheckState.ASKING or check.due_at is None:
        return
    if check.due_at > now and not await is_reached(session, check.id):
        check.due_at = now


def copy_of(
    notice: Notice,
    now: datetime,
    *,
    channel: str,
    address: str,
    reason: str,
    recipient_kind: str | None = None,
    recipient: str | None = None,
) -> Notice:
    """A notice that takes another's place, over another channel or to somebody else."""
    return waiting_notice(
        [Hop(channel=channel, address=address)],
        now,
        incident_id=notice.incident_id,
        check_id=notice.check_id,
        type=notice.type,
        severity_rank=notice.severity_rank,
        recipient_kind=recipient_kind or notice.recipient_kind,
        recipient_id=None if recipient_kind else notice.recipient_id,
        recipient=recipient or notice.recipient,
        payload=notice.payload,
        reason=reason,
        language=notice.language,
        is_repeat=notice.is_repeat,
        replaces_id=notice.id,
    )


async def close_attempt(
    session: AsyncSession, notice: Notice, now: datetime, result: str, detail: str | None
) -> bool:
    """Write what came of the latest attempt; False when that stood there already."""
    closed = await session.scalar(
        update(Delivery)
        .where(
            Delivery.notice_id == notice.id,
            Delivery.attempt == notice.attempt,
            Delivery.result == "started",
        )
        .values(settled_at=now, result=result, detail=detail)
        .returning(Delivery.id)
    )
    return closed is not None
