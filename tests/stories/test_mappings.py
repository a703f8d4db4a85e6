"""An installation declares a device of its own in a file, and is protected by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.mappings import BANNER, install_mappings
from tests.support.clock import ManualClock
from tests.support.world import World, open_world

MAPPING = """\
name = "kitchen-smoke"
title_zh = "厨房烟感"
title_en = "Kitchen smoke detector"
prefix = "kitchens"
topics = ["{prefix}/{device}/state"]
event_id = "$.n"

[[fields]]
path = "$.alarm"
values = { "FIRE" = "smoke", "NONE" = "smoke_clear" }

[[samples]]
topic = "kitchens/k-1/state"
payload = '{"n": 1, "alarm": "FIRE"}'
means = ["smoke"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "smoke.toml").write_text(MAPPING, "utf-8")
    return tmp_path / "mappings"


@pytest.fixture
async def world(database_url: str, clock: ManualClock, folder: Path) -> AsyncIterator[World]:
    async with open_world(database_url, clock, mappings=str(folder)) as opened:
        yield opened


async def detector(world: World) -> None:
    """A bridge of the declared family, and one of its children adopted."""
    source = await world.admin.post(
        "sources", {"name": "厨房", "family": "kitchen-smoke", "prefix": "village 3/kitchens"}
    )
    elder = await world.elder()
    await world.hears("village 3/kitchens/k-1/state", {"alarm": "NONE", "n": 1})
    (unknown,) = (await world.admin.get("unknown-devices"))["items"]
    assert (unknown["child_id"], unknown["source_id"]) == ("k-1", source["id"])
    await world.admin.post(
        "devices",
        {
            "id": "smoke-1",
            "family": "kitchen-smoke",
            "source_id": source["id"],
            "child_id": "k-1",
            "role": "smoke_detector",
            "elder_id": elder["id"],
        },
    )


async def test_a_declared_smoke_detector_opens_an_incident(world: World) -> None:
    await world.phone_channels()
    await detector(world)
    assert BANNER not in world.services.health.banners
    await world.hears("village 3/kitchens/k-1/state", {"alarm": "FIRE", "n": 2})
    await world.settle()
    incident = await world.incident()
    assert (incident["kind"], incident["severity"]) == ("smoke", "life_safety")
    assert incident["device_id"] == "smoke-1" and incident["confidence"] == "confirmed"
    assert world.calls_to(1)
    await world.hears("village 3/kitchens/k-1/state", {"alarm": "NONE", "n": 3})
    assert (await world.incident())["condition"] == "cleared"


async def test_a_file_broken_since_costs_only_its_own_devices_and_loses_nothing(
    world: World, folder: Path
) -> None:
    """After a restart with the broken file."""
    await detector(world)
    (folder / "smoke.toml").write_text(MAPPING.replace('"smoke"', '"smok"', 1), "utf-8")
    install_mappings(world.services)
    assert world.services.health.banners[BANNER] == f"{folder}/smoke.toml:10"
    await world.hears("village 3/kitchens/k-1/state", {"alarm": "FIRE", "n": 2})
    incident = await world.incident()
    assert (incident["kind"], incident["severity"]) == ("unreadable", "life_safety")
    assert (incident["device_id"], incident["confidence"]) == ("smoke-1", "unconfirmed")
    other = await world.elder("王演示")
    await world.button(other)
    await world.press()
    assert {one["kind"] for one in await world.incidents()} == {"unreadable", "sos"}
    (folder / "smoke.toml").write_text(MAPPING, "utf-8")
    install_mappings(world.services)
    assert BANNER not in world.services.health.banners
    await world.hears("village 3/kitchens/k-1/state", {"alarm": "FIRE", "n": 4})
    assert "smoke" in {one["kind"] for one in await world.incidents()}


PUSHED = """\
name = "acme-push"
title_zh = "推送"
title_en = "Pushed"
adapter = "push"
device = "$.sn"

[[fields]]
path = "$.alarm"
values = { "1" = "smoke", "0" = "smoke_clear" }

[[samples]]
payload = '{"sn": "p-1", "alarm": 1}'
means = ["smoke"]
"""


async def test_a_platform_may_push_to_a_declared_family(world: World, folder: Path) -> None:
    (folder / "push.toml").write_text(PUSHED, "utf-8")
    install_mappings(world.services)
    source = await world.admin.post("sources", {"name": "云", "family": "acme-push"})
    elder = await world.elder()
    await world.admin.post(
        "devices",
        {
            "id": "smoke-2",
            "family": "acme-push",
            "source_id": source["id"],
            "child_id": "p-1",
            "role": "smoke_detector",
            "elder_id": elder["id"],
        },
    )
    url = f"/api/v1/push/acme-push?token={source['push']['token']}"
    answer = await world.admin.client.post(url, json={"sn": "p-1", "alarm": 1})
    assert answer.status_code == 200
    incident = await world.incident()
    assert (incident["kind"], incident["device_id"]) == ("smoke", "smoke-2")
