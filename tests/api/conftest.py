"""Fixtures: the app on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.db import Database
from core.services import Services
from gateway.bootstrap import install
from tests.support.api import Caller, World, http_client, make_app, make_services
from tests.support.clock import ManualClock


@pytest.fixture
async def services(db: Database, clock: ManualClock) -> Services:
    services = make_services(db, clock, webhook_hosts="http://hook.test:8080,hook.test")
    await install(services)
    return services


@pytest.fixture
async def world(services: Services, clock: ManualClock) -> AsyncIterator[World]:
    async with http_client(make_app(services)) as client:
        yield World(services, clock, client)


@pytest.fixture
async def admin(world: World) -> Caller:
    return await world.admin()
