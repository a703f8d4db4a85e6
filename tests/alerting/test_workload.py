"""Alarms by gap, their comparison, and what they ask of the staff; what a meter can achieve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.detectors.meter import Grade
from alerting.detectors.view import DeviceView
from alerting.trial.backtest import Ending, Found
from alerting.trial.plan import sampled
from alerting.trial.reach import reach_of
from alerting.trial.seal import seal, unseal
from alerting.trial.workload import (
    QUIETER,
    Alarm,
    Answers,
    Side,
    Staff,
    alarms_of,
    answers_of,
    compared,
    load_of,
    quieter_than,
    staff_of,
)
from care.watch_choices import PRESETS
from core.errors import InvalidInput

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def found(at_h: float, opens: str, level: int = 1, **more: Any) -> Found:
    values: dict[str, Any] = {"since": T0, "facts": {}, "ending": Ending.ROUTINE}
    return Found(T0 + at_h * HOUR, "no_water_use", level, opens, **(values | more))


def gap(_at: datetime) -> tuple[datetime, datetime | None]:
    return T0, T0 + 16 * HOUR


def alarm(at_h: float = 10, **fields: Any) -> Alarm:
    values: dict[str, Any] = {"home_id": "h", "device_id": "d", "kind": "no_water_use", "since": T0}
    return Alarm(at=T0 + at_h * HOUR, **(values | fields))


CHECK, BOTH = alarm(checked=True), alarm(checked=True, opened=True)
INCIDENT = alarm(opened=True)
ABSENCE = alarm(checked=True, opened=True, ending=Ending.ABSENCE)


@pytest.mark.parametrize(
    ("findings", "sort", "checked", "opened"),
    [
        ([found(10, "check")], "check", True, False),
        ([found(10, "check"), found(14, "incident", 2)], "incident", True, True),
        ([found(12, "incident"), found(24, "incident", 2)], "incident", False, True),
        ([found(10, "check", ending=Ending.ABSENCE)], "absence", True, False),
        ([found(10, "check", ending=Ending.RUNNING)], "check", True, False),
    ],
)
def test_a_gap_is_one_alarm_however_often_it_is_found(
    findings: list[Found], sort: str, checked: bool, opened: bool
) -> None:
    (one,) = alarms_of(findings, "h", "d", gap)
    assert (one.sort, one.checked, one.opened) == (sort, checked, opened)
    assert (one.at, one.gap_s) == (findings[0].at, 16 * 3600)


def test_what_is_no_gap_is_an_alarm_each_time() -> None:
    taps = [Found(T0 + n * HOUR, "tap_left_on", 1, "incident", T0 + n * HOUR, {}) for n in (3, 9)]
    assert [one.gap_s for one in alarms_of(taps, "h", "d", gap)] == [0, 0]


def test_sides_are_compared_gap_by_gap() -> None:
    later = alarm(12, opened=True)
    other = alarm(40, since=T0 + 30 * HOUR, opened=True)
    elsewhere = alarm(10, device_id="other")
    lines = compared(Side(alarms=(later, other)), Side(alarms=(CHECK, elsewhere)))
    assert [(line.side, line.alarm, line.earlier_s) for line in lines] == [
        ("both", CHECK, 7200),
        ("new", elsewhere, 0),
        ("gone", other, 0),
    ]


def test_the_load_is_that_of_all_homes_and_a_share_of_checks_becomes_an_incident() -> None:
    """300 home-days with 4 alarms, for 1,000 homes and 5 officer-shifts a day."""
    side = Side(alarms=(CHECK, BOTH, INCIDENT, ABSENCE), home_days=300)
    load = load_of(side, 1000, Staff(shifts_a_day=5), Answers(share=0.4, of=99))
    assert load.checks_a_day == pytest.approx(3 / 300 * 1000)
    assert load.incidents_a_day == pytest.approx((3 + 0.4) / 300 * 1000)
    assert load.absences_a_day == pytest.approx(1 / 300 * 1000), "counted in incidents, too"
    assert load.absences_a_shift == pytest.approx(load.absences_a_day / 5)
    assert load.checks_a_shift == pytest.approx(load.checks_a_day / 5)
    assert load.incidents_a_shift == pytest.approx(load.incidents_a_day / 5)
    assert side.per_100_homes_day == pytest.approx(4 / 3)
    assert (side.count("check"), side.count("incident"), side.count("absence")) == (1, 2, 1)


def test_where_nothing_was_covered_nothing_is_expected() -> None:
    load = load_of(Side(), 1000, Staff(), Answers())
    assert set(load.summary().values()) == {0}
    assert not load.is_too_much


@pytest.mark.parametrize(("shifts", "too_much"), [(1.0, True), (2.0, False)])
def test_more_than_six_a_shift_is_too_much(shifts: float, too_much: bool) -> None:
    side = Side(alarms=(CHECK,) * 10, home_days=100)
    assert load_of(side, 100, Staff(shifts_a_day=shifts), Answers()).is_too_much is too_much


@given(checks=st.integers(0, 50), officers=st.floats(0.5, 100))
def test_more_staff_never_means_more_load(checks: int, officers: float) -> None:
    side = Side(alarms=(CHECK,) * checks, home_days=30)
    few = load_of(side, 50, Staff(shifts_a_day=officers), Answers())
    more = load_of(side, 50, Staff(shifts_a_day=officers * 2), Answers())
    assert more.checks_a_shift <= few.checks_a_shift


def test_the_quieter_preset_ends_with_the_quietest() -> None:
    for preset in PRESETS["no_water_use"]:
        steps, name = 0, preset
        while name in QUIETER:
            name, steps = QUIETER[name], steps + 1
        assert name in ("fixed-24h-10l", "off")
        assert steps <= 3
    assert quieter_than({"no_water_use": {"preset": "adaptive"}}) == "adaptive-quiet"
    assert quieter_than({"leak": {"preset": "on"}}) is None


def test_staff_is_counted_from_the_hours_that_people_were_on_call() -> None:
    since, until = T0, T0 + timedelta(days=14)
    assert staff_of([], since, until) is None
    before = (T0 - timedelta(days=2), T0 - timedelta(days=1))
    assert staff_of([before], since, until) is None
    young = (until - HOUR, until + timedelta(days=1))
    assert staff_of([young], since, until) is None, "an hour of shifts says nothing of a day"
    always = (T0 - timedelta(days=90), until + timedelta(days=1))
    assert staff_of([always, before], since, until) == Staff(shifts_a_day=3.0, source="shifts")


def test_few_real_checks_say_nothing_about_how_many_are_answered() -> None:
    few = answers_of({"well": 10, "unanswered": 9, "overtaken": 500})
    assert (few.share, few.of, few.is_assumed) == (0.3, 19, True)
    enough = answers_of({"well": 10, "unanswered": 7, "help": 1, "nobody_to_ask": 2, "away": 5})
    assert (enough.share, enough.of, enough.is_assumed) == (0.4, 25, False)


def test_the_sample_is_the_same_every_time_and_not_the_first_ones() -> None:
    ids = [f"home-{number:04}" for number in range(1000)]
    chosen = sampled(ids)
    assert len(chosen) == 200
    assert chosen == sampled(ids[::-1])
    assert sum(1 for one in chosen if one < "home-0500") in range(70, 131)
    assert sampled(ids[:200]) == ids[:200]


def test_what_a_back_test_said_cannot_be_bettered_on_the_way() -> None:
    scope, rules = ("area-1", None, None), {"no_water_use": {"preset": "adaptive"}}
    said = {"alarms": 14, "advice": None, "share": 0.3}
    sealed = seal("secret", scope, rules, said)
    assert unseal("secret", scope, rules, sealed) == said
    other = {"no_water_use": {"preset": "off"}}
    for key, about, what, token in (
        ("another", scope, rules, sealed),
        ("secret", ("area-2", None, None), rules, sealed),
        ("secret", scope, other, sealed),
        ("secret", scope, rules, "x" + sealed),
        ("secret", scope, rules, sealed[:-1]),
        ("secret", scope, rules, ""),
        ("secret", scope, rules, "。.。"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            unseal(key, about, what, token)
        assert refusal.value.field == "back_test"


@pytest.mark.parametrize(
    ("every_h", "step_l", "preset", "grade", "delay_h", "unfit"),
    [
        (1, 1, "adaptive", Grade.FINE, (12, 16), False),
        (4, 1, "adaptive", Grade.SPARSE, (16, 20), False),
        (1, 10, "adaptive", Grade.COARSE, (24, 38), True),
        (12, 1, "adaptive-quiet", Grade.BLIND, (36, 36), True),
        (1, 100, "adaptive-tight", Grade.DARK, (37, 37), True),
        (1, 100, "fixed-12h-10l", Grade.DARK, (13, 13), False),
        (2, 1, "fixed-24h-10l", Grade.FINE, (26, 26), False),
    ],
)
def test_what_a_meter_can_achieve(
    every_h: int, step_l: int, preset: str, grade: Grade, delay_h: tuple[int, int], unfit: bool
) -> None:
    readings = [(T0 + n * every_h * HOUR, 5 + n * step_l / 1000) for n in range(200)]
    rules = {"no_water_use": {"preset": preset}}
    reach = reach_of(readings, DeviceView(id="d", role="water_meter", family="native", rules=rules))
    assert (reach.grade, reach.is_unfit) == (grade, unfit)
    assert reach.delay_s is not None
    assert delay_h[0] <= reach.delay_s / 3600 <= delay_h[1]


def test_switched_off_nothing_is_achieved() -> None:
    rules = {"no_water_use": {"preset": "off"}}
    view = DeviceView(id="d", role="water_meter", family="native", rules=rules)
    assert reach_of([], view).delay_s is None
