"""What the gateway hands over, decoded messages and their origin, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from alerting.detectors.view import DeviceView
from devices.event import Decoded, Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One decoded message. `lane` is `urgent`, `bulk` or `foreign`."""

    source_id: str
    lane: str
    message: Message
    decoded: Decoded
    kept: bool = False  # while we catch up with what the broker kept for us: said some time ago


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """An application-level `ack` owed to a native device once the batch has committed."""

    device_id: str
    event_id: str


@dataclass(slots=True)
class Ingested:
    """What came of a batch."""

    receipts: list[Receipt] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)  # opened or joined
    duplicates: int = 0
    quarantined: int = 0
    rang: bool = False  # the drill of an installation test is to be sent


class KnownDevice(msgspec.Struct, gc=False):
    """A registered device with its stored state, mutable while its batch is handled."""

    id: str
    source_id: str
    child_id: str
    role: str
    family: str
    room: str | None
    area_id: str | None
    view: DeviceView
    state: str = ""
    last_heard_at: datetime | None = None
    online: bool | None = None
    battery_pct: float | None = None
    rssi_dbm: float | None = None
    silent_after: datetime | None = None
    judge_at: datetime | None = None
    interval_s: int | None = None
    is_stored: bool = False
    dirty: bool = False
    is_tested: bool = False  # an installation test of it has not ended


Child = tuple[str, str]
"""(source id, child id): a device's identity."""

Facts = dict[str, Any]
