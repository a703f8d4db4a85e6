"""Field names that many makers share, and what they mean: one reader for decoded objects.

Network servers and platforms hand over what a vendor's script made of the bytes. The names differ
by a capital or an underscore; so they are compared without either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devices import parts, words
from devices.event import (
    LEVEL_KINDS,
    REGISTER_UNITS,
    Confidence,
    Decoded,
    DeviceEvent,
    Presence,
    Reading,
)
from devices.family import Sample
from devices.parts import Unreadable, attempt

MAX_DEPTH = 4
MAX_FIELDS = 128
_NOT_LETTERS = re.compile(r"[^a-z0-9]")

_LEVEL_NAMES: dict[str, str] = {
    "smoke": "smoke smokealarm smokestatus smokestate smokedetected smokesensorstatus fire "
    "firealarm",
    "heat": "heat heatalarm overtemperature overheat hightemperaturealarm",
    "gas": "gas gasalarm gasstatus gasleak gasleakage carbonmonoxide coalarm gassensorstatus",
    "leak": "leak leakage waterleak waterleakage leakagestatus waterleakstatus leakstatus flood "
    "floodalarm burst waterleakdetected leakagealarm",
    "tamper": "tamper tamperstatus tamperalarm tampered removed disassembled toolongunmounted",
    "battery_low": "batterylow lowbattery lowbatteryalarm batteryalarm lowvoltage batlow",
    "power_outage": "poweroutage powerfail powerfailure mainsfail acfail",
    "fault": "fault failure trouble malfunction permanenterror temporaryerror pipeempty backflow "
    "hardwarefailure sensorfault smokechamberfailure fouledsmokechamber ultrasonicsensorfailure "
    "infraredsensorfailure buzzerfailure obstacledetected airinletcovered temperatureoutofrange "
    "lowtemperature",
    "motion": "motion motiondetected occupancy presence pir pirstatus",
}
_LEVELS = {name: kind for kind, names in _LEVEL_NAMES.items() for name in names.split()}
_INVERTED = {"mounted": "tamper", "batteryok": "battery_low"}  # true means that all is well
_ENDS = {**LEVEL_KINDS, "motion": "no_motion"}

_DOORS = {  # field → whether true means open
    "dooropen": True,
    "doorstatus": True,
    "door": True,
    "dooropenstatus": True,  # Dragino LDS02
    "reedopen": True,
    "magnetstatus": True,  # Milesight EM300-MCS, WS301
    "contact": False,
    "doorclosed": False,
}
_PRESSES = frozenset("press action click buttonevent buttonpress".split())  # noqa: SIM905
_HELP = frozenset("sos sosalarm panic emergency sosstatus".split())  # noqa: SIM905
_FALLS = frozenset("fall falldetected fallalarm falldown".split())  # noqa: SIM905

_REGISTER_NAMES: dict[str, str] = {
    "water_total": "watertotal totalm3 volumem3 totalvolumem3 currentvolumem3 watertotalm3",
    "water_flow": "waterflow flowm3h volumeflowm3h currentflowm3h",
    "energy_total": "energytotal energykwh totalenergykwh energytotalkwh",
    "power": "power powerw activepower",
    "voltage": "voltage voltagev",
    "current": "current currenta",
    "temperature": "temperature temp temperaturec temperaturecelsius",
    "heart_rate": "heartrate hr pulse pulserate bpm",
    "spo2": "spo2 bloodoxygen oxygensaturation",
    "systolic": "systolic bpsystolic systolicpressure sbp",
    "diastolic": "diastolic bpdiastolic diastolicpressure dbp",
    "smoke_density": "smokedensity",
    "battery_pct": "battery batterypct batterypercent batterypercentage batterylevel "
    "electricquantity",
    "rssi_dbm": "rssi rssidbm",
    "link_quality": "linkquality",
}
_REGISTERS = {
    name: register for register, names in _REGISTER_NAMES.items() for name in names.split()
}
_VITALS = frozenset({"heart_rate", "spo2", "systolic", "diastolic"})
_BATTERY_AT_MOST = 60.0  # volts: below it, it is a cell and not the mains


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """Who said an object, and when; what every event and reading out of it has in common."""

    child: str
    at: datetime | None = None  # UTC
    role: str | None = None
    key: str | None = None  # the uplink's own id; events are numbered with it and their kind
    retained: bool = False
    confidence: Confidence = Confidence.CONFIRMED

    def event(self, kind: str, data: dict[str, Any] | None = None) -> DeviceEvent:
        return DeviceEvent(
            child_id=self.child,
            kind=kind,
            at=self.at,
            event_id=None if self.key is None else f"{self.key}:{kind}"[:128],
            data=data or {},
            confidence=self.confidence,
            retained=self.retained,
        )

    def reading(self, register: str, value: float, unit: str | None = None) -> Reading:
        kept = REGISTER_UNITS.get(register, "") if unit is None else unit
        return Reading(child_id=self.child, register=register, value=value, unit=kept, at=self.at)

    def said(
        self,
        events: Sequence[DeviceEvent] = (),
        readings: Sequence[Reading] = (),
        faults: Sequence[str] = (),
        presences: Sequence[Presence] = (),
    ) -> Decoded:
        """All of one message. Nothing in it and nothing wrong: a sign of life."""
        is_mute = not (events or readings or presences or faults)
        return Decoded(
            events=tuple(events),
            readings=tuple(readings),
            presences=tuple(presences),
            heard=(self.child,) if is_mute else (),
            message_id=self.key,
            quarantined=faults[0] if faults else None,
            culprit=self.child if faults else None,
        )


def read(
    fields: Mapping[str, Any], who: Speaker, faults: list[str], *, own_words: bool = True
) -> tuple[list[DeviceEvent], list[Reading]]:
    """Events and readings of a decoded object; reasons for what could not be read in `faults`.

    Numbers under names nobody knows are kept as registers of that name, without a unit, unless
    `own_words` is off. Words under unknown names say nothing.
    """
    events: list[DeviceEvent] = []
    readings: list[Reading] = []
    levels: dict[str, list[str]] = {}
    for name, key, value, depth in _leaves(fields, 0):
        if not _note_level(key, name, value, levels, faults):
            events += _happened(key, value, who, faults)
            readings += _counted(key, name, value, who, faults, own_words and depth == 0)
    events += [
        who.event(kind, {"fields": on}) if on else who.event(_ENDS[kind])
        for kind, on in levels.items()
    ]
    return events, readings


def plain(name: str) -> str:
    """A field's name without capitals, underscores and the like: `BatV` and `bat_v` are one."""
    return _NOT_LETTERS.sub("", name.lower())


