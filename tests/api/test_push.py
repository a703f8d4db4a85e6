"""Platforms push over HTTP: same pipeline, answered 200 once it is stored, and only then."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from alerting.tables import DeviceStateRow, EventRow, Incident, QuarantineRow, ReadingRow
from care.tables import Source
from core.metrics import PUSHES
from devices.push import MAX_BODY
from gateway.push import PushLane
from tests.api.test_commit import failing
from tests.support.api import Caller, World
from tests.support.clock import ManualClock

CHILD = {"ctwing": "ct-1", "onenet": "17", "huawei": "hw-1"}


@dataclass(frozen=True, slots=True)
class Town:
    """An installation that takes pushes, and its administrator."""

    world: World
    admin: Caller
    lane: PushLane

    @property
    def clock(self) -> ManualClock:
        return self.world.clock

    async def get(self, path: str, **params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.admin.read(path, **params))["items"]
        return items

    async def incident(self) -> dict[str, Any]:
        """The only one there is."""
        (incident,) = await self.get("incidents")
        return incident

    async def count(self, table: Any) -> int:
        async with self.world.db.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(table)) or 0)

    async def row(self, table: Any, ident: str) -> Any:
        async with self.world.db.reading() as session:
            return await session.get_one(table, ident)


@pytest.fixture
async def town(world: World, admin: Caller) -> AsyncIterator[Town]:
    lane = PushLane(world.services)
    world.services.intake = lane.take
    yield Town(world, admin, lane)
    await lane.finish(10.0)


def millis(town: Town) -> int:
    return int(town.clock.now().timestamp() * 1000)


def report(town: Town, adapter: str, **fields: Any) -> Any:
    """One device's report as that platform puts it."""
    if adapter == "ctwing":
        return {
            "messageType": "dataReport",
            "deviceId": CHILD[adapter],
            "IMEI": "867725030000017",
            "timestamp": millis(town),
            "payload": {"serviceData": fields},
        }
    if adapter == "onenet":
        point = {"type": 1, "dev_id": 17, "ds_id": "all", "value": fields, "at": millis(town)}
        return {"msg": point}
    service = {"serviceId": "S", "data": fields, "eventTime": f"{town.clock.now():%Y%m%dT%H%M%SZ}"}
    return {"notifyType": "deviceDataChanged", "deviceId": CHILD[adapter], "service": service}


@dataclass(slots=True)
class Platform:
    """An IoT platform with an account at Anju."""

    town: Town
    adapter: str
    source: dict[str, Any]
    url: str
    token: str

    async def push(self, body: Any, *, token: str | None = None) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = {"token": self.token if token is None else token}
        return await self.town.world.client.post(self.url, params=asked, content=raw)

    async def says(self, **fields: Any) -> None:
        answer = await self.push(report(self.town, self.adapter, **fields))
        assert (answer.status_code, answer.json()) == (200, {"accepted": True})

    async def device(self, role: str = "smoke_detector", child: str = "") -> str:
        """A device of this platform in an elder's home; returns the elder's id."""
        elder = await self.town.admin.made("elders", {"name": "李演示", "address": "演示路 1 号"})
        device = {"family": self.adapter, "source_id": self.source["id"], "role": role}
        device |= {"id": f"{self.adapter}-{child or 'one'}", "elder_id": elder["id"]}
        device |= {"child_id": child or CHILD[self.adapter]}
        await self.town.admin.made("devices", device)
        return str(elder["id"])


async def platform(town: Town, adapter: str = "ctwing") -> Platform:
    source = await town.admin.made("sources", {"name": adapter, "family": adapter})
    return Platform(town, adapter, source, source["push"]["url"], source["push"]["token"])


def refused(answer: httpx.Response) -> bool:
    assert answer.headers["content-type"].startswith("application/problem+json")
    return answer.status_code == 401


# ── an account ───────────────────────────────────────────────────────────────────────────────────


async def test_an_account_has_an_address_and_a_token_and_no_topics(town: Town) -> None:
    ctwing = await platform(town)
    assert ctwing.url == "http://127.0.0.1:8000/api/v1/push/ctwing"
    assert len(ctwing.token) == 32 and ctwing.token.isalnum()
    assert (ctwing.source["prefix"], ctwing.source["mqtt"]) == ("", None)
    assert (await platform(town)).token != ctwing.token
    named = {"name": "x", "family": "ctwing", "prefix": "x"}
    for answer in (
        await town.admin.patch(f"sources/{ctwing.source['id']}", {"prefix": "ctwing"}),
        await town.admin.post("sources", named),
        await town.admin.post("sources", {"name": "bridge", "family": "zigbee2mqtt"}),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "prefix")


