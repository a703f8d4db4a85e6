"""Brings a database to the present shape; PostgreSQL under an advisory lock."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from core.errors import SettingsError
from core.settings import Settings

_LOCK = 0x416E6A4D


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def sync_url(url: str) -> str:
    """Alembic works synchronously; psycopg does both, SQLite needs its own driver."""
    return url.replace("sqlite+aiosqlite", "sqlite")


async def upgrade(settings: Settings, *, allow_postgres: bool = True) -> None:
    """Bring the database up by itself where that is safe.

    An empty database always; an older one on SQLite always, on PostgreSQL only with
    `allow_postgres` (several processes may share it). Raises `SettingsError` otherwise.
    """
    await asyncio.to_thread(_upgrade, settings.database_url, allow_postgres)


def _upgrade(url: str, allow_postgres: bool) -> None:
    try:
        engine = create_engine(sync_url(url))
        with engine.begin() as connection:
            if not settings_are_sqlite(url):
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            present, head = _revisions(connection, url)
            is_empty = not inspect(connection).get_table_names()
            if present == head:
                return
            if not is_empty and not allow_postgres and not settings_are_sqlite(url):
                raise SettingsError(
                    "ANJU_DATABASE_URL",
                    f"the database is at {present}, this Anju needs {head}: run anju migrate",
                )
            config = _config(url)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        engine.dispose()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise SettingsError("ANJU_DATABASE_URL", f"cannot use the database: {reason}") from error


def settings_are_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _revisions(connection: Connection, url: str) -> tuple[str | None, str | None]:
    present = MigrationContext.configure(connection).get_current_revision()
    return present, ScriptDirectory.from_config(_config(url)).get_current_head()
