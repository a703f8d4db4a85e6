"""Smoke detectors that tell only by counters: Ei6500-OMS says OK and counts alarms and tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from devices import parts
from devices.event import DeviceEvent, Reading
from devices.parts import attempt
from devices.vocabulary import Speaker

COUNTERS = {  # field → register
    "alarm_counter": "alarm_count",
    "test_button_counter": "test_count",
    "removed_counter": "removed_count",
}
_DATED = (  # counter, date of the last one, kind
    ("alarm_counter", "last_alarm_date", "smoke"),
    ("test_button_counter", "test_button_last_date", "test"),
)


def from_counters(
    said: dict[str, Any], who: Speaker, zone: ZoneInfo
) -> tuple[list[DeviceEvent], list[Reading]]:
    """The counters as readings; an alarm or a test of today, by the detector's clock, as an event.

    The telegram repeats all of it until the next day. So an event is numbered with counter and
    date: the same one is known for a day, a further alarm has another number. An alarm of a day
    before is told by the counter, which is a reading.
    """
    readings: list[Reading] = []
    for field, register in COUNTERS.items():
        count = _count(said.get(field))
        if count is not None:
            readings.append(who.reading(register, count, "1"))
    now = attempt([], parts.moment, said.get("message_datetime"), zone)
    if now is None:
        return [], readings
    return _events_of_today(said, who, now.astimezone(zone)), readings


def _events_of_today(said: dict[str, Any], who: Speaker, now: datetime) -> list[DeviceEvent]:
    found: list[DeviceEvent] = []
    for counter, dated, kind in _DATED:
        count, day = _count(said.get(counter)), said.get(dated)
        if not count or type(day) is not str:
            continue
        if day == f"{now:%Y-%m-%d}":
            event = who.event(kind, {"count": count, "date": day, "told_by": "counter"})
            found.append(replace(event, at=None, event_id=f"{kind}:{count}:{day}"))
    return found


def _count(value: Any) -> int | None:
    is_count = type(value) is int and 0 <= value < 1_000_000
    return value if is_count else None
