"""Every smallest body of the contract, from an empty installation to a closed case."""

from __future__ import annotations

from typing import Any

import pytest

from care.model import UserRole
from tests.support.api import Caller, World


@pytest.fixture
async def village(admin: Caller) -> dict[str, Any]:
    return await admin.made("areas", {"name": "城关村", "level": "village", "parent_id": None})


@pytest.fixture
async def elder(admin: Caller, village: dict[str, Any]) -> dict[str, Any]:
    return await admin.made(
        "elders",
        {
            "name": "李桂兰",
            "birth_date": "1941-05-03",
            "phone": "020-83331234",
            "address": "城关村 12 号",
            "area_id": village["id"],
            "categories": ["living_alone"],
        },
    )


async def a_press(world: World, admin: Caller, elder: dict[str, Any]) -> str:
    """An SOS button is registered for the elder, and pressed."""
    body = {"id": "btn-0001", "family": "native", "role": "sos_button", "elder_id": elder["id"]}
    await admin.made("devices", body | {"room": "卧室"})
    return await world.press("btn-0001")


async def test_the_token_is_a_bearer_token_for_at_least_eight_hours(
    world: World, admin: Caller, village: dict[str, Any]
) -> None:
    user = {"username": "wang", "password": "correct horse", "role": "duty_officer"}
    await admin.made("users", user | {"name": "王值班", "area_id": village["id"]})
    form = {"username": "wang", "password": "correct horse", "grant_type": "password"}
    answer = await world.client.post("/api/v1/token", data=form)
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] >= 8 * 3600
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    world.clock.advance(hours=8)
    me = await world.client.get("/api/v1/me", headers=headers)
    assert (me.json()["name"], me.json()["area_id"]) == ("王值班", village["id"])


async def test_a_native_device_is_given_its_credentials_once(
    admin: Caller, elder: dict[str, Any]
) -> None:
    body = {
        "id": "btn-0001",
        "family": "native",
        "role": "sos_button",
        "elder_id": elder["id"],
        "room": "卧室",
    }
    created = await admin.made("devices", body)
    assert created["mqtt"]["username"] == "btn-0001"
    assert len(created["mqtt"]["password"]) >= 24
    assert created["home_id"] == elder["home_id"]
    assert created["area_id"] == elder["area_id"]
    again = await admin.read("devices/btn-0001")
    assert "mqtt" not in again
    assert created["mqtt"]["password"] not in str(again)
    assert (await admin.post("devices", body)).status_code == 409


async def test_a_bridge_and_its_child(
    admin: Caller, village: dict[str, Any], elder: dict[str, Any]
) -> None:
    source = await admin.made(
        "sources",
        {
            "name": "村网关",
            "family": "zigbee2mqtt",
            "prefix": "zigbee2mqtt",
            "area_id": village["id"],
        },
    )
    assert source["mqtt"]["username"] == source["id"]
    device = await admin.made(
        "devices",
        {
            "id": "smoke-7",
            "family": "zigbee2mqtt",
            "source_id": source["id"],
            "child_id": "0x00158d0000000001",
            "role": "smoke_detector",
            "home_id": elder["home_id"],
        },
    )
    assert device["home_id"] == elder["home_id"]
    assert device["mqtt"] is None
    assert "mqtt" not in await admin.read(f"sources/{source['id']}")


