"""The watch list on the real app: a home nears its limit, stands first, and then it alarms."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

from alerting.tables import Check, DeviceStateRow
from care.tables import Elder
from tests.detection.test_adaptive import Home
from tests.stories.test_quiet_home import known_home, stands_still
from tests.support.world import Caller, World


async def listed(caller: Caller, show: str = "near", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = await caller.get("watch", show=show, **more)
    return found


async def home_that_is_heard(world: World) -> tuple[dict[str, Any], Home]:
    grandma, past = await known_home(world)
    world.clock.advance(minutes=10)
    await world.reads("water-1", past.litres / 1000)
    return grandma, past


async def another_home(world: World, ident: str, **fields: Any) -> dict[str, Any]:
    """A home under the city's rule whose water ran a moment ago."""
    elder = await world.elder(f"邻居{ident}", address=f"演示路 {ident} 号", **fields)
    await world.device(f"water-{ident}", "water_meter", home_id=elder["home_id"])
    for litres in (100, 150):
        await world.reads(f"water-{ident}", litres / 1000)
        world.clock.advance(minutes=5)
    return elder


async def test_a_home_nears_its_limit_stands_first_and_then_alarms(world: World) -> None:
    grandma, past = await home_that_is_heard(world)
    await another_home(world, "2")
    page = await listed(world.admin)
    assert page["counts"]["soon"] == 0, "nobody is near yet"
    assert {one["device_id"] for one in page["items"]} == {"water-1", "water-2"}
    hours = 0
    while not await world.incidents(kind="no_water_use"):
        first = (await listed(world.admin))["items"][0]
        assert (first["device_id"], first["incident_id"]) == ("water-1", None) or hours < 2
        await stands_still(world, past, 1)
        hours += 1
    page = await listed(world.admin)
    first = page["items"][0]
    incident = await world.incident()
    assert (first["incident_id"], first["marks"][0]["found"]) == (incident["id"], True)
    assert first["elders"] == [{"id": grandma["id"], "name": grandma["name"]}]
    assert page["counts"]["soon"] == 1
    assert (first["grade"], first["learning_day"]) == ("fine", None)
    used = await world.reads("water-1", past.litres / 1000 + 0.02)
    assert used is not None
    assert (await listed(world.admin))["items"][-1]["device_id"] in ("water-1", "water-2")


async def test_a_word_of_life_is_not_called_a_use_of_water(world: World) -> None:
    _, past = await home_that_is_heard(world)
    while not await world.incidents(kind="no_water_use"):
        await stands_still(world, past, 1)
    case = await world.incident()
    await world.act("acknowledge", case)
    await world.act("outcome", case, {"outcome": "assisted", "reason": "扶起，无恙"})
    well_at = world.clock.now().replace(microsecond=0)
    await stands_still(world, past, 1)
    (row,) = (await listed(world.admin))["items"]
    assert (row["last_use_at"], row["marks"][0]["found"]) == (None, False)
    assert datetime.fromisoformat(row["restarted_at"]) == well_at


async def test_every_home_that_is_not_watched_says_why(world: World) -> None:
    await home_that_is_heard(world)
    await another_home(world, "2")
    off = await another_home(world, "3")
    rules = {"no_water_use": {"preset": "off"}}
    await world.admin.expect(200, "PATCH", "devices/water-3", json={"rules": rules})
    lone = await world.elder("无表老人")
    away = await another_home(world, "4")
    until = world.clock.now() + timedelta(days=3)
    async with world.services.db.transaction() as session:
        elder = await session.get_one(Elder, away["id"])
        elder.status, elder.status_review_at = "hospital", until
        row = await session.get_one(DeviceStateRow, "water-2")
        row.silent_after = world.clock.now() - timedelta(minutes=1)
    counts = (await listed(world.admin))["counts"]
    assert counts == {"near": 1, "soon": 0, "silent": 1, "learning": 0, "unable": 2, "away": 1}
    unable = (await listed(world.admin, "unable"))["items"]
    assert [(one["why"], one["elders"][0]["id"]) for one in unable] == [
        ("no_meter", lone["id"]),
        ("off", off["id"]),
    ]
    (silent,) = (await listed(world.admin, "silent"))["items"]
    assert (silent["device_id"], silent["why"]) == ("water-2", "silent")
    (paused,) = (await listed(world.admin, "away"))["items"]
    assert (paused["why"], paused["state"]) == ("hospital", "away")
    assert paused["until"] == until.isoformat().replace("+00:00", "Z")


async def test_the_list_is_cut_to_the_reader_s_area_and_searched(world: World) -> None:
    near, far = [
        (await world.admin.post("areas", {"name": name, "level": "village"}))["id"]
        for name in ("东村", "西村")
    ]
    await another_home(world, "2", area_id=near)
    await another_home(world, "3", area_id=far)
    officer = await world.sign_in("zhao", area_id=near)
    assert [one["device_id"] for one in (await listed(officer))["items"]] == ["water-2"]
    assert len((await listed(world.admin))["items"]) == 2
    for more in ({"area_id": far}, {"q": "邻居3"}, {"q": "路 3 号"}, {"q": "water-3"}):
        found = await listed(world.admin, **more)
        assert [one["device_id"] for one in found["items"]] == ["water-3"], more
        assert found["counts"]["near"] == 1


async def test_a_row_says_that_somebody_is_being_asked(world: World) -> None:
    await another_home(world, "2")
    now = world.clock.now()
    async with world.services.db.transaction() as session:
        session.add(
            Check(
                id="check-1",
                purpose="wellbeing",
                kind="no_water_use",
                subject="home:x",
                state="asking",
                device_id="water-2",
                opened_at=now,
                due_at=now + timedelta(minutes=10),
            )
        )
    (row,) = (await listed(world.admin))["items"]
    assert row["asking"] is True
    assert row["check"]["check_id"] == "check-1"
    until = datetime.fromisoformat(row["check"]["until"])
    assert until == now + timedelta(minutes=10)


async def test_the_pages_of_the_list_are_the_list(world: World) -> None:
    for number in range(5):
        await another_home(world, str(number))
    whole = (await listed(world.admin))["items"]
    found: list[Any] = []
    more: dict[str, Any] = {}
    while True:
        page = await listed(world.admin, limit=2, **more)
        found += page["items"]
        if page["next_cursor"] is None:
            break
        more = {"cursor": page["next_cursor"]}
    assert [one["device_id"] for one in found] == [one["device_id"] for one in whole]
    refused = await world.admin.call("GET", "watch", params=more | {"show": "silent"})
    assert refused.status_code == 422


async def test_the_export_runs_nothing(world: World) -> None:
    await another_home(world, "2")
    await world.elder("=HYPERLINK(1)")
    page = await world.admin.client.get(
        "/watch/export.csv?show=unable", cookies={"anju_session": world.admin.token}
    )
    assert page.status_code == 200
    assert page.content.startswith("\ufeff".encode())
    rows = list(csv.reader(io.StringIO(page.content.decode("utf-8-sig"))))
    assert rows[0][:2] == ["设备编号", "老人"]
    assert "'=HYPERLINK(1)" in rows[1]
    assert len({len(row) for row in rows}) == 1
