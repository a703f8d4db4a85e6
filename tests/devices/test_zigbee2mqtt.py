"""Zigbee2MQTT's habits: one table a habit."""

from __future__ import annotations

from typing import Any

import pytest

from devices.event import Confidence, Decoded
from tests.devices.meaning import means
from tests.devices.zigbee import IEEE, decode

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
    assert means(decode("hall", state)) == meaning


def test_carbon_monoxide_is_told_apart_from_gas() -> None:
    (event,) = decode("boiler", {"gas": False, "carbon_monoxide": True}).events
    assert event.data == {"fields": ["carbon_monoxide"]}


@pytest.mark.parametrize("said", ["maybe", 2, {"zone": 1}, [True], 1.5])
def test_a_level_that_cannot_be_read_does_not_cost_the_others(said: Any) -> None:
    decoded = decode("attic", {"smoke": said, "battery_low": True, "battery": 3})
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
    decoded = decode("attic", payload)
    assert means(decoded) == ("smoke", "quarantined")
    assert decoded.quarantined == reason


# --- groups and outlets -------------------------------------------------------------------------


def test_a_group_says_nothing_of_its_own() -> None:
    groups = [{"friendly_name": "all lamps", "id": 3}, {"friendly_name": "x"}, {"id": 4}]
    decoded = decode("bridge/groups", groups)
    assert [(item.child_id, item.name) for item in decoded.inventory] == [("group:3", "all lamps")]
    assert decoded.quarantined == "missing:id"
    aliases = {"all lamps": "group:3"}
    assert decode("all lamps", {"smoke": True}, aliases=aliases) == Decoded(heard=("group:3",))


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
    assert means(decode("strip", state, capabilities={"strip": capabilities})) == meaning


def test_an_outlet_in_attribute_mode() -> None:
    assert means(decode("strip/energy_l2", b"3.5")) == ("energy_total_l2=3.5",)


# --- presses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["emergency", "panic", "sos", "SOS", "Emergency", "fire"])
@pytest.mark.parametrize("role", [None, "plug", "sos_button"])
def test_a_word_for_help_is_sos_on_any_device(word: str, role: str | None) -> None:
    roles = {"b": role} if role else {}
    assert means(decode("b", {"action": word}, roles=roles)) == ("sos",)


@pytest.mark.parametrize("word", ["single", "double", "hold", "release", "1_single", "on", "长按"])
def test_an_ordinary_press_is_sos_only_on_a_device_set_up_for_it(word: str) -> None:
    for role in ("sos_button", "watch"):
        assert means(decode("b", {"action": word}, roles={"b": role})) == ("sos",)
    for role in ("plug", "smoke_detector", "door_contact"):
        (event,) = decode("b", {"action": word}, roles={"b": role}).events
        assert (event.kind, event.data) == ("button", {"action": word})
    assert means(decode("b", {"action": word})) == ("button",)


def test_the_role_is_found_by_address_or_by_name() -> None:
    press = {"action": "single"}
    named = decode("床头", press, aliases={"床头": IEEE}, roles={IEEE: "sos_button"})
    inside = decode("b", press | {"device": {"ieeeAddr": IEEE}}, roles={IEEE: "sos_button"})
    for decoded in (named, inside):
        assert [(event.kind, event.child_id) for event in decoded.events] == [("sos", IEEE)]
    by_name = decode("床头", press, aliases={"床头": IEEE}, roles={"床头": "sos_button"})
    assert means(by_name) == ("sos",)


@pytest.mark.parametrize("word", ["arm_all_zones", "disarm", "arm_day_zones", "invalid_code"])
def test_going_out_is_no_call_for_help(word: str) -> None:
    assert means(decode("b", {"action": word}, roles={"b": "sos_button"})) == ("button",)


@pytest.mark.parametrize("nothing", [None, "", "none", "idle"])
def test_an_empty_action_is_a_sign_of_life(nothing: str | None) -> None:
    assert means(decode("b", {"action": nothing}, roles={"b": "sos_button"})) == ("heard",)


@pytest.mark.parametrize("said", [7, True, ["sos"], {"sos": 1}, "x" * 65, "a\nb"])
def test_an_action_that_cannot_be_read_is_not_passed_over(said: Any) -> None:
    decoded = decode("b", {"action": said}, roles={"b": "sos_button"})
    assert decoded == Decoded(quarantined="wrong_type:action", culprit="b")


@pytest.mark.parametrize(
    ("payload", "meaning"),
    [(b"sos", "sos"), (b"emergency\n", "sos"), (b'"panic"', "sos"), (b"single", "button"),
     (b"", "heard"), (b'""', "heard"), (b"null", "heard")],
)  # fmt: skip
def test_a_press_as_plain_text(payload: bytes, meaning: str) -> None:
    decoded = decode("奶奶 床头/action", payload)
    assert means(decoded) == (meaning,)
    children = [event.child_id for event in decoded.events] + list(decoded.heard)
    assert children == ["奶奶 床头"]


@pytest.mark.parametrize(
    ("state", "meaning"),
    [({"sos": True}, ("sos",)), ({"sos": "ON"}, ("sos",)), ({"sos": False}, ("sos_cancel",)),
     ({"sos": None}, ("heard",)), ({"sos": "?"}, ("quarantined",)), ({"click": "sos"}, ("sos",))],
)  # fmt: skip
def test_sos_as_a_state(state: dict[str, Any], meaning: tuple[str, ...]) -> None:
    assert means(decode("b", state)) == meaning


def test_a_state_is_marked_so_that_its_edge_can_be_looked_for() -> None:
    assert decode("b", {"sos": True}).events[0].data == {"level": True}
    assert "level" not in decode("b", {"action": "sos"}).events[0].data


@pytest.mark.parametrize(
    ("word", "confidence"),
    [("fall", Confidence.CONFIRMED), ("maybe_fall", Confidence.UNCONFIRMED)],
)
def test_a_fall_radar(word: str, confidence: Confidence) -> None:
    (event,) = decode("bath", {"fall_down_status": word}).events
    assert (event.kind, event.confidence) == ("fall", confidence)
    assert means(decode("bath", {"fall_down_status": "none"})) == ("fall_cancel",)


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
    assert means(decode("plug", state)) == meaning


@pytest.mark.parametrize(
    ("capability", "cubic_metres"),
    [("water_consumed:L", 0.25), ("water_consumed:m³", 250.0), ("water_consumed", 250.0)],
)
def test_the_inventory_tells_litres_from_cubic_metres(capability: str, cubic_metres: float) -> None:
    known = {IEEE: ("state", capability)}
    decoded = decode("valve", {"water_consumed": 250}, aliases={"valve": IEEE}, capabilities=known)
    assert decoded.readings[0].value == cubic_metres
    assert decoded.readings[0].unit == "m3"
