"""Fixtures: the app on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from care.accounts import SignInAttempts
from core.db import Database
from core.services import Services
from gateway.install import install
from tests.support.api import Caller, World, http_client, make_app, make_services
from tests.support.clock import ManualClock


@pytest.fixture
async def services(db: Database, clock: ManualClock) -> Services:
    services = make_services(db, clock, webhook_hosts="http://hook.test:8080,hook.test")
    await install(services)
    return services


@pytest.fixture(scope="session")
def apps() -> list[FastAPI]:
    """The app that all tests here share, once the first of them has made it."""
    return []


@pytest.fixture
async def world(
    services: Services, clock: ManualClock, apps: list[FastAPI]
) -> AsyncIterator[World]:
    """Making the routes takes longer than most tests; all that differs is what they are handed."""
    if not apps:
        apps.append(make_app(services))
    apps[0].state.services = services
    apps[0].state.attempts = SignInAttempts(clock)
    async with http_client(apps[0]) as client:
        yield World(services, clock, client)


@pytest.fixture
async def admin(world: World) -> Caller:
    return await world.admin()
