"""An answer to a question: a key in the call, a button on the link's page, once or too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.check import (
    ANSWERABLE_FOR,
    ANSWERS,
    AWAY_CHOICES,
    HOLIDAY_ANSWERS,
    CheckState,
    Purpose,
    Result,
    away_until,
)
from alerting.handling import check_ending, checking
from alerting.handling.absences import announce, counting_anew
from alerting.handling.moving import load
from alerting.handling.opening import apply_finding
from alerting.incident import FINAL, UNATTENDED, Stage
from alerting.tables import Check, Incident, Notice
from care.model import Actor, ElderStatus
from care.status import set_status
from care.tables import Elder
from core.errors import InvalidInput, NotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question, its check, and the incident that came of it or led to it, if any."""

    notice: Notice
    check: Check
    incident: Incident | None


async def load_question(session: AsyncSession, notice_id: str, now: datetime) -> Asked:
    """The question of a link; `NotFound` once nobody waits for an answer any more."""
    notice = await session.get(Notice, notice_id)
    check = await session.get(Check, notice.check_id) if notice and notice.check_id else None
    if notice is None or check is None or not _answerable(check, now):
        raise NotFound("link", notice_id)
    incident = await session.get(Incident, check.incident_id) if check.incident_id else None
    return Asked(notice=notice, check=check, incident=incident)


def _answerable(check: Check, now: datetime) -> bool:
    return check.ended_at is None or now - check.ended_at <= ANSWERABLE_FOR


async def answer_question(
    session: AsyncSession,
    notice_id: str,
    said: str,
    now: datetime,
    zone: ZoneInfo,
    *,
    until: str | None = None,
) -> Asked:
    """Record what was answered and act on it. The first answer of a question stands.

    But for help, and for "should be at home": nobody is to lie on the floor because of a wrong
    key before it. `until` is one
    of `away_until`'s choices; an "away" without one counts for today, and may be made longer
    afterwards by answering "away" once more. An answer after the end goes to the incident that
    came of it, if that still runs; a call for help is never too late.
    """
    asked = await load_question(session, notice_id, now)
    check = await check_ending.load(session, asked.check.id)
    notice = asked.notice
    await session.flush()
    await session.refresh(notice)  # under the check's lock: of two presses one is the first
    result = _result(said, check)
    end = _end_of(result, until, now, zone)
    actor = _actor_of(notice)
    if _is_news(asked, result):
        notice.answered_at, notice.answer, notice.state = now, result.value, "answered"
        notice.next_attempt_at = None
        await _take_in(session, check, notice, result, actor, end, now)
        checking.touch(session, check, now)
        await session.flush()
    elif end is not None and notice.answer == Result.AWAY:
        await _away_longer(session, asked, check, actor, end, now)
    return await load_question(session, notice_id, now)


def _is_news(asked: Asked, result: Result) -> bool:
    """Whether an answer counts: the first one does, and a call for help that nobody is on."""
    notice = asked.notice
    if notice.answered_at is None:
        return True
    if result is not Result.HELP:
        return result is Result.AT_HOME and notice.answer != Result.AT_HOME
    return notice.answer != Result.HELP or not _is_unattended(asked.incident)


def _is_unattended(incident: Incident | None) -> bool:
    """Does somebody still see to it? After its outcome nobody is on their way any more."""
    return incident is not None and Stage(incident.stage) in UNATTENDED


async def _take_in(
    session: AsyncSession,
    check: Check,
    notice: Notice,
    result: Result,
    actor: Actor,
    end: datetime | None,
    now: datetime,
) -> None:
    if check.purpose == Purpose.HOLIDAY:
        await _answer_holiday(session, check, result, actor, end, now)
    elif check.state != CheckState.ENDED:
        elder_id = notice.recipient_id if notice.recipient_kind == "elder" else None
        await check_ending.end_check(
            session, check.id, result, now, actor=actor, until=end, elder_id=elder_id
        )
    else:
        await _answer_late(session, check, notice, result, actor, end, now)


