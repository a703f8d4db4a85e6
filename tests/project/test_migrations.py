"""The migrations make exactly the tables that the code declares, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from core.db import Base
from core.errors import SettingsError
from core.settings import Settings, load_settings
from gateway.migrate import _config, sync_url, upgrade
from tests.support.database import PostgresServer, create_tables

Schema = dict[str, set[str]]

_POSTGRES = {
    "columns": """
        SELECT table_name || '.' || column_name || ' ' || data_type || ' '
            || coalesce(character_maximum_length::text, '') || ' ' || is_nullable || ' '
            || coalesce(column_default, '')
        FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'""",
    "indexes": """
        SELECT indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'""",
    "constraints": """
        SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
            AND conrelid::regclass::text <> 'alembic_version'""",
}


def _schema(url: str) -> Schema:
    """What the database itself says its tables are, in words that can be compared."""
    engine = create_engine(sync_url(url))
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                return _sqlite_schema(connection)
            return {what: set(connection.scalars(text(query))) for what, query in _POSTGRES.items()}
    finally:
        engine.dispose()


def _sqlite_schema(connection: Connection) -> Schema:
    """Each table's and index's own statement, clause by clause: their order says nothing."""
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE :own"),
        {"own": "alembic%"},
    )
    return {name: set(_clauses(sql)) for name, sql in rows}


def _clauses(sql: str) -> Iterator[str]:
    """What stands before the first bracket, each clause within it, and what follows it."""
    depth, clause = 0, ""
    for sign in " ".join(sql.replace('"', "").split()):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if (sign == "," and depth == 1) or (sign in "()" and depth == (sign == "(")):
            yield clause.strip()
            clause = ""
        else:
            clause += sign
    yield clause.strip()


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The addresses of two databases with nothing in them."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/a.db", f"sqlite+aiosqlite:///{tmp_path}/b.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    names = [server.create(empty=True) for _ in range(2)]
    yield server.url(names[0]), server.url(names[1])
    for one in names:
        server.drop(one)


def settings(url: str) -> Settings:
    return load_settings(database_url=url, secret_key="only for tests, really")


async def test_migrated_tables_are_the_declared_tables(urls: tuple[str, str]) -> None:
    migrated, declared = urls
    await upgrade(settings(migrated))
    await create_tables(declared)
    ours, theirs = _schema(migrated), _schema(declared)
    assert ours.keys() == theirs.keys()
    for what, lines in theirs.items():
        assert ours[what] - lines == set(), f"{what}: only migrated"
        assert lines - ours[what] == set(), f"{what}: only declared"


async def test_alembic_finds_nothing_left_to_do(urls: tuple[str, str]) -> None:
    url = urls[0]
    await upgrade(settings(url))
    engine = create_engine(sync_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


async def test_rows_of_an_older_database_are_kept_and_filled(urls: tuple[str, str]) -> None:
    url = urls[0]
    engine = create_engine(sync_url(url))
    with engine.begin() as connection:
        config = _config(url)
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        at = 0 if engine.dialect.name == "sqlite" else "1970-01-01T00:00:00Z"
        connection.execute(
            text(
                "INSERT INTO sources (id, name, family, prefix, created_at)"
                " VALUES ('src-1', '城关村', 'zigbee2mqtt', 'zigbee2mqtt', :at)"
            ),
            {"at": at},
        )
        connection.execute(
            text(
                "INSERT INTO devices"
                " (id, family, source_id, child_id, role, rules, active, enrolled_at) VALUES"
                " ('d1', 'zigbee2mqtt', 'src-1', '0x01', 'smoke_detector', '{}', :yes, :at)"
            ),
            {"at": at, "yes": True},
        )
    await upgrade(settings(url))
    with engine.connect() as connection:
        source = connection.execute(
            text("SELECT active, only_listed, push_generation FROM sources")
        ).one()
        device = connection.execute(
            text("SELECT source_id, model, firmware, in_service_at FROM devices")
        ).one()
    engine.dispose()
    assert tuple(map(int, source)) == (1, 0, 1)
    assert tuple(device) == ("src-1", "", "", None)


async def test_upgrading_twice_changes_nothing(urls: tuple[str, str]) -> None:
    await upgrade(settings(urls[0]))
    before = _schema(urls[0])
    await upgrade(settings(urls[0]))
    assert _schema(urls[0]) == before


async def test_an_older_database_comes_up_by_itself_on_sqlite_only(urls: tuple[str, str]) -> None:
    url = urls[0]
    await upgrade(settings(url))
    engine = create_engine(sync_url(url))
    with engine.begin() as connection:
        for table in inspect(connection).get_table_names():
            if table != "alembic_version":
                connection.execute(text(f'DROP TABLE "{table}" {_cascade(connection)}'))
        connection.execute(text("DELETE FROM alembic_version"))
    engine.dispose()

    if url.startswith("sqlite"):
        await upgrade(settings(url), allow_postgres=False)
    else:
        with pytest.raises(SettingsError, match="run anju migrate"):
            await upgrade(settings(url), allow_postgres=False)
        await upgrade(settings(url))
    assert _schema(url)


def _cascade(connection: Connection) -> str:
    return "" if connection.dialect.name == "sqlite" else "CASCADE"
