"""Reading what people typed: trimmed, checked, and refused in words that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.errors import InvalidInput

MAX_TEXT = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """What is wrong with a form that is shown again: said at the field, and above the form."""

    form: str  # which of the page's forms
    field: str  # its name in the form; "" for the form as a whole
    text: str


def clean(fields: Mapping[str, object]) -> dict[str, str]:
    """Text fields only, trimmed; raises `InvalidInput` for what PostgreSQL could not store."""
    cleaned: dict[str, str] = {}
    for name, value in fields.items():
        if not isinstance(value, str):
            continue
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise InvalidInput(name, "unreadable")
        cleaned[name] = value.strip()[:MAX_TEXT]
    return cleaned


def required(fields: Mapping[str, str], name: str) -> str:
    """The text of a field that must not be empty; raises `InvalidInput`."""
    text = fields.get(name, "")
    if not text:
        raise InvalidInput(name, "missing")
    return text


def optional(fields: Mapping[str, str], name: str) -> str | None:
    return fields.get(name) or None


def version_of(fields: Mapping[str, str]) -> int | None:
    """The version that the form was made from; None when it carries none."""
    text = fields.get("version", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInput("version", "number")
    return int(text)


def local_time(fields: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime:
    """A `datetime-local` field, meant in the home's zone, as UTC."""
    text = required(fields, name)
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the year 1 in Shanghai is the year 0 in UTC
        raise InvalidInput(name, "time") from error
