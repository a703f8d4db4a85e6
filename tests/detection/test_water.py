"""No water used: the fixed rules, what interrupts them, and what may not be concluded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest

from alerting.detect import dump_state, rearm
from alerting.detectors.fixed import PRESETS
from alerting.detectors.stairs import KEEP_MOVED, KEEP_S
from alerting.finding import Finding, Severity, Sign
from devices.event import Reading
from tests.detection.support import T0, Watch, device, hours, minutes, outline, reading, water

ROSE, WORSE, CLEARED = (("no_water_use", sign) for sign in ("rose", "worse", "cleared"))
DOUBT = ("cannot_assess", "rose")


def meter(preset: str | None = None, **fields: object) -> Watch:
    rules = {"no_water_use": {"preset": preset}} if preset else {}
    return Watch(device("water_meter", rules=rules, **fields))


def play(watch: Watch, litres: Iterable[float], since: datetime = T0) -> list[tuple[int, str, str]]:
    """Hourly registers; returns (hour, kind, sign) of everything found."""
    return [
        (hour, kind, sign)
        for hour, total in enumerate(litres)
        for kind, sign in watch.hear(since + hours(hour), water(total))
    ]


def test_a_still_register_is_found_after_12_h_and_again_after_24_h() -> None:
    found = play(meter(), [100.0] * 40)
    assert found == [(12, *ROSE), (24, *WORSE)]


@pytest.mark.parametrize(("preset", "hour"), [("fixed-12h-10l", 12), ("fixed-24h-10l", 24)])
def test_the_cities_presets_have_one_level(preset: str, hour: int) -> None:
    assert play(meter(preset), [100.0] * 60) == [(hour, *ROSE)]


def test_the_rule_can_be_switched_off() -> None:
    assert play(meter("off"), [100.0] * 60) == []


@pytest.mark.parametrize("rules", [{"no_water_use": {"preset": "nonsense"}}, {"no_water_use": 5}])
def test_a_rule_that_makes_no_sense_leaves_the_home_under_the_default(rules: object) -> None:
    watch = Watch(device("water_meter", rules=rules))
    assert play(watch, [100.0] * 30) == [(12, *ROSE), (24, *WORSE)]


def test_the_finding_carries_the_figures_of_the_sentence() -> None:
    watch = meter()
    play(watch, [0, 50, 54])  # 50 L at 01:00, 4 L at 02:00
    found: list[Finding] = []
    for hour in range(3, 14):
        found += watch.hears([(T0 + hours(hour), water(54))], T0 + hours(hour))
    (rose,) = found
    assert (rose.kind, rose.sign, rose.severity) == ("no_water_use", Sign.ROSE, Severity.WELFARE)
    assert rose.at == T0 + hours(13)
    assert rose.facts == {
        "level": 1,
        "since": (T0 + hours(2)).isoformat(),
        "since_known": True,
        "idle_s": 11 * 3600,
        "hours": 11.0,
        "window_h": 12,
        "used_l": 4.0,
        "threshold_l": 10.0,
        "last_reading_at": (T0 + hours(13)).isoformat(),
    }


def test_a_home_never_seen_using_water_says_so() -> None:
    watch = meter()
    play(watch, [100.0] * 12)
    (rose,) = watch.hears([(T0 + hours(12), water(100))], T0 + hours(12))
    assert (rose.facts["since"], rose.facts["since_known"]) == (T0.isoformat(), False)


@pytest.mark.parametrize(
    ("drip", "hour"),
    [(9.9 / 12, 12), (10.0 / 12, None), (9.9 / 24, 12)],
)
def test_the_threshold_is_sharp(drip: float, hour: int | None) -> None:
    found = play(meter("fixed-12h-10l"), [round(n * drip, 1) for n in range(13)])
    assert found == ([(hour, *ROSE)] if hour else [])


def test_small_use_does_not_end_the_gap_and_ten_litres_do() -> None:
    watch = meter()
    assert play(watch, [100.0] * 14) == [(12, *ROSE)]
    assert watch.hear(T0 + hours(14), water(106)) == []
    assert watch.hear(T0 + hours(15), water(109)) == []
    assert watch.hear(T0 + hours(16), water(110)) == [CLEARED]


def test_after_use_resumed_the_next_gap_is_found_anew() -> None:
    watch = meter()
    found = play(watch, [100.0] * 26 + [150.0] * 30)
    assert found == [
        (12, *ROSE),
        (24, *WORSE),
        (26, *CLEARED),
        (38, *ROSE),
        (50, *WORSE),
    ]


def test_a_closure_without_proof_of_life_arms_the_detector_again() -> None:
    watch = meter()
    play(watch, [100.0] * 14)
    armed = rearm(watch.state, "no_water_use", T0 + hours(13.5))
    assert rearm(armed, "smoke", T0) == armed
    watch.text = dump_state(armed)
    assert watch.hear(T0 + hours(19), water(100)) == []
    (rose,) = watch.hears([(T0 + hours(20), water(100))], T0 + hours(20))
    assert (rose.sign, rose.facts["level"], rose.facts["again"]) == (Sign.ROSE, 1, 1)
    assert watch.hear(T0 + hours(24), water(100)) == [WORSE]


def test_silence_is_not_evidence() -> None:
    watch = meter()
    play(watch, [100.0] * 11)
    assert watch.tick(T0 + hours(11)) == ()
    assert watch.tick(T0 + hours(40)) == ()


def test_a_hole_without_movement_goes_on_and_one_with_movement_counts_as_used_on_arrival() -> None:
    still = meter()
    still.hear(T0, water(100))
    assert still.hear(T0 + hours(13), water(100)) == [ROSE]
    moved = meter()
    moved.hear(T0, water(100))
    assert moved.hear(T0 + hours(13), water(140)) == []
    assert moved.hear(T0 + hours(24.9), water(140)) == []
    assert moved.hear(T0 + hours(25), water(140)) == [ROSE]


def test_less_than_the_threshold_across_a_hole_is_still_less_than_the_threshold() -> None:
    watch = meter()
    watch.hear(T0, water(100))
    (rose,) = watch.hears([(T0 + hours(13), water(105))], T0 + hours(13))
    assert (rose.facts["used_l"], rose.facts["idle_s"]) == (5.0, 0)


def test_duplicates_and_old_readings_change_nothing() -> None:
    watch = meter()
    play(watch, [100, 120, 130])
    before = watch.text
    for at, litres in ((0, 100), (1, 120), (2, 130), (1.5, 999_999), (0.5, 0)):
        assert watch.hear(T0 + hours(at), water(litres), late=hours(3 - at)) == []
    assert watch.text == before


def test_other_roles_and_other_registers_are_not_a_home_without_water() -> None:
    assert play(Watch(device("plug")), [100.0] * 30) == []
    watch = meter()
    for hour in range(26):
        assert watch.hear(T0 + hours(hour), reading("water_flow", 0.0, "m3/h")) == []


# --- registers that cannot be trusted


def test_a_register_that_goes_back_cannot_be_assessed_and_the_window_begins_anew() -> None:
    watch = meter()
    found = play(watch, [5000.0] * 10 + [3.0] * 20)
    assert found == [(10, *DOUBT), (22, *ROSE)]


def test_the_doubt_names_its_figures() -> None:
    watch = meter()
    play(watch, [5000.0] * 3)
    (doubt,) = watch.hears([(T0 + hours(3), water(3))], T0 + hours(3))
    assert doubt.severity is Severity.TECHNICAL
    assert doubt.facts == {
        "reason": "register_went_back",
        "register_m3": 0.003,
        "before_m3": 5.0,
        "last_reading_at": (T0 + hours(2)).isoformat(),
    }


def test_a_jump_no_home_makes_is_doubted_and_five_cubic_metres_an_hour_are_not() -> None:
    assert play(meter(), [0, 5000, 10_000]) == []
    assert play(meter(), [0, 5001]) == [(1, *DOUBT)]
    away = meter()
    away.hear(T0, water(0))
    assert away.hear(T0 + hours(10), water(50_000)) == [("leak", "rose")], "but no doubt"


@pytest.mark.parametrize("glitch", [0.0, 40.0, 900_000.0])
def test_one_bad_reading_hides_no_gap_and_is_doubted_once(glitch: float) -> None:
    registers = [100.0] * 6 + [glitch] + [100.0] * 10
    assert play(meter(), registers) == [(6, *DOUBT), (12, *ROSE)]


def test_a_bad_reading_at_the_very_hour_delays_the_finding_by_one_reading() -> None:
    assert play(meter(), [100.0] * 12 + [0.0] + [100.0] * 3) == [(12, *DOUBT), (13, *ROSE)]


def test_a_swapped_meter_loses_nothing_but_its_old_window() -> None:
    watch = meter()
    found = play(watch, [87_000.0 + 20 * n for n in range(20)] + [1.5] * 14)
    assert found == [(20, *DOUBT), (32, *ROSE)]


def test_use_after_a_swap_clears_only_by_ten_litres_on_the_new_register() -> None:
    watch = meter()
    assert play(watch, [9000.0] * 13 + [1.0, 4.0, 9.0]) == [(12, *ROSE), (13, *DOUBT)]
    assert watch.hear(T0 + hours(16), water(10.9)) == []
    assert watch.hear(T0 + hours(17), water(11.0)) == [CLEARED]


def test_a_register_that_is_reset_every_midnight_is_one_finding() -> None:
    registers = [float(20 * (hour % 24)) for hour in range(24 * 20)]
    assert play(meter(), registers) == [(24, *DOUBT)]


def test_two_days_of_plausible_readings_end_the_doubt() -> None:
    watch = meter()
    found = play(watch, [5000.0, 3.0] + [3.0 + 20 * n for n in range(1, 60)])
    assert found == [(1, *DOUBT), (49, "cannot_assess", "cleared")]


@pytest.mark.parametrize(
    "bad",
    [
        reading("water_total", -0.001, "m3"),
        reading("water_total", 1e6, "m3"),
        reading("water_total", 1.7e308, "m3"),
        reading("water_total", 12.0, "L"),
    ],
)
def test_what_is_no_register_value_is_doubted_and_leaves_the_window_alone(bad: Reading) -> None:
    watch = meter()
    play(watch, [100.0] * 12)
    assert watch.hear(T0 + hours(11.5), bad) == [DOUBT]
    assert watch.hear(T0 + hours(12), water(100)) == [ROSE]


def test_a_reading_from_the_future_counts_as_now() -> None:
    watch = meter()
    watch.hears([(T0 + hours(900), water(100))], T0)
    assert watch.hear(T0 + hours(12), water(100)) == [ROSE]


def test_a_clock_of_ours_that_was_set_back_does_not_blind_the_home() -> None:
    watch = meter()
    watch.hear(T0 + hours(900), water(100))
    play(watch, [100.0] * 12)
    assert watch.hear(T0 + hours(12), water(100)) == [ROSE]


def test_a_tick_on_such_a_clock_judges_nothing() -> None:
    watch = meter()
    watch.hears([(T0 + hours(n), water(100)) for n in range(20)], T0 + hours(22))
    assert watch.judge_at is not None
    assert watch.tick(T0) == ()


# --- catching up


def test_back_dated_history_opens_nothing_and_one_tick_judges_the_present() -> None:
    watch = meter()
    now = T0 + hours(24 * 35)
    total = 0.0
    for day in range(35):
        said = []
        for hour in range(24):
            total += 0 if day in (10, 11, 12, 34) else 12
            said.append((T0 + hours(24 * day + hour), water(total)))
        if day == 34:
            break
        assert watch.hears(said, now) == ()
        assert watch.judge_at == now + minutes(1)
    # The last message ends more than two hours ago: still history, but fresh enough for a tick.
    assert watch.hears(said[:22], now) == ()
    assert watch.judge_at == now + minutes(1)
    (rose,) = watch.tick(now + minutes(1) - hours(0.5))
    assert (rose.sign, rose.facts["level"], rose.at) == (Sign.ROSE, 1, said[21][0])
    assert rose.late_s == 2.5 * 3600 + 60
    assert watch.judge_at is None
    assert watch.tick(now + minutes(2)) == ()


def test_the_tick_says_nothing_when_the_last_reading_is_too_old_to_speak_for_the_present() -> None:
    watch = meter(reports_every_s=3600)
    watch.hears([(T0 + hours(hour), water(100)) for hour in range(20)], T0 + hours(24))
    assert watch.judge_at == T0 + hours(24) + minutes(1)
    assert watch.tick(T0 + hours(24) + minutes(1)) == ()
    assert watch.judge_at is None


def test_a_meter_that_reports_once_a_day_is_fresh_for_three_days() -> None:
    watch = meter(reports_every_s=86_400)
    watch.hears([(T0 + hours(hour), water(100)) for hour in range(20)], T0 + hours(24))
    assert outline(watch.tick(T0 + hours(24) + minutes(1))) == [ROSE]


def test_a_tick_that_finds_both_levels_tells_the_higher_one() -> None:
    watch = meter(reports_every_s=86_400)
    watch.hears([(T0 + hours(hour), water(100)) for hour in range(30)], T0 + hours(40))
    (rose,) = watch.tick(T0 + hours(41))
    assert (rose.sign, rose.facts["level"], rose.facts["window_h"]) == (Sign.ROSE, 2, 24)


def test_the_tick_does_not_judge_while_the_newest_reading_is_doubted() -> None:
    watch = meter()
    watch.hears([(T0 + hours(n), water(500)) for n in range(14)], T0 + hours(15.5))
    assert watch.judge_at is not None
    assert watch.hear(T0 + hours(15.5), water(3)) == [DOUBT]
    assert watch.tick(T0 + hours(15.6)) == ()
    assert watch.judge_at is None


def test_a_wish_to_be_judged_stays_while_the_device_says_other_things() -> None:
    watch = meter()
    watch.hear(T0, water(100), late=hours(3))
    due = watch.judge_at
    watch.hears([(T0 + hours(3), reading("rssi_dbm", -70, "dBm"))], T0 + hours(3) + minutes(5))
    watch.hears([(T0 + minutes(30), water(100))], T0 + hours(3) + minutes(6))
    assert watch.judge_at == due == T0 + hours(3) + minutes(1)


def test_late_use_ends_a_gap() -> None:
    watch = meter()
    play(watch, [100.0] * 13)
    assert watch.hear(T0 + hours(13), water(150), late=hours(4)) == [CLEARED]


def test_every_preset_is_within_what_is_remembered() -> None:
    for levels in PRESETS.values():
        windows = [level.window_s for level in levels]
        assert windows == sorted(windows)
        assert all(level.window_s <= KEEP_S for level in levels)
        assert all(0 < level.threshold_dl <= KEEP_MOVED for level in levels)
