"""ChirpStack v4: `application/{id}/device/{devEui}/event/{up|join|status|…}`, objects decoded."""

from __future__ import annotations

from typing import Any

import msgspec

from devices import parts
from devices.event import Decoded, InventoryItem, Message
from devices.families import lorawan
from devices.families.lorawan_samples import CHIRPSTACK as SAMPLES
from devices.family import SourceView
from devices.parts import Unreadable, attempt
from devices.topics import below
from devices.vocabulary import Speaker

PREFIX = "application"
_UPLINK = lorawan.UplinkFields(decoded="object", raw="data", receptions="rxInfo")


def decode(message: Message, source: SourceView) -> Decoded:
    """What a ChirpStack server said of one device. Never raises; see `DeviceFamily.decode`."""
    levels = below(message, source, PREFIX)
    if levels is None or len(levels) != 5 or levels[1] != "device":
        return Decoded(quarantined="unknown_topic")
    _, _, dev_eui, channel, kind = levels
    if channel in ("command", "state"):
        return Decoded()  # downlinks of other programs
    try:
        child = lorawan.eui(dev_eui) or parts.child_name(dev_eui)
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    if channel != "event":
        return Decoded(quarantined="unknown_topic", culprit=child)
    if not message.payload:
        return Decoded()
    try:
        return _event(kind, message, source, child)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)


def _event(kind: str, message: Message, source: SourceView, child: str) -> Decoded:
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    key = said.get("deduplicationId")
    who = Speaker(
        child=child,
        at=lorawan.uplink_time(said.get("time"), source.zone),
        role=source.roles.get(child),
        key=key[:96] if type(key) is str and key and key.isprintable() else None,
        retained=message.retained,
    )
    if kind == "up":
        return lorawan.uplink(said, _UPLINK, who, source.zone, faults)
    if kind == "log" and said.get("code") == "UPLINK_CODEC":
        raise Unreadable("wrong_type:object")  # the codec threw: what was said is lost
    if kind == "status" and said.get("batteryLevelUnavailable") is not True:
        level = said.get("batteryLevel")
        if level is not None and said.get("externalPowerSource") is not True:
            battery = attempt(faults, parts.number, level, "battery_pct")
            readings = [] if battery is None else [who.reading("battery_pct", battery)]
            return who.said(readings=readings, faults=faults)
    if kind == "join":
        return msgspec.structs.replace(
            who.said(faults=faults), inventory=_inventory(said.get("deviceInfo"), who.child)
        )
    return who.said(faults=faults)


def _inventory(info: Any, child: str) -> tuple[InventoryItem, ...]:
    """The device profile's name stands for the model. Read at a join only: every uplink has it."""
    if type(info) is not dict:
        return ()
    model = parts.label(info.get("deviceProfileName"))
    name = parts.label(info.get("deviceName"))
    return (InventoryItem(child_id=child, name=name, model=model),) if model else ()


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/+/device/+/event/+",)


def _may_be_silent(topic: str) -> bool:
    levels = topic.split("/")
    return len(levels) == 5 and levels[1] == "device" and levels[3] in ("command", "state")


FAMILY = lorawan.family(
    name="chirpstack-v4",
    title="ChirpStack v4",
    prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    may_be_silent=_may_be_silent,
    quirks=(
        "Without a codec in the device profile there is no object: unreadable, and says so "
        "(ChirpStack docs, event types).",
        "The key is deduplicationId; the profile's name, told at a join, stands for the model "
        "(docs, JoinEvent).",
    ),
)
