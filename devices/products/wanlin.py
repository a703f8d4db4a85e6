"""Wanlin (万林) NB306 smoke detector: a code in `devState`; it never says that smoke is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices import parts
from devices.event import DeviceEvent, Reading
from devices.family import SourceView
from devices.parts import Unreadable, attempt
from devices.vocabulary import Speaker

_KINDS = {0: "heartbeat", 1: "smoke", 2: "heat", 3: "tamper", 4: "battery_low", 5: "test"}
_CSQ = range(32)  # 99 means that it is not known


def read(
    fields: Mapping[str, Any], who: Speaker, _source: SourceView, faults: list[str]
) -> tuple[list[DeviceEvent], list[Reading]]:
    """One event; `temperature` in tenths of a degree, `electricQuantity` in %, `signal` as CSQ."""
    kind = attempt(faults, _kind, fields["devState"])
    events = [] if kind is None else [who.event(kind)]
    readings: list[Reading] = []
    tenths = parts.number_if_any(fields.get("temperature"), "temperature", faults)
    if tenths is not None:
        readings.append(who.reading("temperature", tenths / 10))
    battery = parts.number_if_any(fields.get("electricQuantity"), "battery_pct", faults)
    if battery is not None and 0 <= battery <= 100:
        readings.append(who.reading("battery_pct", battery))
    signal = parts.number_if_any(fields.get("signal"), "rssi_dbm", faults)
    if signal is not None and signal in _CSQ:
        readings.append(who.reading("rssi_dbm", 2 * signal - 113))
    density = parts.number_if_any(fields.get("smokescope"), "smoke_density", faults)
    if density is not None:
        readings.append(who.reading("smokescope", density))  # in a unit that nobody documents
    return events, readings


def _kind(code: Any) -> str:
    """Raises `Unreadable` for a code that nobody explained: it may be an alarm."""
    kind = _KINDS.get(int(parts.number(code, "devState")))
    if kind is None:
        raise Unreadable("wrong_type:devState")
    return kind
