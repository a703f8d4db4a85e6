"""What a mapping that has the right shape may still get wrong: words, units, paths, topics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from devices import parts, units
from devices.event import DEVICE_ROLES, EVENT_KINDS, LIFE_SAFETY_KINDS, REGISTER_UNITS
from devices.mapping import paths, templates
from devices.mapping.compiled import INSTALLATION, NOTHING, PRESENCES, PRESS
from devices.mapping.lines import Location
from devices.mapping.model import FieldTable, MappingTable
from devices.mapping.problem import Finding, none_of
from devices.parts import Unreadable
from devices.topics import prefix_problem

WORDS = EVENT_KINDS | set(PRESENCES) | {PRESS, NOTHING}
TIME_FORMS = ("auto", "epoch_s", "epoch_ms", "iso")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}", re.ASCII)  # `sources.family` holds 40
_LONGEST_TITLE = 80
_ALARMS = LIFE_SAFETY_KINDS | {PRESS}


def check(table: MappingTable) -> Iterator[Finding]:
    """Every mistake that can be seen without decoding anything."""
    yield from _names(table)
    yield from _ways_in(table)
    yield from _paths(table)
    yield from _time(table)
    for index, role in enumerate(table.roles):
        yield from _role(role, ("roles", index))
    for index, field in enumerate(table.fields):
        yield from _field(field, table, ("fields", index))
    yield from _repeated_fields(table)
    for index, sample in enumerate(table.samples):
        if sample.role is not None:
            yield from _role(sample.role, ("samples", index, "role"))


def _found(location: Location, text: str) -> Iterator[Finding]:
    yield Finding(location=location, text=text)


def _names(table: MappingTable) -> Iterator[Finding]:
    if not _NAME.fullmatch(table.name):
        yield from _found(
            ("name",), f"{table.name!r}: use up to 40 small letters, digits, - _ and ."
        )
    for name in ("title_zh", "title_en"):
        title: str = getattr(table, name)
        if not 1 <= len(title.strip()) <= _LONGEST_TITLE or not title.isprintable():
            yield from _found((name,), f"must be 1 to {_LONGEST_TITLE} printable characters")


def _ways_in(table: MappingTable) -> Iterator[Finding]:
    if table.adapter == "push":
        yield from _pushed(table)
        return
    problem = prefix_problem(table.prefix)
    if problem is not None:
        yield from _found(("prefix",), f"{problem}; it is what the topics begin with")
    if not table.topics:
        yield from _found(("topics",), 'name at least one, for example "{prefix}/{device}/state"')
    for index, text in enumerate(table.topics):
        place = ("topics", index)
        if text in table.topics[:index]:
            yield from _found(place, f"{text!r} is there twice")
        yield from _reads(templates.parse, text, place)
        if templates.DEVICE not in text and table.device is None:
            yield from _found(
                place, f"{text!r} names no {{device}}; put it in, or set `device` to a path"
            )


def _pushed(table: MappingTable) -> Iterator[Finding]:
    if table.topics:
        yield from _found(("topics",), "what is pushed over HTTP has no topics")
    if table.device is None:
        yield from _found((), '`device` is missing: adapter = "push" needs the path of the id')


def _paths(table: MappingTable) -> Iterator[Finding]:
    for name in ("each", "device", "event_id", "time"):
        text = getattr(table, name)
        if text is None:
            continue
        if table.payload != "json":
            yield from _found((name,), f'payload = "{table.payload}" has no paths')
        yield from _reads(paths.parse, text, (name,))


def _time(table: MappingTable) -> Iterator[Finding]:
    form = table.time_form
    if "%" in form:
        shown = datetime(2026, 4, 12, 6, 0, tzinfo=UTC).strftime(form)
        try:
            datetime.strptime(shown, form)
        except (ValueError, re.error) as error:  # re.error: %Y twice
            yield from _found(("time_form",), f"{form!r} is no pattern: {error}")
    elif form not in TIME_FORMS:
        yield from _found(
            ("time_form",), f"{none_of(form, TIME_FORMS)}; or a pattern such as %Y%m%d%H%M%S"
        )
    if table.time_zone != INSTALLATION:
        try:
            ZoneInfo(table.time_zone)
        except (KeyError, ValueError, OSError):
            yield from _found(("time_zone",), f"no time zone is called {table.time_zone!r}")


def _role(role: str, place: Location) -> Iterator[Finding]:
    if role not in DEVICE_ROLES:
        yield from _found(place, none_of(role, DEVICE_ROLES))


def _reads(parse: Callable[[str], Any], text: str, place: Location) -> Iterator[Finding]:
    try:
        parse(text)
    except ValueError as error:
        yield from _found(place, str(error))


# ── fields ───────────────────────────────────────────────────────────────────────────────────────


def _field(field: FieldTable, table: MappingTable, place: Location) -> Iterator[Finding]:
    given = [
        name
        for name, value in (
            ("values", field.values),
            ("register", field.known_register),
            ("own_register", field.own_register),
        )
        if value is not None
    ]
    if len(given) != 1:
        said = " and ".join(given) or "nothing"
        yield from _found(
            place, f"needs one of `values`, `register` and `own_register`, and has {said}"
        )
    yield from _where(field, table, place)
    yield from _form(field, table, place)
    if field.values is not None:
        yield from _values(field, table, place)
    else:
        yield from _number(field, place)


def _where(field: FieldTable, table: MappingTable, place: Location) -> Iterator[Finding]:
    yield from _reads(paths.parse, field.path, (*place, "path"))
    if field.topic is not None and field.topic not in table.topics:
        yield from _found((*place, "topic"), none_of(field.topic, table.topics))
    for name, path in field.data.items():
        yield from _reads(paths.parse, path, (*place, "data", name))
    if field.when is not None:
        yield from _reads(paths.parse, field.when.path, (*place, "when", "path"))


def _form(field: FieldTable, table: MappingTable, place: Location) -> Iterator[Finding]:
    """The payload's form belongs to a topic: all fields of one must agree."""
    if field.payload is not None:
        if field.topic is None:
            yield from _found((*place, "payload"), "say also for which `topic`")
        others = {f.payload for f in table.fields if f.topic == field.topic and f.payload}
        if len(others) > 1:
            yield from _found((*place, "payload"), "another field reads that topic differently")
    form = field.payload or _form_of(field.topic, table)
    if form == "json":
        return
    if field.path.strip() != "$" or field.when is not None or field.data:
        yield from _found(
            (*place, "path"), f'payload = "{form}" has no paths, no `when` and no `data`'
        )
    if form == "number" and field.values is not None:
        yield from _found((*place, "values"), 'payload = "number" is for registers; use "text"')


