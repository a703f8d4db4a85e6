"""Reads a message the way a mapping says; never raises, and notes what a message did not answer."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from devices import parts, units, words
from devices.event import Decoded, DeviceEvent, Message, Presence, Reading
from devices.family import SourceView
from devices.mapping.compiled import ANY_VALUE, NOTHING, PRESENCES, PRESS, Compiled, Field, key
from devices.mapping.paths import ABSENT
from devices.mapping.templates import Template
from devices.parts import Unreadable, attempt
from devices.topics import below
from devices.vocabulary import Speaker

MOST_ELEMENTS = 1000
_NUMERIC = re.compile(r"\d{9,17}(\.\d{1,9})?", re.ASCII)

What = Literal[
    "no_topic", "form", "no_list", "no_device", "bad_time", "bad_id",
    "absent", "other_kind", "unknown_value", "no_number", "from_memory",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Why a part of a message meant nothing; `devices.mapping.explain` has the words."""

    what: What
    field: Field | None = None
    value: Any = None


@dataclass(kw_only=True, slots=True)
class _Said:
    """What one speaker said, gathered field by field."""

    events: list[DeviceEvent] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    presences: list[Presence] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def examine(mapping: Compiled, message: Message, source: SourceView, notes: list[Note]) -> Decoded:
    """What the message means by that mapping, and in `notes` what was missing."""
    template, levels = _template(mapping, message, source)
    if template is None and not mapping.is_push:
        notes.append(Note(what="no_topic"))
        return Decoded(quarantined="unknown_topic")
    if not message.payload and not mapping.is_push:
        return Decoded()  # erases what the broker remembered
    child = None
    try:
        name = template.device(levels) if template else None
        child = None if name is None else _known_as(parts.child_name(name), source)
        return _Reader(mapping, message, source, template, notes).read(child)
    except Unreadable as error:
        return Decoded(quarantined=error.reason, culprit=child)


def _template(
    mapping: Compiled, message: Message, source: SourceView
) -> tuple[Template | None, Sequence[str]]:
    levels = below(message, source, mapping.prefix) or []
    return next((each for each in mapping.templates if each.match(levels)), None), levels


