"""The native device protocol v1: JSON on `anju/v1/{device_id}/event|telemetry|status`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec

from devices import parts
from devices.event import (
    EVENT_KINDS,
    REGISTER_UNITS,
    Decoded,
    DeviceEvent,
    Message,
    Presence,
    Reading,
)
from devices.family import DeviceFamily, Sample, SourceView
from devices.parts import Unreadable, attempt

ROOT = "anju/v1"
CHANNELS = ("event", "telemetry", "status")
_DOWNWARD = ("ack", "command")  # ours to the device; a wide subscription hears them too
_PREFIX_LENGTH = len(ROOT) + 1
_MAX_ID = 128
_DEVICE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_STATES = {"online": True, "offline": False}
_OWN_REGISTERS = ("battery_pct", "rssi_dbm")  # said beside the readings, without a unit

_Value = Annotated[float, msgspec.Meta(ge=-parts.MAX_NUMBER, le=parts.MAX_NUMBER)]


class _TypedReading(msgspec.Struct, forbid_unknown_fields=True):
    register: str
    value: _Value
    unit: str
    at: datetime | None = None


class _TypedTelemetry(msgspec.Struct, forbid_unknown_fields=True):
    """Telemetry exactly as the contract has it; anything else takes the tolerant way."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_ID)] | None = None
    readings: list[_TypedReading] = []
    battery_pct: _Value | None = None
    rssi_dbm: _Value | None = None


_typed_telemetry = msgspec.json.Decoder(_TypedTelemetry).decode


def decode(message: Message, source: SourceView) -> Decoded:
    """What a native device said. Never raises; see `DeviceFamily.decode`."""
    topic = message.topic
    levels = topic[_PREFIX_LENGTH:].split("/")
    if len(levels) < 2 or not topic.startswith("anju/v1/"):
        return Decoded(quarantined="unknown_topic")
    device_id, channel = levels[0], levels[1]
    if not _DEVICE_ID(device_id):
        return Decoded(quarantined="bad_device_id")
    if len(levels) > 2:
        return Decoded(quarantined="unknown_topic", culprit=device_id)
    try:
        if channel == "telemetry":
            exact = _exact_telemetry(message.payload, device_id, source)
            return exact or _telemetry(message.payload, device_id, source)
        if channel == "event":
            return _event(message, device_id, source)
        if channel == "status":
            return _status(message, device_id, source)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=device_id)
    if channel in _DOWNWARD:
        return Decoded()
    return Decoded(quarantined="unknown_topic", culprit=device_id)


