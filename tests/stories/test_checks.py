"""The question before an incident: a home goes quiet, the elder is asked, and only then others."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerting.handling import check_ending, checking, sweep
from alerting.handling.witness import SecondLook
from care.tables import Elder
from simulators.phone_messages import Rule
from tests.support.checks import ELDER_PHONE, QuietHome
from tests.support.world import World, kinds, reasons

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_one_key_on_the_phone_and_nothing_opens(home: QuietHome) -> None:
    world = home.world
    assert await home.finds() is None
    [call], [message] = home.calls(), home.messages()
    assert "请按一" in call.text and "/c/ntc-" in message.text
    for text in (call.text, message.text):
        assert "李演示" not in text and "水" not in text
    await home.presses("1")
    check = await home.check()
    assert (check.state, check.result, check.ended_by) == ("ended", "well", "李演示")
    await world.advance(hours=1)
    assert await home.incidents() == []
    assert len(home.calls()) == 1
    assert world.sms_to(1) == [] and world.calls_to(1) == []


async def test_nobody_answers_so_it_is_asked_once_more_and_then_everybody_is_told_at_once(
    home: QuietHome,
) -> None:
    world = home.world
    officer = await world.sign_in("王值班")
    opened_at = world.clock.now()
    await home.finds()
    await world.advance(minutes=4, seconds=30)
    assert len(home.calls()) == 2 and len(home.messages()) == 1
    assert await home.incidents() == []
    await world.advance(minutes=5, seconds=20)
    await world.desk_opens(officer)
    await world.advance(seconds=20)
    incident = await home.incident()
    assert datetime.fromisoformat(incident["opened_at"]) - opened_at == timedelta(minutes=10)
    [told] = [entry for entry in incident["timeline"] if entry["kind"] == "told"]
    assert {one["kind"] for one in told["data"]["tellings"]} == {"desk", "contact"}
    assert len(world.sms_to(1)) == 1
    assert incident["facts"]["check"]["asked"] == 2
    assert "问安 2 次（电话、短信）：无人应答" in incident["title"]
    assert kinds(incident)[:2] == ["opened", "told"] and "checked" in kinds(incident)
    assert "问安无人应答，建立事件单" in reasons(incident)
    check = await home.check()
    assert (check.result, check.incident_id) == ("unanswered", incident["id"])
    await world.advance(minutes=2)
    assert len(home.calls()) == 2  # of the elder nobody asks any more


async def test_a_voicemail_that_picks_up_is_no_answer(home: QuietHome) -> None:
    home.world.phone.set_rule(ELDER_PHONE, Rule(answers=True, key=None))
    await home.finds()
    await home.world.advance(minutes=10)
    assert (await home.check()).result == "unanswered"
    assert len(await home.incidents()) == 1


async def test_looking_at_the_link_answers_nothing_and_a_button_does(home: QuietHome) -> None:
    await home.finds()
    link = await home.link()
    page = await home.looks(link)
    assert "我很好" in page and "李演示" not in page
    assert (await home.check()).state == "asking"
    assert "谢谢" in await home.answers(link, answer="well")
    check = await home.check()
    assert (check.result, check.ended_by) == ("well", "李演示")
    assert "谢谢" in await home.answers(link, answer="away")  # the first answer stands
    assert (await home.world.row(Elder, home.elder["id"])).status == "home"
    assert await home.incidents() == []


@pytest.mark.parametrize("first", ["well", "away"])
async def test_help_is_heard_after_a_wrong_button(home: QuietHome, first: str) -> None:
    await home.finds()
    link = await home.link()
    assert 'value="help"' in await home.answers(link, answer=first)
    await home.answers(link, answer="help")
    incident = await home.incident()
    assert incident["stage"] == "open" and len(home.world.calls_to(1)) == 1
    await home.answers(link, answer="help")
    assert len(await home.incidents()) == len(home.world.calls_to(1)) == 1


@pytest.mark.parametrize("first", ["1", "3"])
async def test_help_is_heard_after_a_wrong_key(home: QuietHome, first: str) -> None:
    await home.finds()
    await home.presses(first)
    await home.presses("2")
    assert (await home.incident())["facts"]["help"] is True


@pytest.mark.parametrize("before", [None, "help"])
async def test_help_after_an_outcome_opens_an_incident(home: QuietHome, before: str | None) -> None:
    world = home.world
    await home.finds()
    link = await home.link()
    if before is not None:
        await home.answers(link, answer=before)
    await world.advance(minutes=11)
    first = await home.incident(stage="open")
    await world.act("acknowledge", first)
    await world.act("outcome", first, {"outcome": "assisted", "reason": "看过"})
    calls = len(world.calls_to(1))
    await home.answers(link, answer="help")
    [again] = await home.incidents(stage="open")
    assert again["previous_id"] == first["id"] and len(world.calls_to(1)) == calls + 1


async def test_asking_for_help_opens_at_once_and_telephones_ring(home: QuietHome) -> None:
    world = home.world
    await home.finds()
    await home.presses("2")
    incident = await home.incident()
    assert incident["severity"] == "welfare" and incident["facts"]["help"] is True
    assert incident["title"].startswith("老人求助：长时间未用水")
    assert len(world.calls_to(1)) == 1 and len(world.sms_to(1)) == 1
    assert "老人求助，同时电话通知" in reasons(incident)
    assert (await home.check()).result == "help"


async def test_not_at_home_rests_the_watch_until_they_are_back(home: QuietHome) -> None:
    world = home.world
    await home.finds()
    await home.presses("3")
    assert (await home.check()).result == "away"
    elder: Elder = await world.row(Elder, home.elder["id"])
    evening = world.clock.now().replace(hour=13, minute=0)  # nine o'clock in Guangdong
    evening = evening.replace(second=0, microsecond=0)
    assert (elder.status, elder.status_review_at) == ("away", evening)
    await home.answers(await home.link(), answer="away", until="days3")
    elder = await world.row(Elder, home.elder["id"])
    assert elder.status_review_at == evening + timedelta(days=3)
    assert [one.reason for one in await home.statuses_said()] == ["answer", "answer"]
    assert await home.finds() is None  # welfare rests
    assert len(await home.checks()) == 1


async def test_with_two_in_the_home_one_who_is_away_does_not_speak_for_the_other(
    home: QuietHome,
) -> None:
    world, second = home.world, "+8613900000099"
    await world.elder("赵演示", home_id=home.elder["home_id"], phone=second, contacts=0)
    await home.finds()
    assert len(home.calls()) == len(home.calls(second)) == 1
    await home.presses("3")
    assert (await home.check()).state == "asking"
    await home.presses("1", second)
    assert (await home.check()).ended_by == "赵演示"
    await world.advance(hours=1)
    assert await home.incidents() == []


async def test_water_that_runs_again_is_an_answer(home: QuietHome) -> None:
    await home.finds()
    await home.finds("cleared", None)
    assert (await home.check()).result == "used_again"
    await home.world.advance(hours=1)
    assert len(home.calls()) == 1 and await home.incidents() == []


async def test_a_gap_past_the_quiet_limit_does_not_wait_for_an_answer(home: QuietHome) -> None:
    world = home.world
    await home.finds()
    await world.advance(minutes=2)
    opened = await home.finds("worse", "incident")
    assert opened is not None
    incident = await home.incident()
    check = await home.check()
    assert (check.result, check.incident_id) == ("overtaken", incident["id"])
    assert kinds(incident).count("checked") == 1
    assert "问安期间仍无动静，直接建立事件单" in reasons(incident)
    assert len(world.sms_to(1)) == 1
    said = await home.answers(await home.link(), answer="well")
    assert "值班" in said
    incident = await home.incident()
    assert incident["stage"] == "open"  # a person closes it
    assert "老人事后应答问安：老人说平安" in [entry["text"] for entry in incident["timeline"]]
    assert incident["facts"]["check"]["answered"] == "well"


async def test_help_that_is_asked_for_after_the_end_is_never_too_late(home: QuietHome) -> None:
    world = home.world
    await home.finds()
    await home.presses("1")
    link = await home.link()
    await world.advance(hours=2)
    await home.answers(link, answer="help")
    incident = await home.incident()
    assert incident["facts"]["help"] is True and len(world.calls_to(1)) == 1
    world.clock.advance(hours=30)
    answer = await world.admin.client.get(link)
    assert answer.status_code == 404 and "120" in answer.text


async def test_a_region_without_checks_tells_the_contact_at_the_first_sign(
    home: QuietHome,
) -> None:
    world = home.world
    await switch_checks_off(world)
    assert await home.finds() is not None
    incident = await home.incident()
    assert await home.checks() == [] and home.calls() == []
    assert len(world.sms_to(1)) == 1
    assert "本地区不先问安，同步通知联系人" in reasons(incident)


async def switch_checks_off(world: World) -> None:
    """A ladder of this installation's own, as an area that wants it so would add one."""
    policies = (await world.admin.get("escalation-policies"))["items"]
    [ladder] = [one["ladder"] for one in policies if one["severity"] == "welfare"]
    ladder |= {"check": {"enabled": False}}
    world.clock.advance(seconds=1)
    body = {"name": "不先问安", "severity": "welfare", "ladder": ladder}
    await world.admin.post("escalation-policies", body)


