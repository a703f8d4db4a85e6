"""Acts on a step of the ladder: writes its notices, its reason, and the next deadline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.escalation import Deadline, Policy, Step, Target, next_step
from alerting.finding import Severity
from alerting.incident import Stage
from alerting.routing import Hop, Roster, RouteReason, Telling, nobody_reached, route
from alerting.tables import EventRow, Incident, Notice, StreamHint
from alerting.telling.roster import load_roster
from alerting.telling.writing import waiting_notice
from care.tables import NATIVE_SOURCE
from core.db import add_hint
from devices.event import CLEARING_KINDS


def set_deadline(incident: Incident, deadline: Deadline | None) -> None:
    """Move the one deadline; None only for final stages (a CHECK refuses anything else)."""
    incident.due_at = deadline.due_at if deadline else None
    incident.due_kind = deadline.kind.value if deadline else None
    incident.due_delay_s = deadline.delay_s if deadline else 0


async def carry_out(
    session: AsyncSession,
    incident: Incident,
    step: Step,
    policy: Policy,
    now: datetime,
    *,
    type_: str,
) -> None:
    """Tell everybody of `step`; an empty step falls through to the next at once."""
    roster = await load_roster(session, incident, now)
    for _ in range(len(policy.steps) + 1):
        tellings = route(step.targets, roster, alternate=step.alternate)
        record(session, incident, tellings, roster, now, type_=type_, reason=step.reason)
        climbing = incident.stage == Stage.OPEN and step.step < len(policy.steps)
        if not (climbing and nobody_reached(tellings)):
            break
        timeline.append(
            session,
            incident.id,
            at=now,
            now=now,
            kind="skipped",
            data={"step": step.step},
            reason="nobody_reached",
        )
        step = next_step(Stage.OPEN, step.deadline.kind, step.step, 0, policy, now)
    incident.step, incident.round = step.step, step.round
    set_deadline(incident, step.deadline)
    timeline.touch(session, incident, now)


async def tell(
    session: AsyncSession,
    incident: Incident,
    targets: Sequence[Target],
    now: datetime,
    *,
    type_: str,
    reason: str,
) -> None:
    """Tell `targets` beside the ladder; its deadline stays as it is."""
    roster = await load_roster(session, incident, now)
    record(session, incident, route(targets, roster), roster, now, type_=type_, reason=reason)
    timeline.touch(session, incident, now)


def record(
    session: AsyncSession,
    incident: Incident,
    tellings: Sequence[Telling],
    roster: Roster,
    now: datetime,
    *,
    type_: str,
    reason: str,
) -> None:
    """Write the notices of a step and one timeline entry that names them all with reasons."""
    told = [add_notice(session, incident, telling, now, type_=type_) for telling in tellings]
    if not told:
        return
    data: dict[str, Any] = {
        "tellings": [
            {
                "kind": notice.recipient_kind,
                "name": notice.recipient,
                "channel": notice.channel,
                "reason": notice.reason,
                "state": notice.state,
            }
            for notice in told
        ]
    }
    if not roster.has_operator:
        data["no_operator"] = True
    timeline.append(session, incident.id, at=now, now=now, kind="told", data=data, reason=reason)


def add_notice(
    session: AsyncSession, incident: Incident, telling: Telling, now: datetime, *, type_: str
) -> Notice:
    """One message to one recipient. The desk's needs no sending: it is told by being there."""
    is_desk = telling.recipient_kind == "desk"
    armed = (
        is_desk and telling.reason is RouteReason.DUTY_DESK and telling.hops[0].address == "armed"
    )
    notice = waiting_notice(
        telling.hops,
        now,
        incident_id=incident.id,
        type=type_,
        severity_rank=incident.severity_rank,
        recipient_kind=telling.recipient_kind,
        recipient_id=telling.recipient_id,
        recipient=telling.recipient,
        reason=telling.reason.value,
        language=telling.language,
        state=("delivered" if armed else "unseen") if is_desk else "waiting",
        next_attempt_at=None if is_desk else now,
        accepted_at=now if armed else None,
        delivered_at=now if armed else None,
    )
    session.add(notice)
    hint = StreamHint(topic="notice", ref_id=notice.id, area_id=incident.area_id, at=now)
    add_hint(session, hint)
    return notice


HEARD = {
    Stage.ACKNOWLEDGED: Stage.ACKNOWLEDGED,
    Stage.DISPATCHED: Stage.ACKNOWLEDGED,
    Stage.ACCEPTED: Stage.ACCEPTED,
    Stage.ATTENDED: Stage.ACCEPTED,
}
"""What a device is told that presses while the incident stands at a stage."""


async def tell_devices(
    session: AsyncSession, incident: Incident, now: datetime, stage: Stage
) -> None:
    """Queue the stage for every native device that alarmed in this incident ("help is coming").

    Nobody called for help with a flat battery: of technical matters a button says nothing.
    """
    if incident.severity == Severity.TECHNICAL:
        return
    said = await session.scalars(
        select(EventRow.child_id)
        .where(
            EventRow.incident_id == incident.id,
            EventRow.source_id == NATIVE_SOURCE,
            EventRow.kind.not_in(CLEARING_KINDS),
        )
        .distinct()
    )
    children = set(said)
    if incident.source_id == NATIVE_SOURCE and incident.child_id:
        children.add(incident.child_id)
    for child_id in sorted(children):
        tell_device(session, incident, child_id, now, stage)


def tell_device(
    session: AsyncSession, incident: Incident, child_id: str, now: datetime, stage: Stage
) -> None:
    """Queue the stage for one native device."""
    session.add(
        waiting_notice(
            [Hop(channel="device", address=child_id)],
            now,
            incident_id=incident.id,
            type="device.stage",
            severity_rank=incident.severity_rank,
            recipient_kind="device",
            recipient_id=child_id,
            recipient=child_id,
            payload={"incident": incident.id, "stage": stage},
            reason="stage_changed",
            language="zh",
        )
    )
