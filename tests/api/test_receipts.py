"""What sms and voice providers report later: believed when signed, and three different times."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import SECRET, Town, build
from tests.support.api import World


@pytest.fixture
async def town(world: World) -> Town:
    return await build(world)


async def notice(town: Town, notice_id: str) -> dict[str, Any]:
    whole = await town.admin.read(f"incidents/{town.ids['incident_id']}")
    found: dict[str, Any] = next(one for one in whole["notices"] if one["id"] == notice_id)
    return found


async def test_a_delivery_is_believed_when_the_channels_secret_signed_it(town: Town) -> None:
    ident = await town.notice()
    before = await notice(town, ident)
    for secret in ("guessed", "", SECRET + " "):
        answer = await town.receipt(ident, {"state": "delivered"}, secret=secret)
        assert answer.status_code == 401
    assert await notice(town, ident) == before
    town.world.clock.advance(seconds=5)
    answer = await town.receipt(ident, {"state": "delivered", "at": "2026-03-01T00:15:03Z"})
    assert (answer.status_code, answer.json()) == (200, {"accepted": True})
    after = await notice(town, ident)
    assert (after["state"], after["delivered_at"]) == ("delivered", "2026-03-01T00:15:05Z")
    assert after["answered_at"] is None, "a telephone has it; nobody answered"


async def test_one_body_is_signed_and_no_other(town: Town) -> None:
    ident = await town.notice()
    signed = await town.receipt(ident, {"state": "delivered"})
    headers = {"X-Anju-Signature": signed.request.headers["X-Anju-Signature"]}
    address = f"/api/v1/receipts/{ident}"
    for body in ({"state": "failed"}, {"state": "key", "key": "1"}):
        answer = await town.world.client.post(address, json=body, headers=headers)
        assert answer.status_code == 401
    assert (await town.world.client.post(address, json=body)).status_code == 401


async def test_a_notice_that_does_not_exist_looks_like_a_wrong_signature(town: Town) -> None:
    unknown = await town.receipt("ntc-nobody", {"state": "delivered"})
    wrong = await town.receipt(await town.notice(), {"state": "delivered"}, secret="x")
    assert (unknown.status_code, unknown.json()) == (wrong.status_code, wrong.json())


@pytest.mark.parametrize(("key", "said"), [("1", "will_go"), ("2", "cannot")])
async def test_a_key_is_an_answer_and_the_first_one_stands(town: Town, key: str, said: str) -> None:
    ident = await town.notice()
    town.world.clock.advance(seconds=9)
    for pressed in (key, "1", "2"):
        assert (await town.receipt(ident, {"state": "key", "key": pressed})).status_code == 200
    answered = await notice(town, ident)
    assert (answered["answer"], answered["answered_at"]) == (said, "2026-03-01T00:15:09Z")
    story = await town.admin.read(f"incidents/{town.ids['incident_id']}")
    kinds = [entry["kind"] for entry in story["timeline"]]
    assert kinds.count("contact_answered") == 1
    assert story["stage"] == "open", "a contact's answer does not stop the ladder"


async def test_a_key_that_means_nothing_is_only_a_delivery(town: Town) -> None:
    ident = await town.notice()
    for key in ("9", "", None):
        body: dict[str, Any] = {"state": "key", "key": key}
        assert (await town.receipt(ident, body)).status_code == 200
    told = await notice(town, ident)
    assert (told["state"], told["answer"]) == ("delivered", None)


@pytest.mark.parametrize("state", ["failed", "busy", "no_answer"])
async def test_what_did_not_get_through_is_said_with_its_reason(town: Town, state: str) -> None:
    ident = await town.notice()
    assert (await town.receipt(ident, {"state": state})).status_code == 200
    told = await notice(town, ident)
    assert (told["state"], told["detail"]) == ("failed", state)
    assert (await town.receipt(ident, {"state": state, "reason": "空号"})).status_code == 200
    assert (await notice(town, ident))["detail"] == state, "the first word stands"


async def test_a_receipt_after_the_case_is_over_is_taken(town: Town) -> None:
    """The provider would repeat it for ever otherwise."""
    ident = await town.notice()
    await town.bring_to("closed")
    for body in ({"state": "delivered"}, {"state": "no_answer"}):
        assert (await town.receipt(ident, body)).status_code == 200