def _leaves(fields: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str, Any, int]]:
    """(name, plain name, value, depth) of every field that is no object; `configuration` is none
    of the device's state."""
    for name, value in list(fields.items())[:MAX_FIELDS]:
        key = plain(name)
        if type(value) is dict:
            if depth < MAX_DEPTH and key not in ("configuration", "config", "settings"):
                yield from _leaves(value, depth + 1)
        else:
            yield name, key, value, depth


def _note_level(
    key: str, name: str, value: Any, levels: dict[str, list[str]], faults: list[str]
) -> bool:
    """Whether the field is a level. One event a kind: on when any of its fields says so."""
    kind = _LEVELS.get(key) or _INVERTED.get(key)
    if kind is None:
        return False
    level = attempt(faults, words.as_level, value, kind)
    if level is not None:
        on = level if key in _LEVELS else not level
        levels.setdefault(kind, []).extend([name[:64]] if on else [])
    return True


def _happened(key: str, value: Any, who: Speaker, faults: list[str]) -> list[DeviceEvent]:
    """Presses, calls for help, falls, doors. A held SOS is marked, to be looked at for its edge."""
    if key in _PRESSES:
        word = attempt(faults, _press, value)
        if word is None:
            return []
        kind = "sos" if words.calls_for_help(word, who.role) else "button"
        return [who.event(kind, {"action": word})]
    if key in _HELP or key in _FALLS:
        kind, cancel = ("sos", "sos_cancel") if key in _HELP else ("fall", "fall_cancel")
        held = attempt(faults, words.as_level, value, kind)
        return [] if held is None else [who.event(kind if held else cancel, {"level": True})]
    if key in _DOORS:
        is_open = attempt(faults, words.as_open, value, "contact", true_is_open=_DOORS[key])
        return [] if is_open is None else [who.event("door_open" if is_open else "door_closed")]
    return []


def _press(value: Any) -> str | None:
    if value is False or value == 0:
        return None
    if value is True:
        return "press"
    return words.press_word(str(value) if type(value) is int else value, "action")


def _counted(
    key: str, name: str, value: Any, who: Speaker, faults: list[str], own_words: bool
) -> list[Reading]:
    """A number with a register; null is "not known yet", and a vital sign of 0 "not measured"."""
    register = _REGISTERS.get(key)
    if register is not None:
        if value in (None, ""):
            return []
        counted = attempt(faults, parts.number, value, register)
        if counted is None or (counted == 0 and register in _VITALS):
            return []
        if register == "voltage" and counted <= _BATTERY_AT_MOST:
            return [who.reading("battery_voltage", counted, "V")]
        if register == "battery_pct" and not 0 <= counted <= 100:
            return []
        return [who.reading(register, counted)]
    is_handled = key in _PRESSES or key in _HELP or key in _FALLS or key in _DOORS
    if is_handled or not own_words or type(value) is bool or not _is_name(name):
        return []
    try:
        return [who.reading(name, parts.number(value, "value"))]
    except Unreadable:
        return []


def _is_name(name: str) -> bool:
    return 1 <= len(name) <= 64 and name.isprintable()


def own_words(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Registers in `samples` that only their makers name so, for a family's capabilities."""
    said = {word.partition("=")[0] for each in samples for word in each.means if "=" in word}
    return tuple(sorted(said - set(REGISTER_UNITS) - {"battery_voltage"}))
