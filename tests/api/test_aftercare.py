"""Visits, follow-ups and hazards over REST."""

from __future__ import annotations

from typing import Any

import pytest

from care.model import UserRole
from tests.api.town import DUE, Town, build
from tests.support.api import World


@pytest.fixture
async def town(world: World) -> Town:
    """With one visit, one follow-up and one hazard in it already."""
    return await build(world)


def refused(problem: dict[str, Any]) -> list[str]:
    return [one["field"] for one in problem["errors"]]


async def test_visits_are_counted_per_elder_without_gaps(town: Town) -> None:
    elder, admin = town.ids["elder_id"], town.admin
    other = await admin.made("elders", {"name": "张福生"})
    assert (await admin.post("visits", {"elder_id": elder, "mode": "by_pigeon"})).status_code == 422
    numbers = []
    for who, mode in ((elder, "phone"), (other["id"], "video"), (elder, "met_on_way")):
        town.world.clock.advance(minutes=1)
        visit = await admin.made("visits", {"elder_id": who, "mode": mode, "record": {}})
        numbers.append(visit["number"])
    assert numbers == [2, 1, 3]
    listed = await admin.read("visits", elder_id=elder)
    assert [one["number"] for one in listed["items"]] == [3, 2, 1]
    assert await admin.read(f"visits/{listed['items'][0]['id']}") == listed["items"][0]


MODES = ["on_site", "phone", "video", "remote_monitoring", "met_on_way"]


async def test_every_way_to_visit_is_known(town: Town) -> None:
    for mode in MODES:
        visit = await town.admin.made("visits", {"elder_id": town.ids["elder_id"], "mode": mode})
        assert (visit["mode"], visit["record"]) == (mode, {})


async def test_a_record_keeps_what_a_region_asks_beyond_the_common_body(town: Town) -> None:
    record = {"mobility": "较差", "gas_safety": "safe", "pets": "一只猫", "extra": {"steps": 3}}
    body = {"elder_id": town.ids["elder_id"], "mode": "on_site", "record": record}
    visit = await town.admin.made("visits", body)
    assert visit["record"] == {
        "mobility": "worse",
        "gas_safety": "safe",
        "extra": {"pets": "一只猫", "steps": 3},
    }
    wrong = await town.admin.post("visits", body | {"record": {"mobility": "splendid"}})
    assert refused(wrong.json()) == ["record.mobility"]


NO_TIME_FOR_A_VISIT = ["2026-03-01T00:15:01Z", "2025-11-30T00:00:00Z"]


async def test_a_visit_lies_neither_ahead_nor_a_season_ago(town: Town) -> None:
    for visited_at in NO_TIME_FOR_A_VISIT:
        body = {"elder_id": town.ids["elder_id"], "mode": "phone", "visited_at": visited_at}
        answer = await town.admin.post("visits", body)
        assert refused(answer.json()) == ["visited_at"], visited_at


async def test_a_visit_for_an_incident_concerns_its_elder(town: Town) -> None:
    admin, incident = town.admin, town.ids["incident_id"]
    other = await admin.made("elders", {"name": "张福生"})
    body = {"incident_id": incident, "mode": "on_site"}
    assert refused((await admin.post("visits", body | {"elder_id": other["id"]})).json()) == [
        "elder_id"
    ]
    assert (await admin.post("visits", body | {"elder_id": "elder-nobody"})).status_code == 404
    visit = await admin.made("visits", body)
    assert visit["elder_id"] == town.ids["elder_id"]
    story = await admin.read(f"incidents/{incident}")
    assert visit["id"] in {one["id"] for one in story["visits"]}
    assert story["timeline"][-1]["kind"] == "visit_recorded"
    assert (await admin.post("visits", {"mode": "phone"})).status_code == 422, "of whom?"


async def test_follow_ups_come_earliest_due_first_and_end_with_a_result(town: Town) -> None:
    admin, elder = town.admin, town.ids["elder_id"]
    soon = {"elder_id": elder, "due_at": "2026-03-02T00:00:00+08:00", "text": "送药"}
    first = await admin.made("follow-ups", soon)
    assert first["due_at"] == "2026-03-01T16:00:00Z"
    listed = (await admin.read("follow-ups", elder_id=elder))["items"]
    assert [one["text"] for one in listed] == ["送药", "电话回访"]
    path = f"follow-ups/{first['id']}"
    assert refused((await admin.post(f"{path}/complete", {})).json()) == ["result"]
    town.world.clock.advance(hours=2)
    done = await admin.done(f"{path}/complete", {"result": "已送"})
    assert (done["result"], done["completed_by"]) == ("已送", admin.id)
    assert done["completed_at"] == "2026-03-01T02:15:00Z"
    assert await admin.read(path) == done
    still = (await admin.read("follow-ups", open="true"))["items"]
    assert [one["text"] for one in still] == ["电话回访"]


