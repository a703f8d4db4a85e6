"""What a Tasmota bridge hears of others: Zigbee children by short address, radio codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from devices import parts, vocabulary, words
from devices.event import Confidence, Decoded, DeviceEvent
from devices.family import SourceView
from devices.parts import attempt
from devices.vocabulary import Speaker

CAPABILITIES = words.listed(
    "sos button smoke smoke_clear leak leak_clear gas gas_clear tamper tamper_clear battery_low "
    "battery_ok door_open door_closed motion no_motion temperature battery_pct link_quality "
    "energy_total power voltage"
)

_MOST_CHILDREN = 64
_RENAMED = {  # Tasmota's names for ZCL attributes, in the common vocabulary
    "Fire": "smoke",
    "Water": "leak",
    "CO": "carbon_monoxide",
    "Occupancy": "occupancy",
    "PIR": "occupancy",
    "Contact": "door_open",  # the zone's alarm bit: 1 is open
    "Tamper": "tamper",
    "BatteryLow": "battery_low",
    "Panic": "sos",
    "Click": "click",
    "action": "action",
    "Temperature": "temperature",
    "BatteryPercentage": "battery_pct",
    "LinkQuality": "link_quality",
    "EnergyTotal": "energy_total",
    "ActivePower": "power",
    "RMSVoltage": "voltage",
}
_ZONE_ROLES = {  # bit 0 of ZoneStatus, where nothing else says what kind of zone it is
    "smoke_detector": "smoke",
    "leak_sensor": "leak",
    "gas_detector": "gas",
    "sos_button": "sos",
    "door_contact": "door_open",
    "motion_sensor": "occupancy",
}


def add_children(
    decoded: Decoded, said: dict[str, Any], who: Speaker, source: SourceView
) -> Decoded:
    """`decoded` with what the bridge heard; a child speaks, so the bridge lives too."""
    spoken = [*_zigbee(said.get("ZbReceived"), who, source), *_radio(said, who, source)]
    for each in spoken:
        decoded = msgspec.structs.replace(
            decoded,
            events=(*decoded.events, *each.events),
            readings=(*decoded.readings, *each.readings),
            heard=(*decoded.heard, *each.heard),
            quarantined=decoded.quarantined or each.quarantined,
            culprit=decoded.culprit or each.culprit,
        )
    return decoded


def _zigbee(received: Any, who: Speaker, source: SourceView) -> list[Decoded]:
    """A short address counts only inside its bridge: the child is `<bridge>/<address>`."""
    if type(received) is not dict:
        return []
    if "Device" in received:  # SetOption119: no address around it
        received = {str(received["Device"]): received}
    found: list[Decoded] = []
    for name, fields in list(received.items())[:_MOST_CHILDREN]:
        if type(fields) is not dict:
            continue
        address = fields.get("IEEEAddr") or fields.get("Device") or name
        label = address if type(address) is str and address.isprintable() else name
        if not 1 <= len(label) <= 64 or not label.isprintable():
            continue
        child = f"{who.child}/{label}"[: parts.MAX_NAME]
        speaker = replace(who, child=child, role=source.roles.get(child))
        faults: list[str] = []
        events, readings = vocabulary.read(
            _in_our_words(fields, speaker.role), speaker, faults, own_words=False
        )
        found.append(speaker.said(events, readings, faults))
    return found


def _in_our_words(fields: dict[str, Any], role: str | None) -> dict[str, Any]:
    known = {_RENAMED[name]: value for name, value in fields.items() if name in _RENAMED}
    zone = fields.get("ZoneStatus", fields.get("ZoneStatusChange"))
    if type(zone) is int and role in _ZONE_ROLES:
        known.setdefault(_ZONE_ROLES[role], bool(zone & 1))
    return known


def _radio(said: dict[str, Any], who: Speaker, source: SourceView) -> list[Decoded]:
    """A code off the air: an event only when that very code was registered, and never certain."""
    received = said.get("RfReceived")
    if type(received) is not dict:
        return []
    faults: list[str] = []
    code = attempt(faults, parts.text, received.get("Data"), "data", longest=32)
    if code is None:
        return [who.said(faults=faults)]
    child = f"{who.child}/{code}"[: parts.MAX_NAME]
    role = source.roles.get(child)
    speaker = replace(who, child=child, role=role, confidence=Confidence.UNCONFIRMED)
    if child not in source.roles:
        return [speaker.said()]
    return [speaker.said([_radio_event(speaker)])]


def _radio_event(speaker: Speaker) -> DeviceEvent:
    kind = {"smoke_detector": "smoke", "leak_sensor": "leak", "gas_detector": "gas"}.get(
        speaker.role or "",
        "sos" if words.calls_for_help("code", speaker.role) else "button",
    )
    return speaker.event(kind, {"action": "code"})