def _exact_telemetry(payload: bytes, device_id: str, source: SourceView) -> Decoded | None:
    """The fast way, for thousands a second: None when anything at all is out of the ordinary.

    A backslash may hide a NUL or a surrogate, so it is out of the ordinary too.
    """
    if b"\\" in payload or len(payload) > parts.MAX_PAYLOAD:
        return None
    try:
        said = _typed_telemetry(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    readings = []
    for item in said.readings:
        unit = item.unit
        if REGISTER_UNITS.get(item.register) != unit:
            return None
        at = item.at
        if at is not None:
            try:
                at = parts.at_utc(at, source.zone)
            except OverflowError:
                return None
        readings.append(
            Reading(child_id=device_id, register=item.register, value=item.value, unit=unit, at=at)
        )
    for register, value in (("battery_pct", said.battery_pct), ("rssi_dbm", said.rssi_dbm)):
        if value is not None:
            readings.append(_own_reading(device_id, register, value))
    if not readings:
        return None
    return Decoded(readings=tuple(readings), message_id=said.id)


def _telemetry(payload: bytes, device_id: str, source: SourceView) -> Decoded:
    """The tolerant way: every reading that can be understood, and why another could not be."""
    faults: list[str] = []
    said = parts.mapping(parts.read_json(payload, faults), "payload")
    listed = said.get("readings")
    if listed is None:
        listed = []
    elif type(listed) is not list:
        faults.append("wrong_type:readings")
        listed = []
    found = [attempt(faults, _reading, item, device_id, source, said.get("at")) for item in listed]
    readings = [reading for reading in found if reading is not None]
    readings += _own_readings(said, device_id, faults)
    return Decoded(
        readings=tuple(readings),
        heard=() if readings or faults else (device_id,),
        message_id=_message_id(said.get("id")),
        quarantined=faults[0] if faults else None,
        culprit=device_id if faults else None,
    )


def _reading(item: Any, device_id: str, source: SourceView, sent_at: Any) -> Reading | None:
    """One reading; None when its value is null, which says that the meter knows none."""
    fields = parts.mapping(item, "reading")
    register = parts.text(fields.get("register"), "register")
    if "value" not in fields:
        raise Unreadable("missing:value")
    if fields["value"] is None:
        return None
    value = parts.number(fields["value"], "value")
    said_unit = fields.get("unit")
    unit = "" if said_unit in (None, "") else parts.text(said_unit, "unit", longest=32)
    if register in REGISTER_UNITS:
        value = parts.number(parts.in_kept_unit(register, value, unit), "value")
        unit = REGISTER_UNITS[register]
    at = parts.moment(fields.get("at") or sent_at, source.zone)
    return Reading(child_id=device_id, register=register, value=value, unit=unit, at=at)


def _own_readings(said: dict[str, Any], device_id: str, faults: list[str]) -> list[Reading]:
    """Battery and radio level, which stand beside the readings and may be null."""
    readings = []
    for register in _OWN_REGISTERS:
        if said.get(register) is not None:
            value = attempt(faults, parts.number, said[register], register)
            if value is not None:
                readings.append(_own_reading(device_id, register, value))
    return readings


def _own_reading(device_id: str, register: str, value: float) -> Reading:
    unit = REGISTER_UNITS[register]
    return Reading(child_id=device_id, register=register, value=value, unit=unit)


def _event(message: Message, device_id: str, source: SourceView) -> Decoded:
    """One event. A kind that can be read is never lost to something else that cannot."""
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    if said.get("kind") is None and faults:
        raise Unreadable(faults[0])  # the kind itself was scrubbed
    kind = parts.text(said.get("kind"), "kind")
    event = DeviceEvent(
        child_id=device_id,
        kind=kind.lower() if kind.lower() in EVENT_KINDS else kind,
        at=attempt(faults, parts.moment, said.get("at"), source.zone),
        event_id=_message_id(said.get("id")),
        data=_event_data(said),
        retained=message.retained,
    )
    return Decoded(
        events=(event,),
        readings=tuple(_own_readings(said, device_id, faults)),
        quarantined=faults[0] if faults else None,
        culprit=device_id if faults else None,
    )


def _event_data(said: dict[str, Any]) -> dict[str, Any]:
    """The event's `data`, and whatever else a device put beside it."""
    known = ("id", "at", "kind", "data", *_OWN_REGISTERS)
    extra = {key: value for key, value in said.items() if key not in known}
    data = said.get("data")
    if data is None:
        return extra
    return extra | (data if type(data) is dict else {"data": data})


def _message_id(value: Any) -> str | None:
    """The id as text, to be given back in the `ack`. One that cannot be is none."""
    if type(value) is int:
        value = str(value)
    return value if type(value) is str and 1 <= len(value) <= _MAX_ID else None


def _status(message: Message, device_id: str, source: SourceView) -> Decoded:
    """Online or offline, as the contract's JSON or as a bare word, which many last wills are."""
    if not message.payload:
        return Decoded()  # somebody erased the retained status
    faults: list[str] = []
    at: datetime | None = None
    if message.payload.lstrip()[:1] == b"{":
        said = parts.mapping(parts.read_json(message.payload, faults), "payload")
        word = said.get("state")
        at = attempt(faults, parts.moment, said.get("at"), source.zone)
    else:
        word = parts.read_text(message.payload).strip('"')
    online = _STATES.get(parts.text(word, "state").lower())
    if online is None:
        raise Unreadable("wrong_type:state")
    return Decoded(
        presences=(Presence(child_id=device_id, online=online, at=at, retained=message.retained),),
        quarantined=faults[0] if faults else None,
        culprit=device_id if faults else None,
    )


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix or ROOT}/+/{channel}" for channel in CHANNELS)


