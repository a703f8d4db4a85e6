"""The operators' standard thing models: `smoke_state`, `battery_state` … and everybody's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices import vocabulary
from devices.event import DeviceEvent, Reading
from devices.vocabulary import Speaker, plain

_STATES = {
    "smokestate": "smoke",
    "smokealarmstate": "smoke",
    "firestate": "smoke",
    "heatstate": "heat",
    "temperaturealarmstate": "heat",
    "gassensorstate": "gas",  # 1 low, 2 high concentration
    "gasstate": "gas",
    "gasalarmstate": "gas",
    "waterloggingstate": "leak",
    "waterstate": "leak",
    "leakstate": "leak",
    "tamperstate": "tamper",
    "batterystate": "battery_low",
    "lowbatterystate": "battery_low",
    "powerstate": "power_outage",
    "errorcode": "fault",
    "faultstate": "fault",
    "sosstate": "sos",
    "emergencybutton": "sos",
    "fallstate": "fall",
    "doorstate": "door_status",
    "batteryvalue": "battery",
    "temperaturevalue": "temperature",
    "rsrp": "rssi",
}
"""A model's name (plain) → the vocabulary's."""
_GRADED = frozenset({"gas", "fault"})
"""Where every number but 0 says that it is so."""


def read(
    fields: Mapping[str, Any], who: Speaker, faults: list[str], *, own_words: bool = True
) -> tuple[list[DeviceEvent], list[Reading]]:
    """As `vocabulary.read`, with the standard models' names put into the vocabulary's first."""
    return vocabulary.read(_translated(fields), who, faults, own_words=own_words)


def _translated(fields: Mapping[str, Any]) -> dict[str, Any]:
    translated: dict[str, Any] = {}
    for name, value in fields.items():
        known = _STATES.get(plain(name), name)
        if known in _GRADED and type(value) is int and value > 1:
            value = 1
        if known not in translated:
            translated[known] = _translated(value) if type(value) is dict else value
    return translated
