"""Fixtures: services on either database, and a database that can be taken away."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiosqlite
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event, make_url

from core.db import Database
from core.services import Services
from gateway.install import install
from tests.support.api import make_services
from tests.support.clock import ManualClock
from tests.support.mosquitto import Mosquitto, mosquitto

Away = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = impatient(Database(database_url))
    yield database
    await database.close()


@pytest.fixture
async def services(db: Database, clock: ManualClock) -> Services:
    """An installation on a still clock."""
    made = make_services(db, clock)
    await install(made)
    return made


@pytest.fixture
def database_away(db: Database) -> Away:
    return lambda: away(db)


def impatient(db: Database) -> Database:
    """The shipped patience with a locked SQLite file, 10 s for each attempt, is only waiting."""

    def hurry(connection: object, _record: object) -> None:
        connection.cursor().execute("PRAGMA busy_timeout=10")  # type: ignore[attr-defined]

    if db.is_sqlite:
        event.listen(db.engine.sync_engine, "connect", hurry)
    return db


def away(db: Database) -> AbstractAsyncContextManager[None]:
    """`async with away(db):` nobody can write; PostgreSQL does not even let anybody in."""
    return _locked(db) if db.is_sqlite else _shut(db)


@contextlib.asynccontextmanager
async def _locked(db: Database) -> AsyncIterator[None]:
    """Another program holds the file, as a backup or a hung process would."""
    path = Path(str(make_url(db.url).database))
    async with aiosqlite.connect(path, isolation_level=None, timeout=10) as other:
        await other.execute("BEGIN EXCLUSIVE")
        yield
        await other.execute("ROLLBACK")


@contextlib.asynccontextmanager
async def _shut(db: Database) -> AsyncIterator[None]:
    url = make_url(db.url)
    name = str(url.database)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    async with await psycopg.AsyncConnection.connect(
        host=str(url.query["host"]), user=url.username, dbname="postgres", autocommit=True
    ) as admin:
        await admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            await admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
