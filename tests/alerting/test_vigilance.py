"""What a device notices under the rules in force: the pure rule, and the columns that agree."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from alerting.detect import DeviceState
from alerting.detectors.habit import Habit
from alerting.detectors.load import UNKNOWN
from alerting.detectors.meter import Grade, Meter
from alerting.detectors.nights import Nights
from alerting.detectors.register import Line
from alerting.detectors.supply import Power
from alerting.detectors.view import DeviceView
from alerting.detectors.water import Water
from alerting.supervision import IDLE, Device, Why, judge, standing
from alerting.vigilance import Unable, vigilance
from tests.alerting.test_supervision import NOW, kept, lost

HOUR, DAY = 3600, 86_400
COUNTED = Power(line=Line(1, 1), meter=Meter(900, 10, 10), nights=Nights(base=600))


def view(role: str, **rules: Any) -> DeviceView:
    return DeviceView(id="d", role=role, family="native", rules=rules)


def metered(**habit: Any) -> DeviceState:
    return DeviceState(water=Water(line=Line(1, 1), habit=Habit(**habit)))


@pytest.mark.parametrize("role", ["sos_button", "smoke_detector", "watch", "bed_sensor"])
def test_what_calls_for_help_by_itself_notices(role: str) -> None:
    assert vigilance(DeviceState(), view(role)).unable is None


@pytest.mark.parametrize(
    ("device", "unable"),
    [
        (view("water_meter"), None),  # the built-in rule
        (view("water_meter", no_water_use={"preset": "off"}), Unable.RULE_OFF),
        (view("water_meter", no_water_use={"preset": "nonsense"}), None),
        (view("water_meter", leak={"preset": "off"}, tap_left_on={"preset": "off"}), None),
        (view("electricity_meter"), Unable.RULE_OFF),
        (view("electricity_meter", no_power_use={"preset": "off"}), Unable.RULE_OFF),
        (view("electricity_meter", no_power_use={"preset": "fixed-24h"}), Unable.LEARNING),
        (view("bed_sensor", out_of_bed={"enabled": False}), Unable.RULE_OFF),
        (view("bed_sensor", out_of_bed={"minutes": 20}), None),
    ],
)
def test_a_rule_that_is_off_watches_over_nobody(device: DeviceView, unable: Unable | None) -> None:
    assert vigilance(DeviceState(), device).unable is unable


@pytest.mark.parametrize(
    ("part", "unable"),
    [
        (COUNTED, None),
        (replace(COUNTED, meter=Meter(900, 10_000, 10_000)), Unable.COARSE_STEPS),
        (replace(COUNTED, meter=Meter(DAY, 10, 10)), Unable.TOO_RARE),
        (replace(COUNTED, nights=Nights(base=UNKNOWN)), Unable.LEARNING),
        (replace(COUNTED, nights=Nights(base=0)), Unable.NO_BASE_LOAD),
        (replace(COUNTED, blind=1, still_from=77), Unable.CANNOT_ASSESS),
    ],
)
def test_an_electricity_meter_that_cannot_tell_says_why(part: Power, unable: Unable | None) -> None:
    device = view("electricity_meter", no_power_use={"preset": "fixed-24h"})
    found = vigilance(DeviceState(power=part), device)
    assert found.unable is unable
    assert found.at_most_s == (0 if unable else DAY + 900)
    assert found.since == (77 if unable is Unable.CANNOT_ASSESS else 0)


@pytest.mark.parametrize("part", [{"doubted_at": 9}, {"stuck": 1}])
def test_a_register_that_cannot_be_trusted_watches_over_nobody(part: dict[str, int]) -> None:
    water = replace(Water(line=Line(1, 1)), **part)
    assert vigilance(DeviceState(water=water), view("water_meter")).unable is Unable.CANNOT_ASSESS


@pytest.mark.parametrize(
    ("meter", "grade", "at_most_h"),
    [
        (Meter(DAY, 10, 10), Grade.BLIND, 48),
        (Meter(HOUR, 1000, 1000), Grade.DARK, 37),
    ],
)
def test_a_blind_meter_watches_only_slowly(meter: Meter, grade: Grade, at_most_h: int) -> None:
    device = view("water_meter", no_water_use={"preset": "adaptive"})
    found = vigilance(metered(days=60, meter=meter), device)
    assert (found.unable, found.grade, found.is_slow) == (None, grade, True)
    assert found.at_most_s == at_most_h * HOUR
    stands = standing(kept(role="water_meter", vigilance=found), NOW)
    verdict = judge([stands, lost("sos_button", NOW)])
    assert (verdict.what, verdict.slow_s) == ("watched", at_most_h * HOUR)
    quick = standing(kept(role="smoke_detector"), NOW)
    assert judge([stands, quick]).slow_s == 0, "another one tells at once"


def idle(**fields: Any) -> Device:
    off = vigilance(DeviceState(), view("electricity_meter"))
    return kept(**{"role": "electricity_meter", "vigilance": off, **fields})


def test_what_notices_nothing_is_shown_and_never_missed() -> None:
    stands = standing(idle(), NOW)
    assert stands.why in IDLE
    alone = judge([stands])
    assert (alone.what, alone.since, alone.idle) == ("idle", None, (stands,))
    beside = judge([stands, lost("watch", NOW)])
    assert (beside.what, beside.since, beside.idle) == ("unwatched", NOW, (stands,))
    assert standing(idle(last_heard_at=None), NOW).why is Why.NEVER_SPOKE
