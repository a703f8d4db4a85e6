"""Water that never stops, too much of it, and use that no person makes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from alerting.detect import DeviceState, can_assess, dump_state, judge, rearm
from alerting.finding import Finding, Severity
from alerting.wording import incident_title
from tests.detection.support import T0, Watch, device, event, hours, reading, water

FOUND = ("rose", "worse")


def meter(preset: str = "adaptive", **rules: dict[str, object]) -> Watch:
    return Watch(device("water_meter", rules={"no_water_use": {"preset": preset}} | rules))


class Register:
    """A register that is read every so many hours; `runs` returns what was found of one kind."""

    def __init__(self, watch: Watch, every_h: float = 1, pulse_l: float = 0) -> None:
        self.watch, self.every_h, self.pulse_l = watch, every_h, pulse_l
        self.hour, self.litres = 0.0, 50_000.0

    def runs(self, litres: Iterable[float], kind: str = "leak") -> list[tuple[float, Finding]]:
        found = []
        for one in litres:
            self.hour += self.every_h
            self.litres += one
            shown = self.litres // self.pulse_l * self.pulse_l if self.pulse_l else self.litres
            now = T0 + hours(self.hour)
            found += [
                (self.hour, each)
                for each in self.watch.hears([(now, water(shown))], now)
                if each.kind == kind
            ]
        return found


def signs(found: Iterable[tuple[float, Finding]]) -> list[tuple[float, str]]:
    return [(hour, one.sign.value) for hour, one in found]


def day(litres: float, calm: float = 0.0) -> list[float]:
    """A day of a home: something at seven, noon and seven, and `calm` in every other hour."""
    return [litres if hour in (7, 12, 19) else calm for hour in range(24)]


# --- never calm ---------------------------------------------------------------------------------


def test_a_day_without_a_calm_hour_is_a_leak_once_and_ends_with_a_calm_hour() -> None:
    home = Register(meter())
    home.runs([*day(60), 0])
    found = home.runs([3.0] * 60)
    assert signs(found) == [(25 + 24, "rose")]
    assert signs(home.runs([3, 3, 0, 0])) == [(25 + 60 + 3, "cleared")]
    assert signs(home.runs([3.0] * 24)) == [(25 + 64 + 24, "rose")]


def test_its_sentence_says_since_when_how_much_an_hour_and_a_day() -> None:
    home = Register(meter())
    home.runs([0, 0])
    ((_, leak),) = home.runs([4.0] * 23 + [28.0])
    assert leak.severity is Severity.WELFARE
    assert leak.facts["since"] == (T0 + hours(2)).isoformat()
    assert (leak.facts["lowest_l"], leak.facts["litres"]) == (4.0, 120.0)
    assert incident_title("leak", leak.facts, "zh") == (
        "漏水：水表 24 小时从未停过：每小时至少 4 升，一天共 120 升；可能漏水或马桶长流"
    )
    assert incident_title("leak", leak.facts, "en") == (
        "Water leak: the meter has not paused for 24 h: at least 4 L an hour, 120 L a day: "
        "a leak or a running toilet?"
    )


@pytest.mark.parametrize("preset", ["adaptive", "fixed-12h-24h-10l", "off"])
def test_it_does_not_depend_on_the_rule_for_no_use(preset: str) -> None:
    assert signs(Register(meter(preset)).runs([0] + [2.0] * 30)) == [(25, "rose")]


@pytest.mark.parametrize(
    "litres",
    [
        [2.0] * 23 + [0.9] + [2.0] * 23,  # one calm hour a day
        day(200, calm=0.5) * 3,  # a drip of half a litre
        day(100) * 5,
    ],
)
def test_a_calm_hour_a_day_is_a_home(litres: list[float]) -> None:
    assert Register(meter()).runs(litres) == []


def test_a_meter_that_reports_every_two_hours_says_nothing_about_every_hour() -> None:
    assert Register(meter(), every_h=2).runs([10.0] * 60) == []


def test_a_hole_is_no_evidence_and_no_calm_hour_either() -> None:
    home = Register(meter())
    found = home.runs([0] + [3.0] * 26)
    home.hour += 5
    assert signs(found) == [(25, "rose")]
    assert home.runs([10.0] + [3.0] * 30) == [], "it stands, and is not told again"
    assert signs(home.runs([0.0])) == [(home.hour, "cleared")]


@pytest.mark.parametrize(("flow", "expected"), [(8.0, 0), (13.0, 0), (30.0, 1)])
def test_ten_litre_pulses_find_only_what_they_can_know(flow: float, expected: int) -> None:
    """One pulse an hour may be a litre: two are more than ten for certain."""
    home = Register(meter(), pulse_l=10)
    home.runs(day(37) * 3)
    found = [sign for _, sign in signs(home.runs([flow] * 60)) if sign in FOUND]
    assert len(found) == expected


def test_it_can_be_switched_off() -> None:
    assert Register(meter(leak={"preset": "off"})).runs([3000.0] * 40) == []


def test_nothing_is_found_while_everybody_is_away_and_all_of_it_after() -> None:
    home = Register(meter())
    here = home.watch.device
    home.watch.device = device("water_meter", rules=here.rules, resting=True)
    assert home.runs([0] + [3.0] * 30) == []
    home.watch.device = here
    assert signs(home.runs([3.0])) == [(32, "rose")]


def test_a_leak_closed_unseen_is_found_again_after_another_day() -> None:
    home = Register(meter())
    home.runs([0] + [3.0] * 24)
    home.watch.text = dump_state(rearm(home.watch.state, "leak", T0 + hours(25)))
    found = home.runs([3.0] * 40)
    assert signs(found) == [(25 + 24, "rose")]
    assert found[0][1].facts["again"] == 1


def test_the_meter_s_own_leak_flag_and_a_leak_sensor_go_on_working() -> None:
    sensor = Watch(device("leak_sensor"))
    assert sensor.hear(T0, event("leak")) == [("leak", "rose")]
    assert sensor.hear(T0 + hours(1), event("leak_clear")) == [("leak", "cleared")]
    home = Register(meter())
    home.runs([0] + [3.0] * 24)
    now = T0 + hours(25)
    assert home.watch.hear(now, event("leak")) == [("leak", "rose")]
    assert home.runs([0.0]) == [], "the meter's own flag is still up"
    assert home.watch.hear(now + hours(2), event("leak_clear")) == [("leak", "cleared")]


def test_a_leak_flag_that_goes_down_does_not_end_what_the_register_shows() -> None:
    home = Register(meter())
    home.runs([0] + [3.0] * 24)
    now = T0 + hours(25)
    home.watch.hear(now, event("leak"))
    assert home.watch.hear(now + hours(2), event("leak_clear")) == []


# --- too much in a day --------------------------------------------------------------------------


def test_more_than_two_cubic_metres_in_a_day_are_found_once_until_it_is_less() -> None:
    home = Register(meter())
    home.runs(day(50) * 2)
    pool = [0.0] * 8 + [300.0, 0.0] * 4 + [400.0, 0.0] * 4
    found = home.runs(pool + day(50) + day(50))
    assert [one.facts.get("reason") for _, one in found] == ["volume", None]
    assert [one.sign.value for _, one in found] == ["rose", "cleared"]
    assert found[0][1].facts["litres"] > 2000
    title = incident_title("leak", found[0][1].facts, "zh")
    assert "超过 2,000 升" in title


def test_two_thousand_litres_spread_over_two_days_are_not() -> None:
    assert Register(meter()).runs((day(20, calm=40)) * 4, kind="tap_left_on") == []
    found = Register(meter()).runs([40.0, 0.0] * 24 * 4)
    assert found == []


def test_too_much_makes_a_leak_that_stands_worse() -> None:
    home = Register(meter())
    assert signs(home.runs([0] + [3.0] * 24)) == [(25, "rose")]
    found = home.runs([110.0] * 30)
    assert [one.sign.value for _, one in found] == ["worse"]
    assert found[0][1].facts["reason"] == "volume"


@pytest.mark.parametrize(("limit", "times"), [(5, 0), (0.5, 1), ("x", 1), (-1, 1), (True, 1)])
def test_the_threshold_is_a_parameter(limit: object, times: int) -> None:
    home = Register(meter(leak={"day_m3": limit}))
    found = home.runs([0.0] * 12 + [150.0, 150.0, 0.0] * 12)
    assert len([one for _, one in found if one.sign.value in FOUND]) == times


# --- like a machine -----------------------------------------------------------------------------


def softener(every_h: int = 2, litres: float = 20.0) -> list[float]:
    """A day of it, read hourly."""
    return [litres if hour % every_h == every_h - 1 else 0.0 for hour in range(24)]


def test_equal_uses_at_equal_intervals_through_day_and_night_cannot_be_assessed() -> None:
    home = Register(meter())
    home.runs(day(61) * 3)
    ((hour, doubt),) = home.runs(softener() * 3, "cannot_assess")
    assert 24 <= hour - 72 <= 28
    assert doubt.severity is Severity.TECHNICAL
    assert (doubt.facts["reason"], doubt.facts["litres"]) == ("machine_like", 20.0)
    assert doubt.facts["every_s"] == 7200
    assert "每 2 小时 20 升" in incident_title("cannot_assess", doubt.facts, "zh")
    assert not can_assess(home.watch.state)


def test_it_is_no_sign_of_life_and_its_end_no_alarm() -> None:
    home = Register(meter())
    home.runs(day(61) * 40)
    home.runs(softener() * 2)
    assert home.runs(softener() * 5, "no_water_use") == []
    part = home.watch.state.water
    assert part is not None
    assert part.habit is not None
    assert part.habit.used_at < (T0 + hours(home.hour - 24 * 5)).timestamp()
    assert home.runs([0.0] * 40, "no_water_use") == []
    found = home.runs([0.0] * 40, "no_water_use")
    assert [sign for _, sign in signs(found)] == ["rose"], "it has stopped: nobody has used water"


def test_it_does_not_clear_a_gap_that_was_found() -> None:
    home = Register(meter("adaptive-tight"))
    home.runs(day(61) * 40)
    home.runs(softener() * 2)
    home.watch.text = dump_state(_with_level(home, 1))
    assert home.runs(softener(), "no_water_use") == []
    assert [sign for _, sign in signs(home.runs([0.0, 47.0], "no_water_use"))] == ["cleared"]


def _with_level(home: Register, level: int) -> DeviceState:
    state = home.watch.state
    assert state.water is not None
    return replace(state, water=replace(state.water, level=level))


def test_two_days_of_people_s_use_clear_it() -> None:
    home = Register(meter())
    home.runs(day(61) * 3 + softener() * 2)
    lived = [a + b for a, b in zip(day(33) * 4, softener() * 4, strict=True)]
    found = home.runs(lived, "cannot_assess")
    assert [sign for _, sign in signs(found)] == ["cleared"]
    assert found[0][0] - 24 * 5 <= 72


@pytest.mark.parametrize("litres", [4.0, 20.0, 300.0])
@pytest.mark.parametrize("every_h", [2, 3, 4])
def test_pumps_and_softeners_of_any_size_are_recognised(every_h: int, litres: float) -> None:
    home = Register(meter("fixed-12h-24h-10l"))
    home.runs(day(61) * 2 + [0.0] * 3)
    found = home.runs(softener(every_h, litres) * 4, "cannot_assess")
    assert [sign for _, sign in signs(found)] == ["rose"]


@pytest.mark.parametrize(
    "litres",
    [
        [1.0] * 100,  # a drip
        [1.0, 0.0, 0.0] * 60,  # a slow one, seen a pulse at a time
        [5.0] * 100,
        [6.0, 0.0, 7.0, 0.0, 0.0, 9.0, 0.0, 6.0, 0.0] * 12,
        day(60) * 8,  # the same three times a day
    ],
)
def test_drips_and_people_of_habit_are_no_machine(litres: list[float]) -> None:
    home = Register(meter())
    home.runs(day(61) * 2)
    assert home.runs(litres, "cannot_assess") == []


def test_ten_litre_pulses_of_a_slow_flow_are_no_machine() -> None:
    home = Register(meter(), pulse_l=10)
    home.runs(day(61) * 2)
    assert home.runs([3.0] * 100, "cannot_assess") == []


def test_a_replay_is_the_same_in_one_batch_and_in_many() -> None:
    litres, said = 50_000.0, []
    flows = softener() * 2 + [3.0] * 48 + day(90)
    for hour in range(24 * 12):
        litres += flows[hour % len(flows)]
        said.append((T0 + hours(hour), reading("water_total", litres / 1000, "m3")))
    now = T0 + hours(24 * 12)
    one, many = meter(), meter()
    whole = one.hears(said, now)
    parts: tuple[Finding, ...] = ()
    for start in range(0, len(said), 7):
        parts += many.hears(said[start : start + 7], now)
    assert (whole, one.text) == (parts, many.text)
    assert judge(one.state, [], one.device, now).state == many.state
