"""What fleets do wrong with presses, alarms and signs of life: one story a habit.

The habits are those of public issue threads; each is told on the family where it was seen.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.support.fleet import Fleet
from tests.support.world import kinds

pytestmark = pytest.mark.asyncio(loop_scope="module")


# ── presses ───────────────────────────────────────────────────────────────────────────────────────


def uplink(received_at: str, counter: int = 117) -> dict[str, Any]:
    return {
        "end_device_ids": {"device_id": "ws101-3", "dev_eui": "24E124535B3170F3"},
        "uplink_message": {
            "session_key_id": "AZdQb1wz",
            "f_cnt": counter,
            "decoded_payload": {"press": "short"},
            "received_at": received_at,
        },
    }


async def test_a_press_that_comes_again_48_seconds_later_is_one_press(fleet: Fleet) -> None:
    await fleet.add("the-things-stack-v3", "24e124535b3170f3", "sos_button")
    neighbour = await fleet.world.elder()
    button = await fleet.world.button(neighbour, "btn-48")
    topic, begin = "v3/homes@ttn/devices/ws101-3/up", fleet.now
    for seconds in (0, 12, 48):
        at = begin + timedelta(seconds=seconds)
        fleet.world.clock.advance(seconds=(at - fleet.now).total_seconds())
        await fleet.says(topic, uplink(at.isoformat()))
        await fleet.world.event(button, "sos", ident="boot3-9")
    assert await fleet.kinds() == ["sos"], "and no fault about an id used twice"
    assert await fleet.events() == 1
    (native,) = await fleet.world.incidents(elder_id=neighbour["id"])
    assert native["version"] == 1, "nothing joined it"
    await fleet.says(topic, uplink(fleet.now.isoformat(), counter=118))
    assert await fleet.events() == 2, "a second press, in the same second, is news"


async def test_a_retained_press_is_replayed_at_every_subscribe(fleet: Fleet) -> None:
    """Beside it in the same message the battery, which must not make it news."""
    await fleet.add("zigbee2mqtt", "bedside", "sos_button")
    said = {"action": "single", "battery_low": True, "linkquality": 66}
    await fleet.says("zigbee2mqtt/bedside", said)
    await fleet.ends("sos")
    for _ in range(3):
        fleet.world.clock.advance(hours=20)
        await fleet.says("zigbee2mqtt/bedside", said, retained=True)
    assert await fleet.kinds() == ["battery_low", "sos"]
    await fleet.says("zigbee2mqtt/bedside", said)
    assert await fleet.kinds() == ["battery_low", "sos", "sos"], "a press now is a press"


async def test_an_sos_with_nobody_pressing_is_a_call_and_its_battery_is_told_beside_it(
    fleet: Fleet,
) -> None:
    """TS0601_sos with a flat battery: nobody can tell from afar, so somebody looks."""
    await fleet.add("zigbee2mqtt", "0xa4c138f0e1d2c3b4", "sos_button")
    await fleet.says("zigbee2mqtt/0xa4c138f0e1d2c3b4", {"action": "emergency", "battery": 1})
    incident = await fleet.incident(kind="sos")
    assert (incident["severity"], incident["mode"]) == ("life_safety", "actual")
    assert incident["notices"]
    assert await fleet.kinds() == ["battery_low", "sos"]


async def test_a_button_that_pairs_and_never_tells_of_a_press(fleet: Fleet) -> None:
    ieee = "0xa4c138f0e1d2c3b4"
    await fleet.add("zigbee2mqtt", ieee, "sos_button")
    failed = {"friendly_name": "bedside", "status": "failed", "ieee_address": ieee}
    event = {"type": "device_interview", "data": failed}
    await fleet.says("zigbee2mqtt/bridge/event", event)
    fault = await fleet.incident(kind="fault")
    assert "配对未完成" in fault["title"]
    silent = await fleet.add("zigbee2mqtt", "0xa4c138f0e1d2c3b5", "sos_button")
    await fleet.passes(hours=25)
    assert (await fleet.incident(kind="never_online"))["device_id"] == silent


async def test_a_flag_inside_a_watch_s_status_is_a_press_once(fleet: Fleet) -> None:
    await fleet.add("vendor-mqtt-cn", "861234056789012", "watch")

    async def status(sos: bool) -> None:
        fleet.world.clock.advance(minutes=5)
        topic = "atom/g616/status/861234056789012"
        await fleet.says(topic, {"heartRate": "81", "sos": sos, "isWearing": True})

    await status(sos=False)
    for _ in range(3):
        await status(sos=True)
    first = await fleet.incident()
    assert (first["kind"], kinds(first).count("finding")) == ("sos", 0)
    await fleet.ends("sos")
    await status(sos=True)
    assert await fleet.kinds() == ["sos"], "still the same press"
    await status(sos=False)
    await status(sos=True)
    assert await fleet.kinds() == ["sos", "sos"]


async def test_a_cord_that_is_let_go_may_be_pulled_again(fleet: Fleet) -> None:
    await fleet.add("shelly-gen2", "shellyplusuni-1", "sos_button")

    async def cord(state: bool) -> None:
        fleet.world.clock.advance(seconds=5)
        params = {"ts": fleet.now.timestamp(), "input:0": {"id": 0, "state": state}}
        frame = {"src": "shellyplusuni-1", "method": "NotifyStatus", "params": params}
        await fleet.says("shelly/shellyplusuni-1/events/rpc", frame)

    await cord(True)
    await cord(False)
    await fleet.ends("sos")
    await cord(True)
    assert await fleet.kinds() == ["sos", "sos"]


# ── levels ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_state_published_again_at_a_restart_is_no_news(fleet: Fleet) -> None:
    await fleet.add("zigbee2mqtt", "kitchen", "smoke_detector")
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": True, "battery": 90})
    told = len((await fleet.incident())["notices"])
    await fleet.says("zigbee2mqtt/bridge/state", {"state": "offline"})
    await fleet.says("zigbee2mqtt/bridge/state", {"state": "online"})
    for retained in (True, False):
        said = {"smoke": True, "battery": 90}
        await fleet.says("zigbee2mqtt/kitchen", said, retained=retained)
    incident = await fleet.incident(kind="smoke")
    assert kinds(incident).count("finding") == 0
    assert len(incident["notices"]) == told


async def test_a_clear_that_was_missed_is_a_fault_after_12_hours(fleet: Fleet) -> None:
    await fleet.add("zigbee2mqtt", "kitchen", "smoke_detector")
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": True})
    await fleet.ends("smoke")
    fleet.world.clock.advance(hours=11)
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": True})
    assert await fleet.kinds() == ["smoke"]
    fleet.world.clock.advance(hours=2)
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": True})
    assert await fleet.kinds() == ["fault", "smoke"], "that home is without smoke detection"
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": False})
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": True})
    assert await fleet.kinds() == ["fault", "smoke", "smoke"], "once it cleared it alarms again"


async def test_a_latched_true_does_not_hide_the_next_fire(fleet: Fleet) -> None:
    """JY-GZ-01AQ stays true when the smoke is gone; its density, or another detector, tells."""
    await fleet.add("zigbee2mqtt", "kitchen", "smoke_detector")
    await fleet.add("zigbee2mqtt", "bedroom", "smoke_detector")
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": True, "smoke_density": 0})
    await fleet.ends("smoke")
    fleet.world.clock.advance(hours=2)
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": True, "smoke_density": 0})
    assert len(await fleet.incidents(kind="smoke")) == 1
    await fleet.says("zigbee2mqtt/kitchen", {"smoke": True, "smoke_density": 6})
    denser = await fleet.incident(kind="smoke", stage="open")
    assert denser["notices"]
    await fleet.ends("smoke")
    await fleet.says("zigbee2mqtt/bedroom", {"smoke": True})
    assert len(await fleet.incidents(kind="smoke", stage="open")) == 1


async def test_an_alarm_that_nobody_heard_until_the_state_was_asked_for(fleet: Fleet) -> None:
    """JY-GZ-01AQ sounds and says nothing until polled; Ei6500 says OK and has only counted."""
    await fleet.add("zigbee2mqtt", "hall", "smoke_detector")
    await fleet.says("zigbee2mqtt/hall", {"smoke": False})
    sounded_at = fleet.now
    fleet.world.clock.advance(hours=3)
    await fleet.says("zigbee2mqtt/hall", {"smoke": True, "last_seen": sounded_at.isoformat()})
    late = await fleet.incident(kind="smoke")
    assert "3 小时" in late["title"]
    await fleet.ends("smoke")

    await fleet.add("wmbusmeters", "78111201", "smoke_detector")
    for days, count in ((0, 0), (3, 1), (0, 1)):  # it sounded the day before the telegram
        fleet.world.clock.advance(hours=24 * days)
        now = fleet.now
        telegram = {
            "media": "smoke detector",
            "id": "78111201",
            "status": "OK",
            "alarm_counter": count,
            "last_alarm_date": f"{now - timedelta(days=1):%Y-%m-%d}" if count else "2000-01-01",
            "message_datetime": f"{now + timedelta(hours=8):%Y-%m-%d %H:%M}",
            "timestamp": now.isoformat(),
        }
        await fleet.says("wmbusmeters/78111201", telegram)
    assert len(await fleet.incidents(kind="smoke", stage="open")) == 1


# ── signs of life ─────────────────────────────────────────────────────────────────────────────────


async def test_a_flat_battery_is_told_before_and_silence_after_three_sleeps(fleet: Fleet) -> None:
    """Shelly Plus Smoke wakes up once a day; asleep it is not offline."""
    device = await fleet.add("shelly-gen2", "shellyplussmoke-1", "smoke_detector")

    async def wakes(percent: int) -> None:
        params = {
            "ts": 1.4,
            "devicepower:0": {"id": 0, "battery": {"percent": percent}},
            "smoke:0": {"id": 0, "alarm": False},
        }
        frame = {"src": "shellyplussmoke-1", "method": "NotifyFullStatus", "params": params}
        await fleet.says("shelly/shellyplussmoke-1/events/rpc", frame)
        await fleet.says("shelly/shellyplussmoke-1/online", b"false")

    for percent in (14, 12):
        await wakes(percent)
        await fleet.passes(hours=24)
    assert await fleet.incidents() == []
    await wakes(9)
    assert await fleet.kinds() == ["battery_low"]
    await fleet.passes(hours=74)
    assert await fleet.kinds() == ["battery_low"]
    await fleet.passes(hours=2)
    assert (await fleet.incident(kind="device_offline"))["device_id"] == device


async def test_a_detector_without_any_heartbeat_is_not_called_silent(fleet: Fleet) -> None:
    """GS558 speaks only when it alarms: nothing follows from silence, and nothing is certain."""
    await fleet.add("rtl_433", "Smoke-GS558/3519", "smoke_detector")
    said = {"model": "Smoke-GS558", "id": 3519, "learn": 1}
    await fleet.says("rtl_433/attic/events", said)
    await fleet.passes(hours=24 * 60)
    assert await fleet.incidents() == []
    await fleet.says("rtl_433/attic/events", said | {"learn": 0})
    await fleet.says("rtl_433/attic/events", said | {"learn": 0, "id": 99})
    incident = await fleet.incident()
    assert (incident["kind"], incident["confidence"]) == ("smoke", "unconfirmed")


async def test_a_retained_will_without_a_birth_is_not_the_present(fleet: Fleet) -> None:
    await fleet.add("tasmota", "plug-1", "plug")
    state = {"Time": "2026-03-01T08:15:00", "Wifi": {"Signal": -61}}
    await fleet.says("tele/plug-1/STATE", state)
    for _ in range(3):  # we subscribe anew, the broker remembers, the plug reports
        await fleet.says("tele/plug-1/LWT", b"Offline", retained=True)
        await fleet.passes(minutes=6)
        await fleet.says("tele/plug-1/STATE", state)
    assert await fleet.incidents() == []
    await fleet.says("tele/plug-1/LWT", b"Offline")
    await fleet.passes(minutes=6)
    assert await fleet.kinds() == ["device_offline"], "a will of this minute is news"


async def test_a_clean_disconnect_that_leaves_online_behind_is_found_by_silence(
    fleet: Fleet,
) -> None:
    await fleet.add("tasmota", "plug-1", "plug")
    await fleet.says("tele/plug-1/LWT", b"Online")
    for _ in range(3):
        await fleet.passes(minutes=59)
        await fleet.says("tele/plug-1/LWT", b"Online", retained=True)
    assert await fleet.incidents() == []
    await fleet.passes(minutes=4)
    assert await fleet.kinds() == ["device_offline"]


async def test_a_bridge_s_end_is_one_incident_and_a_child_s_leaving_another(fleet: Fleet) -> None:
    for name in ("hall", "kitchen", "bedroom"):
        await fleet.add("zigbee2mqtt", name, "smoke_detector")
    await fleet.says("zigbee2mqtt/bridge/state", b"offline", retained=True)
    await fleet.says("zigbee2mqtt/bridge/state", {"state": "offline"})
    assert await fleet.kinds() == ["device_offline"]
    left = {"type": "device_leave", "data": {"friendly_name": "hall"}}
    await fleet.says("zigbee2mqtt/bridge/event", left)
    assert "退出网络" in (await fleet.incident(kind="fault"))["title"]


async def test_a_burst_in_disorder_after_a_reconnect_is_put_in_order(fleet: Fleet) -> None:
    await fleet.add("zigbee2mqtt", "kitchen", "smoke_detector")
    begin = fleet.now
    fleet.world.clock.advance(minutes=40)
    for minute, smoke in ((20, False), (30, True), (10, True), (32, False), (31, True)):
        at = (begin + timedelta(minutes=minute)).isoformat()
        said = json.dumps({"smoke": smoke, "last_seen": at}).encode()
        await fleet.says("zigbee2mqtt/kitchen", said)
    incident = await fleet.incident()
    assert (incident["kind"], incident["condition"]) == ("smoke", "cleared")
    assert await fleet.events() >= 3