async def test_from_a_press_to_a_closed_case(
    world: World, admin: Caller, village: dict[str, Any], elder: dict[str, Any]
) -> None:
    officer = await world.sign_in(UserRole.DUTY_OFFICER, area_id=village["id"], name="王值班")
    visitor = await world.sign_in(UserRole.VISITOR, area_id=village["id"], name="陈探访")
    await admin.made(
        f"elders/{elder['id']}/contacts",
        {
            "name": "李梅",
            "relation": "女儿",
            "phone": "13800138000",
            "rank": 1,
            "channels": [{"kind": "webhook", "address": "http://hook.test:8080/x"}],
        },
    )
    incident_id = await a_press(world, admin, elder)
    path = f"incidents/{incident_id}"

    opened = await officer.read(path)
    assert (opened["kind"], opened["severity"], opened["stage"]) == ("sos", "life_safety", "open")
    assert (opened["elder_id"], opened["home_id"]) == (elder["id"], elder["home_id"])
    assert opened["area_id"] == village["id"]
    assert opened["device_id"] == "btn-0001"
    assert opened["owner"] is None
    assert opened["due_at"] is not None
    assert {notice["recipient"] for notice in opened["notices"]} >= {"李梅"}
    assert {"at", "kind", "actor", "text", "reason"} <= opened["timeline"][0].keys()

    world.clock.advance(seconds=20)
    taken = await officer.done(f"{path}/acknowledge", {})
    assert (taken["stage"], taken["owner"], taken["owner_id"]) == (
        "acknowledged",
        "王值班",
        officer.id,
    )
    sent = await officer.done(f"{path}/dispatch", {"visitor_id": visitor.id})
    assert sent["stage"] == "dispatched"
    assert (await visitor.done(f"{path}/accept", {}))["stage"] == "accepted"
    world.clock.advance(minutes=10)
    assert (await visitor.done(f"{path}/arrive", {}))["stage"] == "attended"
    early = await officer.post(f"{path}/close", {})
    assert early.status_code == 422
    assert set(early.json()["missing"]) == {"outcome", "visit_record"}
    done = await visitor.done(f"{path}/outcome", {"outcome": "assisted", "reason": "摔倒，已扶起"})
    assert (done["stage"], done["outcome"]) == ("following_up", "assisted")
    await officer.done(f"{path}/notes", {"text": "女儿已在路上"})

    visit = await visitor.made(
        "visits",
        {"elder_id": elder["id"], "incident_id": incident_id, "mode": "on_site", "record": {}},
    )
    assert visit["number"] == 1
    follow_up = await visitor.made(
        "follow-ups",
        {
            "elder_id": elder["id"],
            "incident_id": incident_id,
            "due_at": "2026-03-03T01:00:00Z",
            "text": "电话回访",
        },
    )
    refused = await officer.post(f"{path}/close", {})
    assert refused.json()["missing"] == ["follow_ups"]
    await visitor.done(f"follow-ups/{follow_up['id']}/complete", {"result": "已恢复"})
    closed = await officer.done(f"{path}/close", {})
    assert closed["stage"] == "closed"

    story = await admin.read(path)
    kinds = [entry["kind"] for entry in story["timeline"]]
    assert kinds == [
        "opened",
        "told",
        "acknowledged",
        "dispatched",
        "accepted",
        "attended",
        "outcome",
        "noted",
        "visit_recorded",
        "follow_up_added",
        "follow_up_done",
        "closed",
    ]
    assert all(entry["text"] for entry in story["timeline"])
    assert [one["id"] for one in story["visits"]] == [visit["id"]]
    assert [one["id"] for one in story["follow_ups"]] == [follow_up["id"]]


async def test_the_second_officer_is_told_who_was_first(
    world: World, admin: Caller, elder: dict[str, Any]
) -> None:
    wang = await world.sign_in(UserRole.DUTY_OFFICER, name="王值班")
    zhao = await world.sign_in(UserRole.DUTY_OFFICER, name="赵值班")
    incident_id = await a_press(world, admin, elder)
    await wang.done(f"incidents/{incident_id}/acknowledge", {"version": 1})
    late = await zhao.post(f"incidents/{incident_id}/acknowledge", {"version": 1})
    assert late.status_code == 409
    problem = late.json()
    assert problem["winner"] == "王值班"
    assert problem["stage"] == "acknowledged"
    assert problem["at"].startswith("2026-03-01T00:15:00")
    old = await zhao.post(f"incidents/{incident_id}/release", {"version": 1})
    assert old.status_code == 409
    assert "version" in old.json()["detail"]


