"""Away, in hospital, moved: welfare rules rest, life safety never, and it ends by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alerting.detect import load_state
from alerting.detectors.habit import Habit
from alerting.handling import absences
from care.tables import Device, Elder, Supervision
from tests.console.support import reader, words_of
from tests.detection.test_adaptive import Home
from tests.stories.test_quiet_home import habit_in, known_home, stands_still
from tests.stories.test_supervision import pass_time, watch_of
from tests.support.world import World, kinds

METER = "water-1"


async def becomes(world: World, elder: dict[str, Any], status: str, **more: Any) -> dict[str, Any]:
    """Staff set a status over REST; `for_h` is how long."""
    body = {"status": status}
    if "for_h" in more:
        until = world.clock.now() + timedelta(hours=more["for_h"])
        body["status_review_at"] = until.isoformat()
    changed: dict[str, Any] = await world.admin.expect(
        200, "PATCH", f"elders/{elder['id']}", json=body
    )
    return changed


async def status_of(world: World, elder: dict[str, Any]) -> str:
    return str((await world.admin.get(f"elders/{elder['id']}"))["status"])


async def statuses(world: World, elder: dict[str, Any]) -> list[tuple[str, str, str]]:
    listed = (await world.admin.get(f"elders/{elder['id']}/statuses"))["items"]
    return [(one["status"], one["reason"], one["actor"]) for one in listed]


async def time_comes(world: World) -> None:
    """What the loop does every ten seconds."""
    await world.anju.watcher.end_absences()
    await world.settle()


async def uses(world: World, past: Home, litres: float, after_h: float = 1) -> None:
    """Somebody uses water, and the meter is read an hour later."""
    world.clock.advance(hours=after_h)
    past.litres += litres
    await world.reads(METER, past.litres / 1000)
    await world.settle()


async def habit_of(world: World) -> Habit:
    return habit_in(load_state((await world.device_state(METER)).state))


async def test_welfare_rests_and_life_safety_does_not(world: World) -> None:
    await world.phone_channels()
    grandma, past = await known_home(world)
    button = await world.button(grandma)
    await world.device("smoke-1", "smoke_detector", home_id=grandma["home_id"])
    await becomes(world, grandma, "away", for_h=60)
    await stands_still(world, past, 40)
    assert await world.incidents() == []
    await world.press(button)
    await world.event("smoke-1", "smoke")
    assert {one["kind"] for one in await world.incidents()} == {"sos", "smoke"}
    path = "/a/" + world.sms_to(1)[0].text.split("/a/")[1].split()[0]
    page = await reader(world).submit(path, path, answer="will_go")
    assert "不在家" not in page, "a press is not talked away"


async def test_at_its_date_watching_resumes_and_the_gap_counts_from_there(world: World) -> None:
    grandma, past = await known_home(world)
    await becomes(world, grandma, "away", for_h=30)
    ends_at = world.clock.now() + timedelta(hours=30)
    before = await habit_of(world)
    await stands_still(world, past, 29)
    await time_comes(world)
    assert await status_of(world, grandma) == "away"
    after = await habit_of(world)
    assert (after.cells, after.days) == (before.cells, before.days), "nothing is learnt from it"
    world.clock.advance(hours=1)
    async with world.services.db.transaction() as session:
        earlier = world.clock.now() - timedelta(seconds=1)
        assert not await absences.end_absence(session, str(grandma["id"]), earlier)
    world.clock.advance(minutes=3)
    await world.anju.watcher.audit()
    overdue = world.services.health.banners["deadlines_overdue"]
    assert str(grandma["id"]) in overdue, "nobody acted"
    await time_comes(world)
    await world.anju.watcher.audit()
    assert "deadlines_overdue" not in world.services.health.banners
    assert await statuses(world, grandma) == [
        ("home", "until_passed", "安居"),
        ("away", "staff", "管理员"),
    ]
    await stands_still(world, past, 3)
    assert await world.incidents() == [], "30 hours of nobody are not a gap of the elder's"
    await stands_still(world, past, 12)
    incident = await world.incident()
    opened = next(one for one in incident["timeline"] if one["kind"] == "opened")
    facts = (await world.stored(incident)).facts
    since = datetime.fromisoformat(facts["since"])
    assert timedelta(0) <= since - ends_at <= timedelta(minutes=3), opened["text"]


async def test_two_readings_with_use_end_it_and_one_does_not(world: World) -> None:
    grandma, past = await known_home(world)
    await becomes(world, grandma, "hospital", for_h=24 * 5)
    await stands_still(world, past, 20)
    await uses(world, past, 8)  # a neighbour waters the flowers
    await stands_still(world, past, 20)
    assert await status_of(world, grandma) == "hospital"
    await uses(world, past, 12)
    assert await status_of(world, grandma) == "home"
    assert (await statuses(world, grandma))[0] == ("home", "used_again", "安居")
    officer = reader(world, await world.sign_in("wang"))
    assert "1 人自动恢复照护" in await officer.open("/desk")
    assert "家中又有人用水" in words_of(await officer.open(f"/elders/{grandma['id']}"))
    await stands_still(world, past, 14)
    assert (await world.incident())["kind"] == "no_water_use", "watched as ever"


async def test_what_was_used_before_they_left_brings_nobody_home(world: World) -> None:
    """A meter that sends its day in the evening: the morning's use comes after the absence."""
    grandma, past = await known_home(world)
    morning = world.clock.now()
    world.clock.advance(hours=8)
    await becomes(world, grandma, "away", for_h=24 * 5)
    world.clock.advance(hours=1)
    for hour in range(1, 7):
        past.litres += 9
        at = morning + timedelta(hours=hour)
        await world.reads(METER, past.litres / 1000, at=at)
    assert await status_of(world, grandma) == "away"


