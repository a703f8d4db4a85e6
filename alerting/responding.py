"""What people do with an incident: a call moves a stage, records a fact, or says who was first."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.detect import dump_state, load_state, rearm
from alerting.escalation import DueKind, Target, first_step, stage_deadline
from alerting.finding import Severity
from alerting.incident import (
    FINAL,
    MOVES,
    PROOF_OF_LIFE,
    CloseView,
    Move,
    Outcome,
    Stage,
    cancel_refusal,
    missing_gates,
)
from alerting.policies import stamped_policy
from alerting.tables import DeviceStateRow, Incident, Notice
from alerting.telling import carry_out, set_deadline, tell, tell_device
from care.model import Actor
from care.tables import FollowUp, User, Visit
from core.errors import Conflict, GatesMissing, InvalidInput, NotAllowed, NotFound
from core.logging import about, get_logger

log = get_logger("responding")


async def load(session: AsyncSession, incident_id: str) -> Incident:
    """The incident, locked against other writers until the transaction ends."""
    incident = await session.scalar(
        select(Incident)
        .where(Incident.id == incident_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if incident is None:
        raise NotFound("incident", incident_id)
    return incident


async def acknowledge(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
) -> Incident:
    """A duty officer takes it: the ladder stops, and the next deadline is to send somebody."""
    incident = await _begin(session, incident_id, Move.ACKNOWLEDGE, actor, version)
    _own(incident, actor)
    incident.acknowledged_at = now
    await _enter(session, incident, Move.ACKNOWLEDGE, actor, now)
    tell_device(session, incident, now, Stage.ACKNOWLEDGED)
    return incident


async def release(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
    reason: str | None = None,
) -> Incident:
    """Give it back: nobody owns it, and the ladder starts again from the first step."""
    incident = await _begin(session, incident_id, Move.RELEASE, actor, version)
    incident.owner_id = incident.owner_name = incident.visitor_id = None
    await _enter(session, incident, Move.RELEASE, actor, now, data={"text": reason or ""})
    await _restart_ladder(session, incident, now, "released")
    tell_device(session, incident, now, Stage.OPEN)
    return incident


async def dispatch(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    visitor_id: str,
    version: int | None = None,
) -> Incident:
    """Send somebody; takes the incident if nobody owned it. Sending somebody else is allowed."""
    visitor = await session.get(User, visitor_id)
    if visitor is None or not visitor.active:
        raise InvalidInput("visitor_id", f"no active user has the id {visitor_id}")
    incident = await _begin(session, incident_id, Move.DISPATCH, actor, version)
    if incident.owner_id is None:
        _own(incident, actor)
        incident.acknowledged_at = incident.acknowledged_at or now
    incident.visitor_id = visitor.id
    incident.dispatched_at = now
    incident.accepted_at = None
    await _enter(
        session,
        incident,
        Move.DISPATCH,
        actor,
        now,
        data={"visitor": visitor.name, "visitor_id": visitor.id},
    )
    await tell(
        session,
        incident,
        (Target(who="assigned_visitor", by="all"),),
        now,
        type_="incident.assigned",
        reason="assigned_visitor",
    )
    return incident


async def accept(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
) -> Incident:
    """The visitor goes. Only now may a device say that help is coming."""
    incident = await _begin(session, incident_id, Move.ACCEPT, actor, version)
    incident.accepted_at = now
    await _enter(session, incident, Move.ACCEPT, actor, now, data=await _visitor(session, incident))
    tell_device(session, incident, now, Stage.ACCEPTED)
    return incident


async def arrive(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
    at: datetime | None = None,
) -> Incident:
    """Somebody is at the door. A fact that comes too late to move the stage is still recorded."""
    at = _fact_time(at, now)
    incident = await load(session, incident_id)
    _check_visitor(incident, actor)
    if _stage(incident) not in MOVES[Move.ARRIVE][0]:
        late = await _visitor(session, incident)
        await _late_fact(session, incident, Move.ARRIVE, actor, at, now, late)
    _check_version(incident, version)
    incident.accepted_at = incident.accepted_at or at
    incident.attended_at = at
    await _enter(
        session, incident, Move.ARRIVE, actor, now, at=at, data=await _visitor(session, incident)
    )
    return incident


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
    incident = await load(session, incident_id)
    _check_visitor(incident, actor)
    if _stage(incident) not in MOVES[Move.OUTCOME][0]:
        late = {"outcome": outcome, "text": reason}
        await _late_fact(session, incident, Move.OUTCOME, actor, now, now, late)
    _check_version(incident, version)
    incident.outcome, incident.outcome_at = outcome, now
    incident.reason, incident.reason_code = reason, reason_code
    await _enter(
        session, incident, Move.OUTCOME, actor, now, data={"outcome": outcome, "text": reason}
    )
    if outcome not in PROOF_OF_LIFE and incident.severity == Severity.WELFARE:
        await _rearm(session, incident)
    return incident


async def _rearm(session: AsyncSession, incident: Incident) -> None:
    """Nobody saw or spoke with the elder: the detector may find the same again."""
    row = await session.get(DeviceStateRow, incident.device_id) if incident.device_id else None
    if row is not None:
        row.state = dump_state(rearm(load_state(row.state), incident.kind))


async def add_note(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    text: str,
    version: int | None = None,
) -> Incident:
    """A fact in words. Never moves a deadline."""
    incident = await load(session, incident_id)
    _check_version(incident, version)
    timeline.append(
        session, incident.id, at=now, now=now, kind="noted", actor=actor, data={"text": text}
    )
    timeline.touch(session, incident, now)
    return incident


async def heard(
    session: AsyncSession,
    incident_id: str,
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
) -> Incident:
    """The owner has heard a further press: the ladder that it restarted stops."""
    incident = await load(session, incident_id)
    if incident.owner_id is None or _stage(incident) in FINAL:
        raise Conflict("nobody owns this incident; acknowledge it instead", stage=incident.stage)
    _check_version(incident, version)
    policy = await stamped_policy(session, incident.policy_id, incident.policy_version)
    if incident.due_kind in (DueKind.OWNER_REACTION, DueKind.LADDER):
        set_deadline(incident, stage_deadline(_stage(incident), policy, now))
        incident.round = 0
        incident.version += 1
    timeline.append(session, incident.id, at=now, now=now, kind="heard", actor=actor)
    timeline.touch(session, incident, now)
    return incident


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
    if _stage(incident) in FINAL:
        _refuse(incident, Move.CLOSE)
    missing = await gates_missing(session, incident, waiver)
    if missing:
        raise GatesMissing(missing)
    _check_version(incident, version)
    incident.waiver = waiver or incident.waiver
    incident.closed_at = now
    await _enter(session, incident, Move.CLOSE, actor, now, data={"text": waiver or ""})
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
    incident = await _begin(session, incident_id, Move.REOPEN, actor, version)
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
    await _enter(session, incident, Move.REOPEN, actor, now, data={"text": reason})
    await _restart_ladder(session, incident, now, "reopened")
    tell_device(session, incident, now, Stage.OPEN)
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
    incident = await load(session, incident_id)
    refusal = cancel_refusal(Severity(incident.severity), incident.mode)
    if refusal:
        raise NotAllowed(refusal)
    incident = await _begin(session, incident_id, Move.CANCEL, actor, version)
    incident.reason = reason
    incident.closed_at = now
    await _enter(session, incident, Move.CANCEL, actor, now, data={"text": reason})
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


# ── what all moves share ──────────────────────────────────────────────────────────────────────


def _stage(incident: Incident) -> Stage:
    return Stage(incident.stage)


async def _begin(
    session: AsyncSession,
    incident_id: str,
    move: Move,
    actor: Actor,
    version: int | None,
) -> Incident:
    incident = await load(session, incident_id)
    if move in (Move.ACCEPT, Move.RELEASE):
        _check_visitor(incident, actor)
    if _stage(incident) not in MOVES[move][0]:
        _refuse(incident, move)
    _check_version(incident, version)
    return incident


def _refuse(incident: Incident, move: Move) -> NoReturn:
    raise _refusal(incident, move)


def _refusal(incident: Incident, move: Move) -> Conflict:
    """Already there or past it: 409 with who and when, for anybody."""
    who = incident.stage_changed_by or incident.owner_name
    return Conflict(
        f"cannot {move.value}: the incident is {incident.stage}" + (f" ({who})" if who else ""),
        winner=who,
        at=incident.stage_changed_at.isoformat(),
        stage=incident.stage,
        version=incident.version,
    )


def _check_version(incident: Incident, version: int | None) -> None:
    if version is not None and version != incident.version:
        raise Conflict(
            f"version {version} is old, the incident is at {incident.version}",
            winner=incident.stage_changed_by or incident.owner_name,
            at=incident.stage_changed_at.isoformat(),
            stage=incident.stage,
            version=incident.version,
        )


def _check_visitor(incident: Incident, actor: Actor) -> None:
    """Visitors act on their own assignments; the desk may act on their behalf."""
    if not actor.is_desk and incident.visitor_id != actor.id:
        raise NotAllowed("this incident is assigned to somebody else")


def _own(incident: Incident, actor: Actor) -> None:
    incident.owner_id, incident.owner_name = actor.id, actor.name


def _fact_time(at: datetime | None, now: datetime) -> datetime:
    if at is not None and at > now:
        raise InvalidInput("at", "lies in the future")
    return at or now


_TIMELINE_KIND = {
    Move.ACKNOWLEDGE: "acknowledged",
    Move.RELEASE: "released",
    Move.DISPATCH: "dispatched",
    Move.ACCEPT: "accepted",
    Move.ARRIVE: "attended",
    Move.OUTCOME: "outcome",
    Move.CLOSE: "closed",
    Move.REOPEN: "reopened",
    Move.CANCEL: "cancelled",
}


async def _enter(
    session: AsyncSession,
    incident: Incident,
    move: Move,
    actor: Actor,
    now: datetime,
    *,
    at: datetime | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """The stage changes, with its deadline, its version and its line in the timeline."""
    stage = MOVES[move][1]
    with session.no_autoflush:  # owner and stage must change together: a CHECK binds them
        policy = await stamped_policy(session, incident.policy_id, incident.policy_version)
    incident.stage = stage.value
    incident.version += 1
    incident.round = 0
    incident.stage_changed_at, incident.stage_changed_by = now, actor.name
    set_deadline(incident, stage_deadline(stage, policy, now))
    timeline.append(
        session,
        incident.id,
        at=at or now,
        now=now,
        kind=_TIMELINE_KIND[move],
        actor=actor,
        data=data,
    )
    timeline.touch(session, incident, now)
    await session.flush()
    with about(incident=incident.id):
        log.info("stage", stage=stage.value, actor=actor.id)


async def _restart_ladder(
    session: AsyncSession, incident: Incident, now: datetime, reason: str
) -> None:
    policy = await stamped_policy(session, incident.policy_id, incident.policy_version)
    step = first_step(policy, now, reason=reason)
    await carry_out(session, incident, step, policy, now, type_="incident.opened")


async def _late_fact(
    session: AsyncSession,
    incident: Incident,
    move: Move,
    actor: Actor,
    at: datetime,
    now: datetime,
    data: dict[str, Any],
) -> NoReturn:
    """A fact that comes too late to move the stage: kept in the timeline, and the caller told."""
    if incident.dispatched_at is None and move is Move.ARRIVE:
        _refuse(incident, move)  # nobody was sent, so there is nothing to arrive for
    timeline.append(
        session,
        incident.id,
        at=at,
        now=now,
        kind=_TIMELINE_KIND[move],
        actor=actor,
        data=data | {"late": True},
    )
    timeline.touch(session, incident, now)
    refusal = _refusal(incident, move)
    refusal.keeps_changes = True
    raise refusal


async def _visitor(session: AsyncSession, incident: Incident) -> dict[str, Any]:
    name = await session.scalar(select(User.name).where(User.id == incident.visitor_id))
    return {"visitor": name or "", "visitor_id": incident.visitor_id}


async def _forget_waiting(session: AsyncSession, incident: Incident) -> None:
    """Nobody is rung any more about a case that ended."""
    await session.execute(
        update(Notice)
        .where(Notice.incident_id == incident.id, Notice.state == "waiting")
        .values(state="superseded", next_attempt_at=None)
    )
