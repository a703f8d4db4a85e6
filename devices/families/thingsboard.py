"""ThingsBoard's gateway protocol: batches of telemetry for many devices in one message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from devices import parts, vocabulary, words
from devices.event import Decoded, DeviceEvent, InventoryItem, Message, Presence, Reading
from devices.family import DeviceFamily, Sample, SourceView
from devices.parts import Unreadable, attempt
from devices.topics import below
from devices.vocabulary import Speaker

PREFIX = "v1/gateway"
MOST_DEVICES = 1000
MOST_POINTS = 5000
_FIRMWARE = ("fw_version", "firmware", "firmware_version", "fw")
_SILENT = frozenset({"rpc", "claim"})


def decode(message: Message, source: SourceView) -> Decoded:
    """What a gateway said of its devices. Never raises; see `DeviceFamily.decode`."""
    levels = below(message, source, PREFIX)
    if levels is None:
        return Decoded(quarantined="unknown_topic")
    if levels[0] in _SILENT or levels[:2] in (
        ["attributes", "request"],
        ["attributes", "response"],
    ):
        return Decoded()
    if not message.payload:
        return Decoded()
    try:
        if levels in (["telemetry"], ["attributes"]):
            return _batch(message, source, is_dated=levels == ["telemetry"])
        if levels in (["connect"], ["disconnect"]):
            return _presence(message, source, online=levels == ["connect"])
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    return Decoded(quarantined="unknown_topic")


def _presence(message: Message, source: SourceView, *, online: bool) -> Decoded:
    said = parts.mapping(parts.read_json(message.payload, []), "payload")
    name = said.get("device")
    if type(name) is not str:
        raise Unreadable("missing:device")
    child = source.aliases.get(parts.child_name(name), name)
    presence = Presence(child_id=child, online=online, retained=message.retained)
    return Decoded(presences=(presence,))


def _batch(message: Message, source: SourceView, *, is_dated: bool) -> Decoded:
    """Every device's points; one that cannot be read does not cost the others."""
    faults: list[str] = []
    said = parts.mapping(
        parts.read_json(message.payload, faults, limit=parts.MAX_INVENTORY), "payload"
    )
    events: list[DeviceEvent] = []
    readings: list[Reading] = []
    heard: list[str] = []
    culprit: str | None = None
    if len(said) > MOST_DEVICES:
        faults.append("too_large")
    for name, points in list(said.items())[:MOST_DEVICES]:
        before = len(faults)
        child = attempt(faults, parts.child_name, name)
        if child is None:
            continue
        child = source.aliases.get(child, child)
        spoke = len(events) + len(readings)
        for who, fields in _points(points, child, message, source, faults, is_dated=is_dated):
            more_events, more_readings = vocabulary.read(fields, who, faults, own_words=is_dated)
            events += more_events
            readings += more_readings
        if len(faults) > before:
            culprit = culprit or child
        elif len(events) + len(readings) == spoke:
            heard.append(child)
    return Decoded(
        events=tuple(events),
        readings=tuple(readings),
        heard=tuple(heard),
        inventory=() if is_dated else _inventory(said, source),
        quarantined=faults[0] if faults else None,
        culprit=culprit,
    )


def _inventory(said: dict[str, Any], source: SourceView) -> tuple[InventoryItem, ...]:
    """What attributes tell of a device's model and firmware; few of them do."""
    found: list[InventoryItem] = []
    for name, fields in list(said.items())[:MOST_DEVICES]:
        if type(fields) is not dict or not 1 <= len(name) <= parts.MAX_NAME:
            continue
        firmware = next((parts.label(fields[key]) for key in _FIRMWARE if key in fields), "")
        model = parts.label(fields.get("model"))
        if (firmware or model) and name.isprintable():
            child = source.aliases.get(name, name)
            found.append(InventoryItem(child_id=child, name=name, model=model, firmware=firmware))
    return tuple(found)