async def test_the_second_to_complete_or_remedy_is_told_who_was_first(town: Town) -> None:
    officer = await town.world.sign_in(UserRole.DUTY_OFFICER, name="王值班")
    for path, body in (
        (town.path("follow-ups/{follow_up_id}/complete"), {"handed_over_to": "村卫生站"}),
        (town.path("hazards/{hazard_id}/remedy"), {"remedy": "已更换软管"}),
    ):
        town.world.clock.advance(minutes=1)
        at = town.world.clock.now().isoformat()
        await officer.done(path, body)
        town.world.clock.advance(minutes=1)
        again = await town.admin.post(path, body)
        assert (again.status_code, again.json()["winner"]) == (409, "王值班"), path
        assert again.json()["at"] == at


async def test_a_follow_up_for_an_incident_keeps_it_open_until_it_is_handed_over(
    town: Town,
) -> None:
    admin, incident = town.admin, town.ids["incident_id"]
    await town.bring_to("following_up")
    body = {"incident_id": incident, "due_at": DUE, "text": "转介康复"}
    follow_up = await admin.made("follow-ups", body)
    assert follow_up["elder_id"] == town.ids["elder_id"]
    close = await admin.post(f"incidents/{incident}/close")
    assert close.json()["missing"] == ["follow_ups"]
    handed = {"handed_over_to": "县医院"}
    await admin.done(f"follow-ups/{follow_up['id']}/complete", handed)
    assert (await admin.done(f"incidents/{incident}/close"))["stage"] == "closed"
    late = await admin.post("follow-ups", body)
    assert refused(late.json()) == ["incident_id"], "a closed case is reopened first"


BEYOND_A_YEAR = ["2027-03-03T00:00:00Z", "2025-02-27T00:00:00Z"]


async def test_a_follow_up_is_due_within_a_year(town: Town) -> None:
    for due_at in BEYOND_A_YEAR:
        body = {"elder_id": town.ids["elder_id"], "due_at": due_at, "text": "x"}
        answer = await town.admin.post("follow-ups", body)
        assert refused(answer.json()) == ["due_at"], due_at


async def test_a_hazard_is_found_in_a_home_until_it_is_remedied(town: Town) -> None:
    admin = town.admin
    body = {"home_id": town.ids["home_id"], "text": "楼道堆物", "incident_id": None}
    hazard = await admin.made("hazards", body | {"found_at": "2026-02-28T23:00:00Z"})
    assert (hazard["found_at"], hazard["remedied_at"]) == ("2026-02-28T23:00:00Z", None)
    open_ = (await admin.read("hazards", open="true", home_id=town.ids["home_id"]))["items"]
    assert hazard["id"] in {one["id"] for one in open_}
    town.world.clock.advance(hours=1)
    gone = await admin.done(f"hazards/{hazard['id']}/remedy", {"remedy": "已清走"})
    assert (gone["remedied_by"], gone["remedy"]) == (admin.id, "已清走")
    assert gone["remedied_at"] == "2026-03-01T01:15:00Z"
    open_ = (await admin.read("hazards", open="true"))["items"]
    assert hazard["id"] not in {one["id"] for one in open_}


async def test_a_hazard_lies_where_the_elder_or_the_visit_was(town: Town) -> None:
    home = town.ids["home_id"]
    for way in ("elder_id", "visit_id", "incident_id"):
        hazard = await town.admin.made("hazards", {way: town.ids[way], "text": "电线老化"})
        assert hazard["home_id"] == home, way
    assert refused((await town.admin.post("hazards", {"text": "哪里？"})).json()) == ["elder_id"]
    ahead = {"home_id": home, "text": "x", "found_at": "2026-03-01T00:15:01Z"}
    assert refused((await town.admin.post("hazards", ahead)).json()) == ["found_at"]


async def test_a_hazard_names_only_somebody_who_lives_there(town: Town) -> None:
    """Otherwise an officer could tie a record to an elder of another area by guessing an id."""
    other = await town.admin.made("elders", {"name": "张福生"})
    body = {"home_id": town.ids["home_id"], "text": "x"}
    for elder in (other["id"], "elder-nobody"):
        answer = await town.admin.post("hazards", body | {"elder_id": elder})
        assert refused(answer.json()) == ["elder_id"], elder


async def test_a_visitor_sees_and_adds_only_where_they_are_sent(town: Town) -> None:
    admin, elder = town.admin, town.ids["elder_id"]
    visitor = await town.world.sign_in(UserRole.VISITOR, name="周探访")
    bodies: dict[str, dict[str, Any]] = {
        "visits": {"elder_id": elder, "mode": "phone"},
        "follow-ups": {"elder_id": elder, "due_at": DUE, "text": "x"},
        "hazards": {"elder_id": elder, "text": "x"},
    }
    for path, body in bodies.items():
        assert (await visitor.post(path, body)).status_code == 403, path
        assert (await visitor.read(path))["items"] == [], path
    change = {"responsible_visitor_id": visitor.id}
    assert (await admin.patch(f"elders/{elder}", change)).status_code == 200
    for path, body in bodies.items():
        made = await visitor.made(path, body)
        assert made["id"] in {one["id"] for one in (await visitor.read(path))["items"]}, path
    done = await visitor.post(town.path("follow-ups/{follow_up_id}/complete"), {"result": "好"})
    assert done.status_code == 200
