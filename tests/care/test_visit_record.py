"""The visit record: the form's own words, whatever a region adds, and nothing without bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.visit_record import MAX_EXTRA, VisitRecord, record_of
from core.errors import InvalidInput

GRADES = {"unchanged", "better", "worse"}
CHANGES = (
    *("expression", "mobility", "illness", "mood"),
    *("personal_hygiene", "home_hygiene", "indoor_environment"),
)
SAFETIES = ("gas_safety", "water_heating_safety", "electricity_safety")
WORDS = {
    "无变化": "unchanged",
    "较好": "better",
    "转好": "better",
    "较差": "worse",
    "严重": "worse",
    "安全": "safe",
    "较安全": "fairly_safe",
    "不安全": "unsafe",
    "增加": "more",
    "减少": "fewer",
}


@pytest.mark.parametrize("word", WORDS)
def test_the_forms_own_word_is_as_good_as_ours(word: str) -> None:
    ours = WORDS[word]
    fields = CHANGES if ours in GRADES else SAFETIES if "safe" in ours else ("members",)
    for name in fields:
        assert record_of({name: word}) == record_of({name: ours})
        assert record_of({name: word}).stored() == {name: ours}


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"mobility": "splendid"}, "record.mobility"),
        ({"gas_safety": "worse"}, "record.gas_safety"),
        ({"members": "better"}, "record.members"),
        ({"members_by": 0}, "record.members_by"),
        ({"members_by": 51}, "record.members_by"),
        ({"needs": "x" * 4001}, "record.needs"),
        ({"illness_name": "x" * 201}, "record.illness_name"),
        ({"extra": "x"}, "record.extra"),
        ({"mood": ["better"]}, "record.mood"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given_: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        record_of(given_)
    assert refusal.value.field == field


def test_an_empty_record_is_a_record() -> None:
    assert record_of({}).stored() == {}
    assert record_of({"needs": None, "extra": {}}).stored() == {}


def test_fields_that_nobody_here_knows_are_kept() -> None:
    record = record_of({"mood": "转好", "宠物": "一只猫", "extra": {"steps": 3}})
    assert record.stored() == {"mood": "better", "extra": {"宠物": "一只猫", "steps": 3}}


def test_what_was_named_as_extra_wins_over_a_stray_field() -> None:
    assert record_of({"pets": 1, "extra": {"pets": 2}}).extra == {"pets": 2}


@pytest.mark.parametrize("length", [MAX_EXTRA - 9, MAX_EXTRA - 8])
def test_the_extra_has_a_bound(length: int) -> None:
    given_ = {"a": "长" * length}  # as JSON: {"a": "…"}, nine signs more
    if length + 9 <= MAX_EXTRA:
        assert record_of(given_).extra == given_
    else:
        with pytest.raises(InvalidInput):
            record_of(given_)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{name: st.sampled_from(sorted(GRADES)) for name in CHANGES},
    **{name: st.sampled_from(["safe", "fairly_safe", "unsafe"]) for name in SAFETIES},
    "members": st.sampled_from(["unchanged", "more", "fewer"]),
    "members_by": st.integers(1, 50),
    "needs": st.text(min_size=1, max_size=30).map(str.strip).filter(bool),
    "region_field": st.one_of(st.integers(), st.booleans(), st.lists(st.integers(), max_size=3)),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_what_is_stored_reads_as_the_same_record(given_: dict[str, Any]) -> None:
    record = record_of(given_)
    stored = record.stored()
    assert VisitRecord.model_validate(stored) == record
    assert record_of(stored).stored() == stored
    assert None not in stored.values()
