"""The ladder: each step at its time, repeats that wait and alternate, a deadline in every stage."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerting.escalation import (
    DueKind,
    LadderStep,
    Policy,
    Step,
    Target,
    Who,
    clamp,
    first_step,
    next_step,
    stage_deadline,
)
from alerting.incident import FINAL, Stage

NOW = datetime(2026, 3, 1, 0, 15, tzinfo=UTC)
STAGES = sorted(set(Stage) - FINAL)


def rung(after_s: int, *who: str) -> LadderStep:
    return LadderStep(after_s=after_s, tell=tuple(Target(who=one) for one in who))  # type: ignore[arg-type]


LADDER = Policy(
    steps=(
        rung(0, "desk", "contacts"),
        rung(60, "on_call"),
        rung(120, "supervisors", "operator"),
    ),
    repeat_s=300,
    dispatch_s=310,
    accept_s=180,
    arrive_s=1800,
    outcome_s=3600,
    close_s=7200,
    chase_s=240,
)


def names(step: Step) -> list[str]:
    return [target.who for target in step.targets]


def wait_s(step: Step, now: datetime = NOW) -> float:
    return (step.deadline.due_at - now).total_seconds()


def climb(policy: Policy, steps: int) -> list[Step]:
    """The first step and `steps` further ones, nobody ever taking the incident."""
    taken, now = [first_step(policy, NOW)], NOW
    for _ in range(steps):
        last = taken[-1]
        now = last.deadline.due_at
        taken.append(next_step(Stage.OPEN, last.deadline.kind, last.step, last.round, policy, now))
    return taken


def test_the_first_step_is_taken_at_once_and_says_when_the_next_one_is_due() -> None:
    step = first_step(LADDER, NOW)
    assert (names(step), step.step, step.round) == (["desk", "contacts"], 1, 0)
    assert (step.reason, step.deadline.kind, wait_s(step)) == ("told_together", DueKind.LADDER, 60)


def test_leading_steps_without_a_delay_are_one() -> None:
    policy = Policy(steps=(rung(0, "desk"), rung(0, "contacts"), rung(90, "operator")))
    step = first_step(policy, NOW)
    assert (names(step), step.step, wait_s(step)) == (["desk", "contacts"], 2, 90)


def test_a_first_step_with_a_delay_is_taken_at_once_all_the_same() -> None:
    """Somebody pressed: there is nothing to wait for before the first ring."""
    policy = Policy(steps=(rung(30, "desk"), rung(60, "operator")))
    assert (names(first_step(policy, NOW)), wait_s(first_step(policy, NOW))) == (["desk"], 60)


def test_nobody_takes_it_and_each_step_comes_at_its_time() -> None:
    taken = climb(LADDER, 5)
    assert [names(step) for step in taken] == [
        ["desk", "contacts"],
        ["on_call"],
        ["supervisors", "operator"],
        ["supervisors", "operator"],
        ["desk", "contacts", "supervisors", "operator"],
        ["supervisors", "operator"],
    ]
    gaps = [
        (later.deadline.due_at - before.deadline.due_at).total_seconds()
        for before, later in itertools.pairwise(taken)
    ]
    assert [wait_s(taken[0]), *gaps] == [60, 120, 300, 300, 300, 300]
    assert [step.reason for step in taken[1:]] == [
        *["nobody_took_it"] * 2,
        *["nobody_took_it_repeat"] * 3,
    ]
    assert [step.alternate for step in taken] == [False, False, False, False, True, False]


def test_a_later_step_without_a_delay_waits_a_second() -> None:
    policy = Policy(steps=(rung(0, "desk"), rung(60, "on_call"), rung(0, "operator")))
    assert [wait_s(step, step.deadline.due_at) for step in climb(policy, 1)] == [0, 0]
    assert climb(policy, 1)[1].deadline.delay_s == 1


@pytest.mark.parametrize(
    ("stage", "kind", "delay_s"),
    [
        (Stage.OPEN, DueKind.LADDER, 60),
        (Stage.ACKNOWLEDGED, DueKind.DISPATCH, 310),
        (Stage.DISPATCHED, DueKind.ACCEPT, 180),
        (Stage.ACCEPTED, DueKind.ARRIVE, 1800),
        (Stage.ATTENDED, DueKind.OUTCOME, 3600),
        (Stage.FOLLOWING_UP, DueKind.CLOSE, 7200),
    ],
)
def test_each_stage_begins_with_its_deadline(stage: Stage, kind: DueKind, delay_s: int) -> None:
    deadline = stage_deadline(stage, LADDER, NOW)
    assert deadline is not None
    assert (deadline.kind, deadline.delay_s) == (kind, delay_s)
    assert deadline.due_at == NOW + timedelta(seconds=delay_s)


@pytest.mark.parametrize("stage", sorted(FINAL))
def test_what_has_ended_is_never_due(stage: Stage) -> None:
    assert stage_deadline(stage, LADDER, NOW) is None


REMINDED = {
    (Stage.ACKNOWLEDGED, DueKind.DISPATCH): ["owner"],
    (Stage.DISPATCHED, DueKind.ACCEPT): ["assigned_visitor", "owner"],
    (Stage.ACCEPTED, DueKind.ARRIVE): ["assigned_visitor", "owner"],
    (Stage.ATTENDED, DueKind.OUTCOME): ["assigned_visitor", "owner"],
    (Stage.FOLLOWING_UP, DueKind.CLOSE): ["owner"],
}
CHASED = ["desk", "supervisors", "on_call"]


@pytest.mark.parametrize(("at", "reminded"), REMINDED.items())
def test_who_does_not_act_is_reminded_then_everybody_then_the_operator(
    at: tuple[Stage, DueKind], reminded: list[str]
) -> None:
    stage, kind = at
    told, now = [], NOW
    for round_ in range(4):
        step = next_step(stage, kind, 3, round_, LADDER, now)
        told.append(names(step))
        assert (step.step, step.round, step.deadline.kind) == (3, round_ + 1, kind)
        assert (wait_s(step, now), step.reason) == (240, f"overdue_{kind.value}")
        assert step.alternate == (round_ % 2 == 1)
        now = step.deadline.due_at
    everybody = [*reminded, *CHASED]
    assert told == [reminded, everybody, [*everybody, "operator"], [*everybody, "operator"]]


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {Stage.OPEN}))
def test_an_owner_who_does_not_react_starts_the_ladder_again(stage: Stage) -> None:
    step = next_step(stage, DueKind.OWNER_REACTION, 3, 2, LADDER, NOW)
    assert (names(step), step.step, step.round) == (["desk", "contacts"], 1, 0)
    assert (step.reason, step.deadline.kind) == ("owner_silent", DueKind.LADDER)
    up = next_step(stage, step.deadline.kind, step.step, step.round, LADDER, NOW)
    assert names(up) == ["on_call"], "and it climbs, whatever the stage"


def targets() -> st.SearchStrategy[Target]:
    return st.builds(
        Target, who=st.sampled_from(get_args(Who)), by=st.sampled_from(["message", "call", "all"])
    )


def policies() -> st.SearchStrategy[Policy]:
    steps = st.builds(
        LadderStep,
        after_s=st.integers(0, 3600),
        tell=st.lists(targets(), min_size=1, max_size=4).map(tuple),
    )
    week = 7 * 86400
    return st.builds(
        Policy,
        steps=st.lists(steps, min_size=1, max_size=6).map(tuple),
        repeat_s=st.integers(30, week),
        dispatch_s=st.integers(30, week),
        accept_s=st.integers(30, week),
        arrive_s=st.integers(60, week),
        outcome_s=st.integers(60, week),
        close_s=st.integers(600, 90 * 86400),
        chase_s=st.integers(30, week),
    )


@given(
    policy=policies(),
    stage=st.sampled_from(STAGES),
    kind=st.sampled_from(list(DueKind)),
    step=st.integers(0, 8),
    round_=st.integers(0, 50),
)
def test_there_is_always_a_next_deadline_and_somebody_to_tell(
    policy: Policy, stage: Stage, kind: DueKind, step: int, round_: int
) -> None:
    begins = stage_deadline(stage, policy, NOW)
    assert begins is not None and begins.due_at > NOW
    taken = next_step(stage, kind, step, round_, policy, NOW)
    assert taken.deadline.due_at > NOW and taken.targets and taken.reason
    assert taken.deadline.due_at == NOW + timedelta(seconds=taken.deadline.delay_s)


@given(policy=policies(), repeats=st.integers(1, 6))
def test_repeats_always_wait_their_delay_and_alternate(policy: Policy, repeats: int) -> None:
    taken = climb(policy, len(policy.steps) + repeats)
    again = [step for step in taken if step.reason == "nobody_took_it_repeat"]
    assert len(again) >= repeats
    assert all(step.deadline.delay_s == policy.repeat_s for step in again)
    assert [step.alternate for step in again] == [n % 2 == 1 for n in range(len(again))]
    assert [step.round for step in again] == list(range(1, len(again) + 1))
    last = policy.steps[-1].tell
    assert all(step.targets[-len(last) :] == last for step in again), "the last step is repeated"


@given(policy=policies())
def test_every_step_of_the_ladder_is_taken_once_before_the_first_repeat(policy: Policy) -> None:
    told: list[Target] = []
    for step in climb(policy, len(policy.steps) + 1):
        if step.reason == "nobody_took_it_repeat":
            break
        told += step.targets
    assert told == [target for step in policy.steps for target in step.tell]


@given(
    due_s=st.integers(-(10**7), 10**7),
    delay_s=st.integers(0, 10**6),
)
def test_no_deadline_lies_further_off_than_its_own_delay(due_s: int, delay_s: int) -> None:
    due_at = NOW + timedelta(seconds=due_s)
    clamped = clamp(due_at, delay_s, NOW)
    assert clamped <= due_at, "a deadline never moves away"
    assert clamped <= NOW + timedelta(seconds=max(delay_s, 1))
    assert clamped in (due_at, NOW + timedelta(seconds=max(delay_s, 1)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": []},
        {"steps": [{"after_s": 0, "tell": []}]},
        {"steps": [{"after_s": -1, "tell": [{"who": "desk"}]}]},
        {"steps": [{"after_s": 0, "tell": [{"who": "nobody"}]}]},
        {"steps": [{"after_s": 0, "tell": [{"who": "desk", "by": "pigeon"}]}]},
        {"repeat_s": 29},
        {"repeat_s": 0},
        {"chase_s": 0},
        {"dispatch_s": 0},
        {"surprise": 1},
    ],
)
def test_a_policy_that_could_leave_somebody_waiting_is_refused(wrong: dict[str, Any]) -> None:
    usable: dict[str, Any] = {"steps": [{"after_s": 0, "tell": [{"who": "operator"}]}]}
    Policy.model_validate(usable)
    with pytest.raises(ValidationError):
        Policy.model_validate(usable | wrong)