async def test_use_in_a_home_that_should_be_empty_is_shown_and_ends_nothing(world: World) -> None:
    status = "moved"
    grandma, past = await known_home(world)
    await becomes(world, grandma, status)
    for _ in range(4):
        await uses(world, past, 10, after_h=3)
    await time_comes(world)
    assert await status_of(world, grandma) == status
    assert [one[1] for one in await statuses(world, grandma)] == ["used_again", "staff"]
    assert await world.incidents() == []
    officer = reader(world, await world.sign_in("wang"))
    assert "1 人的现状待复核" in await officer.open("/desk")
    listed = words_of(await officer.open("/absences"))
    assert "已过复核时间" in listed and "家中有人用水" in listed
    await becomes(world, grandma, status)
    assert "待复核" not in await officer.open("/desk"), "somebody looked"


async def test_where_somebody_is_still_at_home_watching_goes_on(world: World) -> None:
    grandma, past = await known_home(world)
    grandpa = await world.admin.post("elders", {"name": "张福生", "home_id": grandma["home_id"]})
    await becomes(world, grandma, "hospital", for_h=24 * 5)
    officer = reader(world, await world.sign_in("wang"))
    page = words_of(await officer.open(f"/elders/{grandma['id']}"))
    assert "同住的张福生在家，照护规则照常" in page
    await stands_still(world, past, 13)
    assert (await world.incident())["kind"] == "no_water_use"
    await becomes(world, grandpa, "away", for_h=24)
    assert (await world.row(Device, METER)).resting_since is not None
    officer = reader(world, await world.sign_in("zhao"))  # it is another day
    page = words_of(await officer.open(f"/elders/{grandma['id']}"))
    assert "照护规则已暂停到" in page and "一键呼叫、跌倒、烟感、燃气照常报警" in page
    world.clock.advance(hours=24)
    await time_comes(world)
    assert (await world.row(Device, METER)).resting_since is None
    assert await status_of(world, grandma) == "hospital"
    assert await status_of(world, grandpa) == "home"


async def test_a_new_resident_of_an_empty_home_counts_from_moving_in(world: World) -> None:
    grandma, past = await known_home(world, preset="fixed-24h-10l")
    await becomes(world, grandma, "deceased")
    await stands_still(world, past, 72)
    await world.admin.post("elders", {"name": "张福生", "home_id": grandma["home_id"]})
    await stands_still(world, past, 20)
    assert await world.incidents() == [], "the days before were nobody's"
    await stands_still(world, past, 6)
    assert (await world.incident())["kind"] == "no_water_use"


async def test_a_home_that_nobody_told_of_a_return_counts_from_when_it_is_mended(
    world: World,
) -> None:
    grandma, past = await known_home(world, preset="fixed-24h-10l")
    await becomes(world, grandma, "away", for_h=24 * 5)
    await stands_still(world, past, 72)
    async with world.services.db.transaction() as session:
        (await session.get_one(Elder, grandma["id"])).status = "home"
    await world.anju.rules.step()
    assert (await world.row(Device, METER)).resting_since is None
    await stands_still(world, past, 20)
    assert await world.incidents() == []
    await stands_still(world, past, 6)
    assert (await world.incident())["kind"] == "no_water_use"


