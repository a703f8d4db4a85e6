"""The Things Stack v3: `v3/{application}@{tenant}/devices/{device}/up`, payloads decoded."""

from __future__ import annotations

from typing import Any

from devices import parts
from devices.event import Decoded, Message
from devices.families import lorawan
from devices.families.lorawan_samples import THE_THINGS_STACK as SAMPLES
from devices.family import SourceView
from devices.parts import Unreadable
from devices.topics import below
from devices.vocabulary import Speaker

PREFIX = "v3"
_UPLINK = lorawan.UplinkFields(
    decoded="decoded_payload", raw="frm_payload", receptions="rx_metadata"
)


def decode(message: Message, source: SourceView) -> Decoded:
    """What the network server said of one device. Never raises; see `DeviceFamily.decode`."""
    levels = below(message, source, PREFIX)
    if levels is None or len(levels) < 4 or levels[1] != "devices":
        return Decoded(quarantined="unknown_topic")
    if levels[3] == "down":
        return Decoded()  # downlinks: queued, sent, acknowledged
    try:
        name = parts.child_name(levels[2])
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    if not message.payload:
        return Decoded()
    try:
        return _message(levels[3], message, source, name)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=source.aliases.get(name, name))


def _message(kind: str, message: Message, source: SourceView, name: str) -> Decoded:
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    uplink = said.get("uplink_message")
    child = _child(said, name, source)
    if kind != "up" or uplink is None:
        if kind not in ("up", "join", "location", "service"):
            raise Unreadable("unknown_topic")
        return Speaker(child=child).said(faults=faults)
    uplink = parts.mapping(uplink, "uplink_message")
    received = uplink.get("received_at") or said.get("received_at")
    who = Speaker(
        child=child,
        at=lorawan.uplink_time(received, source.zone),
        role=source.roles.get(child),
        key=_key(child, uplink),
        retained=message.retained,
    )
    return lorawan.uplink(uplink, _UPLINK, who, source.zone, faults)


def _child(said: dict[str, Any], name: str, source: SourceView) -> str:
    """The EUI, unless somebody registered the device under its name or it has none yet."""
    ids = said.get("end_device_ids")
    dev_eui = lorawan.eui(ids.get("dev_eui")) if type(ids) is dict else None
    return name if dev_eui is None or name in source.roles else dev_eui


def _key(child: str, uplink: dict[str, Any]) -> str | None:
    """Device + session + frame counter; a counter of 0 is left out of the message."""
    session = uplink.get("session_key_id")
    counter = uplink.get("f_cnt", 0)
    if type(session) is not str or not session.isprintable() or type(counter) is not int:
        return None
    return f"{child[:32]}:{session[:48]}:{counter}"


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/+/devices/+/#",)


def _may_be_silent(topic: str) -> bool:
    levels = topic.split("/")
    return len(levels) >= 4 and levels[1] == "devices" and levels[3] == "down"


FAMILY = lorawan.family(
    name="the-things-stack-v3",
    title="The Things Stack v3",
    prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    may_be_silent=_may_be_silent,
    quirks=(
        "Without a payload formatter there is no decoded_payload: unreadable, and says so (The "
        "Things Stack docs, data formats).",
        "The key is device + session_key_id + f_cnt; a counter of 0 is left out of the message.",
        "The server has a broker of its own: bridge its topics to ours.",
    ),
)
