"""A finding opens an incident or joins the running one: insert-or-join until one succeeded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.check import Result, reason_of
from alerting.escalation import Policy, first_step
from alerting.finding import Finding, Severity, Sign
from alerting.handling import checking
from alerting.handling.current import ENDED, folded, latest_ended, unattended
from alerting.handling.joining import facts_of, has_cleared, join
from alerting.handling.silencing import silenced_until, welfare_suspended
from alerting.handling.smokeless import note_latched, remedy_cleared
from alerting.handling.unsupplied import supply_facts
from alerting.incident import (
    LATCHED_AFTER,
    OTHERS,
    Current,
    Past,
    Placement,
    Stage,
    Verb,
    place,
)
from alerting.intake.whose import Whose
from alerting.tables import Check, Incident
from alerting.telling.notices import carry_out
from alerting.telling.policies import policy_for
from care.model import SYSTEM
from core.ids import new_id
from core.logging import about, get_logger
from core.metrics import INCIDENTS_OPENED

log = get_logger("incidents")
_MOST_TRIES = 8


async def apply_finding(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> Incident | None:
    """Place one finding and act on it. Returns the incident it opened or joined, if any.

    A first finding that asks the elder before anybody is told opens a check in its place.
    """
    if await welfare_suspended(session, finding, whose, now):
        log.info("suspended", kind=finding.kind, home=whose.home_id)
        return None
    await remedy_cleared(session, finding, whose, now)
    before = await checking.meet_running(session, finding, whose, now)
    subject = whose.subject(finding.severity)
    if subject.startswith("child:"):
        subject = await folded(session, subject, whose)
    for _ in range(_MOST_TRIES):
        current = await unattended(session, subject, finding.kind)
        past = None if current else await latest_ended(session, subject, finding.kind)
        decision = place(finding, _view(current, whose), _past_view(past), now)
        if decision.verb is Verb.NOTHING:
            return None
        if decision.verb is Verb.LATCHED:
            return await _apply_latched(session, finding, whose, now)
        if decision.verb is Verb.CLEAR and past is not None:
            return past if has_cleared(past, finding, whose) else None
        if current is not None:
            await join(session, current, finding, decision, whose, now)
            return current
        is_asked, finding = await _ask_first(session, subject, finding, whose, now)
        if is_asked:
            return None
        opened = await _open_after(session, subject, finding, decision, whose, past, before, now)
        if opened is not None:
            return opened
    raise RuntimeError(f"could neither open nor join {finding.kind} of {subject}")


async def _apply_latched(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> Incident | None:
    if await _known_as_latched(session, whose, finding.kind, now):
        return None
    fault = await apply_finding(session, _latched(finding, now), whose, now)
    await note_latched(session, whose, finding.kind, fault, now)
    return fault


async def _ask_first(
    session: AsyncSession, subject: str, finding: Finding, whose: Whose, now: datetime
) -> tuple[bool, Finding]:
    """Does a check stand in the incident's place? With the finding, as it is to be opened if not.

    Where an incident was quicker than the check, the check gives way and the finding joins.
    """
    check, finding = await checking.consider(session, finding, whose, now)
    if check is None:
        return False, finding
    if await unattended(session, subject, finding.kind) is None:
        return True, finding
    await checking.finish(session, check, Result.WITHDRAWN, SYSTEM, now)
    return False, finding


async def _open_after(
    session: AsyncSession,
    subject: str,
    finding: Finding,
    decision: Placement,
    whose: Whose,
    past: Incident | None,
    before: Check | None,
    now: datetime,
) -> Incident | None:
    """Open it, with the story of the check that went before it."""
    if before is not None:
        facts = finding.facts | {"check": await checking.facts_of_check(session, before)}
        finding = replace(finding, facts=facts)
    opened = await _open(session, subject, finding, decision, whose, past, now)
    if opened is not None and before is not None:
        await checking.tell_incident(session, before, opened, now)
    return opened


def _view(row: Incident | None, whose: Whose) -> Current | None:
    if row is None:
        return None
    return Current(
        stage=Stage(row.stage),
        rang_at=row.rang_at,
        opened_at=row.opened_at,
        condition=row.condition,
        is_new_voice=not {whose.child, OTHERS} & set(row.alarming),
    )


def _past_view(row: Incident | None) -> Past | None:
    if row is None:
        return None
    return Past(outcome_at=row.outcome_at or row.closed_at, condition=row.condition)


def _latched(finding: Finding, now: datetime) -> Finding:
    """Found on, not risen: what a bridge repeats every minute must not fill the timeline."""
    return Finding(
        kind="fault",
        severity=Severity.TECHNICAL,
        sign=Sign.FOUND,
        at=now,
        reason="latched",
        facts={"fault": "latched", "level": finding.kind},
    )


async def _known_as_latched(session: AsyncSession, whose: Whose, level: str, now: datetime) -> bool:
    """Was somebody done with such a fault lately? The level still holds, and they know."""
    ended_at = func.coalesce(Incident.outcome_at, Incident.closed_at)
    faults = await session.scalars(
        select(Incident.facts).where(
            Incident.subject == whose.subject(Severity.TECHNICAL),
            Incident.kind == "fault",
            Incident.stage.in_(ENDED),
            ended_at > now - LATCHED_AFTER,
        )
    )
    return any(facts.get("fault") == "latched" and facts.get("level") == level for facts in faults)


async def _open(
    session: AsyncSession,
    subject: str,
    finding: Finding,
    decision: Placement,
    whose: Whose,
    past: Incident | None,
    now: datetime,
) -> Incident | None:
    """Insert; None when somebody else's insert was first (the unique index decides)."""
    stamped = await policy_for(session, finding.severity.value, whose.area_id)
    policy = Policy.model_validate(stamped.body)
    step = first_step(policy, now)
    facts = facts_of(finding, whose)
    facts |= await supply_facts(session, finding.kind, whose.area_id, now)
    values: dict[str, Any] = {
        "id": new_id("inc"),
        "kind": finding.kind,
        "severity": finding.severity.value,
        "severity_rank": finding.severity.rank,
        "stage": Stage.OPEN.value,
        "condition": "active",
        "alarming": [whose.child],
        "version": 1,
        "subject": subject,
        "mode": "actual",
        "confidence": finding.confidence.value,
        "elder_id": whose.elder_id,
        "home_id": whose.home_id,
        "area_id": whose.area_id,
        "device_id": whose.device_id,
        "source_id": whose.source_id,
        "child_id": whose.child_id,
        "facts": facts,
        "policy_id": stamped.id,
        "policy_version": stamped.version,
        "step": step.step,
        "round": 0,
        "due_at": step.deadline.due_at,
        "due_kind": step.deadline.kind.value,
        "due_delay_s": step.deadline.delay_s,
        "previous_id": past.id if past else None,
        "findings": 1,
        "happened_at": finding.at,
        "opened_at": now,
        "stage_changed_at": now,
    }
    table = Incident.__table__
    assert isinstance(table, Table)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    # An untargeted DO NOTHING is right here: the partial index is the only one that can clash.
    result = await session.execute(
        insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    )
    if result.scalar_one_or_none() is None:
        return None
    incident = await session.get_one(Incident, values["id"])
    timeline.append(
        session,
        incident.id,
        at=now if "check" in facts else finding.at,  # what was asked before comes before
        now=now,
        kind="opened",
        data={"incident_kind": finding.kind, "facts": facts, "rule": finding.reason},
        reason=_why(finding, decision),
    )
    if past is not None:
        timeline.append(
            session, incident.id, at=now, now=now, kind="linked", data={"previous": past.id}
        )
    quiet_until = None
    if not finding.facts.get("help"):  # somebody who asks for help was never silenced
        quiet_until = await silenced_until(
            session,
            finding,
            device_id=whose.device_id,
            home_id=whose.home_id,
            area_id=whose.area_id,
            now=now,
        )
    if quiet_until is None:
        await carry_out(session, incident, step, policy, now, type_="incident.opened")
    else:
        _hold_back(session, incident, quiet_until, now)
    INCIDENTS_OPENED.labels(finding.kind, finding.severity.value).inc()
    with about(incident=incident.id):
        log.info("opened", kind=finding.kind, subject=subject, reason=decision.reason)
    return incident


_SAYS_WHY = frozenset({"latched", "id_reused", "too_talkative"})


def _why(finding: Finding, decision: Placement) -> str:
    """The reason that the timeline shows for opening."""
    if finding.facts.get("fault") in _SAYS_WHY:
        return str(finding.facts["fault"])
    by_check = reason_of(finding.facts)
    if by_check is not None:
        return by_check
    return "opened_late" if finding.late_s and decision.reason == "opened" else decision.reason


def _hold_back(session: AsyncSession, incident: Incident, until: datetime, now: datetime) -> None:
    """It is open and visible; the ladder begins when the silence ends."""
    incident.step = 0
    incident.due_at = until
    incident.due_delay_s = int((until - now).total_seconds())
    timeline.append(session, incident.id, at=now, now=now, kind="silenced", reason="silenced")
    timeline.touch(session, incident, now)
