"""A first finding of a welfare kind asks the elder before it tells anybody else.

A check is a row with a deadline, like an incident, and much lighter: no owner, no gates. Whatever
ends it is decided under the row's lock, so that two answers, or an answer and the deadline, never
both count. What opens an incident from a check is in `check_ending`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.check import (
    MEANING,
    USED_ELSEWHERE,
    CheckState,
    Decision,
    Purpose,
    Result,
    Verb,
    begin,
    heard_otherwise,
)
from alerting.escalation import Policy
from alerting.finding import Finding, Severity, Sign
from alerting.handling import lessons
from alerting.handling.silencing import silenced_until
from alerting.handling.unsupplied import supply_facts
from alerting.handling.witness import second_look
from alerting.intake.whose import Whose
from alerting.tables import Check, Incident, Notice, StreamHint
from alerting.telling import questions
from alerting.telling.policies import policy_for
from alerting.witness import WAITED
from care.model import SYSTEM, Actor
from care.tables import Elder
from core.db import add_hint
from core.ids import new_id
from core.logging import about, get_logger
from core.metrics import CHECKS_ENDED

log = get_logger("checks")


async def consider(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> tuple[Check | None, Finding]:
    """The check that stands in place of an incident, or None: then the incident opens at once.

    Comes with the finding as it is to be opened: with what the other witness says, and why
    nobody was asked. A check that runs already is joined; the unique index decides between two
    that are equally quick.
    """
    if finding.facts.get("opens") != "check" or finding.sign is not Sign.ROSE:
        return None, await _testified(session, finding, whose, now)
    subject = whose.subject(finding.severity)
    running = await running_check(session, subject, finding.kind)
    if running is not None:
        return running, finding
    if await _is_silenced(session, finding, whose, now):
        return None, finding  # nobody is told of it for a while: nor is anybody asked
    look = await second_look(session, finding, whose, now)
    finding = _with(finding, look.facts)
    elders = await questions.residents_to_ask(session, whose)
    reach = await questions.reach_of(session, elders, whose.area_id, now)
    stamped = await policy_for(session, finding.severity.value, whose.area_id)
    rules = Policy.model_validate(stamped.body).check
    decision = begin(rules, reach, look.until, now)
    if decision.verb is Verb.END:
        return None, _with(finding, {"no_check": decision.reason})
    check = await _insert(session, subject, finding, whose, decision, now)
    if check is None:  # somebody was first
        return await running_check(session, subject, finding.kind), finding
    if decision.verb is Verb.ASK and reach.by_phone:
        await questions.ask_by_phone(session, check, elders, now)
    elif decision.verb is Verb.ASK:
        questions.ask_by_desk(session, check, now)
    touch(session, check, now)
    with about(check=check.id):
        log.info("check", kind=check.kind, reason=decision.reason, asked=check.asked)
    return check, finding


async def _testified(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> Finding:
    """A finding that nobody waits for any more, with what the other witness says by now."""
    look = await second_look(session, finding, whose, now)
    return _with(finding, {name: one for name, one in look.facts.items() if name != WAITED})


async def meet_running(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> Check | None:
    """A finding that a running check must give way to: water runs again, or it got worse.

    Returns the check that ended; None: there was none, or it goes on.
    """
    if finding.severity is not Severity.WELFARE:
        return None
    cleared = finding.sign is Sign.CLEARED
    if not cleared and finding.facts.get("opens") == "check":
        return None
    check = await running_check(session, whose.subject(finding.severity), finding.kind)
    if check is None:
        return None
    result = Result.USED_AGAIN if cleared else Result.OVERTAKEN
    if cleared and whose.device_id != check.device_id:
        facts = check.finding["facts"] | {USED_ELSEWHERE: True}
        check.finding = check.finding | {"facts": facts}
    await finish(session, check, result, SYSTEM, now)
    return check


async def running_check(
    session: AsyncSession, subject: str, kind: str, purpose: Purpose = Purpose.WELLBEING
) -> Check | None:
    """The check that runs for a subject and kind, locked."""
    return await session.scalar(
        select(Check)
        .where(
            Check.subject == subject,
            Check.kind == kind,
            Check.purpose == purpose.value,
            Check.state != CheckState.ENDED.value,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def finish(
    session: AsyncSession, check: Check, result: Result, actor: Actor, now: datetime
) -> None:
    """End a locked check: nobody is asked any more, and its detector is told what came of it."""
    check.state, check.result = CheckState.ENDED.value, result.value
    check.ended_at, check.ended_by = now, actor.name
    check.due_at, check.due_delay_s = None, 0
    check.version += 1
    await session.execute(
        update(Notice)
        .where(Notice.check_id == check.id, Notice.state == "waiting")
        .values(state="superseded", next_attempt_at=None)
    )
    meaning = MEANING[result]
    if meaning.was_false:
        cut = await supply_facts(session, check.kind, check.area_id, now)
        lesson = lessons.says_nothing if cut else lessons.was_nothing
        lessons.note(session, check.device_id, lesson(check.kind))
    if heard_otherwise(result, check.finding["facts"]):
        lessons.note(session, check.device_id, lessons.was_seen(check.kind, now))
    touch(session, check, now)
    CHECKS_ENDED.labels(check.kind, result.value).inc()
    with about(check=check.id):
        log.info("check ended", kind=check.kind, result=result.value, actor=actor.id)


def touch(session: AsyncSession, check: Check, now: datetime) -> None:
    """Tell every open page that this check changed."""
    hint = StreamHint(topic="check", ref_id=check.id, area_id=check.area_id, at=now)
    add_hint(session, hint)


async def tell_incident(
    session: AsyncSession, check: Check, incident: Incident, now: datetime
) -> None:
    """The incident's story begins with the check that went before it."""
    check.incident_id = incident.id
    timeline.append(
        session,
        incident.id,
        at=check.opened_at,
        now=now,
        kind="checked",
        data={"check": await facts_of_check(session, check)},
    )
    timeline.touch(session, incident, now)


