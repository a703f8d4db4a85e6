"""Areas, users, homes, elders and contacts over REST."""

from __future__ import annotations

from typing import Any

import pytest

from care.model import UserRole
from tests.support.api import Caller, World

ELDER = {
    "name": "李桂兰",
    "birth_date": "1941-05-03",
    "phone": "020-8333 1234",
    "address": "城关村 12 号",
    "categories": ["living_alone"],
}


async def test_an_area_lies_in_its_parent_and_knows_its_path(admin: Caller) -> None:
    county = await admin.made("areas", {"name": "县", "level": "county", "parent_id": None})
    village = await admin.made(
        "areas", {"name": "村", "level": "village", "parent_id": county["id"]}
    )
    assert village["path"] == f"/{county['id']}/{village['id']}/"
    assert await admin.read(f"areas/{village['id']}") == village


async def test_a_town_cannot_lie_in_a_village(admin: Caller) -> None:
    village = await admin.made("areas", {"name": "村", "level": "village", "parent_id": None})
    answer = await admin.post("areas", {"name": "镇", "level": "town", "parent_id": village["id"]})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "level", "problem": "a town cannot lie inside a village"}
    ]


async def test_a_moved_area_takes_everything_below_along(admin: Caller) -> None:
    one = await admin.made("areas", {"name": "一县", "level": "county"})
    two = await admin.made("areas", {"name": "二县", "level": "county"})
    town = await admin.made("areas", {"name": "镇", "level": "town", "parent_id": one["id"]})
    grid = await admin.made("areas", {"name": "格", "level": "grid", "parent_id": town["id"]})
    moved = await admin.patch(f"areas/{town['id']}", {"parent_id": two["id"]})
    assert moved.status_code == 200
    below = await admin.read(f"areas/{grid['id']}")
    assert below["path"] == f"/{two['id']}/{town['id']}/{grid['id']}/"


async def test_an_area_cannot_be_moved_into_itself(admin: Caller) -> None:
    town = await admin.made("areas", {"name": "镇", "level": "town"})
    grid = await admin.made("areas", {"name": "格", "level": "grid", "parent_id": town["id"]})
    for target in (town["id"], grid["id"]):
        answer = await admin.patch(f"areas/{town['id']}", {"parent_id": target})
        assert answer.status_code == 422, answer.text


async def test_an_elder_gets_a_home_of_their_own(admin: Caller) -> None:
    area = await admin.made("areas", {"name": "村", "level": "village"})
    elder = await admin.made("elders", ELDER | {"area_id": area["id"]})
    home = await admin.read(f"homes/{elder['home_id']}")
    assert home["address"] == elder["address"] == "城关村 12 号"
    assert home["area_id"] == elder["area_id"] == area["id"]
    assert elder["phone"] == "+862083331234"
    assert elder["status"] == "home"
    assert (await admin.read(f"elders/{elder['id']}")) == elder


async def test_two_elders_share_a_home(admin: Caller) -> None:
    area = await admin.made("areas", {"name": "村", "level": "village"})
    home = await admin.made("homes", {"address": "桥头 3 号", "area_id": area["id"]})
    wife = await admin.made("elders", {"name": "张", "home_id": home["id"]})
    husband = await admin.made(
        "elders", {"name": "王", "home_id": home["id"], "address": "别处", "area_id": area["id"]}
    )
    assert wife["address"] == husband["address"] == "桥头 3 号"
    assert wife["area_id"] == husband["area_id"] == area["id"]
    assert wife["warnings"] == []
    assert husband["warnings"] != []
    both = await admin.read("elders", home_id=home["id"])
    assert {one["id"] for one in both["items"]} == {wife["id"], husband["id"]}


