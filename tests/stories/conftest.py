"""Every story runs twice: on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.clock import ManualClock
from tests.support.world import World, open_world


@pytest.fixture
async def world(database_url: str, clock: ManualClock) -> AsyncIterator[World]:
    async with open_world(database_url, clock) as opened:
        yield opened
