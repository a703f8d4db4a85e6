"""The contact's link: no word about anybody before the answer, and an end with the case."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from alerting.tables import Notice
from alerting.telling.links import make_link
from tests.console.support import Reader, reader, words_of
from tests.support.clock import ManualClock
from tests.support.world import SECRET_KEY, World, kinds, open_world

PERSONAL = ("李桂英", "演示路", "13900000000", "139 0000 0000", "一键呼叫", "听力弱", "卧室")


async def told(world: World) -> tuple[str, Reader]:
    """A press; the link that the first contact got, and the contact."""
    await world.phone_channels()
    elder = await world.elder("李桂英", contacts=1, health="听力弱")
    await world.press(await world.button(elder))
    message = world.sms_to(1)[0]
    link = message.text[message.text.index("http") :].split()[0]
    return link.removeprefix("http://anju.test"), reader(world)


async def test_looking_shows_two_buttons_and_answers_nothing(world: World) -> None:
    path, contact = await told(world)
    for _ in range(2):
        page = await contact.open(path)
        assert "我知道了，我来联系" in page and "我联系不上" in page
        assert not [word for word in PERSONAL if word in page]
    incident = await world.incident()
    assert all(notice["answered_at"] is None for notice in incident["notices"])


async def test_an_answer_shows_what_happened_and_stops_the_calls(world: World) -> None:
    path, contact = await told(world)
    page = words_of(await contact.submit(path, path, answer="will_go"))
    assert "李桂英" in page and "139 0000 0000" in page and "老人按了求助按钮" in page
    assert "还没有人接手" in page and "安居会继续通知其他人" in page
    assert not re.search(r"\d:\d\d:\d\d", page), "no seconds: nobody reads them"
    assert "听力弱" not in page, "health is nobody's business on a telephone"
    incident = await world.incident()
    assert incident["stage"] == "open", "the ladder goes on"
    assert "contact_answered" in kinds(incident)
    calls = len(world.calls_to(1))
    await world.advance(minutes=10)
    assert len(world.calls_to(1)) == calls


async def test_the_answered_page_stays_open_to_the_one_who_answered_only(world: World) -> None:
    path, contact = await told(world)
    await contact.submit(path, path, answer="will_go")
    assert "李桂英" in await contact.open(path)
    somebody_else = await reader(world).open(path)
    assert not [word for word in PERSONAL if word in somebody_else]


async def test_the_first_answer_stands(world: World) -> None:
    path, contact = await told(world)
    await contact.submit(path, path, answer="cannot")
    await reader(world).submit(path, path, answer="will_go")
    incident = await world.incident()
    answered = [notice for notice in incident["notices"] if notice["answered_at"]]
    assert [(await world.row(Notice, one["id"])).answer for one in answered] == ["cannot"]


async def test_the_page_says_who_is_on_the_way(world: World) -> None:
    path, contact = await told(world)
    await contact.submit(path, path, answer="will_go")
    visitor = await world.sign_in("chen", role="visitor", name="陈探访")
    incident = await world.incident()
    await world.act("dispatch", incident, {"visitor_id": visitor.id})
    assert "已派陈探访上门" in await contact.open(path)
    await world.act("accept", incident, by=visitor)
    assert "陈探访 正在赶去" in await contact.open(path)


async def test_the_link_ends_with_the_case(world: World) -> None:
    path, contact = await told(world)
    await contact.submit(path, path, answer="will_go")
    incident = await world.incident()
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "false_alarm"})
    await world.act("close", incident, {"waiver": "电话确认"})
    page = await contact.open(path, 404)
    assert "这个链接已失效" in page
    assert not [word for word in PERSONAL if word in page]
    answer = await contact.http.post(path, data={"answer": "will_go"})
    assert answer.status_code == 404


@pytest.mark.parametrize("token", ["x", "ntc-1.", ".", "ntc-1." + "0" * 32, "%00", "a b"])
async def test_a_link_that_anju_did_not_make_says_so_and_nothing_else(
    world: World, token: str
) -> None:
    answer = await reader(world).http.get(f"/a/{token}")
    assert answer.status_code in (404, 422)
    assert "Traceback" not in answer.text


async def test_an_answer_that_is_none_is_refused(world: World) -> None:
    path, contact = await told(world)
    answer = await contact.http.post(path, data={"answer": "perhaps"})
    assert answer.status_code == 422
    assert not [word for word in PERSONAL if word in answer.text]


async def test_an_officers_link_acknowledges_and_shows_the_case_only_after_sign_in(
    world: World,
) -> None:
    await world.phone_channels()
    officer = await world.sign_in("wang", name="王值班", phone="+8613700000009")
    await world.admin.post("shifts", {"user_id": officer.id, "starts_at": "2026-02-28T00:00:00Z"})
    await world.press(await world.button(await world.elder("李桂英")))
    incident = await world.incident()
    notice = next(one for one in incident["notices"] if one["recipient"] == "王值班")
    path = f"/a/{make_link(SECRET_KEY, notice['id'])}"

    nobody = reader(world)
    page = await nobody.open(path)
    assert not [word for word in PERSONAL if word in page]
    answer = await nobody.http.post(path, data={"answer": "will_go"}, follow_redirects=False)
    assert answer.headers["location"] == f"/incidents/{incident['id']}"
    assert (await world.stored(incident)).owner_name == "王值班"
    await nobody.open(f"/incidents/{incident['id']}")  # ends on the sign-in page
    assert "李桂英" in await reader(world, officer).open(path)


async def test_a_message_in_english_leads_to_a_page_in_english(world: World) -> None:
    await world.phone_channels()
    elder = await world.elder("李桂英", contacts=1)
    contact_id = elder["contacts"][0]["id"]
    await world.admin.call(
        "PATCH", f"elders/{elder['id']}/contacts/{contact_id}", json={"language": "en"}
    )
    await world.press(await world.button(elder))
    message = world.sms_to(1)[0]
    path = message.text[message.text.index("/a/") :].split()[0]
    assert "I know, I will get in touch" in await reader(world).open(path)


async def platform_link(world: World) -> str:
    """A press that the city's platform is told of; the path of the link it got."""
    city = {"kind": "webhook", "name": "市平台", "url": "http://hooks.test/city"}
    await world.admin.post("channels", city)
    await world.press(await world.button(await world.elder("李桂英", contacts=1, health="听力弱")))
    link: str = next(one for one in world.hooks.received if one["path"] == "city")["links"][
        "answer"
    ]
    return link.removeprefix("http://anju.test")


