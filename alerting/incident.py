"""An incident's life as pure rules: which move is allowed, where a finding belongs, what closes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from alerting.finding import Finding, Severity, Sign


class Stage(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    ATTENDED = "attended"
    FOLLOWING_UP = "following_up"
    CLOSED = "closed"
    CANCELLED = "cancelled"


FINAL = frozenset({Stage.CLOSED, Stage.CANCELLED})
UNATTENDED = frozenset(
    {Stage.OPEN, Stage.ACKNOWLEDGED, Stage.DISPATCHED, Stage.ACCEPTED, Stage.ATTENDED}
)
"""Stages before an outcome is recorded: a further finding joins instead of opening anew."""


class Move(StrEnum):
    """What a person may do to the stage, named as in the REST calls."""

    ACKNOWLEDGE = "acknowledge"
    RELEASE = "release"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    ARRIVE = "arrive"
    OUTCOME = "outcome"
    CLOSE = "close"
    REOPEN = "reopen"
    CANCEL = "cancel"


_S = Stage
MOVES: dict[Move, tuple[frozenset[Stage], Stage]] = {
    Move.ACKNOWLEDGE: (frozenset({_S.OPEN}), _S.ACKNOWLEDGED),
    Move.RELEASE: (frozenset({_S.ACKNOWLEDGED, _S.DISPATCHED, _S.ACCEPTED}), _S.OPEN),
    Move.DISPATCH: (
        frozenset({_S.OPEN, _S.ACKNOWLEDGED, _S.DISPATCHED, _S.ACCEPTED}),
        _S.DISPATCHED,
    ),
    Move.ACCEPT: (frozenset({_S.DISPATCHED}), _S.ACCEPTED),
    Move.ARRIVE: (frozenset({_S.DISPATCHED, _S.ACCEPTED}), _S.ATTENDED),
    Move.OUTCOME: (
        frozenset({_S.ACKNOWLEDGED, _S.DISPATCHED, _S.ACCEPTED, _S.ATTENDED}),
        _S.FOLLOWING_UP,
    ),
    Move.CLOSE: (frozenset({_S.FOLLOWING_UP}), _S.CLOSED),
    Move.REOPEN: (frozenset({_S.FOLLOWING_UP, _S.CLOSED}), _S.OPEN),
    Move.CANCEL: (frozenset({_S.OPEN, _S.ACKNOWLEDGED}), _S.CANCELLED),
}
"""The contract's stage table: move → (stages it starts from, stage it leads to)."""


class Outcome(StrEnum):
    ASSISTED = "assisted"
    HOSPITAL = "hospital"
    FALSE_ALARM = "false_alarm"
    NOBODY_HOME = "nobody_home"
    DECEASED = "deceased"
    OTHER = "other"


PROOF_OF_LIFE = frozenset({Outcome.ASSISTED, Outcome.HOSPITAL, Outcome.FALSE_ALARM})
"""Outcomes for which a person saw or spoke with the elder."""

SEEN_TO = PROOF_OF_LIFE | {Outcome.DECEASED}
"""Outcomes after which a gap counts anew; any other re-arms the detectors. Who was taken to
hospital or died rests by their status, and whoever else lives there is watched over from then on.
"""


def allowed_moves(stage: Stage, severity: Severity, mode: str) -> tuple[Move, ...]:
    """The moves the stage table permits, in the order a duty officer would think of them."""
    return tuple(
        move
        for move, (sources, _) in MOVES.items()
        if stage in sources and not (move is Move.CANCEL and cancel_refusal(severity, mode))
    )


def cancel_refusal(severity: Severity, mode: str) -> str | None:
    """Why a cancel is refused: somebody may lie on the floor, so life safety needs an outcome."""
    if severity is Severity.LIFE_SAFETY and mode == "actual":
        return "an actual life-safety incident cannot be cancelled; record an outcome instead"
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseView:
    """What the gates look at."""

    severity: Severity
    outcome: str | None
    was_dispatched: bool
    was_attended: bool
    linked_visits: int
    open_follow_ups: int  # neither completed nor handed over
    waiver: str | None


