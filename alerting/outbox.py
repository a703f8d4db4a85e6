"""Notices leave: claim with a lease, send outside any transaction, settle; crashes are counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.channels.base import (
    Accepted,
    AmbiguousFailure,
    DeliveryError,
    PermanentFailure,
)
from alerting.incident import FINAL, UNATTENDED, Stage
from alerting.tables import Channel, Delivery, Incident, Notice, StreamHint
from core.db import add_hint
from core.ids import new_id
from core.logging import about, get_logger
from core.metrics import NOTICE_SECONDS, NOTICES

log = get_logger("outbox")

LEASE = timedelta(seconds=60)
STALE_AFTER = timedelta(minutes=15)
"""A notice this old is decided anew by the ladder, not sent as news."""
MOST_CRASHES = 3
FALL_BACK_AT_ATTEMPT = 2
"""From this failed attempt on the next channel is tried beside the retries."""
_OPERATOR = "operator"


def backoff(attempt: int) -> timedelta:
    """2, 4, 8 … 60 s."""
    return timedelta(seconds=min(2.0 ** min(attempt, 6), 60.0))


async def claim(
    session: AsyncSession, worker_id: str, now: datetime, *, slots: int, life_safety_slots: int
) -> Sequence[Notice]:
    """Take up to `slots` ready notices, most urgent and oldest first.

    The last `life_safety_slots` of them are given to life safety only, so that a flood of
    technical messages never stands in front of one call.
    """
    ready = or_(
        and_(Notice.state == "waiting", Notice.next_attempt_at <= now),
        and_(Notice.state == "sending", Notice.lease_until < now),
    )
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
        await _close_attempt(session, row, now, "crashed", "the sender broke off")
        if row.crashes >= MOST_CRASHES:
            await _park(session, row, now)
            return False
    if row.channel != "device" and now - row.created_at > STALE_AFTER:
        await _decide_anew(session, row, now)
        return False
    row.state = "sending"
    row.leased_by, row.lease_until = worker_id, now + LEASE
    row.attempt += 1
    session.add(Delivery(notice_id=row.id, attempt=row.attempt, started_at=now, result="started"))
    return True


async def _close_attempt(
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


async def _park(session: AsyncSession, notice: Notice, now: datetime) -> None:
    """This row kills its senders: leave it, try the next channel, tell the operator."""
    notice.state, notice.detail = "parked", "the sender broke off three times"
    notice.lease_until = notice.leased_by = None
    _note_failure(session, notice, now, "notice_parked")
    await _next_channel(session, notice, now, "sender_crashed")
    if notice.channel != _OPERATOR:
        session.add(
            _copy(
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
    notice.detail = "older than 15 minutes: decided anew"
    await session.execute(
        update(Incident)
        .where(
            Incident.id == notice.incident_id,
            Incident.stage.in_(UNATTENDED),
            Incident.due_at > now,
        )
        .values(due_at=now)
    )


async def settle(
    session: AsyncSession,
    notice_id: str,
    worker_id: str,
    attempt: int,
    outcome: Accepted | DeliveryError,
    now: datetime,
) -> None:
    """Record what came of an attempt. A lease lost in the meantime changes nothing."""
    notice = await session.scalar(
        select(Notice).where(Notice.id == notice_id, Notice.attempt == attempt).with_for_update()
    )
    if notice is None:
        return
    if notice.state != "sending":
        await _settle_overtaken(session, notice, outcome, now)
        return
    if notice.leased_by != worker_id:
        return
    notice.lease_until = notice.leased_by = None
    incident = await session.get(Incident, notice.incident_id) if notice.incident_id else None
    with about(incident=notice.incident_id, notice=notice.id):
        if isinstance(outcome, Accepted):
            await _settle_accepted(session, notice, outcome, now)
        else:
            ended = incident is not None and Stage(incident.stage) in FINAL
            await _settle_failed(session, notice, outcome, now, ended=ended)
    area = incident.area_id if incident else None
    add_hint(session, StreamHint(topic="notice", ref_id=notice.id, area_id=area, at=now))


async def _settle_overtaken(
    session: AsyncSession, notice: Notice, outcome: Accepted | DeliveryError, now: datetime
) -> None:
    """A receipt was quicker than the answer to our request: it stands, the attempt is closed."""
    result = _result_of(outcome)
    detail = None if isinstance(outcome, Accepted) else str(outcome)[:500]
    if not await _close_attempt(session, notice, now, result, detail):
        return
    if isinstance(outcome, Accepted):
        notice.provider_id = outcome.provider_id
    NOTICES.labels(notice.channel, result).inc()


def _result_of(outcome: Accepted | DeliveryError) -> str:
    known = {Accepted: "accepted", PermanentFailure: "permanent", AmbiguousFailure: "ambiguous"}
    return known.get(type(outcome), "temporary")


async def _settle_accepted(
    session: AsyncSession, notice: Notice, outcome: Accepted, now: datetime
) -> None:
    notice.accepted_at, notice.provider_id = now, outcome.provider_id
    notice.next_attempt_at = None
    notice.state = "delivered" if outcome.delivered else "accepted"
    if outcome.delivered:
        notice.delivered_at = now
    await _close_attempt(session, notice, now, "accepted", None)
    await _remember_channel(session, notice, now, None)
    NOTICES.labels(notice.channel, "accepted").inc()
    waited = (now - notice.created_at).total_seconds()
    NOTICE_SECONDS.labels(str(notice.severity_rank)).observe(max(waited, 0.0))
    log.info("sent", channel=notice.channel, attempt=notice.attempt)


async def _settle_failed(
    session: AsyncSession, notice: Notice, error: DeliveryError, now: datetime, *, ended: bool
) -> None:
    result = _result_of(error)
    notice.detail = str(error)[:500]
    await _close_attempt(session, notice, now, result, notice.detail)
    await _remember_channel(session, notice, now, notice.detail)
    NOTICES.labels(notice.channel, result).inc()
    log.warning(
        "failed",
        channel=notice.channel,
        attempt=notice.attempt,
        result=result,
        detail=notice.detail,
    )
    if ended:  # nobody is rung any more about a case that ended
        notice.state, notice.next_attempt_at = "superseded", None
        return
    if result == "permanent":
        notice.state, notice.next_attempt_at = "failed", None
        _note_failure(session, notice, now, "notice_failed")
        await _next_channel(session, notice, now, "channel_failed")
        return
    notice.is_repeat = notice.is_repeat or result == "ambiguous"
    if now - notice.created_at > STALE_AFTER and notice.channel != "device":
        notice.state, notice.next_attempt_at = "failed", None
        _note_failure(session, notice, now, "notice_failed")
        return
    notice.state, notice.next_attempt_at = "waiting", now + backoff(notice.attempt)
    if notice.attempt == FALL_BACK_AT_ATTEMPT:
        _note_failure(session, notice, now, "notice_failed")
        await _next_channel(session, notice, now, "channel_failed")


def _note_failure(session: AsyncSession, notice: Notice, now: datetime, kind: str) -> None:
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


async def _next_channel(session: AsyncSession, notice: Notice, now: datetime, reason: str) -> None:
    """The same message over the recipient's next channel, ready at once."""
    if not notice.fallbacks:
        return
    hop, *rest = notice.fallbacks
    notice.fallbacks = []  # handed on: a later failure must not open the chain twice
    row = _copy(notice, now, channel=hop["channel"], address=hop["address"], reason=reason)
    row.fallbacks = rest
    session.add(row)


