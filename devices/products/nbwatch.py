"""NBWatch, an elder's NB-IoT watch: `DEVSOS` is a press, `UPLOAD` its periodic report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from devices import parts
from devices.event import DeviceEvent, Reading
from devices.family import SourceView
from devices.parts import attempt
from devices.vocabulary import Speaker

_POSITION = re.compile(r"([EW])([\d.]{1,16})\s+([NS])([\d.]{1,16})", re.ASCII)
_BODY_OR_ROOM = (-40.0, 80.0)  # °C; a press has been seen with +270.0
_BEHIND, _AHEAD = timedelta(days=1), timedelta(minutes=2)


def read(
    fields: Mapping[str, Any], who: Speaker, source: SourceView, faults: list[str]
) -> tuple[list[DeviceEvent], list[Reading]]:
    """A press with its place, or vitals and a place. A heart rate of 000 was not measured."""
    word = attempt(faults, parts.text, fields["MessageType"], "MessageType", longest=32)
    who = replace(who, at=_pressed_at(fields.get("DeviceTime"), who.at, source))
    place = _place(fields)
    events: list[DeviceEvent] = []
    if word is not None and word.upper() != "UPLOAD":
        # A word that nobody knows is kept as it is: from a watch that is an unread call for help.
        events.append(who.event("sos" if word.upper() == "DEVSOS" else word.lower(), place))
    elif place:
        events.append(who.event("location", place))
    return events, _readings(fields, who, faults)


def _pressed_at(local: Any, platform_at: datetime | None, source: SourceView) -> datetime | None:
    """The watch's own time, local and without a zone, where the platform's (UTC) bears it out."""
    own = attempt([], parts.moment, local, source.zone)
    if own is None or platform_at is None:
        return platform_at
    return own if -_BEHIND <= own - platform_at <= _AHEAD else platform_at


def _place(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Degrees, east and north; `E4294967296 N0429496729` is how it says that it has no fix."""
    said = fields.get("Location")
    match = _POSITION.fullmatch(said.strip()) if type(said) is str else None
    if match is None:
        return {}
    longitude = attempt([], parts.number, match[2], "location")
    latitude = attempt([], parts.number, match[4], "location")
    if longitude is None or latitude is None or not (longitude or latitude):
        return {}
    if longitude > 180 or latitude > 90:
        return {}
    return {
        "longitude": longitude if match[1] == "E" else -longitude,
        "latitude": latitude if match[3] == "N" else -latitude,
    }


def _readings(fields: Mapping[str, Any], who: Speaker, faults: list[str]) -> list[Reading]:
    def value(name: str, register: str) -> float | None:
        return parts.number_if_any(fields.get(name), register, faults)

    readings: list[Reading] = []
    heart_rate = value("HeartRate", "heart_rate")
    if heart_rate:
        readings.append(who.reading("heart_rate", heart_rate))
    battery = value("Battery", "battery_pct")
    if battery is not None and 0 <= battery <= 100:
        readings.append(who.reading("battery_pct", battery))
    temperature = value("Temperature", "temperature")
    if temperature is not None and _BODY_OR_ROOM[0] <= temperature <= _BODY_OR_ROOM[1]:
        readings.append(who.reading("temperature", temperature))
    steps = value("Steps", "value")
    if steps is not None:
        readings.append(who.reading("steps", steps))
    return readings
