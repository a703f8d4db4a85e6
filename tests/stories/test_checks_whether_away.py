"""The question to a contact, whether the elder is away, and what may override what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from care.tables import Elder
from tests.support.checks import QuietHome
from tests.support.world import kinds, reasons

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def nobody_home(home: QuietHome) -> dict[str, Any]:
    world = home.world
    await home.finds("rose", "incident")
    incident = await home.incident(stage="open")
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "nobody_home", "reason": "敲门无人应"})
    return incident


async def test_the_contact_is_asked_once_whether_they_are_away(home: QuietHome) -> None:
    world = home.world
    incident = await nobody_home(home)
    [check] = await home.checks()
    assert (check.purpose, check.incident_id) == ("holiday", incident["id"])
    asked = [one for one in world.sms_to(1) if "外出" in one.text]
    assert len(asked) == 1 and world.calls_to(1) == []
    assert "holiday_asked" in kinds(await home.incident())
    link = await home.link()
    page = await home.looks(link)
    assert "应该在家" in page and "李演示" not in page
    await home.answers(link, answer="away", until="week")
    elder: Elder = await world.row(Elder, home.elder["id"])
    assert elder.status == "away"
    [said] = await home.statuses_said()
    assert (said.actor, said.reason) == ("联系人1", "holiday_question")
    await world.act("reopen", incident, {"reason": "再看"})
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "nobody_home", "reason": "同上"})
    assert len(await home.checks()) == 1


async def test_should_be_at_home_goes_on_searching_at_once(home: QuietHome) -> None:
    world = home.world
    first = await nobody_home(home)
    await home.answers(await home.link(), answer="at_home")
    incidents = await home.incidents(stage="open")
    [again] = incidents
    assert again["id"] != first["id"] and again["previous_id"] == first["id"]
    whole = await world.admin.get(f"incidents/{again['id']}")
    assert "联系人说老人应该在家，继续寻找" in reasons(whole)


async def test_should_be_at_home_ends_an_absence_that_stands_against_it(home: QuietHome) -> None:
    world = home.world
    first = await nobody_home(home)
    await world.admin.expect(200, "PATCH", f"elders/{home.elder['id']}", json={"status": "away"})
    await home.answers(await home.link(), answer="at_home")
    [again] = await home.incidents(stage="open")
    assert again["previous_id"] == first["id"]
    assert (await world.row(Elder, home.elder["id"])).status == "home"


async def test_a_contact_takes_back_a_mistaken_away(home: QuietHome) -> None:
    await nobody_home(home)
    link = await home.link()
    assert 'value="at_home"' in await home.answers(link, answer="away")
    await home.answers(link, answer="at_home")
    assert len(await home.incidents(stage="open")) == 1
    said = await home.statuses_said()
    assert [one.status for one in said] == ["away", "home"]
    assert (await home.check()).result == "at_home"


@pytest.mark.parametrize("status", ["moved", "deceased"])
async def test_nobody_is_looked_for_who_does_not_live_there_any_more(
    home: QuietHome, status: str
) -> None:
    await nobody_home(home)
    path = f"elders/{home.elder['id']}"
    await home.world.admin.expect(200, "PATCH", path, json={"status": status})
    await home.answers(await home.link(), answer="at_home")
    assert await home.incidents(stage="open") == []


async def test_at_night_the_holiday_question_waits_and_no_answer_is_never_away(
    home: QuietHome,
) -> None:
    world = home.world
    await world.advance(hours=15)  # a quarter past eleven at night
    await nobody_home(home)
    assert [one for one in world.sms_to(1) if "外出" in one.text] == []
    await world.advance(hours=9)
    assert len([one for one in world.sms_to(1) if "外出" in one.text]) == 1
    await world.advance(hours=25)
    assert (await home.check()).result == "unanswered"
    assert (await world.row(Elder, home.elder["id"])).status == "home"


@pytest.mark.parametrize("result", ["spoken", "help", "away"])
async def test_the_desk_does_not_answer_for_the_contact(home: QuietHome, result: str) -> None:
    world = home.world
    await nobody_home(home)
    check = await home.check()
    body = {"result": result, "until": (world.clock.now() + timedelta(days=1)).isoformat()}
    refused = await world.admin.expect(422, "POST", f"checks/{check.id}/answer", json=body)
    assert "set the elder's status instead" in str(refused)
    check = await home.check()
    assert check.state == "asking"
    assert (await world.row(Elder, home.elder["id"])).status == "home"


async def staff_says(home: QuietHome, status: str) -> None:
    path = f"elders/{home.elder['id']}"
    await home.world.admin.expect(200, "PATCH", path, json={"status": status})


@pytest.mark.parametrize("status", ["away", "hospital", "moved", "deceased"])
async def test_a_contact_s_link_does_not_override_staff(home: QuietHome, status: str) -> None:
    await nobody_home(home)
    link = await home.link()
    await staff_says(home, status)
    before: Elder = await home.world.row(Elder, home.elder["id"])
    assert "谢谢" in await home.answers(link, answer="away", until="week")
    elder = await home.world.row(Elder, home.elder["id"])
    assert (elder.status, elder.status_review_at) == (status, before.status_review_at)


@pytest.mark.parametrize("status", ["home", "deceased"])
async def test_away_for_longer_only_while_that_absence_runs(home: QuietHome, status: str) -> None:
    await nobody_home(home)
    link = await home.link()
    assert 'value="week"' in await home.answers(link, answer="away")
    await staff_says(home, status)
    assert 'value="week"' not in await home.answers(link, answer="away", until="week")
    assert (await home.world.row(Elder, home.elder["id"])).status == status


async def test_an_elder_s_late_answer_does_not_end_a_hospital_stay(home: QuietHome) -> None:
    await home.finds()
    link = await home.link()
    await home.world.advance(minutes=12)
    await staff_says(home, "hospital")
    await home.answers(link, answer="away")
    assert (await home.world.row(Elder, home.elder["id"])).status == "hospital"


@pytest.mark.parametrize("meanwhile", ["status", "use"])
async def test_in_the_morning_nobody_is_asked_what_the_night_has_answered(
    home: QuietHome, meanwhile: str
) -> None:
    world = home.world
    await world.advance(hours=15)
    await nobody_home(home)
    if meanwhile == "status":
        await staff_says(home, "hospital")
    else:
        await home.finds("cleared", None)
    await world.advance(hours=9)
    assert [one for one in world.sms_to(1) if "外出" in one.text] == []
    check = await home.check()
    assert (check.state, check.result) == ("ended", "withdrawn")
