"""Seeding over REST, against the real app."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from simulators.anju_client import AnjuClient, ApiError
from simulators.homes import demo_town
from simulators.seed import PhoneAccess, Seeded, seed
from simulators.town import Town
from tests.support.clock import ManualClock
from tests.support.world import PASSWORD, PHONE_SECRET, World, open_world

PHONE = PhoneAccess(url="http://phone.test", secret=PHONE_SECRET)


@pytest.fixture(scope="module")
def whole_town() -> Town:
    return demo_town()


@pytest.fixture(scope="module")
def town(whole_town: Town) -> Town:
    """Four homes with one of everything: a fall detector, a couple, devices behind the bridge."""
    return replace(whole_town, homes=tuple(whole_town.homes[n - 1] for n in (1, 3, 9, 26)))


@pytest.fixture
async def world(sqlite_file: Path, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    shutil.copy(sqlite_file, tmp_path / "anju.db")
    async with open_world(f"sqlite+aiosqlite:///{tmp_path / 'anju.db'}", clock) as opened:
        yield opened


class Unreliable(httpx.AsyncBaseTransport):
    """The real app behind a network that goes away after so many requests."""

    def __init__(self, world: World, requests: int) -> None:
        self._app, self._left = httpx.ASGITransport(world.anju.app), requests

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left < 0:
            raise httpx.ConnectError("the network is down")
        return await self._app.handle_async_request(request)


async def seed_into(
    world: World, town: Town, *, requests: int = 10_000, phone: PhoneAccess = PHONE
) -> Seeded:
    async with AnjuClient("http://anju.test", transport=Unreliable(world, requests)) as client:
        await client.sign_in("admin", PASSWORD)
        passwords = {user.username: PASSWORD for user in town.users}
        return await seed(client, town, passwords=passwords, phone=phone, now=world.clock.now())


async def test_the_whole_town_is_there_afterwards(world: World, whole_town: Town) -> None:
    town = whole_town
    await seed_into(world, town)
    homes = (await world.admin.get("homes", limit=500))["items"]
    elders = (await world.admin.get("elders", limit=500))["items"]
    devices = (await world.admin.get("devices", limit=500))["items"]
    assert len(homes) == 40
    assert {elder["name"] for elder in elders} == {
        elder.name for home in town.homes for elder in home.elders
    }
    assert Counter(device["role"] for device in devices) == Counter(
        device.role for home in town.homes for device in home.devices
    )
    by_home = Counter(elder["home_id"] for elder in elders)
    assert sorted(by_home.values())[-3:] == [2, 2, 2]  # three couples
    assert all(device["home_id"] in by_home for device in devices)
    assert all(
        (device["elder_id"] is not None) == (device["role"] in ("sos_button", "fall_detector"))
        for device in devices
    )


async def test_everybody_can_sign_in_and_sees_whom_they_care_for(world: World, town: Town) -> None:
    await seed_into(world, town)
    seen: dict[str, int] = {}
    for user in town.users:
        transport = httpx.ASGITransport(world.anju.app)
        async with AnjuClient("http://anju.test", transport=transport) as client:
            await client.sign_in(user.username, PASSWORD)
            seen[user.username] = len(await client.all("elders"))
    assert seen == {"duty": 5, "supervisor": 5, "visitor1": 4, "visitor2": 0, "visitor3": 1}


async def test_seeding_again_changes_nothing(world: World, town: Town) -> None:
    first = await seed_into(world, town)
    again = await seed_into(world, town)
    assert first.found == 0
    assert (again.created, again.found) == (0, first.created)


@pytest.mark.parametrize("requests", [3, 15, 25, 40])
async def test_seeding_that_broke_off_is_finished_the_next_time(
    world: World, town: Town, requests: int
) -> None:
    with pytest.raises(httpx.ConnectError):
        await seed_into(world, town, requests=requests)
    second = await seed_into(world, town)
    assert second.found > 0
    third = await seed_into(world, town)
    assert (third.created, third.found) == (0, second.created + second.found)


async def test_a_press_in_the_seeded_town_rings_its_contacts(world: World, town: Town) -> None:
    await seed_into(world, town)
    await world.press("demo-sos-01")
    incident = await world.incident(kind="sos")
    elder = await world.admin.get(f"elders/{incident['elder_id']}")
    assert elder["name"] == town.homes[0].elders[0].name
    first, second = town.homes[0].elders[0].contacts
    assert world.phone.messages(to=first.phone)
    assert world.phone.messages(to=second.phone)
    on_call = next(user for user in town.users if user.role == "duty_officer")
    assert world.phone.messages(to=on_call.phone, kind="call")  # nobody sits at the desk


async def test_the_telephones_may_move_between_two_runs(world: World, town: Town) -> None:
    await seed_into(world, town)
    moved = PhoneAccess(url="http://phone.test:8026", secret=PHONE_SECRET)
    again = await seed_into(world, town, phone=moved)
    assert again.created == 0
    channels = (await world.admin.get("channels"))["items"]
    assert {
        channel["url"].rstrip("/") for channel in channels if channel["kind"] != "operator"
    } == {"http://phone.test:8026"}


async def test_a_client_whose_token_ran_out_signs_in_again(world: World, town: Town) -> None:
    transport = httpx.ASGITransport(world.anju.app)
    async with AnjuClient("http://anju.test", transport=transport) as client:
        await client.sign_in("admin", PASSWORD)
        world.clock.advance(hours=13)
        assert await client.all("areas") == []


async def test_a_refusal_names_the_call_and_the_reason(world: World) -> None:
    transport = httpx.ASGITransport(world.anju.app)
    async with AnjuClient("http://anju.test", transport=transport) as client:
        with pytest.raises(ApiError, match="POST /api/v1/token: 401") as caught:
            await client.sign_in("admin", "wrong password")
    assert caught.value.status == 401
