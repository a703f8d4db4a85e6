"""Tasmota: plugs, switches and buttons on Wi-Fi, and what its Zigbee or radio bridge hears."""

from __future__ import annotations

import re
from typing import Any

from devices import parts
from devices.event import Decoded, InventoryItem, Message, Presence
from devices.families import tasmota_bridge as bridge
from devices.families import tasmota_state as state
from devices.families.tasmota_downlink import DOWNLINK
from devices.families.tasmota_samples import SAMPLES
from devices.family import DeviceFamily, SourceView
from devices.parts import Unreadable, attempt
from devices.vocabulary import Speaker

PREFIX = "tele"
_KINDS = ("tele", "stat", "cmnd")
_ONLINE = {"online": True, "offline": False}
_VERSION_WORDS = ("INFO1", "STATUS2", "STATUS0")
_STATE_WORDS = frozenset(
    "SENSOR STATE RESULT ENERGY MARGINS STATUS8 STATUS10 STATUS11 STATUS0 EVENT".split()  # noqa: SIM905
)


def decode(message: Message, source: SourceView) -> Decoded:
    """What a Tasmota device said. Never raises; see `DeviceFamily.decode`."""
    address = _address(message.topic, source.prefix or PREFIX)
    if address is None:
        return Decoded(quarantined="unknown_topic")
    kind, device, word = address
    if kind == "cmnd":
        return Decoded()  # other programs' commands
    try:
        parts.child_name(device)
    except Unreadable as error:
        return Decoded(quarantined=error.reason)
    child = source.aliases.get(device, device)
    if not message.payload:
        return Decoded()  # a retained message was erased
    try:
        return _word(word, message, source, child)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)


def roots(prefix: str) -> tuple[str, ...]:
    """The topics that a source with this prefix owns.

    `tele` owns `stat` beside it, which is where Tasmota answers and tells of presses. Anything
    else is a level that stands before or between, as FullTopic says: `home/%prefix%/%topic%/`.
    """
    head, slash, last = prefix.rpartition("/")
    return (prefix, f"{head}{slash}stat") if last == "tele" else (prefix,)


def guess_prefix(topic: str) -> str | None:
    """The prefix that a topic tried without a source would be below."""
    found = re.fullmatch(r"(?:(.+)/)?(tele|stat)/[^/]+/[A-Z][A-Z0-9_]*", topic)
    if found is None:
        return None
    return found[1] or PREFIX


def _address(topic: str, prefix: str) -> tuple[str, str, str] | None:
    """(tele or stat or cmnd, device, word), whichever of the two comes first after the prefix."""
    base = prefix.rpartition("/")[0] if prefix.rpartition("/")[2] == "tele" else prefix
    head = f"{base}/" if base else ""
    if not topic.startswith(head):
        return None
    levels = topic[len(head) :].split("/")
    if len(levels) < 3:
        return None
    *device, word = levels
    for place in (0, -1):
        if device[place] in _KINDS:
            kind = device.pop(place)
            return (kind, "/".join(device), word) if all(device) and word else None
    return None


def _word(word: str, message: Message, source: SourceView, child: str) -> Decoded:
    """One message by the last level of its topic."""
    if word == "LWT":
        online = _ONLINE.get(parts.text(parts.read_text(message.payload) or None, "state").lower())
        if online is None:
            raise Unreadable("wrong_type:state")
        presence = Presence(child_id=child, online=online, retained=message.retained)
        return Decoded(presences=(presence,))
    if word not in _STATE_WORDS and word not in _VERSION_WORDS:
        parts.read_text(message.payload)  # POWER, UPTIME: a sign of life, if it is text
        return Decoded(heard=(child,))
    faults: list[str] = []
    said = parts.mapping(parts.read_json(message.payload, faults), "payload")
    item = _inventory(said, child) if word in _VERSION_WORDS else None
    if item is not None and word != "STATUS0":
        return Decoded(inventory=(item,), heard=(child,))
    for wrapper in ("StatusSNS", "StatusSTS"):  # the answer to a question holds the same inside
        if type(said.get(wrapper)) is dict:
            said = said[wrapper]
    who = Speaker(
        child=child,
        at=attempt([], parts.moment, said.get("Time"), source.zone),
        role=source.roles.get(child),
        retained=message.retained,
    )
    decoded = state.read(said, who, faults)
    return bridge.add_children(decoded, said, who, source)


def _inventory(said: dict[str, Any], child: str) -> InventoryItem | None:
    """Module and version: told at every start (INFO1) and when asked (STATUS2, STATUS0)."""
    for wrapper in ("Info1", "StatusFWR"):
        if type(said.get(wrapper)) is dict:
            said = said[wrapper]
    firmware = parts.label(said.get("Version"))
    model = parts.label(said.get("Module"))
    if not firmware:
        return None
    return InventoryItem(child_id=child, name=child, model=model, firmware=firmware)


def _subscriptions(prefix: str) -> tuple[str, ...]:
    return tuple(f"{root}/#" for root in roots(prefix or PREFIX))


def _may_be_silent(topic: str) -> bool:
    return "cmnd" in topic.split("/")


FAMILY = DeviceFamily(
    name="tasmota",
    title_zh="Tasmota",
    title_en="Tasmota",
    default_prefix=PREFIX,
    subscriptions=_subscriptions,
    decode=decode,
    samples=SAMPLES,
    capabilities=tuple(dict.fromkeys((*state.CAPABILITIES, *bridge.CAPABILITIES))),
    reports_every_s=3600,
    may_be_silent=_may_be_silent,
    roots=roots,
    downlink=DOWNLINK,
    guess_prefix=guess_prefix,
    liveness="LWT; tele/STATE and tele/SENSOR every 300 s unless TelePeriod says otherwise",
    quirks=(
        "Time is local without a zone: taken in the source's (Tasmota docs, Timezone).",
        "ENERGY.Total is used; Today is unreliable. A reset sets Total to 0 (docs, EnergyTotal; "
        "EnergyReset before 9.5).",
        "Answers and presses come on stat/, measurements on tele/ (docs, MQTT).",
        "Child devices sit under ZbReceived.<short address>: theirs is <device>/<address> "
        "(docs, Zigbee).",
        "Firmware and module come with INFO1 at every start (docs, MQTT).",
        "A will without a birth is replayed at every subscribe (public threads): a retained "
        "Offline "
        "counts after one report was missed.",
        "Radio codes (RfReceived) are neither encrypted nor supervised: registered one by one, "
        "always unconfirmed (docs, RF bridge).",
    ),
)
