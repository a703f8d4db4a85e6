"""What all moves of an incident share: who may, who was first, and what a move writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.escalation import first_step, stage_deadline
from alerting.incident import MOVES, Move, Stage
from alerting.tables import Incident
from alerting.telling.notices import carry_out, set_deadline
from alerting.telling.policies import stamped_policy
from care.model import Actor
from core.errors import Conflict, NotAllowed, NotFound
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


def stage_of(incident: Incident) -> Stage:
    """The stored stage as its type."""
    return Stage(incident.stage)


async def begin(
    session: AsyncSession,
    incident_id: str,
    move: Move,
    actor: Actor,
    version: int | None,
) -> Incident:
    """The incident, locked, once this move is allowed from its stage and to this person.

    Raises `NotFound`, `NotAllowed` for somebody else's assignment, `Conflict` with the winner.
    """
    incident = await load(session, incident_id)
    if move in (Move.ACCEPT, Move.RELEASE):
        check_visitor(incident, actor)
    if stage_of(incident) not in MOVES[move][0]:
        refuse(incident, move)
    check_version(incident, version)
    return incident


def refuse(incident: Incident, move: Move) -> NoReturn:
    """Raise the `Conflict` that says who was first."""
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


def check_version(incident: Incident, version: int | None) -> None:
    """Raise `Conflict` when the caller decided on an older state; None means "whatever it is"."""
    if version is not None and version != incident.version:
        raise Conflict(
            f"version {version} is old, the incident is at {incident.version}",
            winner=incident.stage_changed_by or incident.owner_name,
            at=incident.stage_changed_at.isoformat(),
            stage=incident.stage,
            version=incident.version,
        )


def check_visitor(incident: Incident, actor: Actor) -> None:
    """Visitors act on their own assignments; the desk may act on their behalf."""
    if not actor.is_desk and incident.visitor_id != actor.id:
        raise NotAllowed("this incident is assigned to somebody else")


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


async def enter(
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


async def restart_ladder(
    session: AsyncSession, incident: Incident, now: datetime, *, reason: str
) -> None:
    """Nobody owns it (any more): everybody of the first step is told, with the reason why."""
    policy = await stamped_policy(session, incident.policy_id, incident.policy_version)
    step = first_step(policy, now, reason=reason)
    await carry_out(session, incident, step, policy, now, type_="incident.opened")


async def keep_late_fact(
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
        refuse(incident, move)  # nobody was sent, so there is nothing to arrive for
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
