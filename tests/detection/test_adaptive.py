"""The adaptive rule: what it learns, what it must not learn, and what it may conclude."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.detect import answered, dump_state, judge, load_state, rearm
from alerting.detectors import habit as habit_
from alerting.detectors import limit as limit_
from alerting.detectors.drip import Drip, is_use, pour
from alerting.detectors.habit import FLOOR_S, HOUR_S, Habit
from alerting.detectors.meter import Grade, Meter, grade, next_week, note
from alerting.detectors.water import Water
from alerting.detectors.zone import local_s
from alerting.finding import Finding
from tests.detection.support import T0, Said, Watch, device, hours, reading, water

Day = Callable[[int, int], float]  # (day, hour) → litres used in that hour


def meter(preset: str = "adaptive", zone: str = "+00:00") -> Watch:
    rules = {"no_water_use": {"preset": preset}}
    return Watch(device("water_meter", rules=rules, zone=zone))


def ordinary(_day: int, hour: int) -> float:
    """Up at six, something at least every three hours, in bed at ten."""
    return 5.0 + hour if hour in (6, 7, 9, 12, 14, 17, 19, 21) else 0.0


class Home:
    """A home's meter, read every hour."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.litres = watch, 100.0
        self.hour: float = 0

    def lives(self, days: float, day: Day = ordinary) -> list[tuple[float, Finding]]:
        found = []
        for _ in range(round(days * 24)):
            found += self.passes(day(int(self.hour) // 24, int(self.hour) % 24))
        return found

    def passes(self, litres: float, in_h: float = 1) -> list[tuple[float, Finding]]:
        """An hour in which so much is used; what is found at its end."""
        self.hour += in_h
        self.litres += litres
        found = self.watch.hears([(self.now, water(self.litres))], self.now)
        return [(self.hour, one) for one in found]

    def stands_still(self, for_h: int, readings_an_hour: int = 1) -> list[tuple[float, Finding]]:
        rest = range(for_h * readings_an_hour)
        return [each for _ in rest for each in self.passes(0, 1 / readings_an_hour)]

    def close(self) -> None:
        """The case is closed, and nobody saw or spoke with the elder."""
        self.watch.text = dump_state(rearm(self.watch.state, "no_water_use", self.now))

    @property
    def now(self) -> datetime:
        return T0 + hours(self.hour)

    @property
    def habit(self) -> Habit:
        part = self.watch.state.water
        assert part is not None
        assert part.habit is not None
        return part.habit


def settled(preset: str = "adaptive", days: int = 70) -> Home:
    """A home that has been known for so many days, without an alarm; it is midnight."""
    home = Home(meter(preset))
    home.lives(days)
    return home


def no_use(found: Sequence[tuple[float, Finding]]) -> list[tuple[float, str]]:
    return [(hour, one.sign.value) for hour, one in found if one.kind == "no_water_use"]


def test_a_day_like_the_others_raises_nothing() -> None:
    home = settled()
    assert no_use(home.lives(14)) == []


@pytest.mark.parametrize(("preset", "latest"), [("adaptive-tight", 12), ("adaptive-quiet", 14)])
def test_a_home_that_falls_silent_in_the_morning_is_found_the_same_day(
    preset: str, latest: int
) -> None:
    home = settled(preset)
    home.lives(8 / 24)  # midnight to eight: up at six
    fell_at = home.hour
    found = no_use(home.stands_still(30))
    assert len(found) == 1, "once a gap"
    assert 4 <= found[0][0] - fell_at <= latest


@pytest.mark.parametrize(
    ("preset", "earliest_h"), [("adaptive-tight", 6.25), ("adaptive-quiet", 7.25)]
)
def test_however_busy_a_home_is_no_profile_alarms_before_its_floor(
    preset: str, earliest_h: float
) -> None:
    home = Home(meter(preset))
    home.lives(300, lambda day, hour: 0.0 if hour in (1, 2) else 10.0 + (13 * hour + 7 * day) % 40)
    fell_at = home.hour
    found = no_use(home.stands_still(30, 6))
    assert len(found) == 1
    assert earliest_h < found[0][0] - fell_at <= earliest_h + 0.5


def test_the_first_level_is_a_question_and_the_second_an_incident() -> None:
    home = settled(days=150)
    home.lives(22 / 24)
    found = [one for _, one in home.stands_still(30, 6) if one.kind == "no_water_use"]
    assert [(one.facts["level"], one.facts["opens"], one.sign.value) for one in found] == [
        (1, "check", "rose"),
        (2, "incident", "worse"),
    ]


def test_use_clears_it_and_says_how_long_it_was() -> None:
    home = settled()
    home.lives(8 / 24)
    home.stands_still(30)
    ((_, cleared),) = home.passes(20)
    assert (cleared.kind, cleared.sign.value) == ("no_water_use", "cleared")
    assert cleared.facts["gap_s"] == 31 * HOUR_S


def test_the_finding_carries_every_figure_of_its_sentence() -> None:
    home = settled(days=150)
    home.lives(22 / 24)
    last_use = home.now
    (first, *_) = (one for _, one in home.stands_still(30, 6) if one.kind == "no_water_use")
    facts = first.facts
    assert facts["since"] == last_use.isoformat()
    assert facts["idle_s"] > facts["limit_s"] >= FLOOR_S
    assert 0 < facts["longest_s"] < facts["limit_s"]
    assert facts["profile"] == "tight"
    assert facts["grade"] == Grade.FINE


def test_a_running_gap_teaches_nothing_and_an_absence_neither() -> None:
    home = settled()
    home.lives(23 / 24)
    before = home.habit.cells
    home.stands_still(60)
    assert home.habit.cells == before, "the gap is still running"
    home.passes(30)
    home.passes(0)
    assert home.habit.cells == before, "longer than a day: nobody was at home"


def test_a_gap_that_ended_within_a_day_is_learnt() -> None:
    home = settled()
    home.lives(23 / 24)
    before = home.habit.cells
    home.stands_still(14)
    home.passes(30)
    assert home.habit.cells == before, "one reading may be a bad one"
    home.passes(0)
    assert home.habit.cells != before
    assert max(home.habit.cells) >= 130, "tenths of an hour"


def test_a_gap_with_a_hole_in_it_is_not_learnt_and_the_use_counts_on_arrival() -> None:
    home = settled()
    home.lives(23 / 24)
    before = home.habit.cells
    home.hour += 9  # nothing heard for nine hours
    home.passes(50)
    assert home.habit.used_at == round(home.now.timestamp())
    home.passes(0)
    assert home.habit.cells == before


def test_silence_of_the_meter_alone_finds_nothing() -> None:
    home = settled()
    home.lives(8 / 24)
    home.hour += 20
    assert home.watch.tick(home.now) == ()


def test_a_false_alarm_widens_the_margin_and_a_true_one_does_not() -> None:
    home = settled("adaptive-tight")
    home.lives(8 / 24)
    home.stands_still(14)
    state = home.watch.state
    margin = home.habit.margins, home.habit.caps
    untouched = answered(state, "no_water_use", was_false=False).water
    widened = answered(state, "no_water_use", was_false=True).water
    assert untouched is not None
    assert untouched.habit is not None
    assert (untouched.habit.margins, untouched.habit.caps) == margin
    assert widened is not None
    assert widened.habit is not None
    assert sum(widened.habit.margins + widened.habit.caps) > sum(margin[0] + margin[1])
    twice = answered(
        answered(state, "no_water_use", was_false=True), "no_water_use", was_false=True
    )
    assert twice.water == widened, "each finding counts once"


def test_the_margin_comes_back_by_itself() -> None:
    home = settled("adaptive-tight")
    home.lives(8 / 24)
    home.stands_still(10)
    home.watch.text = dump_state(answered(home.watch.state, "no_water_use", was_false=True))
    wide = sum(home.habit.margins + home.habit.caps)
    home.passes(20)
    home.lives(21)
    assert sum(home.habit.margins + home.habit.caps) < wide


def test_a_young_home_is_judged_by_a_plain_rule() -> None:
    home = Home(meter("adaptive-tight"))
    home.lives(3 + 8 / 24)
    (hour,) = [hour for hour, _ in no_use(home.stands_still(20))]
    assert hour - (3 * 24 + 8) == 15, "fourteen hours, seen at the next reading"


def test_an_incident_closed_without_proof_of_life_is_found_again() -> None:
    home = settled("adaptive-tight")
    home.lives(8 / 24)
    assert len(no_use(home.stands_still(14))) == 1
    closed_at = home.hour
    home.close()
    assert no_use(home.stands_still(30)) == [(closed_at + 6, "rose")]
    home.close()
    closed_at = home.hour
    again = [(hour, one) for hour, one in home.stands_still(30) if one.kind == "no_water_use"]
    assert [(hour, one.sign.value) for hour, one in again] == [(closed_at + 12, "rose")]
    assert again[0][1].facts["again"] == 2
    home.close()
    assert [one.sign.value for _, one in home.passes(20)] == ["cleared"]
    home.lives(1 / 24 * 3, lambda *_: 10)
    assert no_use(home.lives(2)) == [], "use ended it"


# --- dripping taps -----------------------------------------------------------------------------


def test_a_dripping_tap_cannot_fake_life() -> None:
    home = Home(meter("adaptive-tight"))
    home.lives(70, lambda day, hour: ordinary(day, hour) + 2.0)
    home.lives(8 / 24, lambda day, hour: ordinary(day, hour) + 2.0)
    found = no_use([each for _ in range(20) for each in home.passes(2.0)])
    assert len(found) == 1


@pytest.mark.parametrize(
    ("flow_dl", "moved", "is_life"), [(0, 9, False), (0, 10, True), (20, 30, False), (20, 50, True)]
)
def test_what_counts_as_use_beside_what_always_runs(
    flow_dl: int, moved: int, is_life: bool
) -> None:
    drip = Drip()
    for block in range(14):
        drip = pour(drip, 1000 + block * 7200, block * 2 * flow_dl)
    assert is_use(drip, moved, 3600) is is_life


# --- meters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every_h", "pulse_dl", "expected"),
    [
        (1, 10, Grade.FINE),
        (2, 10, Grade.FINE),
        (4, 10, Grade.SPARSE),
        (6, 10, Grade.SPARSE),
        (1, 100, Grade.COARSE),
        (12, 10, Grade.BLIND),
        (24, 10, Grade.BLIND),
        (1, 1000, Grade.DARK),
    ],
)
def test_interval_and_pulse_of_a_meter_are_recognised(
    every_h: int, pulse_dl: int, expected: Grade
) -> None:
    known = Meter()
    for number in range(60):
        known = note(known, every_h * HOUR_S, pulse_dl * (number % 3))
    assert grade(next_week(known)) is expected


def test_a_meter_that_cannot_show_a_day_is_given_a_day() -> None:
    home = Home(meter())
    for _ in range(70):
        home.hour += 11
        home.passes(40)
    assert grade(home.habit.meter) is Grade.BLIND
    limit = limit_.limit(home.habit, habit_.TIGHT, round(home.now.timestamp()), "+00:00")
    assert limit.limit_s == limit_.BLIND_LIMIT_S


# --- whatever comes ----------------------------------------------------------------------------

ADAPTIVE = device("water_meter", rules={"no_water_use": {"preset": "adaptive"}})
plausible = st.floats(0, 3)
steps_s = st.one_of(
    st.sampled_from([3600] * 6), st.integers(-7200, 40_000), st.integers(-(10**9), 10**9)
)
rows = st.lists(st.tuples(steps_s, st.one_of(plausible, st.floats()), st.integers(0, 9000)))


def said(drawn: list[tuple[int, float, int]]) -> list[tuple[Said, datetime]]:
    at = 0
    result: list[tuple[Said, datetime]] = []
    for step, value, late in drawn:
        at = min(max(at + step, 0), 4 * 10**9)
        moment = T0 + hours(at / 3600)
        result.append(((moment, reading("water_total", value, "m3")), moment + hours(late / 3600)))
    return result


@settings(max_examples=200, deadline=None)
@given(rows.map(said))
def test_nothing_raises_the_state_stays_small_and_a_replay_is_bit_identical(
    arriving: list[tuple[Said, datetime]],
) -> None:
    once, again = Watch(ADAPTIVE), Watch(ADAPTIVE)
    for each, now in arriving:
        assert once.hears([each], now) == again.hears([each], now)
        assert once.text == again.text
        assert len(once.text.encode()) <= 512
        assert dump_state(load_state(once.text)) == once.text


def test_the_state_stays_small_after_years_too() -> None:
    home = Home(meter())
    home.lives(400, lambda day, hour: 500.0 + hour if hour in (7, 12, 19) else 3.0 * (day % 2))
    assert len(home.watch.text.encode()) <= 512


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(600, 40_000), st.sampled_from([0, 0, 0, 5, 40]), st.booleans()),
        min_size=10,
        max_size=120,
    )
)
def test_a_finding_rests_on_two_readings_around_the_gap(
    drawn: list[tuple[int, int, bool]],
) -> None:
    """Whatever is lost on the way: the register was seen at the last use and now, and stood."""
    watch, at, litres = meter(), 0, 100
    seen: list[tuple[datetime, int]] = []
    for step, moved, is_lost in drawn:
        at, litres = at + step, litres + moved
        if is_lost:
            continue
        now = T0 + hours(at / 3600)
        found = watch.hears([(now, water(litres))], now)
        seen.append((now, litres))
        for one in found:
            if one.kind == "no_water_use" and one.sign.value != "cleared":
                since = datetime.fromisoformat(one.facts["since"])
                between = [value for then, value in seen if then >= since]
                assert len(between) >= 2
                assert all(b - a < 1 + 5 for a, b in pairwise(between)), "only what is no use"


