"""Nobody overlooked: levels and edges, clears, life safety first, a deadline in every stage."""

from __future__ import annotations

import pytest

from alerting.escalation import OWNER_REACTION_S
from tests.support.world import World, kinds, reasons


async def smoke_detector(world: World) -> str:
    grandma = await world.elder()
    await world.device("smoke-1", "smoke_detector", home_id=grandma["home_id"])
    return "smoke-1"


async def end(world: World, incident: dict[str, object], outcome: str = "assisted") -> None:
    """Handled and closed without a visit."""
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": outcome, "reason": "电话核实"})
    await world.act("close", incident, {"waiver": "电话核实，无需上门"})


async def test_a_clear_never_closes(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    await world.event(device, "smoke_clear")
    incident = await world.incident()
    assert (incident["stage"], incident["condition"]) == ("open", "cleared")
    assert incident["due_at"] is not None
    assert "cleared" in kinds(incident)


async def test_a_cancelled_press_never_closes(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button)
    await world.event(button, "sos_cancel")
    incident = await world.incident()
    assert (incident["stage"], incident["condition"]) == ("open", "cleared")


async def test_a_repeated_level_is_no_news(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    before = await world.incident()
    for _ in range(5):
        world.clock.advance(seconds=10)
        await world.event(device, "smoke")
    after = await world.incident()
    assert len(after["notices"]) == len(before["notices"])
    assert after["due_at"] == before["due_at"]


async def test_each_press_is_news_while_nobody_owns_the_incident(world: World) -> None:
    await world.phone_channels()
    button = await world.button(await world.elder())
    await world.press(button)
    assert len(world.sms_to(1)) == 1
    world.clock.advance(seconds=20)
    await world.press(button)
    incident = await world.incident()
    assert len(world.sms_to(1)) == 2
    assert incident["version"] == 2
    assert "again_unowned" in await stored_reasons(world, incident)


async def stored_reasons(world: World, incident: dict[str, object]) -> list[str]:
    from sqlalchemy import select

    from alerting.tables import TimelineEntry

    async with world.services.db.reading() as session:
        rows = await session.scalars(
            select(TimelineEntry.reason)
            .where(TimelineEntry.incident_id == incident["id"])
            .order_by(TimelineEntry.id)
        )
        return [row or "" for row in rows]


async def test_further_presses_ring_the_owner_only_and_at_most_every_two_minutes(
    world: World,
) -> None:
    await world.phone_channels()
    button = await world.button(await world.elder())
    officer = await world.sign_in("wang", phone="+8613800000001")
    await world.desk_opens(officer)
    await world.press(button)
    await world.act("acknowledge", await world.incident(), by=officer)
    contact_before = len(world.sms_to(1)) + len(world.calls_to(1))

    for _ in range(4):
        world.clock.advance(seconds=20)
        await world.desk_opens(officer)
        await world.press(button)

    rings = world.phone.messages(to="+8613800000001", kind="call")
    assert len(rings) == 1
    assert len(world.sms_to(1)) + len(world.calls_to(1)) == contact_before
    assert kinds(await world.incident()).count("finding") == 4, "all of them are logged"


async def test_an_owner_who_does_not_react_within_two_minutes_starts_the_ladder_again(
    world: World,
) -> None:
    await world.phone_channels()
    button = await world.button(await world.elder())
    officer = await world.sign_in("wang", phone="+8613800000001")
    await world.desk_opens(officer)
    await world.press(button)
    await world.act("acknowledge", await world.incident(), by=officer)
    contact_before = len(world.sms_to(1))
    world.clock.advance(seconds=30)
    await world.press(button)

    await world.advance(seconds=OWNER_REACTION_S - 1)
    assert len(world.sms_to(1)) == contact_before
    await world.advance(seconds=2)
    assert len(world.sms_to(1)) == contact_before + 1
    assert "owner_silent" in await stored_reasons(world, await world.incident())


async def test_an_owner_who_heard_it_stops_the_second_ladder(world: World) -> None:
    button = await world.button(await world.elder())
    officer = await world.sign_in("wang")
    await world.press(button)
    await world.act("acknowledge", await world.incident(), by=officer)
    await world.press(button)
    await world.act("heard", await world.incident(), by=officer)
    stored = await world.stored(await world.incident())
    assert stored.due_kind == "dispatch"


async def test_a_level_found_on_when_we_first_look_opens_once_and_is_marked(world: World) -> None:
    device = await smoke_detector(world)
    await world.hears(f"anju/v1/{device}/event", {"id": "r1", "kind": "smoke"}, retained=True)
    await world.hears(f"anju/v1/{device}/event", {"id": "r1", "kind": "smoke"}, retained=True)
    incident = await world.incident()
    assert "opened_found" in await stored_reasons(world, incident)


async def test_a_level_still_on_twelve_hours_after_the_outcome_is_a_fault(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    await end(world, await world.incident(), "false_alarm")
    world.clock.advance(hours=11)
    await world.event(device, "smoke")
    assert len(await world.incidents()) == 1
    world.clock.advance(hours=2)
    await world.event(device, "smoke")
    fault = await world.incident(kind="fault")
    assert (fault["severity"], fault["device_id"]) == ("technical", device)


async def test_a_second_detector_fires_at_once_while_the_first_is_latched(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    incident = await world.incident()
    await end(world, incident, "false_alarm")
    await world.device("smoke-2", "smoke_detector", home_id=incident["home_id"])
    world.clock.advance(hours=13)
    await world.event(device, "smoke")
    await world.event("smoke-2", "smoke")
    assert [i["stage"] for i in await world.incidents(kind="smoke", stage="open")] == ["open"]


async def test_smoke_after_a_clear_and_an_outcome_is_a_new_incident(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    first = await world.incident()
    await end(world, first)
    await world.event(device, "smoke_clear")
    world.clock.advance(minutes=10)
    await world.event(device, "smoke")
    again = await world.incident(stage="open")
    assert (await world.stored(again)).previous_id == first["id"]


async def test_two_detectors_in_one_home_are_one_incident(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    incident = await world.incident()
    await world.device("smoke-2", "smoke_detector", home_id=incident["home_id"])
    await world.event("smoke-2", "smoke")
    assert len(await world.incidents()) == 1


async def test_a_second_detector_rings_again_even_if_it_never_spoke_before(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    before = await world.incident()
    await world.device("smoke-2", "smoke_detector", home_id=before["home_id"])
    await world.event("smoke-2", "smoke")
    rung = await world.incident()
    assert len(rung["notices"]) > len(before["notices"])
    assert reasons(rung)[-1] != reasons(before)[-1]
    await world.event("smoke-2", "smoke")
    assert len((await world.incident())["notices"]) == len(rung["notices"])


async def test_one_detectors_clear_says_nothing_about_the_other(world: World) -> None:
    device = await smoke_detector(world)
    await world.event(device, "smoke")
    home_id = (await world.incident())["home_id"]
    for another in ("smoke-2", "smoke-3"):
        await world.device(another, "smoke_detector", home_id=home_id)
    await world.event("smoke-2", "smoke")
    await world.event("smoke-3", "smoke_clear")
    assert "cleared" not in kinds(await world.incident())
    await world.event(device, "smoke_clear")
    still = await world.incident()
    assert still["condition"] == "active"
    assert reasons(still)[-1] == "另一台设备仍在报警"
    await world.event("smoke-2", "smoke_clear")
    assert (await world.incident())["condition"] == "cleared"


async def test_life_safety_is_never_silenced(world: World) -> None:
    device = await smoke_detector(world)
    refused = await world.admin.post(
        "silences",
        {"kind": "smoke", "reason": "装修", "ends_at": "2026-03-02T00:00:00Z"},
        status=422,
    )
    assert refused["status"] == 422
    await world.admin.post(
        "silences",
        {"device_id": device, "reason": "装修", "ends_at": "2026-03-02T00:00:00Z"},
    )
    await world.event(device, "smoke")
    incident = await world.incident()
    assert incident["due_at"] < "2026-03-01T00:30"
    assert incident["notices"]


async def test_a_silence_holds_back_a_technical_matter_until_it_ends(world: World) -> None:
    device = await smoke_detector(world)
    await world.admin.post(
        "silences",
        {"device_id": device, "reason": "装修", "ends_at": "2026-03-02T00:00:00Z"},
    )
    await world.event(device, "tamper")
    incident = await world.incident()
    assert incident["notices"] == []
    assert incident["due_at"].startswith("2026-03-02T00:00:00")


async def test_an_elder_in_hospital_suspends_welfare_but_not_life_safety(world: World) -> None:
    grandma = await world.elder()
    await world.device("leak-1", "leak_sensor", home_id=grandma["home_id"])
    await world.device("smoke-1", "smoke_detector", home_id=grandma["home_id"])
    await world.admin.expect(
        200,
        "PATCH",
        f"elders/{grandma['id']}",
        json={"status": "hospital", "status_review_at": "2026-03-10T00:00:00Z"},
    )
    await world.event("leak-1", "leak")
    assert await world.incidents() == []
    await world.event("smoke-1", "smoke")
    assert (await world.incident())["kind"] == "smoke"


async def test_a_contacts_answer_stops_their_calls_and_nothing_else(world: World) -> None:
    await world.phone_channels()
    button = await world.button(await world.elder(contacts=2))
    await world.press(button)
    call = world.calls_to(1)[0]
    world.phone.answer(call.id, key="1")
    await world.settle()
    incident = await world.incident()
    assert incident["stage"] == "open"
    assert "contact_answered" in kinds(incident)

    await world.advance(minutes=4)
    assert len(world.calls_to(1)) == 1, "who answered is not called again"
    assert world.calls_to(2), "the ladder goes on"


async def test_notes_never_move_a_deadline(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button)
    before = await world.incident()
    world.clock.advance(seconds=30)
    await world.act("notes", before, {"text": "电话无人接"})
    assert (await world.incident())["due_at"] == before["due_at"]


STAGES = ["acknowledge", "dispatch", "accept", "arrive", "outcome"]


@pytest.mark.parametrize("moves", range(len(STAGES) + 1))
async def test_every_stage_has_a_deadline_and_somebody_is_told_when_it_passes(
    world: World, moves: int
) -> None:
    await world.phone_channels()
    grandma = await world.elder()
    button = await world.button(grandma)
    officer = await world.sign_in("wang", phone="+8613800000001")
    visitor = await world.sign_in("chen", role="visitor", phone="+8613700000001")
    await world.sign_in("li", role="supervisor", phone="+8613600000001")
    await world.press(button)
    bodies = {"dispatch": {"visitor_id": visitor.id}, "outcome": {"outcome": "assisted"}}
    for move in STAGES[:moves]:
        await world.act(move, await world.incident(), bodies.get(move), by=officer)

    stored = await world.stored(await world.incident())
    assert stored.due_at is not None
    told = len(world.phone.messages())
    await world.advance(seconds=(stored.due_at - world.clock.now()).total_seconds() + 1)
    assert len(world.phone.messages()) > told
    for _ in range(3):  # and again, for ever, until somebody acts
        stored = await world.stored(await world.incident())
        assert stored.due_at is not None
        assert stored.due_at > world.clock.now()
        told = len(world.phone.messages())
        await world.advance(seconds=(stored.due_at - world.clock.now()).total_seconds() + 1)
        assert len(world.phone.messages()) > told


async def test_the_desk_counts_only_while_an_armed_page_was_heard_of(world: World) -> None:
    await world.phone_channels()
    button = await world.button(await world.elder())
    officer = await world.sign_in("wang")
    on_call = await world.sign_in("zhao", phone="+8613800000009")
    await world.admin.post("shifts", {"user_id": on_call.id, "starts_at": "2026-03-01T00:00:00Z"})

    await world.desk_opens(officer, armed=False)
    await world.press(button)
    assert world.phone.messages(to="+8613800000009", kind="call"), "nobody armed: on-call at once"
    await end(world, await world.incident())
    world.phone.reset()

    await world.desk_opens(officer)
    world.clock.advance(seconds=29)
    await world.press(button)
    assert not world.phone.messages(to="+8613800000009", kind="call")
    await end(world, await world.incident(stage="open"))
    world.phone.reset()

    world.clock.advance(seconds=31)
    await world.press(button)
    assert world.phone.messages(to="+8613800000009", kind="call")


async def test_a_desk_that_opens_later_learns_what_it_missed(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button)
    desk = [n for n in (await world.incident())["notices"] if n["channel"] == "console"]
    assert [(n["state"], n["delivered_at"]) for n in desk] == [("unseen", None)]
    world.clock.advance(seconds=5)
    await world.desk_opens(await world.sign_in("wang"))
    desk = [n for n in (await world.incident())["notices"] if n["channel"] == "console"]
    assert all(n["delivered_at"] for n in desk)


async def test_a_tiny_leak_of_a_meter_that_stops_is_not_life(world: World) -> None:
    """No use needs positive evidence: readings that stand still, not readings that are missing."""
    grandma = await world.elder()
    await world.device("meter-1", "water_meter", home_id=grandma["home_id"])
    for _ in range(14):
        await world.reads("meter-1", 100.0)
        world.clock.advance(hours=1)
    incident = await world.incident(kind="no_water_use")
    assert incident["severity"] == "welfare"
    assert "12 小时" in incident["title"]


async def test_a_silent_meter_says_nothing_about_its_home(world: World) -> None:
    grandma = await world.elder()
    await world.device("meter-1", "water_meter", home_id=grandma["home_id"])
    await world.reads("meter-1", 100.0)
    world.clock.advance(hours=30)
    await world.anju.watcher.watch_devices()
    assert await world.incidents(kind="no_water_use") == []


async def test_a_closure_without_proof_of_life_arms_the_rule_again(world: World) -> None:
    grandma = await world.elder()
    await world.device("meter-1", "water_meter", home_id=grandma["home_id"])

    async def stand_still(hours: int) -> None:
        for _ in range(hours):
            await world.reads("meter-1", 100.0)
            world.clock.advance(hours=1)

    await stand_still(14)
    await end(world, await world.incident(kind="no_water_use"), "nobody_home")
    await stand_still(7)  # six hours are left to those who look for them
    assert len(await world.incidents(kind="no_water_use")) == 2


async def test_reasons_are_words_that_a_duty_officer_understands(world: World) -> None:
    button = await world.button(await world.elder())
    await world.press(button)
    await world.advance(minutes=2)
    incident = await world.incident()
    said = [reason for reason in reasons(incident) if reason]
    assert said
    assert all("_" not in reason for reason in said), said
