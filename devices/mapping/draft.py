"""A mapping to begin with, written down as TOML that loads, with what is unsure said in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from devices.mapping.family import make_family
from devices.mapping.model import MappingTable
from devices.meaning import means, sample_message, sample_view

_A_DAY = datetime(2026, 4, 12, 6, 0, tzinfo=UTC)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ROLES = {
    "sos": "sos_button",
    "press": "sos_button",
    "smoke": "smoke_detector",
    "gas": "gas_detector",
    "leak": "leak_sensor",
    "fall": "fall_detector",
    "out_of_bed": "bed_sensor",
    "in_bed": "bed_sensor",
    "door_open": "door_contact",
    "motion": "motion_sensor",
    "water_total": "water_meter",
    "energy_total": "electricity_meter",
    "heart_rate": "health_monitor",
}


@dataclass(kw_only=True, slots=True)
class DraftField:
    """One `[[fields]]`, with what the reader should know of the guess."""

    keys: dict[str, Any]
    comment: str = ""


@dataclass(kw_only=True, slots=True)
class Draft:
    """A mapping as far as it could be guessed."""

    title: str
    prefix: str
    device: str = ""  # as it is called in the topic of the first message
    topics: list[str] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)  # payload, time, device …
    fields: list[DraftField] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)  # without `means`
    comments: list[str] = field(default_factory=list)  # what could not be said, a line each


def write(draft: Draft) -> str:
    """The draft as a file. Its samples mean what the draft makes of them."""
    content = _content(draft)
    table = MappingTable.model_validate(content)
    family = make_family(table, "")
    for said, sample in zip(content["samples"], family.samples, strict=True):
        message = sample_message(family, sample, _A_DAY)
        said["means"] = list(means(family.decode(message, sample_view(family, sample, _A_DAY))))
    return "\n".join(_lines(draft, content)) + "\n"


def _content(draft: Draft) -> dict[str, Any]:
    top: dict[str, Any] = {
        "name": "my-"
        + (re.sub(r"[^a-z0-9]+", "-", draft.title.lower()).strip("-")[:36] or "device"),
        "title_zh": draft.title[:80],
        "title_en": draft.title[:80],
        "prefix": draft.prefix,
        "topics": draft.topics,
        **draft.keys,
    }
    roles = _roles(draft)
    if roles:
        top["roles"] = roles
    top["fields"] = [each.keys for each in draft.fields]
    top["samples"] = [{**each, "means": []} for each in draft.samples]
    return top


def _roles(draft: Draft) -> list[str]:
    words: list[str] = []
    for each in draft.fields:
        words += [*each.keys.get("values", {}).values(), each.keys.get("register", "")]
    return list(dict.fromkeys(_ROLES[word] for word in words if word in _ROLES))[:1]


def _lines(draft: Draft, content: Mapping[str, Any]) -> Iterator[str]:
    yield from (_comment(line) for line in draft.comments)
    for name, value in content.items():
        if name not in ("fields", "samples"):
            yield f"{name} = {_value(value)}"
    for each in draft.fields:
        yield ""
        if each.comment:
            yield _comment(each.comment)
        yield "[[fields]]"
        yield from _pairs(each.keys)
    for sample in content["samples"]:
        yield from ("", "[[samples]]", *_pairs(sample))


def _pairs(keys: Mapping[str, Any]) -> Iterator[str]:
    for name, value in keys.items():
        yield f"{name} = {_value(value)}"


def _comment(text: str) -> str:
    return "# " + "".join(c if c.isprintable() else "?" for c in text)


def _value(value: Any) -> str:
    """A TOML value; JSON's texts, numbers and lists are TOML's as well."""
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }"
        )
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def _text(text: str) -> str:
    """Literal where that spares backslashes, as with JSON in a sample."""
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else _text(name)
