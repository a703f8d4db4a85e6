"""The native device protocol v1: JSON on `anju/v1/{device_id}/event|telemetry|status`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from devices import parts
from devices.downlink import Downlink, Order
from devices.event import (
    EVENT_KINDS,
    REGISTER_UNITS,
    Decoded,
    DeviceEvent,
    Message,
    Presence,
)
from devices.families import native_telemetry as telemetry
from devices.families.native_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable, attempt

ROOT = "anju/v1"
CHANNELS = ("event", "telemetry", "status")
_DOWNWARD = ("ack", "command")  # ours to the device; a wide subscription hears them too
_PREFIX_LENGTH = len(ROOT) + 1
_DEVICE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_STATES = {"online": True, "offline": False}


def decode(message: Message, source: SourceView) -> Decoded:
    """What a native device said. Never raises; see `DeviceFamily.decode`."""
    topic = message.topic
    levels = topic[_PREFIX_LENGTH:].split("/")
    if len(levels) < 2 or not topic.startswith("anju/v1/"):
        return Decoded(quarantined="unknown_topic")
    device_id, channel = levels[0], levels[1]
    if not _DEVICE_ID(device_id):
        return Decoded(quarantined="bad_device_id")
    if len(levels) > 2:
        return Decoded(quarantined="unknown_topic", culprit=device_id)
    try:
        if channel == "telemetry":
            return telemetry.decode(message.payload, device_id, source)
        if channel == "event":
            return _event(message, device_id, source)
        if channel == "status":
            return _status(message, device_id, source)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=device_id)
    if channel in _DOWNWARD:
        return Decoded()
    return Decoded(quarantined="unknown_topic", culprit=device_id)


def _event(message: Message, device_id: str, source: SourceView) -> Decoded:
    """One event. A kind that can be read is never lost to something else that cannot."""
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    if said.get("kind") is None and faults:
        raise Unreadable(faults[0])  # the kind itself was scrubbed
    kind = parts.text(said.get("kind"), "kind")
    event = DeviceEvent(
        child_id=device_id,
        kind=kind.lower() if kind.lower() in EVENT_KINDS else kind,
        at=attempt(faults, parts.moment, said.get("at"), source.zone),
        event_id=telemetry.message_id(said.get("id")),
        data=_event_data(said),
        retained=message.retained,
    )
    return Decoded(
        events=(event,),
        readings=tuple(telemetry.own_readings(said, device_id, faults)),
        quarantined=faults[0] if faults else None,
        culprit=device_id if faults else None,
    )


def _event_data(said: dict[str, Any]) -> dict[str, Any]:
    """The event's `data`, and whatever else a device put beside it."""
    known = ("id", "at", "kind", "data", *telemetry.OWN_REGISTERS)
    extra = {key: value for key, value in said.items() if key not in known}
    data = said.get("data")
    if data is None:
        return extra
    return extra | (data if type(data) is dict else {"data": data})


def _status(message: Message, device_id: str, source: SourceView) -> Decoded:
    """Online or offline, as the contract's JSON or as a bare word, which many last wills are."""
    if not message.payload:
        return Decoded()  # somebody erased the retained status
    faults: list[str] = []
    at: datetime | None = None
    if message.payload.lstrip()[:1] == b"{":
        said = parts.mapping(parts.read_json(message.payload, faults), "payload")
        word = said.get("state")
        at = attempt(faults, parts.moment, said.get("at"), source.zone)
    else:
        word = parts.read_text(message.payload).strip('"')
    online = _STATES.get(parts.text(word, "state").lower())
    if online is None:
        raise Unreadable("wrong_type:state")
    return Decoded(
        presences=(Presence(child_id=device_id, online=online, at=at, retained=message.retained),),
        quarantined=faults[0] if faults else None,
        culprit=device_id if faults else None,
    )


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix or ROOT}/+/{channel}" for channel in CHANNELS)


def _say(order: Order) -> tuple[str, bytes] | None:
    payload = msgspec.json.encode({"id": order.id, "command": order.command})
    return f"{ROOT}/{order.name}/command", payload


DOWNLINK = Downlink(
    commands=("identify", "silence", "test"),
    say=_say,
    filters=lambda _prefix: (f"{ROOT}/+/command",),
    answers=True,
    takes_any=True,
)


def _may_be_silent(topic: str) -> bool:
    return topic.rpartition("/")[2] in (*_DOWNWARD, "status")


FAMILY = DeviceFamily(
    name="native",
    title_zh="安居原生协议",
    title_en="Anju native protocol",
    default_prefix=ROOT,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=tuple(sorted(EVENT_KINDS) + sorted(REGISTER_UNITS)),
    reports_every_s=None,  # anything may speak the native protocol: the role knows better
    is_bridge=False,
    may_be_silent=_may_be_silent,
    downlink=DOWNLINK,
    liveness="retained status and last will; any message; silence beyond 25 hours",
    quirks=(
        "A last will carries the time at which it was registered, not the time of the loss.",
        "Time without a zone is local to the source.",
        "Kinds in capitals and numbers as text are accepted; an unknown unit spoils one reading.",
    ),
)
