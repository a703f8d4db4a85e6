"""Installation: one press is the test, every other one is an alarm; a drill; nothing is hidden."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from alerting.handling import testing
from alerting.stream import write_hints
from alerting.tables import EventRow, Notice
from care.tables import DeviceTest
from core.db import Database
from core.services import Services
from devices.event import Message
from gateway.pipeline import Pipeline
from gateway.routes import NativeRouter
from gateway.watcher import Watcher
from simulators.fake_phone import Rule
from tests.support.world import World, contact_phone, kinds

TESTER_PHONE = "+8613811112222"


async def installer(world: World, name: str = "安装员") -> Any:
    await world.phone_channels()
    return await world.sign_in("fitter", name=name, phone=TESTER_PHONE)


async def smoke_detector(world: World, ident: str = "smoke-1", **fields: Any) -> str:
    if not fields:
        fields = {"home_id": (await world.elder())["home_id"]}
    await world.device(ident, "smoke_detector", **fields)
    return ident


async def window(world: World, device: str, by: Any = None, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = await (by or world.admin).post(f"devices/{device}/tests", body)
    world.clock.advance(seconds=5)
    return made


async def latest(world: World, device: str) -> dict[str, Any]:
    found: dict[str, Any] = (await world.admin.get(f"devices/{device}/tests"))["items"][0]
    return found


async def story(world: World, device: str) -> list[str]:
    entries = (await world.admin.get(f"devices/{device}/log", limit=50))["items"]
    return [entry["kind"] for entry in reversed(entries)]


def drills(world: World) -> list[str]:
    return [one.text for one in world.phone.messages(to=TESTER_PHONE)]


# ── the press ─────────────────────────────────────────────────────────────────────────────────


async def test_the_press_is_the_test_and_the_testers_phone_rings_as_a_drill(world: World) -> None:
    fitter = await installer(world)
    button = await world.button(await world.elder())
    assert (await world.admin.get("devices/btn-1"))["in_service_at"] is None
    opened = await window(world, button, fitter)
    assert (opened["kind"], opened["result"], opened["user_id"]) == ("sos", "waiting", fitter.id)
    await world.press(button, ident="p1")

    assert await world.incidents() == []
    [text] = drills(world)
    assert "演练" in text and "不是报警" in text
    assert [one.kind for one in world.phone.messages(to=TESTER_PHONE)] == ["call"]
    assert world.calls_to(1) == world.sms_to(1) == []
    assert ("anju/v1/btn-1/ack", {"id": "p1", "accepted": True}) in world.acks
    test = await latest(world, button)
    assert (test["result"], test["data"]["said"]) == ("passed", "sos")
    assert test["consumed_at"] == test["ended_at"]
    device = await world.admin.get("devices/btn-1")
    assert device["in_service_at"] == device["tested_at"] == test["consumed_at"]
    assert await story(world, button) == ["enrolled", "test_opened", "test_passed"]
    async with world.services.db.reading() as session:
        row = (await session.scalars(select(EventRow).where(EventRow.kind == "sos"))).one()
        assert row.data["installation_test"] == test["id"] and row.incident_id is None
        drill = await session.get_one(Notice, test["notice_id"])
        assert (drill.incident_id, drill.type) == (None, "test.drill")


async def test_the_same_press_repeated_is_the_same_and_the_next_one_is_an_alarm(
    world: World,
) -> None:
    button = await world.button(await world.elder())
    await window(world, button)
    await world.press(button, ident="p1")
    await world.press(button, ident="p1")  # the device did not hear its ack
    assert await world.incidents() == []
    await world.press(button, ident="p2")
    assert (await world.incident())["kind"] == "sos"
    assert (await latest(world, button))["result"] == "passed"


async def test_of_two_presses_in_one_batch_one_is_the_test(world: World) -> None:
    button = await world.button(await world.elder())
    await window(world, button)
    batch = [
        Message(
            topic="anju/v1/btn-1/event",
            payload=b'{"id": "%d", "kind": "sos"}' % number,
            received_at=world.clock.now(),
        )
        for number in range(2)
    ]
    await world.hear_all(batch, "urgent")
    assert (await world.incident())["findings"] == 1
    assert (await latest(world, button))["result"] == "passed"


async def test_any_other_alarm_is_actual_while_a_window_is_open(world: World) -> None:
    grandma = await world.elder()
    await smoke_detector(world, "smoke-1", home_id=grandma["home_id"])
    await smoke_detector(world, "smoke-2", home_id=grandma["home_id"])
    await window(world, "smoke-1")
    await world.event("smoke-1", "gas")  # another kind
    await world.event("smoke-2", "smoke")  # another device, in service no more than this one
    assert {one["kind"] for one in await world.incidents()} == {"gas", "smoke"}
    assert all(one["mode"] == "actual" for one in await world.incidents())
    test = await latest(world, "smoke-1")
    assert (test["result"], test["data"]["other"]["why"]) == ("waiting", "other_kind")
    await world.event("smoke-1", "smoke")
    assert (await latest(world, "smoke-1"))["result"] == "passed"
    assert (await world.incident(kind="smoke"))["findings"] == 1, "the test joined no alarm"


async def test_a_device_that_is_not_yet_in_service_alarms(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button)
    assert (await world.incident())["mode"] == "actual"


async def test_a_press_from_before_is_actual(world: World) -> None:
    button = await world.button(await world.elder())
    early = world.clock.now() - timedelta(seconds=1)
    await window(world, button)
    await world.press(button, at=early.isoformat())
    assert (await world.incident())["kind"] == "sos"
    test = await latest(world, button)
    assert (test["result"], test["data"]["other"]["why"]) == ("waiting", "before")


async def test_a_press_received_before_and_handled_within_is_actual(world: World) -> None:
    button = await world.button(await world.elder())
    early = world.clock.now() - timedelta(seconds=1)
    await window(world, button)
    payload = b'{"id": "1", "kind": "sos"}'
    message = Message(topic="anju/v1/btn-1/event", payload=payload, received_at=early)
    await world.hear_all([message], "urgent")
    assert (await world.incident())["kind"] == "sos"


async def test_a_press_from_the_brokers_memory_is_actual(world: World) -> None:
    button = await world.button(await world.elder())
    await window(world, button)
    payload = {"id": "1", "kind": "sos"}
    await world.hears("anju/v1/btn-1/event", payload, retained=True)
    assert (await world.incident())["kind"] == "sos"
    assert (await latest(world, button))["data"]["other"]["why"] == "retained"


async def test_a_press_after_the_window_is_actual_whether_swept_or_not(world: World) -> None:
    elder = await world.elder()
    for ident, swept in (("btn-1", False), ("btn-2", True)):
        await world.device(ident, "sos_button", elder_id=elder["id"])
        await window(world, ident)
        world.clock.advance(minutes=15)
        if swept:
            await world.anju.watcher.end_tests()
        assert (await latest(world, ident))["result"] == "expired"
        handled = await world.press(ident)
        assert handled.incidents
    await world.anju.watcher.end_tests()
    for ident in ("btn-1", "btn-2"):
        assert (await story(world, ident)).count("test_expired") == 1
        assert (await world.admin.get(f"devices/{ident}"))["in_service_at"] is None


async def test_an_unreadable_message_within_the_window_is_actual(world: World) -> None:
    button = await world.button(await world.elder())
    await window(world, button)
    await world.hears("anju/v1/btn-1/event", b"{broken")
    assert (await world.incident())["kind"] == "unreadable"


# ── levels ────────────────────────────────────────────────────────────────────────────────────


async def test_smoke_that_ends_is_the_test_and_the_next_smoke_is_a_fire(world: World) -> None:
    device = await smoke_detector(world)
    await window(world, device)
    await world.event(device, "smoke")
    world.clock.advance(seconds=20)
    await world.event(device, "smoke")  # said again, as bridges do
    assert await world.incidents() == []
    test = await latest(world, device)
    assert test["result"] == "passed" and test["ended_at"] is None
    await world.event(device, "smoke_clear")
    assert (await latest(world, device))["ended_at"] is not None
    await world.event(device, "smoke")
    assert (await world.incident())["kind"] == "smoke"


async def test_smoke_that_stays_on_becomes_an_alarm_by_itself(world: World) -> None:
    device = await smoke_detector(world)
    await window(world, device)
    await world.event(device, "smoke")
    world.clock.advance(seconds=119)
    await world.anju.watcher.end_tests()
    assert await world.incidents() == []
    world.clock.advance(seconds=1)
    await world.anju.watcher.end_tests()
    incident = await world.incident()
    assert (incident["kind"], incident["mode"], incident["stage"]) == ("smoke", "actual", "open")
    assert kinds(incident)[0] == "opened"
    assert (await story(world, device))[-1] == "test_level_stayed"
    await world.anju.watcher.end_tests()
    assert (await world.incident())["findings"] == 1


async def test_smoke_said_again_after_two_minutes_does_not_wait_for_the_sweep(
    world: World,
) -> None:
    device = await smoke_detector(world)
    await window(world, device)
    await world.event(device, "smoke")
    world.clock.advance(minutes=2)
    await world.event(device, "smoke")
    assert (await world.incident())["kind"] == "smoke"
    await world.anju.watcher.end_tests()
    assert (await world.incident())["findings"] == 1


async def test_smoke_that_grows_denser_during_the_test_is_a_fire(world: World) -> None:
    device = await smoke_detector(world)
    await window(world, device)
    await world.event(device, "smoke")
    await world.reads(device, 1.0, "smoke_density", "%/m")
    assert await world.incidents() == []
    world.clock.advance(seconds=30)
    await world.reads(device, 9.0, "smoke_density", "%/m")
    assert (await world.incident())["kind"] == "smoke"


async def test_smoke_that_was_on_before_is_no_press(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    await window(world, device)
    await world.event(device, "smoke")
    test = await latest(world, device)
    assert (test["result"], test["data"]["other"]["why"]) == ("waiting", "already_on")
    assert (await world.incident())["stage"] == "open"


async def test_a_detector_that_says_test_passes_too(world: World) -> None:
    device = await smoke_detector(world)
    await window(world, device)
    await world.event(device, "test")
    test = await latest(world, device)
    assert (test["result"], test["data"]["said"]) == ("passed", "test")
    assert test["ended_at"] is not None
    await world.event(device, "smoke")
    assert (await world.incident())["kind"] == "smoke"


# ── Zigbee ────────────────────────────────────────────────────────────────────────────────────


async def bridge(world: World, *children: str, role: str = "smoke_detector") -> None:
    elder = await world.elder()
    source = await world.admin.post(
        "sources", {"name": "网关", "family": "zigbee2mqtt", "prefix": "zigbee2mqtt"}
    )
    for child in children:
        await world.admin.post(
            "devices",
            {"id": child, "family": "zigbee2mqtt", "source_id": source["id"], "child_id": child}
            | {"role": role, "elder_id": elder["id"]},
        )


async def test_one_zigbee_message_that_says_test_and_smoke_is_one_press(world: World) -> None:
    await bridge(world, "kitchen")
    await window(world, "kitchen")
    await world.hears("zigbee2mqtt/kitchen", {"smoke": True, "test": True, "battery": 90})
    assert await world.incidents() == []
    test = await latest(world, "kitchen")
    assert (test["result"], test["data"]["said"], test["ended_at"]) == ("passed", "smoke", None)
    await world.hears("zigbee2mqtt/kitchen", {"smoke": True, "test": False, "battery": 90})
    await world.hears("zigbee2mqtt/kitchen", {"smoke": False, "test": False, "battery": 90})
    assert await world.incidents() == []


async def test_a_press_that_is_told_twice_is_one_and_a_level_told_press_is_said_again(
    world: World,
) -> None:
    await bridge(world, "button", role="sos_button")
    await window(world, "button")
    await world.hears("zigbee2mqtt/button", {"action": "single"})
    await world.hears("zigbee2mqtt/button/action", b"single")
    assert await world.incidents() == []
    world.clock.advance(seconds=10)
    await window(world, "button")
    await world.hears("zigbee2mqtt/button", {"sos": True})
    world.clock.advance(seconds=10)
    await world.hears("zigbee2mqtt/button", {"sos": True, "battery": 80})
    assert await world.incidents() == []
    world.clock.advance(minutes=2)
    await world.hears("zigbee2mqtt/button", {"sos": True, "battery": 80})
    assert (await world.incident())["kind"] == "sos", "it stays on: no test lasts so long"


# ── meters, and what cannot be pressed ────────────────────────────────────────────────────────


async def test_a_meter_is_tested_by_its_next_reading(world: World) -> None:
    elder = await world.elder()
    await world.device("meter-1", "water_meter", home_id=elder["home_id"])
    await window(world, "meter-1")
    await world.reads("meter-1", 87, "battery_pct", "%")
    assert (await latest(world, "meter-1"))["result"] == "waiting"
    await world.reads("meter-1", 12.3, at=world.clock.now() - timedelta(hours=1))
    test = await latest(world, "meter-1")
    assert (test["result"], test["data"]["said"]) == ("passed", "water_total=12.3 m3")


async def test_what_cannot_be_pressed_is_put_in_service_by_hand(world: World) -> None:
    elder = await world.elder()
    await world.device("gw-1", "gateway", home_id=elder["home_id"])
    refused = await world.admin.post("devices/gw-1/tests", {}, 422)
    assert "by hand" in str(refused)
    device = await world.admin.post("devices/gw-1/put-in-service", {"reason": "指示灯正常"}, 200)
    assert device["in_service_at"] is not None and device["tested_at"] is None
    entry = (await world.admin.get("devices/gw-1/log"))["items"][0]
    assert (entry["kind"], entry["actor"], entry["data"]) == (
        "in_service",
        "管理员",
        {"text": "指示灯正常"},
    )
    await world.admin.post("devices/gw-1/put-in-service", {"reason": "again"}, 409)


async def test_a_kind_that_does_not_fit_the_role_is_refused(world: World) -> None:
    button = await world.button(await world.elder())
    await world.admin.post(f"devices/{button}/tests", {"kind": "smoke"}, 422)
    assert (await world.admin.get(f"devices/{button}/tests"))["items"] == []


# ── people ────────────────────────────────────────────────────────────────────────────────────


async def test_one_window_a_device_and_the_second_person_is_told_whose(world: World) -> None:
    fitter = await installer(world)
    button = await world.button(await world.elder())
    opened = await window(world, button, fitter)
    refused = await world.admin.post(f"devices/{button}/tests", {}, 409)
    assert refused["winner"] == "安装员" and opened["expires_at"][:19] in refused["detail"]
    await world.admin.post(f"devices/{button}/tests/{opened['id']}/cancel", None, 200)
    assert (await latest(world, button))["result"] == "cancelled"
    await fitter.post(f"devices/{button}/tests/{opened['id']}/cancel", None, 409)
    await world.press(button)
    assert (await world.incident())["kind"] == "sos", "a cancelled window takes no press"
    await window(world, button)


async def test_a_window_that_ran_out_makes_way_for_the_next(world: World) -> None:
    button = await world.button(await world.elder())
    await window(world, button)
    world.clock.advance(minutes=15)
    await window(world, button)
    assert await story(world, button) == ["enrolled", "test_opened", "test_expired", "test_opened"]


async def test_a_visitor_tests_the_devices_of_their_elders_and_of_nobody_else(
    world: World,
) -> None:
    visitor = await world.sign_in("chen", role="visitor")
    mine = await world.elder("李", responsible_visitor_id=visitor.id)
    await world.button(mine, "btn-1")
    await world.button(await world.elder("张"), "btn-2")
    await visitor.post("devices/btn-1/tests", {}, 201)
    for call in ("devices/btn-2/tests", "devices/btn-2/put-in-service"):
        body = {"reason": "x"} if call.endswith("service") else {}
        await visitor.post(call, body, 404)
    for call in ("tests", "log"):
        await visitor.expect(404, "GET", f"devices/btn-2/{call}")


async def test_another_visitor_may_not_cancel(world: World) -> None:
    first = await world.sign_in("chen", role="visitor")
    elder = await world.elder("李", responsible_visitor_id=first.id)
    button = await world.button(elder)
    opened = await window(world, button, first)
    second = await world.sign_in("zhou", role="visitor")
    change = {"responsible_visitor_id": second.id}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json=change)
    await second.post(f"devices/{button}/tests/{opened['id']}/cancel", None, 403)


async def test_the_contact_is_rung_only_where_it_was_asked_for(world: World) -> None:
    fitter = await installer(world)
    button = await world.button(await world.elder(contacts=2))
    await window(world, button, fitter, ring_contact=True)
    await world.press(button)
    [call] = world.calls_to(1)
    assert "演练" in call.text and "您关心的家人" in call.text
    assert world.phone.messages(to=contact_phone(2)) == []
    assert len(drills(world)) == 1


async def test_a_drill_is_told_in_the_testers_language(world: World) -> None:
    await world.phone_channels()
    fitter = await world.sign_in("fitter", phone=TESTER_PHONE, language="en")
    button = await world.button(await world.elder())
    await window(world, button, fitter)
    await world.press(button)
    [text] = drills(world)
    assert "drill" in text and "not an alarm" in text


async def test_a_drill_whose_call_fails_comes_as_a_message(world: World) -> None:
    fitter = await installer(world)
    world.phone.set_rule(TESTER_PHONE, Rule(permanent=True, times=1))
    button = await world.button(await world.elder())
    await window(world, button, fitter)
    await world.press(button)
    await world.settle()
    assert [one.kind for one in world.phone.messages(to=TESTER_PHONE) if one.kind == "sms"]


async def test_a_tester_without_a_phone_passes_and_is_told_that_nothing_rang(world: World) -> None:
    await world.phone_channels()
    button = await world.button(await world.elder())
    await window(world, button)  # the administrator has no number
    await world.press(button)
    test = await latest(world, button)
    assert (test["result"], test["notice_id"], test["data"]["silent"]) == (
        "passed",
        None,
        "no_phone",
    )


async def test_a_stale_drill_is_dropped(world: World) -> None:
    fitter = await installer(world)
    button = await world.button(await world.elder())
    await window(world, button, fitter)
    await world.event(button, "sos")  # nothing leaves: the sender is away
    world.clock.advance(minutes=16)
    await world.settle()
    assert drills(world) == []
    notice = await world.row(Notice, (await latest(world, button))["notice_id"])
    assert notice.state == "superseded"


async def test_a_key_pressed_on_a_drill_is_heard_and_acts_on_nothing(world: World) -> None:
    fitter = await installer(world)
    button = await world.button(await world.elder())
    await window(world, button, fitter)
    await world.press(button)
    [call] = world.phone.messages(to=TESTER_PHONE, kind="call")
    world.phone.answer(call.id, key="1")
    await world.settle()
    notice = await world.row(Notice, (await latest(world, button))["notice_id"])
    assert notice.state == "answered" and notice.answered_at is not None
    assert await world.incidents() == []


# ── another life, another process ─────────────────────────────────────────────────────────────


async def test_a_device_that_is_bound_anew_must_be_tested_anew(world: World) -> None:
    button = await world.button(await world.elder("李"))
    other = await world.elder("张")
    await window(world, button)
    await world.press(button)
    await window(world, button)
    change = {"elder_id": other["id"]}
    moved = await world.admin.expect(200, "PATCH", f"devices/{button}", json=change)
    assert (moved["in_service_at"], moved["tested_at"]) == (None, None)
    assert (await latest(world, button))["result"] == "cancelled"
    await world.press(button)
    assert (await world.incident())["elder_id"] == other["id"]


async def test_a_window_outlives_the_process_and_so_does_its_level(world: World) -> None:
    await smoke_detector(world)
    opened = await window(world, "smoke-1")
    async with another_process(world) as services:  # the first one was killed
        message = Message(
            topic="anju/v1/smoke-1/event",
            payload=b'{"id": "1", "kind": "smoke"}',
            received_at=world.clock.now(),
        )
        urgent = Pipeline(services, "urgent", NativeRouter(services.settings.zone))
        await urgent.handle([message])
    assert (await latest(world, "smoke-1"))["result"] == "passed"
    assert await world.incidents() == []
    world.clock.advance(minutes=30)  # and nobody ran all the while
    async with another_process(world) as services:
        await Watcher(services, {}).end_tests()
    assert (await world.incident())["kind"] == "smoke"
    assert (await world.row(DeviceTest, opened["id"])).ended_at == world.clock.now()


@asynccontextmanager
async def another_process(world: World) -> AsyncIterator[Services]:
    """Knows of the first one only what stands in the database."""
    database = Database(world.services.settings.database_url)
    database.on_hints(write_hints, lambda: None)
    yield Services(settings=world.services.settings, db=database, clock=world.clock)
    await database.close()


async def test_two_processes_cannot_use_up_one_window_twice(world: World) -> None:
    """What the second one reads before the first commits does not count."""
    button = await world.button(await world.elder())
    opened = await window(world, button)
    async with another_process(world) as other:
        async with other.db.reading() as session:
            stale = await session.get_one(DeviceTest, opened["id"])
        await world.press(button)
        async with other.db.transaction() as session:
            session.add(stale)
            now = world.clock.now()
            assert not await testing.consume(session, stale, button, now, {})
    assert (await story(world, button)).count("test_passed") == 1
