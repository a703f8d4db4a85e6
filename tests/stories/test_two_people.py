"""Two people, many hands: who was first stands, facts are never lost, things belong to somebody."""

from __future__ import annotations

from tests.support.world import World, kinds


async def pressed(world: World) -> dict[str, object]:
    button = await world.button(await world.elder())
    await world.press(button)
    incident: dict[str, object] = await world.incident()
    return incident


async def test_the_second_person_is_told_who_was_first(world: World) -> None:
    incident = await pressed(world)
    wang, zhao = await world.sign_in("wang"), await world.sign_in("zhao")
    await world.act("acknowledge", incident, by=wang)
    refused = await world.act("acknowledge", incident, by=zhao, status=409)
    assert refused["winner"] == "wang"
    assert refused["stage"] == "acknowledged"
    assert refused["at"]
    assert (await world.incident())["owner"] == "wang"


async def test_an_old_version_changes_nothing(world: World) -> None:
    incident = await pressed(world)
    wang = await world.sign_in("wang")
    await world.act("acknowledge", incident, {"version": incident["version"]}, by=wang)
    refused = await world.act(
        "release", incident, {"version": incident["version"]}, by=wang, status=409
    )
    assert refused["version"] == 2
    assert (await world.incident())["stage"] == "acknowledged"


async def test_a_fact_that_comes_too_late_is_kept_and_its_teller_told(world: World) -> None:
    incident = await pressed(world)
    visitor = await world.sign_in("chen", role="visitor")
    await world.act("dispatch", incident, {"visitor_id": visitor.id})
    await world.act("outcome", incident, {"outcome": "assisted", "reason": "邻居扶起"})
    await world.act("arrive", incident, by=visitor, status=409)
    whole = await world.incident()
    assert whole["stage"] == "following_up"
    assert kinds(whole)[-1] == "attended", "that the visitor was there is still on record"

    await world.act("outcome", incident, {"outcome": "hospital"}, by=visitor, status=409)
    whole = await world.incident()
    assert whole["outcome"] == "assisted"
    assert kinds(whole)[-1] == "outcome"


async def test_a_release_gives_it_back_and_rings_again(world: World) -> None:
    await world.phone_channels()
    incident = await pressed(world)
    wang = await world.sign_in("wang")
    await world.act("acknowledge", incident, by=wang)
    before = len(world.sms_to(1))
    await world.act("release", incident, by=wang)
    whole = await world.incident()
    assert (whole["stage"], whole["owner"]) == ("open", None)
    assert len(world.sms_to(1)) == before + 1
    stages = [body.get("stage") for _, body in world.acks]
    assert stages[-1] == "open", "the button no longer says that help is coming"


async def test_a_closed_case_can_be_reopened(world: World) -> None:
    incident = await pressed(world)
    await world.act("acknowledge", incident)
    await world.act("outcome", incident, {"outcome": "false_alarm", "reason": "误按"})
    await world.act("close", incident, {"waiver": "误按"})
    await world.act("reopen", incident, {"reason": "家属来电"})
    whole = await world.incident()
    assert whole["stage"] == "open"
    assert whole["due_at"] is not None
    assert whole["outcome"] is None


async def test_actual_life_safety_cannot_be_cancelled(world: World) -> None:
    incident = await pressed(world)
    refused = await world.act("cancel", incident, {"reason": "误按"}, status=403)
    assert refused["status"] == 403
    assert (await world.incident())["stage"] == "open"


async def test_a_technical_matter_can_be_cancelled_with_a_reason(world: World) -> None:
    button = await world.button(await world.elder())
    await world.event(button, "battery_low")
    incident = await world.incident()
    await world.act("cancel", incident, {"reason": ""}, status=422)
    await world.act("cancel", incident, {"reason": "已换电池"})
    assert (await world.incident())["stage"] == "cancelled"


async def test_a_shared_device_names_every_resident_and_tells_the_contacts_of_all(
    world: World,
) -> None:
    await world.phone_channels()
    grandma = await world.elder("李演示", contacts=1)
    grandpa = await world.elder("张演示", contacts=2, home_id=grandma["home_id"])
    await world.device("smoke-1", "smoke_detector", home_id=grandma["home_id"])
    await world.event("smoke-1", "smoke")
    await world.settle()
    incident = await world.incident()
    contacts = {c["id"] for c in grandma["contacts"] + grandpa["contacts"]}
    told = {n["recipient_id"] for n in incident["notices"] if n.get("recipient_id")}
    assert contacts <= told
    assert {elder["id"] for elder in incident["elders"]} == {grandma["id"], grandpa["id"]}


