"""A Tasmota device's own state: energy, inputs, presses, signal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from devices import parts, words
from devices.event import Decoded, DeviceEvent, Reading
from devices.parts import attempt
from devices.vocabulary import Speaker

CAPABILITIES = words.listed(
    "energy_total power voltage current temperature rssi_dbm button sos sos_cancel "
    "door_open door_closed smoke smoke_clear gas gas_clear leak leak_clear motion no_motion"
)

_ENERGY = {
    "Total": "energy_total",
    "Power": "power",
    "Voltage": "voltage",
    "Current": "current",
}
_ADDED_UP = frozenset({"energy_total", "power", "current"})
_BUTTON = re.compile(r"Button\d{1,2}").fullmatch
_SWITCH = re.compile(r"Switch\d{1,2}").fullmatch
_SWITCH_ROLES = {  # what an input's contact means, by what hangs on it: (on, off)
    "door_contact": ("door_open", "door_closed"),
    "smoke_detector": ("smoke", "smoke_clear"),
    "gas_detector": ("gas", "gas_clear"),
    "leak_sensor": ("leak", "leak_clear"),
    "motion_sensor": ("motion", "no_motion"),
}


def read(said: dict[str, Any], who: Speaker, faults: list[str]) -> Decoded:
    """Everything a device says of itself. Nothing else understood: a sign of life."""
    events = [event for name, value in said.items() for event in _input(name, value, who, faults)]
    readings = [*_energy(said, who, faults), *_sensors(said, who, faults), *_signal(said, who)]
    return who.said(events, readings, faults)


def _energy(said: dict[str, Any], who: Speaker, faults: list[str]) -> list[Reading]:
    """Total, never Today. `EnergyTotal` answers a reset, which sets it to 0; the oldest firmware
    has the fields bare."""
    fields = next(
        (
            said[name]
            for name in ("ENERGY", "EnergyTotal", "EnergyReset")
            if type(said.get(name)) is dict
        ),
        said if "Total" in said and "Yesterday" in said else {},
    )
    found: list[Reading] = []
    for name, register in _ENERGY.items():
        if fields.get(name) in (None, ""):
            continue
        value = attempt(faults, _of_phases, fields[name], register)
        if value is not None:
            found.append(who.reading(register, value))
    return found


def _of_phases(value: Any, register: str) -> float:
    """One number, or one a phase: energy and power add up, a voltage is the first's."""
    if type(value) is not list or not value:
        return parts.number(value, register)
    numbers = [parts.number(each, register) for each in value[:8]]
    return sum(numbers) if register in _ADDED_UP else numbers[0]


def _sensors(said: dict[str, Any], who: Speaker, faults: list[str]) -> Iterator[Reading]:
    """The first thermometer's temperature, in °C whatever TempUnit says."""
    for name, sensor in said.items():
        if type(sensor) is not dict or name in ("ENERGY", "ESP32", "ZbReceived"):
            continue
        if sensor.get("Temperature") is None:
            continue
        value = attempt(faults, parts.number, sensor["Temperature"], "temperature")
        if value is not None:
            is_fahrenheit = said.get("TempUnit") == "F"
            yield who.reading("temperature", (value - 32) / 1.8 if is_fahrenheit else value)
            return


def _signal(said: dict[str, Any], who: Speaker) -> list[Reading]:
    """Signal is in dBm, RSSI a percentage."""
    wifi = said.get("Wifi")
    if type(wifi) is not dict or wifi.get("Signal") is None:
        return []
    signal = attempt([], parts.number, wifi["Signal"], "rssi_dbm")
    return [] if signal is None else [who.reading("rssi_dbm", signal)]


def _input(name: str, value: Any, who: Speaker, faults: list[str]) -> list[DeviceEvent]:
    """A press, or an input whose meaning is the device's role."""
    if _BUTTON(name) and type(value) is dict:
        word = attempt(faults, words.press_word, value.get("Action"), "action")
        if word is None or word == "CLEAR":
            return []
        return [who.event("sos" if words.calls_for_help(word, who.role) else "button",
                          {"action": word, "input": name})]  # fmt: skip
    if not _SWITCH(name):
        return []
    if type(value) is dict:
        value = value.get("Action")
    if who.role == "sos_button":
        pressed = attempt(faults, words.as_level, value, "action")
        kind = "sos" if pressed else "sos_cancel"
        return [] if pressed is None else [who.event(kind, {"input": name, "level": True})]
    kinds = _SWITCH_ROLES.get(who.role or "")
    level = attempt(faults, words.as_level, value, "action") if kinds else None
    return [] if kinds is None or level is None else [who.event(kinds[0] if level else kinds[1])]
