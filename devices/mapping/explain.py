"""What a mapping missed in a message, in words for whoever writes the mapping."""

from __future__ import annotations

from typing import Any

from devices.event import Message
from devices.family import SourceView
from devices.mapping.compiled import Compiled, Field
from devices.mapping.decoding import Note, examine
from devices.mapping.paths import ABSENT
from devices.parts import REASONS


def explain(mapping: Compiled, message: Message, source: SourceView) -> tuple[str, ...]:
    """One sentence for everything of the mapping that this message did not answer."""
    notes: list[Note] = []
    examine(mapping, message, source, notes)
    return tuple(dict.fromkeys(_sentence(mapping, note) for note in notes))


def _sentence(mapping: Compiled, note: Note) -> str:
    if note.field is not None:
        return _of_field(note.field, note)
    if note.what == "no_topic":
        topics = ", ".join(each.text for each in mapping.templates)
        return f"the topic is of none of the forms of {mapping.name}: {topics}"
    if note.what == "form":
        reason = REASONS[str(note.value)][1]
        hint = ' (payload = "text" reads a bare word)' if note.value == "not_json" else ""
        return f"the payload cannot be read: {reason}{hint}"
    if note.what == "no_list":
        return f"{_at(mapping.each)} {_is(note.value)}, not a list with something in it"
    if note.what == "no_device":
        return f"{_at(mapping.device)} {_is(note.value)} and names no device"
    if note.what == "bad_id":
        return f"{_at(mapping.event_id)} {_is(note.value)} and numbers nothing"
    return f"{_at(mapping.time)} {_is(note.value)}, no time of the form {mapping.time_form}"


def _of_field(field: Field, note: Note) -> str:
    who = f"fields[{field.index}] ({field.register or field.reason})"
    where = f"path {_at(field.path)}"
    if note.what == "absent":
        return f"{who}: {where} is not in the payload"
    if note.what == "other_kind":
        assert field.when is not None
        wanted = " or ".join(sorted(field.when.equals))
        return f"{who} does not count: path {_at(field.when.path)} {_is(note.value)}, not {wanted}"
    if note.what == "unknown_value":
        known = ", ".join(dict.fromkeys(word.casefold() for word in field.values or ()))
        return f"{who}: {where} {_is(note.value)}, which is none of its values ({known})"
    if note.what == "no_number":
        unit = f" in {field.unit}" if field.unit else ""
        return f"{who}: {where} {_is(note.value)}, which is no usable number{unit}"
    return f"{who}: came from the broker's memory and is ignored"


def _at(path: Any) -> str:
    return f"`{path.text}`" if path is not None else "``"


def _is(value: Any) -> str:
    return "is not in the payload" if value is ABSENT else f"is {str(value)[:60]!r}"
