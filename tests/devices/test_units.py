"""Units are brought to the one that a register is kept in; none is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import units
from devices.event import REGISTER_UNITS
from devices.parts import Unreadable


@pytest.mark.parametrize(
    ("register", "value", "unit", "kept"),
    [
        ("water_total", 1250, "L", 1.25),
        ("water_total", 3.5, "m³", 3.5),
        ("water_total", 3.5, "㎥", 3.5),
        ("water_total", 3.5, "", 3.5),
        ("water_flow", 10, "L/min", 0.6),
        ("energy_total", 7300, "Wh", 7.3),
        ("power", 1.5, "kW", 1500),
        ("power", 1500, "mW", 1.5),
        ("current", 390, "mA", 0.39),
        ("temperature", 21, "℃", 21),
        ("systolic", 16, "kPa", 120.009873),
        ("heart_rate", 71, "bpm", 71),
    ],
)
def test_units_are_brought_to_the_kept_one(
    register: str, value: float, unit: str, kept: float
) -> None:
    assert units.in_kept_unit(register, value, unit) == pytest.approx(kept)


@pytest.mark.parametrize(
    ("register", "unit"),
    [("water_total", "gal"), ("power", "MW"), ("power", "kWh"), ("temperature", "°F"),
     ("voltage", "m3")],
)  # fmt: skip
def test_a_unit_nobody_knows_is_not_guessed(register: str, unit: str) -> None:
    with pytest.raises(Unreadable, match=r"^unknown_unit$"):
        units.in_kept_unit(register, 1.0, unit)


@given(value=st.floats(-1e12, 1e12), register=st.sampled_from(sorted(REGISTER_UNITS)))
def test_the_kept_unit_changes_no_value(value: float, register: str) -> None:
    assert units.in_kept_unit(register, value, REGISTER_UNITS[register]) == value
