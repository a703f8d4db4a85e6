"""A bridge limited to its registered children, where no broker kept the others out."""

from __future__ import annotations

from tests.support.world import World

LISTED, STRANGER = "0x00158d0000000001", "0x00158d0000000002"


async def test_a_stranger_is_refused_and_noted_but_its_alarm_opens_an_incident(
    world: World,
) -> None:
    source = await world.admin.post(
        "sources",
        {"name": "网桥", "family": "zigbee2mqtt", "prefix": "z", "only_listed": True},
    )
    fields = {"family": "zigbee2mqtt", "source_id": source["id"], "child_id": LISTED}
    await world.device("smoke-1", "smoke_detector", **fields)
    await world.hears(f"z/{LISTED}", {"battery": 80})
    await world.hears(f"z/{STRANGER}", {"battery": 80, "tamper": True})

    (aside,) = (await world.admin.get("quarantine"))["items"]
    assert (aside["reason"], aside["source_id"]) == ("not_listed", source["id"])
    (unknown,) = (await world.admin.get("unknown-devices"))["items"]
    assert unknown["child_id"] == STRANGER
    assert await world.incidents() == []

    await world.hears(f"z/{STRANGER}", {"smoke": True})
    incident = await world.incident()
    assert (incident["kind"], incident["confidence"]) == ("smoke", "unconfirmed")

    await world.admin.expect(200, "PATCH", "devices/smoke-1", json={"active": False})
    await world.hears(f"z/{LISTED}", {"battery": 79})
    reasons = [one["reason"] for one in (await world.admin.get("quarantine"))["items"]]
    assert reasons == ["not_listed"] * 3, "a child that was switched off is not listed"