async def test_a_worn_device_belongs_to_its_elder_alone(world: World) -> None:
    grandma = await world.elder("李演示")
    grandpa = await world.elder("张演示", home_id=grandma["home_id"])
    await world.button(grandma, "btn-a")
    await world.button(grandpa, "btn-b")
    await world.press("btn-a")
    await world.press("btn-b")
    assert {i["elder_id"] for i in await world.incidents()} == {grandma["id"], grandpa["id"]}


async def test_the_same_child_under_another_source_is_another_device(world: World) -> None:
    first, second = await world.elder(), await world.elder()
    for number, elder in enumerate((first, second)):
        source = await world.admin.post(
            "sources", {"name": f"桥{number}", "family": "zigbee2mqtt", "prefix": f"z2m{number}"}
        )
        await world.admin.post(
            "devices",
            {"id": f"smoke-{number}", "family": "zigbee2mqtt", "source_id": source["id"],
             "child_id": "0xa1", "role": "smoke_detector", "home_id": elder["home_id"]},
        )  # fmt: skip
    await world.hears("z2m1/0xa1", {"smoke": True})
    assert (await world.incident())["home_id"] == second["home_id"]


async def test_an_event_belongs_to_whom_the_device_was_bound_to_at_that_time(
    world: World,
) -> None:
    first, second = await world.elder("李演示"), await world.elder("王演示")
    button = await world.button(first)
    pressed_at = world.clock.now()
    world.clock.advance(hours=2)
    await world.admin.expect(200, "PATCH", f"devices/{button}", json={"elder_id": second["id"]})
    world.clock.advance(hours=1)
    await world.press(button, at=pressed_at.isoformat())
    assert (await world.incident())["elder_id"] == first["id"]


async def test_binding_anew_forgets_what_the_detectors_knew(world: World) -> None:
    first, second = await world.elder("李演示"), await world.elder("王演示")
    await world.device("smoke-1", "smoke_detector", home_id=first["home_id"])
    await world.event("smoke-1", "smoke")
    world.clock.advance(minutes=1)
    await world.admin.expect(200, "PATCH", "devices/smoke-1", json={"home_id": second["home_id"]})
    world.clock.advance(minutes=1)
    await world.event("smoke-1", "smoke")
    homes = {i["home_id"] for i in await world.incidents(kind="smoke")}
    assert homes == {first["home_id"], second["home_id"]}


async def test_alarms_of_unknown_devices_open_incidents_and_fold_after_the_third(
    world: World,
) -> None:
    for number in range(6):
        await world.press(f"stranger-{number}")
    incidents = await world.incidents()
    assert len(incidents) == 4
    folded = next(i for i in incidents if i["findings"] == 3)
    whole = await world.admin.get(f"incidents/{folded['id']}")
    assert kinds(whole).count("finding") == 2, "the timeline still names each"
    unknown = (await world.admin.get("unknown-devices"))["items"]
    assert len(unknown) == 6


async def test_an_alarm_of_a_bridges_unknown_child_belongs_to_the_bridges_area(
    world: World,
) -> None:
    area = await world.admin.post("areas", {"name": "演示村", "level": "village"})
    await world.admin.post(
        "sources",
        {"name": "桥", "family": "zigbee2mqtt", "prefix": "z2m", "area_id": area["id"]},
    )
    await world.hears("z2m/0x99", {"smoke": True})
    incident = await world.incident()
    assert (incident["kind"], incident["area_id"]) == ("smoke", area["id"])


async def test_what_has_no_area_is_shown_to_every_officer(world: World) -> None:
    area = await world.admin.post("areas", {"name": "演示村", "level": "village"})
    elsewhere = await world.admin.post("areas", {"name": "别村", "level": "village"})
    officer = await world.sign_in("wang", area_id=area["id"])
    await world.press("stranger")
    other = await world.elder(area_id=elsewhere["id"])
    await world.button(other, "btn-2")
    await world.press("btn-2")
    seen = (await officer.get("incidents"))["items"]
    assert [incident["elder_id"] for incident in seen] == [None]
