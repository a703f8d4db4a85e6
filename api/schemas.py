"""What bodies and answers have in common: refused extras, bounded strings, pages, examples."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from care.paging import MAX_LIMIT, Page, PageRequest

T = TypeVar("T")
_MAX_DEPTH = 20

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
LongName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Address = Annotated[str, StringConstraints(max_length=400)]
Phone = Annotated[str, StringConstraints(max_length=40)]
Ident = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Language = Annotated[str, StringConstraints(pattern="^(zh|en)$")]
When = AwareDatetime
"""RFC 3339 with a zone: a time without one means a different moment to everybody."""


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
