"""A human answers: a contact by link or key press, an officer by link, a provider's receipt."""

from __future__ import annotations

import contextlib
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.check import KEYS as CHECK_KEYS
from alerting.check import CheckState, Purpose
from alerting.handling import check_answers, lessons, responding
from alerting.incident import FINAL, Stage
from alerting.outbox import settling
from alerting.tables import Check, Incident, Notice, StreamHint
from care.model import Actor, UserRole
from care.tables import User
from core.db import add_hint
from core.errors import Conflict, InvalidInput, NotFound

ANSWERS = {"will_go", "cannot"}
KEYS = {"1": "will_go", "2": "cannot"}
RECEIPTS = {"delivered", "answered", "key", "failed", "busy", "no_answer"}


async def load_notice(session: AsyncSession, notice_id: str) -> tuple[Notice, Incident]:
    """The notice of a link, with its incident; `NotFound` once the case has ended."""
    notice = await session.get(Notice, notice_id)
    incident = await session.get(Incident, notice.incident_id) if notice else None
    if notice is None or incident is None or Stage(incident.stage) in FINAL:
        raise NotFound("link", notice_id)
    return notice, incident


async def hold_case(session: AsyncSession, notice_id: str) -> None:
    """Lock what an answer to a notice may change, before the notice itself.

    In the order that holds everywhere (docs/development.md): whoever ends a check or an incident
    has it locked, and then supersedes its notices.
    """
    told = select(Notice.incident_id, Notice.check_id).where(Notice.id == notice_id)
    row = (await session.execute(told)).one_or_none()
    incident_id, check_id = row if row is not None else (None, None)
    if check_id is not None:
        await lessons.hold_memory(session, Check, check_id)
        await session.execute(select(Check.id).where(Check.id == check_id).with_for_update())
    if incident_id is not None:
        case = select(Incident.id).where(Incident.id == incident_id)
        await session.execute(case.with_for_update())


async def answer(
    session: AsyncSession, notice_id: str, said: str, now: datetime
) -> tuple[Notice, Incident]:
    """Somebody pressed a button (or a key). The first answer of a notice stands.

    A contact's answer is recorded and stops that contact's calls; the ladder goes on. A duty
    officer's "I know" acknowledges; a visitor's is recorded like a contact's.
    """
    if said not in ANSWERS:
        raise InvalidInput("answer", f"{said!r} is none of {', '.join(sorted(ANSWERS))}")
    await hold_case(session, notice_id)
    notice, incident = await load_notice(session, notice_id)
    await session.flush()
    await session.refresh(notice)  # under the case's lock: of two presses one is the first
    if notice.answered_at is not None:
        return notice, incident
    notice.answered_at, notice.answer, notice.state = now, said, "answered"
    notice.next_attempt_at = None
    actor = await _actor(session, notice)
    timeline.append(
        session,
        incident.id,
        at=now,
        now=now,
        kind="contact_answered",
        actor=actor,
        data={"answer": said, "via": notice.channel},
    )
    await _stop_calls(session, notice)
    add_hint(
        session,
        StreamHint(topic="notice", ref_id=notice.id, area_id=incident.area_id, at=now),
    )
    timeline.touch(session, incident, now)
    if said == "will_go" and actor.is_desk:
        with contextlib.suppress(Conflict):  # somebody was first: the answer stands all the same
            incident = await responding.acknowledge(session, incident.id, actor, now)
    return notice, incident


async def _actor(session: AsyncSession, notice: Notice) -> Actor:
    if notice.recipient_kind == "user" and notice.recipient_id:
        user = await session.get(User, notice.recipient_id)
        if user is not None:
            return Actor(id=user.id, name=user.name, role=UserRole(user.role))
    return Actor(id=notice.recipient_id or notice.id, name=notice.recipient, role="contact")


async def _stop_calls(session: AsyncSession, notice: Notice) -> None:
    await session.execute(
        update(Notice)
        .where(
            Notice.incident_id == notice.incident_id,
            Notice.recipient_id == notice.recipient_id,
            Notice.recipient_kind == notice.recipient_kind,
            Notice.channel == "call",
            Notice.state == "waiting",
        )
        .values(state="superseded", next_attempt_at=None)
    )


async def receipt(
    session: AsyncSession,
    notice_id: str,
    *,
    state: str,
    now: datetime,
    zone: ZoneInfo,
    key: str | None = None,
    reason: str | None = None,
) -> None:
    """What a provider reports later. Acceptance, delivery and an answer are three times.

    `zone` is the homes': an elder who is not at home is expected back in the evening there.
    """
    if state not in RECEIPTS:
        raise InvalidInput("state", f"{state!r} is none of {', '.join(sorted(RECEIPTS))}")
    await hold_case(session, notice_id)
    notice = await session.scalar(
        select(Notice)
        .where(Notice.id == notice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if notice is None:
        raise NotFound("notice", notice_id)
    notice.accepted_at = notice.accepted_at or now
    if state in ("failed", "busy", "no_answer"):
        await _failed_later(session, notice, state, reason, now)
        return
    notice.delivered_at = notice.delivered_at or now
    if notice.state in ("sending", "accepted", "waiting"):
        notice.state, notice.next_attempt_at = "delivered", None
        notice.lease_until = notice.leased_by = None
    if notice.check_id is not None:
        await _key_for_check(session, notice, key if state == "key" else None, now, zone)
        return
    if state != "key" or key not in KEYS:
        return
    if notice.incident_id is None:  # a drill: somebody was there, and there is nothing to act on
        notice.answered_at, notice.state = notice.answered_at or now, "answered"
    else:
        await answer(session, notice_id, KEYS[key], now)


async def _key_for_check(
    session: AsyncSession, notice: Notice, key: str | None, now: datetime, zone: ZoneInfo
) -> None:
    """Picked up, or a voicemail did, is no answer to a check: only a key is."""
    check = await session.get(Check, notice.check_id)
    if check is None or check.purpose != Purpose.WELLBEING or key not in CHECK_KEYS:
        return
    with contextlib.suppress(NotFound):  # a day later nobody waits for it any more
        said = CHECK_KEYS[key].value
        await check_answers.answer_question(session, notice.id, said, now, zone)


async def _failed_later(
    session: AsyncSession, notice: Notice, state: str, reason: str | None, now: datetime
) -> None:
    """The provider took it and got no further. Busy and no answer are the ladder's to repeat."""
    if notice.answered_at is not None or notice.state in ("failed", "superseded"):
        return
    incident = await session.get(Incident, notice.incident_id) if notice.incident_id else None
    check = await session.get(Check, notice.check_id) if notice.check_id else None
    unowned = incident is None or incident.stage == Stage.OPEN
    if check is not None:
        unowned = check.state != CheckState.ENDED
    await settling.fail_later(
        session, notice, reason or state, now, try_next=state == "failed" and unowned
    )
