"""Fixtures: a running embedded broker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.embedded import EmbeddedBroker
from simulators.broker import BrokerAddress
from tests.simulators.support import free_port


@pytest.fixture
async def broker() -> AsyncIterator[BrokerAddress]:
    running = EmbeddedBroker("127.0.0.1", free_port())
    await running.start()
    yield BrokerAddress.from_url(running.url)
    await running.stop()