async def facts_of_check(session: AsyncSession, check: Check) -> dict[str, Any]:
    """What an incident says of its check: when it was asked, how often, over what."""
    asked = await questions.questions_of(session, check.id)
    return {
        "id": check.id,
        "purpose": check.purpose,
        "result": check.result,
        "by": check.ended_by,
        "by_person": check.ended_by not in (None, SYSTEM.name),
        "asked_at": check.opened_at.isoformat(),
        "asked": check.asked,
        "via": list(dict.fromkeys(one.channel for one in asked)),
        "whom": list(dict.fromkeys(q.recipient for q in asked if q.recipient_kind != "desk")),
    }


def stored_finding(check: Check) -> Finding:
    """The finding that a check stands for, as it was found."""
    return msgspec.convert(check.finding, Finding, strict=False)


def stored_whose(check: Check) -> Whose:
    """Whom it concerns."""
    return Whose(**check.whose)


async def elders_asked(session: AsyncSession, check: Check) -> Sequence[Elder]:
    """Those who live there and are at home, by their present status."""
    return await questions.residents_to_ask(session, stored_whose(check))


def _with(finding: Finding, facts: dict[str, Any]) -> Finding:
    return msgspec.structs.replace(finding, facts=finding.facts | facts) if facts else finding


async def _is_silenced(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> bool:
    until = await silenced_until(
        session,
        finding,
        device_id=whose.device_id,
        home_id=whose.home_id,
        area_id=whose.area_id,
        now=now,
    )
    return until is not None


async def _insert(
    session: AsyncSession,
    subject: str,
    finding: Finding,
    whose: Whose,
    decision: Decision,
    now: datetime,
) -> Check | None:
    """Insert; None when somebody else's insert was first."""
    assert decision.due_at is not None
    held = decision.verb is Verb.HOLD
    values: dict[str, Any] = {
        "id": new_id("chk"),
        "purpose": Purpose.WELLBEING.value,
        "kind": finding.kind,
        "subject": subject,
        "state": (CheckState.HELD if held else CheckState.ASKING).value,
        "version": 1,
        "elder_id": whose.elder_id,
        "home_id": whose.home_id,
        "area_id": whose.area_id,
        "device_id": whose.device_id,
        "finding": msgspec.to_builtins(finding),
        "whose": asdict(whose),
        "opened_at": now,
        "due_at": decision.due_at,
        "due_delay_s": int((decision.due_at - now).total_seconds()),
        "until": decision.until,
        "asked": 0,
    }
    ident = await insert_check(session, values)
    return None if ident is None else await session.get_one(Check, ident)


async def insert_check(session: AsyncSession, values: dict[str, Any]) -> str | None:
    """The new row's id; None when such a check runs already."""
    table = Check.__table__
    assert isinstance(table, Table)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    # An untargeted DO NOTHING is right here: the partial index is the only one that can clash.
    result = await session.execute(
        insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    )
    ident: str | None = result.scalar_one_or_none()
    return ident
