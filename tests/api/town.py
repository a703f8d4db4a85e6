"""A town with one of everything, made over REST: what calls can be tried on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from sqlalchemy import update

from alerting.finding import Finding, Severity, Sign
from alerting.intake.whose import Whose
from alerting.tables import Check, Incident
from alerting.telling.links import sign
from care.model import UserRole
from care.tables import Elder, Interruption
from tests.support.api import Caller, World

SECRET = "a provider's secret"
TESTED = "btn-tested"
DUE = "2026-03-03T01:00:00Z"
LADDER: dict[str, Any] = {
    "steps": [
        {"after_s": 0, "tell": [{"who": "desk"}, {"who": "contacts", "by": "message"}]},
        {"after_s": 60, "tell": [{"who": "operator"}]},
    ],
    "repeat_s": 300,
}


@dataclass
class Town:
    """The ids of one of everything, under the names that paths and bodies use."""

    world: World
    admin: Caller
    ids: dict[str, str] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def path(self, template: str) -> str:
        """`/api/v1/homes/{home_id}` → `homes/home-…`. A test under way is another device's, so
        that one can be opened as well."""
        ids = self.ids | ({"device_id": TESTED} if "{test_id}" in template else {})
        own = {name: self.ids[kept] for name, kept in OWN.get(template, {}).items()}
        return template.removeprefix("/api/v1/").format(**ids | own)

    def fresh(self, prefix: str) -> str:
        return f"{prefix}{next(self.numbers)}"

    async def notice(self, channel: str = "sms") -> str:
        """The id of what the contact was told over this channel."""
        whole = await self.admin.read(f"incidents/{self.ids['incident_id']}")
        found: str = next(one["id"] for one in whole["notices"] if one["channel"] == channel)
        return found

    async def receipt(
        self, notice_id: str, body: dict[str, Any] | bytes, *, secret: str = SECRET
    ) -> httpx.Response:
        """What a provider reports, signed as the channel's secret asks."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "X-Anju-Signature": sign(secret, raw)}
        address = f"/api/v1/receipts/{notice_id}"
        return await self.world.client.post(address, content=raw, headers=headers)

    async def bring_to(self, stage: str) -> None:
        """The incident stands in this stage again, whatever was done to it; it may be cancelled."""
        now, open_ = self.world.clock.now(), stage == "open"
        async with self.world.db.transaction() as session:
            await session.execute(
                update(Incident)
                .where(Incident.id == self.ids["incident_id"])
                .values(
                    stage=stage,
                    mode="exercise",
                    owner_id=None if open_ else self.admin.id,
                    owner_name=None if open_ else "管理员",
                    visitor_id=None if open_ else self.ids["user_id"],
                    outcome="assisted" if stage in ("following_up", "closed") else None,
                    dispatched_at=None if open_ else now,
                    due_at=now + timedelta(hours=1),
                )
            )
            await session.execute(
                update(Check)
                .where(Check.id == self.ids["check_id"])
                .values(state="asking", result=None, version=1, due_at=now + timedelta(hours=1))
            )
            await session.execute(update(Elder).values(status="home"))
            await session.execute(
                update(Interruption)
                .where(Interruption.id == self.ids["suspected_id"])
                .values(state="suspected", version=1, ended_at=None, ended_why=None, ended_by=None)
            )


async def build(world: World) -> Town:
    """One of everything, made over REST by an administrator."""
    admin = await world.admin()
    town = Town(world, admin)
    visitor = await world.sign_in(UserRole.VISITOR, name="陈探访")
    town.ids |= {"user_id": visitor.id, "adapter": "onenet"}
    for name, path, body in _FURNITURE:
        made = await admin.made(town.path(path), body(town))
        town.ids[name] = made["id"]
    town.ids["test_id"] = (await admin.made(f"devices/{TESTED}/tests", {}))["id"]
    town.ids["incident_id"] = await world.press("btn-1")
    town.ids["check_id"] = await a_check(world, town.ids["home_id"], town.ids["area_id"])
    town.ids["suspected_id"] = await a_suspicion(world, town.ids["area_id"])
    for name, path, body in _OF_THE_INCIDENT:
        town.ids[name] = (await admin.made(path, body(town)))["id"]
    return town


async def a_check(world: World, home_id: str, area_id: str) -> str:
    """A running check of a home, as its water meter would open one."""
    now = world.clock.now()
    finding = Finding(
        kind="no_water_use",
        severity=Severity.WELFARE,
        sign=Sign.ROSE,
        at=now,
        reason="test",
        facts={"idle_s": 36000, "opens": "check"},
    )
    whose = Whose(source_id="native", child_id="water-1", home_id=home_id, area_id=area_id)
    check = Check(
        id=f"chk-{home_id}",
        purpose="wellbeing",
        kind="no_water_use",
        subject=f"home:{home_id}",
        state="asking",
        home_id=home_id,
        area_id=area_id,
        finding=msgspec.to_builtins(finding),
        whose=asdict(whose),
        opened_at=now,
        due_at=now + timedelta(minutes=4),
        until=now + timedelta(minutes=10),
        asked=1,
    )
    async with world.db.transaction() as session:
        session.add(check)
    return check.id


