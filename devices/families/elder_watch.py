"""Elder watches over MQTT: a periodic status with vitals, place, and SOS as a flag inside it."""

from __future__ import annotations

from typing import Any

from devices import parts, vocabulary, words
from devices.event import Decoded, DeviceEvent, Message, Presence, Reading
from devices.families.elder_watch_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable, attempt
from devices.topics import below
from devices.vocabulary import Speaker

PREFIX = "atom"
_VITALS = ("heart_rate", "spo2", "systolic", "diastolic", "temperature")
_NO_NEWS = ("sos", "isWearing", "isOnline", "imei")
_PLACE = ("speed", "direction", "locationDate", "locationTime", "positionWifi")


def decode(message: Message, source: SourceView) -> Decoded:
    """What one watch said. Never raises; see `DeviceFamily.decode`."""
    levels = below(message, source, PREFIX)
    if levels is None or len(levels) < 2:
        return Decoded(quarantined="unknown_topic")
    if levels[-2] in ("command", "cmd", "down"):
        return Decoded()  # other programs' commands
    try:
        name = parts.child_name(levels[-1])
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    if not message.payload:
        return Decoded()
    child = source.aliases.get(name, name)
    try:
        return _status(message, source, child)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)


def _status(message: Message, source: SourceView, child: str) -> Decoded:
    """A status without any time of its own: the fix's time is another's clock."""
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    role = source.roles.get(child)
    who = Speaker(child=child, role=role, retained=message.retained)
    fields = {name: value for name, value in said.items() if name not in (*_NO_NEWS, *_PLACE)}
    fields.pop("location", None)
    events, readings = vocabulary.read(fields, who, faults)
    events = [*_help(said, who, faults), *events]
    if said.get("isWearing") is False:
        events.append(_not_worn(readings, who))
        readings = [each for each in readings if each.register not in _VITALS]
    place = _place(said)
    if place is not None:
        events.append(who.event("location", place))
    presences = []
    if type(said.get("isOnline")) is bool:
        online = said["isOnline"]
        presences.append(Presence(child_id=child, online=online, retained=message.retained))
    return who.said(events, readings, faults, presences)


def _help(said: dict[str, Any], who: Speaker, faults: list[str]) -> list[DeviceEvent]:
    """The flag is re-stated in every status until the watch forgets it: news is only its edge."""
    held = attempt(faults, words.as_level, said.get("sos"), "sos")
    if held is None:
        return []
    return [who.event("sos" if held else "sos_cancel", {"level": True})]


def _not_worn(readings: list[Reading], who: Speaker) -> DeviceEvent:
    """On the bedside table it still measures: kept as what it is, never as somebody's pulse."""
    measured = {each.register: each.value for each in readings if each.register in _VITALS}
    return who.event("heartbeat", {"worn": False, "measured": measured})


def _place(said: dict[str, Any]) -> dict[str, Any] | None:
    """`longitude,latitude` in degrees; 0,0 is a fix that never was."""
    pair = said.get("location")
    if type(pair) is not str:
        return None
    numbers = [attempt([], parts.number, each, "location") for each in pair.split(",")[:2]]
    if len(numbers) != 2 or None in numbers:
        return None
    longitude, latitude = numbers
    if longitude is None or latitude is None or not (longitude or latitude):
        return None
    if abs(longitude) > 180 or abs(latitude) > 90:
        return None
    fix = {name: said[name] for name in _PLACE if type(said.get(name)) is str and said[name]}
    return {"longitude": longitude, "latitude": latitude, **fix}


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/#",)


def _may_be_silent(topic: str) -> bool:
    return bool({"command", "cmd", "down"} & set(topic.split("/")[-2:-1]))


FAMILY = DeviceFamily(
    name="vendor-mqtt-cn",
    title_zh="老人手表（G601/G616/618 等，MQTT）",
    title_en="Elder watches (G601, G616, 618 and the like, MQTT)",
    default_prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=words.listed(
        "sos sos_cancel location heartbeat fall fall_cancel battery_low battery_ok heart_rate spo2 "
        "systolic diastolic temperature battery_pct"
    )
    + vocabulary.own_words(SAMPLES),
    reports_every_s=3600,
    may_be_silent=_may_be_silent,
    liveness="its periodic status; isOnline is the vendor's platform speaking",
    quirks=(
        "sos is a flag inside the periodic status: only its edge is a press (G616, as captured).",
        "Numbers are texts; a vital sign of 0 was not measured (as captured).",
        "A watch that is not worn still measures: no reading, a heartbeat that says so.",
        "locationDate and locationTime carry no zone and are kept as they came.",
    ),
)
