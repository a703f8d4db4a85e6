"""What a value under some name probably is, by the names that makers share."""

from __future__ import annotations

import re
from typing import Any

from devices import parts, vocabulary
from devices.event import REGISTER_UNITS
from devices.mapping.compiled import PRESS, key
from devices.mapping.draft import DraftField
from devices.parts import Unreadable
from devices.vocabulary import Speaker, plain

_PAIRS = (
    *(("true", "false"), ("on", "off"), ("1", "0"), ("yes", "no"), ("alarm", "normal")),
    *(("open", "closed"), ("opened", "closed"), ("detected", "clear"), ("wet", "dry")),
    *(("occupied", "vacant"), ("low", "normal"), ("triggered", "idle"), ("online", "offline")),
)
_BY_ENDING = {  # the unit that a name ends with → (register, unit)
    "m3": ("water_total", "m3"),
    "l": ("water_total", "L"),
    "litres": ("water_total", "L"),
    "liters": ("water_total", "L"),
    "lph": ("water_flow", "L/h"),
    "lpm": ("water_flow", "L/min"),
    "kwh": ("energy_total", "kWh"),
    "wh": ("energy_total", "Wh"),
    "w": ("power", "W"),
    "bpm": ("heart_rate", "bpm"),
}
_RELEASE = 'where the second word is only the release of the button, make it "nothing"'
_NOBODY = Speaker(child="-")


def field_of(name: str, value: Any) -> DraftField | None:
    """A field without its path, or None when nothing is known by that name."""
    spoken = key(value)
    if spoken is None or value is None:
        return None
    if spoken.casefold() in ("online", "offline"):
        return DraftField(keys={"values": _both(spoken, "online", "offline")})
    kinds, registers = _read(name, value)
    if kinds:
        return _of_event(name, value, kinds[0])
    if registers:
        return _of_register(*registers[0])
    return _by_ending(name, value)


def _read(name: str, value: Any) -> tuple[list[str], list[tuple[str, str]]]:
    events, readings = vocabulary.read({name: value}, _NOBODY, [], own_words=False)
    return [event.kind for event in events], [(each.register, each.unit) for each in readings]


def _of_event(name: str, value: Any, kind: str) -> DraftField:
    if kind == "button":
        return DraftField(
            keys={"values": {"*": PRESS}},
            comment="a press of any word: SOS on a device with the role sos_button",
        )
    spoken = key(value) or ""
    other = _other(spoken)
    if other is None:
        return DraftField(
            keys={"values": {spoken: kind}}, comment="add the other words that it says here"
        )
    opposite, _ = _read(name, _as_sent(value, other))
    words = {spoken: kind}
    if opposite and opposite[0] != kind:
        words[other] = opposite[0]
    comment = _RELEASE if opposite == ["sos_cancel"] else ""
    return DraftField(keys={"values": words}, comment=comment)


def _other(spoken: str) -> str | None:
    """The opposite word, in the same letters."""
    small = spoken.casefold()
    for yes, no in _PAIRS:
        if small in (yes, no):
            other = no if small == yes else yes
            style = str.upper if spoken.isupper() else str.title if spoken.istitle() else str
            return style(other)
    return None


def _both(spoken: str, yes: str, no: str) -> dict[str, str]:
    other = _other(spoken) or ""
    return {word: yes if word.casefold() == yes else no for word in (spoken, other)}


def _as_sent(value: Any, word: str) -> Any:
    if type(value) is bool:
        return word == "true"
    return int(word) if type(value) is int else word


def _of_register(register: str, unit: str) -> DraftField:
    if register not in REGISTER_UNITS:
        return DraftField(keys={"own_register": register, "unit": unit})
    return DraftField(
        keys={"register": register},
        comment=f"taken to be in {unit}: if not, say so with unit = … (docs/mappings.md)",
    )


def _by_ending(name: str, value: Any) -> DraftField | None:
    try:
        parts.number(value, "value")
    except Unreadable:
        return None
    ending = re.split(r"[_\- .]", name.lower())[-1]
    if ending == plain(name) or ending not in _BY_ENDING:
        return None
    register, unit = _BY_ENDING[ending]
    return DraftField(
        keys={"register": register, "unit": unit}, comment=f"guessed from the name {name}"
    )