def _form_of(topic: str | None, table: MappingTable) -> str:
    said = [each.payload for each in table.fields if each.topic == topic and each.payload]
    return said[0] if topic is not None and said and said[0] is not None else table.payload


def _values(field: FieldTable, table: MappingTable, place: Location) -> Iterator[Finding]:
    assert field.values is not None
    if not field.values:
        yield from _found((*place, "values"), 'says nothing; write { "on" = "smoke" }')
    for said, word in field.values.items():
        if word not in WORDS:
            yield from _found((*place, "values", said), none_of(word, WORDS))
    for name, unset in (("unit", ""), ("scale", 1.0), ("offset", 0.0), ("ignore", [])):
        if getattr(field, name) != unset:
            yield from _found((*place, name), "belongs to a register, and this field has `values`")
    alarms = _ALARMS.intersection(field.values.values())
    if alarms and (field.retained or table.retained) == "ignore":
        at = (*place, "retained") if field.retained else ("retained",)
        yield from _found(
            at, f"{sorted(alarms)[0]} must never be ignored, not even from the broker's memory"
        )


def _number(field: FieldTable, place: Location) -> Iterator[Finding]:
    for name in ("held", "confidence"):
        if getattr(field, name) is not None:
            yield from _found((*place, name), "belongs to `values`, and this field is a number")
    if field.data:
        yield from _found((*place, "data"), "belongs to `values`, and this field is a number")
    if field.scale == 0:
        yield from _found((*place, "scale"), "0 would make every number the same")
    for name in ("scale", "offset"):
        if not abs(getattr(field, name)) <= parts.MAX_NUMBER:  # also what is no number
            yield from _found((*place, name), "is out of range")
    own = field.own_register
    if own is not None and (own in REGISTER_UNITS or not _is_word(own)):
        reason = "write it as `register`" if own in REGISTER_UNITS else "use 1 to 64 characters"
        yield from _found((*place, "own_register"), f"{own!r}: {reason}")
    if len(field.unit) > 16 or not field.unit.isprintable():
        yield from _found((*place, "unit"), "is longer than 16 characters or cannot be printed")
    elif field.known_register is not None:
        yield from _register(field.known_register, field.unit, place)


def _register(register: str, unit: str, place: Location) -> Iterator[Finding]:
    if register not in REGISTER_UNITS:
        hint = "; a number of the device's own goes into `own_register`"
        yield from _found((*place, "register"), none_of(register, REGISTER_UNITS) + hint)
        return
    try:
        units.in_kept_unit(register, 1.0, unit)
    except Unreadable:
        known = ", ".join(units.units_of(register))
        yield from _found((*place, "unit"), f"{unit!r} is no unit of {register} ({known})")


def _is_word(text: str) -> bool:
    return 1 <= len(text) <= 64 and text.isprintable() and text == text.strip()


def _repeated_fields(table: MappingTable) -> Iterator[Finding]:
    """The same value read twice as the same thing would be told twice."""
    for index, field in enumerate(table.fields):
        for before, other in enumerate(table.fields[:index]):
            if _same_place(field, other) and field.known_register == other.known_register:
                same = field.own_register == other.own_register
                if same and (field.values is None) == (other.values is None):
                    yield from _found(("fields", index), f"reads what fields[{before}] reads")


def _same_place(a: FieldTable, b: FieldTable) -> bool:
    topics = a.topic == b.topic or None in (a.topic, b.topic)
    return topics and a.path.strip("$. ") == b.path.strip("$. ") and a.when == b.when
