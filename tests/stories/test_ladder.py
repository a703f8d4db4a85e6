"""Nobody answers: each step at its time, until somebody does."""

from __future__ import annotations

from tests.support.world import World, contact_phone, kinds


async def people(world: World) -> None:
    """Everybody the ladder of Guangdong knows, each with a telephone."""
    await world.phone_channels()
    visitor = await world.sign_in("chen", role="visitor", phone="+8613700000001")
    grandma = await world.elder(contacts=3, responsible_visitor_id=visitor.id)
    await world.button(grandma)
    on_call = await world.sign_in("zhao", phone="+8613800000009")
    await world.admin.post("shifts", {"user_id": on_call.id, "starts_at": "2026-03-01T00:00:00Z"})
    await world.sign_in("li", role="supervisor", phone="+8613600000001")
    await world.desk_opens(await world.sign_in("wang"))


def rung(world: World, number: str) -> int:
    return len(world.phone.messages(to=number, kind="call"))


async def test_nobody_answers_and_each_step_comes_at_its_time(world: World) -> None:
    await people(world)
    await world.press()
    first, second, third = (contact_phone(rank) for rank in (1, 2, 3))
    assert [rung(world, number) for number in (first, second, third)] == [1, 0, 0]
    assert len(world.phone.messages(kind="sms")) == 4, "three contacts and the visitor"

    await world.advance(seconds=59)
    assert rung(world, second) == 0
    await world.advance(seconds=1)
    assert (rung(world, second), rung(world, "+8613800000009")) == (1, 1)

    await world.advance(seconds=59)
    assert rung(world, third) == 0
    await world.advance(seconds=1)
    assert (rung(world, first), rung(world, third), rung(world, "+8613700000001")) == (2, 1, 1)

    await world.advance(seconds=60)
    assert rung(world, "+8613600000001") == 1

    await world.advance(seconds=120)
    assert rung(world, "+8613600000001") == 2
    before = len(world.phone.messages())
    await world.advance(seconds=299)
    assert len(world.phone.messages()) == before, "a repeat always waits its delay"
    await world.advance(seconds=1)
    assert len(world.phone.messages()) > before
    told = [e for e in (await world.incident())["timeline"] if e["kind"] == "told"]
    assert len(told) >= 6
    assert all(entry["reason"] for entry in told)


async def test_an_officers_acknowledge_stops_the_ladder(world: World) -> None:
    await people(world)
    await world.press()
    await world.advance(seconds=30)
    await world.act("acknowledge", await world.incident())
    before = len(world.phone.messages())
    await world.advance(minutes=4)
    assert len(world.phone.messages()) == before


async def test_an_officer_who_answers_the_on_call_phone_with_one_takes_it(world: World) -> None:
    await people(world)
    await world.press()
    await world.advance(seconds=61)
    call = world.phone.messages(to="+8613800000009", kind="call")[0]
    world.phone.answer(call.id, key="1")
    await world.settle()
    incident = await world.incident()
    assert (incident["stage"], incident["owner"]) == ("acknowledged", "zhao")


async def test_steps_that_reach_nobody_are_passed_over_at_once(world: World) -> None:
    """A fresh install: no contacts, no telephones, nobody at the desk, no operator."""
    await world.button(await world.elder(contacts=0))
    await world.press()
    incident = await world.incident()
    stored = await world.stored(incident)
    assert kinds(incident).count("skipped") == 4
    assert stored.step == 5
    assert (stored.due_at - world.clock.now()).total_seconds() == 300  # type: ignore[operator]


async def test_without_an_operator_the_desk_says_so(world: World) -> None:
    assert "no_operator" in world.services.health.banners


async def test_a_channel_that_is_down_is_retried_and_the_next_one_is_used(world: World) -> None:
    await world.phone_channels()
    grandma = await world.elder(contacts=0)
    await world.admin.post(
        f"elders/{grandma['id']}/contacts",
        {"name": "女儿", "relation": "女儿", "phone": contact_phone(1), "rank": 1,
         "channels": [{"kind": "webhook", "address": "http://hooks.test/daughter"}]},
    )  # fmt: skip
    await world.button(grandma)
    world.hooks.status = 503
    await world.press()
    await world.advance(seconds=10)
    assert len(world.hooks.received) >= 2, "tried again"
    assert world.sms_to(1), "and over the next channel"
    assert "notice_failed" in kinds(await world.incident()), "and everybody can see it"
    world.hooks.status = 200
    await world.advance(seconds=30)
    states = {n["channel"]: n["state"] for n in (await world.incident())["notices"]}
    assert states["webhook"] == "delivered"


async def test_a_wrong_number_moves_to_the_next_channel_at_once(world: World) -> None:
    from simulators.phone_messages import Rule

    await world.phone_channels()
    await world.button(await world.elder())
    world.phone.set_rule(contact_phone(1), Rule(permanent=True, times=1))
    await world.press()
    notices = [n for n in (await world.incident())["notices"] if n["recipient"] == "联系人1"]
    (failed,) = [n for n in notices if n["state"] == "failed"]
    others = [n["channel"] for n in notices if n["channel"] != failed["channel"]]
    assert len(others) == 2, "the one of T0, and the one that took over"


async def test_a_webhook_is_signed_and_tells_nothing_personal(world: World) -> None:
    from alerting.telling.links import signature_matches
    from tests.support.world import SECRET_KEY

    grandma = await world.elder("周演示", contacts=0)
    await world.admin.post(
        f"elders/{grandma['id']}/contacts",
        {"name": "女儿", "relation": "女儿", "phone": contact_phone(1), "rank": 1,
         "channels": [{"kind": "webhook", "address": "http://hooks.test/daughter"}]},
    )  # fmt: skip
    await world.button(grandma)
    await world.press()
    (body,), (headers,) = world.hooks.received, world.hooks.headers
    assert body["type"] == "incident.opened"
    assert {"id", "kind", "severity", "stage", "opened_at"} <= body["incident"].keys()
    assert "周演示" not in str(body) and "演示路" not in str(body)
    notice = next(n for n in (await world.incident())["notices"] if n["channel"] == "webhook")
    assert headers["idempotency-key"] == notice["id"]
    assert signature_matches(SECRET_KEY, world.hooks.raw[0], headers["x-anju-signature"])


async def test_a_webhook_to_a_host_that_was_not_allowed_is_refused(world: World) -> None:
    grandma = await world.elder(contacts=0)
    await world.admin.post(
        f"elders/{grandma['id']}/contacts",
        {"name": "女儿", "relation": "女儿", "rank": 1, "phone": contact_phone(1),
         "channels": [{"kind": "webhook", "address": "http://elsewhere.test/x"}]},
    )  # fmt: skip
    await world.button(grandma)
    await world.press()
    notice = next(n for n in (await world.incident())["notices"] if n["channel"] == "webhook")
    assert notice["state"] == "failed"


async def test_the_operator_is_the_last_resort(database_url: str) -> None:
    from tests.support.clock import ManualClock
    from tests.support.world import open_world

    async with open_world(database_url, ManualClock(), operator=True) as world:
        assert "no_operator" not in world.services.health.banners
        await world.button(await world.elder(contacts=0))
        await world.press()
        notices = (await world.incident())["notices"]
        assert [n["channel"] for n in notices if n["channel"] != "console"][:1] == ["operator"]
