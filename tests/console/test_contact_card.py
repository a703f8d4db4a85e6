"""The contact card says in words what came of every notice."""

from __future__ import annotations

from sqlalchemy import update

from alerting.tables import Notice
from tests.console.support import reader, words_of
from tests.support.world import World


async def pressed(world: World) -> str:
    """A press, and a first contact whose telephone rang out; the path of the case."""
    await world.phone_channels()
    await world.press(await world.button(await world.elder("李桂英", contacts=1)))
    await world.advance(seconds=45)
    return f"/incidents/{(await world.incident())['id']}"


async def test_a_call_that_nobody_took_is_told_in_the_readers_language(world: World) -> None:
    path = await pressed(world)
    (call,) = [n for n in (await world.incident())["notices"] if n["channel"] == "call"]
    assert (call["state"], call["detail"]) == ("failed", "no_answer")
    page = words_of(await reader(world, world.admin).open(path))
    assert "无人接听" in page and "no_answer" not in page
    english = await world.sign_in("smith", language="en")
    page = words_of(await reader(world, english).open(path))
    assert "no answer" in page and "no_answer" not in page


async def test_what_the_provider_said_itself_is_shown_as_it_is(world: World) -> None:
    path = await pressed(world)
    async with world.services.db.transaction() as session:
        failed = update(Notice).where(Notice.detail == "no_answer")
        await session.execute(failed.values(detail="号码是空号"))
    assert "号码是空号" in words_of(await reader(world, world.admin).open(path))


async def test_a_notice_that_was_parked_says_so_in_the_readers_language(world: World) -> None:
    path = await pressed(world)
    async with world.services.db.transaction() as session:
        await session.execute(
            update(Notice)
            .where(Notice.detail == "no_answer")
            .values(state="parked", detail="the sender broke off three times")
        )
    page = words_of(await reader(world, world.admin).open(path))
    assert "发送三次中断" in page and "broke off" not in page


async def test_why_a_task_was_given_back_stands_in_the_timeline_once(world: World) -> None:
    path = await pressed(world)
    incident = await world.incident()
    await world.act("acknowledge", incident)
    await world.act("release", incident, {"reason": "交班给夜班"})
    page = words_of(await reader(world, world.admin).open(path))
    assert page.count("交班给夜班") == 1
