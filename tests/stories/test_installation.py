"""Installation: one press is the test, every other one is an alarm; a drill; nothing is hidden."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from alerting.fleet import testing
from alerting.stream import write_hints
from alerting.tables import EventRow, Notice
from care.tables import DeviceTest
from core.db import Database
from core.services import Services
from devices.event import Message
from gateway.pipeline import Pipeline
from gateway.routes import NativeRouter
from gateway.watcher import Watcher
from simulators.phone_messages import Rule
from tests.support.world import World, contact_phone

TESTER_PHONE = "+8613811112222"


async def installer(world: World, name: str = "安装员") -> Any:
    await world.phone_channels()
    return await world.sign_in("fitter", name=name, phone=TESTER_PHONE)


async def smoke_detector(world: World, ident: str = "smoke-1") -> str:
    """In a home of its own."""
    await world.device(ident, "smoke_detector", home_id=(await world.elder(ident))["home_id"])
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


async def alarms(world: World, device: str) -> list[str]:
    return [one["kind"] for one in await world.incidents(limit=100) if one["device_id"] == device]


def sos(device: str, ident: str, at: datetime) -> Message:
    payload = b'{"id": "%s", "kind": "sos"}' % ident.encode()
    return Message(topic=f"anju/v1/{device}/event", payload=payload, received_at=at)


def drills(world: World) -> list[str]:
    return [one.text for one in world.phone.messages(to=TESTER_PHONE)]


# ── the press ─────────────────────────────────────────────────────────────────────────────────


async def test_the_press_is_the_test_and_the_testers_phone_rings_as_a_drill(world: World) -> None:
    fitter = await installer(world)
    button = await world.button(await world.elder())
    assert (await world.admin.get("devices/btn-1"))["in_service_at"] is None
    opened = await window(world, button, fitter)
    assert (opened["kind"], opened["result"], opened["user_id"]) == ("sos", "waiting", fitter.id)
    for _ in range(2):  # the device did not hear its first ack
        await world.press(button, ident="p1")
        assert world.acks[-1] == ("anju/v1/btn-1/ack", {"id": "p1", "accepted": True})

    assert await world.incidents() == []
    [text] = drills(world)
    assert "演练" in text and "不是报警" in text
    assert [one.kind for one in world.phone.messages(to=TESTER_PHONE)] == ["call"]
    assert world.calls_to(1) == world.sms_to(1) == []
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

    await world.press(button, ident="p2")
    assert (await world.incident())["mode"] == "actual"
    assert (await latest(world, button))["consumed_at"] == test["consumed_at"]


async def test_of_two_presses_in_one_batch_one_is_the_test(world: World) -> None:
    button = await world.button(await world.elder())
    await window(world, button)
    batch = [sos(button, ident, world.clock.now()) for ident in ("1", "2")]
    await world.hear_all(batch, "urgent")
    assert (await world.incident())["findings"] == 1
    assert (await latest(world, button))["result"] == "passed"


async def test_every_other_alarm_is_actual_while_a_window_is_open(world: World) -> None:
    grandma = await world.elder()
    for ident in ("smoke-1", "smoke-2"):
        await world.device(ident, "smoke_detector", home_id=grandma["home_id"])
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

    for ident in ("late", "memory", "batch", "broken"):
        await world.button(await world.elder(ident), ident)
        await window(world, ident)
    early = world.clock.now() - timedelta(minutes=1)
    await world.press("late", at=early.isoformat())
    await world.hears("anju/v1/memory/event", {"id": "1", "kind": "sos"}, retained=True)
    await world.hear_all([sos("batch", "1", early)], "urgent")  # received before, handled within
    await world.hears("anju/v1/broken/event", b"{broken")
    for ident, why in (("late", "before"), ("memory", "retained"), ("batch", "before")):
        assert await alarms(world, ident) == ["sos"], ident
        test = await latest(world, ident)
        assert (test["result"], test["data"]["other"]["why"]) == ("waiting", why)
    assert await alarms(world, "broken") == ["unreadable"]


async def test_a_window_that_ran_out_hides_nothing_whether_it_was_swept_or_not(
    world: World,
) -> None:
    for ident, swept in (("btn-1", False), ("btn-2", True)):
        await world.button(await world.elder(ident), ident)
        await window(world, ident)
        world.clock.advance(minutes=15)
        if swept:
            await world.anju.watcher.end_tests()
        assert (await latest(world, ident))["result"] == "expired"
        await world.press(ident)
        assert await alarms(world, ident) == ["sos"]
        assert (await world.admin.get(f"devices/{ident}"))["in_service_at"] is None
    await world.anju.watcher.end_tests()
    assert await story(world, "btn-1") == ["enrolled", "test_opened", "test_expired"]
    await window(world, "btn-1")
    world.clock.advance(minutes=15)
    await window(world, "btn-1")  # the one before makes way, swept or not
    assert (await story(world, "btn-1"))[3:] == ["test_opened", "test_expired", "test_opened"]


# ── levels ────────────────────────────────────────────────────────────────────────────────────


async def test_smoke_that_ends_is_the_test_and_smoke_that_stays_is_a_fire(world: World) -> None:
    for ident in ("ends", "stays", "repeats"):
        await smoke_detector(world, ident)
        await window(world, ident)
        await world.event(ident, "smoke")
        test = await latest(world, ident)
        assert test["result"] == "passed" and test["ended_at"] is None
    await world.event("ends", "smoke")  # said again, as bridges do
    await world.event("ends", "smoke_clear")
    assert (await latest(world, "ends"))["ended_at"] is not None
    await world.admin.post("devices/stays/tests", {}, 409)  # still part of the test before
    world.clock.advance(seconds=100)
    await world.anju.watcher.end_tests()
    assert await world.incidents() == []

    await world.event("ends", "smoke")
    assert await alarms(world, "ends") == ["smoke"], "it had ended: this is a fire"
    world.clock.advance(seconds=20)
    await world.event("repeats", "smoke")
    assert await alarms(world, "repeats") == ["smoke"], "it does not wait for the sweep"
    for _ in range(2):
        await world.anju.watcher.end_tests()
    [stays] = [one for one in await world.incidents() if one["device_id"] == "stays"]
    assert (stays["mode"], stays["stage"], stays["kind"]) == ("actual", "open", "smoke")
    assert (await story(world, "stays"))[-1] == "test_level_stayed"
    assert len(await world.incidents()) == 3
    assert (await story(world, "repeats"))[-1] == "test_passed", "the sweep found nothing to do"


async def test_denser_smoke_smoke_from_before_and_a_detector_that_says_test(world: World) -> None:
    for ident in ("denser", "before", "says-test"):
        await smoke_detector(world, ident)
    await world.event("before", "smoke")
    for ident in ("denser", "before", "says-test"):
        await window(world, ident)
    await world.event("denser", "smoke")
    await world.reads("denser", 1.0, "smoke_density", "%/m")
    assert await alarms(world, "denser") == []
    world.clock.advance(seconds=30)
    await world.reads("denser", 9.0, "smoke_density", "%/m")
    assert await alarms(world, "denser") == ["smoke"], "it burns while it is tested"

    await world.event("before", "smoke")
    test = await latest(world, "before")
    assert (test["result"], test["data"]["other"]["why"]) == ("waiting", "already_on")
    assert await alarms(world, "before") == ["smoke"]

    await world.event("says-test", "test")
    test = await latest(world, "says-test")
    assert (test["result"], test["data"]["said"]) == ("passed", "test")
    assert test["ended_at"] is not None
    await world.event("says-test", "smoke")
    assert await alarms(world, "says-test") == ["smoke"]


async def test_a_zigbee_press_is_one_however_often_it_is_told(world: World) -> None:
    elder = await world.elder()
    source = await world.admin.post(
        "sources", {"name": "网关", "family": "zigbee2mqtt", "prefix": "zigbee2mqtt"}
    )
    for child, role in (("kitchen", "smoke_detector"), ("button", "sos_button")):
        await world.admin.post(
            "devices",
            {"id": child, "family": "zigbee2mqtt", "source_id": source["id"], "child_id": child}
            | {"role": role, "elder_id": elder["id"]},
        )
        await window(world, child)
    await world.hears("zigbee2mqtt/kitchen", {"smoke": True, "test": True, "battery": 90})
    test = await latest(world, "kitchen")
    assert (test["result"], test["data"]["said"], test["ended_at"]) == ("passed", "smoke", None)
    await world.hears("zigbee2mqtt/kitchen", {"smoke": True, "test": False, "battery": 90})
    await world.hears("zigbee2mqtt/kitchen", {"smoke": False, "test": False, "battery": 90})
    await world.hears("zigbee2mqtt/button", {"action": "single"})
    await world.hears("zigbee2mqtt/button/action", b"single")
    assert (await latest(world, "button"))["result"] == "passed"
    world.clock.advance(seconds=10)
    await window(world, "button")
    for _ in range(2):  # a press told as a lasting state is said again with every message
        await world.hears("zigbee2mqtt/button", {"sos": True, "battery": 80})
        world.clock.advance(seconds=10)
    assert await world.incidents() == []
    world.clock.advance(minutes=2)
    await world.hears("zigbee2mqtt/button", {"sos": True, "battery": 80})
    assert await alarms(world, "button") == ["sos"], "it stays on: no test lasts so long"


# ── meters, and what cannot be pressed ────────────────────────────────────────────────────────


async def test_meters_are_tested_by_a_reading_and_what_has_none_is_put_in_by_hand(
    world: World,
) -> None:
    home = (await world.elder())["home_id"]
    await world.device("meter-1", "water_meter", home_id=home)
    await world.device("gw-1", "gateway", home_id=home)
    await world.admin.post("devices/meter-1/tests", {"kind": "smoke"}, 422)
    await window(world, "meter-1")
    await world.reads("meter-1", 87, "battery_pct", "%")
    assert (await latest(world, "meter-1"))["result"] == "waiting"
    await world.reads("meter-1", 12.3, at=world.clock.now() - timedelta(hours=1))
    test = await latest(world, "meter-1")
    assert (test["result"], test["data"]["said"]) == ("passed", "water_total=12.3 m3")

    refused = await world.admin.post("devices/gw-1/tests", {}, 422)
    assert "by hand" in str(refused)
    device = await world.admin.post("devices/gw-1/put-in-service", {"reason": "指示灯正常"}, 200)
    assert device["in_service_at"] is not None and device["tested_at"] is None
    entry = (await world.admin.get("devices/gw-1/log"))["items"][0]
    assert (entry["kind"], entry["actor"], entry["data"]["text"]) == (
        "in_service",
        "管理员",
        "指示灯正常",
    )
    await world.admin.post("devices/gw-1/put-in-service", {"reason": "again"}, 409)


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
    assert await alarms(world, button) == ["sos"], "a cancelled window takes no press"
    await window(world, button)


async def test_a_visitor_tests_the_devices_of_their_elders_and_of_nobody_else(
    world: World,
) -> None:
    chen = await world.sign_in("chen", role="visitor")
    zhou = await world.sign_in("zhou", role="visitor")
    mine = await world.elder("李", responsible_visitor_id=chen.id)
    await world.button(mine, "btn-1")
    await world.button(await world.elder("张"), "btn-2")
    opened = await chen.post("devices/btn-1/tests", {}, 201)
    for call, body in (("tests", {}), ("put-in-service", {"reason": "x"})):
        await chen.post(f"devices/btn-2/{call}", body, 404)
    for call in ("tests", "log"):
        await chen.expect(404, "GET", f"devices/btn-2/{call}")
    change = {"responsible_visitor_id": zhou.id}
    await world.admin.expect(200, "PATCH", f"elders/{mine['id']}", json=change)
    await zhou.post(f"devices/btn-1/tests/{opened['id']}/cancel", None, 403)


async def test_a_drill_comes_as_a_message_where_the_call_fails_and_never_stale(
    world: World,
) -> None:
    fitter = await installer(world)
    button = await world.button(await world.elder(contacts=2))
    world.phone.set_rule(TESTER_PHONE, Rule(permanent=True, times=1))
    await window(world, button, fitter, ring_contact=True)
    await world.press(button)
    assert [one.kind for one in world.phone.messages(to=TESTER_PHONE)] == ["sms"]
    [call] = world.calls_to(1)
    assert "演练" in call.text and "您关心的家人" in call.text
    assert world.phone.messages(to=contact_phone(2)) == []
    world.phone.answer(call.id, key="1")
    await world.settle()
    async with world.services.db.reading() as session:
        [heard] = await session.scalars(select(Notice).where(Notice.recipient_kind == "contact"))
        assert heard.state == "answered" and heard.answered_at is not None

    world.phone.reset()
    await window(world, button, fitter)
    await world.event(button, "sos")  # nothing leaves: the sender is away
    world.clock.advance(minutes=16)
    await world.settle()
    assert drills(world) == []
    notice = await world.row(Notice, (await latest(world, button))["notice_id"])
    assert notice.state == "superseded"
    assert await world.incidents() == []


async def test_a_drill_speaks_the_testers_language_and_nobodys_silence_is_hidden(
    world: World,
) -> None:
    await world.phone_channels()
    fitter = await world.sign_in("fitter", phone=TESTER_PHONE, language="en")
    button = await world.button(await world.elder())
    await window(world, button, fitter)
    await world.press(button)
    [text] = drills(world)
    assert "drill" in text and "not an alarm" in text
    await window(world, button)  # the administrator has no number
    await world.press(button)
    test = await latest(world, button)
    assert (test["result"], test["notice_id"]) == ("passed", None)
    assert test["data"]["silent"] == "no_phone"


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


async def test_a_window_outlives_the_process_and_is_used_up_once(world: World) -> None:
    await smoke_detector(world)
    opened = await window(world, "smoke-1")
    async with another_process(world) as services:  # the first one was killed
        async with services.db.reading() as session:
            stale = await session.get_one(DeviceTest, opened["id"])
        urgent = Pipeline(services, "urgent", NativeRouter(services.settings.zone))
        smoke = b'{"id": "1", "kind": "smoke"}'
        now = world.clock.now()
        await urgent.handle(
            [Message(topic="anju/v1/smoke-1/event", payload=smoke, received_at=now)]
        )
        assert (await latest(world, "smoke-1"))["result"] == "passed"
        async with services.db.transaction() as session:  # who read it before the first committed
            session.add(stale)
            assert not await testing.consume(session, stale, "smoke-1", now, {})
    assert (await story(world, "smoke-1")).count("test_passed") == 1
    assert await world.incidents() == []
    world.clock.advance(minutes=30)  # and nobody ran all the while
    async with another_process(world) as services:
        await Watcher(services, {}).end_tests()
    assert await alarms(world, "smoke-1") == ["smoke"]
    assert (await world.row(DeviceTest, opened["id"])).ended_at == world.clock.now()


@asynccontextmanager
async def another_process(world: World) -> AsyncIterator[Services]:
    """Knows of the first one only what stands in the database."""
    database = Database(world.services.settings.database_url)
    database.on_hints(write_hints, lambda: None)
    yield Services(settings=world.services.settings, db=database, clock=world.clock)
    await database.close()


async def test_a_press_that_is_said_again_while_its_alarm_runs_is_no_test(world: World) -> None:
    """Zigbee2MQTT says `sos: true` with every battery level until the button takes it back."""
    elder = await world.elder()
    source = await world.admin.post(
        "sources", {"name": "网关", "family": "zigbee2mqtt", "prefix": "z2m"}
    )
    child = "0x00158d0000000301"
    await world.admin.post(
        "devices",
        {
            "id": "btn-z",
            "family": "zigbee2mqtt",
            "source_id": source["id"],
            "child_id": child,
            "role": "sos_button",
            "elder_id": elder["id"],
        },
    )
    await world.hears(f"z2m/{child}", {"sos": True, "battery": 90})
    assert (await world.incident())["kind"] == "sos"
    world.clock.advance(minutes=5)
    await window(world, "btn-z")
    await world.hears(f"z2m/{child}", {"sos": True, "battery": 89})
    test = await latest(world, "btn-z")
    assert (test["result"], test["data"]["other"]["why"]) == ("waiting", "already_on")
    world.clock.advance(seconds=10)
    await world.hears(f"z2m/{child}", {"sos": False, "battery": 89})
    world.clock.advance(seconds=10)
    await world.hears(f"z2m/{child}", {"sos": True, "battery": 89})
    assert (await latest(world, "btn-z"))["result"] == "passed"


async def test_what_the_broker_kept_while_we_were_away_is_no_test(world: World) -> None:
    """It may have been pressed before the tester was there: then it was the elder."""
    button = await world.button(await world.elder())
    await window(world, button)
    lane = Pipeline(world.services, "urgent", NativeRouter(world.services.settings.zone))
    await lane.handle([sos(button, "kept", world.clock.now())], catching_up=True)
    assert (await world.incident())["mode"] == "actual"
    test = await latest(world, button)
    assert (test["result"], test["data"]["other"]["why"]) == ("waiting", "retained")
    await world.press(button)
    assert (await latest(world, button))["result"] == "passed"
