"""The demo's homes reach their own limits when the script wants it, at most hours of the day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerting.detect import DeviceState
from alerting.detectors.view import seconds
from alerting.watchlist.standing import stand
from gateway.demo_limits import EARLIEST, foreseen, heard, readings_of, view_of_home
from simulators.homes import demo_town
from simulators.meters import Meters
from simulators.scenario import load_scenario


@pytest.mark.parametrize("hour", [1, 6, 12, 18])
def test_the_quiet_home_is_past_its_limit_and_another_one_before_it(hour: int) -> None:
    town = demo_town()
    script = load_scenario("hour", town)
    began = datetime(2026, 11, 26, hour, 20, tzinfo=UTC)
    last_uses = foreseen(town, script, began)
    assert len(last_uses) == 3
    assert all(began - EARLIEST <= last < began for last in last_uses.values())
    meters = Meters(town, script, began, last_uses=last_uses)
    for name in last_uses:
        home = town.home_of(name)
        assert home is not None
        view = view_of_home(home)
        state = heard(DeviceState(), view, readings_of(meters, home, began), began)
        found = stand(state, view, seconds(began))
        assert not any(mark.found for mark in found.marks), "a live reading shall find it"
        assert found.used_at == seconds(last_uses[name])
        if name == "demo-water-20":
            assert seconds(began) - found.used_at > found.marks[-1].limit_s
        else:
            assert found.marks[-1].at > seconds(began)
