"""How a check ends, and the incident that comes of it where nobody said that all is well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import (
    MAX_AWAY,
    MEANING,
    CheckState,
    Decision,
    Purpose,
    Reach,
    Result,
    Running,
    Verb,
    next_step,
)
from alerting.escalation import Target
from alerting.finding import Severity, Sign
from alerting.handling import checking, holiday, lessons
from alerting.handling.absences import announce
from alerting.handling.opening import apply_finding
from alerting.handling.silencing import welfare_suspended
from alerting.incident import UNATTENDED
from alerting.tables import Check, Incident
from alerting.telling import questions
from alerting.telling.notices import tell
from care.model import SYSTEM, Actor, ElderStatus
from care.status import history, set_status
from care.tables import Elder
from core.errors import Conflict, InvalidInput, NotFound
from core.logging import about, get_logger

log = get_logger("checks")
FOR_CONTACT = "a contact was asked whether they are away; set the elder's status instead"


async def load(session: AsyncSession, check_id: str) -> Check:
    """The check, locked against other writers until the transaction ends; its memory before it."""
    await lessons.hold_memory(session, Check, check_id)
    check = await session.scalar(
        select(Check)
        .where(Check.id == check_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if check is None:
        raise NotFound("check", check_id)
    return check


async def end_check(
    session: AsyncSession,
    check_id: str,
    result: Result,
    now: datetime,
    *,
    actor: Actor,
    until: datetime | None = None,
    elder_id: str | None = None,
    version: int | None = None,
) -> Check:
    """Somebody answered, or nobody did. The first answer stands; `Conflict` names whose it was.

    `away` needs `until`; it is said of `elder_id`, or of everybody who was asked, and ends the
    check only when nobody who lives there is left at home. `help` and `unanswered` open the
    incident in the same transaction. A question to a contact is the contact's to answer: what the
    desk knows, it puts down as the elder's status. `InvalidInput` says so.
    """
    check = await load(session, check_id)
    if check.purpose != Purpose.WELLBEING:
        raise InvalidInput("check", FOR_CONTACT)
    if check.state == CheckState.ENDED:
        raise _conflict(check, f"the check is over: {check.result} ({check.ended_by})")
    if version is not None and version != check.version:
        raise _conflict(check, f"version {version} is old, the check is at {check.version}")
    if result is Result.AWAY:
        await say_away(session, check, now, actor=actor, until=until, elder_id=elder_id)
        if await checking.elders_asked(session, check):
            check.version += 1  # somebody else who lives there is still asked
            checking.touch(session, check, now)
            return check
    await checking.finish(session, check, result, actor, now)
    if MEANING[result].opens:
        await open_from(session, check, result, now)
    await lessons.learn(session)
    return check


def _conflict(check: Check, message: str) -> Conflict:
    ended_at = check.ended_at
    return Conflict(
        message,
        winner=check.ended_by,
        at=ended_at.isoformat() if ended_at else None,
        version=check.version,
    )


async def say_away(
    session: AsyncSession,
    check: Check,
    now: datetime,
    *,
    actor: Actor,
    until: datetime | None,
    elder_id: str | None = None,
    because: str = "answer",
) -> None:
    """Whoever was asked is away until then. Raises `InvalidInput` without a plausible time.

    What staff put down stands against an answer by key or link: they know of a hospital.
    """
    if until is None:
        raise InvalidInput("until", "say until when nobody is at home")
    if not now < until <= now + MAX_AWAY:
        raise InvalidInput("until", "must lie in the future, at most a year ahead")
    elder = await session.get(Elder, elder_id) if elder_id is not None else None
    away = [elder] if elder is not None else await checking.elders_asked(session, check)
    for one in away:
        if actor.role == "elder" and not await _may_say_away(session, one, actor):
            continue
        await set_status(
            session, one, ElderStatus.AWAY, now, actor=actor, until=until, reason=because
        )
        announce(session, one, now)


async def _may_say_away(session: AsyncSession, elder: Elder, actor: Actor) -> bool:
    return elder.status == ElderStatus.HOME or await is_away_by(session, elder, actor)


async def is_away_by(session: AsyncSession, elder: Elder, actor: Actor) -> bool:
    """Whether the elder is away, and the one who answered was the last to say so."""
    last = await history(session, elder.id, limit=1)
    return elder.status == ElderStatus.AWAY and bool(last) and last[0].actor_id == actor.id


async def open_from(session: AsyncSession, check: Check, result: Result, now: datetime) -> None:
    """The incident that a check stood for, told like any other of its kind, from its finding.

    Somebody who asks for help stays in the welfare severity, as the contract has it for this
    kind, but every contact's telephone rings at once, and the on-call phone with them: the elder
    is waiting for an answer and cannot know that a message lies unread.
    """
    finding = checking.stored_finding(check)
    facts: dict[str, Any] = finding.facts | {"opens": "incident"}
    facts["check"] = await checking.facts_of_check(session, check) | {"result": result.value}
    helped = result is Result.HELP
    if helped:
        facts["help"] = True
    finding = replace(finding, facts=facts, sign=Sign.ROSE)
    incident = await apply_finding(session, finding, checking.stored_whose(check), now)
    if incident is None:  # their status changed while they were asked
        check.result = Result.WITHDRAWN.value
        return
    await checking.tell_incident(session, check, incident, now)
    if helped:
        await ring_for_help(session, incident, now)


async def ring_for_help(session: AsyncSession, incident: Incident, now: datetime) -> None:
    """Calls, beside whoever the ladder tells already."""
    targets = (Target(who="contacts", by="call"), Target(who="on_call", by="call"))
    await tell(session, incident, targets, now, type_="incident.repeated", reason="asked_for_help")


async def due_checks(session: AsyncSession, now: datetime, limit: int = 50) -> Sequence[str]:
    """Ids of checks whose deadline has come, longest overdue first."""
    rows = await session.scalars(
        select(Check.id).where(Check.due_at <= now).order_by(Check.due_at).limit(limit)
    )
    return rows.all()


async def act(
    session: AsyncSession, check_id: str, now: datetime, zone: ZoneInfo
) -> Decision | None:
    """What a deadline of one check leads to, if it is still due; another worker may be first."""
    await lessons.hold_memory(session, Check, check_id)
    check = await session.scalar(
        select(Check)
        .where(Check.id == check_id, Check.due_at <= now)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if check is None:
        return None
    if check.purpose == Purpose.HOLIDAY:
        decision = await holiday.act(session, check, now, zone)
    else:
        decision = await _act(session, check, now)
    with about(check=check.id):
        log.info("check due", reason=decision.reason, verb=decision.verb.value)
    return decision


async def _act(session: AsyncSession, check: Check, now: datetime) -> Decision:
    whose = checking.stored_whose(check)
    finding = checking.stored_finding(check)
    if await welfare_suspended(session, finding, whose, now):
        await checking.finish(session, check, Result.WITHDRAWN, SYSTEM, now)
        return Decision(verb=Verb.END, reason="check_withdrawn", result=Result.WITHDRAWN)
    elders = await checking.elders_asked(session, check)
    reach = await questions.reach_of(session, elders, check.area_id, now)
    decision = next_step(await _view(session, check), reach, now)
    if decision.verb is Verb.END and decision.result is not None:
        await end_check(session, check.id, decision.result, now, actor=SYSTEM)
        return decision
    if decision.verb is Verb.ASK:
        await _ask_again(session, check, elders, reach, decision, now)
    assert decision.due_at is not None
    check.due_at = decision.due_at
    check.due_delay_s = int((decision.due_at - now).total_seconds())
    checking.touch(session, check, now)
    return decision


async def _ask_again(
    session: AsyncSession,
    check: Check,
    elders: Sequence[Elder],
    reach: Reach,
    decision: Decision,
    now: datetime,
) -> None:
    if reach.by_phone and decision.reason != "check_by_hand":
        await questions.ask_by_phone(session, check, elders, now)
    elif reach.by_desk:
        questions.ask_by_desk(session, check, now)
    else:
        check.asked += 1  # nobody left to ask in this round; the deadline goes on


async def _view(session: AsyncSession, check: Check) -> Running:
    assert check.until is not None
    return Running(
        state=CheckState(check.state),
        asked=check.asked,
        until=check.until,
        reached=await questions.is_reached(session, check.id),
        line_busy=await _help_is_called(session, check),
    )


async def _help_is_called(session: AsyncSession, check: Check) -> bool:
    """Does a life-safety incident of theirs run? People call them about that now."""
    mine = (
        Incident.home_id == check.home_id if check.home_id else Incident.elder_id == check.elder_id
    )
    found = await session.scalar(
        select(Incident.id)
        .where(
            mine,
            Incident.severity == Severity.LIFE_SAFETY.value,
            Incident.stage.in_(UNATTENDED),
        )
        .limit(1)
    )
    return found is not None


async def clamp_checks(session: AsyncSession, now: datetime) -> int:
    """After a clock step no check may wait longer than it would have from now."""
    changed = 0
    for check in await session.scalars(select(Check).where(Check.due_at > now)):
        assert check.due_at is not None
        latest = now + timedelta(seconds=max(check.due_delay_s, 1))
        if check.due_at > latest:
            check.due_at = latest
            changed += 1
        if check.until is not None and check.until > now + (check.until - check.opened_at):
            check.until = now + (check.until - check.opened_at)
    return changed
