"""A claimed notice becomes one attempt: what it says to whom, and which channel carries it."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from typing import Any

import pytest

from alerting.channels.base import Accepted, Outgoing, PermanentFailure, TemporaryFailure
from alerting.channels.message import AppriseSender, OperatorSender, mail_url
from alerting.tables import Channel, Incident, Notice
from alerting.telling.links import make_link, open_link
from care.reach import CHANNEL_KINDS
from care.tables import Area, Elder, Home
from core.services import Services
from gateway.senders import DeviceSender, Outbox, prepare
from tests.alerting import rows
from tests.alerting.receiver import Receiver
from tests.support.clock import ManualClock
from tests.support.mosquitto import free_port

PERSONAL = {
    "name": "李淑珍",
    "phone": "+8613900001111",
    "address": "演示路 17 号 302",
    "health": "糖尿病，右耳失聪",
    "access": "钥匙在邻居处",
}


@pytest.fixture
async def incident(services: Services, clock: ManualClock) -> Incident:
    """A fall of an elder about whom everything is known."""
    now = clock.now()
    async with services.db.transaction() as session:
        area = Area(id="village", name="演示村", level="village", path="/village/", created_at=now)
        session.add(area)
        await session.flush()
        session.add(
            Home(id="hom-1", address=PERSONAL["address"], area_id="village", created_at=now)
        )
        await session.flush()
        session.add(
            Elder(
                id="eld-1",
                name=PERSONAL["name"],
                birth_date=date(1941, 5, 3),
                phone=PERSONAL["phone"],
                home_id="hom-1",
                area_id="village",
                categories=["living_alone", "dementia"],
                health=PERSONAL["health"],
                access=PERSONAL["access"],
                created_at=now,
            )
        )
        case = await rows.open_incident(session, now)
        case.elder_id, case.home_id, case.area_id = "eld-1", "hom-1", "village"
        case.facts = {"room": "卧室"}
    return case


async def outgoing(services: Services, incident: Incident, **notice: Any) -> Outgoing:
    """What an attempt of this notice would send."""
    async with services.db.transaction() as session:
        row = rows.notice(incident, services.clock.now(), **notice)
        session.add(row)
        await session.flush()
        return await prepare(session, await session.get_one(Notice, row.id), services.settings)


async def a_channel(services: Services, ident: str, **more: Any) -> None:
    values = {"kind": "webhook", "name": ident, "url": f"https://{ident}.example/hook"} | more
    async with services.db.transaction() as session:
        session.add(Channel(id=ident, created_at=services.clock.now(), enabled=True, **values))


def everything(sent: Outgoing) -> str:
    return " ".join(str(getattr(sent, field.name)) for field in fields(Outgoing))


@pytest.mark.parametrize("kind", ["contact", "user", "operator"])
@pytest.mark.parametrize("channel", ["sms", "call", "email", "apprise", "operator", "webhook"])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_no_message_carries_anything_personal(
    services: Services, incident: Incident, channel: str, kind: str, language: str
) -> None:
    sent = await outgoing(
        services, incident, channel=channel, recipient_kind=kind, language=language, address="x"
    )
    said = everything(sent)
    assert not [word for word in (*PERSONAL.values(), "1941", "dementia", "卧室") if word in said]
    assert open_link(services.settings.secret_key, sent.link.rpartition("/")[2]) == sent.notice_id
    assert sent.link in sent.text or channel == "call"


async def test_a_webhook_tells_the_elder_only_where_an_administrator_allowed_it(
    services: Services, incident: Incident
) -> None:
    await a_channel(services, "open", with_personal_data=True, secret="its own")
    await a_channel(services, "plain")
    to = {"channel": "webhook", "recipient_kind": "platform"}
    told = await outgoing(services, incident, address="open", **to)
    assert told.body["elder"] == {
        "id": "eld-1",
        "name": PERSONAL["name"],
        "phone": PERSONAL["phone"],
        "address": PERSONAL["address"],
    }
    assert (told.url, told.secret) == ("https://open.example/hook", "its own")
    plain = await outgoing(services, incident, address="plain", **to)
    assert "elder" not in plain.body
    gone = await outgoing(services, incident, address="removed", **to)
    assert "elder" not in gone.body and gone.url == ""


async def test_a_webhook_body_is_the_contracts(services: Services, incident: Incident) -> None:
    sent = await outgoing(services, incident, channel="webhook", address="https://h.example/")
    assert sent.body["type"] == "incident.opened"
    told = sent.body["incident"]
    assert (told["id"], told["kind"], told["severity"]) == (incident.id, "sos", "life_safety")
    assert (told["stage"], told["opened_at"]) == ("open", incident.opened_at.isoformat())
    assert sent.body["links"]["answer"] == sent.link


async def test_the_provider_of_the_narrowest_area_is_used(
    services: Services, incident: Incident
) -> None:
    await a_channel(services, "county", kind="sms", url="https://county.example")
    assert (await outgoing(services, incident)).url == "https://county.example"
    await a_channel(
        services, "village", kind="sms", url="https://village.example", area_id="village"
    )
    await a_channel(services, "other", kind="call", url="https://calls.example")
    assert (await outgoing(services, incident)).url == "https://village.example"
    async with services.db.transaction() as session:
        (await session.get_one(Channel, "village")).enabled = False
    assert (await outgoing(services, incident)).url == "https://county.example"


async def test_every_channel_that_somebody_may_name_has_a_sender(services: Services) -> None:
    box = Outbox(services, lambda _topic, _payload: True)
    assert {*CHANNEL_KINDS, "operator", "device"} <= set(box._senders)
    await box.close()


async def test_a_device_is_told_over_its_ack_topic() -> None:
    said: list[tuple[str, bytes]] = []

    def publish(topic: str, payload: bytes) -> bool:
        said.append((topic, payload))
        return len(said) > 1

    message = make(channel="device", address="btn-1", body={"incident": "i", "stage": "accepted"})
    with pytest.raises(TemporaryFailure, match="not connected"):
        await DeviceSender(publish).send(message)
    assert await DeviceSender(publish).send(message) == Accepted()
    assert said[1] == ("anju/v1/btn-1/ack", b'{"incident":"i","stage":"accepted"}')


def make(**given: Any) -> Outgoing:
    values: dict[str, Any] = {
        "notice_id": "ntc-1",
        "channel": "apprise",
        "address": "",
        "type": "incident.opened",
        "text": "请应答",
        "link": "L",
        "callback": "C",
        "attempt": 1,
        "repeat": False,
    }
    return Outgoing(**(values | given))


async def test_apprise_carries_the_text() -> None:
    async with Receiver().running() as receiver:
        url = f"json://127.0.0.1:{receiver.port}/200"
        assert await AppriseSender().send(make(address=url)) == Accepted()
        assert await OperatorSender(url).send(make(channel="operator")) == Accepted()
        said = [json.loads(one.body)["message"] for one in receiver.requests]
        assert said == ["请应答", "请应答"]
        with pytest.raises(TemporaryFailure):
            await AppriseSender().send(make(address=f"json://127.0.0.1:{receiver.port}/500"))
    with pytest.raises(TemporaryFailure):
        await AppriseSender().send(make(address=f"json://127.0.0.1:{free_port()}/"))


@pytest.mark.parametrize("url", ["", "no such scheme", "carrier-pigeon://roof"])
async def test_an_address_that_apprise_does_not_know_is_permanent(url: str) -> None:
    with pytest.raises(PermanentFailure):
        await AppriseSender().send(make(address=url))
    with pytest.raises(PermanentFailure):
        await OperatorSender(url).send(make(channel="operator"))


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        ("mailto://u:p@mail.example", "a@b.cn", "mailto://u:p@mail.example?to=a@b.cn"),
        ("mailto://m.example?x=1", "a@b.cn", "mailto://m.example?x=1&to=a@b.cn"),
        ("mailto://m.example", "a+b@c.cn&bcc=e@f.cn",
         "mailto://m.example?to=a%2Bb@c.cn%26bcc%3De@f.cn"),
    ],
)  # fmt: skip
def test_an_address_stays_one_recipient(url: str, address: str, expected: str) -> None:
    assert mail_url(url, address) == expected


async def test_a_notice_that_cannot_be_prepared_holds_up_no_other(
    services: Services, incident: Incident, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    async with services.db.transaction() as session:
        broken, sound = (
            rows.notice(incident, now, channel="device", address="btn-1", recipient=name)
            for name in ("broken", "sound")
        )
        session.add_all([broken, sound])

    def fails_for_one(key: str, notice_id: str) -> str:
        if notice_id == broken.id:
            raise RuntimeError("a bug of ours")
        return make_link(key, notice_id)

    monkeypatch.setattr("gateway.senders.make_link", fails_for_one)
    sent: list[str] = []

    def publish(topic: str, _payload: bytes) -> bool:
        sent.append(topic)
        return True

    box = Outbox(services, publish)
    assert await box.drain() == 2, "the sound one, and word of it to the operator"
    assert sent == ["anju/v1/btn-1/ack"]
    left = {one.recipient: one for one in await rows.notices(services.db)}
    assert left["broken"].state == "parked"
    assert left["sound"].state in ("accepted", "delivered")
    assert left["operator"].replaces_id == broken.id
    await box.close()