async def test_nobody_to_ask_opens_at_once(quiet: QuietHome) -> None:
    home = await quiet.begin(phone=None)
    assert await home.finds() is not None
    assert "没有可以问安的电话，直接建立事件单" in reasons(await home.incident())


async def test_without_a_provider_the_desk_is_asked_to_phone_by_hand(quiet: QuietHome) -> None:
    home = await quiet.begin(phones=False)
    world = home.world
    officer = await world.sign_in("陈值班")
    await world.desk_opens(officer)
    assert await home.finds() is None
    [question] = await home.questions()
    assert (question.recipient_kind, question.state) == ("desk", "delivered")
    check = await home.check()
    done = await officer.post(f"checks/{check.id}/answer", {"result": "spoken"})
    assert (done["state"], done["ended_by"]) == ("ended", "陈值班")
    await world.advance(hours=1)
    assert await home.incidents() == []


async def test_a_number_that_does_not_exist_is_not_waited_for(home: QuietHome) -> None:
    home.world.phone.set_rule(ELDER_PHONE, Rule(permanent=True))
    await home.finds()
    incident = await home.incident()
    assert (await home.check()).result == "nobody_to_ask"
    assert "没有可以问安的电话，直接建立事件单" in reasons(incident)


async def test_killed_between_any_two_steps_it_goes_on_and_asks_nobody_twice(
    home: QuietHome,
) -> None:
    world = home.world
    await home.finds()
    world.clock.advance(minutes=5)
    check = await home.check()
    zone = world.services.settings.zone
    async with world.services.db.reading() as session:  # killed before the commit
        assert await check_ending.act(session, check.id, world.clock.now(), zone) is not None
    await world.settle()
    assert len(home.calls()) == 2
    async with world.services.db.transaction() as session:  # a second worker comes late
        again = await check_ending.act(session, check.id, world.clock.now(), zone)
    await world.settle()
    assert again is None and len(home.calls()) == 2
    world.clock.advance(minutes=30)  # the process was away
    async with world.services.db.reading() as session:
        assert check.id in await sweep.overdue(session, world.clock.now())
    await world.settle()
    assert len(await home.incidents()) == 1 and len(home.calls()) == 2
    async with world.services.db.reading() as session:
        assert await sweep.overdue(session, world.clock.now()) == []


