"""Zigbee2MQTT: one topic a device, levels re-stated in every message, names in any script."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from devices import parts
from devices.event import (
    REGISTER_UNITS,
    Confidence,
    Decoded,
    DeviceEvent,
    Message,
    Presence,
    Reading,
)
from devices.families import zigbee2mqtt_bridge as bridge
from devices.families.zigbee2mqtt_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable, attempt

PREFIX = "zigbee2mqtt"

_SOS_WORDS = frozenset({"emergency", "panic", "sos", "fire"})
"""Actions that call for help whatever the button is: Tuya TS0215A and TS0601_sos, keypads."""

_ARMING = re.compile(r"(dis)?arm(_.*)?|(already|not|exit|entry|invalid)_.*").fullmatch
"""Words of a four-key remote's other keys: its owner went out, and is not calling for help."""

_LEVELS = {
    "smoke": ("smoke", "smoke_clear"),
    "smoke_state": ("smoke", "smoke_clear"),
    "gas": ("gas", "gas_clear"),
    "carbon_monoxide": ("gas", "gas_clear"),
    "water_leak": ("leak", "leak_clear"),
    "tamper": ("tamper", "tamper_clear"),
    "battery_low": ("battery_low", "battery_ok"),
    "occupancy": ("motion", "no_motion"),
    "presence": ("motion", "no_motion"),
    "contact": ("door_closed", "door_open"),  # true: the magnet touches
}
_FALLS = {"fall": Confidence.CONFIRMED, "maybe_fall": Confidence.UNCONFIRMED}
_PRESSES = ("action", "click")  # `click` before version 1.17
_NO_PRESS = frozenset({"none", "null", "idle"})
_TESTS = ("test", "self_test")
_REGISTERS = {
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
_ATTRIBUTES = frozenset({*_LEVELS, *_REGISTERS, *_PRESSES, *_TESTS, "sos", "fall_down_status"})
_ATTRIBUTE_NAME = re.compile(r"[a-z][a-zA-Z0-9_-]*").fullmatch
_MAINS_AT_MOST = 1000.0  # volts; above it, it is a battery in millivolts

_YES = frozenset({True, "true", "on", "yes", "1", "alarm", "detected"})
_NO = frozenset({False, "false", "off", "no", "0", "normal", "clear", "none"})
_UNDECIDED = frozenset({None, "", "detecting", "unknown", "null"})


def decode(message: Message, source: SourceView) -> Decoded:
    """What a Zigbee2MQTT bridge said. Never raises; see `DeviceFamily.decode`."""
    prefix = source.prefix or PREFIX
    topic = message.topic.removeprefix(prefix + "/")
    if topic == message.topic or not topic:
        return Decoded(quarantined="unknown_topic")
    try:
        parts.child_name(topic)
        if topic == "bridge" or topic.startswith("bridge/"):
            return bridge.decode(topic[len("bridge/") :], message, source)
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    if may_be_silent(topic):
        return Decoded()
    name, attribute = _address(topic, message.payload, source)
    child = source.aliases.get(name, name)
    try:
        if attribute == "availability":
            return _availability(message, child)
        return _state(message, source, name, child, attribute)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)


def may_be_silent(topic: str) -> bool:
    """Commands of other programs (`NAME/set`, `NAME/get/state`), and the bridge's own affairs."""
    if topic.startswith("bridge/"):
        return bridge.may_be_silent(topic.removeprefix("bridge/"))
    levels = topic.split("/")[1:]  # the first is always part of a name
    return not {"set", "get"}.isdisjoint(levels[-2:])


def _address(topic: str, payload: bytes, source: SourceView) -> tuple[str, str | None]:
    """The device's name, and the attribute when the topic ends with one.

    Names contain slashes, so `a/b` may be a device or an attribute of `a`. A device that is known
    wins; a state is always an object, an attribute (output mode "attribute") never is.
    """
    name, slash, last = topic.rpartition("/")
    if not slash:
        return topic, None
    if last == "availability":
        return name, last
    if topic in source.aliases or topic in source.roles or payload.lstrip()[:1] in (b"{", b"["):
        return topic, None
    return (name, last) if _ATTRIBUTE_NAME(last) else (topic, None)


def _availability(message: Message, child: str) -> Decoded:
    if not message.payload:
        return Decoded()  # the device was renamed or removed
    online = bridge.read_online(message.payload)
    presence = Presence(child_id=child, online=online, retained=message.retained)
    return Decoded(presences=(presence,))


def _state(
    message: Message, source: SourceView, name: str, child: str, attribute: str | None
) -> Decoded:
    """A device's state object, or one attribute of it."""
    faults: list[str] = []
    if attribute is not None:
        if attribute not in _ATTRIBUTES:
            parts.read_text(message.payload)
            return Decoded(heard=(child,)) if message.payload else Decoded()
        fields = {attribute: _bare_value(attribute, message.payload, faults)}
    elif not message.payload:
        return Decoded()  # a retained state was erased: the device was renamed or removed
    else:
        fields = parts.mapping(parts.read_json(message.payload, faults), "payload")
    child = _own_address(fields) or child
    at = attempt([], parts.moment, fields.get("last_seen"), source.zone)
    role = source.roles.get(child) or source.roles.get(name)
    events = [
        msgspec.structs.replace(event, at=at, retained=message.retained)
        for event in (
            *_presses(fields, child, role, faults),
            *_falls(fields, child),
            *_levels(fields, child, faults),
            *_others(fields, child),
        )
    ]
    readings = _readings(fields, child, at, source.capabilities.get(child, ()), faults)
    return Decoded(
        events=tuple(events),
        readings=tuple(readings),
        heard=() if events or readings or faults else (child,),
        quarantined=faults[0] if faults else None,
        culprit=child if faults else None,
    )


