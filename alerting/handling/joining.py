"""A finding joins a running incident: it is added, and whoever should know is rung again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.escalation import OWNER_REACTION_S, DueKind, Target, first_step
from alerting.finding import Finding, Sign
from alerting.incident import Placement, Stage, Verb, alarming_after
from alerting.intake.whose import SUPERVISION, Whose
from alerting.tables import Incident
from alerting.telling.notices import HEARD, tell, tell_device
from alerting.telling.policies import stamped_policy
from care.tables import NATIVE_SOURCE
from core.logging import about, get_logger
from devices.event import Confidence

log = get_logger("incidents")
OWNER_REACTION = timedelta(seconds=OWNER_REACTION_S)


async def join(
    session: AsyncSession,
    incident: Incident,
    finding: Finding,
    decision: Placement,
    whose: Whose,
    now: datetime,
) -> None:
    """Add a finding to the running incident; ring again where the rules say so."""
    with about(incident=incident.id):
        log.info("joined", kind=finding.kind, verb=decision.verb.value, reason=decision.reason)
    if decision.verb is Verb.CLEAR:
        _join_clear(session, incident, finding, decision, whose, now)
        return
    incident.alarming = alarming_after(incident.alarming, whose.child, finding.sign)
    if incident.condition == "cleared" and finding.sign is not Sign.HELD:
        incident.condition = "active"
    if decision.reason == "still_active":
        return
    incident.findings += 1
    incident.version += 1
    timeline.append(
        session,
        incident.id,
        at=finding.at,
        now=now,
        kind="finding",
        data={"incident_kind": finding.kind, "facts": facts_of(finding, whose)},
        reason=decision.reason,
    )
    timeline.touch(session, incident, now)
    heard = HEARD.get(Stage(incident.stage))
    if heard is not None and whose.source_id == NATIVE_SOURCE:
        tell_device(session, incident, whose.child_id, now, heard)
    if decision.verb is Verb.RING_ALL:
        incident.rang_at = now
        policy = await stamped_policy(session, incident.policy_id, incident.policy_version)
        targets = first_step(policy, now).targets
        await tell(
            session, incident, targets, now, type_="incident.repeated", reason=decision.reason
        )
    elif decision.verb is Verb.RING_OWNER:
        incident.rang_at = now
        await tell(
            session,
            incident,
            (Target(who="owner", by="all"), Target(who="desk")),
            now,
            type_="incident.repeated",
            reason=decision.reason,
        )
        _expect_owner(incident, now)


def _join_clear(
    session: AsyncSession,
    incident: Incident,
    finding: Finding,
    decision: Placement,
    whose: Whose,
    now: datetime,
) -> None:
    """A clear never closes; it ends the condition once no other device alarms any more."""
    if whose.child not in incident.alarming and incident.alarming:
        return  # somebody who did not alarm is fine: no news about those who did
    ended = has_cleared(incident, finding, whose)
    incident.version += 1
    timeline.append(
        session,
        incident.id,
        at=finding.at,
        now=now,
        kind="cleared",
        reason=decision.reason if ended else "another_still_on",
    )
    timeline.touch(session, incident, now)


def has_cleared(incident: Incident, finding: Finding, whose: Whose) -> bool:
    """Note that one device is clear; True when that ended the incident's condition."""
    incident.alarming = alarming_after(incident.alarming, whose.child, finding.sign)
    if incident.alarming:
        return False
    incident.condition, incident.cleared_at = "cleared", finding.at
    return True


def _expect_owner(incident: Incident, now: datetime) -> None:
    """The owner has two minutes to react, never more than the deadline that runs already.

    A ladder that climbs again because they did not react goes on: whoever keeps pressing must not
    send it back to its foot.
    """
    if incident.due_kind == DueKind.LADDER:
        return
    wanted = now + OWNER_REACTION
    if incident.due_at is None or wanted < incident.due_at:
        incident.due_at, incident.due_delay_s = wanted, int(OWNER_REACTION.total_seconds())
    incident.due_kind = DueKind.OWNER_REACTION.value


def facts_of(finding: Finding, whose: Whose) -> dict[str, Any]:
    facts: dict[str, Any] = dict(finding.facts)
    if whose.room:
        facts.setdefault("room", whose.room)
    if whose.role:
        facts.setdefault("role", whose.role)
    if finding.confidence is Confidence.UNCONFIRMED:
        facts["unconfirmed"] = True
    if finding.late_s:
        facts["late_s"] = finding.late_s
    if whose.device_id is None and whose.source_id != SUPERVISION:
        facts["unknown_device"] = whose.child_id
    return facts
