"""Zigbee2MQTT: one topic a device, levels re-stated in every message, names in any script."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from devices import parts
from devices.event import Decoded, Message, Presence
from devices.families import zigbee2mqtt_bridge as bridge
from devices.families import zigbee2mqtt_numbers as numbers
from devices.families import zigbee2mqtt_state as state
from devices.families.zigbee2mqtt_downlink import DOWNLINK, child_topics
from devices.families.zigbee2mqtt_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable, attempt

PREFIX = "zigbee2mqtt"

_ATTRIBUTES = frozenset(
    {*state.LEVELS, *numbers.REGISTERS, *state.PRESSES, *state.TESTS, "sos", "fall_down_status"}
)
_ATTRIBUTE_NAME = re.compile(r"[a-z][a-zA-Z0-9_-]*").fullmatch


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
    if child.startswith(bridge.GROUP) and message.payload:
        return Decoded(heard=(child,))  # what its members say themselves
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
        if attribute not in _ATTRIBUTES and numbers.outlet_of(attribute) is None:
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
        for event in state.events(fields, child, role, faults)
    ]
    readings = numbers.readings(fields, child, at, source.capabilities.get(child, ()), faults)
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
    if not words or attribute in state.PRESSES:
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
        *dict.fromkeys(kind for kinds in state.LEVELS.values() for kind in kinds),
        "sos",
        "button",
        "fall",
        "test",
        "fault",
        "fault_clear",
        *numbers.REGISTERS.values(),
        *(f"{register}_l{n}" for register in ("energy_total", "power", "current") for n in (1, 2)),
    ),
    reports_every_s=25 * 3600,  # Zigbee2MQTT's own patience with battery devices
    may_be_silent=may_be_silent,
    child_topics=child_topics,
    downlink=DOWNLINK,
    liveness="availability, when switched on; any message; bridge/state for all of them at once",
    quirks=(
        "Every message re-states all levels, also old ones after a restart of the bridge "
        "(zigbee2mqtt.io, cache_state and cache_state_send_on_startup).",
        "A test press is invisible on Xiaomi JTYJ-GD-01LM (state dumps in its issues).",
        "Button words differ by model; only the device's role tells that a press is an SOS "
        "(zigbee2mqtt.io, device pages: action).",
        "null and an empty action mean: not known yet. Never a clear, never zero (Bosch Twinguard, "
        "TS0215A_sos, RTX ZVG1: state dumps in their issues).",
        "voltage is the mains in volts, or the battery in millivolts (device pages: voltage).",
        "water_consumed is in litres on valves and in cubic metres on meters; the inventory says "
        "which (bridge/devices, exposes: unit).",
        "Several outlets: energy_total_l1 … each, and energy_total once all of them are known "
        "(device page of TS011F_2_gang).",
        "A group repeats what its members say: a sign of life, never an event (zigbee2mqtt.io, "
        "Groups).",
        "SOS without a press, with a flat battery (TS0601_sos _TZE284_2baujqot; "
        "Koenkk/zigbee2mqtt#31821).",
        "Pairs and never tells of a press (TS0215A_sos; Koenkk/zigbee2mqtt#12819, #7184).",
        "Sounds and says nothing until asked (JY-GZ-01AQ; Koenkk/zigbee2mqtt#15847), or stays true "
        "when the smoke is gone (#29880).",
    ),
)
