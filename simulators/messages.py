"""What simulated devices put on the wire: native protocol v1 and Zigbee2MQTT. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from devices.event import REGISTER_UNITS

DEVICE_ZONE = ZoneInfo("Asia/Shanghai")
"""The clock that simulated devices show; contract.md's example carries the same offset."""

NATIVE_PREFIX = "anju/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One MQTT message, to be published with QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A register's value, in the unit that the contract gives it, at a zone-aware time."""

    register: str
    value: float
    at: datetime


def native_event(
    device_id: str, kind: str, *, event_id: str, at: datetime, data: Mapping[str, Any] | None = None
) -> Outgoing:
    """An urgent event. The same `event_id` with the same arguments gives the same bytes."""
    body: dict[str, Any] = {"id": event_id, "at": stamp(at), "kind": kind}
    if data:
        body["data"] = dict(data)
    return Outgoing(topic=f"{NATIVE_PREFIX}/{device_id}/event", payload=_json(body))


def native_telemetry(
    device_id: str,
    readings: Iterable[Measured],
    *,
    message_id: str,
    battery_pct: int | None = None,
    rssi_dbm: int | None = None,
) -> Outgoing:
    """Readings of one device, oldest first as they were taken."""
    body: dict[str, Any] = {
        "id": message_id,
        "readings": [
            {
                "register": reading.register,
                "value": reading.value,
                "unit": REGISTER_UNITS[reading.register],
                "at": stamp(reading.at),
            }
            for reading in readings
        ],
    }
    if battery_pct is not None:
        body["battery_pct"] = battery_pct
    if rssi_dbm is not None:
        body["rssi_dbm"] = rssi_dbm
    return Outgoing(topic=f"{NATIVE_PREFIX}/{device_id}/telemetry", payload=_json(body))


def native_status(device_id: str, *, online: bool, at: datetime) -> Outgoing:
    """Birth, or the last will: retained, so that a gateway that starts later knows it too."""
    body = {"state": "online" if online else "offline", "at": stamp(at)}
    return Outgoing(topic=f"{NATIVE_PREFIX}/{device_id}/status", payload=_json(body), retain=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class ZigbeeChild:
    """A device behind a bridge; `name` is what its topics are called (any Unicode, spaces too)."""

    ieee: str  # 0x and 16 hex digits
    name: str
    vendor: str
    model: str
    properties: tuple[str, ...]  # as the bridge lists them: smoke, action, battery …


def zigbee_bridge_state(prefix: str, *, online: bool) -> Outgoing:
    """The bridge itself; offline means that nobody supervises its children."""
    body = {"state": "online" if online else "offline"}
    return Outgoing(topic=f"{prefix}/bridge/state", payload=_json(body), retain=True)


def zigbee_inventory(prefix: str, children: Sequence[ZigbeeChild]) -> Outgoing:
    """`bridge/devices`: what the bridge knows, its own radio first as real bridges do."""
    radio: dict[str, Any] = {
        "ieee_address": "0x00124b00de300001",
        "friendly_name": "Coordinator",
        "type": "Coordinator",
        "definition": None,
    }
    listed = [radio, *(_listed(child) for child in children)]
    return Outgoing(topic=f"{prefix}/bridge/devices", payload=_json(listed), retain=True)


def zigbee_state(prefix: str, name: str, fields: Mapping[str, Any]) -> Outgoing:
    """A child's published state, for example `{"smoke": true, "battery": 96}`."""
    return Outgoing(topic=f"{prefix}/{name}", payload=_json(dict(fields)))


def zigbee_availability(prefix: str, name: str, *, online: bool) -> Outgoing:
    """Whether the bridge still hears a child."""
    body = {"state": "online" if online else "offline"}
    return Outgoing(topic=f"{prefix}/{name}/availability", payload=_json(body), retain=True)


def stamp(at: datetime) -> str:
    """RFC 3339 with milliseconds in the device's own zone: `2026-03-01T08:15:30.120+08:00`."""
    return at.astimezone(DEVICE_ZONE).isoformat(timespec="milliseconds")


def _listed(child: ZigbeeChild) -> dict[str, Any]:
    return {
        "ieee_address": child.ieee,
        "friendly_name": child.name,
        "type": "EndDevice",
        "power_source": "Battery",
        "interview_completed": True,
        "supported": True,
        "definition": {
            "vendor": child.vendor,
            "model": child.model,
            "exposes": [{"name": name, "property": name} for name in child.properties],
        },
    }


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
