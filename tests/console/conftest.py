"""A town with its pages: in memory for readers without scripts, served for real browsers."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, async_playwright

from tests.console.browsing import Site
from tests.support.clock import ManualClock
from tests.support.world import World, open_world

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser serves all tests of a worker, in the loop that it was started in."""
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture
def world(request: pytest.FixtureRequest, database_url: str) -> World:
    """A town on this database, in the same loop as the test."""
    name = "served_town" if "site" in request.fixturenames else "town"
    opened: World = request.getfixturevalue(name)
    return opened


@pytest.fixture
async def town(database_url: str, clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(database_url, clock) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def served_town(database_url: str, clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(database_url, clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The system's Chromium; without one the test fails with the command that brings it."""
    for name in CHROMIUM_NAMES:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    pytest.fail("these tests drive a real browser; type: sudo apt-get install -y chromium")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site(world: World, browser: Browser) -> AsyncIterator[Site]:
    """The app on a port of its own; every page's console is watched until the test ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            world.anju.app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await _started(server)
        opened = Site(world, browser, f"http://127.0.0.1:{listening.getsockname()[1]}")
        yield opened
        await opened.close()
        world.services.stopping = True
        world.services.signals.stopping.set()
        server.should_exit = True
        await serving
    assert opened.complaints == []


async def _started(server: uvicorn.Server) -> None:
    while not server.started:  # noqa: ASYNC110 (uvicorn offers no event)
        await asyncio.sleep(0.01)
