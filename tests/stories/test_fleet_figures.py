"""What fleets do wrong with clocks, counters, figures and names: one story a habit."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from devices.event import REGISTER_UNITS
from tests.support.fleet import Fleet

pytestmark = pytest.mark.asyncio(loop_scope="module")


CLOCKS: dict[str, tuple[str, str, str, Any]] = {
    "an uptime for an epoch": (
        "shelly-gen2",
        "shellyplus1-1",
        "shelly/shellyplus1-1/events/rpc",
        {
            "method": "NotifyEvent",
            "params": {"ts": 1.3, "events": [{"component": "input:0", "event": "single_push"}]},
        },
    ),
    "milliseconds since it was switched on": (
        "thingsboard",
        "Button 3",
        "v1/gateway/telemetry",
        {"Button 3": [{"ts": 7_300_000, "values": {"sos": True}}]},
    ),
    "1970": (
        "zigbee2mqtt",
        "bedside",
        "zigbee2mqtt/bedside",
        {"action": "single", "last_seen": "1970-01-01T08:00:41+08:00"},
    ),
    "the future": (
        "zigbee2mqtt",
        "bedside",
        "zigbee2mqtt/bedside",
        {"action": "single", "last_seen": 2_208_988_800_000},
    ),
    "plausible and wrong by years": (
        "chirpstack-v4",
        "24e124535b3170f2",
        "application/a/device/24e124535b3170f2/event/up",
        {"deduplicationId": "1", "time": "2023-05-04T09:28:35Z", "object": {"press": "long"}},
    ),
}


@pytest.mark.parametrize("habit", CLOCKS)
async def test_a_press_by_a_wrong_clock_is_a_press_now(fleet: Fleet, habit: str) -> None:
    family, child, topic, said = CLOCKS[habit]
    await fleet.add(family, child, "sos_button")
    await fleet.says(topic, said)
    stored = await fleet.stored("sos")
    assert stored.happened_at == fleet.now
    assert "late_s" not in stored.facts


def telegram(total: float | None, at: Any, ident: str = "72441180") -> bytes:
    body = {"media": "cold water", "id": ident, "status": "OK", "timestamp": at.isoformat()}
    return json.dumps(body | {"total_m3": total}).encode()


async def test_a_counter_that_steps_down_or_is_swapped_makes_no_alarm_and_goes_on(
    fleet: Fleet,
) -> None:
    """A glitch is doubted and forgotten; a new meter, a little above 0, is a line of its own."""
    meter = await fleet.add("wmbusmeters", "72441180", "water_meter")
    total, hours = 412.0, 0

    async def uses(litres: float, times: int) -> None:
        nonlocal total, hours
        for _ in range(times):
            fleet.world.clock.advance(hours=1)
            total, hours = total + litres / 1000, hours + 1
            await fleet.says("wmbusmeters/72441180", telegram(round(total, 3), fleet.now))

    await uses(12, 4)
    total -= 0.5
    await uses(0, 1)  # one reading lower than before …
    total += 0.5
    await uses(12, 3)  # … and back: the old line goes on
    assert await fleet.kinds() == ["cannot_assess"]
    total = 0.004
    await uses(12, 14)
    assert await fleet.kinds() == ["cannot_assess"], "it was never said that nobody drew water"
    assert len(await fleet.readings(meter, "water_total")) == hours
    await uses(0, 13)
    assert "no_water_use" in await fleet.kinds(), "the new meter is watched like the old one"


async def test_a_counter_reset_by_hand_is_a_reading_of_zero_and_no_alarm(fleet: Fleet) -> None:
    plug = await fleet.add("tasmota", "plug-1", "plug")
    await fleet.says("tele/plug-1/SENSOR", {"ENERGY": {"Total": 1066.0, "Today": 0.4}})
    fleet.world.clock.advance(minutes=5)
    reset = {"EnergyTotal": {"Total": 0.0, "Yesterday": 0.0, "Today": 0.0}}
    await fleet.says("stat/plug-1/RESULT", reset)
    fleet.world.clock.advance(minutes=5)
    await fleet.says("tele/plug-1/SENSOR", {"ENERGY": {"Total": 0.02, "Today": 0.02}})
    assert await fleet.readings(plug, "energy_total") == [1066.0, 0.0, 0.02]
    assert "no_power_use" not in await fleet.kinds()


async def test_a_null_volume_is_neither_zero_nor_use(fleet: Fleet) -> None:
    meter = await fleet.add("wmbusmeters", "72441180", "water_meter")
    valve = await fleet.add("zigbee2mqtt", "valve", "water_meter")
    for _ in range(16):
        await fleet.says("wmbusmeters/72441180", telegram(None, fleet.now))
        await fleet.says("zigbee2mqtt/valve", {"battery": 50, "water_consumed": None})
        await fleet.passes(hours=1)
    assert "no_water_use" not in await fleet.kinds()
    assert await fleet.readings(meter, "water_total") == []
    assert await fleet.readings(valve, "water_total") == []


async def test_17_kilowatts_at_52_volts_is_kept_and_trusted_by_nothing(fleet: Fleet) -> None:
    plug = await fleet.add("zigbee2mqtt", "kettle", "plug")
    for power, voltage in ((1900, 229), (17_000, 52), (17_200, 51), (0, 0)):
        fleet.world.clock.advance(minutes=1)
        said = {"power": power, "voltage": voltage, "energy": 41.0}
        await fleet.says("zigbee2mqtt/kettle", said)
    assert await fleet.readings(plug, "power") == [1900, 0]
    assert await fleet.readings(plug, "power_doubted") == [17_000, 17_200]
    assert "power_doubted" not in REGISTER_UNITS
    doubt = await fleet.incident(kind="cannot_assess")
    assert doubt["device_id"] == plug
    assert "电压" in doubt["title"]


NAMES = ("厨房 烟感", "Schlafzimmer Rauchmelder", "домик/кухня 1", "🔥 hall ")


async def test_names_with_spaces_and_of_any_script_are_devices_like_others(fleet: Fleet) -> None:
    for name in NAMES:
        device = await fleet.add("zigbee2mqtt", name, "smoke_detector")
        await fleet.says(f"zigbee2mqtt/{name}", {"smoke": True})
        incident = await fleet.incident(kind="smoke", stage="open")
        assert incident["device_id"] == device, name
        await fleet.says(f"zigbee2mqtt/{name}", {"smoke": False})
        await fleet.ends("smoke")


async def test_numbers_in_quotes_are_numbers(fleet: Fleet) -> None:
    watch = await fleet.add("vendor-mqtt-cn", "861234056789013", "watch")
    said = {"heartRate": "77", "battery": "8", "temperature": "0", "stepCount": "abc"}
    await fleet.says("atom/g601/status/861234056789013", said)
    assert await fleet.readings(watch, "heart_rate") == [77]
    assert await fleet.kinds() == ["battery_low"]


async def test_keys_with_spaces_behind_them_are_the_keys(fleet: Fleet) -> None:
    await fleet.add("zigbee2mqtt", "hall", "smoke_detector")
    await fleet.says("zigbee2mqtt/hall", {"smoke ": True, " battery": 88})
    assert await fleet.kinds() == ["smoke"]


async def test_hourly_volumes_of_yesterday_are_yesterday_s(fleet: Fleet) -> None:
    """Axioma W1, one uplink a day: 23 readings back-dated, and no alarm about the past."""
    meter = await fleet.add("chirpstack-v4", "0a1b2c3d4e5f6071", "water_meter")
    now = fleet.now
    said = {"timestamp_utc": now.isoformat(), "log_volume_m3": 5.9, "history_count": 23}
    said |= {f"delta_{hour}_m3": 0.01 if hour in (6, 20) else 0 for hour in range(1, 24)}
    body = {"deduplicationId": "u1", "time": now.isoformat(), "object": said}
    topic = "application/a/device/0a1b2c3d4e5f6071/event/up"
    await fleet.says(topic, body)
    await fleet.says(topic, body)
    found = await fleet.dated(meter, "water_total")
    assert [value for _, value in found] == [5.9] * 6 + [5.91] * 14 + [5.92] * 4
    assert found[0][0] <= now - timedelta(hours=23)
    assert await fleet.kinds() == []


async def test_a_bridge_tells_what_a_device_is_and_which_firmware_it_runs(fleet: Fleet) -> None:
    ieee = "0x00124b0024a1c7d3"
    detector = await fleet.add("zigbee2mqtt", ieee, "smoke_detector")
    entry = {
        "ieee_address": ieee,
        "type": "EndDevice",
        "friendly_name": "Flur Rauch",
        "software_build_id": "0.0.0_0011",
        "definition": {"model": "HS1SA", "vendor": "Heiman", "exposes": [{"property": "smoke"}]},
    }
    await fleet.says("zigbee2mqtt/bridge/devices", [entry], retained=True)
    row = await fleet.device(detector)
    assert (row.model, row.vendor, row.firmware) == ("HS1SA", "Heiman", "0.0.0_0011")
    await fleet.says("zigbee2mqtt/Flur Rauch", {"smoke": True})
    assert (await fleet.incident())["device_id"] == detector, "its topic is its name"
    plug = await fleet.add("tasmota", "plug-1", "plug")
    told = {"Info1": {"Module": "Athom Plug V3", "Version": "13.4.0(release)"}}
    await fleet.says("tele/plug-1/INFO1", told)
    row = await fleet.device(plug)
    assert (row.model, row.firmware) == ("Athom Plug V3", "13.4.0(release)")
