"""wmbusmeters: water, electricity and smoke detectors by wireless M-Bus, one JSON a telegram."""

from __future__ import annotations

from typing import Any

from devices import parts
from devices.event import Confidence, Decoded, Message, Reading
from devices.families import wmbusmeters_smoke as smoke
from devices.families import wmbusmeters_status as status
from devices.families.wmbusmeters_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable, attempt
from devices.topics import below
from devices.vocabulary import Speaker

PREFIX = "wmbusmeters"

_REGISTERS: dict[str, tuple[str, float]] = {  # field → register, factor
    "total_m3": ("water_total", 1),
    "volume_flow_m3h": ("water_flow", 1),
    "current_flow_m3h": ("water_flow", 1),
    "total_energy_consumption_kwh": ("energy_total", 1),
    "current_power_consumption_kw": ("power", 1000),
    "voltage_at_phase_1_v": ("voltage", 1),
    "current_at_phase_1_a": ("current", 1),
    "rssi_dbm": ("rssi_dbm", 1),
}
_MEDIA = ("water", "electricity", "smoke detector")
_DOUBTFUL = frozenset({"tsd2"})
"""Drivers known for alarms without smoke: unconfirmed, still an incident
(wmbusmeters/wmbusmeters#1714)."""


def decode(message: Message, source: SourceView) -> Decoded:
    """What one telegram said. Never raises; see `DeviceFamily.decode`."""
    levels = below(message, source, PREFIX)
    if levels is None:
        return Decoded(quarantined="unknown_topic")
    try:
        name = parts.child_name(levels[-1])
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    if not message.payload:
        return Decoded()
    try:
        return _telegram(message, source, name)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=source.aliases.get(name, name))


def _telegram(message: Message, source: SourceView, name: str) -> Decoded:
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    child = _meter_id(said.get("id")) or name
    who = Speaker(
        child=child,
        at=attempt(faults, parts.moment, said.get("timestamp"), source.zone),
        role=source.roles.get(child),
        retained=message.retained,
        confidence=_confidence(said.get("meter")),
    )
    is_smoke = said.get("media") == "smoke detector"
    events = status.events(said, who, is_smoke=is_smoke, faults=faults)
    readings = _readings(said, who, faults)
    if is_smoke:
        counted_events, counted = smoke.from_counters(said, who, source.zone)
        events = [*counted_events, *events]
        readings += counted
    return who.said(events, readings, faults)


def _meter_id(value: Any) -> str | None:
    """The eight digits printed on the meter; the topic may hold the name instead."""
    if type(value) is not str or not 1 <= len(value) <= 32:
        return None
    return value if value.isalnum() and value.isascii() else None


def _confidence(driver: Any) -> Confidence:
    is_doubtful = type(driver) is str and driver in _DOUBTFUL
    return Confidence.UNCONFIRMED if is_doubtful else Confidence.CONFIRMED


def _readings(said: dict[str, Any], who: Speaker, faults: list[str]) -> list[Reading]:
    """Cumulative volumes and energy, and the present; never a month's maximum or a target.

    A heat meter's energy is not the mains': it is kept under a name of its own.
    """
    media = said.get("media")
    is_heat = type(media) is str and "heat" in media and "detector" not in media
    found: list[Reading] = []
    for field, (register, factor) in _REGISTERS.items():
        if said.get(field) in (None, ""):
            continue
        value = attempt(faults, parts.number, said[field], register)
        if value is None or (is_heat and register == "water_total"):
            continue
        name = "heat_total" if is_heat and register == "energy_total" else register
        unit = "kWh" if name == "heat_total" else None
        found.append(who.reading(name, round(value * factor, 9), unit))
    return found


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/#",)


FAMILY = DeviceFamily(
    name="wmbusmeters",
    title_zh="wmbusmeters（无线 M-Bus 表计）",
    title_en="wmbusmeters (wireless M-Bus meters)",
    default_prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=(
        *dict.fromkeys(register for register, _ in _REGISTERS.values()),
        *status.KINDS,
        "smoke",
        "smoke_clear",
        "test",
        *smoke.COUNTERS.values(),
    ),
    reports_every_s=24 * 3600,
    liveness="every telegram, seconds to hours apart by meter",
    quirks=(
        "PREV_… flags are the past. NO_FLOW and the like: the meter itself reports non-use "
        "(drivers "
        "izarv2, ultrimisv2).",
        "LEAKAGE_OR_NO_USAGE is one bit with two opposite meanings: left to the volumes (driver "
        "waterstarm).",
        "Any flag nobody knows, ERROR_FLAGS_… and UNKNOWN_… included, is a fault, never OK (how "
        "drivers print bits without a name).",
        "Ei6500 tells tests and past alarms only by counters while status is OK "
        "(wmbusmeters/wmbusmeters#256).",
        "tsd2 is known for smoke that was none: unconfirmed (wmbusmeters/wmbusmeters#1714).",
        "iPERL has no status at all; old izar drivers separate flags by commas (drivers iperl, "
        "izar).",
    ),
)
