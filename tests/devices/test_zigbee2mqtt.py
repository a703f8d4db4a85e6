"""Zigbee2MQTT's habits: one table a habit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from devices.event import Confidence, Decoded, InventoryItem, Message, Presence
from devices.families.zigbee2mqtt import FAMILY
from devices.family import SourceView
from tests.devices.meaning import RECEIVED_AT, means

IEEE = "0x00158d00000000aa"


def _decode(
    topic: str,
    payload: Any,
    *,
    roles: Mapping[str, str] | None = None,
    aliases: Mapping[str, str] | None = None,
    capabilities: Mapping[str, tuple[str, ...]] | None = None,
    prefix: str = "zigbee2mqtt",
    retained: bool = False,
) -> Decoded:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = Message(
        topic=f"{prefix}/{topic}", payload=raw, received_at=RECEIVED_AT, retained=retained
    )
    view = SourceView(
        prefix=prefix, roles=roles or {}, aliases=aliases or {}, capabilities=capabilities or {}
    )
    return FAMILY.decode(message, view)


# --- levels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        ({"smoke": True}, ("smoke",)),
        ({"smoke": False}, ("smoke_clear",)),
        ({"smoke": None}, ("heard",)),
        ({"smoke ": True}, ("smoke",)),
        ({"smoke": "true"}, ("smoke",)),
        ({"smoke": "OFF"}, ("smoke_clear",)),
        ({"smoke": 1}, ("smoke",)),
        ({"smoke": True, "smoke_density": 0}, ("smoke", "smoke_density=0")),
        ({"smoke": False, "smoke_density": "2"}, ("smoke_clear", "smoke_density=2")),
        ({"smoke_state": "alarm"}, ("smoke",)),
        ({"smoke_state": "normal"}, ("smoke_clear",)),
        ({"smoke_state": "detecting"}, ("heard",)),
        ({"smoke": False, "smoke_state": "alarm"}, ("smoke",)),
        ({"gas": True}, ("gas",)),
        ({"gas": False, "carbon_monoxide": True}, ("gas",)),
        ({"gas": False, "carbon_monoxide": False}, ("gas_clear",)),
        ({"gas": None, "carbon_monoxide": False}, ("gas_clear",)),
        ({"water_leak": True}, ("leak",)),
        ({"tamper": True}, ("tamper",)),
        ({"tamper": False}, ("tamper_clear",)),
        ({"battery_low": True}, ("battery_low",)),
        ({"battery_low": False}, ("battery_ok",)),
        ({"battery": 4}, ("battery_pct=4",)),
        ({"battery": None}, ("heard",)),
        ({"contact": True}, ("door_closed",)),
        ({"contact": False}, ("door_open",)),
        ({"occupancy": True}, ("motion",)),
        ({"presence": False}, ("no_motion",)),
        ({"occupancy": False, "presence": True}, ("motion",)),
        ({"test": True}, ("test",)),
        ({"test": False, "self_test": "idle"}, ("heard",)),
        ({"fault": True}, ("fault",)),
        ({"trouble": False}, ("fault_clear",)),
        ({"fault": "serious"}, ("heard",)),
        ({}, ("heard",)),
    ],
)
def test_levels(state: dict[str, Any], meaning: tuple[str, ...]) -> None:
    assert means(_decode("hall", state)) == meaning


def test_carbon_monoxide_is_told_apart_from_gas() -> None:
    (event,) = _decode("boiler", {"gas": False, "carbon_monoxide": True}).events
    assert event.data == {"fields": ["carbon_monoxide"]}


@pytest.mark.parametrize("said", ["maybe", 2, {"zone": 1}, [True], 1.5])
def test_a_level_that_cannot_be_read_does_not_cost_the_others(said: Any) -> None:
    decoded = _decode("attic", {"smoke": said, "battery_low": True, "battery": 3})
    assert means(decoded) == ("battery_low", "battery_pct=3", "quarantined")
    assert (decoded.quarantined, decoded.culprit) == ("wrong_type:smoke", "attic")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"smoke":true,"x":"a\\u0000b"}', "nul_character"),
        (b'{"smoke":true,"x":1e999}', "number_out_of_range"),
        (b'{"smoke":true,"x":"\\udc00"}', "not_utf8"),
        (b'{"smoke":true,"x":' + b"[" * 20 + b"]" * 20 + b"}", "too_deep"),
    ],
)
def test_smoke_is_not_lost_to_a_spoiled_field(payload: bytes, reason: str) -> None:
    decoded = _decode("attic", payload)
    assert means(decoded) == ("smoke", "quarantined")
    assert decoded.quarantined == reason


# --- groups and outlets -------------------------------------------------------------------------


def test_a_group_says_nothing_of_its_own() -> None:
    groups = [{"friendly_name": "all lamps", "id": 3}, {"friendly_name": "x"}, {"id": 4}]
    decoded = _decode("bridge/groups", groups)
    assert [(item.child_id, item.name) for item in decoded.inventory] == [("group:3", "all lamps")]
    assert decoded.quarantined == "missing:id"
    aliases = {"all lamps": "group:3"}
    assert _decode("all lamps", {"smoke": True}, aliases=aliases) == Decoded(heard=("group:3",))


@pytest.mark.parametrize(
    ("state", "capabilities", "meaning"),
    [
        (
            {"power_left": 4, "power_right": 6},
            (),
            ("power_left=4", "power_right=6", "power=10"),
        ),
        ({"power_left": 4, "power_right": None}, (), ("power_left=4",)),
        ({"power_left": 4}, (), ("power_left=4",)),
        (
            {"energy_l1": 1, "energy_l2": 2},
            ("energy_l1", "energy_l2", "energy_l3"),
            ("energy_total_l1=1", "energy_total_l2=2"),
        ),
        (
            {"energy": 9, "energy_l1": 1, "energy_l2": 2},
            (),
            ("energy_total=9", "energy_total_l1=1", "energy_total_l2=2"),
        ),
        ({"current_l1": "x", "current_l2": 2}, (), ("current_l2=2", "quarantined")),
    ],
)
def test_outlets_are_added_up_only_when_all_are_known(
    state: dict[str, Any], capabilities: tuple[str, ...], meaning: tuple[str, ...]
) -> None:
    assert means(_decode("strip", state, capabilities={"strip": capabilities})) == meaning


def test_an_outlet_in_attribute_mode() -> None:
    assert means(_decode("strip/energy_l2", b"3.5")) == ("energy_total_l2=3.5",)


# --- presses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["emergency", "panic", "sos", "SOS", "Emergency", "fire"])
@pytest.mark.parametrize("role", [None, "plug", "sos_button"])
def test_a_word_for_help_is_sos_on_any_device(word: str, role: str | None) -> None:
    roles = {"b": role} if role else {}
    assert means(_decode("b", {"action": word}, roles=roles)) == ("sos",)


@pytest.mark.parametrize("word", ["single", "double", "hold", "release", "1_single", "on", "长按"])
def test_an_ordinary_press_is_sos_only_on_a_device_set_up_for_it(word: str) -> None:
    for role in ("sos_button", "watch"):
        assert means(_decode("b", {"action": word}, roles={"b": role})) == ("sos",)
    for role in ("plug", "smoke_detector", "door_contact"):
        (event,) = _decode("b", {"action": word}, roles={"b": role}).events
        assert (event.kind, event.data) == ("button", {"action": word})
    assert means(_decode("b", {"action": word})) == ("button",)


def test_the_role_is_found_by_address_or_by_name() -> None:
    press = {"action": "single"}
    named = _decode("床头", press, aliases={"床头": IEEE}, roles={IEEE: "sos_button"})
    inside = _decode("b", press | {"device": {"ieeeAddr": IEEE}}, roles={IEEE: "sos_button"})
    for decoded in (named, inside):
        assert [(event.kind, event.child_id) for event in decoded.events] == [("sos", IEEE)]
    by_name = _decode("床头", press, aliases={"床头": IEEE}, roles={"床头": "sos_button"})
    assert means(by_name) == ("sos",)


@pytest.mark.parametrize("word", ["arm_all_zones", "disarm", "arm_day_zones", "invalid_code"])
def test_going_out_is_no_call_for_help(word: str) -> None:
    assert means(_decode("b", {"action": word}, roles={"b": "sos_button"})) == ("button",)


@pytest.mark.parametrize("nothing", [None, "", "none", "idle"])
def test_an_empty_action_is_a_sign_of_life(nothing: str | None) -> None:
    assert means(_decode("b", {"action": nothing}, roles={"b": "sos_button"})) == ("heard",)


@pytest.mark.parametrize("said", [7, True, ["sos"], {"sos": 1}, "x" * 65, "a\nb"])
def test_an_action_that_cannot_be_read_is_not_passed_over(said: Any) -> None:
    decoded = _decode("b", {"action": said}, roles={"b": "sos_button"})
    assert decoded == Decoded(quarantined="wrong_type:action", culprit="b")


@pytest.mark.parametrize(
    ("payload", "meaning"),
    [(b"sos", "sos"), (b"emergency\n", "sos"), (b'"panic"', "sos"), (b"single", "button"),
     (b"", "heard"), (b'""', "heard"), (b"null", "heard")],
)  # fmt: skip
def test_a_press_as_plain_text(payload: bytes, meaning: str) -> None:
    decoded = _decode("奶奶 床头/action", payload)
    assert means(decoded) == (meaning,)
    children = [event.child_id for event in decoded.events] + list(decoded.heard)
    assert children == ["奶奶 床头"]


@pytest.mark.parametrize(
    ("state", "meaning"),
    [({"sos": True}, ("sos",)), ({"sos": "ON"}, ("sos",)), ({"sos": False}, ("sos_cancel",)),
     ({"sos": None}, ("heard",)), ({"sos": "?"}, ("quarantined",)), ({"click": "sos"}, ("sos",))],
)  # fmt: skip
def test_sos_as_a_state(state: dict[str, Any], meaning: tuple[str, ...]) -> None:
    assert means(_decode("b", state)) == meaning


def test_a_state_is_marked_so_that_its_edge_can_be_looked_for() -> None:
    assert _decode("b", {"sos": True}).events[0].data == {"level": True}
    assert "level" not in _decode("b", {"action": "sos"}).events[0].data


@pytest.mark.parametrize(
    ("word", "confidence"),
    [("fall", Confidence.CONFIRMED), ("maybe_fall", Confidence.UNCONFIRMED)],
)
def test_a_fall_radar(word: str, confidence: Confidence) -> None:
    (event,) = _decode("bath", {"fall_down_status": word}).events
    assert (event.kind, event.confidence) == ("fall", confidence)
    assert means(_decode("bath", {"fall_down_status": "none"})) == ("fall_cancel",)


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        ({"energy": 41.07, "power": 0}, ("energy_total=41.07", "power=0")),
        ({"voltage": 231, "current": 0.4}, ("voltage=231", "current=0.4")),
        ({"voltage": 2993}, ("heard",)),
        ({"voltage": 3.0, "battery": 90}, ("battery_pct=90",)),
        ({"voltage": 2900, "battery_low": False}, ("battery_ok",)),
        ({"water_consumed": 5.5}, ("water_total=5.5",)),
        ({"water_consumed": None}, ("heard",)),
        ({"flow": 0.2, "temperature": -3}, ("water_flow=0.2", "temperature=-3")),
        ({"linkquality": 255}, ("link_quality=255",)),
        ({"energy": "12.5"}, ("energy_total=12.5",)),
        ({"energy": ""}, ("heard",)),
        ({"energy": "lots", "power": 3}, ("power=3", "quarantined")),
        ({"energy": True}, ("quarantined",)),
    ],
)
def test_numbers(state: dict[str, Any], meaning: tuple[str, ...]) -> None:
    assert means(_decode("plug", state)) == meaning


@pytest.mark.parametrize(
    ("capability", "cubic_metres"),
    [("water_consumed:L", 0.25), ("water_consumed:m³", 250.0), ("water_consumed", 250.0)],
)
def test_the_inventory_tells_litres_from_cubic_metres(capability: str, cubic_metres: float) -> None:
    known = {IEEE: ("state", capability)}
    decoded = _decode("valve", {"water_consumed": 250}, aliases={"valve": IEEE}, capabilities=known)
    assert decoded.readings[0].value == cubic_metres
    assert decoded.readings[0].unit == "m3"


# --- names, topics, times -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "0x00158d00000000bb",
        "Smoke",
        "客厅 烟感",
        "house/2nd floor/hall",
        "全角\u3000",
        "a/energy x",
    ],
)
def test_names_with_spaces_slashes_and_any_script(name: str) -> None:
    assert _decode(name, {"smoke": True}).events[0].child_id == name
    assert _decode(f"{name}/availability", b"online").presences[0].child_id == name
    assert _decode(f"{name}/energy", b"2.5").readings[0].child_id == name


@pytest.mark.parametrize(
    ("payload", "child"),
    [
        ({"smoke": True, "device": {"ieeeAddr": "0x00158D00000000BB"}}, "0x00158d00000000bb"),
        ({"smoke": True, "device": {"ieeeAddr": "nonsense"}}, IEEE),
        ({"smoke": True, "device": "text"}, IEEE),
        ({"smoke": True}, IEEE),
    ],
)
def test_the_child_is_the_address_when_anything_tells_it(
    payload: dict[str, Any], child: str
) -> None:
    assert _decode("hall", payload, aliases={"hall": IEEE}).events[0].child_id == child


def test_a_known_device_wins_over_an_attribute_of_the_same_name() -> None:
    as_attribute = _decode("hall/smoke", b"true")
    assert (means(as_attribute), as_attribute.events[0].child_id) == (("smoke",), "hall")
    as_device = _decode("hall/smoke", b"true", aliases={"hall/smoke": IEEE})
    assert as_device == Decoded(quarantined="wrong_type:payload", culprit=IEEE)


@pytest.mark.parametrize(
    ("topic", "payload", "meaning"),
    [
        ("tv/energy", b"12.05", ("energy_total=12.05",)),
        ("hall/smoke", b"true", ("smoke",)),
        ("hall/smoke", b"false", ("smoke_clear",)),
        ("hall/smoke", b"", ("heard",)),
        ("hall/battery_low", b"true", ("battery_low",)),
        ("hall/voltage", b"3000", ("heard",)),
        ("tv/voltage", b"231", ("voltage=231",)),
        ("hall/last_seen", b"2026-04-12T05:00:00Z", ("heard",)),
        ("hall/update-installed_version", b"21", ("heard",)),
        ("hall/smoke", b"maybe", ("quarantined",)),
        ("tv/energy", b"much", ("quarantined",)),
        ("tv/energy", b"\xff", ("quarantined",)),
        ("tv/enrolled", b"\xff", ("quarantined",)),
        ("a/Some Device", b"garbage", ("quarantined",)),
    ],
)
def test_attribute_mode(topic: str, payload: bytes, meaning: tuple[str, ...]) -> None:
    assert means(_decode(topic, payload)) == meaning


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"smoke":tr', "not_json"),
        (b"hello", "not_json"),
        (b"true", "wrong_type:payload"),
        (b"[1]", "wrong_type:payload"),
        (b"\xff\xfe", "not_utf8"),
        (b'{"smoke":true}\x00', "nul_character"),
        (b'{"a":"' + b"x" * 66_000 + b'"}', "too_large"),
    ],
)
def test_a_state_that_cannot_be_read_names_its_device(payload: bytes, reason: str) -> None:
    decoded = _decode("床头", payload, aliases={"床头": IEEE})
    assert decoded == Decoded(quarantined=reason, culprit=IEEE)


@pytest.mark.parametrize("topic", ["tv/set", "tv/get", "tv/set/state", "a b/c/get", "tv/left/set"])
def test_other_programs_commands_mean_nothing(topic: str) -> None:
    assert _decode(topic, b'{"smoke":true,"action":"sos"}') == Decoded()
    assert FAMILY.may_be_silent(topic)


def test_a_device_may_be_called_set() -> None:
    assert means(_decode("set", {"smoke": True})) == ("smoke",)


@pytest.mark.parametrize("topic", ["tv", "tv/availability", "a/b c"])
def test_a_retained_message_that_was_erased_means_nothing(topic: str) -> None:
    assert _decode(topic, b"", retained=True) == Decoded()


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("zigbee2mqtt", "unknown_topic"),
        ("zigbee2mqtt/", "unknown_topic"),
        ("zigbee2mqtt2/tv", "unknown_topic"),
        ("zigbee2mqtt/bridge", "unknown_topic"),
        ("zigbee2mqtt/bridge/novelty", "unknown_topic"),
        ("zigbee2mqtt/" + "x" * 257, "bad_name"),
        ("zigbee2mqtt/a\nb", "bad_name"),
        ("zigbee2mqtt/a\udcff", "bad_name"),
    ],
)
def test_a_topic_that_names_no_device_blames_none(topic: str, reason: str) -> None:
    message = Message(topic=topic, payload=b'{"smoke":true}', received_at=RECEIVED_AT)
    assert FAMILY.decode(message, SourceView()) == Decoded(quarantined=reason)


def test_a_source_with_a_prefix_of_its_own() -> None:
    assert means(_decode("hall", {"smoke": True}, prefix="home/east z2m")) == ("smoke",)
    assert FAMILY.subscriptions("home/east z2m") == ("home/east z2m/#",)


@pytest.mark.parametrize(
    ("last_seen", "at"),
    [
        ("2026-04-12T13:30:00+08:00", datetime(2026, 4, 12, 5, 30, tzinfo=UTC)),
        ("2026-04-12T05:30:00.250Z", datetime(2026, 4, 12, 5, 30, 0, 250_000, UTC)),
        (1775971800000, datetime(2026, 4, 12, 5, 30, tzinfo=UTC)),
        ("a while ago", None),
        (None, None),
        ({}, None),
    ],
)
def test_last_seen_is_the_time_of_what_is_said(last_seen: Any, at: datetime | None) -> None:
    decoded = _decode("hall", {"smoke": True, "battery": 80, "last_seen": last_seen})
    assert decoded.quarantined is None
    assert [decoded.events[0].at, decoded.readings[0].at] == [at, at]


# --- the bridge itself --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "child"), [("bridge/state", None), ("客厅/availability", "客厅")]
)
@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b"online", True),
        (b"offline", False),
        (b'"offline"', False),
        (b'{"state":"online"}', True),
        (b'{"state":"offline"}', False),
    ],
)
def test_presence_in_every_form(
    topic: str, child: str | None, payload: bytes, online: bool
) -> None:
    decoded = _decode(topic, payload, retained=True)
    assert decoded == Decoded(presences=(Presence(child_id=child, online=online, retained=True),))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"asleep", "wrong_type:state"),
        (b'{"state":1}', "wrong_type:state"),
        (b"{}", "missing:state"),
        (b" ", "missing:state"),
        (b"{", "not_json"),
    ],
)
def test_a_presence_that_cannot_be_read(payload: bytes, reason: str) -> None:
    assert _decode("bridge/state", payload) == Decoded(quarantined=reason)
    assert _decode("hall/availability", payload) == Decoded(quarantined=reason, culprit="hall")


@pytest.mark.parametrize(
    "topic",
    ["info", "logging", "log", "extensions", "config", "definitions", "converters",
     "health", "networkmap/raw", "request/permit_join", "response/device/remove", "group/1/x"],
)  # fmt: skip
def test_the_bridge_s_own_affairs_mean_nothing(topic: str) -> None:
    assert _decode(f"bridge/{topic}", b"{broken") == Decoded()
    assert FAMILY.may_be_silent(f"bridge/{topic}")


@pytest.mark.parametrize(
    ("data", "child"),
    [
        ({"ieee_address": IEEE.upper().replace("X", "x"), "friendly_name": "b"}, IEEE),
        ({"friendly_name": "床头"}, IEEE),
        ({"friendly_name": "nobody"}, "nobody"),
    ],
)
def test_a_device_that_left_is_a_fault(data: dict[str, Any], child: str) -> None:
    said = {"type": "device_leave", "data": data}
    (event,) = _decode("bridge/event", said, aliases={"床头": IEEE}).events
    assert (event.kind, event.child_id) == ("fault", child)
    assert event.data == {"fault": "device_leave"}


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ({"type": "device_joined", "data": {}}, "fault_clear"),
        ({"type": "device_interview", "data": {"status": "successful"}}, "fault_clear"),
        ({"type": "device_interview", "data": {"status": "failed"}}, "fault"),
        ({"type": "device_interview", "data": {"status": "started"}}, "heard"),
    ],
)
def test_who_joined_again_watches_again(said: dict[str, Any], meaning: str) -> None:
    said["data"]["ieee_address"] = IEEE
    assert means(_decode("bridge/event", said)) == (meaning,)


@pytest.mark.parametrize("kind", ["device_announce", "device_interview", "new"])
def test_other_events_of_the_network_are_signs_of_life(kind: str) -> None:
    said = {"type": kind, "data": {"ieee_address": IEEE}}
    assert _decode("bridge/event", said) == Decoded(heard=(IEEE,))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"type": "device_leave"}, "wrong_type:data"),
        ({"type": "device_leave", "data": {}}, "missing:friendly_name"),
        ({"data": {"ieee_address": IEEE}}, "missing:type"),
        ([], "wrong_type:payload"),
    ],
)
def test_a_network_event_that_cannot_be_read(said: Any, reason: str) -> None:
    assert _decode("bridge/event", said) == Decoded(quarantined=reason)


def test_the_inventory() -> None:
    exposes = [
        {"type": "switch", "features": [{"property": "state"}, {"property": "state"}]},
        {"property": "water_consumed", "unit": "L"},
        {"property": "battery", "unit": "%"},
        {"type": "composite", "features": [{"features": [{"property": "inner"}]}, "junk"]},
        {"property": 7},
        "junk",
    ]
    listed = [
        {"ieee_address": "0x00124b0000000001", "type": "Coordinator", "friendly_name": "C"},
        {
            "ieee_address": IEEE,
            "friendly_name": "阳台 阀门",
            "definition": {"model": "ZVG1", "vendor": "RTX", "exposes": exposes},
        },
        {
            "ieee_address": "0x00158d00000000bb",
            "friendly_name": "new",
            "definition": None,
            "model_id": "TS0601",
            "manufacturer": "_TZE204",
        },
    ]
    assert _decode("bridge/devices", listed).inventory == (
        InventoryItem(
            child_id=IEEE,
            name="阳台 阀门",
            model="ZVG1",
            vendor="RTX",
            capabilities=("state", "water_consumed:L", "battery", "inner"),
        ),
        InventoryItem(child_id="0x00158d00000000bb", name="new", model="TS0601", vendor="_TZE204"),
    )


def test_an_inventory_entry_that_cannot_be_read_does_not_cost_the_others() -> None:
    good = {"ieee_address": IEEE, "friendly_name": "tv"}
    listed = ["junk", {"friendly_name": "no address"}, {"ieee_address": IEEE}, good]
    decoded = _decode("bridge/devices", listed)
    assert [item.name for item in decoded.inventory] == ["tv"]
    assert (decoded.quarantined, decoded.culprit) == ("wrong_type:device", None)


def test_an_inventory_may_be_large_and_may_be_empty() -> None:
    device = {"friendly_name": "x", "description": "y" * 1000}
    listed = [{"ieee_address": f"0x{number:016x}"} | device for number in range(800)]
    assert len(_decode("bridge/devices", listed).inventory) == 800
    assert _decode("bridge/devices", []) == Decoded()
    assert FAMILY.may_be_silent("bridge/devices")
    assert _decode("bridge/devices", listed * 2).quarantined == "too_large"
    assert _decode("bridge/devices", {}).quarantined == "wrong_type:payload"