def _known_as(name: str, source: SourceView) -> str:
    return source.aliases.get(name, name)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One message in hand."""

    mapping: Compiled
    message: Message
    source: SourceView
    template: Template | None
    notes: list[Note]

    def read(self, child: str | None) -> Decoded:
        faults: list[str] = []
        document = self._document(faults)
        if self.mapping.each is None:
            return self._one(document, child, faults)
        listed = self.mapping.each.find(document)
        if type(listed) is not list or not listed:
            self.notes.append(Note(what="no_list", value=listed))
            raise Unreadable("missing:values" if listed in (ABSENT, []) else "wrong_type:values")
        said = [self._one(each, child, faults) for each in listed[:MOST_ELEMENTS]]
        if len(listed) > MOST_ELEMENTS:
            said.append(Decoded(quarantined="too_large", culprit=child))
        return _together(said)

    def _document(self, faults: list[str]) -> Any:
        form = self.mapping.forms[self.template.text if self.template else ""]
        try:
            if form == "json":
                return parts.read_json(self.message.payload, faults)
            return parts.read_text(self.message.payload)
        except Unreadable as error:
            self.notes.append(Note(what="form", value=error.reason))
            raise

    # ── one device's object ───────────────────────────────────────────────────────────────────

    def _one(self, document: Any, child: str | None, faults: list[str]) -> Decoded:
        if self.mapping.device is not None:
            try:
                child = self._device(document)
            except Unreadable as error:
                return Decoded(quarantined=error.reason, culprit=child)
        if child is None:
            return Decoded(quarantined="missing:device")
        said = _Said(faults=list(faults))
        who = Speaker(
            child=child,
            at=attempt(said.faults, self._moment, document),
            role=self.source.roles.get(child),
            key=attempt(said.faults, self._event_id, document),
            retained=self.message.retained,
        )
        found = [self._field(each, document, who, said) for each in self._fields()]
        if not any(found) and not said.faults and not self.mapping.nothing_is_alive:
            said.faults.append("missing:value")
        if self._is_memory_only(said):
            return Decoded()
        return who.said(said.events, said.readings, said.faults, said.presences)

    def _is_memory_only(self, said: _Said) -> bool:
        """Nothing but what is ignored because the broker remembered it: no sign of life either."""
        is_mute = not (said.events or said.readings or said.presences or said.faults)
        return is_mute and any(note.what == "from_memory" for note in self.notes)

    def _fields(self) -> list[Field]:
        fields = self.mapping.fields
        return [each for each in fields if each.template in (None, self.template)]

    def _device(self, document: Any) -> str:
        """The id that the payload names: a text or a whole number."""
        assert self.mapping.device is not None
        value = self.mapping.device.find(document)
        name = str(value) if type(value) is int else value
        try:
            return _known_as(
                parts.text(None if name is ABSENT else name, "device", longest=parts.MAX_NAME),
                self.source,
            )
        except Unreadable:
            self.notes.append(Note(what="no_device", value=value))
            raise

    def _event_id(self, document: Any) -> str | None:
        if self.mapping.event_id is None:
            return None
        value = self.mapping.event_id.find(document)
        if value is ABSENT or value is None or value == "":
            return None
        try:
            return parts.text(str(value) if type(value) is int else value, "id", longest=100)
        except Unreadable:
            self.notes.append(Note(what="bad_id", value=value))
            raise

    def _moment(self, document: Any) -> datetime | None:
        if self.mapping.time is None:
            return None
        value = self.mapping.time.find(document)
        if value is ABSENT:
            return None
        try:
            return moment(value, self.mapping.time_form, self.mapping.zone or self.source.zone)
        except Unreadable:
            self.notes.append(Note(what="bad_time", value=value))
            raise

    # ── one field ─────────────────────────────────────────────────────────────────────────────

    def _field(self, field: Field, document: Any, who: Speaker, said: _Said) -> bool:
        """Whether the field was there, whatever it said."""
        if field.when is not None:
            other = field.when.path.find(document)
            if key(other) not in field.when.equals:
                self.notes.append(Note(what="other_kind", field=field, value=other))
                return False
        value = field.path.find(document)
        if value is ABSENT:
            self.notes.append(Note(what="absent", field=field))
            if field.required:
                said.faults.append(f"missing:{field.reason}")
            return False
        if field.ignores_retained and who.retained:
            self.notes.append(Note(what="from_memory", field=field))
            return True
        try:
            if field.values is None:
                said.readings += self._counted(field, value, who)
            else:
                self._worded(field, value, document, who, said)
        except Unreadable as error:
            said.faults.append(error.reason)
        return True

    def _counted(self, field: Field, value: Any, who: Speaker) -> list[Reading]:
        """A number in the register's own unit; null and "" are "not known yet"."""
        if value is None or value == "" or key(value) in field.ignore:
            return []
        try:
            sent = parts.number(value, field.reason)
            kept = sent * field.scale + field.offset
            if not field.is_own:
                kept = units.in_kept_unit(field.register, kept, field.unit)
            kept = parts.number(kept, field.reason)
        except Unreadable:
            self.notes.append(Note(what="no_number", field=field, value=value))
            raise
        return [who.reading(field.register, kept, field.kept_unit)]

    def _worded(self, field: Field, value: Any, document: Any, who: Speaker, said: _Said) -> None:
        word = _word(field, value)
        if word is None:
            self.notes.append(Note(what="unknown_value", field=field, value=value))
            raise Unreadable(f"wrong_type:{field.reason}")
        if word == NOTHING:
            return
        if word in PRESENCES:
            presence = Presence(
                child_id=who.child, online=PRESENCES[word], at=who.at, retained=who.retained
            )
            said.presences.append(presence)
            return
        data = {name: at for name, path in field.data if (at := path.find(document)) is not ABSENT}
        if word == PRESS:
            pressed = (key(value) or "")[:64]
            word = "sos" if words.calls_for_help(pressed, who.role) else "button"
            data = {"action": pressed} | data
        if field.held:
            data["level"] = True
        speaker = dataclasses.replace(who, confidence=field.confidence)
        said.events.append(speaker.event(word, data))


def _word(field: Field, value: Any) -> str | None:
    """What the mapping calls that value; None when it has no word for it."""
    assert field.values is not None
    spoken = key(value)
    if spoken is None:
        return None
    exact = field.values.get(spoken) or field.values.get(spoken.casefold())
    if exact is None and (value is None or spoken == ""):
        return NOTHING  # not known yet, or a cached state that was reset
    return exact or field.values.get(ANY_VALUE)


def moment(value: Any, form: str, zone: ZoneInfo) -> datetime | None:
    """A time of that form (see docs/mappings.md), in UTC. Raises `Unreadable("bad_time")`."""
    if value is None or value == "":
        return None
    if form == "iso" and type(value) is not str:
        raise Unreadable("bad_time")
    if form == "iso" or (form == "auto" and not _is_epoch(value)):
        return parts.moment(value, zone)
    try:
        if "%" in form:
            at = datetime.strptime(parts.text(str(value), "ts"), form)
            return parts.at_utc(at, zone)
        seconds = parts.number(value, "ts")
        is_ms = form == "epoch_ms" or (form == "auto" and seconds >= 1e11)
        return datetime.fromtimestamp(seconds / 1000 if is_ms else seconds, UTC)
    except (Unreadable, ValueError, OverflowError, OSError):
        raise Unreadable("bad_time") from None


def _is_epoch(value: Any) -> bool:
    return type(value) is str and _NUMERIC.fullmatch(value.strip()) is not None


def _together(said: Sequence[Decoded]) -> Decoded:
    """Several objects of one message as one."""
    unread = next((each for each in said if each.quarantined), None)
    return Decoded(
        events=tuple(event for each in said for event in each.events),
        readings=tuple(reading for each in said for reading in each.readings),
        presences=tuple(presence for each in said for presence in each.presences),
        heard=tuple(dict.fromkeys(child for each in said for child in each.heard)),
        quarantined=unread.quarantined if unread else None,
        culprit=unread.culprit if unread else None,
    )
