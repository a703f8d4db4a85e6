"""The fake phone: a provider to Anju, a telephone to people, and no clock of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from simulators.fake_phone import FakePhone, signature_of
from simulators.fake_phone_app import create_app
from tests.support.clock import ManualClock

DAUGHTER = "+861000002001"


class Sender:
    """Plays Anju: takes receipts, unless told to be away."""

    def __init__(self) -> None:
        self.receipts: list[dict[str, Any]] = []
        self.signatures: list[tuple[bytes, str | None]] = []
        self.away = False
        self.app = FastAPI()

        @self.app.post("/receipts/{delivery_id}")
        async def receipt(delivery_id: str, request: Request) -> Response:
            if self.away:
                return Response(status_code=503)
            body = await request.body()
            self.signatures.append((body, request.headers.get("x-anju-signature")))
            self.receipts.append({"delivery": delivery_id, **json.loads(body)})
            return Response(status_code=204)

    def states(self) -> list[str]:
        return [receipt["state"] for receipt in self.receipts]


@pytest.fixture
def sender() -> Sender:
    return Sender()


@pytest.fixture
async def phone(sender: Sender, clock: ManualClock) -> AsyncIterator[FakePhone]:
    receipts = httpx.AsyncClient(transport=httpx.ASGITransport(sender.app))
    phone = FakePhone(clock, secret="s3cret", http=receipts, names={DAUGHTER: "李女士"})
    yield phone
    await phone.aclose()


@pytest.fixture
async def http(phone: FakePhone) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(phone))
    async with httpx.AsyncClient(transport=transport, base_url="http://phone") as client:
        yield client


async def send(
    http: httpx.AsyncClient, kind: str = "calls", ident: str = "dlv-1", **changed: Any
) -> httpx.Response:
    body = json.dumps(
        {
            "id": ident,
            "to": DAUGHTER,
            "text": "请打开 http://127.0.0.1:8000/a/x。",
            "callback": f"http://anju/receipts/{ident}",
            **changed,
        }
    ).encode()
    headers = {"X-Anju-Signature": signature_of("s3cret", body), "Idempotency-Key": ident}
    return await http.post(f"/{kind}", content=body, headers=headers)


async def test_an_sms_is_delivered_and_its_receipt_is_signed(
    http: httpx.AsyncClient, phone: FakePhone, sender: Sender, clock: ManualClock
) -> None:
    answer = await send(http, "sms")
    assert answer.status_code == 202
    await phone.tick()
    assert sender.receipts == []
    clock.advance(seconds=1)
    await phone.tick()
    assert sender.receipts == [
        {"delivery": "dlv-1", "state": "delivered", "at": "2026-03-01T00:15:01+00:00"}
    ]
    [(body, signature)] = sender.signatures
    assert signature == signature_of("s3cret", body)
    [shown] = (await http.get("/messages")).json()
    assert shown["id"] == answer.json()["id"]
    assert (shown["to"], shown["kind"], shown["state"]) == (DAUGHTER, "sms", "delivered")


async def test_a_call_rings_until_somebody_answers_and_presses_a_key(
    http: httpx.AsyncClient, phone: FakePhone, sender: Sender, clock: ManualClock
) -> None:
    ident = (await send(http)).json()["id"]
    clock.advance(seconds=39)
    await phone.tick()
    assert (await http.get("/messages")).json()[0]["state"] == "ringing"
    answered = await http.post(f"/messages/{ident}/answer", json={"key": "1"})
    assert answered.json()["state"] == "answered"
    await phone.tick()
    assert sender.states() == ["answered", "key"]
    assert sender.receipts[1]["key"] == "1"
    clock.advance(seconds=600)
    await phone.tick()
    assert sender.states() == ["answered", "key"]


async def test_a_call_that_nobody_answers_ends(
    http: httpx.AsyncClient, phone: FakePhone, sender: Sender, clock: ManualClock
) -> None:
    ident = (await send(http)).json()["id"]
    clock.advance(seconds=40)
    await phone.tick()
    assert sender.states() == ["no_answer"]
    late = await http.post(f"/messages/{ident}/answer", json={"key": "1"})
    assert late.status_code == 409
    assert sender.states() == ["no_answer"]


async def test_a_refused_call_is_busy(
    http: httpx.AsyncClient, phone: FakePhone, sender: Sender
) -> None:
    ident = (await send(http)).json()["id"]
    assert (await http.post(f"/messages/{ident}/reject")).status_code == 200
    assert (await http.post(f"/messages/{ident}/reject")).status_code == 409
    await phone.tick()
    assert sender.states() == ["busy"]
    assert sender.receipts[0]["reason"] == "refused"


@pytest.mark.parametrize(
    ("rule", "after_s", "states"),
    [
        ({"answers": True}, 4, ["answered", "key"]),
        ({"answers": True, "key": None}, 4, ["answered"]),
        ({"answers": False}, 40, ["no_answer"]),
        ({"busy": True}, 1, ["busy"]),
        ({"fails": True}, 1, ["failed"]),
    ],
)
async def test_a_rule_plays_the_person(
    http: httpx.AsyncClient,
    phone: FakePhone,
    sender: Sender,
    clock: ManualClock,
    rule: dict[str, Any],
    after_s: float,
    states: list[str],
) -> None:
    set_rule = await http.post("/rules", json={"to": "+86 10 0000 2001", **rule})
    assert set_rule.status_code == 204
    await send(http)
    clock.advance(seconds=after_s - 0.1)
    await phone.tick()
    assert sender.states() == []
    clock.advance(seconds=0.1)
    await phone.tick()
    assert sender.states() == states


@pytest.mark.parametrize(("rule", "status"), [("temporary", 503), ("permanent", 422)])
async def test_a_number_can_refuse_at_once(http: httpx.AsyncClient, rule: str, status: int) -> None:
    await http.post("/rules", json={"to": DAUGHTER, rule: True, "times": 2})
    for expected in (status, status, 202):
        assert (await send(http)).status_code == expected
    assert len((await http.get("/messages")).json()) == 1


async def test_a_repeat_is_answered_again_and_listed_once(http: httpx.AsyncClient) -> None:
    first, second = await send(http), await send(http, text="again")
    assert first.json() == second.json()
    [shown] = (await http.get("/messages")).json()
    assert shown["repeats"] == 1
    assert "again" not in shown["text"]


async def test_a_receipt_is_offered_again_until_it_is_taken_and_in_order(
    http: httpx.AsyncClient, phone: FakePhone, sender: Sender, clock: ManualClock
) -> None:
    ident = (await send(http)).json()["id"]
    sender.away = True
    await http.post(f"/messages/{ident}/answer", json={"key": "1"})
    await phone.tick()
    sender.away = False
    await phone.tick()  # not yet: the provider waits a second
    assert sender.receipts == []
    clock.advance(seconds=1)
    await phone.tick()
    assert sender.states() == ["answered", "key"]
    await phone.tick()
    assert sender.states() == ["answered", "key"]


async def test_a_sender_that_stays_away_is_left_alone_after_a_while(
    http: httpx.AsyncClient, phone: FakePhone, sender: Sender, clock: ManualClock
) -> None:
    await send(http, "sms", callback="http://anju/nowhere")
    for _ in range(100):
        clock.advance(seconds=1)
        await phone.tick()
    [message] = phone.messages()
    assert [receipt.attempts for receipt in message.receipts] == [6]
    assert not message.receipts[0].taken


@pytest.mark.parametrize("signature", [None, "", "sha256=00", "md5=x", "sha256=é"])
async def test_a_wrong_signature_is_refused(http: httpx.AsyncClient, signature: str | None) -> None:
    headers: dict[bytes, bytes] = (
        {} if signature is None else {b"X-Anju-Signature": signature.encode()}
    )
    answer = await http.post("/sms", content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert (await http.get("/messages")).json() == []


async def test_without_a_secret_anybody_may_send(clock: ManualClock) -> None:
    phone = FakePhone(clock)
    transport = httpx.ASGITransport(create_app(phone))
    async with httpx.AsyncClient(transport=transport, base_url="http://phone") as client:
        answer = await client.post("/sms", json={"id": "1", "to": "1", "text": "好"})
    await phone.aclose()
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"id": "1", "to": "2"}', b'{"id": "", "to": "2", "text": ""}']
)
async def test_a_message_it_cannot_read_is_a_400(http: httpx.AsyncClient, body: bytes) -> None:
    headers = {"X-Anju-Signature": signature_of("s3cret", body)}
    answer = await http.post("/calls", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["reason"]


async def test_messages_can_be_asked_for(http: httpx.AsyncClient, clock: ManualClock) -> None:
    await send(http, "sms", "dlv-1")
    clock.advance(seconds=60)
    await send(http, "calls", "dlv-2", to="+861000002002")

    async def ids(**query: str) -> list[str]:
        found = (await http.get("/messages", params=query)).json()
        return [message["delivery_id"] for message in found]

    assert await ids() == ["dlv-1", "dlv-2"]
    assert await ids(to="+86 10-0000-2002") == ["dlv-2"]
    assert await ids(kind="sms") == ["dlv-1"]
    assert await ids(since=clock.now().isoformat()) == ["dlv-2"]
    assert (await http.get("/messages", params={"since": "2026-03-01"})).status_code == 422
    await http.post("/reset")
    assert await ids() == []


async def test_the_page_shows_what_rings_and_lets_one_answer(
    http: httpx.AsyncClient, phone: FakePhone, sender: Sender
) -> None:
    ident = (await send(http, text="<b>救</b> http://127.0.0.1:8000/a/x?y=1。")).json()["id"]
    page = (await http.get("/")).text
    assert "李女士" in page
    assert "接听" in page
    assert "Hang up" in page
    assert '<a href="http://127.0.0.1:8000/a/x?y=1" target' in page
    assert "&lt;b&gt;救&lt;/b&gt;" in page
    pressed = await http.post(f"/page/{ident}/answer", data={"key": "1"})
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/")
    await phone.tick()
    assert sender.states() == ["answered", "key"]
    assert "Hang up" not in (await http.get("/")).text
    assert (await http.post(f"/page/{ident}/reject")).status_code == 303
    assert (await http.get("/phone.css")).headers["content-type"].startswith("text/css")


async def test_unknown_messages_are_not_found(http: httpx.AsyncClient) -> None:
    assert (await http.post("/messages/msg-x/answer", json={})).status_code == 404
    assert (await http.post("/messages/msg-x/reject")).status_code == 404


async def test_only_so_many_messages_are_kept(phone: FakePhone) -> None:
    for number in range(2100):
        phone.accept("sms", delivery_id=str(number), to=DAUGHTER, text="", callback="")
    kept = phone.messages()
    assert len(kept) == 2000
    assert kept[-1].delivery_id == "2099"


async def test_the_operator_is_reached_by_apprise(
    http: httpx.AsyncClient, phone: FakePhone, sender: Sender, clock: ManualClock
) -> None:
    said = {"version": "1.0", "title": "安居", "message": "没有人接单", "type": "info"}
    assert (await http.post("/operator", json=said)).status_code == 202
    clock.advance(seconds=1)
    await phone.tick()
    [shown] = (await http.get("/messages", params={"to": "operator"})).json()
    assert (shown["text"], shown["state"]) == ("安居 没有人接单", "delivered")
    assert sender.receipts == []
