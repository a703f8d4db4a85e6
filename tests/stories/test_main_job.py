"""The main job, end to end: from a press to a closed case."""

from __future__ import annotations

from tests.support.world import World, kinds


async def test_a_press_goes_all_the_way_to_a_closed_case(world: World) -> None:
    await world.phone_channels()
    grandma = await world.elder(contacts=2)
    button = await world.button(grandma)
    officer = await world.sign_in("wang")
    visitor = await world.sign_in("chen", role="visitor", phone="+8613700000001")
    await world.desk_opens(officer)

    await world.press(button)

    incident = await world.incident()
    assert (incident["kind"], incident["stage"]) == ("sos", "open")
    assert incident["elder_id"] == grandma["id"]
    assert world.sms_to(1) and world.sms_to(2), "both contacts get a message at once"
    assert world.calls_to(1) and not world.calls_to(2), "the first contact is called at once"
    desk = [n for n in incident["notices"] if n["channel"] == "console"]
    assert [n["state"] for n in desk] == ["delivered"]
    assert len({n["created_at"] for n in incident["notices"]}) == 1, "one transaction told all"

    await world.act("acknowledge", incident, by=officer)
    await world.act("dispatch", incident, {"visitor_id": visitor.id}, by=officer)
    await world.act("accept", incident, by=visitor)
    await world.act("arrive", incident, by=visitor)
    await world.act("outcome", incident, {"outcome": "assisted", "reason": "扶起"}, by=visitor)
    refused = await world.act("close", incident, by=officer, status=422)
    assert refused["missing"] == ["visit_record"]

    await visitor.post(
        "visits",
        {"elder_id": grandma["id"], "incident_id": incident["id"], "mode": "on_site", "record": {}},
    )
    follow_up = await officer.post(
        "follow-ups",
        {
            "elder_id": grandma["id"],
            "incident_id": incident["id"],
            "due_at": "2026-03-02T09:00:00+08:00",
            "text": "装扶手",
        },
    )
    refused = await world.act("close", incident, by=officer, status=422)
    assert refused["missing"] == ["follow_ups"]
    await officer.post(f"follow-ups/{follow_up['id']}/complete", {"result": "已装"})
    await world.act("close", incident, by=officer)

    whole = await world.incident()
    assert whole["stage"] == "closed" and whole["due_at"] is None
    assert kinds(whole) == [
        "opened", "told", "acknowledged", "dispatched", "told", "accepted", "attended", "outcome",
        "visit_recorded", "follow_up_added", "follow_up_done", "closed",
    ]  # fmt: skip
    acks = [body for topic, body in world.acks if topic == "anju/v1/btn-1/ack"]
    assert acks[0] == {"id": "e1", "accepted": True}
    assert [a["stage"] for a in acks[1:]] == ["acknowledged", "accepted"]


async def test_a_button_hears_of_its_call_and_nothing_of_its_battery(world: World) -> None:
    button = await world.button(await world.elder())
    await world.event(button, "battery_low")
    weak = await world.incident()
    await world.act("acknowledge", weak)
    stages = [body for _, body in world.acks if "stage" in body]
    assert stages == [], "nobody called for help"
    await world.press(button)
    call = next(one for one in await world.incidents() if one["kind"] == "sos")
    await world.act("acknowledge", call)
    stages = [body for _, body in world.acks if "stage" in body]
    assert stages == [{"incident": call["id"], "stage": "acknowledged"}]
