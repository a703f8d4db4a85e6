"""Every story runs twice: on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.checks import QuietHome
from tests.support.clock import ManualClock
from tests.support.fleet import Fleet
from tests.support.world import World, open_world


@pytest.fixture
async def world(database_url: str, clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(database_url, clock) as opened:
        yield opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def town_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database that the stories of one file share."""
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("town") / "anju.db"
        shutil.copy(request.getfixturevalue("sqlite_file"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    server = request.getfixturevalue("postgres")
    name = server.lend()
    yield server.url(name)
    server.take_back(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(town_url: str) -> AsyncIterator[World]:
    async with open_world(town_url, ManualClock()) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(town: World) -> Fleet:
    """A home of the shared town; its file says `pytest.mark.asyncio(loop_scope="module")`."""
    return Fleet(town, await town.elder())


@pytest_asyncio.fixture(loop_scope="module")
async def quiet(town: World) -> AsyncIterator[QuietHome]:
    """A home of the shared town, made by its story; ended after it."""
    home = QuietHome(town)
    yield home
    await home.end()


@pytest_asyncio.fixture(loop_scope="module")
async def home(quiet: QuietHome) -> QuietHome:
    return await quiet.begin()
