"""Lists page by page: every item once, also while others are added."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from care.model import UserRole
from care.tables import Elder, Supervision
from tests.api.catalogue import LISTS, WRITES
from tests.api.town import Town, build
from tests.support.api import Caller, World


async def all_pages(caller: Caller, path: str, limit: int, **filters: Any) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await caller.read(path, limit=limit, **filters, **cursor)
        assert len(page["items"]) <= limit
        found.extend(one["id"] for one in page["items"])
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_every_item_comes_once_whatever_the_limit(admin: Caller, world: World) -> None:
    """Seven areas, of which four were made in the same instant."""
    made = []
    for number in range(7):
        made.append((await admin.made("areas", {"name": f"村{number}", "level": "village"}))["id"])
        if number > 2:
            world.clock.advance(seconds=1)
    for limit in (1, 2, 3, 7, 500):
        found = await all_pages(admin, "areas", limit)
        assert sorted(found) == sorted(made)
        assert found[4:] == made[4:]


async def test_what_is_added_while_paging_shifts_nothing(admin: Caller, world: World) -> None:
    """Incidents come latest first, so a new one stands before the page that is being read."""
    homes = [await admin.made("homes", {"address": f"{number} 号"}) for number in range(6)]
    for number, home in enumerate(homes):
        await admin.made("devices", native(f"btn-{number}") | {"home_id": home["id"]})
    pressed = []
    for number in range(5):
        pressed.append(await world.press(f"btn-{number}"))
        world.clock.advance(seconds=5)
    first = await admin.read("incidents", limit=2)
    newest = await world.press("btn-5")
    rest = await admin.read("incidents", limit=50, cursor=first["next_cursor"])
    seen = [one["id"] for one in first["items"] + rest["items"]]
    assert seen == pressed[::-1]
    assert (await admin.read("incidents", limit=1))["items"][0]["id"] == newest


def native(ident: str) -> dict[str, str]:
    return {"id": ident, "family": "native", "role": "sos_button"}


async def test_a_full_last_page_says_that_it_is_the_last(admin: Caller) -> None:
    for number in range(4):
        await admin.made("areas", {"name": f"村{number}", "level": "village"})
    first = await admin.read("areas", limit=2)
    last = await admin.read("areas", limit=2, cursor=first["next_cursor"])
    assert len(last["items"]) == 2
    assert last["next_cursor"] is None


@pytest.mark.parametrize("limit", ["0", "-1", "501", "many", "1.5"])
async def test_a_limit_beyond_bounds_is_refused(admin: Caller, limit: str) -> None:
    assert (await admin.get("areas", limit=limit)).status_code == 422


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "é",
        "=",
        forged(),
        forged("areas"),
        forged("areas", "x", "y"),
        forged("areas", 1.5, "y"),
        forged("areas", True, "y"),
        forged("areas", 10**30, "y"),
        forged("areas", 2**62, "y"),
        forged("areas", 1, None),
        forged("areas", 1, "a\0b"),
        forged("areas", 1, "\ud800"),
        forged("homes", 1, "y"),
        base64.urlsafe_b64encode(b"[" * 700).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
async def test_a_cursor_that_no_list_gave_out_is_refused(admin: Caller, cursor: str) -> None:
    answer = await admin.get("areas", cursor=cursor)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "cursor"


async def several_of_everything(world: World) -> Town:
    """Three more of whatever a list shows, made in the same instant."""
    town = await build(world)
    for number in range(3):
        for write in WRITES:
            if write.path.count("{") == 0 and write.method == "POST" and not write.slow:
                await town.admin.post(town.path(write.path), write.body(town))
        await world.sign_in(UserRole.VISITOR, name=f"visitor {number}")
        await town.admin.made(town.path("elders/{elder_id}/contacts"), {"name": f"邻居{number}"})
        status = {"status": "away", "status_text": f"第 {number} 次"}
        assert (await town.admin.patch(town.path("elders/{elder_id}"), status)).is_success
        test = await town.admin.made(town.path("devices/{device_id}/tests"), {})
        await town.admin.post(town.path(f"devices/{{device_id}}/tests/{test['id']}/cancel"))
        await town.admin.made(town.path("devices/{device_id}/commands"), {"command": "identify"})
        await world.press(f"stranger-{number}")
        await world.hears(f"anju/v1/stranger-{number}/event", b"{oops")
        reading = {"register": "power", "value": number, "unit": "W"}
        later = {
            "register": "voltage",
            "value": 220,
            "unit": "V",
            "at": f"2026-03-01T00:0{number}Z",
        }
        await world.hears("anju/v1/btn-1/telemetry", {"readings": [reading, later]}, lane="bulk")
    await leave_everybody_unwatched(world)
    return town


async def leave_everybody_unwatched(world: World) -> None:
    """What would take devices that worked, and a day of silence."""
    async with world.db.transaction() as session:
        elders = (await session.scalars(select(Elder.id))).all()
        known = set(await session.scalars(select(Supervision.elder_id)))
        since = world.clock.now()
        session.add_all(
            Supervision(elder_id=one, since=since, data={"hours": 24, "extreme": None, "lost": []})
            for one in elders
            if one not in known
        )


async def test_every_list_gives_every_item_once_and_refuses_other_lists_cursors(
    world: World,
) -> None:
    town = await several_of_everything(world)
    for listed in (*LISTS, "readings?device_id=btn-1"):
        path = town.path(listed)
        whole = (await town.admin.read(path))["items"]
        assert len(whole) >= 3, listed
        for limit in (1, 2):
            found: list[Any] = []
            cursor: dict[str, str] = {}
            while True:
                page = await fetched(town.admin, path, limit=limit, **cursor)
                found += page["items"]
                if page["next_cursor"] is None:
                    break
                assert len(page["items"]) == limit, listed
                cursor = {"cursor": page["next_cursor"]}
            assert found == whole, listed
    await lists_keep_to_their_bounds_and_their_own_cursors(town)


async def fetched(caller: Caller, path: str, **params: Any) -> dict[str, Any]:
    joint = "&" if "?" in path else "?"
    return await caller.read(path + joint + urlencode(params))


async def lists_keep_to_their_bounds_and_their_own_cursors(town: Town) -> None:
    areas, homes = [
        (await town.admin.read(one, limit=1))["next_cursor"] for one in ("areas", "homes")
    ]
    for listed in (*LISTS, "readings?device_id=btn-1"):
        joint = "&" if "?" in listed else "?"
        path = town.path(listed) + joint
        for limit, status in ((500, 200), (501, 422), (0, 422), (-1, 422), ("", 422)):
            answer = await town.admin.get(f"{path}limit={limit}")
            assert answer.status_code == status, (listed, limit)
        foreign = homes if listed == "areas" else areas
        answer = await town.admin.get(f"{path}cursor={foreign}")
        assert answer.status_code == 422, listed
        assert answer.json()["errors"][0]["field"] == "cursor"


async def test_a_page_has_fifty_items_unless_asked_otherwise(world: World) -> None:
    admin = await world.admin()
    for number in range(51):
        await admin.made("areas", {"name": f"村{number}", "level": "village"})
    page = await admin.read("areas")
    assert len(page["items"]) == 50
    assert len((await admin.read("areas", cursor=page["next_cursor"]))["items"]) == 1
