"""Alembic's entry: runs on the connection it is handed, or on ANJU_DATABASE_URL."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine

import alerting.tables
import care.tables  # noqa: F401  (registers its tables)
from core.db import Base, UtcDateTime
from core.settings import load_settings

_ = alerting.tables


def _render(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """How a column type is written into a migration."""
    return "UtcDateTime()" if kind == "type" and isinstance(item, UtcDateTime) else False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_render,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_connection = context.config.attributes.get("connection")
if _connection is not None:
    _run(_connection)
else:
    _url = context.config.attributes.get("url") or load_settings().database_url
    with create_engine(_url.replace("sqlite+aiosqlite", "sqlite")).begin() as _own:
        _run(_own)