async def operator_link(world: World) -> str:
    """The same, as the last resort's group gets it."""
    await world.press(await world.button(await world.elder("李桂英", health="听力弱")))
    await world.advance(minutes=5)
    notices = (await world.incident())["notices"]
    notice = next(one for one in notices if one["recipient_kind"] == "operator")
    return f"/a/{make_link(SECRET_KEY, notice['id'])}"


@pytest.mark.parametrize("told_as", [platform_link, operator_link])
async def test_a_group_may_answer_and_is_told_nothing_about_anybody(
    database_url: str, clock: ManualClock, told_as: Callable[[World], Awaitable[str]]
) -> None:
    async with open_world(database_url, clock, operator=True) as world:
        path = await told_as(world)
        somebody = reader(world)
        asked = await somebody.open(path)
        assert "详情登录后查看" in asked
        after = await somebody.submit(path, path, answer="will_go")
        assert "还没有人接单，请登录处理" in words_of(after)
        incident = await world.incident()
        assert (incident["stage"], incident["owner"]) == ("open", None), "the ladder goes on"
        assert "contact_answered" in kinds(incident)
        await world.act("acknowledge", incident)
        taken = await somebody.open(path)
        assert "已有人接单" in words_of(taken)
        for page in (asked, after, taken):
            assert not [word for word in PERSONAL if word in page]


async def test_somebody_of_the_desk_who_follows_a_groups_link_sees_the_case(world: World) -> None:
    path = await platform_link(world)
    officer = reader(world, await world.sign_in("wang", name="王值班"))
    assert "李桂英" in await officer.open(path)
    visitor = reader(world, await world.sign_in("zhou", role="visitor"))
    assert not [word for word in PERSONAL if word in await visitor.open(path)]


async def test_a_contact_hears_of_their_own_elder_only(world: World) -> None:
    """The smoke detector hangs in a home of two; the link is the wife's daughter's."""
    await world.phone_channels()
    wife = await world.elder("李桂英", contacts=1)
    await world.admin.post("elders", {"name": "张福生", "home_id": wife["home_id"]})
    await world.device("smoke-1", "smoke_detector", home_id=wife["home_id"])
    await world.event("smoke-1", "smoke")
    await world.settle()
    path = world.sms_to(1)[0].text.split("http://anju.test")[1].split()[0]
    page = await reader(world).submit(path, path, answer="will_go")
    assert "李桂英" in page and "张福生" not in page
    home = await world.admin.post("homes", {"address": "女儿家"})
    await world.admin.call("PATCH", f"elders/{wife['id']}", json={"home_id": home["id"]})
    again = await reader(world).submit(path, path, answer="will_go")
    assert "张福生" not in again, "who moved out is not shown those who stayed"


async def test_a_link_ends_when_the_contact_is_taken_off_the_list(world: World) -> None:
    path, contact = await told(world)
    await contact.submit(path, path, answer="will_go")
    elder = (await world.admin.get("elders"))["items"][0]
    (listed,) = (await world.admin.get(f"elders/{elder['id']}/contacts"))["items"]
    await world.admin.call("DELETE", f"elders/{elder['id']}/contacts/{listed['id']}")
    page = await contact.open(path, 404)
    assert not [word for word in PERSONAL if word in page]


async def test_the_link_of_an_account_that_was_closed_takes_nothing(world: World) -> None:
    await world.phone_channels()
    officer = await world.sign_in("wang", name="王值班", phone="+8613700000009")
    await world.admin.post("shifts", {"user_id": officer.id, "starts_at": "2026-02-28T00:00:00Z"})
    await world.press(await world.button(await world.elder("李桂英")))
    notices = (await world.incident())["notices"]
    notice = next(one for one in notices if one["recipient"] == "王值班")
    path = f"/a/{make_link(SECRET_KEY, notice['id'])}"
    await world.admin.call("PATCH", f"users/{officer.id}", json={"active": False})
    answer = await reader(world).http.post(path, data={"answer": "will_go"})
    assert answer.status_code == 404
    assert (await world.incident())["stage"] == "open"