async def test_a_new_token_ends_the_old_one_at_once(town: Town) -> None:
    ctwing = await platform(town)
    await ctwing.says(Alarm_Status=12)
    renewed = await town.admin.done(f"sources/{ctwing.source['id']}/push-token")
    assert renewed["token"] != ctwing.token
    assert refused(await ctwing.push(report(town, "ctwing", Alarm_Status=12)))
    ctwing.token = renewed["token"]
    await ctwing.says(Alarm_Status=12)


async def test_a_bridge_has_no_push_token(town: Town) -> None:
    bridge = await town.admin.made("sources", {"name": "b", "family": "zigbee2mqtt", "prefix": "z"})
    assert bridge["push"] is None
    answer = await town.admin.post(f"sources/{bridge['id']}/push-token")
    assert answer.status_code == 422


async def test_a_revoked_source_is_refused(town: Town) -> None:
    ctwing = await platform(town)
    await ctwing.says(Alarm_Status=12)
    async with town.world.services.db.transaction() as session:
        (await session.get_one(Source, ctwing.source["id"])).active = False
    town.world.services.signals.sources.set()
    assert refused(await ctwing.push(report(town, "ctwing", Alarm_Status=12)))


async def test_who_has_no_token_is_refused_and_counted(town: Town) -> None:
    ctwing, huawei = await platform(town), await platform(town, "huawei")
    before = PUSHES.labels("ctwing", "refused")._value.get()
    for token in ("", "wrong", ctwing.token[:-1], ctwing.token.upper(), huawei.token, "é" * 32):
        assert refused(await ctwing.push(report(town, "ctwing", Alarm_Status=1), token=token))
    assert PUSHES.labels("ctwing", "refused")._value.get() == before + 6
    assert await town.count(EventRow) == 0 == await town.count(QuarantineRow)
    gone = await town.world.client.post(f"/api/v1/push/nobody?token={ctwing.token}")
    assert gone.status_code == 404


async def test_a_token_may_come_in_a_header(town: Town) -> None:
    ctwing = await platform(town)
    body = json.dumps(report(town, "ctwing", Alarm_Status=12)).encode()
    for headers in (
        {"X-Anju-Token": ctwing.token},
        {"Authorization": f"Bearer {ctwing.token}"},
        {"authorization": f"bearer {ctwing.token}"},
    ):
        answer = await town.world.client.post(ctwing.url, content=body, headers=headers)
        assert answer.status_code == 200


# ── the platforms' own signatures ────────────────────────────────────────────────────────────────


def md5(token: str, nonce: str, message: str) -> str:
    digest = hashlib.md5((token + nonce + message).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


async def test_onenet_checks_the_address_before_it_pushes(town: Town) -> None:
    onenet = await platform(town, "onenet")
    client = town.world.client
    for number in range(20):  # some signatures contain + and /
        message, nonce = f"hello {number}", f"n{number}"
        asked = {"msg": message, "nonce": nonce, "signature": md5(onenet.token, nonce, message)}
        answer = await client.get(onenet.url, params=asked)
        assert (answer.status_code, answer.text) == (200, message)
        assert answer.headers["content-type"].startswith("text/plain")
        assert refused(await client.get(onenet.url, params=asked | {"nonce": "other"}))
    assert refused(await client.get(onenet.url, params={"msg": "hello"}))
    answer = await client.get(onenet.url, params={"msg": "hello", "token": onenet.token})
    assert (answer.status_code, answer.text) == (200, "hello")


async def test_onenet_signs_what_it_pushes(town: Town) -> None:
    onenet = await platform(town, "onenet")
    await onenet.device()
    point = report(town, "onenet", smoke=1)["msg"]
    message = json.dumps(point, separators=(",", ":"), ensure_ascii=False)
    signature = md5(onenet.token, "abcdefgh", message)
    rest = f'"nonce":"abcdefgh","msg_signature":"{signature}"'
    client = town.world.client
    forged = message.replace('"smoke":1', '"smoke":0')
    assert refused(await client.post(onenet.url, content=f'{{"msg":{forged},{rest}}}'))
    assert refused(await client.post(onenet.url, content=b'{"msg":'))
    answer = await client.post(onenet.url, content=f'{{"msg":{message},{rest}}}')
    assert answer.status_code == 200
    assert (await town.incident())["kind"] == "smoke"
    as_text = {"msg": message, "nonce": "n", "signature": md5(onenet.token, "n", message)}
    assert (await client.post(onenet.url, json=as_text)).status_code == 200
    assert await town.count(EventRow) == 1


async def test_iotda_signs_in_its_headers(town: Town) -> None:
    huawei = await platform(town, "huawei")
    for timestamp, nonce in (("1775973540120", "zz9"), ("20260412T055900Z", "0a")):
        joined = "".join(sorted((huawei.token, timestamp, nonce)))
        signed = {
            "timestamp": timestamp,
            "nonce": nonce,
            "signature": hashlib.sha256(joined.encode()).hexdigest(),
        }
        body = json.dumps(report(town, "huawei", devState=0))
        client = town.world.client
        answer = await client.post(huawei.url, content=body, headers=signed)
        assert answer.status_code == 200
        answer = await client.post(huawei.url, content=body, headers=signed | {"nonce": "1"})
        assert refused(answer)


# ── what becomes of it ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("adapter", "role", "fields", "kind"),
    [
        ("ctwing", "smoke_detector", {"Alarm_Status": 1}, "smoke"),
        ("onenet", "sos_button", {"sos": 1}, "sos"),
        ("huawei", "watch", {"MessageType": "DEVSOS", "HeartRate": "000"}, "sos"),
    ],
)
async def test_an_alarm_opens_an_incident_at_the_elder_s_home(
    town: Town, adapter: str, role: str, fields: dict[str, Any], kind: str
) -> None:
    here = await platform(town, adapter)
    elder_id = await here.device(role)
    await here.says(**fields)
    incident = await town.incident()
    assert (incident["kind"], incident["elder_id"]) == (kind, elder_id)
    assert incident["confidence"] == "confirmed"


