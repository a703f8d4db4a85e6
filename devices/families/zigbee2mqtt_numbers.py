"""A Zigbee2MQTT device's numbers: one register a property, and outlets told apart and together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from devices import parts, units
from devices.event import REGISTER_UNITS, Reading
from devices.families import zigbee2mqtt_bridge as bridge
from devices.parts import attempt

REGISTERS = {
    "smoke_density": "smoke_density",
    "energy": "energy_total",
    "power": "power",
    "voltage": "voltage",
    "current": "current",
    "water_consumed": "water_total",
    "flow": "water_flow",
    "temperature": "temperature",
    "battery": "battery_pct",
    "linkquality": "link_quality",
}
_OUTLET = re.compile(
    r"(energy|power|current)_(l\d{1,2}|\d{1,2}|left|right|center|middle|top|bottom|a|b|c|usb)"
).fullmatch
_MAINS_AT_MOST = 1000.0  # volts; above it, it is a battery in millivolts


def readings(
    fields: dict[str, Any],
    child: str,
    at: datetime | None,
    capabilities: tuple[str, ...],
    faults: list[str],
) -> list[Reading]:
    """Every number that has a register; null is "not known yet", never zero."""
    found: list[Reading] = []
    for field, register in REGISTERS.items():
        if fields.get(field) in (None, ""):
            continue
        unit = _unit(field, capabilities) if field in bridge.UNIT_VARIES else ""
        value = attempt(faults, _in_kept_unit, field, register, fields[field], unit)
        if value is None or (field == "voltage" and _is_battery(fields, value)):
            continue
        found.append(_reading(child, register, value, at))
    return found + _outlets(fields, child, at, capabilities, faults)


def outlet_of(field: str) -> tuple[str, str] | None:
    """(register, outlet) of a property such as `energy_l1`, else None."""
    match = _OUTLET(field)
    return None if match is None else (REGISTERS[match[1]], match[2])


def _outlets(
    fields: dict[str, Any],
    child: str,
    at: datetime | None,
    capabilities: tuple[str, ...],
    faults: list[str],
) -> list[Reading]:
    """A register for each outlet, `energy_total_l1`, and their sum where every outlet is known.

    The sum is what tells whether somebody is using power at all. With one outlet's value missing
    it would seem to step down, so then there is none.
    """
    found: list[Reading] = []
    sums: dict[str, dict[str, float]] = {}
    for field, said in fields.items():
        known = outlet_of(field)
        if known is None or said in (None, ""):
            continue
        register, outlet = known
        value = attempt(faults, parts.number, said, field.partition("_")[0])
        if value is not None:
            unit = REGISTER_UNITS[register]
            name = f"{register}_{outlet}"
            found.append(Reading(child_id=child, register=name, value=value, unit=unit, at=at))
            sums.setdefault(register, {})[outlet] = value
    for register, values in sums.items():
        expected = _outlets_of(register, (*fields, *capabilities))
        is_whole = len(values) > 1 and expected == set(values)
        if is_whole and not any(REGISTERS.get(field) == register for field in fields):
            found.append(_reading(child, register, sum(values.values()), at))
    return found


def _outlets_of(register: str, names: Iterable[str]) -> set[str]:
    """Outlets that the message or the bridge's inventory knows, also those that say null."""
    known = [outlet_of(name.partition(":")[0]) for name in names]
    return {each[1] for each in known if each is not None and each[0] == register}


def _reading(child: str, register: str, value: float, at: datetime | None) -> Reading:
    unit = REGISTER_UNITS[register]
    return Reading(child_id=child, register=register, value=value, unit=unit, at=at)


def _in_kept_unit(field: str, register: str, value: Any, unit: str) -> float:
    return units.in_kept_unit(register, parts.number(value, field), unit)


def _unit(field: str, capabilities: tuple[str, ...]) -> str:
    """The unit that the bridge's inventory gave for this child, "" when it gave none."""
    for capability in capabilities:
        name, _, unit = capability.partition(":")
        if name == field:
            return unit
    return ""


def _is_battery(fields: dict[str, Any], volts: float) -> bool:
    """Battery devices give their cell's millivolts under the name of the mains' volts."""
    return "battery" in fields or "battery_low" in fields or volts > _MAINS_AT_MOST
