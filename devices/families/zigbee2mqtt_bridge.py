"""What Zigbee2MQTT says of itself and its network, on `bridge/…`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from devices import parts
from devices.event import Decoded, DeviceEvent, InventoryItem, Message, Presence
from devices.family import SourceView
from devices.parts import Unreadable, attempt

UNIT_VARIES = frozenset({"water_consumed", "flow"})
"""Properties whose unit differs by model (valves count litres, meters cubic metres); the inventory
names it, so the capability is written `property:unit`."""

_SILENT = frozenset(
    """
    config converters definitions device extension extensions group health info log logging
    networkmap request response
    """.split()  # noqa: SIM905
)
GROUP = "group:"
"""A group's child id begins so; it is nobody's device."""
_MAX_CAPABILITIES = 64
_EXPOSES_DEPTH = 6
_ONLINE = {"online": True, "offline": False}
_IEEE = re.compile(r"0x[0-9a-f]{16}").fullmatch


def decode(topic: str, message: Message, source: SourceView) -> Decoded:
    """A message on `bridge/{topic}`. Raises `Unreadable`; nobody is to blame for it."""
    if topic.partition("/")[0] in _SILENT or not message.payload:
        return Decoded()  # an empty payload erases a retained message
    if topic == "state":
        online = read_online(message.payload)
        return Decoded(
            presences=(Presence(child_id=None, online=online, retained=message.retained),)
        )
    if topic == "event":
        return _event(message, source)
    if topic == "devices":
        return _inventory(message, _item)
    if topic == "groups":
        return _inventory(message, _group)
    raise Unreadable("unknown_topic")


def may_be_silent(topic: str) -> bool:
    """Whether `bridge/{topic}` may mean nothing. A list does before anything was paired."""
    return topic.partition("/")[0] in _SILENT or topic in (
        "devices",
        "groups",
    )


def read_online(payload: bytes) -> bool:
    """`online`, `"online"` or `{"state": "online"}`: the form changed with version 1.17 and 2.0."""
    if payload.lstrip()[:1] == b"{":
        faults: list[str] = []
        word = parts.mapping(parts.read_json(payload, faults), "payload").get("state")
    else:
        word = parts.read_text(payload).strip('"') or None
    online = _ONLINE.get(parts.text(word, "state").lower())
    if online is None:
        raise Unreadable("wrong_type:state")
    return online


def ieee_address(value: Any) -> str | None:
    """The address as Zigbee2MQTT writes it, or None when it is none."""
    if type(value) is not str:
        return None
    address = value.strip().lower()
    return address if _IEEE(address) else None


def _event(message: Message, source: SourceView) -> Decoded:
    """A child left, came back or could not be set up. Anything else is a sign of life."""
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    kind = parts.text(said.get("type"), "type")
    data = parts.mapping(said.get("data"), "data")
    child = ieee_address(data.get("ieee_address"))
    if child is None:
        friendly = _friendly_name(data)
        child = source.aliases.get(friendly, friendly)
    level, word = _network_event(kind, data.get("status"))
    if level is None:
        return Decoded(heard=(child,))
    said_data = {"fault": word} if level == "fault" else {}
    event = DeviceEvent(child_id=child, kind=level, data=said_data, retained=message.retained)
    return Decoded(events=(event,))


def _network_event(kind: str, status: Any) -> tuple[str | None, str]:
    """Who left or failed its interview watches over nobody; who joined again does."""
    if kind == "device_leave":
        return "fault", kind
    if kind == "device_interview" and status == "failed":
        return "fault", "device_interview"  # pairs, and then never tells of a press
    if kind == "device_joined" or (kind == "device_interview" and status == "successful"):
        return "fault_clear", kind
    return None, kind


def _inventory(message: Message, read: Callable[[Any], InventoryItem | None]) -> Decoded:
    faults: list[str] = []
    listed = parts.read_json(message.payload, faults, limit=parts.MAX_INVENTORY)
    if type(listed) is not list:
        raise Unreadable("wrong_type:payload")
    found = [attempt(faults, read, entry) for entry in listed]
    return Decoded(
        inventory=tuple(item for item in found if item is not None),
        quarantined=faults[0] if faults else None,
    )


def _item(entry: Any) -> InventoryItem | None:
    """One paired device; None for the coordinator, which is the bridge itself."""
    fields = parts.mapping(entry, "device")
    if fields.get("type") == "Coordinator":
        return None
    child = ieee_address(fields.get("ieee_address"))
    if child is None:
        raise Unreadable("missing:ieee_address")
    definition = fields.get("definition")
    known = definition if type(definition) is dict else {}  # null: a model nobody described yet
    return InventoryItem(
        child_id=child,
        name=_friendly_name(fields),
        model=parts.label(known.get("model") or fields.get("model_id")),
        vendor=parts.label(known.get("vendor") or fields.get("manufacturer")),
        firmware=parts.label(fields.get("software_build_id") or fields.get("date_code")),
        capabilities=tuple(dict.fromkeys(_capabilities(known.get("exposes"), 0)))[
            :_MAX_CAPABILITIES
        ],
    )


def _group(entry: Any) -> InventoryItem:
    """A group speaks on a topic of its own and only repeats what its members say."""
    fields = parts.mapping(entry, "group")
    number = fields.get("id")
    if type(number) is not int:
        raise Unreadable("missing:id")
    return InventoryItem(
        child_id=f"{GROUP}{number}", name=_friendly_name(fields), model="Zigbee group"
    )


def _friendly_name(fields: dict[str, Any]) -> str:
    """What the device's topics are called: exactly as it stands there, spaces included."""
    value = fields.get("friendly_name")
    if type(value) is not str:
        raise Unreadable("missing:friendly_name")
    return parts.child_name(value)


def _capabilities(exposes: Any, depth: int) -> list[str]:
    """Property names out of the nested `exposes`: `smoke`, `action`, `water_consumed:L` …"""
    if type(exposes) is not list or depth >= _EXPOSES_DEPTH:
        return []
    found: list[str] = []
    for expose in exposes:
        if type(expose) is not dict:
            continue
        name, unit = parts.label(expose.get("property")), parts.label(expose.get("unit"))
        if 0 < len(name) <= 64:
            found.append(f"{name}:{unit[:16]}" if unit and name in UNIT_VARIES else name)
        found += _capabilities(expose.get("features"), depth + 1)
    return found
