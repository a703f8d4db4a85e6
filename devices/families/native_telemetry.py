"""Telemetry of the native protocol: a fast way for what is as agreed, a tolerant one beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from devices import parts, units
from devices.event import REGISTER_UNITS, Decoded, Reading
from devices.family import SourceView
from devices.parts import Unreadable, attempt

MAX_ID = 128
OWN_REGISTERS = ("battery_pct", "rssi_dbm")  # said beside the readings, without a unit

_Value = Annotated[float, msgspec.Meta(ge=-parts.MAX_NUMBER, le=parts.MAX_NUMBER)]


class _TypedReading(msgspec.Struct, forbid_unknown_fields=True):
    register: str
    value: _Value
    unit: str
    at: datetime | None = None


class _TypedTelemetry(msgspec.Struct, forbid_unknown_fields=True):
    """Telemetry exactly as the contract has it; anything else takes the tolerant way."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)] | None = None
    readings: list[_TypedReading] = []
    battery_pct: _Value | None = None
    rssi_dbm: _Value | None = None


_typed_telemetry = msgspec.json.Decoder(_TypedTelemetry).decode


def decode(payload: bytes, device_id: str, source: SourceView) -> Decoded:
    """Raises `Unreadable` when nothing of the message can be used."""
    return _exact(payload, device_id, source) or _tolerant(payload, device_id, source)


def _exact(payload: bytes, device_id: str, source: SourceView) -> Decoded | None:
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


def _tolerant(payload: bytes, device_id: str, source: SourceView) -> Decoded:
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
    readings += own_readings(said, device_id, faults)
    return Decoded(
        readings=tuple(readings),
        heard=() if readings or faults else (device_id,),
        message_id=message_id(said.get("id")),
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
        value = parts.number(units.in_kept_unit(register, value, unit), "value")
        unit = REGISTER_UNITS[register]
    at = parts.moment(fields.get("at") or sent_at, source.zone)
    return Reading(child_id=device_id, register=register, value=value, unit=unit, at=at)


def own_readings(said: dict[str, Any], device_id: str, faults: list[str]) -> list[Reading]:
    """Battery and radio level, which stand beside the readings and may be null."""
    readings = []
    for register in OWN_REGISTERS:
        if said.get(register) is not None:
            value = attempt(faults, parts.number, said[register], register)
            if value is not None:
                readings.append(_own_reading(device_id, register, value))
    return readings


def _own_reading(device_id: str, register: str, value: float) -> Reading:
    unit = REGISTER_UNITS[register]
    return Reading(child_id=device_id, register=register, value=value, unit=unit)


def message_id(value: Any) -> str | None:
    """The id as text, to be given back in the `ack`. One that cannot be is none."""
    if type(value) is int:
        value = str(value)
    return value if type(value) is str and 1 <= len(value) <= MAX_ID else None
