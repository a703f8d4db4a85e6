"""What a device said, decoded: the words every family translates into."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

LIFE_SAFETY_KINDS = frozenset({"sos", "fall", "smoke", "heat", "gas"})
LIFE_SAFETY_ROLES = frozenset(
    {
        "sos_button",
        "call_terminal",
        "fall_detector",
        "smoke_detector",
        "gas_detector",
        "watch",
    }
)
"""Roles whose unreadable messages open an incident (architecture: Nothing lost)."""

EVENT_KINDS = frozenset(
    """
    sos sos_cancel fall fall_cancel smoke smoke_clear heat heat_clear gas gas_clear leak leak_clear
    power_outage power_restored tamper tamper_clear fault fault_clear battery_low battery_ok
    test mute heartbeat location vitals out_of_bed no_motion door_open door_closed
    motion button in_bed command_result
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Kinds of the native protocol v1, and four of Anju's own: `motion` ends `no_motion`, `in_bed`
ends `out_of_bed`, `button` is a press of a button that nobody set up to call for help, and
`command_result` what became of a command. Others are kept and shown under their own name."""

LEVEL_KINDS = {
    "smoke": "smoke_clear",
    "heat": "heat_clear",
    "gas": "gas_clear",
    "leak": "leak_clear",
    "power_outage": "power_restored",
    "tamper": "tamper_clear",
    "fault": "fault_clear",
    "battery_low": "battery_ok",
}
"""Kinds that describe a lasting state, with the kind that ends it. All others are edges."""

CLEARING_KINDS = {clear: level for level, clear in LEVEL_KINDS.items()} | {
    "sos_cancel": "sos",
    "fall_cancel": "fall",
}
"""Kinds that say a condition ended, with the kind they end. They never close an incident."""

REGISTER_UNITS = {
    "water_total": "m3",
    "water_flow": "m3/h",
    "energy_total": "kWh",
    "power": "W",
    "voltage": "V",
    "current": "A",
    "temperature": "°C",
    "heart_rate": "1/min",
    "spo2": "%",
    "systolic": "mmHg",
    "diastolic": "mmHg",
    "smoke_density": "%/m",
    "battery_pct": "%",
    "rssi_dbm": "dBm",
    "link_quality": "1",
}
"""Registers of the native protocol v1 (and three of Anju's own) with the unit they are kept in."""

DEVICE_ROLES = frozenset(
    """
    sos_button fall_detector smoke_detector gas_detector water_meter electricity_meter leak_sensor
    door_contact motion_sensor bed_sensor watch health_monitor locator call_terminal plug gateway
    """.split()  # noqa: SIM905
)


class Confidence(StrEnum):
    """Whether the message alone is proof that the device meant it."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


class DeviceEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened: a press, smoke, a flat battery."""

    child_id: str  # the device inside its source; a native device's own id
    kind: str  # one of EVENT_KINDS, or the device's own word
    at: datetime | None = None  # UTC, by the device's clock; None: it did not say
    event_id: str | None = None  # as the device numbered it; None: it does not number
    data: dict[str, Any] = {}  # whatever else it said, JSON-able
    confidence: Confidence = Confidence.CONFIRMED
    retained: bool = False  # delivered from the broker's memory, may be old


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A register's value at a time."""

    child_id: str
    register: str  # one of REGISTER_UNITS, or the device's own word
    value: float  # finite, in `unit`
    unit: str
    at: datetime | None = None  # UTC, by the device's clock; None: time of receipt


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """A device, or a whole bridge, is there or gone. `child_id` None means the bridge itself."""

    child_id: str | None
    online: bool
    at: datetime | None = None
    retained: bool = False


class InventoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A child that a bridge says it knows; `name` is what its topics are called."""

    child_id: str
    name: str
    model: str = ""
    vendor: str = ""
    firmware: str = ""
    capabilities: tuple[str, ...] = ()  # "smoke", "action", "energy" …: helps to guess a role
    topic: str = ""  # where it speaks, when another source lists it (Home Assistant discovery)


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """All that one message meant. Everything empty and no reason: understood, nothing to say."""

    events: tuple[DeviceEvent, ...] = ()
    readings: tuple[Reading, ...] = ()
    presences: tuple[Presence, ...] = ()
    inventory: tuple[InventoryItem, ...] = ()
    heard: tuple[str, ...] = ()  # children that gave a sign of life and said nothing else
    message_id: str | None = None  # of a telemetry message, for duplicates
    quarantined: str | None = None  # why the message, or a part of it, could not be read
    culprit: str | None = None  # the child whose message is unreadable, when the topic tells

    def speakers(self) -> set[str]:
        """Every child that the message is about."""
        children = {event.child_id for event in self.events} | set(self.heard)
        children |= {reading.child_id for reading in self.readings}
        children |= {one.child_id for one in self.presences if one.child_id is not None}
        return children if self.culprit is None else children | {self.culprit}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One MQTT message as it came in."""

    topic: str
    payload: bytes
    received_at: datetime  # UTC
    retained: bool = False
