"""Who may do what with an incident: the assigned visitor, the desk on their behalf, nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from care.model import UserRole
from tests.support.api import Caller, World

VISITORS_OWN = ("accept", "decline", "arrive", "outcome")
DESKS_OWN = ("acknowledge", "release", "dispatch", "notes", "heard", "close", "reopen", "cancel")
READY_FOR = {
    "acknowledge": (),
    "release": ("dispatch",),
    "dispatch": (),
    "accept": ("dispatch",),
    "decline": ("dispatch",),
    "arrive": ("dispatch",),
    "outcome": ("dispatch", "arrive"),
    "notes": ("dispatch",),
    "heard": ("dispatch",),
    "close": ("dispatch", "outcome"),
    "reopen": ("dispatch", "outcome"),
    "cancel": (),
}
"""What has to be done first so that the stage does not stand in the way."""


@dataclass
class Case:
    """A battery that is low in one village; whoever is sent there, and whoever is not."""

    world: World
    admin: Caller
    area_id: str
    elder_id: str
    visitor: Caller
    number: int = 0

    def body(self, call: str) -> dict[str, Any]:
        bodies: dict[str, dict[str, Any]] = {
            "dispatch": {"visitor_id": self.visitor.id},
            "outcome": {"outcome": "other", "reason": "换了电池"},
            "notes": {"text": "x"},
            "reopen": {"reason": "x"},
            "cancel": {"reason": "x"},
        }
        return bodies.get(call, {})

    async def ready_for(self, call: str) -> str:
        """The path of a new incident that the call could be made on."""
        self.number += 1
        device = {"id": f"btn-{self.number}", "family": "native", "role": "sos_button"}
        await self.admin.made("devices", device | {"elder_id": self.elder_id})
        battery = {"id": "1", "kind": "battery_low", "data": {"battery_pct": 5}}
        handled = await self.world.hears(f"anju/v1/{device['id']}/event", battery)
        path = f"incidents/{handled.incidents[0]}"
        for before in READY_FOR[call]:
            await self.admin.done(f"{path}/{before}", self.body(before))
        return path


@pytest.fixture
async def case(world: World, admin: Caller) -> Case:
    area = await admin.made("areas", {"name": "城关村", "level": "village"})
    elder = await admin.made("elders", {"name": "李桂兰", "area_id": area["id"]})
    visitor = await world.sign_in(UserRole.VISITOR, area_id=area["id"], name="陈探访")
    return Case(world, admin, area["id"], elder["id"], visitor)


@pytest.mark.parametrize("role", [UserRole.DUTY_OFFICER, UserRole.SUPERVISOR, UserRole.ADMIN])
async def test_the_desk_makes_every_call_also_on_the_visitors_behalf(
    case: Case, role: UserRole
) -> None:
    caller = await case.world.sign_in(role, area_id=case.area_id, name="王值班")
    for call in (*VISITORS_OWN, *DESKS_OWN):
        path = await case.ready_for(call)
        answer = await caller.post(f"{path}/{call}", case.body(call))
        assert answer.status_code == 200, (call, answer.text)
        story = await caller.read(path)
        assert "王值班" in {entry["actor"] for entry in story["timeline"]}, call
        if call in VISITORS_OWN and call != "decline":
            assert story["visitor_id"] == case.visitor.id, call


async def test_the_assigned_visitor_makes_their_own_calls_and_no_other(case: Case) -> None:
    for call in VISITORS_OWN:
        path = await case.ready_for(call)
        answer = await case.visitor.post(f"{path}/{call}", case.body(call))
        assert answer.status_code == 200, (call, answer.text)
    for call in DESKS_OWN:
        path = await case.ready_for(call)
        before = await case.admin.read(path)
        answer = await case.visitor.post(f"{path}/{call}", case.body(call))
        assert answer.status_code == 403, (call, answer.text)
        assert await case.admin.read(path) == before


async def test_a_visitor_who_was_not_sent_makes_none(case: Case) -> None:
    """Not even the elder's own, who may read the case."""
    colleague = await case.world.sign_in(UserRole.VISITOR, area_id=case.area_id, name="周探访")
    for responsible in (None, colleague.id):
        change = {"responsible_visitor_id": responsible}
        assert (await case.admin.patch(f"elders/{case.elder_id}", change)).status_code == 200
        for call in (*VISITORS_OWN, *DESKS_OWN):
            path = await case.ready_for(call)
            before = await case.admin.read(path)
            answer = await colleague.post(f"{path}/{call}", case.body(call))
            assert answer.status_code == 403, (call, answer.text)
            assert await case.admin.read(path) == before


async def test_a_visitor_who_cannot_go_gives_it_back_and_everybody_hears(case: Case) -> None:
    path = await case.ready_for("decline")
    given_back = await case.visitor.done(f"{path}/decline", {"reason": "车坏了"})
    assert (given_back["stage"], given_back["owner"], given_back["visitor_id"]) == (
        "open",
        None,
        None,
    )
    assert given_back["due_at"] is not None
    story = await case.admin.read(path)
    released = next(one for one in story["timeline"] if one["kind"] == "released")
    assert released["actor"] == "陈探访"
    assert "车坏了" in released["text"]
    assert story["timeline"][-1]["reason"], "the ladder began anew"
    assert (await case.visitor.post(f"{path}/decline")).status_code == 403


@pytest.mark.parametrize("on_behalf", [False, True])
async def test_a_visit_is_the_visitors_whoever_typed_it(case: Case, on_behalf: bool) -> None:
    path = await case.ready_for("arrive")
    caller = case.admin if on_behalf else case.visitor
    body = {"incident_id": path.removeprefix("incidents/"), "mode": "on_site", "record": {}}
    visit = await caller.made("visits", body)
    assert (visit["visitor_id"], visit["recorded_by"]) == (case.visitor.id, caller.id)
    assert visit["elder_id"] == case.elder_id


async def test_a_visit_in_another_visitors_name_is_refused(case: Case) -> None:
    colleague = await case.world.sign_in(UserRole.VISITOR, area_id=case.area_id, name="周探访")
    incident_id = (await case.ready_for("arrive")).removeprefix("incidents/")
    body = {"incident_id": incident_id, "elder_id": case.elder_id, "mode": "phone"}
    for caller, name in ((colleague, None), (case.visitor, colleague.id)):
        named = {"visitor_id": name} if name else {}
        assert (await caller.post("visits", body | named)).status_code == 403
