"""The contract's stage table over REST: every call in every stage, and what stands in its way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from care.model import UserRole
from tests.support.api import Caller, World

TABLE = """
acknowledge open→acknowledged
dispatch    open·acknowledged·dispatched·accepted→dispatched
accept      dispatched→accepted
arrive      dispatched·accepted→attended
outcome     acknowledged·dispatched·accepted·attended→following_up
close       following_up→closed
release     acknowledged·dispatched·accepted→open
decline     acknowledged·dispatched·accepted→open
reopen      following_up·closed→open
cancel      open·acknowledged→cancelled
"""
"""As the contract has it; `decline` is `release` in a visitor's mouth."""

MOVES = {
    call: (froms.split("·"), to) for call, froms, to in re.findall(r"(\w+) +([\w·]+)→(\w+)", TABLE)
}
WAYS: dict[str, tuple[str, ...]] = {
    "open": (),
    "acknowledged": ("acknowledge",),
    "dispatched": ("dispatch",),
    "accepted": ("dispatch", "accept"),
    "attended": ("dispatch", "accept", "arrive"),
    "following_up": ("acknowledge", "outcome"),
    "closed": ("acknowledge", "outcome", "close"),
    "cancelled": ("cancel",),
}
FINAL = ("closed", "cancelled")


@dataclass
class Desk:
    """An officer, and technical incidents: those may be cancelled, and close without a visit."""

    world: World
    officer: Caller
    visitor: Caller
    number: int = 0

    def body(self, call: str) -> dict[str, Any]:
        bodies: dict[str, dict[str, Any]] = {
            "dispatch": {"visitor_id": self.visitor.id},
            "outcome": {"outcome": "other", "reason": "换了电池"},
            "reopen": {"reason": "又报"},
            "cancel": {"reason": "误报"},
            "notes": {"text": "已电话告知"},
        }
        return bodies.get(call, {})

    async def call(self, incident: dict[str, Any], call: str, **more: Any) -> httpx.Response:
        path = f"incidents/{incident['id']}/{call}"
        return await self.officer.post(path, self.body(call) | more)

    async def incident(self, stage: str) -> dict[str, Any]:
        """A new one that has come to this stage, a minute a move."""
        self.number += 1
        device = {"id": f"btn-{self.number}", "family": "native", "role": "sos_button"}
        await self.officer.made("devices", device)
        battery = {"id": "1", "kind": "battery_low", "data": {"battery_pct": 5}}
        handled = await self.world.hears(f"anju/v1/{device['id']}/event", battery)
        incident: dict[str, Any] = await self.officer.read(f"incidents/{handled.incidents[0]}")
        for call in WAYS[stage]:
            self.world.clock.advance(minutes=1)
            incident = (await self.call(incident, call)).json()
        assert incident["stage"] == stage
        return incident


@pytest.fixture
async def desk(world: World) -> Desk:
    officer = await world.sign_in(UserRole.DUTY_OFFICER, name="王值班")
    return Desk(world, officer, await world.sign_in(UserRole.VISITOR, name="陈探访"))


def test_the_table_is_whole() -> None:
    assert len(MOVES) == 10
    stages = {stage for froms, to in MOVES.values() for stage in (*froms, to)}
    assert stages == set(WAYS)


@pytest.mark.parametrize("stage", WAYS)
async def test_a_call_that_comes_too_late_or_too_early_says_who_and_when(
    desk: Desk, stage: str
) -> None:
    incident = await desk.incident(stage)
    changed_at = desk.world.clock.now().isoformat()
    desk.world.clock.advance(minutes=5)
    for call, (froms, _) in MOVES.items():
        if stage in froms:
            continue
        answer = await desk.call(incident, call)
        problem = answer.json()
        if call == "close" and stage not in FINAL:
            assert (answer.status_code, problem["missing"]) == (422, ["outcome"]), call
            continue
        assert answer.status_code == 409, (call, answer.text)
        assert (problem["stage"], problem["version"]) == (stage, incident["version"]), call
        assert problem.get("winner") == ("王值班" if stage != "open" else None), call
        assert problem["at"] == changed_at, call
    await old_versions_are_refused(desk, incident)
    noted = await desk.officer.done(f"incidents/{incident['id']}/notes", {"text": "邻居去看了"})
    assert noted == {name: incident[name] for name in noted}, "a note moves nothing"
    story = await desk.officer.read(f"incidents/{incident['id']}")
    assert story["timeline"][-1]["kind"] == "noted"


