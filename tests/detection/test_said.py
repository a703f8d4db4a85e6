"""What people say about a quiet home: nobody saw them, they are well, they are away."""

from __future__ import annotations

from datetime import datetime

import pytest

from alerting.detect import (
    DeviceState,
    answered,
    can_assess,
    dump_state,
    forget,
    load_state,
    rearm,
    seen,
)
from alerting.detectors.habit import SAID, Habit
from alerting.detectors.water import Water
from alerting.finding import Finding
from alerting.wording import incident_title
from tests.detection.support import T0, Watch, device, hours, outline, water

PRESETS = ["adaptive", "adaptive-tight", "adaptive-quiet", "fixed-12h-10l", "fixed-12h-24h-10l"]
TOLD = ("rose", "worse")


class Home:
    """A home that lives by the clock for so many days, and then stands still, read hourly."""

    def __init__(self, preset: str, days: int = 70) -> None:
        self.watch = Watch(device("water_meter", rules={"no_water_use": {"preset": preset}}))
        self.hour, self.litres = 0, 1000.0
        self.lives(24 * days + 8)

    def lives(self, for_h: int) -> list[tuple[str, str]]:
        found = []
        for _ in range(for_h):
            found += self.passes(11.0 if self.hour % 24 in (6, 7, 9, 12, 14, 17, 19, 21) else 0)
        return found

    def passes(self, litres: float = 0) -> list[tuple[str, str]]:
        self.hour += 1
        self.litres += litres
        return self.watch.hear(self.now, water(self.litres))

    def stands_still(self, for_h: int) -> list[tuple[int, str, str]]:
        """(hours from now, kind, sign) of what is found."""
        start = self.hour
        return [
            (self.hour - start, kind, sign) for _ in range(for_h) for kind, sign in self.passes()
        ]

    def until_found(self) -> None:
        for _ in range(30):
            if any(sign in TOLD for _, sign in self.passes()):
                return
        raise AssertionError("nothing was found")

    def away(self, resting: bool) -> None:
        rules = self.watch.device.rules
        self.watch.device = device("water_meter", rules=rules, resting=resting)

    def seen(self) -> None:
        self.watch.text = dump_state(seen(self.watch.state, "no_water_use", self.now))

    def closed_unseen(self) -> None:
        self.watch.text = dump_state(rearm(self.watch.state, "no_water_use", self.now))

    @property
    def now(self) -> datetime:
        return T0 + hours(self.hour)

    @property
    def part(self) -> Water:
        part = self.watch.state.water
        assert part is not None
        return part

    @property
    def habit(self) -> Habit:
        habit = self.part.habit
        assert habit is not None
        return habit


# --- nobody saw them ------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["adaptive-tight", "adaptive-quiet", "fixed-12h-10l"])
def test_a_gap_closed_unseen_is_found_again_after_six_hours_and_then_every_twelve(
    preset: str,
) -> None:
    home = Home(preset)
    home.until_found()
    for number, wait in enumerate((6, 12, 12), 1):
        home.closed_unseen()
        assert home.stands_still(wait - 1) == []
        (again,) = home.watch.hears(
            [(T0 + hours(home.hour + 1), water(home.litres))], T0 + hours(home.hour + 1)
        )
        home.hour += 1
        assert (again.kind, again.sign.value) == ("no_water_use", "rose")
        assert again.facts["again"] == number
        assert f"第 {number} 次再提醒" in incident_title(again.kind, again.facts, "zh")
        assert home.stands_still(20) == [], "once a closure"


def test_use_ends_it_and_the_next_gap_counts_from_six_hours_again() -> None:
    home = Home("adaptive-tight")
    home.until_found()
    home.closed_unseen()
    assert home.passes(20) == [("no_water_use", "cleared")]
    assert (home.part.rearm_at, home.part.rearmed) == (0, 0)
    home.lives(24)
    home.until_found()
    home.closed_unseen()
    assert home.stands_still(7)[-1] == (6, "no_water_use", "rose")


def test_the_next_level_comes_in_its_own_time_and_tells_the_gap_again() -> None:
    home = Home("fixed-12h-24h-10l")
    home.until_found()
    home.hour += 8
    home.passes()
    home.closed_unseen()
    assert home.stands_still(12)[0][1:] == ("no_water_use", "worse")
    assert home.part.rearm_at == 0


def test_a_late_reading_does_not_find_it_again_but_the_tick_after_it_does() -> None:
    home = Home("adaptive-tight")
    home.until_found()
    home.closed_unseen()
    at = home.now + hours(6)
    assert home.watch.hear(at, water(home.litres), late=hours(2.5)) == []
    assert outline(home.watch.tick(at + hours(2.6))) == [("no_water_use", "rose")]