async def test_a_case_that_needed_no_visit_closes_with_a_waiver(
    world: World, admin: Caller, elder: dict[str, Any]
) -> None:
    incident_id = await a_press(world, admin, elder)
    path = f"incidents/{incident_id}"
    await admin.done(f"{path}/acknowledge")
    await admin.done(f"{path}/outcome", {"outcome": "false_alarm", "reason": "误按"})
    refused = await admin.post(f"{path}/close", {})
    assert refused.status_code == 422
    assert refused.json()["missing"] == ["visit_or_waiver"]
    closed = await admin.done(f"{path}/close", {"waiver": "电话确认平安"})
    assert (closed["stage"], closed["waiver"]) == ("closed", "电话确认平安")


async def test_given_back_and_opened_again(
    world: World, admin: Caller, elder: dict[str, Any]
) -> None:
    path = f"incidents/{await a_press(world, admin, elder)}"
    await admin.done(f"{path}/acknowledge")
    assert (await admin.done(f"{path}/release", {}))["stage"] == "open"
    await admin.done(f"{path}/acknowledge")
    await admin.done(f"{path}/outcome", {"outcome": "other", "reason": "x"})
    assert (await admin.done(f"{path}/reopen", {"reason": "又按了"}))["stage"] == "open"
    assert (await admin.post(f"{path}/cancel", {"reason": "x"})).status_code == 403


async def test_an_action_without_any_body_is_an_action(
    world: World, admin: Caller, elder: dict[str, Any]
) -> None:
    path = f"incidents/{await a_press(world, admin, elder)}"
    assert (await admin.request("POST", f"{path}/acknowledge")).status_code == 200


async def test_a_late_arrival_is_kept_though_it_moves_nothing(
    world: World, admin: Caller, elder: dict[str, Any]
) -> None:
    visitor = await world.sign_in(UserRole.VISITOR, name="陈探访")
    path = f"incidents/{await a_press(world, admin, elder)}"
    await admin.done(f"{path}/dispatch", {"visitor_id": visitor.id})
    await visitor.done(f"{path}/arrive")
    await visitor.done(f"{path}/outcome", {"outcome": "assisted", "reason": ""})
    again = await visitor.post(f"{path}/arrive", {"at": "2026-03-01T00:14:00Z"})
    assert again.status_code == 409
    story = await visitor.read(path)
    last = story["timeline"][-1]
    assert (last["kind"], last["at"]) == ("attended", "2026-03-01T00:14:00Z")


async def test_titles_come_in_the_callers_language(
    world: World, admin: Caller, elder: dict[str, Any]
) -> None:
    path = f"incidents/{await a_press(world, admin, elder)}"
    chinese = await admin.read(path)
    english = (await admin.request("GET", path, headers={"Accept-Language": "en-GB,en"})).json()
    assert chinese["title"] != english["title"]
    assert english["title"].isascii() or "卧室" in english["title"]
    assert english["timeline"][0]["text"] == english["title"]


async def test_incidents_are_found_by_every_filter(
    world: World, admin: Caller, elder: dict[str, Any], village: dict[str, Any]
) -> None:
    incident_id = await a_press(world, admin, elder)
    hits: dict[str, str] = {
        "stage": "open,acknowledged",
        "severity": "life_safety",
        "kind": "sos",
        "elder_id": elder["id"],
        "home_id": elder["home_id"],
        "area_id": village["id"],
        "since": "2026-03-01T08:15:00+08:00",
    }
    for name, value in hits.items():
        page = await admin.read("incidents", **{name: value})
        assert [one["id"] for one in page["items"]] == [incident_id], name
    misses: dict[str, str] = {
        "stage": "closed",
        "severity": "technical",
        "kind": "smoke",
        "elder_id": "elder-other",
        "home_id": "home-other",
        "area_id": "area-other",
        "since": "2026-03-01T08:15:01+08:00",
    }
    for name, value in misses.items():
        assert (await admin.read("incidents", **{name: value}))["items"] == [], name
    both = await admin.get("incidents?stage=open&stage=closed&kind=sos")
    assert len(both.json()["items"]) == 1
    unencoded = await admin.get("incidents?since=2026-03-01T08:15:00+08:00")
    assert len(unencoded.json()["items"]) == 1
    assert (await admin.get("incidents", stage="sleeping")).status_code == 422
    assert (await admin.get("incidents", stages="open")).status_code == 422