def _end_of(result: Result, until: str | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When an "away" is over; None for every other answer."""
    if result is not Result.AWAY:
        return None
    if until is not None and until not in AWAY_CHOICES:
        raise InvalidInput("until", f"{until!r} is none of {', '.join(AWAY_CHOICES)}")
    return away_until(until or "tonight", now, zone)


def _result(said: str, check: Check) -> Result:
    allowed = HOLIDAY_ANSWERS if check.purpose == Purpose.HOLIDAY else ANSWERS
    if said not in allowed:
        raise InvalidInput("answer", f"{said!r} is none of {', '.join(sorted(allowed))}")
    return Result(said)


async def _away_longer(
    session: AsyncSession, asked: Asked, check: Check, actor: Actor, end: datetime, now: datetime
) -> None:
    """Only while that absence runs: who was said to be back since does not go away again."""
    holiday = check.purpose == Purpose.HOLIDAY
    elder = await away_by_answer(session, asked)
    if elder is None:
        return
    await check_ending.say_away(
        session,
        check,
        now,
        actor=actor,
        until=end,
        elder_id=elder.id,
        because="holiday_question" if holiday else "answer",
    )
    checking.touch(session, check, now)


async def away_by_answer(session: AsyncSession, asked: Asked) -> Elder | None:
    """The elder who is away because the one who was asked said so, while that lasts."""
    notice = asked.notice
    elder_id = notice.recipient_id if notice.recipient_kind == "elder" else asked.check.elder_id
    elder = await session.get(Elder, elder_id) if elder_id else None
    if elder is None or not await check_ending.is_away_by(session, elder, _actor_of(notice)):
        return None
    return elder


def _actor_of(notice: Notice) -> Actor:
    return Actor(id=notice.recipient_id or notice.id, name=notice.recipient, role="elder")


async def _answer_late(
    session: AsyncSession,
    check: Check,
    notice: Notice,
    result: Result,
    actor: Actor,
    end: datetime | None,
    now: datetime,
) -> None:
    """The check is over; what they say still counts where somebody acts on it."""
    incident = await load(session, check.incident_id) if check.incident_id else None
    running = incident is not None and Stage(incident.stage) not in FINAL
    if end is not None:
        await check_ending.say_away(
            session, check, now, actor=actor, until=end, elder_id=notice.recipient_id
        )
    if running and incident is not None:
        timeline.append(
            session,
            incident.id,
            at=now,
            now=now,
            kind="check_answered",
            actor=actor,
            data={"check_result": result.value, "via": notice.channel},
        )
        late = {"answered": result.value, "answered_at": now.isoformat()}
        incident.facts = incident.facts | {"check": incident.facts.get("check", {}) | late}
        incident.version += 1
        timeline.touch(session, incident, now)
    if result is not Result.HELP:
        return
    if incident is not None and _is_unattended(incident):
        incident.facts = incident.facts | {"help": True}
        await check_ending.ring_for_help(session, incident, now)
    else:  # all seemed well, or was seen to, and is not any more
        await check_ending.open_from(session, check, result, now)


async def _answer_holiday(
    session: AsyncSession,
    check: Check,
    result: Result,
    actor: Actor,
    end: datetime | None,
    now: datetime,
) -> None:
    """The contact knows. "Should be at home" is news: the search goes on, and the desk is told."""
    incident = await session.get(Incident, check.incident_id) if check.incident_id else None
    if end is not None:
        await check_ending.say_away(
            session,
            check,
            now,
            actor=actor,
            until=end,
            elder_id=check.elder_id,
            because="holiday_question",
        )
    if result is Result.AT_HOME:
        await _end_absence(session, check, actor, now)
    if check.state != CheckState.ENDED:
        await checking.finish(session, check, result, actor, now)
    elif result is Result.AT_HOME:
        check.result = result.value
        check.version += 1
    if incident is None:
        return
    timeline.append(
        session,
        incident.id,
        at=now,
        now=now,
        kind="holiday_answered",
        actor=actor,
        data={"check_result": result.value},
    )
    timeline.touch(session, incident, now)
    if result is Result.AT_HOME and incident.condition != "cleared":
        await _search_on(session, check, now)


async def _end_absence(session: AsyncSession, check: Check, actor: Actor, now: datetime) -> None:
    """Who should be at home is watched over again, whoever said that they are away."""
    elder = await session.get(Elder, check.elder_id) if check.elder_id else None
    if elder is None or elder.status != ElderStatus.AWAY:
        return
    async with counting_anew(session, [elder.home_id], now):
        await set_status(
            session, elder, ElderStatus.HOME, now, actor=actor, reason="holiday_question"
        )
    announce(session, elder, now)


async def _search_on(session: AsyncSession, check: Check, now: datetime) -> None:
    """The stillness is found anew at once, as a new incident linked to the one before.

    Not for somebody who moved out or died, as people put down since: nobody is looked for.
    """
    elder = await session.get(Elder, check.elder_id) if check.elder_id else None
    if elder is not None and elder.status in (ElderStatus.MOVED, ElderStatus.DECEASED):
        return
    finding = checking.stored_finding(check)
    said = await checking.facts_of_check(session, check) | {"result": Result.AT_HOME.value}
    facts = finding.facts | {"check": said}
    await apply_finding(session, replace(finding, facts=facts), checking.stored_whose(check), now)
