"""The lanes with a real Mosquitto: receipts, canaries, bad messages, sources, restarts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from alerting.tables import EventRow, Incident, QuarantineRow
from core.clock import SystemClock
from gateway.endpoint import Endpoint
from gateway.lanes import URGENT_BATCH
from gateway.mqtt import Session
from tests.gateway.running import device, gateway
from tests.support.mosquitto import Mosquitto, free_port
from tests.support.waiting import until

pytestmark = pytest.mark.broker


@pytest.fixture
def database_url(sqlite_file: Path, tmp_path: Path) -> str:
    """One database is enough to show what happens between broker and lane."""
    path = tmp_path / "anju.db"
    shutil.copy(sqlite_file, path)
    return f"sqlite+aiosqlite:///{path}"


async def test_a_press_is_answered_once_it_is_stored(broker: Mosquitto, database_url: str) -> None:
    async with gateway(broker.url, database_url) as anju, device(broker.port) as button:
        await button.press()
        await button.answered()
        assert await anju.all(Incident.kind) == ["sos"]
        await button.press()
        await button.answered(times=2)
        assert await anju.all(EventRow.event_id) == ["1"], "answered again, not handled again"


async def test_every_lane_brings_its_canary(broker: Mosquitto, database_url: str) -> None:
    async with gateway(broker.url, database_url) as anju:
        await until(lambda: all(lane.canary_at for lane in anju.lanes.values()))
        assert set(anju.lanes) == {"urgent", "bulk", "foreign"}
        assert await anju.all(QuarantineRow.topic) == [] == await anju.all(EventRow.kind)
        await anju.anju.watcher.audit()
        assert "canary_late" not in anju.anju.services.health.banners


BAD_EVENTS: list[tuple[bytes, str]] = [
    (b'{"id": "1", "kind": "s', "not_json"),
    (b"\xff\xfe\xfd", "not_utf8"),
    (b'{"id": "x\x00", "kind": "sos"}', "nul_character"),
    (b'{"kind": "so\\u0000s"}', "nul_character"),
    (b'{"kind": ["sos"]}', "wrong_type:kind"),
    (b"[" * 5000, "too_deep"),
    (b'{"kind": "sos", "data": "' + b"x" * 200_000 + b'"}', "too_large"),
    (b"", "empty_payload"),
]
BAD_TELEMETRY: list[tuple[bytes, str]] = [
    (b'{"readings": [{"register": "water_total", "value": 1e300, "unit": "m3"}]}',
     "number_out_of_range"),
    (b'{"readings": [{"register": "water_total", "value": NaN, "unit": "m3"}]}', "not_json"),
    (b'{"readings": {"water_total": 1}}', "wrong_type:readings"),
]  # fmt: skip
STRANGE_TOPICS = ["anju/v2/btn-1/event", "anju/v1/btn-1/poetry", "anju", "anju/v1/b t n/status"]


async def test_what_cannot_be_read_is_set_aside_and_delays_no_press_behind_it(
    broker: Mosquitto, database_url: str
) -> None:
    async with gateway(broker.url, database_url) as anju, device(broker.port) as button:
        for payload, _ in BAD_EVENTS:
            await button.says("event", payload)
        for payload, _ in BAD_TELEMETRY:
            await button.says("telemetry", payload)
        for topic in STRANGE_TOPICS:
            await button.publish(topic, {})
        await button.press("right behind")
        await button.answered("right behind")
        bad = BAD_EVENTS + BAD_TELEMETRY
        await anju.count(QuarantineRow.id, len(bad) + len(STRANGE_TOPICS))
        reasons = await anju.all(QuarantineRow.reason)
        expected = [reason for _, reason in bad] + ["unknown_topic"] * 3 + ["bad_device_id"]
        assert sorted(reasons) == sorted(expected)
        payloads = await anju.all(QuarantineRow.payload)
        assert max(map(len, payloads)) == 4096, "of a huge one the beginning is kept"
        assert sorted(await anju.all(Incident.kind)) == ["sos", "unreadable"], "folded per device"


async def test_a_message_that_is_too_large_for_the_broker_costs_nobody_else(
    broker: Mosquitto, database_url: str
) -> None:
    async with gateway(broker.url, database_url) as anju, device(broker.port) as button:
        async with device(broker.port, "rogue") as rogue:
            await rogue.says("event", b"x" * 2_000_000)
        await button.press()
        await button.answered()
        assert await anju.ready() == {}


async def test_a_bridge_that_is_added_over_rest_is_heard_without_a_restart(
    broker: Mosquitto, database_url: str
) -> None:
    async with gateway(broker.url, database_url) as anju, device(broker.port) as bridge:
        admin = await anju.admin()
        source = await admin.made(
            "sources", {"name": "城关村网关", "family": "zigbee2mqtt", "prefix": "east/z2m"}
        )
        await admin.made(
            "devices",
            {
                "id": "smoke-7",
                "family": "zigbee2mqtt",
                "source_id": source["id"],
                "child_id": "0x00158d0000000001",
                "role": "smoke_detector",
            },
        )
        session = anju.lanes["foreign"].session
        await until(lambda: any("east/z2m" in one for one in session._filters), within_s=5)
        await until(lambda: session.unwell() is None and not session._unanswered, within_s=5)
        await bridge.publish("east/z2m/0x00158d0000000001", {"smoke": True})
        await anju.count(Incident.id, 1)
        assert await anju.all(Incident.kind) == ["smoke"]
        assert await anju.all(Incident.device_id) == ["smoke-7"]
        for prefix in ("east/z2m", "east", "east/z2m/deeper"):
            body = {"name": "twin", "family": "zigbee2mqtt", "prefix": prefix}
            refused = await admin.post("sources", body)
            assert refused.status_code == 409 and "overlaps" in refused.text


async def test_what_arrived_while_nobody_listened_is_handled_at_the_next_start(
    broker: Mosquitto, database_url: str
) -> None:
    async with gateway(broker.url, database_url):
        pass
    async with device(broker.port) as button:
        for number in range(150):
            await button.press(str(number))
        async with gateway(broker.url, database_url) as anju:
            assert URGENT_BATCH < 150, "more than one batch"
            await button.answered("149")
            assert len(await anju.all(EventRow.event_id)) == 150
    async with gateway(broker.url, database_url) as anju:
        assert len(await anju.all(EventRow.id)) == 150, "all were acknowledged"
        assert anju.lanes["urgent"].session.backlog == 0


async def test_a_broker_that_forgot_the_session_is_subscribed_again(
    broker: Mosquitto, database_url: str
) -> None:
    async with gateway(broker.url, database_url) as anju:
        broker.kill()
        await until(lambda: anju.lanes["urgent"].session.unwell())
        assert "lane urgent" in await anju.ready()
        for kept in broker.folder.glob("*.db*"):
            kept.unlink()
        broker.start()
        await anju.is_ready()
        async with device(broker.port) as button:
            await button.press()
            await button.answered()
            await button.publish("anju/v2/x", {})
            await anju.count(QuarantineRow.id, 1)


async def test_a_broker_that_is_away_at_the_start_is_waited_for(
    database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    async with gateway(f"mqtt://127.0.0.1:{port}", database_url, wait=False) as anju:
        reasons = await anju.ready()
        assert {"lane urgent", "lane bulk", "lane foreign"} <= set(reasons)
        await until(lambda: "cannot reach" in str(anju.lanes["urgent"].session.unwell()))
        broker = Mosquitto(tmp_path / "late", port=port)
        try:
            await anju.is_ready()
            async with device(port) as button:
                await button.press()
                await button.answered()
        finally:
            broker.stop()


async def test_the_broker_sends_no_more_than_was_asked_for(broker: Mosquitto) -> None:
    """Until the first acknowledgement: each one makes Mosquitto 2.0.11 send as many again."""
    session = Session(
        "bulk", "anju-bulk-0", Endpoint.parse(broker.url), SystemClock(), receive_maximum=10
    )
    await session.start(("t/#",))
    try:
        await until(lambda: session.unwell() is None)
        async with device(broker.port) as sender:
            for number in range(40):
                await sender.publish(f"t/{number}", {})
        await until(lambda: session.backlog == 10)
        assert [one.message.topic for one in await session.take(99, 0)] == [
            f"t/{number}" for number in range(10)
        ]
    finally:
        await session.stop()


async def test_the_embedded_broker_carries_a_press_and_the_canaries(database_url: str) -> None:
    port = free_port()
    async with (
        gateway(f"embedded://127.0.0.1:{port}", database_url) as anju,
        device(port) as button,
    ):
        await button.press()
        await button.answered()
        await until(lambda: all(lane.canary_at for lane in anju.lanes.values()))
        assert await anju.all(Incident.kind) == ["sos"]


async def test_a_batch_that_failed_is_tried_again_from_memory(
    broker: Mosquitto, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connected broker does not redeliver: whoever gives up, loses."""
    async with gateway(broker.url, database_url) as anju, device(broker.port) as button:
        lane = anju.lanes["urgent"]
        failures: list[Any] = []
        known = lane.pipeline._router

        async def router(messages: Any) -> Any:
            if any(b"sos" in message.payload for message in messages) and len(failures) < 2:
                failures.append(messages)
                raise RuntimeError("a bug of ours")
            return await known(messages)

        monkeypatch.setattr(lane.pipeline, "_router", router)
        await button.press()
        await until(lambda: failures)
        assert button.heard == []
        await button.answered()
        assert len(failures) == 2 and await anju.all(Incident.kind) == ["sos"]
