"""China Mobile's OneNET over HTTP push: the old platform's data points, and Studio's things."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from devices import parts, push
from devices.event import Decoded, Message
from devices.families.onenet_samples import SAMPLES
from devices.family import SourceView
from devices.parts import Unreadable
from devices.vocabulary import Speaker

_DATA_POINT, _COMING_AND_GOING = 1, 2
_TEMPERATURE = ("3303", "5700")  # IPSO object and resource, written 3303_0_5700


def decode(message: Message, source: SourceView) -> Decoded:
    """What one push said. Never raises; see `DeviceFamily.decode`."""
    return push.decode(message, source, _one, _unwrapped)


def _unwrapped(body: Any) -> Any:
    """The message in its signed envelope, as values or as text; both may also come bare."""
    if type(body) is not dict:
        return body
    if "enc_msg" in body:
        raise Unreadable("encrypted")
    said = body.get("msg", body)
    return push.inner(said) if type(said) is str else said


def _one(said: Any, message: Message, source: SourceView) -> Decoded:
    try:
        said = parts.mapping(said, "msg")
        is_studio = "messageType" in said or "deviceName" in said
        name = _studio_name(said) if is_studio else push.child_id(said.get("dev_id"), "dev_id")
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    imei = said.get("imei")
    child = push.known_as(name, imei, source)
    try:
        decoded = (_studio if is_studio else _old)(said, child, message, source)
    except Unreadable as error:
        decoded = Decoded(quarantined=error.reason, culprit=child)
    stranger = push.introduction(name, imei, said.get("productId"), source)
    return structs.replace(decoded, inventory=stranger) if child == name else decoded


def _studio_name(said: dict[str, Any]) -> str:
    """A device's name is its own only inside its product."""
    name = push.child_id(said.get("deviceName"), "deviceName")
    return f"{push.child_id(said.get('productId'), 'productId')}/{name}"


# ── the old platform ──────────────────────────────────────────────────────────────────────────────


def _old(said: dict[str, Any], child: str, message: Message, source: SourceView) -> Decoded:
    at = push.platform_time(said.get("at"), source.zone)
    word = said.get("type")
    if word in (_COMING_AND_GOING, str(_COMING_AND_GOING)):
        return push.presence(child, push.is_one(said.get("status"), "status"), at)
    if word not in (_DATA_POINT, str(_DATA_POINT)):
        raise Unreadable("missing:type" if word is None else "wrong_type:type")
    stream, value = parts.text(said.get("ds_id"), "ds_id"), said.get("value")
    key = push.key_of(at, message.received_at, stream, value)
    who = Speaker(child=child, at=at, role=source.roles.get(child), key=key)
    if type(value) is dict or (type(value) is str and value.strip().startswith("{")):
        return push.report(push.fields_of(value, "value"), who, source)
    return push.pressed(push.report({_register(stream): value}, who, source))


def _register(stream: str) -> str:
    """An NB-IoT data stream is an LwM2M path: object_instance_resource."""
    levels = stream.split("_")
    if len(levels) == 3 and (levels[0], levels[2]) == _TEMPERATURE:
        return "temperature"
    return stream


# ── Studio ────────────────────────────────────────────────────────────────────────────────────────


def _studio(said: dict[str, Any], child: str, message: Message, source: SourceView) -> Decoded:
    word, data = said.get("messageType"), parts.mapping(said.get("data"), "data")
    if word == "lifeCycle":
        return _life_cycle(data, child, source)
    if word != "notify":
        raise Unreadable("missing:messageType" if word is None else "wrong_type:messageType")
    kind = said.get("notifyType", "property")
    if kind not in ("property", "event"):
        raise Unreadable("wrong_type:notifyType")
    params = parts.mapping(data.get("params"), "params")
    if len(params) > push.MAX_REPORTS:
        raise Unreadable("too_large")
    read = _event if kind == "event" else _property
    found = [read(name, each, child, message, source) for name, each in params.items()]
    return push.together(found or [Decoded(heard=(child,))])


def _life_cycle(data: dict[str, Any], child: str, source: SourceView) -> Decoded:
    status = data.get("status")
    if status not in ("online", "offline"):
        raise Unreadable("wrong_type:status")
    at = push.platform_time(data.get("time"), source.zone)
    return push.presence(child, status == "online", at)


def _point(
    name: str, said: Any, child: str, message: Message, source: SourceView
) -> tuple[Any, Speaker]:
    """`{"value", "time"}` of one identifier: each has a time of its own."""
    at, value = None, said
    if type(said) is dict and "value" in said:
        value = said["value"]
        at = push.platform_time(said.get("time"), source.zone)
    key = push.key_of(at, message.received_at, name, value)
    return value, Speaker(child=child, at=at, role=source.roles.get(child), key=key)


def _property(name: str, said: Any, child: str, message: Message, source: SourceView) -> Decoded:
    value, who = _point(name, said, child, message, source)
    return push.report(value if type(value) is dict else {name: value}, who, source)


def _event(name: str, said: Any, child: str, message: Message, source: SourceView) -> Decoded:
    value, who = _point(name, said, child, message, source)
    return push.happened(name, value, who, source)


FAMILY = push.family(
    name="onenet",
    title_zh="中国移动 OneNET（HTTP 推送，旧版与 Studio）",
    title_en="China Mobile OneNET (HTTP push, old and Studio)",
    decode=decode,
    samples=SAMPLES,
    liveness="any data point or property; type 2 and lifeCycle messages",
    quirks=(
        "Old platform: data points within 50 ms come as a list in msg.",
        "Studio puts the message as text into msg; every identifier has a time of its own.",
        "A Studio device is called productId/deviceName; an old one dev_id, or its IMEI.",
        "Encrypted messages (enc_msg) are set aside: switch encryption off.",
    ),
)
