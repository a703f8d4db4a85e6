"""Units that registers arrive in, and the one each is kept in."""

from __future__ import annotations

import unicodedata

from devices.parts import Unreadable

_LINEAR_UNITS: dict[str, dict[str, float]] = {
    "water_total": {"m3": 1, "m^3": 1, "L": 1e-3, "l": 1e-3, "dm3": 1e-3, "mL": 1e-6, "ml": 1e-6},
    "water_flow": {
        "m3/h": 1,
        "L/h": 1e-3,
        "l/h": 1e-3,
        "L/min": 0.06,
        "l/min": 0.06,
        "L/s": 3.6,
        "l/s": 3.6,
        "m3/s": 3600,
    },
    "energy_total": {"kWh": 1, "kwh": 1, "KWH": 1, "Wh": 1e-3, "MWh": 1e3, "J": 1 / 3.6e6},
    "power": {"W": 1, "w": 1, "kW": 1e3, "KW": 1e3, "mW": 1e-3},
    "voltage": {"V": 1, "v": 1, "mV": 1e-3, "kV": 1e3},
    "current": {"A": 1, "a": 1, "mA": 1e-3},
    "temperature": {"°C": 1, "C": 1, "degC": 1, "celsius": 1},
    "heart_rate": {"1/min": 1, "bpm": 1, "/min": 1, "次/分": 1, "Hz": 60},
    "spo2": {"%": 1},
    "systolic": {"mmHg": 1, "kPa": 7.500616827},
    "diastolic": {"mmHg": 1, "kPa": 7.500616827},
    "smoke_density": {"%/m": 1},
    "battery_pct": {"%": 1},
    "rssi_dbm": {"dBm": 1},
    "link_quality": {"1": 1, "lqi": 1},
}
"""Units a register may arrive in, each with what it is multiplied by. Spelling is as it is sent,
because mW and MW differ by a billion."""


def in_kept_unit(register: str, value: float, unit: str) -> float:
    """`value` in the register's own unit (REGISTER_UNITS). "" means it came in that already.

    Compatibility forms are folded first: m³, ㎥, ℃, ㎾. Raises `Unreadable("unknown_unit")`.
    """
    if not unit:
        return value
    factor = _LINEAR_UNITS[register].get(unicodedata.normalize("NFKC", unit).strip())
    if factor is None:
        raise Unreadable("unknown_unit")
    return value * factor if factor != 1 else value


def units_of(register: str) -> tuple[str, ...]:
    """Every spelling of a unit that `in_kept_unit` converts for that register."""
    return tuple(_LINEAR_UNITS[register])
