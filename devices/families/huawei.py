"""Huawei's platforms over HTTP push: OceanConnect's callbacks, and IoTDA's forwarding rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from devices import parts, push
from devices.event import Decoded, InventoryItem, Message
from devices.families.huawei_samples import SAMPLES
from devices.family import SourceView
from devices.parts import Unreadable
from devices.vocabulary import Speaker

_DESCRIBES = frozenset({"deviceAdded", "bindDevice", "deviceInfoChanged"})
_OTHERS = frozenset(
    """
    messageConfirm commandRsp serviceInfoChanged ruleEvent deviceModelAdded deviceModelDeleted
    deviceDesiredPropertiesModifyStatusChanged appDeleted swUpgradeStateChangeNotify
    swUpgradeResultNotify fwUpgradeStateChangeNotify fwUpgradeResultNotify
    """.split()  # noqa: SIM905
)
"""Notices of the platform about itself."""
_ONLINE = {"ONLINE": True, "OFFLINE": False, "ABNORMAL": False, "FROZEN": False}


def decode(message: Message, source: SourceView) -> Decoded:
    """What one push said. Never raises; see `DeviceFamily.decode`."""
    return push.decode(message, source, _one)


def _one(said: Any, message: Message, source: SourceView) -> Decoded:
    try:
        said = parts.mapping(said, "payload")
        if "resource" in said or "notify_data" in said:
            return _iotda(said, message, source)
        child = push.child_id(said.get("deviceId"), "deviceId")
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    try:
        return _ocean(said, child, message, source)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)


# ── OceanConnect ──────────────────────────────────────────────────────────────────────────────────


def _ocean(said: dict[str, Any], child: str, message: Message, source: SourceView) -> Decoded:
    word = said.get("notifyType")
    if type(word) is not str:
        raise Unreadable("missing:notifyType" if word is None else "wrong_type:notifyType")
    if word == "deviceDataChanged":
        return _services([said.get("service")], child, None, message, source)
    if word == "deviceDatasChanged":
        return _services(said.get("services"), child, None, message, source)
    if word in _DESCRIBES:
        return _described(said, child)
    if word == "deviceDeleted":
        who = Speaker(child=child, role=source.roles.get(child))
        return who.said([who.event("fault", {"fault": "device_deleted"})])
    if word in _OTHERS:
        return Decoded(quarantined="not_from_device")
    raise Unreadable("wrong_type:notifyType")


def _described(said: dict[str, Any], child: str) -> Decoded:
    """The platform says what it knows of a device, and whether it is there."""
    info = said.get("deviceInfo")
    info = info if type(info) is dict else {}
    item = InventoryItem(
        child_id=child,
        name=_label(info.get("name") or info.get("nodeId")) or child,
        model=_label(info.get("model")),
        vendor=_label(info.get("manufacturerName")),
    )
    online = _ONLINE.get(str(info.get("status")))
    here = [] if online is None else [push.presence(child, online, None)]
    return push.together([Decoded(inventory=(item,)), *here])


def _label(value: Any) -> str:
    return value.strip()[:64] if type(value) is str and value.isprintable() else ""


# ── IoTDA ─────────────────────────────────────────────────────────────────────────────────────────


def _iotda(said: dict[str, Any], message: Message, source: SourceView) -> Decoded:
    data = parts.mapping(said.get("notify_data"), "notify_data")
    header = parts.mapping(data.get("header"), "header")
    child = push.child_id(header.get("device_id"), "device_id")
    time = said.get("event_time_ms") or said.get("event_time")
    at = push.platform_time(time, source.zone)
    try:
        return _resource(said, data, child, at, message, source)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)


def _resource(
    said: dict[str, Any],
    data: dict[str, Any],
    child: str,
    at: datetime | None,
    message: Message,
    source: SourceView,
) -> Decoded:
    word, body = said.get("resource"), data.get("body")
    if word in ("device.property", "device.event"):
        listed = parts.mapping(body, "body").get("services")
        return _services(listed, child, at, message, source)
    if word == "device.message":
        content = body.get("content", body) if type(body) is dict else body
        return _report(push.fields_of(content, "body"), "", child, at, message, source)
    if word == "device.status":
        online = _ONLINE.get(str(parts.mapping(body, "body").get("status")))
        if online is None:
            raise Unreadable("wrong_type:status")
        return push.presence(child, online, at)
    if type(word) is str:  # of products, commands, batch tasks: the platform's own
        return Decoded(quarantined="not_from_device")
    raise Unreadable("missing:resource" if word is None else "wrong_type:resource")


# ── both ──────────────────────────────────────────────────────────────────────────────────────────


def _services(
    listed: Any, child: str, at: datetime | None, message: Message, source: SourceView
) -> Decoded:
    """Every service's report; one that cannot be read does not cost the others."""
    if type(listed) is not list or not listed:
        raise Unreadable("wrong_type:services" if listed else "missing:services")
    if len(listed) > push.MAX_REPORTS:
        raise Unreadable("too_large")
    return push.together([_service(each, child, at, message, source) for each in listed])


def _service(
    said: Any, child: str, at: datetime | None, message: Message, source: SourceView
) -> Decoded:
    """OceanConnect's `data`, IoTDA's `properties` (events: `paras`); a service has its own time."""
    try:
        said = parts.mapping(said, "service")
        time = said.get("eventTime") or said.get("event_time")
        at = push.platform_time(time, source.zone) or at
        name = str(said.get("serviceId") or said.get("service_id") or "")[:64]
        held = next((said[one] for one in ("data", "properties", "paras") if one in said), None)
        word = said.get("event_type")
        if word is None:
            return _report(push.fields_of(held, "data"), name, child, at, message, source)
        fields = push.fields_of(held or {}, "data")
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)
    key = push.key_of(at, message.received_at, name, word, fields)
    who = Speaker(child=child, at=at, role=source.roles.get(child), key=key)
    return push.happened(word, fields, who, source)


def _report(
    fields: dict[str, Any],
    name: str,
    child: str,
    at: datetime | None,
    message: Message,
    source: SourceView,
) -> Decoded:
    key = push.key_of(at, message.received_at, name, fields)
    who = Speaker(child=child, at=at, role=source.roles.get(child), key=key)
    return push.report(fields, who, source)


FAMILY = push.family(
    name="huawei",
    title_zh="华为 OceanConnect / IoTDA（HTTP 推送）",
    title_en="Huawei OceanConnect and IoTDA (HTTP push)",
    decode=decode,
    samples=SAMPLES,
    liveness="any report; device.status and deviceInfoChanged",
    quirks=(
        "The single and the batch callback carry the same report: one event.",
        "Wanlin's devState 0 is a heartbeat, not a clear; temperature is in tenths of a degree.",
        "NBWatch: DeviceTime is local without a zone, eventTime is UTC; E4294967296 is no fix; "
        "HeartRate 000 was not measured.",
        "IoTDA's event_time has no separators, event_time_ms is RFC 3339.",
    ),
)