async def test_the_batch_callback_and_a_retry_repeat_what_is_known(town: Town) -> None:
    huawei = await platform(town, "huawei")
    await huawei.device("watch")
    single = report(town, "huawei", MessageType="DEVSOS", HeartRate="000", Steps="7")
    batch = {k: v for k, v in single.items() if k != "service"}
    batch |= {"notifyType": "deviceDatasChanged", "services": [single["service"]]}
    for body in (single, batch, single):
        assert (await huawei.push(body)).status_code == 200
        town.clock.advance(seconds=20)
    answers = await asyncio.gather(*(huawei.push(body) for body in (batch, single) * 3))
    assert {answer.status_code for answer in answers} == {200}
    assert await town.count(EventRow) == 1
    incident = await town.incident()
    assert (await town.row(Incident, incident["id"])).findings == 1
    assert await town.count(ReadingRow) == 1  # steps, at the same moment


async def test_many_devices_in_one_body(town: Town) -> None:
    onenet = await platform(town, "onenet")
    for child in ("17", "18"):
        await onenet.device("water_meter", child)
    at = millis(town)
    points = [
        {"type": 1, "dev_id": n, "ds_id": "waterTotal", "value": n / 2, "at": at + n}
        for n in (17, 18)
    ]
    assert (await onenet.push({"msg": points})).status_code == 200
    for child, value in (("17", 8.5), ("18", 9.0)):
        readings = await town.get("readings", device_id=f"onenet-{child}")
        assert [one["value"] for one in readings] == [value]


async def test_what_nobody_registered_waits_in_the_inbox_and_its_alarm_does_not(
    town: Town,
) -> None:
    ctwing = await platform(town)
    for _ in range(2):
        await ctwing.says(Alarm_Status=1, Battery_Level=80)
        town.clock.advance(seconds=5)
    (child,) = await town.get("unknown-devices")
    assert (child["child_id"], child["name"]) == (CHILD["ctwing"], "867725030000017")
    assert child["messages"] >= 2
    assert (await town.incident())["kind"] == "smoke"


async def test_a_platform_may_be_kept_to_its_registered_devices(town: Town) -> None:
    ctwing = await platform(town)
    await ctwing.device("smoke_detector", "ct-9")
    limited = {"only_listed": True}
    await town.admin.patch(f"sources/{ctwing.source['id']}", limited)
    await ctwing.says(Alarm_Status=12, Battery_Level=80)
    (aside,) = await town.get("quarantine")
    assert aside["reason"] == "not_listed"
    assert [one["child_id"] for one in await town.get("unknown-devices")] == [CHILD["ctwing"]]
    await ctwing.says(Alarm_Status=1)
    incident = await town.incident()
    assert (incident["kind"], incident["confidence"]) == ("smoke", "unconfirmed")


async def test_a_device_may_be_registered_by_the_imei_on_its_label(town: Town) -> None:
    ctwing = await platform(town)
    elder_id = await ctwing.device("smoke_detector", "867725030000017")
    await ctwing.says(Alarm_Status=1)
    assert (await town.incident())["elder_id"] == elder_id
    assert await town.get("unknown-devices") == []


