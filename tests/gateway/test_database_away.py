"""A database that goes away under a running gateway, on both databases."""

from __future__ import annotations

import pytest

from alerting.tables import Incident, QuarantineRow
from tests.gateway.conftest import away
from tests.gateway.running import device, gateway
from tests.support.mosquitto import Mosquitto
from tests.support.waiting import until

pytestmark = pytest.mark.broker


async def test_presses_wait_for_the_database_and_are_handled_when_it_returns(
    broker: Mosquitto, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lanes.STUCK_AFTER_S", 0.5)
    async with gateway(broker.url, database_url) as anju, device(broker.port) as button:
        async with away(anju.db):
            for number in range(3):
                await button.press(str(number))
            lane = anju.lanes["urgent"]
            await until(lane.stuck_for_s)
            await until(lambda: "urgent_stuck" in anju.anju.services.health.banners)
            assert "lane urgent" in await anju.ready()
            assert button.heard == [], "nothing is answered before it is stored"
        for number in range(3):
            await button.answered(str(number), within_s=20)
        assert await anju.all(Incident.kind) == ["sos"]
        assert await anju.all(QuarantineRow.reason) == []
        await anju.is_ready()
        await until(lambda: "urgent_stuck" not in anju.anju.services.health.banners)


async def test_nothing_is_acknowledged_before_the_commit(
    broker: Mosquitto, database_url: str
) -> None:
    """Killed with a press in its hands that the database did not take: the broker still has it."""
    async with gateway(broker.url, database_url) as anju, device(broker.port) as button:
        async with away(anju.db):
            await button.press()
            lane = anju.lanes["urgent"]
            await until(lambda: lane._busy_since is not None)
            for task in anju.anju._tasks:
                task.cancel()
            await lane.session.stop()
        assert await anju.all(Incident.kind) == [] and button.heard == []
        async with gateway(broker.url, database_url) as again:
            await button.answered()
            assert await again.all(Incident.kind) == ["sos"]
