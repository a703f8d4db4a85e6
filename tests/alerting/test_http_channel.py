"""Signed HTTP: where a webhook may go, and what each answer of a real server means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.channels.base import (
    Accepted,
    AmbiguousFailure,
    DeliveryError,
    Outgoing,
    PermanentFailure,
    TemporaryFailure,
)
from alerting.channels.http import PhoneSender, WebhookSender, webhook_refusal
from alerting.telling.links import make_link, open_link, sign, signature_matches
from core.errors import NotFound
from tests.alerting.receiver import Receiver
from tests.support.mosquitto import free_port

ALLOWED = (
    "hooks.example",
    "strict.example:8443",
    "https://spelled.example/",
    "http://plain.example",
    "http://127.0.0.1:9000",
    "[2001:db8::1]:8443",
    "HTTP://Loud.Example",
)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/a?b=c#d",
        "https://hooks.example:443/",
        "https://hooks.example:8443/a",  # an entry without a port names the host
        "HTTPS://HOOKS.EXAMPLE/",
        "https://strict.example:8443/",
        "https://spelled.example/x",
        "http://plain.example/x",
        "http://127.0.0.1:9000/x",
        "https://[2001:db8::1]:8443/x",
        "https://[2001:DB8::1]:8443/x",
        "http://loud.example/",
    ],
)
def test_an_allowed_address_is_allowed(url: str) -> None:
    assert webhook_refusal(url, ALLOWED) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",  # plain http has to be allowed by name
        "https://plain.example/",
        "https://strict.example/",
        "https://strict.example:443/",
        "https://evil.example/",
        "https://hooks.example.evil.example/",
        "https://evilhooks.example/",
        "https://hooks.example@evil.example/",
        "https://hooks.example:443@evil.example/",
        "https://evil.example/https://hooks.example/",
        "https://evil.example?@hooks.example/",
        "https://evil.example#@hooks.example/",
        "https://evil.example\\@hooks.example/",
        "https://evil.example%2f@hooks.example/",
        "https://someone@hooks.example/",  # a name and password do not belong into an address
        "https://someone:secret@hooks.example/",
        "https://hooks.example\n.evil.example/",
        "https://hooks.example /",
        "https://hooks.example:0x1bb/",
        "https://hooks.example:99999/",
        "https://[2001:db8::1]/",
        "https://[2001:db8::2]:8443/",
        "http://[::1]:9000/",
        "http://127.0.0.1:9001/",
        "http://127.1:9000/",
        "http://2130706433:9000/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "//hooks.example/",
        "hooks.example",
        "https://",
        "https://:443/",
        "https://[hooks.example/",
        "",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    assert webhook_refusal(url, ALLOWED)


@given(st.text(max_size=60))
def test_nothing_is_allowed_where_nothing_was_allowed(url: str) -> None:
    assert webhook_refusal(url, ())
    assert webhook_refusal(f"https://{url}", ())


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().running() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(0.5, connect=5.0)) as made:
        yield made


def outgoing(address: str, /, **fields: Any) -> Outgoing:
    known: dict[str, Any] = {
        "notice_id": "ntc-1",
        "channel": "webhook",
        "address": address,
        "type": "incident.opened",
        "text": "请应答",
        "link": "https://anju.example/a/x",
        "callback": "https://anju.example/api/v1/receipts/ntc-1",
        "attempt": 1,
        "repeat": False,
        "body": {"type": "incident.opened", "名": "值"},
    }
    return Outgoing(**(known | fields))


async def send(client: httpx.AsyncClient, url: str) -> Accepted | DeliveryError:
    host = url.split("/")[2]
    try:
        return await WebhookSender(client, [f"http://{host}"], "secret").send(outgoing(url))
    except DeliveryError as error:
        return error


@pytest.mark.parametrize(
    ("path", "meaning"),
    [
        ("200", Accepted),
        ("202", Accepted),
        ("204", Accepted),
        ("301", PermanentFailure),  # a redirect would lead past the list of allowed hosts
        ("302", PermanentFailure),
        ("400", PermanentFailure),
        ("401", PermanentFailure),
        ("404", PermanentFailure),
        ("408", TemporaryFailure),
        ("410", PermanentFailure),
        ("429", TemporaryFailure),
        ("500", TemporaryFailure),
        ("503", TemporaryFailure),
        ("never", AmbiguousFailure),
        ("hang-up", AmbiguousFailure),
    ],
)
async def test_what_an_answer_means(
    receiver: Receiver, client: httpx.AsyncClient, path: str, meaning: type
) -> None:
    result = await send(client, receiver.url(path))
    assert type(result) is meaning
    assert [request.path for request in receiver.requests] == [path], "sent once, nowhere else"
    if isinstance(result, DeliveryError):
        assert str(result), "says why"


async def test_a_webhook_that_was_read_was_delivered(
    receiver: Receiver, client: httpx.AsyncClient
) -> None:
    assert await send(client, receiver.url("200")) == Accepted(delivered=True)


async def test_nobody_listening_is_temporary(client: httpx.AsyncClient) -> None:
    result = await send(client, f"http://127.0.0.1:{free_port()}/200")
    assert type(result) is TemporaryFailure and "cannot connect" in str(result)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "not a url", "", "http://"])
async def test_an_address_nothing_can_be_sent_to_is_permanent(
    client: httpx.AsyncClient, url: str
) -> None:
    sender = PhoneSender(client, "/sms")
    with pytest.raises(PermanentFailure):
        await sender.send(outgoing("+8613900000001", channel="sms", url=url))


async def test_a_webhook_carries_its_signature_and_its_key(
    receiver: Receiver, client: httpx.AsyncClient
) -> None:
    await send(client, receiver.url("200"))
    (request,) = receiver.requests
    assert request.headers["idempotency-key"] == "ntc-1"
    assert signature_matches("secret", request.body, request.headers["x-anju-signature"])
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"type": "incident.opened", "名": "值"}


async def test_a_channels_own_secret_signs_for_it(
    receiver: Receiver, client: httpx.AsyncClient
) -> None:
    sender = WebhookSender(client, [f"http://127.0.0.1:{receiver.port}"], "common")
    await sender.send(outgoing("chn-1", url=receiver.url("200"), secret="of its own"))
    (request,) = receiver.requests
    assert signature_matches("of its own", request.body, request.headers["x-anju-signature"])


async def test_a_telephone_provider_gets_number_text_and_callback(
    receiver: Receiver, client: httpx.AsyncClient
) -> None:
    receiver.answer = {"id": 4711}
    sender = PhoneSender(client, "")
    accepted = await sender.send(outgoing("+861", channel="sms", url=receiver.url("200")))
    assert accepted == Accepted(provider_id="4711"), "accepted is not delivered"
    assert json.loads(receiver.requests[0].body) == {
        "id": "ntc-1",
        "to": "+861",
        "text": "请应答",
        "callback": "https://anju.example/api/v1/receipts/ntc-1",
    }


@pytest.mark.parametrize("answer", [None, {}, [], {"id": None}, "x", 7])
async def test_a_provider_that_names_no_id_has_accepted_all_the_same(
    receiver: Receiver, client: httpx.AsyncClient, answer: Any
) -> None:
    receiver.answer = answer
    sent = await PhoneSender(client, "").send(outgoing("+861", url=receiver.url("200")))
    assert sent == Accepted()


async def test_without_a_provider_the_next_channel_is_tried_at_once(
    client: httpx.AsyncClient,
) -> None:
    with pytest.raises(PermanentFailure, match="no call channel is configured"):
        await PhoneSender(client, "/calls").send(outgoing("+861", channel="call"))


@given(notice=st.text("abcdef0123456789-", min_size=1, max_size=24), other=st.text(max_size=40))
def test_a_link_opens_its_notice_and_no_other(notice: str, other: str) -> None:
    token = make_link("a secret", notice)
    assert open_link("a secret", token) == notice
    for wrong in (other, f"{notice}.{other}", f"{token}x", token[:-1], f".{token}"):
        if wrong != token:
            with pytest.raises(NotFound):
                open_link("a secret", wrong)
    with pytest.raises(NotFound):
        open_link("another secret", token)


@given(body=st.binary(max_size=64), secret=st.text(max_size=16))
def test_a_signature_belongs_to_one_body_and_one_secret(body: bytes, secret: str) -> None:
    header = sign(secret, body)
    assert header.startswith("sha256=") and signature_matches(secret, body, header)
    assert not signature_matches(secret + "x", body, header)
    assert not signature_matches(secret, body + b"x", header)
    assert not signature_matches(secret, body, None)
    assert not signature_matches(secret, body, "")