def test_a_gap_that_ended_before_the_case_was_closed_is_not_waited_for() -> None:
    home = Home("adaptive")
    home.closed_unseen()
    assert home.part.rearm_at == 0


def test_the_trial_of_a_rule_forgets_at_once() -> None:
    home = Home("adaptive-tight")
    home.until_found()
    home.watch.text = dump_state(forget(home.watch.state, "no_water_use"))
    assert home.passes() == [("no_water_use", "rose")]


def test_a_clock_of_ours_that_was_set_back_does_not_hide_it_for_years() -> None:
    home = Home("fixed-12h-10l")
    home.until_found()
    home.closed_unseen()
    home.hour -= 24 * 400
    found = home.stands_still(30)
    assert [sign for _, kind, sign in found if kind == "no_water_use"] == ["rose"]


# --- they are well --------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_after_a_word_the_gap_counts_anew(preset: str) -> None:
    home = Home(preset)
    home.until_found()
    home.seen()
    assert home.part.level == 0
    found = home.stands_still(14)
    assert found[0][1:] == ("no_water_use", "rose")
    assert found[0][0] >= 4


@pytest.mark.parametrize("preset", PRESETS)
def test_the_finding_says_who_knew_last_and_use_after_the_word_ends_the_case(preset: str) -> None:
    home = Home(preset)
    home.until_found()
    home.seen()
    said_at = home.now
    while not (found := home.watch.hears([(home.now, water(home.litres))], home.now)):
        home.hour += 1
    assert found[0].facts["seen_at"] == found[0].facts["since"] == said_at.isoformat()
    assert "有人确认平安" in incident_title("no_water_use", found[0].facts, "zh")
    other = Home(preset)
    other.until_found()
    other.seen()
    assert other.passes(20) == [("no_water_use", "cleared")], "the case that was closed"
    assert other.passes(20) == []


def test_nothing_is_learnt_from_a_gap_that_began_with_a_word() -> None:
    home = Home("adaptive")
    home.until_found()
    before = home.habit
    home.seen()
    assert home.habit.flags & SAID
    home.stands_still(3)
    home.passes(30)
    home.passes(0)
    after = home.habit
    assert (after.cells, after.days) == (before.cells, before.days)
    assert (after.margins, after.caps) == (before.margins, before.caps)
    assert not after.flags & SAID
    home.stands_still(15)
    home.passes(30)
    home.passes(0)
    assert home.habit.cells != before.cells, "the gap after it is one like any other"


def test_a_word_that_is_older_than_the_last_use_changes_no_gap() -> None:
    home = Home("adaptive")
    home.passes(20)
    state = seen(home.watch.state, "no_water_use", home.now - hours(3))
    assert state.water is not None
    assert state.water.habit == home.habit
    assert state.water.seen_at == 0


def test_words_of_other_kinds_and_without_a_meter_change_nothing() -> None:
    home = Home("adaptive")
    state = home.watch.state
    assert seen(state, "smoke", home.now) is state
    assert seen(DeviceState(), "no_water_use", T0) == DeviceState()
    empty = load_state(dump_state(DeviceState(water=Water())))
    assert seen(empty, "no_water_use", T0) == empty


def test_a_use_heard_late_from_before_the_word_does_not_move_the_gap_back() -> None:
    for preset in ("adaptive-tight", "fixed-12h-10l"):
        home = Home(preset)
        home.until_found()
        word = home.now + hours(2)
        home.watch.text = dump_state(seen(home.watch.state, "no_water_use", word))
        home.passes(20)
        part = home.part
        since = part.habit.used_at if part.habit is not None else part.stairs.rose_at
        assert since == word.timestamp()


# --- the register is stuck ------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["adaptive", "fixed-12h-10l"])
def test_a_register_that_stands_through_two_words_is_stuck_and_not_an_alarm(preset: str) -> None:
    home = Home(preset)
    home.until_found()
    home.seen()
    first = home.hour
    home.until_found()
    home.seen()
    found = home.stands_still(60)
    while found and found[0][1] == "no_water_use":
        home.seen()
        found = home.stands_still(60)
    assert found[0][1:] == ("cannot_assess", "rose")
    assert home.hour - 60 + found[0][0] - first >= 24
    assert len(found) == 1, "and no further alarm"
    assert not can_assess(home.watch.state)
    assert home.passes(9) == [("no_water_use", "cleared"), ("cannot_assess", "cleared")]
    assert can_assess(home.watch.state)


