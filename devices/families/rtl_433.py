"""rtl_433: whatever a radio hears, the neighbours' too. Registered one by one, never sure."""

from __future__ import annotations

import re
from typing import Any

from devices import parts, vocabulary, words
from devices.event import Confidence, Decoded, DeviceEvent, Message
from devices.families.rtl_433_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable, attempt
from devices.topics import below
from devices.vocabulary import Speaker

PREFIX = "rtl_433"
_SMOKE = re.compile(r"smoke|GS ?558|fire", re.IGNORECASE).search
_LEAK = re.compile(r"leak|flood", re.IGNORECASE).search
_BUTTON = re.compile(r"button|doorbell|remote|pendant|chime", re.IGNORECASE).search
_SAID_ELSEWHERE = frozenset({"states", "devices"})
"""rtl_433 says the same three times unless told otherwise; `events` holds all of it."""
_RENAMED = {
    "temperature_C": "temperature",
    "power_W": "power",
    "energy_kWh": "energy_total",
    "volume_m3": "water_total",
    "voltage_V": "voltage",
    "current_A": "current",
    "alarm": "",  # which alarm it is, the model tells
    "battery_ok": "",  # a fraction
    "event": "",
    "state": "",
    "button": "",
    "channel": "",
    "unit": "",
}


def decode(message: Message, source: SourceView) -> Decoded:
    """What the radio heard once. Never raises; see `DeviceFamily.decode`."""
    levels = below(message, source, PREFIX)
    if levels is None:
        return Decoded(quarantined="unknown_topic")
    if len(levels) > 1 and levels[1] in _SAID_ELSEWHERE:
        return Decoded()
    if levels[-1] != "events":
        return Decoded(quarantined="unknown_topic")
    if not message.payload:
        return Decoded()
    try:
        return _transmission(message, source)
    except Unreadable as error:
        return Decoded(quarantined=error.reason)  # whose it was, nobody knows


def _transmission(message: Message, source: SourceView) -> Decoded:
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    model = parts.text(said.get("model"), "model")
    child = f"{model}/{_ident(said)}"
    who = Speaker(
        child=child,
        at=attempt([], parts.moment, _clock(said.get("time")), source.zone),
        role=source.roles.get(child),
        retained=message.retained,
        confidence=Confidence.UNCONFIRMED,
    )
    if child not in source.roles:
        return who.said()  # a stranger's: it may be anybody's, so nothing follows from it
    fields = {_RENAMED.get(name, name): value for name, value in said.items()}
    fields.pop("", None)
    known, readings = vocabulary.read(fields, who, faults, own_words=False)
    events = [*_alarms(said, model, who), *_flags(said, who), *known]
    kinds: dict[str, DeviceEvent] = {}
    for event in events:
        kinds.setdefault(event.kind, event)
    return who.said(list(kinds.values()), readings, faults)


def _ident(said: dict[str, Any]) -> str:
    """The transmitter's number, with its channel where it has one: ids are short and not unique."""
    ident = said.get("id", said.get("code"))
    if type(ident) is int:
        ident = str(ident)
    ident = parts.text(ident, "id", longest=32)
    channel = said.get("channel")
    if type(channel) in (int, str) and str(channel).isalnum():
        return f"{ident}/{str(channel)[:8]}"
    return ident


def _clock(value: Any) -> str | None:
    """A date and time; `@0.5s` counts from the start of a recording."""
    return None if type(value) is not str or value.startswith("@") else value


def _alarms(said: dict[str, Any], model: str, who: Speaker) -> list[DeviceEvent]:
    """What a transmitter of this model says by speaking at all, or with its `event` or `alarm`."""
    if said.get("learn") == 1:
        return [who.event("heartbeat", {"learn": 1})]  # being paired
    text = " ".join(
        str(said[name]) for name in ("event", "state", "subtype") if type(said.get(name)) is str
    ).lower()
    is_off = said.get("alarm") in (0, False, "0")
    if _SMOKE(model) or who.role == "smoke_detector":
        return [who.event("smoke_clear" if is_off else "test" if "test" in text else "smoke")]
    if _LEAK(model) or _LEAK(text) or who.role == "leak_sensor":
        return _leak(text, said, who)
    if who.role in ("sos_button", "watch") or "panic" in text:
        return [who.event("sos", {"action": text[:64] or "code"})]
    if _BUTTON(model) or "button" in said:
        return [who.event("button", {"action": text[:64] or "code"})]
    if text in ("open", "closed"):
        return [who.event("door_open" if text == "open" else "door_closed")]
    if text == "motion":
        return [who.event("motion")]
    return []


def _leak(text: str, said: dict[str, Any], who: Speaker) -> list[DeviceEvent]:
    """Govee H5054 names its `event`; others set `alarm`. A battery report is no leak."""
    if "battery" in text or "button" in text:
        return []
    if said.get("alarm") in (0, False, "0") or said.get("leak") in (0, False, "0"):
        return [who.event("leak_clear")]
    is_leak = bool(_LEAK(text)) or "water" in text or said.get("alarm") or said.get("leak")
    return [who.event("leak")] if is_leak else []


def _flags(said: dict[str, Any], who: Speaker) -> list[DeviceEvent]:
    """`battery_ok` is 1, 0, or something between."""
    level = said.get("battery_ok")
    if type(level) is not int and type(level) is not float:
        return []
    return [who.event("battery_ok" if level >= 0.2 else "battery_low")]


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return (f"{prefix or PREFIX}/#",)


def _may_be_silent(topic: str) -> bool:
    return topic.split("/")[1:2] in (["states"], ["devices"])


FAMILY = DeviceFamily(
    name="rtl_433",
    title_zh="rtl_433（433 MHz 接收）",
    title_en="rtl_433 (433 MHz receiver)",
    default_prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=words.listed(
        "smoke smoke_clear test leak leak_clear sos button door_open door_closed motion no_motion "
        "tamper tamper_clear battery_low battery_ok heartbeat temperature power energy_total "
        "water_total"
    ),
    may_be_silent=_may_be_silent,
    supervised=False,
    liveness="none that can be relied on: many transmitters speak only when they alarm",
    quirks=(
        "No encryption, no supervision, wrong decodes: every event is unconfirmed (rtl_433 docs, "
        "DATA_FORMAT and decoder notes).",
        "A transmitter that was not registered is listed as heard, and nothing else follows: it "
        "may "
        "be a neighbour's.",
        "GS558 smoke detectors speak only when they alarm: unsupervisable (decoder smoke_gs558).",
        "learn 1 is pairing, not an alarm (decoder smoke_gs558).",
    ),
)