# ── said by family ────────────────────────────────────────────────────────────────────────────


async def asked(world: World) -> tuple[dict[str, Any], Home, str]:
    """A home gone quiet; the path of the link that the daughter got. It is evening in China."""
    await world.phone_channels()
    grandma, past = await known_home(world)
    for _ in range(12):
        await stands_still(world, past, 1)
        await world.settle()
    message = world.sms_to(1)[0]
    return grandma, past, "/a/" + message.text.split("/a/")[1].split()[0]


async def test_a_daughter_says_where_she_is_and_the_desk_decides(world: World) -> None:
    grandma, past, path = await asked(world)
    daughter = reader(world)
    before = await daughter.open(path)
    assert "外出" not in before, "nothing about anybody before the answer"
    assert "李演示" not in await daughter.open(f"{path}/away")
    await daughter.submit(path, path, answer="will_go")
    page = await daughter.submit(f"{path}/away", "/away", back="tomorrow")
    assert "您说李演示外出，到" in words_of(page)

    stored = await world.admin.get(f"elders/{grandma['id']}")
    until = datetime.fromisoformat(stored["status_review_at"])
    assert stored["status"] == "away"
    assert until.astimezone(world.services.settings.zone).strftime("%H:%M") == "21:00"
    assert timedelta(hours=12) < until - world.clock.now() < timedelta(hours=48)
    assert (await statuses(world, grandma))[0] == ("away", "family", "联系人1")
    incident = await world.incident()
    said = next(one for one in incident["timeline"] if one["kind"] == "said_away")
    assert said["actor"] == "联系人1" and "女儿说李演示外出" in said["text"]
    assert incident["stage"] == "open", "a person at the desk ends it"
    officer = reader(world, await world.sign_in("wang"))
    case = words_of(await officer.open(f"/incidents/{incident['id']}"))
    assert "仍需有人处理" in case
    stranger = reader(world)  # to whom she passed it on
    await stranger.http.post(f"{path}/back")
    assert await status_of(world, grandma) == "away"

    back_at = world.clock.now() + timedelta(hours=8)
    await stands_still(world, past, 8)
    page = words_of(await daughter.submit(path, "/back"))
    assert "李演示外出了" in page, "it may be said again"
    assert (await statuses(world, grandma))[0] == ("home", "family", "联系人1")
    assert kinds(await world.incident()).count("said_back") == 1
    assert datetime.fromtimestamp((await habit_of(world)).used_at, UTC) == back_at

    await becomes(world, grandma, "hospital", for_h=48)
    for action, fields in (("away", {"back": "week"}), ("back", {})):
        answer = await daughter.http.post(f"{path}/{action}", data=fields)
        assert answer.status_code == 200, "the page as it stands: the desk knows better"
        assert "现在不在家" in answer.text and "住院" not in answer.text, "health is not told"
    assert await status_of(world, grandma) == "hospital"
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "false_alarm", "reason_code": "away"})
    await world.act("close", incident, {"waiver": "女儿说外出"})
    await daughter.open(path, 404)


# ── beside a case, and nobody to watch ────────────────────────────────────────────────────────


async def test_a_case_that_runs_goes_on_when_they_took_her_to_hospital(world: World) -> None:
    grandma, past = await known_home(world)
    await stands_still(world, past, 12)
    incident = await world.incident()
    await becomes(world, grandma, "hospital", for_h=24 * 7)
    assert (await world.incident())["stage"] == "open"
    officer = reader(world, await world.sign_in("wang"))
    case = words_of(await officer.open(f"/incidents/{incident['id']}"))
    assert "住院，到" in case and "仍需有人处理" in case
    await uses(world, past, 12)
    assert (await world.incident())["condition"] == "cleared", "what ended is always told"


async def test_nobody_is_sent_to_a_home_where_nobody_is(world: World) -> None:
    grandma = await world.elder()
    await watch_of(world, grandma)
    await becomes(world, grandma, "moved", for_h=24 * 30)
    await pass_time(world, 20)
    await pass_time(world, 30)
    assert [one["kind"] for one in await world.incidents(kind="unsupervised")] == []
    assert await world.count(Supervision) == 0