def test_an_alarm_that_nobody_answered_is_never_called_a_stuck_register() -> None:
    home = Home("fixed-24h-10l")
    home.until_found()
    home.seen()
    found = home.stands_still(72)
    assert found == [(24, "no_water_use", "rose")], "who was seen may have fallen since"


def test_a_coarse_register_is_given_longer() -> None:
    home = Home("off", days=0)
    for number in range(20):
        home.passes(22 if number % 4 == 0 else 0)
    home.watch.text = dump_state(seen(home.watch.state, "no_water_use", home.now))
    assert home.stands_still(47) == []
    assert home.stands_still(1) == [(1, "cannot_assess", "rose")]


# --- they are away --------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_is_found_while_everybody_is_away(preset: str) -> None:
    home = Home(preset)
    home.away(True)
    assert home.stands_still(24 * 8) == []
    home.seen()
    home.away(False)
    found = home.stands_still(20)
    assert found[0][1:] == ("no_water_use", "rose"), "the gap after it is judged anew"
    assert found[0][0] >= 4


def test_without_a_word_the_gap_that_still_runs_is_found_at_once_after_an_absence() -> None:
    home = Home("adaptive-tight")
    home.away(True)
    home.stands_still(48)
    home.away(False)
    assert home.passes() == [("no_water_use", "rose")]


def test_an_absence_teaches_nothing_and_is_not_lived() -> None:
    home = Home("adaptive")
    home.away(True)
    before = home.habit
    for _ in range(6):
        home.stands_still(9)
        home.passes(40)
    after = home.habit
    assert (after.cells, after.days) == (before.cells, before.days)
    assert (after.margins, after.caps) == (before.margins, before.caps)


@pytest.mark.parametrize("preset", ["adaptive", "fixed-12h-10l"])
def test_readings_with_use_are_counted_while_away_and_only_then(preset: str) -> None:
    home = Home(preset)
    assert home.part.away_uses == 0
    home.away(True)
    home.stands_still(30)
    home.passes(0.4)
    assert home.part.away_uses == 0
    home.passes(12)
    home.passes(0)
    home.passes(30)
    assert home.part.away_uses == 2
    home.away(False)
    home.passes(0)
    assert home.part.away_uses == 0


@pytest.mark.parametrize("preset", ["adaptive", "fixed-12h-10l"])
def test_a_tap_that_drips_in_an_empty_home_is_nobody_coming_home(preset: str) -> None:
    home = Home(preset)
    for _ in range(30):
        home.passes(2)
    home.away(True)
    for _ in range(60):
        home.passes(2)
    assert home.part.away_uses == 0
    home.passes(30)
    assert home.part.away_uses == 1


def test_a_case_closed_unseen_before_an_absence_waits_for_its_end() -> None:
    home = Home("adaptive-tight")
    home.until_found()
    home.closed_unseen()
    home.away(True)
    assert home.stands_still(30) == []
    home.away(False)
    assert home.passes() == [("no_water_use", "rose")]


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["adaptive", "adaptive-tight", "adaptive-quiet"])
def test_every_adaptive_finding_says_where_the_quiet_limit_lies(preset: str) -> None:
    home = Home(preset)
    found: tuple[Finding, ...] = ()
    while not found:
        home.hour += 1
        found = home.watch.hears([(home.now, water(home.litres))], home.now)
    facts = found[0].facts
    assert 4 * 3600 <= facts["quiet_limit_s"] <= 20 * 3600
    if preset == "adaptive-quiet":
        assert facts["quiet_limit_s"] == facts["limit_s"]


def test_feedback_comes_once_a_finding_after_a_word_too() -> None:
    home = Home("adaptive-tight")
    home.until_found()
    home.watch.text = dump_state(answered(home.watch.state, "no_water_use", was_false=True))
    home.seen()
    wide = home.habit.margins, home.habit.caps
    home.watch.text = dump_state(answered(home.watch.state, "no_water_use", was_false=True))
    assert (home.habit.margins, home.habit.caps) == wide


# --- a register that swings -----------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_a_litre_to_and_fro_neither_floods_nor_hides_a_gap(preset: str) -> None:
    still, swings = Home(preset), Home(preset)
    expected = still.stands_still(40)
    start, found = swings.hour, []
    for number in range(40):
        swings.litres += (-1, 1, -1, 0, 1, 0)[number % 6]
        found += [(swings.hour - start, *one) for one in swings.passes()]
    assert found == expected
    assert expected