async def a_suspicion(world: World, area_id: str) -> str:
    """A cut of the water that nobody recorded, as many homes at once would raise it."""
    now = world.clock.now()
    row = Interruption(
        id="cut-suspected",
        area_id=area_id,
        kind="water",
        state="suspected",
        begins_at=now,
        data={},
        created_at=now,
        created_by="anju",
    )
    async with world.db.transaction() as session:
        session.add(row)
    return row.id


OWN = {
    "/api/v1/interruptions/{interruption_id}/dismiss": {"interruption_id": "suspected_id"},
    "/api/v1/devices/{device_id}/move": {"device_id": "zigbee_id"},
    "/api/v1/devices/{device_id}/swap-meter": {"device_id": "meter_id"},
    "/api/v1/devices/{device_id}/replace": {"device_id": "worn_out_id"},
    "/api/v1/devices/{device_id}/retire": {"device_id": "spare_id"},
    "/api/v1/sources/{source_id}/push-token": {"source_id": "push_source_id"},
}
"""Paths that need a thing of their own: after them it is not what it was."""

Body = Callable[[Town], dict[str, Any]]
_FURNITURE: tuple[tuple[str, str, Body], ...] = (
    ("area_id", "areas", lambda _: {"name": "城关村", "level": "village"}),
    ("home_id", "homes", lambda t: {"address": "桥头 3 号", "area_id": t.ids["area_id"]}),
    ("elder_id", "elders", lambda t: {"name": "李桂兰", "home_id": t.ids["home_id"]}),
    (
        "contact_id",
        "elders/{elder_id}/contacts",
        lambda _: {"name": "李梅", "phone": "13800138000"},
    ),
    (
        "source_id",
        "sources",
        lambda _: {"name": "村网关", "family": "zigbee2mqtt", "prefix": "zigbee2mqtt"},
    ),
    ("push_source_id", "sources", lambda _: {"name": "移动", "family": "onenet"}),
    *(
        (
            "device_id",
            "devices",
            lambda t, ident=ident: {
                "id": ident,
                "family": "native",
                "role": "sos_button",
                "elder_id": t.ids["elder_id"],
            },
        )
        for ident in ("btn-1", TESTED, "btn-acted-on")  # pressed, under test, and acted on
    ),
    (
        "other_source_id",
        "sources",
        lambda _: {"name": "邻村网关", "family": "zigbee2mqtt", "prefix": "neighbours"},
    ),
    (
        "zigbee_id",
        "devices",
        lambda t: (
            {"id": "smoke-1", "family": "zigbee2mqtt", "source_id": t.ids["source_id"]}
            | {"child_id": "0x00158d0000000001", "role": "smoke_detector"}
        ),
    ),
    ("meter_id", "devices", lambda _: {"id": "meter-1", "family": "native", "role": "water_meter"}),
    ("worn_out_id", "devices", lambda _: {"id": "old-1", "family": "native", "role": "watch"}),
    ("spare_id", "devices", lambda _: {"id": "spare-1", "family": "native", "role": "plug"}),
    (
        "policy_id",
        "escalation-policies",
        lambda _: {"name": "夜间", "severity": "technical", "ladder": LADDER},
    ),
    (
        "shift_id",
        "shifts",
        lambda t: {
            "user_id": t.ids["user_id"],
            "starts_at": "2026-02-01T00:00:00Z",
            "phone": "13800138000",
        },
    ),
    (
        "rule_id",
        "watch-rules",
        lambda t: {
            "area_id": t.ids["area_id"],
            "rules": {"no_water_use": {"preset": "adaptive-quiet"}},
        },
    ),
    (
        "interruption_id",
        "interruptions",
        lambda t: {
            "area_id": t.ids["area_id"],
            "begins_at": "2026-03-02T00:00:00Z",
            "until": "2026-03-02T06:00:00Z",
            "reason": "水厂检修",
        },
    ),
    ("silence_id", "silences", lambda _: {"kind": "leak", "reason": "修管道", "ends_at": DUE}),
    (
        "channel_id",
        "channels",
        lambda _: {"kind": "sms", "name": "短信", "url": "http://hook.test:8080", "secret": SECRET},
    ),
)
_OF_THE_INCIDENT: tuple[tuple[str, str, Body], ...] = (
    ("visit_id", "visits", lambda t: {"incident_id": t.ids["incident_id"], "mode": "on_site"}),
    (
        "follow_up_id",
        "follow-ups",
        lambda t: {"elder_id": t.ids["elder_id"], "due_at": DUE, "text": "电话回访"},
    ),
    ("hazard_id", "hazards", lambda t: {"elder_id": t.ids["elder_id"], "text": "燃气软管老化"}),
)