async def test_two_officers_answer_and_the_second_is_told_who_was_first(home: QuietHome) -> None:
    world = home.world
    first, second = await world.sign_in("张值班"), await world.sign_in("李值班")
    await home.finds()
    home_id = home.elder["home_id"]
    [check] = (await first.get("checks", state="asking", home_id=home_id))["items"]
    assert check["version"] == 1
    path, body = f"checks/{check['id']}/answer", {"result": "spoken", "version": 1}
    answers = await asyncio.gather(*(one.call("POST", path, json=body) for one in (first, second)))
    [done] = [one.json() for one in answers if one.status_code == 200]
    [refused] = [one.json() for one in answers if one.status_code == 409]
    assert refused["winner"] == done["ended_by"]
    assert {done["ended_by"]} < {"张值班", "李值班"}
    assert await home.incidents() == []


@pytest.mark.parametrize("on", [True, False])
async def test_another_witness_delays_the_incident_once_and_not_the_question(
    home: QuietHome, monkeypatch: pytest.MonkeyPatch, on: bool
) -> None:
    world = home.world
    until = world.clock.now() + timedelta(hours=2)

    async def power_is_used(*_: Any) -> SecondLook:
        return SecondLook(until=until, facts={"power_w": 60})

    monkeypatch.setattr(checking, "second_look", power_is_used)
    if not on:
        await switch_checks_off(world)
    await home.finds()
    check = await home.check()
    assert check.state == ("asking" if on else "held")
    await world.advance(minutes=30)
    assert len(home.calls()) == (2 if on else 0)
    assert await home.incidents() == []
    await world.advance(minutes=91)
    incident = await home.incident()
    assert incident["facts"]["power_w"] == 60
    assert datetime.fromisoformat(incident["opened_at"]) == until


async def test_the_phone_stays_free_while_help_is_called_by_the_button(home: QuietHome) -> None:
    world = home.world
    button = await world.button(home.elder, "btn-quiet")
    await home.finds()
    await world.press(button)
    await world.advance(minutes=5)
    assert len(home.calls()) == 1
    await world.advance(minutes=5)
    assert {one["kind"] for one in await home.incidents()} == {"sos", "no_water_use"}


async def test_a_clock_that_jumped_back_does_not_make_a_check_wait(home: QuietHome) -> None:
    world = home.world
    await home.finds()
    world.clock.step_wall(seconds=-3 * 3600)
    await world.anju.escalator.begin()
    await world.advance(minutes=15)
    assert (await home.check()).result == "unanswered"
