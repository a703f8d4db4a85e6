"""From a TOML file's text to a family, or to everything that is wrong with it, line by line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from devices.family import DeviceFamily
from devices.mapping.checks import check
from devices.mapping.family import make_family, sample_topic
from devices.mapping.lines import Location, line_at, lines_of, syntax_error
from devices.mapping.model import FieldTable, MappingTable, SampleTable, WhenTable
from devices.mapping.problem import Finding, Problem, none_of, spelled
from devices.meaning import means, sample_message, sample_view
from devices.topics import prefixes_overlap

MAX_FILE = 64 * 1024
_A_DAY = datetime(2026, 4, 12, 6, 0, tzinfo=UTC)  # when samples are taken to have come in
_TABLES: dict[str, type[BaseModel]] = {
    "fields": FieldTable,
    "samples": SampleTable,
    "when": WhenTable,
}
_TYPES = {
    "string_type": "must be a text in quotes",
    "list_type": "must be a list in [ ]",
    "dict_type": "must be a table in { }",
    "model_type": "must be a table in { }",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "missing": "is missing",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A family, or problems; never both."""

    family: DeviceFamily | None = None
    problems: tuple[Problem, ...] = ()


def load(text: str, file: str, others: Iterable[DeviceFamily] = ()) -> Loaded:
    """The mapping in `text`; `file` is how it is called in problems.

    `others` are the families there are already: neither name nor topics may be theirs.
    """
    if len(text) > MAX_FILE:
        return _wrong(file, 1, "", f"is longer than {MAX_FILE // 1024} kB")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, what = syntax_error(error, text)
        return _wrong(file, line, "", f"is not TOML: {what}")
    family, findings = _understood(content, file, tuple(others))
    if not findings:
        return Loaded(family=family)
    lines = lines_of(text)
    problems = [
        Problem(
            file=file,
            line=line_at(lines, each.location),
            where=spelled(each.location),
            text=each.text,
        )
        for each in findings
    ]
    return Loaded(problems=tuple(sorted(problems, key=lambda each: each.line)))


def _wrong(file: str, line: int, where: str, text: str) -> Loaded:
    return Loaded(problems=(Problem(file=file, line=line, where=where, text=text),))


def _understood(
    content: dict[str, Any], file: str, others: tuple[DeviceFamily, ...]
) -> tuple[DeviceFamily | None, list[Finding]]:
    try:
        table = MappingTable.model_validate(content)
    except ValidationError as error:
        return None, [_shape(each) for each in error.errors()]
    findings = [*check(table), *_clashes(table, others)]
    if findings:
        return None, findings
    family = make_family(table, file)
    return family, list(_samples(table, family))


def _shape(error: ErrorDetails) -> Finding:
    """A mistake of pydantic's in our words."""
    location = tuple(step for step in error["loc"] if step not in _UNION_MEMBERS)
    if error["type"] == "extra_forbidden":
        return Finding(location=location, text=_unknown_key(location))
    if error["type"] == "literal_error":
        known = [word.strip("'") for word in error["ctx"]["expected"].split(" or ")]
        listed = [word.strip("' ") for part in known for word in part.split(",")]
        return Finding(location=location, text=none_of(error["input"], listed))
    if error["type"] == "too_short":
        return Finding(location=location, text="needs at least one")
    return Finding(location=location, text=_TYPES.get(error["type"], error["msg"]))


_UNION_MEMBERS = frozenset({"str", "int", "float", "bool"}) | {"list[union[str,int,float,bool]]"}


def _unknown_key(location: Location) -> str:
    around = [step for step in location[:-1] if isinstance(step, str)]
    table = _TABLES[around[-1]] if around else MappingTable
    known = [each.alias or name for name, each in table.model_fields.items()]
    return "no such key: " + none_of(location[-1], known)


def _clashes(table: MappingTable, others: tuple[DeviceFamily, ...]) -> Iterator[Finding]:
    for other in others:
        whose = f"family {other.name}"
        if other.mapping_file:
            whose += f" ({other.mapping_file})"
        if other.name == table.name:
            yield Finding(location=("name",), text=f"{table.name!r} is taken by {whose}")
        elif table.prefix and prefixes_overlap(table.prefix, other.default_prefix):
            yield Finding(
                location=("prefix",),
                text=f"{table.prefix!r} overlaps {other.default_prefix!r} of {whose}",
            )


def _samples(table: MappingTable, family: DeviceFamily) -> Iterator[Finding]:
    """Samples that do not mean what they say they mean."""
    for index, (said, sample) in enumerate(zip(table.samples, family.samples, strict=True)):
        place: Location = ("samples", index)
        if not family.is_push and sample_topic(said, table) == said.topic:
            text = f"{said.topic!r} is not below the prefix {table.prefix!r}"
            yield Finding(location=(*place, "topic"), text=text)
            continue
        message = sample_message(family, sample, _A_DAY)
        view = sample_view(family, sample, _A_DAY)
        decoded = family.decode(message, view)
        if means(decoded) == sample.means:
            continue
        if decoded.quarantined == "unknown_topic":
            text = "; ".join(family.explain(message, view))
            yield Finding(location=(*place, "topic"), text=text)
            continue
        why = "".join(f"; {note}" for note in family.explain(message, view)[:3])
        text = f"the sample means {_listed(means(decoded))}, not {_listed(sample.means)}{why}"
        yield Finding(location=(*place, "means"), text=text)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words) or "nothing"
