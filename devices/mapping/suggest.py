"""A mapping to begin with, from one real message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.errors import InvalidInput
from devices import parts
from devices.mapping import guess, paths
from devices.mapping.compiled import key
from devices.mapping.draft import Draft, DraftField
from devices.mapping.templates import DEVICE, PREFIX
from devices.parts import Unreadable
from devices.topics import prefix_problem
from devices.vocabulary import plain

_TIMES = frozenset(
    "ts time timestamp datetime eventtime reporttime createdat sampletime".split()  # noqa: SIM905
)
_IDS = frozenset(
    "deviceid devid imei sn serial serialnumber mac deveui deviceserial deviceno".split()  # noqa: SIM905
)
_NUMBERS = frozenset("msgid messageid eventid uuid".split())  # noqa: SIM905
# Not seq: a counter that begins anew after a restart would make two alarms one.
_HAS_DIGIT = re.compile(r"\d")
_VERSION = re.compile(r"v\d+", re.IGNORECASE)
_DEEPEST = 5
_MOST_LEAVES = 64

Leaf = tuple[tuple[str | int, ...], Any]


def suggest(topic: str, payload: bytes) -> Draft:
    """A draft that understands this message. Raises `InvalidInput` naming topic or payload."""
    text, document = _read(payload)
    leaves = list(_leaves(document, ()))[:_MOST_LEAVES] if isinstance(document, dict | list) else []
    draft = place(topic, [value for path, value in leaves if _is_id(path, value)])
    if leaves:
        _from_json(draft, leaves)
    elif isinstance(document, dict | list):
        raise InvalidInput("payload", "is empty: take a message in which the device says something")
    else:
        _from_text(draft, text)
    draft.samples = [{"topic": topic, "payload": text}]
    return draft


def place(topic: str, ids: list[str]) -> Draft:
    """A draft with topic and prefix, cut where the device's name seems to be.

    `ids` are words that name the device; otherwise it is the first level with a digit in it.
    """
    levels = topic.split("/")
    if len(levels) < 2 or not all(levels):
        raise InvalidInput("topic", f"{topic!r} needs two levels at least, none of them empty")
    named = [at for at in range(1, len(levels)) if _names(levels[at], ids)]
    if not named:
        named = [
            at
            for at in range(1, len(levels))
            if _HAS_DIGIT.search(levels[at]) and not _VERSION.fullmatch(levels[at])
        ]
    at = named[0] if named else 1
    prefix = "/".join(levels[:at])
    problem = prefix_problem(prefix)
    if problem is not None:
        raise InvalidInput("topic", f"its beginning {prefix!r} {problem}")
    below = [DEVICE if level == at else word for level, word in enumerate(levels)][at:]
    draft = Draft(
        title=prefix, prefix=prefix, device=levels[at], topics=["/".join((PREFIX, *below))]
    )
    if not named:
        draft.comments.append(f"unsure: is {levels[at]!r} the device's name in the topic?")
    return draft


def _names(level: str, ids: list[str]) -> bool:
    return any(level == one or (len(level) > 3 and one.endswith(level)) for one in ids)


def _read(payload: bytes) -> tuple[str, Any]:
    """(text, JSON value or None)."""
    try:
        text = parts.read_text(payload)
    except Unreadable as error:
        raise InvalidInput("payload", parts.REASONS[error.reason][1]) from None
    if not text:
        raise InvalidInput("payload", "is empty")
    try:
        return text, parts.read_json(payload, [])
    except Unreadable:
        return text, None


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[Leaf]:
    if len(path) > _DEEPEST:
        return
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value[:8])
    elif path:
        yield path, value
    for step, one in inner:
        if isinstance(step, int) or (step and not ("'" in step and '"' in step)):
            yield from _leaves(one, (*path, step))


def _name(path: tuple[str | int, ...]) -> str:
    """The innermost name on the way to a leaf."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _is_id(path: tuple[str | int, ...], value: Any) -> bool:
    return plain(_name(path)) in _IDS and isinstance(value, str) and bool(value.strip())


def _from_json(draft: Draft, leaves: list[Leaf]) -> None:
    unused = []
    for path, value in leaves:
        if _is_id(path, value) or _note_time(draft, path, value) or _note_number(draft, path):
            continue
        field = guess.field_of(_name(path), value)
        if field is None:
            unused.append((path, value))
        else:
            field.keys = {"path": paths.write(*path), **field.keys}
            draft.fields.append(field)
    if not draft.fields and unused:
        path, value = unused.pop(0)
        field = _unknown(value)
        field.keys = {"path": paths.write(*path), **field.keys}
        draft.fields.append(field)
    elif not draft.fields:
        raise InvalidInput("payload", "says nothing but who and when")
    draft.comments += [f"not used: {paths.write(*path)} = {str(v)[:60]!r}" for path, v in unused]


def _from_text(draft: Draft, text: str) -> None:
    draft.keys["payload"] = "text"
    below = [word for word in draft.topics[0].split("/")[1:] if word != DEVICE]
    guesses = (guess.field_of(name, text) for name in reversed(below))
    found = next((one for one in guesses if one is not None), None)
    draft.fields = [found or guess.field_of("", text) or _unknown(text)]


def _unknown(value: Any) -> DraftField:
    """Something that nothing is known of, kept so that the file loads and can be filled in."""
    try:
        parts.number(value, "value")
    except Unreadable:
        spoken = key(value)
        said = {spoken: "nothing"} if spoken else {"*": "nothing"}
        return DraftField(
            keys={"values": said},
            comment="say here what its words mean, such as smoke, sos, online",
        )
    return DraftField(
        keys={"own_register": "value"}, comment="say here which register it is, and its unit"
    )


def _note_time(draft: Draft, path: tuple[str | int, ...], value: Any) -> bool:
    if plain(_name(path)) not in _TIMES or "time" in draft.keys or isinstance(value, bool):
        return False
    draft.keys["time"] = paths.write(*path)
    if isinstance(value, str) and re.fullmatch(r"\d{14}", value):
        draft.keys["time_form"] = "%Y%m%d%H%M%S"
    elif isinstance(value, int | float):
        draft.keys["time_form"] = "epoch_ms" if value >= 1e11 else "epoch_s"
    return True


def _note_number(draft: Draft, path: tuple[str | int, ...]) -> bool:
    if plain(_name(path)) not in _NUMBERS or "event_id" in draft.keys:
        return False
    draft.keys["event_id"] = paths.write(*path)
    return True