async def test_coming_and_going_is_told(town: Town) -> None:
    ctwing = await platform(town)
    await ctwing.device()
    body: dict[str, Any] = {"messageType": "deviceOnlineOfflineReport", "timestamp": millis(town)}
    body |= {"deviceId": CHILD["ctwing"]}
    await ctwing.push(body | {"eventType": 1})
    assert (await town.row(DeviceStateRow, "ctwing-one")).online is True
    await ctwing.push(body | {"eventType": 0})
    soon = (await town.row(DeviceStateRow, "ctwing-one")).silent_after
    assert soon is not None and (soon - town.clock.now()).total_seconds() == 300


# ── what cannot be read ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        b'{"messageType":"dataReport","deviceId":"ct-1","payload":{"Alarm_Sta',
        b'{"messageType":"dataReport","deviceId":"ct-1","payload":{"serviceData":'
        b'{"Alarm_Status":99}}}',
        b'{"deviceId":"ct-1","messageType":"dataReport","payload":"' + b"x" * MAX_BODY + b'"}',
    ],
    ids=["cut off", "unknown code", "too large"],
)
async def test_an_unreadable_push_of_a_smoke_detector_is_an_unconfirmed_incident(
    town: Town, body: bytes
) -> None:
    ctwing = await platform(town)
    await ctwing.device()
    for _ in range(2):
        assert (await ctwing.push(body)).status_code == 200
    incident = await town.incident()
    assert (incident["kind"], incident["severity"]) == ("unreadable", "life_safety")
    assert incident["confidence"] == "unconfirmed"
    assert await town.count(QuarantineRow) == 2


async def test_an_unreadable_push_of_nobody_is_kept_and_answered(town: Town) -> None:
    onenet = await platform(town, "onenet")
    for body in (b"", b"\xff\xfe", b"{}", b'{"enc_msg":"c2VhbGVk","nonce":"a"}'):
        assert (await onenet.push(body)).status_code == 200
    kept = await town.get("quarantine")
    assert {one["topic"] for one in kept} == {"push/onenet"}
    assert {one["reason"] for one in kept} == {
        "empty_payload",
        "not_utf8",
        "missing:dev_id",
        "encrypted",
    }
    assert await town.get("incidents") == []


# ── nothing is answered that is not stored ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("the disk is on fire"),
        OperationalError("COMMIT", None, Exception("database is locked")),
    ],
    ids=["failed", "away"],
)
async def test_a_commit_that_fails_is_no_200_and_the_retry_is(town: Town, error: Exception) -> None:
    ctwing = await platform(town)
    await ctwing.device()
    await ctwing.says(Alarm_Status=12)
    if isinstance(error, OperationalError):
        town.lane.answer_within_s = 0.1  # it is tried again for as long as the database is away
    body = report(town, "ctwing", Alarm_Status=1)
    with failing(error):
        answer = await ctwing.push(body)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert await town.get("incidents") == []
    town.lane.answer_within_s = 10.0
    assert (await ctwing.push(body)).status_code == 200
    assert await town.count(EventRow) == 1
    assert (await town.incident())["kind"] == "smoke"
    await town.lane.finish(10.0)
    assert await town.count(EventRow) == 1


async def test_only_so_much_waits_for_a_database_that_is_away(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.push.MOST_WAITING", 2)
    ctwing = await platform(town)
    await ctwing.says(Alarm_Status=12)
    town.lane.answer_within_s = 0.1
    away = OperationalError("COMMIT", None, Exception("database is locked"))
    with failing(away):
        pushes = [
            ctwing.push(report(town, "ctwing", Alarm_Status=12, CSQ=number)) for number in range(4)
        ]
        answers = await asyncio.gather(*pushes)
        town.clock.advance(seconds=6)
        assert "6 s" in str(await town.lane.unwell())
    assert [answer.status_code for answer in answers] == [503] * 4
    details = sorted(answer.json()["detail"] for answer in answers)
    assert details[0] == details[1] != details[2] == details[3]
    await town.lane.finish(10.0)
    assert await town.lane.unwell() is None


async def test_what_waits_is_stored_before_the_process_ends(town: Town) -> None:
    ctwing = await platform(town)
    await ctwing.device()
    bodies = [report(town, "ctwing", Alarm_Status=1, TData=number) for number in range(20)]
    pushes = [
        asyncio.create_task(
            town.lane.take(ctwing.source["id"], "ctwing", json.dumps(body).encode())
        )
        for body in bodies
    ]
    await asyncio.sleep(0)  # all of them wait
    town.world.services.stopping = True
    late = await ctwing.push(bodies[0])
    await town.lane.finish(10.0)
    await asyncio.gather(*pushes)
    assert late.status_code == 503
    assert await town.count(EventRow) == len(bodies)
