"""A tap left on: three hours of an open tap's flow, on hourly evidence."""

from __future__ import annotations

import pytest

from alerting.detect import dump_state, rearm
from alerting.finding import Severity
from tests.detection.support import T0, Watch, device, hours, minutes, outline, water

ROSE, CLEARED = ("tap_left_on", "rose"), ("tap_left_on", "cleared")


def flow(watch: Watch, litres: list[float], every: float = 60) -> list[tuple[float, str]]:
    """Movements every so many minutes; returns (hours, sign) of what was found about the tap."""
    total, found = 1000.0, []
    watch.hear(T0, water(total))
    for number, moved in enumerate(litres, 1):
        total += moved
        at = T0 + minutes(every * number)
        found += [
            (every * number / 60, sign)
            for kind, sign in watch.hear(at, water(total))
            if kind == "tap_left_on"
        ]
    return found


@pytest.fixture
def meter() -> Watch:
    return Watch(device("water_meter"))


def test_three_hours_of_flow_are_found_once_and_end_with_the_flow(meter: Watch) -> None:
    assert flow(meter, [5, 120, 120, 120, 300, 300, 119, 0]) == [(4.0, "rose"), (7.0, "cleared")]


@pytest.mark.parametrize("litres", [[119.9] * 9, [130, 130, 119, 130, 130, 0], [600, 0, 600, 0]])
def test_less_flow_or_shorter_flow_is_a_household(meter: Watch, litres: list[float]) -> None:
    assert flow(meter, litres) == []


def test_the_finding_carries_the_figures_of_the_sentence(meter: Watch) -> None:
    flow(meter, [150, 150])
    (rose,) = meter.hears([(T0 + hours(3), water(1480))], T0 + hours(3))
    assert (rose.kind, rose.severity) == ("tap_left_on", Severity.WELFARE)
    assert rose.facts == {
        "since": T0.isoformat(),
        "hours": 3.0,
        "litres": 480.0,
        "litres_per_hour": 160,
        "last_reading_at": (T0 + hours(3)).isoformat(),
    }


@pytest.mark.parametrize("every", [1, 5, 10, 15, 30])
def test_finer_readings_find_a_strong_flow_within_three_and_a_half_hours(
    meter: Watch, every: int
) -> None:
    quiet = 60 // every + 1  # begins within an hour that was already running
    found = flow(meter, [0] * quiet + [240 * every / 60] * (5 * 60 // every), every)
    ((at, sign),) = found
    assert sign == "rose"
    assert at - quiet * every / 60 <= 3.5


def test_a_hole_is_no_hourly_evidence_whatever_flowed_in_it(meter: Watch) -> None:
    assert flow(meter, [1000, 1000], every=4 * 60) == []


def test_a_hole_with_little_flow_means_that_the_tap_was_closed(meter: Watch) -> None:
    flow(meter, [200, 200, 200])
    assert meter.hear(T0 + hours(9), water(1700)) == [CLEARED]


def test_history_opens_no_tap_and_the_tick_does(meter: Watch) -> None:
    said = [(T0 + hours(n), water(200.0 * n)) for n in range(6)]
    assert meter.hears(said, T0 + hours(7.5)) == ()
    assert outline(meter.tick(T0 + hours(7.6))) == [ROSE]


def test_a_tap_can_be_armed_again_and_switched_off(meter: Watch) -> None:
    flow(meter, [200, 200, 200])
    meter.text = dump_state(rearm(meter.state, "tap_left_on", T0 + hours(3)))
    assert meter.hear(T0 + hours(4), water(1800)) == [ROSE]
    off = Watch(device("water_meter", rules={"tap_left_on": {"preset": "off"}}))
    assert flow(off, [200] * 6) == []


def test_a_swapped_meter_begins_a_new_run(meter: Watch) -> None:
    flow(meter, [200, 200])
    found = [meter.hear(T0 + hours(3 + n), water(1.0 + 200 * n)) for n in range(4)]
    assert found == [[("cannot_assess", "rose")], [], [], [ROSE]]


def test_an_open_tap_outlives_a_clock_of_ours_that_was_set_back(meter: Watch) -> None:
    assert flow(meter, [200, 200, 200]) == [(3.0, "rose")]
    back = T0 - hours(48)
    assert meter.hear(back, water(1700)) == []
    assert meter.hear(back + hours(1), water(1710)) == [CLEARED]
