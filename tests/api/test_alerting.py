"""Ladders, shifts, silences and channels over REST: how alarms travel."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from care.model import UserRole
from tests.api.town import DUE, LADDER, SECRET, Town, build
from tests.support.api import Caller, World


@pytest.fixture
async def town(world: World) -> Town:
    return await build(world)


async def refused(caller: Caller, path: str, body: dict[str, Any]) -> list[str]:
    answer = await caller.post(path, body)
    assert answer.status_code == 422, answer.text
    return [one["field"] for one in answer.json()["errors"]]


# ── ladders ───────────────────────────────────────────────────────────────────────────────────


async def test_the_regions_ladders_are_there_and_stay_as_published(admin: Caller) -> None:
    listed = {one["severity"]: one for one in (await admin.read("escalation-policies"))["items"]}
    assert listed.keys() == {"life_safety", "welfare", "technical"}
    region = listed["life_safety"]
    assert region["ladder"]["steps"][-1]["tell"][0]["who"] == "operator"
    changed = await admin.patch(f"escalation-policies/{region['id']}", {"active": False})
    assert changed.status_code == 403


async def test_a_new_ladder_is_a_new_version_and_old_incidents_keep_theirs(town: Town) -> None:
    admin = town.admin
    own = {"name": "城关", "severity": "life_safety", "ladder": LADDER}
    policy = await admin.made("escalation-policies", own | {"area_id": town.ids["area_id"]})
    assert (policy["version"], policy["active"]) == (1, True)
    await admin.made(
        "devices",
        {"id": "btn-2", "family": "native", "role": "sos_button", "home_id": town.ids["home_id"]},
    )
    before = await admin.read(f"incidents/{await town.world.press('btn-2')}")
    assert (before["policy_id"], before["policy_version"]) == (policy["id"], 1)

    ladder = copy.deepcopy(LADDER) | {"repeat_s": 600}
    answer = await admin.patch(f"escalation-policies/{policy['id']}", {"ladder": ladder})
    assert (answer.json()["version"], answer.json()["ladder"]["repeat_s"]) == (2, 600)
    again = await admin.read(f"incidents/{before['id']}")
    assert again["policy_version"] == 1
    stamped = await admin.read(f"escalation-policies/{policy['id']}", version=1)
    assert stamped["ladder"]["repeat_s"] == 300
    listed = (await admin.read("escalation-policies", severity="life_safety"))["items"]
    assert [one["version"] for one in listed if one["id"] == policy["id"]] == [2]
    assert (await admin.get(f"escalation-policies/{policy['id']}", version=3)).status_code == 404

    renamed = await admin.patch(f"escalation-policies/{policy['id']}", {"name": "新名"})
    assert (renamed.json()["name"], renamed.json()["version"]) == ("新名", 2)
    await admin.patch(f"escalation-policies/{policy['id']}", {"active": False})
    listed = (await admin.read("escalation-policies"))["items"]
    assert policy["id"] not in {one["id"] for one in listed}


LEAVING_SOMEBODY: list[tuple[dict[str, Any], str]] = [
    ({"steps": []}, "ladder.steps"),
    ({"steps": LADDER["steps"][:1]}, "ladder.steps"),
    ({"steps": [{"after_s": -1, "tell": [{"who": "operator"}]}]}, "ladder.steps.0.after_s"),
    ({"steps": [{"after_s": 0, "tell": [{"who": "mayor"}]}]}, "ladder.steps.0.tell.0.who"),
    ({"steps": [{"after_s": 0, "tell": []}]}, "ladder.steps.0.tell"),
    ({"repeat_s": 0}, "ladder.repeat_s"),
    ({"coffee_s": 60}, "ladder.coffee_s"),
]


async def test_a_ladder_that_could_leave_somebody_waiting_is_refused(admin: Caller) -> None:
    for change, field in LEAVING_SOMEBODY:
        body = {"name": "x", "severity": "welfare", "ladder": LADDER | change}
        assert field in await refused(admin, "escalation-policies", body), change


# ── shifts ────────────────────────────────────────────────────────────────────────────────────


async def test_a_shift_is_ended_and_read_again(town: Town) -> None:
    admin, path = town.admin, town.path("shifts/{shift_id}")
    assert (await admin.read(path))["phone"] == "+8613800138000"
    ended = await admin.patch(path, {"ends_at": "2026-03-01T08:00:00+08:00"})
    assert ended.json()["ends_at"] == "2026-03-01T00:00:00Z"
    assert (await admin.patch(path, {"ends_at": "2026-01-31T00:00:00Z"})).status_code == 422
    assert (await admin.read(path))["ends_at"] == "2026-03-01T00:00:00Z"
    mine = await admin.read("shifts", user_id=town.ids["user_id"])
    assert [one["id"] for one in mine["items"]] == [town.ids["shift_id"]]
    assert (await admin.read("shifts", user_id="usr-nobody"))["items"] == []


async def test_on_call_means_to_be_rung(town: Town) -> None:
    now = {"starts_at": "2026-03-01T00:00:00Z"}
    silent = await town.world.sign_in(UserRole.VISITOR, name="没有电话")
    assert await refused(town.admin, "shifts", now | {"user_id": silent.id}) == ["phone"]
    await town.admin.patch(f"users/{silent.id}", {"active": False})
    closed = now | {"user_id": silent.id, "phone": "13800138000"}
    assert await refused(town.admin, "shifts", closed) == ["user_id"]
    backwards = closed | {"user_id": town.ids["user_id"], "ends_at": "2026-02-28T00:00:00Z"}
    assert await refused(town.admin, "shifts", backwards) == ["ends_at"]
    nobody = await town.admin.post("shifts", closed | {"user_id": "usr-nobody"})
    assert nobody.status_code == 404


async def test_a_shift_of_another_town_is_out_of_sight(town: Town) -> None:
    other = await town.admin.made("areas", {"name": "外村", "level": "village"})
    chief = await town.world.sign_in(UserRole.SUPERVISOR, area_id=other["id"])
    there = {"area_id": town.ids["area_id"]}
    assert (await town.admin.patch(town.path("shifts/{shift_id}"), there)).status_code == 200
    assert (await chief.get(town.path("shifts/{shift_id}"))).status_code == 404
    assert (await chief.read("shifts"))["items"] == []


# ── silences ──────────────────────────────────────────────────────────────────────────────────


NEVER_SILENT = ["sos", "fall", "smoke", "heat", "gas", "unreadable", "sneeze"]


async def test_life_safety_is_never_silenced(admin: Caller) -> None:
    for kind in NEVER_SILENT:
        body = {"kind": kind, "reason": "x", "ends_at": DUE}
        assert await refused(admin, "silences", body) == ["kind"], kind


TOO_WIDE: list[tuple[dict[str, Any], str]] = [
    ({}, "kind"),
    ({"kind": "leak", "ends_at": "2026-03-01T00:15:00Z"}, "ends_at"),
    ({"kind": "leak", "ends_at": "2026-04-01T00:00:00Z"}, "ends_at"),
    ({"kind": "leak", "reason": ""}, "reason"),
]


async def test_a_silence_is_narrow_short_and_explained(admin: Caller) -> None:
    for body, field in TOO_WIDE:
        whole = {"reason": "修管道", "ends_at": DUE} | body
        assert await refused(admin, "silences", whole) == [field], body


async def test_a_silence_ends_by_itself_or_by_a_person(town: Town) -> None:
    admin = town.admin
    home = {"home_id": town.ids["home_id"], "reason": "装修", "ends_at": "2026-03-01T01:00:00Z"}
    short = await admin.made("silences", home)
    assert short["created_by"] == admin.id
    in_force = {one["id"] for one in (await admin.read("silences"))["items"]}
    assert in_force == {short["id"], town.ids["silence_id"]}
    town.world.clock.advance(hours=1)
    in_force = {one["id"] for one in (await admin.read("silences"))["items"]}
    assert in_force == {town.ids["silence_id"]}
    ended = await admin.done(town.path("silences/{silence_id}/end"))
    assert ended["ends_at"] == "2026-03-01T01:15:00Z"
    town.world.clock.advance(hours=1)
    again = await admin.done(town.path("silences/{silence_id}/end"))
    assert again["ends_at"] == ended["ends_at"], "what has ended is not moved"
    assert (await admin.read("silences"))["items"] == []
    assert len((await admin.read("silences", all="true"))["items"]) == 2


# ── channels ──────────────────────────────────────────────────────────────────────────────────


async def test_a_channels_secret_is_shown_once(town: Town) -> None:
    admin = town.admin
    body = {"kind": "call", "name": "语音", "url": "http://hook.test:8080/v?key=topsecret"}
    made = await admin.made("channels", body)
    assert len(made["secret"]) >= 24, "one was made up"
    assert made["url"] == "http://hook.test:8080/v?…"
    for answer in (
        await admin.get(f"channels/{made['id']}"),
        await admin.get("channels", kind="call"),
        await admin.patch(f"channels/{made['id']}", {"enabled": False}),
    ):
        assert answer.status_code == 200
        assert made["secret"] not in answer.text
        assert "topsecret" not in answer.text
        assert SECRET not in answer.text
    mail = {"kind": "email", "name": "信", "url": "mailtos://user:pass-word@example.org"}
    email = await admin.made("channels", mail)
    assert email["secret"] is None, "mail is not signed"
    assert "pass-word" not in str(email)


NO_CHANNEL: list[tuple[dict[str, Any], str]] = [
    ({"kind": "pigeon"}, "kind"),
    ({"kind": "operator"}, "kind"),
    ({"url": "ftp://hook.test"}, "url"),
    ({"url": "http://"}, "url"),
    ({"kind": "email"}, "url"),
    ({"kind": "sms", "with_personal_data": True}, "with_personal_data"),
    ({"secret": "short"}, "secret"),
]


async def test_a_channel_that_cannot_be_is_refused(admin: Caller) -> None:
    for body, field in NO_CHANNEL:
        whole = {"kind": "webhook", "name": "市平台", "url": "https://hook.test/x"} | body
        assert await refused(admin, "channels", whole) == [field], body


async def test_a_webhook_to_a_host_that_is_not_allowed_comes_with_a_warning(admin: Caller) -> None:
    body = {"kind": "webhook", "name": "x", "url": "http://10.0.0.1/x"}
    assert "ANJU_WEBHOOK_HOSTS" in (await admin.made("channels", body))["warnings"][0]
    allowed = await admin.made("channels", body | {"url": "https://hook.test/x"})
    assert allowed["warnings"] == []


async def test_personal_data_leaves_only_by_a_webhook_an_administrator_allowed(
    town: Town,
) -> None:
    path = town.path("channels/{channel_id}")
    answer = await town.admin.patch(path, {"with_personal_data": True})
    assert answer.status_code == 422
    chief = await town.world.sign_in(UserRole.SUPERVISOR)
    assert (await chief.get(path)).status_code == 200
    assert (await chief.patch(path, {"enabled": False})).status_code == 403
