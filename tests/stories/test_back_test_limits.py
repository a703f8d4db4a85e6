"""A back-test takes nobody's time: one at a time, in pieces, and it ends when its time is up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from alerting.intake.store import save_readings
from alerting.trial import backtest, pieces
from alerting.trial.forecast import forecast
from care import watch_rules
from care.model import SYSTEM
from tests.console.support import reader
from tests.support.world import World

RULES = {"no_water_use": {"preset": "adaptive"}}


async def metered(world: World, ident: str, readings: int) -> dict[str, Any]:
    """A home whose meter was read every ten minutes, a few litres each time."""
    elder = await world.elder(ident)
    await world.device(ident, "water_meter", home_id=elder["home_id"])
    now = world.clock.now()
    rows = [
        (ident, "water_total", now - timedelta(minutes=10 * n), 100 - n * 0.003)
        for n in range(readings)
    ]
    async with world.services.db.transaction() as session:
        await save_readings(session, rows)
    return elder


class Ticking:
    """A clock on which every look at it takes a second."""

    def __init__(self, at: datetime) -> None:
        self._at, self.looks = at, 0

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        self.looks += 1
        return float(self.looks)


async def test_while_one_runs_the_next_is_told_to_come_again(world: World) -> None:
    await metered(world, "water-1", 20)
    supervisor = reader(world, await world.sign_in("li", "supervisor"))
    async with world.services.back_testing:
        refused = await world.admin.call("POST", "watch-rules/back-test", json={"rules": RULES})
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "10"
        assert "another back-test is running" in refused.json()["detail"]
        typed: dict[str, Any] = {"no_water_use.preset": "adaptive-quiet", "note": "先看看"}
        page = await supervisor.submit("/rules", "/rules/back-test#forecast", 422, **typed)
        for words in ("另一次试算正在进行", "先看看"):
            assert words in page
    said = await world.admin.post("watch-rules/back-test", {"rules": RULES})
    assert said["covered"] == 1


async def test_it_ends_within_a_home_and_says_what_it_covered(world: World) -> None:
    await metered(world, "water-1", 20)
    await metered(world, "water-2", 4 * pieces.AT_ONCE)
    world.services.clock = Ticking(world.clock.now())
    async with world.services.db.reading() as session:
        rule = await watch_rules.new_rule(session, SYSTEM, world.clock.now(), rules=RULES)
    now = world.clock.now()
    whole = await forecast(world.services, rule, now, budget_s=500)
    assert (whole.covered, whole.sampled) == (2, 2)
    assert len(whole.grades) > 0
    short = await forecast(world.services, rule, now, budget_s=8)
    assert short.covered < 2
    assert short.summary()["covered"] == short.covered
    none = await forecast(world.services, rule, now, budget_s=1)
    assert (none.covered, none.load_proposed.is_too_much, none.delay_s) == (0, False, None)
    assert not world.services.back_testing.locked()


async def test_the_page_says_that_time_was_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await metered(world, "water-1", 20)
    monkeypatch.setattr(forecast, "__kwdefaults__", {"staff": None, "budget_s": 0.0})
    supervisor = reader(world, await world.sign_in("li", "supervisor"))
    typed: dict[str, Any] = {"no_water_use.preset": "adaptive-quiet"}
    assert "一户也没算完" in await supervisor.submit("/rules", "/rules/back-test#forecast", **typed)


async def test_readings_are_loaded_in_pieces_and_none_is_lost(world: World) -> None:
    count = 2 * pieces.AT_ONCE
    await metered(world, "water-1", count)
    breaths: list[int] = []
    now, since = world.clock.now(), world.clock.now() - timedelta(days=90)
    async with world.services.db.reading() as session:
        found = await backtest.load_readings(
            session, "water-1", "water_total", since, now, lambda: breaths.append(1)
        )
    assert len(found) == count == len({at for at, _ in found})
    assert found == sorted(found)
    assert len(breaths) >= 3
