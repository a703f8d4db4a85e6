"""What the page announces is what the ladder will do, by the same rule."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.escalation import DueKind, Policy, Target, next_step, stage_deadline
from alerting.incident import Stage
from care.policy import load_policy
from console.outlook import describe, outlook
from console.texts import words

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Policy.model_validate(load_policy("guangdong").ladders["life_safety"])


@given(
    stage=st.sampled_from([Stage.OPEN, Stage.ACKNOWLEDGED, Stage.ACCEPTED, Stage.FOLLOWING_UP]),
    step=st.integers(0, 8),
    round_=st.integers(0, 5),
)
def test_the_announcement_is_the_ladders_own_decision(stage: Stage, step: int, round_: int) -> None:
    deadline = stage_deadline(stage, POLICY, NOW)
    assert deadline is not None
    shown = outlook(stage, deadline.kind.value, deadline.due_at, step, round_, POLICY)
    decided = next_step(stage, deadline.kind, step, round_, POLICY, deadline.due_at)
    assert shown is not None
    assert (shown.targets, shown.reason) == (decided.targets, decided.reason)


@pytest.mark.parametrize("stage", ["closed", "cancelled"])
def test_nothing_is_announced_about_a_case_that_ended(stage: str) -> None:
    assert outlook(stage, None, None, 0, 0, POLICY) is None


def test_a_policy_that_is_gone_costs_the_preview_and_not_the_page() -> None:
    assert outlook("open", DueKind.LADDER.value, NOW, 0, 0, None) is None


CALLS = (Target(who="second_contact", by="call"), Target(who="on_call", by="call"))
MIXED = (Target(who="desk"), Target(who="first_contact", by="call"), Target(who="contacts"))


@pytest.mark.parametrize(
    ("targets", "limit", "lang", "text"),
    [
        ((), 4, "zh", ""),
        (CALLS, 4, "zh", "打电话给第二联系人、值班手机"),
        (CALLS, 4, "en", "call the second contact, the on-call phone"),
        (CALLS, 1, "zh", "打电话给第二联系人等"),
        (MIXED, 4, "zh", "打电话给第一联系人，并通知值班台、紧急联系人"),
        (MIXED, 1, "zh", "打电话给第一联系人"),
        ((Target(who="owner", by="all"),), 4, "zh", "通知王值班"),
        ((Target(who="operator"), Target(who="operator", by="call")), 4, "zh", "打电话给运维人员"),
    ],
)
def test_targets_are_named_as_people_would(
    targets: tuple[Target, ...], limit: int, lang: str, text: str
) -> None:
    assert describe(targets, words(lang), {"owner": "王值班"}, limit) == text