def _points(
    points: Any,
    child: str,
    message: Message,
    source: SourceView,
    faults: list[str],
    *,
    is_dated: bool,
) -> Iterator[tuple[Speaker, dict[str, Any]]]:
    """(who and when, values). Attributes are one bare object; points are `{"ts", "values"}`."""
    role = source.roles.get(child)
    listed = points if type(points) is list else [points]
    for point in listed[:MOST_POINTS]:
        fields = attempt(faults, parts.mapping, point, "values")
        if fields is None:
            continue
        at = attempt(faults, parts.moment, fields.get("ts"), source.zone) if is_dated else None
        values = fields.get("values", fields) if is_dated else fields
        values = attempt(faults, parts.mapping, values, "values")
        if values is not None:
            values = {name: value for name, value in values.items() if name != "ts"}
            yield Speaker(child=child, at=at, role=role, retained=message.retained), values


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/#",)


def _may_be_silent(topic: str) -> bool:
    """An empty batch is a gateway with nothing to say."""
    return topic.partition("/")[0] in _SILENT or topic.startswith(("attributes", "telemetry"))


SAMPLES = (
    Sample(
        model="two devices, one with its past hour",
        topic="telemetry",
        payload='{"客厅温度":[{"ts":1775970000000,"values":{"temperature":21.5}},'
        '{"ts":1775973600000,"values":{"temperature":22}}],'
        '"Hall meter":[{"ts":1775973600000,"values":{"energyKwh":512.25,"humidity":48}}]}',
        means=("temperature=21.5", "temperature=22", "energy_total=512.25", "humidity=48"),
    ),
    Sample(
        model="smoke detector behind a gateway",
        topic="telemetry",
        payload='{"Smoke 3":[{"ts":1775973600000,"values":{"smoke":true,"battery":66}}]}',
        means=("smoke", "battery_pct=66"),
        role="smoke_detector",
    ),
    Sample(
        model="values without a time",
        topic="telemetry",
        payload='{"Leak 1":[{"water_leak":false}]}',
        means=("leak_clear",),
        role="leak_sensor",
    ),
    Sample(
        model="attributes",
        topic="attributes",
        payload='{"Smoke 3":{"fw":"1.2"}}',
        means=("inventory", "heard"),
    ),
    Sample(model="connected", topic="connect", payload='{"device":"Smoke 3"}', means=("online",)),
    Sample(
        model="disconnected", topic="disconnect", payload='{"device":"Smoke 3"}', means=("offline",)
    ),
    Sample(model="another program's call", topic="rpc", payload='{"device":"x"}', means=()),
    Sample(
        model="one device's values spoiled",
        topic="telemetry",
        payload='{"A":[{"ts":1775973600000,"values":{"smoke":"maybe"}}],'
        '"B":[{"ts":1775973600000,"values":{"temperature":20}}]}',
        means=("temperature=20", "quarantined"),
    ),
)

FAMILY = DeviceFamily(
    name="thingsboard",
    title_zh="ThingsBoard 网关协议",
    title_en="ThingsBoard gateway protocol",
    default_prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=words.listed(
        "smoke smoke_clear heat heat_clear gas gas_clear leak leak_clear tamper tamper_clear "
        "battery_low battery_ok fault fault_clear power_outage power_restored motion no_motion "
        "door_open door_closed sos sos_cancel button fall fall_cancel temperature energy_total "
        "power voltage current water_total water_flow battery_pct heart_rate spo2 systolic "
        "diastolic humidity"
    ),
    may_be_silent=_may_be_silent,
    liveness="connect and disconnect, where the gateway sends them; any telemetry",
    quirks=(
        "One message carries many devices and many times; ts is milliseconds since 1970 "
        "(ThingsBoard "
        "docs, gateway MQTT API).",
        "A device is called what the gateway calls it: names with spaces and any script.",
    ),
)
