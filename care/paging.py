"""Pages of a list: a cursor names the last row seen, so rows added meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from core.db import UtcDateTime, from_micros, to_micros
from core.errors import InvalidInput

T = TypeVar("T")
MAX_LIMIT = 500
_INT64 = 2**63


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """How much of a list is wanted, and from where; `cursor` comes from the page before."""

    limit: int = 50  # 1 to MAX_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """One part of a list. `next_cursor` is None when nothing followed it."""

    items: tuple[T, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A total order: `key`, then `ident`, which is unique. `name` keeps cursors of lists apart."""

    name: str
    key: InstrumentedAttribute[Any] | ColumnElement[Any]  # time, number or text; never NULL
    ident: InstrumentedAttribute[Any] | ColumnElement[Any]
    newest_first: bool = False


async def fetch_page(
    session: AsyncSession, statement: Select[Any], order: Order, request: PageRequest
) -> Page[Any]:
    """The rows of `statement` after the cursor, in `order`.

    A statement of one entity gives entities, one of several gives tuples. Raises `InvalidInput`
    for a cursor that this list did not give out, and for a limit outside 1 to 500.
    """
    if not 1 <= request.limit <= MAX_LIMIT:
        raise InvalidInput("limit", f"must be 1 to {MAX_LIMIT}")
    pair = tuple_(order.key, order.ident)
    if request.cursor is not None:
        key, ident = _decode(request.cursor, order)
        last = tuple_(literal(key, order.key.type), literal(ident, order.ident.type))
        statement = statement.where(pair < last if order.newest_first else pair > last)
    columns = (order.key, order.ident)
    ordered = statement.add_columns(*columns).order_by(
        *(column.desc() if order.newest_first else column.asc() for column in columns)
    )
    rows = (await session.execute(ordered.limit(request.limit + 1))).all()
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(
        items=tuple(row[0] if len(row) == 3 else tuple(row)[:-2] for row in shown),
        next_cursor=_encode(order, shown[-1][-2], shown[-1][-1]) if more else None,
    )


def _encode(order: Order, key: Any, ident: Any) -> str:
    value = to_micros(key) if isinstance(key, datetime) else key
    text = json.dumps([order.name, value, ident], ensure_ascii=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decode(cursor: str, order: Order) -> tuple[Any, Any]:
    """Key and id of the row a cursor names; everything a stranger may put into it is refused."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        name, value, ident = json.loads(raw)
        if name != order.name:
            raise ValueError(name)
        if isinstance(order.key.type, UtcDateTime):
            return from_micros(_checked(value, int)), _checked(ident, order.ident.type.python_type)
        return (
            _checked(value, order.key.type.python_type),
            _checked(ident, order.ident.type.python_type),
        )
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise InvalidInput("cursor", "is not one that this list gave out") from error


def _checked(value: Any, wanted: type[Any]) -> Any:
    if type(value) is not wanted:
        raise TypeError(type(value))
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise OverflowError(value)
    if isinstance(value, str):
        value.encode()  # a lone surrogate raises UnicodeEncodeError, a ValueError
        if "\0" in value:
            raise ValueError("NUL")
    return value