def _may_be_silent(topic: str) -> bool:
    return topic.rpartition("/")[2] in (*_DOWNWARD, "status")


SAMPLES = (
    Sample(
        model="any button",
        topic="grandma-button/event",
        payload='{"id": "b7-0012", "at": "2026-04-11T21:07:42.310+08:00", "kind": "sos"}',
        means=("sos",),
        role="sos_button",
    ),
    Sample(
        model="button that knows no time",
        topic="kitchen.7/event",
        payload='{"id": 4711, "kind": "SOS", "data": {"presses": 3}, "battery_pct": 64}',
        means=("sos", "battery_pct=64"),
        role="sos_button",
    ),
    Sample(
        model="smoke detector",
        topic="smoke_hall/event",
        payload='{"id": "s-9", "at": "2026-04-12T03:30:01Z", "kind": "smoke", '
        '"data": {"density": 0.42}}',
        means=("smoke",),
        role="smoke_detector",
    ),
    Sample(
        model="water meter, a day's history in one message",
        topic="W-204/telemetry",
        payload='{"id": "d101", "readings": ['
        '{"register": "water_total", "value": 88.412, "unit": "m3", "at": "2026-03-08T00:00:00Z"},'
        '{"register": "water_total", "value": 88.53, "unit": "m3", "at": "2026-03-09T00:00:00Z"}],'
        ' "battery_pct": 91, "rssi_dbm": -83}',
        means=("water_total=88.412", "water_total=88.53", "battery_pct=91", "rssi_dbm=-83"),
        role="water_meter",
    ),
    Sample(
        model="meter in litres, numbers as text, one reading spoiled",
        topic="W-205/telemetry",
        payload='{"readings": [{"register": "water_total", "value": "1250", "unit": "L"},'
        '{"register": "power", "value": 5, "unit": "horse"},'
        '{"register": "energy_total", "value ": 7300, "unit": "Wh"}]}',
        means=("water_total=1.25", "energy_total=7.3", "quarantined"),
        role="water_meter",
    ),
    Sample(
        model="meter that has nothing to report",
        topic="W-206/telemetry",
        payload='{"id": "x", "readings": [{"register": "water_total", "value": null}]}',
        means=("heard",),
        role="water_meter",
    ),
    Sample(
        model="last will",
        topic="W-206/status",
        payload='{"state": "offline"}',
        means=("offline",),
        retained=True,
    ),
    Sample(model="bare status", topic="W-207/status", payload="online", means=("online",)),
    Sample(
        model="press cut off by a weak radio",
        topic="grandma-button/event",
        payload='{"id": "b7-0013", "kind": "s',
        means=("quarantined",),
        role="sos_button",
    ),
)

FAMILY = DeviceFamily(
    name="native",
    title_zh="安居原生协议",
    title_en="Anju native protocol",
    default_prefix=ROOT,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=tuple(sorted(EVENT_KINDS) + sorted(REGISTER_UNITS)),
    reports_every_s=None,  # anything may speak the native protocol: the role knows better
    is_bridge=False,
    may_be_silent=_may_be_silent,
    liveness="retained status and last will; any message; silence beyond 25 hours",
    quirks=(
        "A last will carries the time at which it was registered, not the time of the loss.",
        "Time without a zone is local to the source.",
        "Kinds in capitals and numbers as text are accepted; an unknown unit spoils one reading.",
    ),
)