async def test_an_elder_cannot_live_in_a_home_of_another_area(admin: Caller) -> None:
    one = await admin.made("areas", {"name": "一村", "level": "village"})
    two = await admin.made("areas", {"name": "二村", "level": "village"})
    home = await admin.made("homes", {"area_id": one["id"]})
    answer = await admin.post("elders", {"name": "张", "home_id": home["id"], "area_id": two["id"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "area_id"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birth_date", "2026-03-03"),
        ("birth_date", "1880-01-01"),
        ("birth_date", "1941-02-30"),
        ("name", ""),
        ("name", "   "),
        ("name", "长" * 101),
        ("name", None),
        ("categories", ["sleepy"]),
        ("phone", "1" * 41),
        ("responsible_visitor_id", "usr-nobody"),
        ("categories", "living_alone"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(admin: Caller, field: str, value: object) -> None:
    answer = await admin.post("elders", ELDER | {field: value})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"].split(".")[0] == field


async def test_a_number_nobody_can_parse_is_kept_as_given(admin: Caller) -> None:
    elder = await admin.made("elders", ELDER | {"phone": "村部转 3"})
    assert elder["phone"] == "村部转 3"


async def test_an_absence_without_a_date_is_reviewed_after_a_week(
    admin: Caller, world: World
) -> None:
    elder = await admin.made("elders", ELDER)
    for status, day in (("hospital", "03-08"), ("away", "03-04")):
        gone = (await admin.patch(f"elders/{elder['id']}", {"status": status})).json()
        assert gone["status"] == status
        assert gone["status_review_at"] == f"2026-{day}T00:15:00Z", "away: within three days"
    back = (await admin.patch(f"elders/{elder['id']}", {"status": "home"})).json()
    assert back["status_review_at"] is None


async def test_a_review_in_the_past_is_refused(admin: Caller) -> None:
    elder = await admin.made("elders", ELDER)
    answer = await admin.patch(
        f"elders/{elder['id']}",
        {"status": "hospital", "status_review_at": "2026-02-01T00:00:00Z"},
    )
    assert answer.status_code == 422


async def test_a_patch_changes_what_it_names_and_nothing_else(admin: Caller) -> None:
    elder = await admin.made("elders", ELDER | {"health": "高血压"})
    changed = await admin.patch(
        f"elders/{elder['id']}", {"address": "新村 1 号", "health": None, "phone": "13800138000"}
    )
    assert changed.json() == elder | {
        "address": "新村 1 号",
        "health": None,
        "phone": "+8613800138000",
    }


async def test_a_shared_home_changes_its_area_at_the_home(admin: Caller) -> None:
    one = await admin.made("areas", {"name": "一村", "level": "village"})
    two = await admin.made("areas", {"name": "二村", "level": "village"})
    home = await admin.made("homes", {"area_id": one["id"]})
    elders = [await admin.made("elders", {"name": n, "home_id": home["id"]}) for n in "张王"]
    alone = await admin.patch(f"elders/{elders[0]['id']}", {"area_id": two["id"]})
    assert alone.status_code == 422
    assert (await admin.patch(f"homes/{home['id']}", {"area_id": two["id"]})).status_code == 200
    for elder in elders:
        assert (await admin.read(f"elders/{elder['id']}"))["area_id"] == two["id"]


async def test_contacts_come_in_the_order_in_which_they_are_told(admin: Caller) -> None:
    elder = await admin.made("elders", ELDER)
    path = f"elders/{elder['id']}/contacts"
    second = await admin.made(path, {"name": "邻居", "phone": "13900139000", "rank": 2})
    first = await admin.made(
        path,
        {
            "name": "李梅",
            "relation": "女儿",
            "phone": "13800138000",
            "rank": 1,
            "channels": [{"kind": "webhook", "address": "http://hook.test:8080/x"}],
        },
    )
    assert first["warnings"] == []
    assert [one["id"] for one in (await admin.read(path))["items"]] == [first["id"], second["id"]]
    assert await admin.read(f"{path}/{first['id']}") == first


async def test_a_webhook_to_a_host_that_is_not_allowed_is_kept_with_a_warning(
    admin: Caller,
) -> None:
    elder = await admin.made("elders", ELDER)
    contact = await admin.made(
        f"elders/{elder['id']}/contacts",
        {"name": "李梅", "channels": [{"kind": "webhook", "address": "http://127.0.0.1:9/x"}]},
    )
    assert "ANJU_WEBHOOK_HOSTS" in contact["warnings"][0]


@pytest.mark.parametrize(
    ("channel", "field"),
    [
        ({"kind": "webhook", "address": "ftp://host/x"}, "channels.0.address"),
        ({"kind": "webhook", "address": "http://"}, "channels.0.address"),
        ({"kind": "webhook"}, "channels.0.address"),
        ({"kind": "webhook", "address": "http://host:99999/"}, "channels.0.address"),
        ({"kind": "email", "address": "li mei"}, "channels.0.address"),
        ({"kind": "apprise", "address": "json://10.0.0.1/"}, "channels.0.address"),
        ({"kind": "apprise", "address": "nonsense"}, "channels.0.address"),
        ({"kind": "sms"}, "channels.0.address"),
        ({"kind": "pigeon", "address": "x"}, "channels.0.kind"),
        ({"kind": "sms", "address": "1", "colour": "red"}, "channels.0.colour"),
    ],
)
async def test_a_channel_that_cannot_work_is_refused(
    admin: Caller, channel: dict[str, Any], field: str
) -> None:
    elder = await admin.made("elders", ELDER)
    answer = await admin.post(
        f"elders/{elder['id']}/contacts", {"name": "李梅", "channels": [channel]}
    )
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_a_call_without_a_number_goes_to_the_contacts_phone(admin: Caller) -> None:
    elder = await admin.made("elders", ELDER)
    contact = await admin.made(
        f"elders/{elder['id']}/contacts",
        {"name": "李梅", "phone": "138 0013 8000", "channels": [{"kind": "call"}]},
    )
    assert contact["channels"] == [{"kind": "call", "address": "+8613800138000"}]


async def test_a_removed_contact_is_gone(admin: Caller) -> None:
    elder = await admin.made("elders", ELDER)
    path = f"elders/{elder['id']}/contacts"
    contact = await admin.made(path, {"name": "李梅"})
    assert (await admin.delete(f"{path}/{contact['id']}")).status_code == 204
    assert (await admin.get(f"{path}/{contact['id']}")).status_code == 404


async def test_a_user_never_shows_a_password(admin: Caller) -> None:
    body = {"username": "wang", "password": "secret123", "role": "visitor", "name": "王"}
    user = await admin.made("users", body | {"area_id": None})
    assert "password" not in str(user)
    assert user["role"] == "visitor"
    assert (await admin.post("users", body)).status_code == 409


async def test_an_administrator_cannot_lock_themselves_out(admin: Caller) -> None:
    for change in ({"active": False}, {"role": "visitor"}):
        assert (await admin.patch(f"users/{admin.id}", change)).status_code == 403


async def test_a_supervisor_manages_visitors_of_the_own_area_only(
    world: World, admin: Caller
) -> None:
    here = await admin.made("areas", {"name": "这里", "level": "town"})
    there = await admin.made("areas", {"name": "那里", "level": "town"})
    chief = await world.sign_in(UserRole.SUPERVISOR, area_id=here["id"])
    mine = await world.sign_in(UserRole.VISITOR, area_id=here["id"])
    other = await world.sign_in(UserRole.VISITOR, area_id=there["id"])
    assert (await chief.patch(f"users/{mine.id}", {"phone": "13800138000"})).status_code == 200
    assert (await chief.patch(f"users/{mine.id}", {"role": "admin"})).status_code == 403
    assert (await chief.patch(f"users/{mine.id}", {"area_id": None})).status_code == 403
    assert (await chief.patch(f"users/{other.id}", {"name": "x"})).status_code == 404
    assert (await chief.patch(f"users/{admin.id}", {"name": "x"})).status_code == 403
    assert (await chief.patch(f"users/{chief.id}", {"role": "admin"})).status_code == 403
