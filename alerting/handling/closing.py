"""How an incident ends: its outcome, its gates, and the ways back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import answered, dump_state, load_state, rearm, seen
from alerting.finding import Severity
from alerting.handling import absences, holiday, lessons
from alerting.handling.moving import (
    begin,
    check_version,
    check_visitor,
    enter,
    keep_late_fact,
    load,
    refuse,
    restart_ladder,
    stage_of,
)
from alerting.incident import (
    FINAL,
    MOVES,
    SEEN_TO,
    CloseView,
    Move,
    Outcome,
    Stage,
    cancel_refusal,
    missing_gates,
)
from alerting.tables import DeviceStateRow, Incident, Notice
from alerting.telling.notices import tell_devices
from alerting.telling.policies import stamped_policy
from care.model import Actor
from care.tables import FollowUp, Visit
from core.errors import Conflict, GatesMissing, InvalidInput, NotAllowed


async def record_outcome(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    outcome: str,
    reason: str = "",
    reason_code: str | None = None,
    version: int | None = None,
) -> Incident:
    """What was found; the case now waits for its record, its follow-ups and its close."""
    if outcome not in {member.value for member in Outcome}:
        known = ", ".join(member.value for member in Outcome)
        raise InvalidInput("outcome", f"{outcome!r} is none of {known}")
    await lessons.hold_memory(session, Incident, incident_id)
    incident = await load(session, incident_id)
    check_visitor(incident, actor)
    if stage_of(incident) not in MOVES[Move.OUTCOME][0]:
        late = {"outcome": outcome, "text": reason}
        await keep_late_fact(session, incident, Move.OUTCOME, actor, now, now, late)
    check_version(incident, version)
    incident.outcome, incident.outcome_at = outcome, now
    incident.reason, incident.reason_code = reason, reason_code
    await enter(
        session, incident, Move.OUTCOME, actor, now, data={"outcome": outcome, "text": reason}
    )
    if incident.severity == Severity.WELFARE:
        await absences.follow_outcome(session, incident, actor, now)
        await _tell_detector(session, incident, Outcome(outcome), now)
        if outcome == Outcome.NOBODY_HOME:
            await holiday.wonder(session, incident, now)
    return incident


async def _tell_detector(
    session: AsyncSession, incident: Incident, outcome: Outcome | None, now: datetime
) -> None:
    """A false alarm teaches the home's rule; where nobody saw or spoke with the elder, the
    detector may find the same again. Where somebody was seen to, its gap counts anew.

    A cancelled incident has no outcome: nobody went to see.
    """
    if incident.device_id is None:
        return
    row = await session.scalar(
        select(DeviceStateRow)
        .where(DeviceStateRow.device_id == incident.device_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        return
    state = load_state(row.state)
    was_false = outcome == Outcome.FALSE_ALARM and "supply" not in incident.facts
    state = answered(state, incident.kind, was_false=was_false)
    follow = seen if outcome in SEEN_TO else rearm
    state = follow(state, incident.kind, now)
    row.state = dump_state(state)


async def close(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    waiver: str | None = None,
    version: int | None = None,
) -> Incident:
    """End the case; refused with the names of the missing gates, in any stage that is not final."""
    incident = await load(session, incident_id)
    if stage_of(incident) in FINAL:
        refuse(incident, Move.CLOSE)
    missing = await gates_missing(session, incident, waiver)
    if missing:
        raise GatesMissing(missing)
    check_version(incident, version)
    incident.waiver = waiver or incident.waiver
    incident.closed_at = now
    await enter(session, incident, Move.CLOSE, actor, now, data={"text": waiver or ""})
    await _forget_waiting(session, incident)
    return incident


async def reopen(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    reason: str,
    version: int | None = None,
) -> Incident:
    """Back to open, unless a newer incident of the same kind already runs."""
    incident = await begin(session, incident_id, Move.REOPEN, actor, version)
    newer = await session.scalar(
        select(Incident.id).where(
            Incident.subject == incident.subject,
            Incident.kind == incident.kind,
            Incident.id != incident.id,
            Incident.stage.in_(("open", "acknowledged", "dispatched", "accepted", "attended")),
        )
    )
    if newer is not None:
        raise Conflict(f"incident {newer} of the same kind is already open", stage=incident.stage)
    incident.owner_id = incident.owner_name = incident.visitor_id = None
    incident.outcome = incident.outcome_at = incident.closed_at = incident.waiver = None
    incident.acknowledged_at = incident.dispatched_at = None
    incident.accepted_at = incident.attended_at = None
    await enter(session, incident, Move.REOPEN, actor, now, data={"text": reason})
    await restart_ladder(session, incident, now, reason="reopened")
    await tell_devices(session, incident, now, Stage.OPEN)
    return incident


async def cancel(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    reason: str,
    version: int | None = None,
) -> Incident:
    """Withdraw it with a reason; refused for actual life safety."""
    if not reason.strip():
        raise InvalidInput("reason", "say why it is cancelled")
    await lessons.hold_memory(session, Incident, incident_id)
    incident = await load(session, incident_id)
    refusal = cancel_refusal(Severity(incident.severity), incident.mode)
    if refusal:
        raise NotAllowed(refusal)
    incident = await begin(session, incident_id, Move.CANCEL, actor, version)
    incident.reason = reason
    incident.closed_at = now
    await enter(session, incident, Move.CANCEL, actor, now, data={"text": reason})
    if incident.severity == Severity.WELFARE:
        await _tell_detector(session, incident, None, now)
    await _forget_waiting(session, incident)
    return incident


async def gates_missing(
    session: AsyncSession, incident: Incident, waiver: str | None = None
) -> tuple[str, ...]:
    """Which gates of the stamped policy are not met yet; shown beside the close button."""
    policy = await stamped_policy(session, incident.policy_id, incident.policy_version)
    visits = await session.scalar(
        select(func.count()).select_from(Visit).where(Visit.incident_id == incident.id)
    )
    follow_ups = await session.scalar(
        select(func.count())
        .select_from(FollowUp)
        .where(
            FollowUp.incident_id == incident.id,
            FollowUp.completed_at.is_(None),
            FollowUp.handed_over_to.is_(None),
        )
    )
    view = CloseView(
        severity=Severity(incident.severity),
        outcome=incident.outcome,
        was_dispatched=incident.dispatched_at is not None,
        was_attended=incident.attended_at is not None,
        linked_visits=visits or 0,
        open_follow_ups=follow_ups or 0,
        waiver=waiver or incident.waiver,
    )
    return missing_gates(view, policy.gates)


async def _forget_waiting(session: AsyncSession, incident: Incident) -> None:
    """Nobody is rung any more about a case that ended."""
    await session.execute(
        update(Notice)
        .where(Notice.incident_id == incident.id, Notice.state == "waiting")
        .values(state="superseded", next_attempt_at=None)
    )
