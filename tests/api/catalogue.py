"""Every call that changes something, with a body that it takes; and every list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.town import DUE, LADDER, Body


@dataclass(frozen=True, kw_only=True)
class Write:
    """A call and a body that it takes; `stage` is where an incident must stand for it."""

    method: str
    path: str
    body: Body
    stage: str | None = None
    slow: bool = False  # hashes a password
    saves: bool = True  # False: only asks what would be

    @property
    def name(self) -> str:
        return f"{self.method} {self.path.removeprefix('/api/v1/')}"


def _post(path: str, body: Body, **more: Any) -> Write:
    return Write(method="POST", path=f"/api/v1/{path}", body=body, **more)


def _patch(path: str, body: Body, **more: Any) -> Write:
    return Write(method="PATCH", path=f"/api/v1/{path}", body=body, **more)


def _act(name: str, stage: str, **body: Any) -> Write:
    return _post(
        f"incidents/{{incident_id}}/{name}",
        lambda t: {key: t.ids.get(value, value) for key, value in body.items()},
        stage=stage,
    )


def a_cut(area_id: str, number: int) -> dict[str, str]:
    """Of a day of its own: two for the same hours of an area are refused."""
    day = f"2026-03-{3 + number % 25:02}"
    return {
        "area_id": area_id,
        "kind": "water",
        "begins_at": f"{day}T00:10:00Z",
        "until": f"{day}T12:00:00Z",
        "reason": "水厂抢修",
    }


WRITES: tuple[Write, ...] = (
    _post("areas", lambda t: {"name": "新村", "level": "grid", "parent_id": t.ids["area_id"]}),
    _patch(
        "areas/{area_id}",
        lambda _: (
            {"name": "城关社区", "level": "village", "parent_id": None}
            | {"alert_until": DUE, "alert_reason": "台风"}
        ),
    ),
    _post(
        "users",
        lambda t: {
            "username": t.fresh("user"),
            "password": "long enough",
            "role": "visitor",
            "name": "周",
            "area_id": t.ids["area_id"],
            "phone": "13800138000",
            "language": "en",
        },
        slow=True,
    ),
    _patch(
        "users/{user_id}",
        lambda _: {"name": "陈", "phone": "139", "language": "zh", "active": True, "area_id": None},
    ),
    _post(
        "homes",
        lambda t: (
            {"address": "村口", "name": "x", "area_id": t.ids["area_id"], "note": ""}
            | {"note": "钥匙在 301"}
        ),
    ),
    _patch("homes/{home_id}", lambda t: {"address": "桥头 4 号", "area_id": t.ids["area_id"]}),
    _post(
        "elders",
        lambda t: {
            "name": "张福生",
            "birth_date": "1941-05-03",
            "phone": "020-83331234",
            "address": "村口 1 号",
            "area_id": t.ids["area_id"],
            "categories": ["living_alone"],
            "tier": "key",
            "responsible_visitor_id": t.ids["user_id"],
            "health": "听力弱",
            "access": "钥匙在邻居",
        },
    ),
    _patch(
        "elders/{elder_id}",
        lambda _: (
            {"name": "李桂兰", "status": "hospital", "status_review_at": DUE, "phone": None}
            | {"birth_date": "1941-05-03", "categories": ["empty_nest"], "status_text": "骨折"}
        ),
    ),
    _post(
        "elders/{elder_id}/contacts",
        lambda _: {
            "name": "李梅",
            "relation": "女儿",
            "phone": "13800138000",
            "rank": 1,
            "channels": [
                {"kind": "webhook", "address": "http://hook.test:8080/x"},
                {"kind": "email", "address": "li@example.org"},
                {"kind": "apprise", "address": "ntfy://example.org/topic"},
                {"kind": "sms"},
            ],
            "language": "zh",
        },
    ),
    _patch(
        "elders/{elder_id}/contacts/{contact_id}",
        lambda _: {"rank": 2, "phone": "139", "channels": [{"kind": "call", "address": "120"}]},
    ),
    _post(
        "sources",
        lambda t: (
            {"name": "二", "family": "zigbee2mqtt", "prefix": t.fresh("bridge")}
            | {"area_id": t.ids["area_id"]}
        ),
    ),
    _post("sources", lambda t: {"name": "电信", "family": "ctwing", "area_id": t.ids["area_id"]}),
    _post("sources/{source_id}/push-token", lambda _: {}),
    _patch("sources/{source_id}", lambda t: {"name": "网关", "prefix": t.fresh("moved")}),
    _post(
        "devices",
        lambda t: {
            "id": t.fresh("meter-"),
            "family": "native",
            "role": "water_meter",
            "home_id": t.ids["home_id"],
            "room": "厨房",
            "rules": {"no_water_use": {"hours": 24, "litres": 10}},
            "expected_every_s": 3600,
        },
    ),
    _post(
        "devices",
        lambda t: {
            "id": t.fresh("smoke-"),
            "family": "zigbee2mqtt",
            "source_id": t.ids["source_id"],
            "child_id": t.fresh("0x0015"),
            "role": "smoke_detector",
        },
    ),
    _patch(
        "devices/{device_id}",
        lambda t: (
            {"role": "sos_button", "elder_id": t.ids["elder_id"], "room": "客厅"}
            | {"rules": {"x": {"y": 1}}, "expected_every_s": 86400, "active": True}
            | {"supervisable": True}
        ),
    ),
    _post("devices/{device_id}/tests", lambda _: {"kind": "sos", "ring_contact": True}),
    _post("devices/{device_id}/tests/{test_id}/cancel", lambda _: {}),
    _post("devices/{device_id}/put-in-service", lambda _: {"reason": "指示灯正常"}),
    _patch("sources/{source_id}", lambda _: {"active": True, "only_listed": True}),
    _post("sources/{source_id}/credentials", lambda _: {}),
    _post("devices/{device_id}/credentials", lambda _: {}),
    _post("devices/{device_id}/commands", lambda _: {"command": "identify"}),
    _post(
        "devices/{device_id}/move",
        lambda t: {"source_id": t.ids["other_source_id"]},
    ),
    _post(
        "devices/{device_id}/swap-meter",
        lambda _: (
            {"at": "2026-02-28T01:00:00Z", "final_value": 812.4, "start_value": 0.2}
            | {"note": "水表到期更换"}
        ),
    ),
    _post(
        "devices/{device_id}/replace",
        lambda t: {"id": t.fresh("new-"), "reason": "电池盖损坏"},
    ),
    _post("devices/{device_id}/retire", lambda _: {"reason": "老人搬走"}),
    _act("acknowledge", "open", version=1),
    _act("release", "acknowledged", reason="交班"),
    _act("decline", "dispatched", reason="车坏了"),
    _act("dispatch", "acknowledged", visitor_id="user_id"),
    _act("accept", "dispatched"),
    _act("arrive", "accepted", at="2026-03-01T00:10:00Z"),
    _act("outcome", "attended", outcome="assisted", reason="摔倒", reason_code="fall"),
    _act("notes", "attended", text="老人电话无人接听"),
    _act("heard", "attended"),
    _act("close", "following_up", waiver="电话中确认平安"),
    _act("reopen", "closed", reason="家属又打来电话"),
    _act("cancel", "open", reason="安装时误触发"),
    _post(
        "checks/{check_id}/answer",
        lambda _: {"result": "away", "until": DUE, "version": 1},
        stage="open",
    ),
    _post(
        "visits",
        lambda t: {
            "elder_id": t.ids["elder_id"],
            "incident_id": t.ids["incident_id"],
            "mode": "on_site",
            "visitor_id": t.ids["user_id"],
            "visited_at": "2026-02-28T01:00:00Z",
            "record": {"mobility": "worse", "members": "more", "members_by": 1, "needs": "扶手"}
            | {"extra": {"steps": [1, {"a": None}]}},
        },
        stage="attended",
    ),
    _post(
        "follow-ups",
        lambda t: {"elder_id": t.ids["elder_id"], "due_at": DUE, "text": "电话回访"},
    ),
    _post("follow-ups/{follow_up_id}/complete", lambda _: {"result": "好", "handed_over_to": "村"}),
    _post(
        "hazards",
        lambda t: {
            "home_id": t.ids["home_id"],
            "elder_id": t.ids["elder_id"],
            "visit_id": t.ids["visit_id"],
            "incident_id": t.ids["incident_id"],
            "text": "燃气软管老化",
            "found_at": "2026-02-28T01:00:00Z",
        },
    ),
    _post("hazards/{hazard_id}/remedy", lambda _: {"remedy": "已更换软管"}),
    _post(
        "escalation-policies",
        lambda t: {
            "name": "夜间",
            "severity": "technical",
            "ladder": LADDER,
            "area_id": t.ids["area_id"],
        },
    ),
    _patch("escalation-policies/{policy_id}", lambda _: {"name": "夜", "ladder": LADDER}),
    _post(
        "shifts",
        lambda t: {
            "user_id": t.ids["user_id"],
            "starts_at": "2026-03-01T00:00:00Z",
            "ends_at": "2026-03-02T00:00:00Z",
            "area_id": t.ids["area_id"],
            "phone": "13800138000",
        },
    ),
    _patch(
        "shifts/{shift_id}",
        lambda _: {"starts_at": "2026-02-01T00:00:00Z", "ends_at": DUE, "phone": "13900139000"},
    ),
    _post(
        "silences",
        lambda t: {
            "kind": "battery_low",
            "device_id": t.ids["device_id"],
            "home_id": t.ids["home_id"],
            "area_id": t.ids["area_id"],
            "reason": "电池已下单",
            "ends_at": DUE,
        },
    ),
    _post("silences/{silence_id}/end", lambda _: {}),
    _post("interruptions", lambda t: a_cut(t.ids["area_id"], int(t.fresh("")))),
    _patch(
        "interruptions/{interruption_id}",
        lambda _: {"until": "2026-03-02T08:00:00Z", "reason": "再延", "version": 1},
    ),
    _post("interruptions/{interruption_id}/end", lambda _: {}),
    _post("interruptions/{interruption_id}/dismiss", lambda _: {}, stage="open"),
    _post(
        "watch-rules",
        lambda t: {
            "area_id": t.ids["area_id"],
            "tier": "key",
            "rules": {"no_water_use": {"preset": "adaptive"}, "leak": {"day_m3": 2.0}},
            "effective_from": DUE,
            "note": "按人手选择",
        },
    ),
    _post(
        "watch-rules/back-test",
        lambda t: (
            {"elder_id": t.ids["elder_id"], "rules": {"no_water_use": {"preset": "adaptive"}}}
            | {"officers": 2, "shifts_a_day": 3}
        ),
        saves=False,
    ),
    _post("watch-rules/{rule_id}/withdraw", lambda _: {}),
    _post(
        "channels",
        lambda t: {
            "kind": "webhook",
            "name": "市平台",
            "url": "https://hook.test/x",
            "secret": "long enough",
            "area_id": t.ids["area_id"],
            "with_personal_data": True,
            "enabled": False,
        },
    ),
    _patch(
        "channels/{channel_id}",
        lambda _: {"name": "短信平台", "url": "https://hook.test/y", "enabled": True},
    ),
)
LISTS = (
    *("areas", "users", "homes", "elders", "elders/{elder_id}/contacts", "sources", "devices"),
    *("checks", "incidents", "visits", "follow-ups", "hazards", "escalation-policies", "shifts"),
    *(
        "silences",
        "interruptions",
        "channels",
        "watch-rules",
        "quarantine",
        "unknown-devices",
        "supervision",
    ),
    *("elders/{elder_id}/statuses", "watch?show=unable"),
    *("devices/{device_id}/tests", "devices/{device_id}/log", "devices/{device_id}/commands"),
)
"""Every list that needs no parameter; `readings` needs a device."""
