"""Shelly Gen2 and later: notifications on `…/events/rpc`, status by component."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from devices import parts
from devices.event import Decoded, DeviceEvent, InventoryItem, Message, Presence, Reading
from devices.families import shelly_components as components
from devices.families import shelly_downlink as downlink
from devices.families.shelly_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable, attempt
from devices.vocabulary import Speaker

PREFIX = "shelly"
_SILENT = frozenset({"rpc", "command", "debug"})
_FIRST_DATE = 1_500_000_000.0  # before it, `ts` is seconds since the device woke up
_SLEEPERS = ("smoke_detector", "leak_sensor")  # Plus Smoke, Flood
_METHODS = ("NotifyStatus", "NotifyFullStatus", "NotifyEvent")
_GUESS = re.compile(r"(?:(.+)/)?(shelly[a-z0-9]+-[0-9a-f]{12})/(events/rpc|online|status/.+)")


def decode(message: Message, source: SourceView) -> Decoded:
    """What one device said. Never raises; see `DeviceFamily.decode`."""
    prefix = source.prefix or PREFIX
    if not message.topic.startswith(f"{prefix}/"):
        return Decoded(quarantined="unknown_topic")
    address = _address(message.topic[len(prefix) + 1 :], prefix)
    if address is None:
        return Decoded(quarantined="unknown_topic")
    device, channel = address
    answering = downlink.answered(device) if channel == "rpc" else None
    device = answering or device
    if channel.partition("/")[0] in _SILENT and answering is None:
        return Decoded()
    try:
        parts.child_name(device)
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    child = source.aliases.get(device, device)
    if not message.payload:
        return Decoded()
    try:
        if channel == "events/rpc":
            return _notification(message, source, child)
        if channel == "online":
            return _online(message, child, source.roles.get(child))
        if answering is not None:
            return downlink.answer(message, child)
        return _component(channel.partition("/")[2], message, source, child)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)


def guess_prefix(topic: str) -> str | None:
    """What stands before a device's own id; the id itself where nothing does."""
    found = _GUESS.fullmatch(topic)
    return None if found is None else (found[1] or found[2])


def _address(below: str, prefix: str) -> tuple[str, str] | None:
    """(device, channel). Without a level of its own the device is the prefix's last level: a
    Shelly left as it came speaks below its own id, and is a source of its own."""
    for channel in ("events/rpc", "online", "rpc", "command"):
        if below == channel:
            return prefix.rpartition("/")[2], channel
        if below.endswith(f"/{channel}"):
            return below[: -len(channel) - 1], channel
    for channel in ("status/", "debug/"):
        if below.startswith(channel):
            return prefix.rpartition("/")[2], below
        device, found, rest = below.partition(f"/{channel}")
        if found and device:
            return device, channel + rest
    return None


def _online(message: Message, child: str, role: str | None) -> Decoded:
    """`true`, or the last will `false`. A battery device sleeps between its reports: for it,
    `false` is nothing new."""
    word = parts.read_text(message.payload)
    if word not in ("true", "false"):
        raise Unreadable("wrong_type:state")
    if word == "false" and role in _SLEEPERS:
        return Decoded()
    presence = Presence(child_id=child, online=word == "true", retained=message.retained)
    return Decoded(presences=(presence,))


def _notification(message: Message, source: SourceView, child: str) -> Decoded:
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    method = parts.text(said.get("method"), "method")
    if method not in _METHODS:
        raise Unreadable("wrong_type:method")
    params = parts.mapping(said.get("params"), "params")
    who = _speaker(child, message, source, params.get("ts"))
    if method == "NotifyFullStatus":
        whole = _status(params, who, faults)
        return msgspec.structs.replace(whole, inventory=_inventory(said.get("src"), child))
    if method == "NotifyStatus":
        return _status(params, who, faults)
    listed = params.get("events")
    if type(listed) is not list:
        raise Unreadable("wrong_type:events")
    events: list[DeviceEvent] = []
    for each in listed:
        fields = attempt(faults, parts.mapping, each, "events")
        if fields is not None:
            events += attempt(faults, components.happened, fields, who) or []
    return who.said(events, faults=faults)


def _inventory(src: Any, child: str) -> tuple[InventoryItem, ...]:
    """The model, which the device's own id begins with: `shellyplussmoke-01025ee00ab7`."""
    model, dash, _ = parts.label(src).partition("-")
    if not dash or not model.startswith("shelly"):
        return ()
    return (InventoryItem(child_id=child, name=child, model=model, vendor="Shelly"),)


def _component(name: str, message: Message, source: SourceView, child: str) -> Decoded:
    """`status/<component>`, there when status_ntf is switched on: the same without a frame."""
    if not name:
        raise Unreadable("unknown_topic")
    faults: list[str] = []
    fields = parts.mapping(parts.read_json(message.payload, faults), "payload")
    return _status({name: fields}, _speaker(child, message, source, None), faults)


def _speaker(child: str, message: Message, source: SourceView, ts: Any) -> Speaker:
    role = source.roles.get(child)
    return Speaker(child=child, at=_time(ts, source), role=role, retained=message.retained)


def _time(ts: Any, source: SourceView) -> datetime | None:
    """None for seconds since boot, which is what `ts` is until the clock was set."""
    seconds = attempt([], parts.number, ts, "ts")
    if seconds is None or seconds < _FIRST_DATE:
        return None
    return attempt([], parts.moment, seconds, source.zone)


def _status(params: dict[str, Any], who: Speaker, faults: list[str]) -> Decoded:
    events: list[DeviceEvent] = []
    readings: list[Reading] = []
    for name, fields in params.items():
        if type(fields) is dict:
            more_events, more_readings = components.read(name, fields, who, faults)
            events += more_events
            readings += more_readings
    return who.said(events, readings, faults)


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/#",)


def _may_be_silent(topic: str) -> bool:
    levels = topic.split("/")
    return "debug" in levels or topic.endswith(("rpc", "command", "online"))


FAMILY = DeviceFamily(
    name="shelly-gen2",
    title_zh="Shelly 第二代及以后",
    title_en="Shelly Gen2 and later",
    default_prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    child_topics=downlink.child_topics,
    downlink=downlink.DOWNLINK,
    capabilities=components.CAPABILITIES,
    reports_every_s=25 * 3600,  # Plus Smoke and Flood wake up once a day
    may_be_silent=_may_be_silent,
    guess_prefix=guess_prefix,
    liveness="retained online and last will (mains devices); a full status at every waking, "
    "at least once a day (battery devices)",
    quirks=(
        "After waking, ts is seconds since boot and unixtime null: time of receipt (Plus Smoke, as "
        "captured).",
        "btn_down and btn_up are edges of one press; single_push and the like are the press "
        "(Shelly API docs, Input).",
        "config_changed comes on the same component as a press (API docs, NotifyEvent).",
        "A NotifyStatus holds only what changed; nothing may be read into what is missing (API "
        "docs, "
        "Notifications).",
        "A battery device is off the network between its reports: for smoke and leak detectors "
        "online: false is no news.",
        "The first channel is the device; others have registers of their own, energy_total_1 … "
        "(API "
        "docs, component ids).",
    ),
)
