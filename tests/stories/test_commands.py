"""Commands: sent once and after the commit, answered or not, refused where nobody could hear."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World

TOPIC = "anju/v1/btn-1/command"


async def ask(world: World, command: str = "identify", device: str = "btn-1") -> dict[str, Any]:
    asked: dict[str, Any] = await world.admin.post(
        f"devices/{device}/commands", {"command": command}
    )
    return asked


async def command(world: World, device: str = "btn-1") -> dict[str, Any]:
    items: list[dict[str, Any]] = (await world.admin.get(f"devices/{device}/commands"))["items"]
    return items[0]


async def answers(world: World, ident: str, device: str = "btn-1", **said: Any) -> None:
    await world.event(device, "command_result", data={"command": ident, **said})


def sent(world: World) -> list[dict[str, Any]]:
    return [body for topic, body in world.acks if topic == TOPIC]


async def test_a_command_is_sent_once_and_its_result_kept(world: World) -> None:
    await world.device("btn-1", "sos_button")
    await world.device("btn-2", "sos_button")
    asked = await ask(world)
    assert await world.anju.commander.step() == 1
    assert await world.anju.commander.step() == 0
    assert sent(world) == [{"id": asked["id"], "command": "identify"}]
    assert (await command(world))["state"] == "sent"

    await answers(world, asked["id"], "btn-2", ok=True)
    assert (await command(world))["state"] == "sent", "it was not the other's to answer"
    await answers(world, asked["id"], ok=False, detail="no buzzer")
    await answers(world, asked["id"], ok=True)
    kept = await command(world)
    assert (kept["state"], kept["result"]) == ("failed", "no buzzer")
    assert await world.incidents() == []


async def test_without_an_answer_it_expires_and_a_late_one_still_counts(world: World) -> None:
    await world.device("btn-1", "sos_button")
    asked = await ask(world)
    await world.anju.commander.step()
    await world.advance(seconds=61)
    await world.anju.commander.step()
    kept = await command(world)
    assert (kept["state"], kept["result"]) == ("expired", "the device did not answer")
    await answers(world, asked["id"], ok=True)
    assert (await command(world))["state"] == "done"


async def test_while_the_broker_is_away_it_waits_and_is_not_sent_late(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.device("btn-1", "sos_button")
    await world.device("slow-1", "sos_button", expected_every_s=3600)
    away = [True]
    publish = world.anju.publish
    commander = world.anju.commander
    monkeypatch.setattr(commander, "_publish", lambda *said: False if away[0] else publish(*said))
    await ask(world)
    await ask(world, device="slow-1")
    assert await commander.step() == 0
    assert (await command(world))["state"] == "waiting"
    await world.advance(seconds=61)
    away[0] = False
    assert await commander.step() == 1
    assert (await command(world))["state"] == "expired"
    assert (await command(world))["result"] == "it was never sent"
    assert (await command(world, "slow-1"))["state"] == "sent", "it hears when it speaks"


async def test_what_a_device_cannot_do_is_refused_and_named(world: World) -> None:
    await world.device("btn-1", "sos_button")
    await ask(world, "own_word")  # a native device knows its own words
    refused = await world.admin.post("devices/btn-1/commands", {"command": "Rm -rf"}, 422)
    assert refused["errors"][0]["field"] == "command"
    source = {"name": "表", "family": "wmbusmeters", "prefix": "wmbusmeters"}
    made = await world.admin.post("sources", source)
    fields = {"family": "wmbusmeters", "source_id": made["id"], "child_id": "1"}
    await world.device("meter-1", "water_meter", **fields)
    refused = await world.admin.post("devices/meter-1/commands", {"command": "test"}, 422)
    assert "cannot be spoken to" in refused["errors"][0]["problem"]
    await world.admin.expect(200, "PATCH", "devices/btn-1", json={"active": False})
    await world.admin.post("devices/btn-1/commands", {"command": "test"}, 409)
    await world.anju.commander.step()
    assert (await command(world))["state"] == "failed", "it was switched off before it was sent"
    assert sent(world) == []


async def test_a_shelly_answers_its_call(world: World) -> None:
    made = await world.admin.post(
        "sources", {"name": "s", "family": "shelly-gen2", "prefix": "home"}
    )
    name = "shellyplussmoke-80646fd00001"
    fields = {"family": "shelly-gen2", "source_id": made["id"], "child_id": name}
    await world.device("smoke-1", "smoke_detector", **fields)
    asked = await ask(world, "silence", "smoke-1")
    await world.anju.commander.step()
    topic, call = world.acks[-1]
    assert topic == f"home/{name}/rpc"
    assert (call["id"], call["method"]) == (asked["id"], "Smoke.Mute")
    error = {"code": -109, "message": "no alarm"}
    await world.hears(f"{call['src']}/rpc", {"id": call["id"], "src": name, "error": error})
    kept = await command(world, "smoke-1")
    assert (kept["state"], kept["result"]) == ("failed", "no alarm")
