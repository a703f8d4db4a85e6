"""Regional schemes as data: found by name, whole, and wrong ones refused in one line."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from care.policy import CloseRules, RegionalPolicy, Tier, known_regions, load_policy
from core.errors import SettingsError

SEVERITIES = {"life_safety", "welfare", "technical"}
MODES = {"on_site", "phone", "video", "remote_monitoring", "met_on_way"}


@pytest.mark.parametrize("region", known_regions())
def test_a_shipped_scheme_is_whole(region: str) -> None:
    policy = load_policy(region)
    assert policy.name == region
    assert policy.title_zh and policy.title_en and "号" in policy.document
    assert len({tier.key for tier in policy.tiers}) == len(policy.tiers) > 0
    assert all(tier.name_zh and tier.name_en for tier in policy.tiers)
    assert set(policy.visits.modes) <= MODES
    assert 0 < policy.visits.every_days <= 92
    assert policy.ladders.keys() == SEVERITIES
    assert load_policy(region) is policy, "read once"


def test_guangdongs_gates_are_those_of_its_paper() -> None:
    """二（四）：探访后填写记录；有隐患的要跟踪；未上门的说明理由。"""
    policy = load_policy("guangdong")
    assert policy.close == CloseRules(
        visit_record=True,
        waiver_without_visit=True,
        waiver_instead_of_record=False,
        follow_ups_done=True,
        follow_up_on_hazard=True,
    )
    assert [tier.name_zh for tier in policy.tiers] == ["重点对象", "一般对象"]
    assert policy.first_contact.who == "emergency_contact"


@pytest.mark.parametrize("region", ["", "atlantis", "Guangdong", "../policies/guangdong", "\0"])
def test_an_unknown_region_is_named_with_those_there_are(region: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_policy(region)
    assert refusal.value.setting == "ANJU_REGION"
    assert "guangdong" in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        {"ladders": None},
        {"tiers": "重点对象"},
        {"visits": {"every_days": "soon", "modes": []}},
        {"close": {"visit_records": True}},
        {"colour": "red"},
    ],
)
def test_a_slip_of_the_pen_in_a_scheme_is_refused(change: dict[str, object]) -> None:
    good = load_policy("guangdong").model_dump()
    RegionalPolicy.model_validate(good)
    with pytest.raises(ValidationError):
        RegionalPolicy.model_validate(good | change)


def test_a_scheme_cannot_be_changed_in_memory() -> None:
    tier: Tier = load_policy("guangdong").tiers[0]
    with pytest.raises(ValidationError):
        tier.name_en = "other"
