"""Fixtures of every test: a still clock, and the data layer on both databases."""

from __future__ import annotations

import gc
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import settings

from care import accounts
from core.db import Database
from core.logging import configure_logging
from tests.support.clock import ManualClock
from tests.support.database import (
    PostgresServer,
    leave_the_disk_alone,
    postgres_server,
    sqlite_template,
)

# Property tests judge results, not the speed of a busy machine.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """As in production. Unconfigured, structlog draws every traceback with all its variables."""
    configure_logging("warning", json_lines=True)


@pytest.fixture(autouse=True, scope="session")
def cheap_passwords() -> None:
    """Argon2 as ever, at the least cost it has: thousands of sign-ins guard nothing here."""
    accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    accounts._NOBODYS_HASH = accounts._hasher.hash("nobody's")


@pytest.fixture(autouse=True, scope="session")
def rare_collections() -> None:
    """Nearly every test builds a whole application. Looking through all that is there for rubbish
    after every few hundred new objects takes longer than the tests themselves."""
    gc.set_threshold(100_000, 20, 50)


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk() -> None:
    leave_the_disk_alone()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Started by the first test that asks for it, one for the whole run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database with every table in it, once per kind of database."""
    if request.param == "sqlite":
        path = tmp_path / "anju.db"
        shutil.copy(request.getfixturevalue("sqlite_file"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.lend()
    yield server.url(name)
    server.take_back(name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()
