"""A mapping ready to be used: paths and topics read once, words looked up by what is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from devices.event import CLEARING_KINDS, REGISTER_UNITS, Confidence
from devices.mapping import paths, templates
from devices.mapping.model import FieldTable, MappingTable, PayloadForm
from devices.mapping.paths import Path
from devices.mapping.templates import Template

PRESS, NOTHING, ANY_VALUE = "press", "nothing", "*"
PRESENCES = {"online": True, "offline": False}
CANCELS = frozenset({"sos_cancel", "fall_cancel"})
INSTALLATION = "installation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    path: Path
    equals: frozenset[str]  # as `key` writes values


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One of the mapping's `[[fields]]`."""

    index: int
    path: Path
    template: Template | None
    reason: str  # stands behind `wrong_type:` and `missing:`; never a word of the device's
    values: Mapping[str, str] | None
    register: str
    unit: str  # as it is sent
    kept_unit: str
    scale: float
    offset: float
    ignore: frozenset[str]
    when: Condition | None
    required: bool
    held: bool
    data: tuple[tuple[str, Path], ...]
    confidence: Confidence
    ignores_retained: bool

    @property
    def is_own(self) -> bool:
        """Whether its register is a word of the device's own, which no unit is known for."""
        return self.register not in REGISTER_UNITS


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """A mapping as its decoder uses it."""

    name: str
    prefix: str
    is_push: bool
    templates: tuple[Template, ...]
    forms: Mapping[str, PayloadForm]  # template's text ("" for push) → form of what comes there
    each: Path | None
    device: Path | None
    event_id: Path | None
    time: Path | None
    time_form: str
    zone: ZoneInfo | None  # None: the installation's
    nothing_is_alive: bool
    fields: tuple[Field, ...]


def compile_mapping(table: MappingTable) -> Compiled:
    """Of a table that `devices.mapping.checks` found nothing wrong with."""
    by_text = {text: templates.parse(text) for text in table.topics}
    forms: dict[str, PayloadForm] = dict.fromkeys(by_text, table.payload) or {"": table.payload}
    forms |= {f.topic: f.payload for f in table.fields if f.topic and f.payload}
    return Compiled(
        name=table.name,
        prefix=table.prefix,
        is_push=table.adapter == "push",
        templates=tuple(by_text.values()),
        forms=forms,
        each=_path(table.each),
        device=_path(table.device),
        event_id=_path(table.event_id),
        time=_path(table.time),
        time_form=table.time_form,
        zone=None if table.time_zone == INSTALLATION else ZoneInfo(table.time_zone),
        nothing_is_alive=table.nothing_found == "alive",
        fields=tuple(
            _field(index, each, table, by_text) for index, each in enumerate(table.fields)
        ),
    )


def _field(
    index: int, field: FieldTable, table: MappingTable, by_text: Mapping[str, Template]
) -> Field:
    words = list((field.values or {}).values())
    held = bool(CANCELS.intersection(words)) if field.held is None else field.held
    register = field.known_register or field.own_register or ""
    return Field(
        index=index,
        path=paths.parse(field.path),
        template=by_text[field.topic] if field.topic else None,
        reason=_reason(words, field.known_register),
        values=None if field.values is None else _by_what_is_said(field.values),
        register=register,
        unit="" if field.own_register else field.unit,
        kept_unit=REGISTER_UNITS.get(register, field.unit),
        scale=field.scale,
        offset=field.offset,
        ignore=frozenset(key(each) or "" for each in field.ignore),
        when=_condition(field),
        required=field.required,
        held=held,
        data=tuple((name, paths.parse(path)) for name, path in field.data.items()),
        confidence=Confidence(field.confidence or table.confidence),
        ignores_retained=(field.retained or table.retained) == "ignore",
    )


def _condition(field: FieldTable) -> Condition | None:
    if field.when is None:
        return None
    wanted = field.when.equals
    listed: Iterable[Any] = wanted if isinstance(wanted, list) else [wanted]
    return Condition(
        path=paths.parse(field.when.path), equals=frozenset(key(each) or "" for each in listed)
    )


def _reason(words: list[str], register: str | None) -> str:
    if register:
        return register
    named = sorted((word for word in words if word != NOTHING), key=CLEARING_KINDS.__contains__)
    if not named:
        return "value"
    return {PRESS: "action", "online": "state", "offline": "state"}.get(named[0], named[0])


def _by_what_is_said(values: Mapping[str, str]) -> dict[str, str]:
    """Words also in small letters, unless that is another word's."""
    return {said.casefold(): word for said, word in values.items()} | dict(values)


def _path(text: str | None) -> Path | None:
    return None if text is None else paths.parse(text)


def key(value: Any) -> str | None:
    """How a value is written in a value map: true, 1, on, null; None for objects and lists."""
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float and value.is_integer():
        return str(int(value))
    if type(value) is str:
        return value.strip()
    return str(value) if type(value) in (int, float) else None