def test_half_of_the_readings_missing_finds_a_still_home_all_the_same() -> None:
    home = Home(meter("adaptive-tight"))
    for day in range(70):
        for hour in range(24):
            if (day * 24 + hour) % 2:
                home.passes(ordinary(day, hour) + ordinary(day, hour - 1))
            else:
                home.hour += 1
    found = []
    for _ in range(20):
        home.hour += 1
        found += home.passes(0)
    assert len(no_use(found)) == 1


@pytest.mark.parametrize("zone", ["Europe/Madrid", "Asia/Shanghai", "+08:00", "nowhere"])
def test_hours_are_the_home_s_own(zone: str) -> None:
    at = round(T0.timestamp())
    shift = local_s(zone, at) - at
    assert shift == {"Europe/Madrid": 3600, "Asia/Shanghai": 28_800, "+08:00": 28_800}.get(zone, 0)


def test_a_day_that_the_clock_change_shortens_raises_nothing() -> None:
    home = Home(meter("adaptive", zone="Europe/Madrid"))  # T0 is 1 March; it changes on the 29th
    assert no_use(home.lives(60)) == []


def test_a_change_of_rule_begins_anew_and_says_nothing() -> None:
    home = settled()
    part = judge(home.watch.state, [], home.watch.device, home.now).state.water
    assert isinstance(part, Water)
    home.watch.device = device("water_meter")  # the fixed default
    assert home.passes(0) == []
    assert home.watch.state.water is not None
    assert home.watch.state.water.habit is None
