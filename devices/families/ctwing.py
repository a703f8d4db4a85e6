"""China Telecom's AEP (CTWing): reports, events and coming and going, pushed over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import structs

from devices import parts, push
from devices.event import Decoded, Message
from devices.families.ctwing_samples import SAMPLES
from devices.family import SourceView
from devices.parts import Unreadable
from devices.vocabulary import Speaker

_ANSWERED = frozenset({"DELIVERED", "SUCCESSFUL", "COMPLETED"})
"""Results of a command that the device itself gave; the others are the platform's."""


def decode(message: Message, source: SourceView) -> Decoded:
    """What one push said. Never raises; see `DeviceFamily.decode`."""
    return push.decode(message, source, _one)


def _one(said: Any, message: Message, source: SourceView) -> Decoded:
    try:
        said = parts.mapping(said, "payload")
        name = push.child_id(said.get("deviceId"), "deviceId")
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    imei = said.get("IMEI")
    child = push.known_as(name, imei, source)
    try:
        decoded = _said(said, child, message, source)
    except Unreadable as error:
        decoded = Decoded(quarantined=error.reason, culprit=child)
    stranger = push.introduction(name, imei, said.get("productId"), source)
    return structs.replace(decoded, inventory=stranger) if child == name else decoded


def _said(said: dict[str, Any], child: str, message: Message, source: SourceView) -> Decoded:
    at = push.platform_time(said.get("timestamp"), source.zone)
    who = Speaker(child=child, at=at, role=source.roles.get(child))
    match said.get("messageType"):
        case "dataReport" | "dataReportTupUnion":
            payload = said.get("payload")
            listed = payload if type(payload) is list else [payload]
            if len(listed) > push.MAX_REPORTS:
                raise Unreadable("too_large")
            return push.together(_report(each, who, message, source) for each in listed)
        case "eventReport":
            content = push.fields_of(said.get("eventContent"), "eventContent")
            name = f"event-{said.get('serviceId') or said.get('eventType')}"[:64]
            who = replace(who, key=push.key_of(at, message.received_at, name, content))
            return push.happened(name, content, who, source)
        case "deviceOnlineOfflineReport":
            return push.presence(child, push.is_one(said.get("eventType"), "eventType"), at)
        case "commandResponse":
            result = said.get("result")
            is_its_own = type(result) is dict and str(result.get("resultCode")) in _ANSWERED
            return who.said() if is_its_own else Decoded(quarantined="not_from_device")
        case None:
            raise Unreadable("missing:messageType")
    raise Unreadable("wrong_type:messageType")


def _report(payload: Any, who: Speaker, message: Message, source: SourceView) -> Decoded:
    """`{"serviceId", "serviceData": {…}}` or the fields themselves; `APPdata` was not decoded."""
    try:
        fields = push.fields_of(payload, "payload")
        if "serviceData" in fields:
            fields = push.fields_of(fields["serviceData"], "serviceData")
    except Unreadable as error:
        return who.said(faults=[error.reason])
    who = replace(who, key=push.key_of(who.at, message.received_at, fields))
    return push.report(fields, who, source)


FAMILY = push.family(
    name="ctwing",
    title_zh="中国电信 CTWing AEP（HTTP 推送）",
    title_en="China Telecom CTWing AEP (HTTP push)",
    decode=decode,
    samples=SAMPLES,
    liveness="any report; deviceOnlineOfflineReport; NB-IoT detectors speak once a day",
    quirks=(
        "LiAn smoke detectors tell everything by Alarm_Status; RSRP comes without its minus.",
        "A device is called deviceId: notices of coming and going carry no IMEI. It may be "
        "registered under its IMEI; those notices are then not understood as its own.",
        "payload.APPdata is what the platform did not decode: unreadable, and says so.",
        "A push carries no number of its own: timestamp and content make one.",
    ),
)