def _bare_value(attribute: str, payload: bytes, faults: list[str]) -> Any:
    """The one value of an attribute topic: a JSON scalar, or plain text."""
    words = parts.read_text(payload)
    if not words or attribute in _PRESSES:
        return words.strip('"')
    try:
        return parts.read_json(payload, faults)
    except Unreadable:
        return words


def _own_address(fields: dict[str, Any]) -> str | None:
    """The address inside the payload, there when `include_device_information` is set."""
    device = fields.get("device")
    if type(device) is not dict:
        return None
    return bridge.ieee_address(device.get("ieeeAddr") or device.get("ieee_address"))


def _presses(
    fields: dict[str, Any], child: str, role: str | None, faults: list[str]
) -> list[DeviceEvent]:
    """Calls for help and other presses. A null or empty action is a cached or reset state."""
    found: list[DeviceEvent] = []
    for field in _PRESSES:
        said = fields.get(field)
        word = None if said in (None, "") else attempt(faults, parts.text, said, field)
        if word is not None and word.lower() not in _NO_PRESS:
            kind = "sos" if _calls_for_help(word.lower(), role) else "button"
            found.append(DeviceEvent(child_id=child, kind=kind, data={"action": word}))
    held = attempt(faults, _as_level, fields.get("sos"), "sos")
    if held is not None:
        # a state, re-stated in every later message: `level` tells the detector to look for an edge
        kind = "sos" if held else "sos_cancel"
        found.append(DeviceEvent(child_id=child, kind=kind, data={"level": True}))
    return found


def _calls_for_help(word: str, role: str | None) -> bool:
    """On a device that was set up as an SOS button every press counts, whatever its model says.

    Also the release after a hold, for the message about the hold itself may have been lost.
    """
    if word in _SOS_WORDS:
        return True
    return role in ("sos_button", "watch") and not _ARMING(word)


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
    for field, kinds in _LEVELS.items():
        if field not in fields:
            continue
        level = attempt(faults, _as_level, fields[field], field)
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
    if any(fields.get(field) is True for field in _TESTS):
        found.append(DeviceEvent(child_id=child, kind="test"))
    troubles = [fields[field] for field in ("fault", "trouble") if type(fields.get(field)) is bool]
    if troubles:
        kind = "fault" if any(troubles) else "fault_clear"
        found.append(DeviceEvent(child_id=child, kind=kind))
    return found


def _as_level(value: Any, field: str) -> bool | None:
    """True, False, or None for "not known yet"; the word differs by model and output mode."""
    if type(value) is str:
        value = value.strip().lower()
    elif type(value) in (dict, list):
        raise Unreadable(f"wrong_type:{field}")
    if value in _UNDECIDED:
        return None
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise Unreadable(f"wrong_type:{field}")


def _readings(
    fields: dict[str, Any],
    child: str,
    at: datetime | None,
    capabilities: tuple[str, ...],
    faults: list[str],
) -> list[Reading]:
    """Every number that has a register; null is "not known yet", never zero."""
    found: list[Reading] = []
    for field, register in _REGISTERS.items():
        if fields.get(field) in (None, ""):
            continue
        unit = _unit(field, capabilities) if field in bridge.UNIT_VARIES else ""
        value = attempt(faults, _in_kept_unit, field, register, fields[field], unit)
        if value is None or (field == "voltage" and _is_battery(fields, value)):
            continue
        found.append(
            Reading(
                child_id=child, register=register, value=value, unit=REGISTER_UNITS[register], at=at
            )
        )
    return found


def _in_kept_unit(field: str, register: str, value: Any, unit: str) -> float:
    return parts.in_kept_unit(register, parts.number(value, field), unit)


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


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/#",)  # names contain slashes: no narrower filter holds them all


FAMILY = DeviceFamily(
    name="zigbee2mqtt",
    title_zh="Zigbee2MQTT 网桥",
    title_en="Zigbee2MQTT bridge",
    default_prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=(
        *dict.fromkeys(kind for kinds in _LEVELS.values() for kind in kinds),
        "sos",
        "button",
        "fall",
        "test",
        "fault",
        "fault_clear",
        *_REGISTERS.values(),
    ),
    reports_every_s=25 * 3600,  # Zigbee2MQTT's own patience with battery devices
    may_be_silent=may_be_silent,
    liveness="availability, when switched on; any message; bridge/state for all of them at once",
    quirks=(
        "Every message re-states all levels, also old ones after a restart of the bridge.",
        "Smoke may stay true for ever once it was true (Aqara JY-GZ-01AQ until it is reset).",
        "A test press is invisible on Xiaomi JTYJ-GD-01LM.",
        "Button words differ by model; only the device's role tells that a press is an SOS.",
        "null and an empty action mean: not known yet. Never a clear, never zero.",
        "voltage is the mains in volts, or the battery in millivolts.",
        "water_consumed is in litres on valves and in cubic metres on meters; see bridge/devices.",
        "With several outlets (energy_l1, power_left) nothing is read but the sign of life.",
    ),
)
