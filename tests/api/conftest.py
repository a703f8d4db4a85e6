"""Fixtures: the app on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI

from api.app import hand_over
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
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Making the routes takes longer than most tests; all that differs is what they are handed."""
    nowhere = Database(f"sqlite+aiosqlite:///{tmp_path_factory.getbasetemp()}/none.db")
    return make_app(make_services(nowhere, ManualClock()))


@pytest.fixture
def app(shared_app: FastAPI, services: Services) -> FastAPI:
    """It answers for this test's installation."""
    hand_over(shared_app, services)
    return shared_app


@pytest.fixture(scope="session")
def document(shared_app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; asks no database."""
    return shared_app.openapi()


@pytest.fixture
async def world(services: Services, clock: ManualClock, app: FastAPI) -> AsyncIterator[World]:
    async with http_client(app) as client:
        yield World(services, clock, client)


@pytest.fixture
async def admin(world: World) -> Caller:
    return await world.admin()