async def old_versions_are_refused(desk: Desk, incident: dict[str, Any]) -> None:
    """Somebody decided on what they saw; meanwhile another had acted."""
    stage, version = incident["stage"], incident["version"]
    calls = [call for call, (froms, _) in MOVES.items() if stage in froms]
    for call in (*calls, "notes"):
        for wrong in {max(version - 1, 1), version + 1} - {version}:
            answer = await desk.call(incident, call, version=wrong)
            assert answer.status_code == 409, (call, answer.text)
            assert "version" in answer.json()["detail"]
            assert answer.json()["version"] == version


@pytest.mark.parametrize("stage", WAYS)
async def test_a_call_leads_where_the_table_says(desk: Desk, stage: str) -> None:
    for call, (froms, to) in MOVES.items():
        if stage not in froms:
            continue
        before = await desk.incident(stage)
        answer = await desk.call(before, call, version=before["version"])
        assert answer.status_code == 200, (call, answer.text)
        after = answer.json()
        assert (after["stage"], after["version"]) == (to, before["version"] + 1), call
        assert (after["due_at"] is None) == (to in FINAL), call
        if to not in FINAL:
            assert (after["owner"] is None) == (to == "open"), call
        stored = await desk.officer.read(f"incidents/{after['id']}")
        assert {name: stored[name] for name in after} == after, call


async def test_the_same_person_is_told_so_too(desk: Desk) -> None:
    """A second click is not an error to hide: it may be somebody else's first."""
    incident = await desk.incident("acknowledged")
    again = await desk.call(incident, "acknowledge")
    assert (again.status_code, again.json()["winner"]) == (409, "王值班")
    sent = await desk.incident("accepted")
    again = await desk.visitor.post(f"incidents/{sent['id']}/accept")
    assert (again.status_code, again.json()["stage"]) == (409, "accepted")


async def test_sending_somebody_else_starts_their_task_anew(desk: Desk) -> None:
    incident = await desk.incident("accepted")
    other = await desk.world.sign_in(UserRole.VISITOR, name="周探访")
    desk.world.clock.advance(minutes=1)
    sent = (await desk.call(incident, "dispatch", visitor_id=other.id)).json()
    assert (sent["stage"], sent["visitor_id"], sent["accepted_at"]) == (
        "dispatched",
        other.id,
        None,
    )
    assert (await desk.visitor.post(f"incidents/{incident['id']}/accept")).status_code == 403
    assert (await other.post(f"incidents/{incident['id']}/accept")).status_code == 200


@pytest.mark.parametrize("missing", ["outcome", "visit_record", "follow_ups", "visit_or_waiver"])
async def test_a_close_names_every_gate_that_is_not_met(world: World, missing: str) -> None:
    """A welfare matter or an alarm needs more than a technical one."""
    admin = await world.admin()
    elder = await admin.made("elders", {"name": "李桂兰"})
    device = {"id": "btn-1", "family": "native", "role": "sos_button", "elder_id": elder["id"]}
    await admin.made("devices", device)
    path = f"incidents/{await world.press('btn-1')}"
    await admin.done(f"{path}/dispatch", {"visitor_id": admin.id})
    if missing != "visit_or_waiver":
        await admin.done(f"{path}/arrive")
    if missing != "outcome":
        await admin.done(f"{path}/outcome", {"outcome": "assisted", "reason": "扶起"})
    link = {"elder_id": elder["id"], "incident_id": path.removeprefix("incidents/")}
    if missing in ("outcome", "follow_ups"):
        await admin.made("visits", link | {"mode": "on_site", "record": {}})
    if missing == "follow_ups":
        await admin.made("follow-ups", link | {"due_at": "2026-03-03T00:00:00Z", "text": "回访"})
    refused = await admin.post(f"{path}/close")
    assert (refused.status_code, refused.json()["missing"]) == (422, [missing])
    assert (await admin.read(path))["missing"] == [missing]
    waived = await admin.post(f"{path}/close", {"waiver": "电话确认平安"})
    assert waived.status_code == (200 if missing == "visit_or_waiver" else 422)
