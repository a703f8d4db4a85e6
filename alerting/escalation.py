"""The ladder: who is told when, which step is next, and a deadline for every stage. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerting.incident import CloseGates, Stage
from care.policy import CheckRules

Who = Literal[
    "desk",
    "contacts",
    "first_contact",
    "second_contact",
    "later_contacts",
    "responsible_visitor",
    "on_call",
    "supervisors",
    "owner",
    "assigned_visitor",
    "operator",
    "webhooks",
]
By = Literal["message", "call", "all"]
Seconds = Annotated[int, Field(ge=0, le=30 * 86400)]


class Target(BaseModel):
    """Somebody to tell, and by what: a `message` (webhook, sms, …), a `call`, or `all`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    who: Who
    by: By = "message"


class LadderStep(BaseModel):
    """One rung: after `after_s` seconds since the step before, tell these."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    after_s: Seconds
    tell: tuple[Target, ...] = Field(min_length=1)


class Policy(BaseModel):
    """What is stamped on an incident: its ladder, its deadlines, its gates. Times are seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    steps: tuple[LadderStep, ...] = Field(min_length=1)
    repeat_s: Annotated[int, Field(ge=30, le=7 * 86400)] = 300  # delay of the last step's repeats
    dispatch_s: Annotated[int, Field(ge=30, le=7 * 86400)] = 300  # acknowledged, nobody sent
    accept_s: Annotated[int, Field(ge=30, le=7 * 86400)] = 180  # sent, not accepted
    arrive_s: Annotated[int, Field(ge=60, le=7 * 86400)] = 1800  # accepted, not arrived
    outcome_s: Annotated[int, Field(ge=60, le=7 * 86400)] = 3600  # arrived, no outcome
    close_s: Annotated[int, Field(ge=600, le=90 * 86400)] = 7 * 86400  # outcome, not closed
    chase_s: Annotated[int, Field(ge=30, le=7 * 86400)] = 300  # between reminders in a stage
    gates: CloseGates = CloseGates()
    check: CheckRules = CheckRules()  # of welfare: the question before the incident
    chase_group: tuple[Target, ...] = (
        Target(who="desk"),
        Target(who="supervisors", by="all"),
        Target(who="on_call", by="call"),
    )

    def ends_in_operator(self) -> bool:
        """A ladder must end in a target that cannot be empty."""
        return any(target.who == "operator" for target in self.steps[-1].tell)


class DueKind(StrEnum):
    """Why an incident's deadline is what it is."""

    LADDER = "ladder"  # nobody took it: next step
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    ARRIVE = "arrive"
    OUTCOME = "outcome"
    CLOSE = "close"
    OWNER_REACTION = "owner_reaction"  # pressed again; the owner has two minutes


OWNER_REACTION_S = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """When somebody must have acted, why, and the delay that led to it (for clamping)."""

    due_at: datetime
    kind: DueKind
    delay_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A decision: tell `targets` now, count on from here, be back at `deadline`."""

    targets: tuple[Target, ...]
    step: int  # ladder steps done after this one
    round: int  # repeats of the last step, or reminders in this stage
    deadline: Deadline
    reason: str  # a key of wording
    alternate: bool = False  # repeats start with the other channel


_STAGE_DEADLINES: Mapping[Stage, tuple[DueKind, str]] = {
    Stage.ACKNOWLEDGED: (DueKind.DISPATCH, "dispatch_s"),
    Stage.DISPATCHED: (DueKind.ACCEPT, "accept_s"),
    Stage.ACCEPTED: (DueKind.ARRIVE, "arrive_s"),
    Stage.ATTENDED: (DueKind.OUTCOME, "outcome_s"),
    Stage.FOLLOWING_UP: (DueKind.CLOSE, "close_s"),
}


def deadline_in(seconds: int, kind: DueKind, now: datetime) -> Deadline:
    return Deadline(due_at=now + timedelta(seconds=seconds), kind=kind, delay_s=seconds)


def first_step(policy: Policy, now: datetime, reason: str = "told_together") -> Step:
    """What happens at T0: every leading step without a delay, and when the next one follows."""
    targets: list[Target] = []
    done = 0
    for step in policy.steps:
        if done and step.after_s:
            break
        targets.extend(step.tell)
        done += 1
    return Step(
        targets=tuple(targets),
        step=done,
        round=0,
        deadline=_ladder_deadline(policy, done, now),
        reason=reason,
    )


def _ladder_deadline(policy: Policy, done: int, now: datetime) -> Deadline:
    """The next rung's delay, or the repeat delay when there is none left; never zero."""
    delay = policy.steps[done].after_s if done < len(policy.steps) else policy.repeat_s
    return deadline_in(max(delay, 1), DueKind.LADDER, now)


def stage_deadline(stage: Stage, policy: Policy, now: datetime) -> Deadline | None:
    """The deadline that starts with a stage; None for final stages."""
    if stage is Stage.OPEN:
        return _ladder_deadline(policy, 1, now)
    if stage not in _STAGE_DEADLINES:
        return None
    kind, field = _STAGE_DEADLINES[stage]
    return deadline_in(int(getattr(policy, field)), kind, now)


def next_step(
    stage: Stage, due_kind: DueKind, step: int, round_: int, policy: Policy, now: datetime
) -> Step:
    """A deadline has passed: decide who is told now and when to look again.

    In `open` the ladder goes up, and its last step repeats. In later stages the owner (or the
    assigned visitor) is reminded once, then everybody who can step in, again and again.
    """
    if stage is Stage.OPEN or due_kind is DueKind.LADDER:
        return _climb(step, round_, policy, now)
    if due_kind is DueKind.OWNER_REACTION:
        return first_step(policy, now, reason="owner_silent")
    reminder = _first_reminder(due_kind)
    targets = reminder if round_ == 0 else (*reminder, *policy.chase_group)
    if round_ >= 2:
        targets = (*targets, Target(who="operator"))
    return Step(
        targets=targets,
        step=step,
        round=round_ + 1,
        deadline=deadline_in(policy.chase_s, due_kind, now),
        reason=f"overdue_{due_kind.value}",
        alternate=round_ % 2 == 1,
    )


def _climb(step: int, round_: int, policy: Policy, now: datetime) -> Step:
    if step < len(policy.steps):
        rung = policy.steps[step]
        return Step(
            targets=rung.tell,
            step=step + 1,
            round=0,
            deadline=_ladder_deadline(policy, step + 1, now),
            reason="nobody_took_it",
        )
    # The last step repeats, over alternating targets: odd rounds ask everybody again from the top.
    again = round_ % 2 == 1
    targets = (
        policy.steps[-1].tell if not again else (*policy.steps[0].tell, *policy.steps[-1].tell)
    )
    return Step(
        targets=targets,
        step=step,
        round=round_ + 1,
        deadline=deadline_in(policy.repeat_s, DueKind.LADDER, now),
        reason="nobody_took_it_repeat",
        alternate=again,
    )


def _first_reminder(due_kind: DueKind) -> tuple[Target, ...]:
    owner = Target(who="owner", by="all")
    if due_kind in (DueKind.ACCEPT, DueKind.ARRIVE, DueKind.OUTCOME):
        return (Target(who="assigned_visitor", by="all"), owner)
    return (owner,)


def clamp(due_at: datetime, delay_s: int, now: datetime) -> datetime:
    """After a step of the clock no deadline may lie further away than its own delay."""
    return min(due_at, now + timedelta(seconds=max(delay_s, 1)))
