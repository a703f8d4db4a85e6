"""Who sees what: the area, or the assignment, cuts every answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from care.model import UserRole
from tests.api.town import a_check
from tests.support.api import Caller, World


@dataclass(kw_only=True)
class Side:
    """One of two towns that know nothing of each other."""

    area: dict[str, Any]
    elder: dict[str, Any]
    contact: dict[str, Any]
    source: dict[str, Any]
    incident_id: str
    check_id: str
    officer: Caller
    visitor: Caller


async def a_side(world: World, admin: Caller, name: str) -> Side:
    area = await admin.made("areas", {"name": name, "level": "town"})
    village = await admin.made(
        "areas", {"name": f"{name}村", "level": "village", "parent_id": area["id"]}
    )
    elder = await admin.made("elders", {"name": f"{name}老人", "area_id": village["id"]})
    contact = await admin.made(f"elders/{elder['id']}/contacts", {"name": f"{name}女儿"})
    source = await admin.made(
        "sources",
        {"name": name, "family": "zigbee2mqtt", "prefix": f"z2m-{name}", "area_id": area["id"]},
    )
    button = f"btn-{area['id']}"
    await admin.made(
        "devices",
        {"id": button, "family": "native", "role": "sos_button", "elder_id": elder["id"]},
    )
    return Side(
        area=area,
        elder=elder,
        contact=contact,
        source=source,
        incident_id=await world.press(button),
        check_id=await a_check(world, elder["home_id"], village["id"]),
        officer=await world.sign_in(UserRole.DUTY_OFFICER, area_id=area["id"]),
        visitor=await world.sign_in(UserRole.VISITOR, area_id=area["id"]),
    )


@pytest.fixture
async def north(world: World, admin: Caller) -> Side:
    return await a_side(world, admin, "north")


@pytest.fixture
async def south(world: World, admin: Caller) -> Side:
    return await a_side(world, admin, "south")


def things(side: Side) -> dict[str, str]:
    """One of everything that belongs to a side, as the list it stands in and its path."""
    elder = side.elder["id"]
    return {
        f"areas/{side.area['id']}": "areas",
        f"homes/{side.elder['home_id']}": "homes",
        f"elders/{elder}": "elders",
        f"elders/{elder}/contacts/{side.contact['id']}": f"elders/{elder}/contacts",
        f"sources/{side.source['id']}": "sources",
        f"devices/btn-{side.area['id']}": "devices",
        f"incidents/{side.incident_id}": "incidents",
        f"checks/{side.check_id}": "checks",
        f"users/{side.visitor.id}": "users",
    }


async def test_an_officer_sees_their_own_side_and_nothing_of_the_other(
    north: Side, south: Side
) -> None:
    for path, listed in things(north).items():
        ident = path.rsplit("/", 1)[-1]
        own = await north.officer.get(listed)
        assert ident in {one["id"] for one in own.json()["items"]}, path
        assert (await north.officer.get(path)).status_code == 200, path
        other = await south.officer.get(listed)
        if other.status_code == 200:
            assert ident not in {one["id"] for one in other.json()["items"]}, path
        assert (await south.officer.get(path)).status_code == 404, path


async def test_an_officer_cannot_change_the_other_side(north: Side, south: Side) -> None:
    officer = south.officer
    elder, home = north.elder["id"], north.elder["home_id"]
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "elders", {"name": "x", "area_id": north.area["id"]}),
        ("POST", "elders", {"name": "x", "home_id": home}),
        ("PATCH", f"elders/{elder}", {"name": "x"}),
        ("PATCH", f"homes/{home}", {"address": "x"}),
        ("POST", f"elders/{elder}/contacts", {"name": "x"}),
        ("PATCH", f"elders/{elder}/contacts/{north.contact['id']}", {"name": "x"}),
        ("DELETE", f"elders/{elder}/contacts/{north.contact['id']}", {}),
        ("POST", "devices", native("x-1") | {"elder_id": elder}),
        ("POST", "devices", native("x-2") | {"home_id": home}),
        ("POST", "devices", native("x-3") | {"area_id": north.area["id"]}),
        ("PATCH", f"devices/btn-{north.area['id']}", {"room": "x"}),
        ("POST", f"incidents/{north.incident_id}/acknowledge", {}),
        ("POST", f"incidents/{north.incident_id}/notes", {"text": "x"}),
        ("POST", f"incidents/{north.incident_id}/close", {}),
        ("POST", f"checks/{north.check_id}/answer", {"result": "spoken"}),
        ("POST", "visits", {"elder_id": elder, "mode": "phone"}),
        ("POST", "follow-ups", {"elder_id": elder, "due_at": DUE, "text": "x"}),
        ("POST", "hazards", {"home_id": home, "text": "x"}),
        ("POST", "silences", {"home_id": home, "reason": "x", "ends_at": DUE}),
        ("POST", "silences", {"area_id": north.area["id"], "reason": "x", "ends_at": DUE}),
        ("POST", "interruptions", {"area_id": north.area["id"], "reason": "x", "until": DUE}),
    ]
    for method, path, body in calls:
        answer = await officer.request(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)


DUE = "2026-03-03T00:00:00Z"


def native(ident: str) -> dict[str, str]:
    return {"id": ident, "family": "native", "role": "sos_button"}


async def test_something_new_without_an_area_belongs_to_the_callers(north: Side) -> None:
    elder = await north.officer.made("elders", {"name": "新来的"})
    assert elder["area_id"] == north.area["id"]


async def test_what_has_no_area_is_seen_by_every_officer_on_duty(
    world: World, admin: Caller, north: Side, south: Side
) -> None:
    stranger = await world.press("btn-nobody-knows")
    for officer in (north.officer, south.officer, admin):
        assert (await officer.get(f"incidents/{stranger}")).status_code == 200
    assert (await north.visitor.get(f"incidents/{stranger}")).status_code == 404


async def test_somebody_limited_to_an_area_cannot_add_one_at_the_top(
    world: World, north: Side
) -> None:
    chief = await world.sign_in(UserRole.SUPERVISOR, area_id=north.area["id"])
    top = await chief.post("areas", {"name": "x", "level": "county", "parent_id": None})
    assert top.status_code == 403
    inside = {"name": "x", "level": "grid", "parent_id": north.area["id"]}
    assert (await chief.post("areas", inside)).status_code == 201
    below = await chief.patch(f"areas/{north.elder['area_id']}", {"parent_id": None})
    assert below.status_code == 403


async def test_an_administrator_of_an_area_cannot_make_wider_users(
    world: World, north: Side, south: Side
) -> None:
    local = await world.sign_in(UserRole.ADMIN, area_id=north.area["id"])
    body = {"username": "new", "password": "long enough", "role": "admin", "name": "x"}
    assert (await local.post("users", body)).status_code == 403
    assert (await local.post("users", body | {"area_id": south.area["id"]})).status_code == 404
    assert (await local.post("users", body | {"area_id": north.area["id"]})).status_code == 201


async def test_a_visitor_sees_only_what_they_are_sent_to(north: Side) -> None:
    visitor, officer = north.visitor, north.officer
    elder, incident = f"elders/{north.elder['id']}", f"incidents/{north.incident_id}"
    for path in (elder, f"{elder}/contacts", incident, f"homes/{north.elder['home_id']}"):
        assert (await visitor.get(path)).status_code == 404, path
    for listed in ("elders", "homes", "incidents", "devices", "visits", "follow-ups", "hazards"):
        assert (await visitor.read(listed))["items"] == [], listed

    await officer.done(f"{incident}/dispatch", {"visitor_id": visitor.id})
    for path in (elder, f"{elder}/contacts", incident, f"homes/{north.elder['home_id']}"):
        assert (await visitor.get(path)).status_code == 200, path
    assert len((await visitor.read("incidents"))["items"]) == 1
    assert len((await visitor.read("devices"))["items"]) == 1


async def test_what_a_visitor_was_sent_to_goes_out_of_sight_when_the_case_ends(
    north: Side,
) -> None:
    visitor, officer = north.visitor, north.officer
    path = f"incidents/{north.incident_id}"
    await officer.done(f"{path}/dispatch", {"visitor_id": visitor.id})
    await visitor.done(f"{path}/arrive")
    await visitor.done(f"{path}/outcome", {"outcome": "assisted", "reason": ""})
    visit = await visitor.made(
        "visits",
        {
            "elder_id": north.elder["id"],
            "incident_id": north.incident_id,
            "mode": "on_site",
            "record": {},
        },
    )
    await officer.done(f"{path}/close")
    assert (await visitor.get(f"elders/{north.elder['id']}")).status_code == 404
    assert (await visitor.get(path)).status_code == 200
    assert (await visitor.get(f"visits/{visit['id']}")).status_code == 200


async def test_a_responsible_visitor_sees_their_elder(admin: Caller, north: Side) -> None:
    visitor, elder = north.visitor, f"elders/{north.elder['id']}"
    changed = await admin.patch(elder, {"responsible_visitor_id": visitor.id})
    assert changed.status_code == 200
    assert (await visitor.get(elder)).status_code == 200
    assert (await visitor.get(f"incidents/{north.incident_id}")).status_code == 200
    assert (await visitor.post(f"incidents/{north.incident_id}/accept")).status_code == 403


async def test_a_visitor_who_was_not_sent_is_told_so(
    world: World, north: Side, south: Side
) -> None:
    colleague = await world.sign_in(UserRole.VISITOR, area_id=north.area["id"], name="colleague")
    path = f"incidents/{north.incident_id}"
    await north.officer.done(f"{path}/dispatch", {"visitor_id": north.visitor.id})
    visit = {"elder_id": north.elder["id"], "incident_id": north.incident_id, "mode": "on_site"}
    for who, status in ((colleague, 403), (south.visitor, 404)):
        assert (await who.post(f"{path}/accept")).status_code == status
        assert (await who.post(f"{path}/arrive")).status_code == status
        outcome = {"outcome": "assisted", "reason": "x"}
        assert (await who.post(f"{path}/outcome", outcome)).status_code == status
        assert (await who.post("visits", visit)).status_code == status


@pytest.mark.parametrize("way", ["dispatch", "responsible"])
async def test_nobody_is_sent_where_they_do_not_work(
    admin: Caller, north: Side, south: Side, way: str
) -> None:
    """They would be sent to a case that they cannot open."""
    stranger = south.visitor.id
    if way == "dispatch":
        path = f"incidents/{north.incident_id}/dispatch"
        answer = await admin.post(path, {"visitor_id": stranger})
    else:
        path = f"elders/{north.elder['id']}"
        answer = await admin.patch(path, {"responsible_visitor_id": stranger})
    assert answer.status_code == 422
    assert "visitor_id" in answer.json()["errors"][0]["field"]


async def test_everything_below_an_area_belongs_to_it(
    world: World, admin: Caller, north: Side
) -> None:
    """The elder lives in a village of the town; the officer is the town's."""
    assert north.elder["area_id"] != north.area["id"]
    listed = await admin.read("elders", area_id=north.area["id"])
    assert [one["id"] for one in listed["items"]] == [north.elder["id"]]
    clerk = await world.sign_in(
        UserRole.DUTY_OFFICER, area_id=north.elder["area_id"], name="village clerk"
    )
    assert (await clerk.get(f"areas/{north.area['id']}")).status_code == 404
    assert (await clerk.get(f"elders/{north.elder['id']}")).status_code == 200
