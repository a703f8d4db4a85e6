"""LiAn (力安) NB-IoT smoke detector: everything it has to say is a code in `Alarm_Status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices import parts
from devices.event import DeviceEvent, Reading
from devices.family import SourceView
from devices.parts import Unreadable, attempt
from devices.vocabulary import Speaker

_KINDS = {
    1: "smoke",
    2: "mute",
    4: "battery_low",
    5: "fault",
    7: "smoke_clear",
    10: "tamper",
    11: "tamper_clear",
    12: "heartbeat",
    14: "test",
}
_WEAKEST_DBM, _STRONGEST_DBM = -160, -20


def read(
    fields: Mapping[str, Any], who: Speaker, _source: SourceView, faults: list[str]
) -> tuple[list[DeviceEvent], list[Reading]]:
    """One event; temperature (`TData`, °C), battery (%) and RSRP (written without its minus)."""
    kind = attempt(faults, _kind, fields["Alarm_Status"])
    events = [] if kind is None else [who.event(kind)]
    readings: list[Reading] = []
    for name, register in (("TData", "temperature"), ("Battery_Level", "battery_pct")):
        value = parts.number_if_any(fields.get(name), register, faults)
        if value is not None:
            readings.append(who.reading(register, value))
    rsrp = parts.number_if_any(fields.get("RSRP"), "rssi_dbm", faults)
    if rsrp is not None and _WEAKEST_DBM <= -abs(rsrp) <= _STRONGEST_DBM:
        readings.append(who.reading("rssi_dbm", -abs(rsrp)))
    return events, readings


def _kind(code: Any) -> str:
    """Raises `Unreadable` for a code that nobody explained: it may be an alarm."""
    kind = _KINDS.get(int(parts.number(code, "Alarm_Status")))
    if kind is None:
        raise Unreadable("wrong_type:Alarm_Status")
    return kind
