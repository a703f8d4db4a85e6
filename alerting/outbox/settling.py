"""What came of an attempt: accepted, failed for now, or failed for good."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.channels.base import Accepted, AmbiguousFailure, DeliveryError, PermanentFailure
from alerting.check import CheckState
from alerting.incident import FINAL, Stage
from alerting.outbox.claiming import stale_after
from alerting.outbox.handing_on import (
    close_attempt,
    look_at_check,
    next_channel,
    note_failure,
)
from alerting.tables import Channel, Check, Incident, Notice, StreamHint
from core.db import add_hint
from core.logging import about, get_logger
from core.metrics import NOTICE_SECONDS, NOTICES

log = get_logger("outbox")

FALL_BACK_AT_ATTEMPT = 2
"""From this failed attempt on the next channel is tried beside the retries."""


def backoff(attempt: int) -> timedelta:
    """2, 4, 8 … 60 s."""
    return timedelta(seconds=min(2.0 ** min(attempt, 6), 60.0))


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
            ended = ended or await _check_ended(session, notice)
            await _settle_failed(session, notice, outcome, now, ended=ended)
    area = incident.area_id if incident else notice.payload.get("area_id")
    add_hint(session, StreamHint(topic="notice", ref_id=notice.id, area_id=area, at=now))


async def _check_ended(session: AsyncSession, notice: Notice) -> bool:
    check = await session.get(Check, notice.check_id) if notice.check_id else None
    return check is not None and check.state == CheckState.ENDED


async def _settle_overtaken(
    session: AsyncSession, notice: Notice, outcome: Accepted | DeliveryError, now: datetime
) -> None:
    """A receipt was quicker than the answer to our request: it stands, the attempt is closed."""
    result = _result_of(outcome)
    detail = None if isinstance(outcome, Accepted) else str(outcome)[:500]
    if not await close_attempt(session, notice, now, result, detail):
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
    await close_attempt(session, notice, now, "accepted", None)
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
    await close_attempt(session, notice, now, result, notice.detail)
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
        note_failure(session, notice, now, kind="notice_failed")
        await next_channel(session, notice, now, reason="channel_failed")
        await look_at_check(session, notice, now)
        return
    notice.is_repeat = notice.is_repeat or result == "ambiguous"
    if now - notice.created_at > stale_after(notice.channel):
        notice.state, notice.next_attempt_at = "failed", None
        note_failure(session, notice, now, kind="notice_failed")
        await look_at_check(session, notice, now)
        return
    notice.state, notice.next_attempt_at = "waiting", now + backoff(notice.attempt)
    if notice.attempt == FALL_BACK_AT_ATTEMPT:
        note_failure(session, notice, now, kind="notice_failed")
        await next_channel(session, notice, now, reason="channel_failed")


async def _remember_channel(
    session: AsyncSession, notice: Notice, now: datetime, error: str | None
) -> None:
    """When did this channel last work? The desk and `anju check` show it."""
    if notice.channel not in ("sms", "call", "email"):
        return
    values = {"last_ok_at": now} if error is None else {"last_failed_at": now, "last_error": error}
    await session.execute(update(Channel).where(Channel.kind == notice.channel).values(**values))


async def fail_later(
    session: AsyncSession, notice: Notice, detail: str, now: datetime, *, try_next: bool
) -> None:
    """A provider that had accepted a notice reports that it got no further."""
    notice.state, notice.detail, notice.next_attempt_at = "failed", detail[:500], None
    notice.lease_until = notice.leased_by = None
    note_failure(session, notice, now, kind="notice_failed")
    if try_next:
        await next_channel(session, notice, now, reason="channel_failed")
    await look_at_check(session, notice, now)
