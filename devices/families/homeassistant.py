"""Home Assistant discovery: what other programs announce, as suggestions for the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices import parts
from devices.event import Decoded, InventoryItem, Message
from devices.families.homeassistant_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable
from devices.topics import below

PREFIX = "homeassistant"
_SHORT = {  # abbreviations of the discovery protocol that matter here
    "dev": "device",
    "ids": "identifiers",
    "cns": "connections",
    "mf": "manufacturer",
    "mdl": "model",
    "dev_cla": "device_class",
    "stat_t": "state_topic",
    "t": "topic",
    "uniq_id": "unique_id",
    "sw": "sw_version",
    "cmps": "components",
    "p": "platform",
    "val_tpl": "value_template",
    "unit_of_meas": "unit_of_measurement",
}
_CLASSES = {  # device class → capability, in the words of the other bridges
    "smoke": "smoke",
    "gas": "gas",
    "carbon_monoxide": "carbon_monoxide",
    "moisture": "water_leak",
    "door": "contact",
    "window": "contact",
    "opening": "contact",
    "garage_door": "contact",
    "motion": "occupancy",
    "occupancy": "occupancy",
    "presence": "occupancy",
    "battery": "battery",
    "tamper": "tamper",
    "heat": "heat",
    "water": "water_consumed",
    "energy": "energy",
    "power": "power",
    "voltage": "voltage",
    "current": "current",
    "temperature": "temperature",
    "button": "action",
}
_PRESSES = ("device_automation", "event")
_MOST_CAPABILITIES = 64


def decode(message: Message, source: SourceView) -> Decoded:
    """What was announced. Never raises; see `DeviceFamily.decode`. Never an event or a reading."""
    levels = below(message, source, PREFIX)
    if levels is None:
        return Decoded(quarantined="unknown_topic")
    if levels == ["status"] or not message.payload:
        return Decoded()  # Home Assistant's own birth and will; an entity that was removed
    if levels[-1] != "config" or not 3 <= len(levels) <= 4:
        return Decoded(quarantined="unknown_topic")
    try:
        return _announcement(levels[0], message, source)
    except Unreadable as error:
        return Decoded(quarantined=error.reason)


def _announcement(component: str, message: Message, source: SourceView) -> Decoded:
    faults: list[str] = []
    said = _long(parts.mapping(parts.read_json(message.payload, faults), "payload"))
    device = said.get("device")
    known = _long(device) if type(device) is dict else {}
    child = (
        _identifier(known)
        or parts.label(said.get("unique_id"))
        or parts.label(said.get("state_topic"))
    )
    if not child:
        raise Unreadable("missing:identifiers")
    entities = _entities(component, said)
    found = [each for entity in entities if (each := _capability(*entity))]
    before = source.capabilities.get(child, ())  # each entity of a device comes on its own
    item = InventoryItem(
        child_id=child,
        name=parts.label(known.get("name")) or child,
        model=parts.label(known.get("model")),
        vendor=parts.label(known.get("manufacturer")),
        firmware=_firmware(known.get("sw_version")),
        capabilities=tuple(dict.fromkeys((*before, *found)))[:_MOST_CAPABILITIES],
        topic=next((each for _, one in entities if (each := _topic(one, said))), ""),
    )
    return Decoded(inventory=(item,), quarantined=faults[0] if faults else None)


def _entities(component: str, said: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """(platform, entity): one, or all that a device announces at once."""
    listed = said.get("components")
    if component != "device" or type(listed) is not dict:
        return [(component, said)]
    whole = [_long(each) for each in list(listed.values())[:128] if type(each) is dict]
    return [(str(each.get("platform", "")), each) for each in whole]


def _topic(entity: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    """Where an entity speaks; `~` stands for a base that is named once."""
    topic = parts.label(entity.get("state_topic")) or parts.label(entity.get("topic"))
    base = parts.label(entity.get("~")) or parts.label(said.get("~"))
    return topic.replace("~", base) if topic.startswith("~") or topic.endswith("~") else topic


def _capability(platform: str, entity: Mapping[str, Any]) -> str | None:
    if platform in _PRESSES:
        return "action"
    word = entity.get("device_class")
    return _CLASSES.get(word) if type(word) is str else None


def _long(fields: Mapping[str, Any]) -> dict[str, Any]:
    """With abbreviated names written out."""
    return {_SHORT.get(name, name): value for name, value in fields.items()}


def _identifier(device: Mapping[str, Any]) -> str:
    """The first identifier: what makes several entities one device."""
    ids = device.get("identifiers")
    if type(ids) is list:
        ids = next((each for each in ids if type(each) is str), None)
    if parts.label(ids):
        return parts.label(ids)
    pairs = device.get("connections")
    if type(pairs) is list and pairs and type(pairs[0]) is list:
        return parts.label(":".join(each for each in pairs[0] if type(each) is str))
    return ""


def _firmware(value: Any) -> str:
    """Of the device; an older Zigbee2MQTT gives its own version instead."""
    version = parts.label(value)
    return "" if version.startswith("Zigbee2MQTT") else version


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/#",)


FAMILY = DeviceFamily(
    name="homeassistant-discovery",
    title_zh="Home Assistant 自动发现（仅作建议）",
    title_en="Home Assistant discovery (suggestions only)",
    default_prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=(),
    may_be_silent=lambda topic: topic == "status",
    liveness="none: an announcement is retained and says nothing about the present",
    quirks=(
        "Every entity of a device is announced on its own; their capabilities are gathered (Home "
        "Assistant docs, MQTT discovery).",
        "Names may be abbreviated (dev, dev_cla, stat_t), and a device may announce all at once.",
        "Only a list of what is there: the device is registered under the source that speaks for "
        "it.",
    ),
)