def _copy(
    notice: Notice,
    now: datetime,
    *,
    channel: str,
    address: str,
    reason: str,
    recipient_kind: str | None = None,
    recipient: str | None = None,
) -> Notice:
    return Notice(
        id=new_id("ntc"),
        incident_id=notice.incident_id,
        type=notice.type,
        severity_rank=notice.severity_rank,
        recipient_kind=recipient_kind or notice.recipient_kind,
        recipient_id=None if recipient_kind else notice.recipient_id,
        recipient=recipient or notice.recipient,
        channel=channel,
        address=address,
        fallbacks=[],
        payload=notice.payload,
        reason=reason,
        language=notice.language,
        state="waiting",
        created_at=now,
        next_attempt_at=now,
        attempt=0,
        crashes=0,
        is_repeat=notice.is_repeat,
        replaces_id=notice.id,
    )


async def _remember_channel(
    session: AsyncSession, notice: Notice, now: datetime, error: str | None
) -> None:
    """When did this channel last work? The desk and `anju check` show it."""
    if notice.channel not in ("sms", "call", "email"):
        return
    values = {"last_ok_at": now} if error is None else {"last_failed_at": now, "last_error": error}
    await session.execute(update(Channel).where(Channel.kind == notice.channel).values(**values))


async def next_ready_at(session: AsyncSession) -> datetime | None:
    """When the next notice becomes ready by itself (a retry, a lease that ends)."""
    waiting = await session.scalar(
        select(Notice.next_attempt_at)
        .where(Notice.state == "waiting")
        .order_by(Notice.next_attempt_at)
        .limit(1)
    )
    leased = await session.scalar(
        select(Notice.lease_until)
        .where(Notice.state == "sending")
        .order_by(Notice.lease_until)
        .limit(1)
    )
    known = [moment for moment in (waiting, leased) if moment is not None]
    return min(known) if known else None


async def fail_later(
    session: AsyncSession, notice: Notice, detail: str, now: datetime, *, try_next: bool
) -> None:
    """A provider that had accepted a notice reports that it got no further."""
    notice.state, notice.detail, notice.next_attempt_at = "failed", detail[:500], None
    notice.lease_until = notice.leased_by = None
    _note_failure(session, notice, now, "notice_failed")
    if try_next:
        await _next_channel(session, notice, now, "channel_failed")
