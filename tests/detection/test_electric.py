"""Voltages that no mains has: set aside, with everything measured beside them."""

from __future__ import annotations

import pytest

from alerting.detectors.electric import absurd, set_aside
from alerting.finding import Sign
from tests.detection.support import T0, reading


@pytest.mark.parametrize(
    ("volts", "watts", "is_absurd"),
    [
        (229.0, 1900.0, False),
        (104.0, 0.0, False),
        (400.0, 17_000.0, False),
        (52.0, 17_000.0, True),
        (23.1, 0.0, True),
        (2300.0, 10.0, True),
        (0.0, 0.0, False),
        (0.0, 40.0, True),
    ],
)
def test_which_voltages_a_home_has(volts: float, watts: float, is_absurd: bool) -> None:
    said = [reading("voltage", volts, "V"), reading("power", watts, "W")]
    finding = absurd(said, "d-1", T0)
    assert (finding is not None) == is_absurd
    if finding is not None:
        assert (finding.kind, finding.sign) == ("cannot_assess", Sign.FOUND)
        assert finding.facts["voltage"] == volts


def test_what_was_measured_with_it_is_set_aside_and_the_counter_is_not() -> None:
    said = [reading(name, 52.0) for name in ("voltage", "power", "energy_total")]
    names = [one.register for one in set_aside(said, "d-1")]
    assert names == ["voltage_doubted", "power_doubted", "energy_total"]
    assert set_aside(said, "another") == tuple(said)


def test_who_says_nothing_of_a_voltage_is_not_judged_by_it() -> None:
    assert absurd([reading("power", 17_000.0, "W")], "d-1", T0) is None
    assert absurd([reading("voltage", 52.0, "V")], "another", T0) is None
