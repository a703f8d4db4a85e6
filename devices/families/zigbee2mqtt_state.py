"""A Zigbee2MQTT device's state object: presses, falls and levels out of its properties."""

from __future__ import annotations

from typing import Any

from devices import words
from devices.event import Confidence, DeviceEvent
from devices.parts import attempt

LEVELS = {
    "smoke": ("smoke", "smoke_clear"),
    "smoke_state": ("smoke", "smoke_clear"),
    "gas": ("gas", "gas_clear"),
    "carbon_monoxide": ("gas", "gas_clear"),
    "water_leak": ("leak", "leak_clear"),
    "tamper": ("tamper", "tamper_clear"),
    "battery_low": ("battery_low", "battery_ok"),
    "battery_state": ("battery_low", "battery_ok"),  # Tuya: low, middle, high
    "occupancy": ("motion", "no_motion"),
    "presence": ("motion", "no_motion"),
    "contact": ("door_closed", "door_open"),  # true: the magnet touches
}
PRESSES = ("action", "click")  # `click` before version 1.17
TESTS = ("test", "self_test")
_FALLS = {"fall": Confidence.CONFIRMED, "maybe_fall": Confidence.UNCONFIRMED}


def events(
    fields: dict[str, Any], child: str, role: str | None, faults: list[str]
) -> list[DeviceEvent]:
    """Everything that happened or lasts, the urgent first."""
    return [
        *_presses(fields, child, role, faults),
        *_falls(fields, child),
        *_levels(fields, child, faults),
        *_others(fields, child),
    ]


def _presses(
    fields: dict[str, Any], child: str, role: str | None, faults: list[str]
) -> list[DeviceEvent]:
    """Calls for help and other presses. A null or empty action is a cached or reset state."""
    found: list[DeviceEvent] = []
    for field in PRESSES:
        word = attempt(faults, words.press_word, fields.get(field), field)
        if word is not None:
            kind = "sos" if words.calls_for_help(word, role) else "button"
            found.append(DeviceEvent(child_id=child, kind=kind, data={"action": word}))
    held = attempt(faults, words.as_level, fields.get("sos"), "sos")
    if held is not None:
        # a state, re-stated in every later message: `level` tells the detector to look for an edge
        kind = "sos" if held else "sos_cancel"
        found.append(DeviceEvent(child_id=child, kind=kind, data={"level": True}))
    return found


def _falls(fields: dict[str, Any], child: str) -> list[DeviceEvent]:
    """Fall radar MIR-HE200-TY: none, maybe_fall, fall; re-stated like every level."""
    said = fields.get("fall_down_status")
    if said == "none":
        return [DeviceEvent(child_id=child, kind="fall_cancel", data={"level": True})]
    confidence = _FALLS.get(said) if type(said) is str else None
    if confidence is None:
        return []
    data = {"level": True, "fall_down_status": said}
    return [DeviceEvent(child_id=child, kind="fall", data=data, confidence=confidence)]


def _levels(fields: dict[str, Any], child: str, faults: list[str]) -> list[DeviceEvent]:
    """One event a level: on when any of its fields says so, off when none does, null is neither."""
    said: dict[tuple[str, str], list[str]] = {}
    for field, kinds in LEVELS.items():
        if field not in fields:
            continue
        level = attempt(faults, words.as_level, fields[field], field)
        if level is False and field == "smoke" and fields.get("alarm", "") is None:
            continue  # Bosch Twinguard after a restart: everything null, smoke false by default
        if level is not None:
            said.setdefault(kinds, []).extend([field] if level else [])
    return [
        DeviceEvent(child_id=child, kind=kinds[0] if on else kinds[1], data={"fields": on})
        if on
        else DeviceEvent(child_id=child, kind=kinds[1])
        for kinds, on in said.items()
    ]


def _others(fields: dict[str, Any], child: str) -> list[DeviceEvent]:
    """A running self-test, and faults. Where `fault` or `test` is a word, it says too little."""
    found: list[DeviceEvent] = []
    if any(fields.get(field) is True for field in TESTS):
        found.append(DeviceEvent(child_id=child, kind="test"))
    troubles = [fields[field] for field in ("fault", "trouble") if type(fields.get(field)) is bool]
    if troubles:
        kind = "fault" if any(troubles) else "fault_clear"
        found.append(DeviceEvent(child_id=child, kind=kind))
    return found
