"""LoRaWAN: what its network servers have in common, and what a codec made of an uplink.

Seen: Milesight WS101, Axioma Qalcosonic W1, TG563A, Dragino; others speak the same vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from devices import parts, vocabulary, words
from devices.event import Decoded, DeviceEvent, Message, Reading
from devices.family import DeviceFamily, Sample, SourceView
from devices.parts import Unreadable, attempt
from devices.vocabulary import Speaker

_CAPABILITIES = words.listed(
    "sos sos_cancel button smoke smoke_clear heat heat_clear gas gas_clear leak leak_clear tamper "
    "tamper_clear battery_low battery_ok fault fault_clear power_outage power_restored motion "
    "no_motion door_open door_closed fall fall_cancel water_total water_flow energy_total power "
    "voltage current temperature battery_pct battery_voltage"
)
_QUIRKS = (
    "Axioma W1 sends one uplink a day with 23 hourly volumes: back-dated readings (its codec).",
    "Numbers may be texts (Dragino temp_SOIL). BatV is a cell, not the mains.",
    "Which button press calls for help is the device's role (Milesight WS101, WS101 SOS: one "
    "codec for both).",
    "A detector taken from its base says mounted 0: tamper (codec of TG563A).",
    "An uplink may come again up to 48 s later (public threads): the network server's key folds "
    "it.",
)
_DELTAS = 48  # at most; the W1 sends 23


@dataclass(frozen=True, kw_only=True, slots=True)
class UplinkFields:
    """What a network server calls the parts of an uplink."""

    decoded: str  # what the codec made of the bytes
    raw: str  # the bytes
    receptions: str  # a list: which gateways heard it, each with its `rssi`


def uplink(
    said: Mapping[str, Any],
    fields: UplinkFields,
    who: Speaker,
    zone: ZoneInfo,
    faults: list[str],
) -> Decoded:
    """All of one uplink. Bytes that no codec decoded are unreadable, not silent.

    Raises `Unreadable` (missing, wrong_type) with the server's own name of the field.
    """
    decoded, signal = said.get(fields.decoded), _strongest(said.get(fields.receptions), who)
    if decoded in (None, {}):
        if said.get(fields.raw):
            raise Unreadable(f"missing:{fields.decoded}")
        return who.said(readings=signal, faults=faults)
    events, readings = _read(parts.mapping(decoded, fields.decoded), who, zone, faults)
    return who.said(events, [*readings, *signal], faults)


def _strongest(receptions: Any, who: Speaker) -> list[Reading]:
    """`rssi_dbm` of the gateway that heard it best."""
    if type(receptions) is not list:
        return []
    heard = [
        attempt([], parts.number, each["rssi"], "rssi_dbm")
        for each in receptions
        if type(each) is dict and "rssi" in each
    ]
    known = [rssi for rssi in heard if rssi is not None]
    return [who.reading("rssi_dbm", max(known))] if known else []


def _read(
    said: Mapping[str, Any], who: Speaker, zone: ZoneInfo, faults: list[str]
) -> tuple[list[DeviceEvent], list[Reading]]:
    """Events and readings of a decoded object; reasons for what could not be read in `faults`."""
    if "log_volume_m3" in said:
        return _axioma(said, who, zone, faults)
    return vocabulary.read(said, who, faults)


def _axioma(
    said: Mapping[str, Any], who: Speaker, zone: ZoneInfo, faults: list[str]
) -> tuple[list[DeviceEvent], list[Reading]]:
    """Axioma W1 "enhanced 24h": a volume at a full hour, and what flowed in each hour after it."""
    status = {key: value for key, value in said.items() if type(value) is bool}
    events, readings = vocabulary.read(status, who, faults, own_words=False)
    at = _meter_time(said, who, zone, faults)
    volume = attempt(faults, parts.number, said["log_volume_m3"], "water_total")
    if at is None or volume is None:
        return events, readings
    deltas = _deltas(said, faults)
    newest = at.replace(minute=0, second=0, microsecond=0)
    first = newest - timedelta(hours=_hours(said, len(deltas)))
    volumes = [volume]
    for delta in deltas:
        volumes.append(round(volumes[-1] + delta, 6))
    readings += [
        replace(who.reading("water_total", each), at=first + timedelta(hours=hour))
        for hour, each in enumerate(volumes)
    ]
    return events, readings


def _meter_time(
    said: Mapping[str, Any], who: Speaker, zone: ZoneInfo, faults: list[str]
) -> datetime | None:
    """By the meter's clock, unless the network server's contradicts it by more than a day."""
    at = attempt(faults, parts.moment, said.get("timestamp_utc"), zone)
    if at is None or who.at is None:
        return at or who.at
    return at if abs(at - who.at) <= timedelta(days=1) else who.at


def _hours(said: Mapping[str, Any], read: int) -> int:
    """How many hours lie between the logged volume and the newest one."""
    count = said.get("history_count")
    return max(count, read) if type(count) is int and 0 <= count <= _DELTAS else read


def _deltas(said: Mapping[str, Any], faults: list[str]) -> list[float]:
    """`delta_1_m3` … in order of time; the first that cannot be read ends them."""
    found: list[float] = []
    for hour in range(1, _DELTAS + 1):
        value = said.get(f"delta_{hour}_m3")
        if value is None:
            break
        try:
            found.append(parts.number(value, "water_total"))
        except Unreadable as error:
            faults.append(error.reason)
            break
    return found


def eui(value: Any) -> str | None:
    """A device's EUI as 16 small hexadecimal digits, or None."""
    if type(value) is not str:
        return None
    digits = value.strip().lower()
    is_eui = len(digits) == 16 and all(digit in "0123456789abcdef" for digit in digits)
    return digits if is_eui else None


def uplink_time(value: Any, zone: ZoneInfo) -> datetime | None:
    """The network server's time; one that cannot be read costs nothing."""
    return attempt([], parts.moment, value, zone)


def family(
    *,
    name: str,
    title: str,
    prefix: str,
    subscriptions: Callable[[str], tuple[str, ...]],
    decode: Callable[[Message, SourceView], Decoded],
    samples: tuple[Sample, ...],
    may_be_silent: Callable[[str], bool],
    quirks: tuple[str, ...],
) -> DeviceFamily:
    """A network server's record, with what all of them have in common."""
    return DeviceFamily(
        name=name,
        title_zh=f"{title}（LoRaWAN）",
        title_en=f"{title} (LoRaWAN)",
        default_prefix=prefix,
        subscriptions=subscriptions,
        decode=decode,
        samples=samples,
        capabilities=(*_CAPABILITIES, "rssi_dbm", *vocabulary.own_words(samples)),
        reports_every_s=25 * 3600,
        may_be_silent=may_be_silent,
        liveness="any uplink; battery devices on LoRaWAN speak once a day",
        quirks=(*_QUIRKS, *quirks),
    )
