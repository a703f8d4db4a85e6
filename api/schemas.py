"""What bodies and answers have in common: refused extras, bounded strings, pages, examples."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from care.paging import MAX_LIMIT, Page, PageRequest

T = TypeVar("T")
_MAX_DEPTH = 20
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _spelled_as_a_day(value: Any) -> Any:
    if not (isinstance(value, str) and _DAY.fullmatch(value.strip())):
        raise ValueError("must be a date such as 1941-05-03")
    return value


def _spelled_as_a_time(value: Any) -> Any:
    if not (isinstance(value, str) and _MOMENT.match(value.strip())):
        raise ValueError("must be a time such as 2026-03-01T08:15:00+08:00")
    return value


def _within_reason(moment: datetime) -> datetime:
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError(f"must lie between {_EARLIEST.year} and {_LATEST.year}")
    return moment.astimezone(UTC)  # as it will be read again, whatever zone it came in


def _a_number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("must be a number")
    return value


def _a_bool(value: Any) -> Any:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
LongName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Address = Annotated[str, StringConstraints(max_length=400)]
Phone = Annotated[str, StringConstraints(max_length=40)]
Ident = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Language = Annotated[str, StringConstraints(pattern="^(zh|en)$")]
Whole = Annotated[int, BeforeValidator(_a_number)]
Number = Annotated[float, BeforeValidator(_a_number)]
Flag = Annotated[bool, BeforeValidator(_a_bool)]
Day = Annotated[date, BeforeValidator(_spelled_as_a_day)]
When = Annotated[AwareDatetime, BeforeValidator(_spelled_as_a_time), AfterValidator(_within_reason)]
"""RFC 3339 with a zone: a time without one means a different moment to everybody.

A bare number is refused: `20260301` would silently become a day in 1970. So is what no calendar
in use can hold: a shift until 9999-12-31 west of Greenwich ends in a year that cannot be read
back, and whoever looked for the on-call phone would have found an error instead.
"""


class Body(BaseModel):
    """A request body: unknown fields are refused by name, and so is what cannot be stored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, data: Any) -> Any:
        found = unstorable(data)
        if found is not None:
            place, why = found
            raise PydanticCustomError("unstorable", "{why}", {"why": why, "place": place})
        return data

    def changes(self) -> dict[str, Any]:
        """The fields the caller named, for a use case that updates."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


NOT_GIVEN: Any = Field(default=None, json_schema_extra=_without_default)
"""Default of a field that may be left out of a change but, once named, must not be null."""


class Filters(BaseModel):
    """A list's query parameters: a mistyped one is refused, not silently without effect."""

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Items a page.")] = 50
    cursor: Annotated[
        str | None, Field(max_length=1000, description="`next_cursor` of the page before.")
    ] = None

    @property
    def page(self) -> PageRequest:
        return PageRequest(limit=self.limit, cursor=self.cursor)


class Out(BaseModel):
    """An answer, made from a row or given by name."""

    model_config = ConfigDict(from_attributes=True)


class PageOut(BaseModel, Generic[T]):
    """One page of a list. `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None


def page_of(page: Page[Any], items: Iterable[Any]) -> dict[str, Any]:
    """The answer for a page, its rows already shown as `items`."""
    return {"items": list(items), "next_cursor": page.next_cursor}


def example(**values: Any) -> ConfigDict:
    """A model's configuration with one example for the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [values]})


def unstorable(value: Any, where: str = "", depth: int = 0) -> tuple[str, str] | None:
    """Place and reason of the first thing in a JSON value that cannot be kept; None if all can.

    NUL (PostgreSQL has no room for it), half of a surrogate pair, NaN and infinity, and nesting
    beyond reason.
    """
    if depth > _MAX_DEPTH:
        return where, f"is nested more than {_MAX_DEPTH} deep"
    if isinstance(value, str):
        why = _unstorable_text(value)
        return (where, why) if why else None
    if isinstance(value, float):
        return None if math.isfinite(value) else (where, "is not a finite number")
    if isinstance(value, dict):
        pairs: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    else:
        return None
    for key, inner in pairs:
        why = _unstorable_text(str(key))
        if why is not None:
            return where, f"has a name that {why}"
        found = unstorable(inner, f"{where}.{key}" if where else str(key), depth + 1)
        if found is not None:
            return found
    return None


def _unstorable_text(text: str) -> str | None:
    if "\0" in text:
        return "contains a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "contains half of a surrogate pair"
    return None
