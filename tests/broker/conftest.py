"""Fixtures: the broker as it is shipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.support import ShippedBroker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ShippedBroker]:
    running = ShippedBroker(tmp_path / "broker")
    yield running
    running.stop()
