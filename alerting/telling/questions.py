"""The questions of a check: who is asked, over which channels, and the notices for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import Reach
from alerting.finding import Severity
from alerting.intake.whose import Whose
from alerting.routing import Hop
from alerting.tables import Check, Notice, StreamHint
from alerting.telling.roster import area_path, desk_is_armed, phone_channels
from alerting.telling.writing import waiting_notice
from care.model import WORN_ROLES, ElderStatus
from care.tables import Elder, EmergencyContact
from core.db import add_hint

QUESTION = "check.question"
HOLIDAY = "check.holiday"
_RANG = ("busy", "no_answer")
_UNDER_WAY = ("waiting", "sending", "accepted", "delivered", "answered")


async def residents_to_ask(session: AsyncSession, whose: Whose) -> Sequence[Elder]:
    """The wearer of a worn device, otherwise everybody who lives in the home and is at home."""
    if whose.elder_id is not None and whose.role in WORN_ROLES:
        condition = Elder.id == whose.elder_id
    elif whose.home_id is not None:
        condition = Elder.home_id == whose.home_id
    else:
        return ()
    query = select(Elder).where(condition, Elder.status == ElderStatus.HOME)
    return (await session.scalars(query.order_by(Elder.created_at, Elder.id))).all()


async def reach_of(
    session: AsyncSession, elders: Sequence[Elder], area_id: str | None, now: datetime
) -> Reach:
    """Over what these can be asked right now; nobody without a telephone can."""
    if not any(elder.phone for elder in elders):
        return Reach(by_phone=False, by_desk=False)
    path = await area_path(session, area_id)
    return Reach(
        by_phone=bool(await phone_channels(session, area_id)),
        by_desk=await desk_is_armed(session, path, now),
    )


async def ask_by_phone(
    session: AsyncSession, check: Check, elders: Sequence[Elder], now: datetime
) -> None:
    """One round: a call to each, and with the first round a message with a link beside it.

    Later rounds keep the message for when the call fails: the first one is still there to read.
    """
    kinds = await phone_channels(session, check.area_id)
    for elder in elders:
        if not elder.phone or not kinds:
            continue
        hops = [Hop(channel=kind, address=elder.phone) for kind in kinds]
        chains = [[hop] for hop in hops] if check.asked == 0 else [hops]
        for chain in chains:
            _add(session, check, chain, now, QUESTION, "elder", elder.id, elder.name)
    check.asked += 1


def ask_by_desk(session: AsyncSession, check: Check, now: datetime) -> None:
    """Somebody at the desk phones by hand; the page that is open there is told by showing it."""
    hop = Hop(channel="console", address="armed")
    notice = _add(session, check, [hop], now, QUESTION, "desk", "desk", "duty desk")
    notice.state, notice.next_attempt_at = "delivered", None
    notice.accepted_at = notice.delivered_at = now
    check.asked += 1


async def ask_contact(session: AsyncSession, check: Check, now: datetime) -> bool:
    """The holiday question, by message only. False: there is no contact with a way to be written
    to."""
    contact = await session.scalar(
        select(EmergencyContact)
        .join(Elder, Elder.id == EmergencyContact.elder_id)
        .where(Elder.id == check.elder_id if check.elder_id else Elder.home_id == check.home_id)
        .order_by(EmergencyContact.rank, Elder.created_at, EmergencyContact.id)
        .limit(1)
    )
    if contact is None:
        return False
    hops = [
        Hop(channel=one["kind"], address=one["address"])
        for one in contact.channels
        if one["kind"] != "call"
    ]
    named = any(hop.channel == "sms" for hop in hops)
    if contact.phone and not named and "sms" in await phone_channels(session, check.area_id):
        hops.append(Hop(channel="sms", address=contact.phone))
    if not hops:
        return False
    notice = _add(session, check, hops, now, HOLIDAY, "contact", contact.id, contact.name)
    notice.language = contact.language
    check.elder_id = check.elder_id or contact.elder_id  # of several residents, theirs
    check.asked += 1
    return True


def _add(
    session: AsyncSession,
    check: Check,
    hops: Sequence[Hop],
    now: datetime,
    type_: str,
    recipient_kind: str,
    recipient_id: str,
    recipient: str,
) -> Notice:
    notice = waiting_notice(
        hops,
        now,
        check_id=check.id,
        type=type_,
        severity_rank=Severity.WELFARE.rank,
        recipient_kind=recipient_kind,
        recipient_id=recipient_id,
        recipient=recipient,
        payload={"area_id": check.area_id, "check": check.id},
        reason="check_asked",
        language="zh",
    )
    session.add(notice)
    hint = StreamHint(topic="notice", ref_id=notice.id, area_id=check.area_id, at=now)
    add_hint(session, hint)
    return notice


async def questions_of(session: AsyncSession, check_id: str) -> Sequence[Notice]:
    """Every question of a check, first asked first."""
    query = select(Notice).where(Notice.check_id == check_id)
    return (
        await session.scalars(query.order_by(Notice.created_at, Notice.channel, Notice.id))
    ).all()


async def is_reached(session: AsyncSession, check_id: str) -> bool:
    """Is a question on its way, or did one get through? A phone that rang in vain was reached."""
    hopeful = or_(
        Notice.state.in_(_UNDER_WAY), and_(Notice.state == "failed", Notice.detail.in_(_RANG))
    )
    mine = and_(Notice.check_id == check_id, Notice.recipient_kind != "operator")
    found = await session.scalar(select(exists().where(mine, hopeful)))
    return bool(found)
