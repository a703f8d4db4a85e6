"""Recording an interruption over REST: what is refused, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.clock import START
from tests.support.world import World


def at(**span: float) -> str:
    return (START + timedelta(**span)).isoformat()


async def test_times_that_cannot_be_meant_are_named(world: World, admin: Any) -> None:
    area = (await admin.made("areas", {"name": "青溪村", "level": "village"}))["id"]
    body = {"area_id": area, "reason": "抢修", "until": at(hours=5)}
    for change, field in (
        ({"until": at(hours=-1)}, "until"),
        ({"until": at(hours=73)}, "until"),
        ({"begins_at": at(hours=-25)}, "begins_at"),
        ({"begins_at": at(days=31), "until": at(days=31, hours=1)}, "begins_at"),
        ({"begins_at": at(hours=6)}, "until"),
        ({"kind": "gas"}, "kind"),
        ({"reason": ""}, "reason"),
    ):
        answer = await admin.request("POST", "interruptions", json=body | change)
        assert answer.status_code == 422, (change, answer.text)
        assert [one["field"] for one in answer.json()["errors"]] == [field], change
    made = await admin.made("interruptions", body)
    answer = await admin.request("POST", "interruptions", json=body)
    assert answer.status_code == 409
    assert answer.json()["winner"] == made["created_by"]
    path = f"interruptions/{made['id']}"
    for change in ({"until": at(hours=-1)}, {"until": at(hours=73)}):
        answer = await admin.request("PATCH", path, json=change)
        assert answer.status_code == 422, (change, answer.text)
    answer = await admin.request("POST", f"{path}/dismiss", json={})
    assert answer.status_code == 409, "only a suspicion can be dismissed"