class CloseGates(BaseModel):
    """A region's conditions for closing (care/policies/*.toml, `[close]`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    visit_record: bool = True  # attended: one linked visit record
    waiver_without_visit: bool = True  # never attended: an explicit waiver with its reason
    waiver_instead_of_record: bool = False  # may a waiver stand in for a missing record?
    follow_ups_done: bool = True


def missing_gates(view: CloseView, gates: CloseGates) -> tuple[str, ...]:
    """The gates not met, by name: `outcome`, `visit_record`, `visit_or_waiver`, `follow_ups`.

    Technical incidents close with an outcome alone (contract.md).
    """
    missing: list[str] = []
    if view.outcome is None:
        missing.append("outcome")
    if view.severity is not Severity.TECHNICAL:
        if view.was_attended:
            waived = gates.waiver_instead_of_record and view.waiver
            if gates.visit_record and not view.linked_visits and not waived:
                missing.append("visit_record")
        elif gates.waiver_without_visit and not view.waiver and not view.linked_visits:
            missing.append("visit_or_waiver")
    if gates.follow_ups_done and view.open_follow_ups:
        missing.append("follow_ups")
    return tuple(missing)


class Verb(StrEnum):
    """What becomes of a finding."""

    OPEN = "open"
    JOIN = "join"  # added to the running incident; nobody is told again
    RING_ALL = "ring_all"  # joins, and everybody is told again: nobody owns it yet
    RING_OWNER = "ring_owner"  # joins, and the owner alone is told
    LATCHED = "latched"  # the level never cleared: open a fault instead
    CLEAR = "clear"  # the condition ended; the stage stays
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where a finding belongs, and why (a key of wording)."""

    verb: Verb
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Current:
    """The running incident of the finding's subject and kind, as far as placing needs it."""

    stage: Stage
    rang_at: datetime | None
    opened_at: datetime
    condition: str = "active"
    is_new_voice: bool = False  # the device that spoke is not among those that alarm already


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """The latest incident of the same subject and kind that has an outcome."""

    outcome_at: datetime | None
    condition: str = "active"


OWNER_RING_EVERY = timedelta(minutes=2)
LATCHED_AFTER = timedelta(hours=12)


def place(finding: Finding, current: Current | None, past: Past | None, now: datetime) -> Placement:
    """Decide what a finding does. Pure: the caller looks up `current` and `past` and acts."""
    if finding.sign is Sign.CLEARED:
        return _place_clear(current or past)
    if current is not None:
        return _place_beside(finding, current, now)
    if finding.sign is Sign.HELD:
        return _place_held(finding, past, now)
    return Placement(
        verb=Verb.OPEN, reason="opened_found" if finding.sign is Sign.FOUND else "opened"
    )


def _place_clear(latest: Current | Past | None) -> Placement:
    if latest is None or latest.condition == "cleared":
        return Placement(verb=Verb.NOTHING, reason="nothing_to_clear")
    return Placement(verb=Verb.CLEAR, reason="cleared_by_device")


def _place_beside(finding: Finding, current: Current, now: datetime) -> Placement:
    if finding.sign in (Sign.HELD, Sign.FOUND) and not current.is_new_voice:
        return Placement(verb=Verb.JOIN, reason="still_active")
    if finding.severity is not Severity.LIFE_SAFETY and finding.sign is not Sign.WORSE:
        return Placement(verb=Verb.JOIN, reason="joined")
    if current.stage is Stage.OPEN:
        return Placement(verb=Verb.RING_ALL, reason="again_unowned")
    last = current.rang_at or current.opened_at
    if current.rang_at is not None and now - last < OWNER_RING_EVERY:
        return Placement(verb=Verb.JOIN, reason="again_owner_just_rung")
    return Placement(verb=Verb.RING_OWNER, reason="again_owned")


def _place_held(finding: Finding, past: Past | None, now: datetime) -> Placement:
    """A level that is still true: news only when nobody ever heard of it, or it is latched."""
    if past is None or past.outcome_at is None:
        # The detector says "held" but no incident exists: it was lost to a rebinding or an import.
        return Placement(verb=Verb.OPEN, reason="opened_found")
    if past.condition == "cleared":
        return Placement(verb=Verb.OPEN, reason="opened")
    if finding.severity is not Severity.TECHNICAL and now - past.outcome_at >= LATCHED_AFTER:
        return Placement(verb=Verb.LATCHED, reason="latched")
    return Placement(verb=Verb.NOTHING, reason="held_after_outcome")


MOST_ALARMING = 100
OTHERS = "*"
"""Stands for every further device once so many are alarming: then nobody can say "all clear"."""


def alarming_after(alarming: Sequence[str], child: str, sign: Sign) -> list[str]:
    """The devices of an incident that still alarm, after one of them said something.

    One detector's "clear" says nothing about the other one in the same home.
    """
    if sign is Sign.CLEARED:
        return [other for other in alarming if other != child]
    if child in alarming or OTHERS in alarming:
        return list(alarming)
    return [*alarming, child if len(alarming) < MOST_ALARMING else OTHERS]


def subject_of(
    kind_severity: Severity,
    *,
    device_id: str | None,
    elder_id: str | None,
    home_id: str | None,
    worn: bool,
    source_id: str,
    child_id: str,
) -> str:
    """Who or what an incident is about: never empty, the key of the unique index.

    The elder for worn devices, the home for shared ones, the device for technical kinds,
    source and child for unbound ones.
    """
    if device_id is not None and kind_severity is Severity.TECHNICAL:
        return f"device:{device_id}"
    if elder_id is not None and worn:
        return f"elder:{elder_id}"
    if home_id is not None:
        return f"home:{home_id}"
    return f"child:{source_id}/{child_id}"


FOLD_AFTER = 3


def folded_subject(source_id: str, unattended_unbound: Sequence[str], subject: str) -> str:
    """After the third unbound incident of a source, further ones share one subject.

    A bridge full of unknown detectors must not bury the desk; the timeline still names each.
    """
    if subject in unattended_unbound or len(unattended_unbound) < FOLD_AFTER:
        return subject
    return f"source:{source_id}"
