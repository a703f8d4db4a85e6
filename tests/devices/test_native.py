"""The native protocol v1, line by line of the contract, and what firmware makes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.event import EVENT_KINDS, REGISTER_UNITS, Decoded, Message, Presence, Reading
from devices.families.native import FAMILY
from devices.family import SourceView
from tests.devices.meaning import RECEIVED_AT, means

VIEW = SourceView()


def _decode(topic: str, payload: Any, *, retained: bool = False) -> Decoded:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = Message(
        topic=f"anju/v1/{topic}", payload=raw, received_at=RECEIVED_AT, retained=retained
    )
    return FAMILY.decode(message, VIEW)


# --- topics -------------------------------------------------------------------------------------


@pytest.mark.parametrize("device_id", ["a", "A-1._z", "0" * 64, "..."])
def test_a_device_id_of_the_allowed_characters(device_id: str) -> None:
    (event,) = _decode(f"{device_id}/event", {"kind": "test"}).events
    assert event.child_id == device_id


@pytest.mark.parametrize("device_id", ["", "a b", "奶奶", "a" * 65, "a+", "a\n", "a\0"])
def test_a_device_id_that_is_not_allowed_names_nobody(device_id: str) -> None:
    decoded = _decode(f"{device_id}/event", {"kind": "sos"})
    assert decoded == Decoded(quarantined="bad_device_id")


@pytest.mark.parametrize("topic", ["b/events", "b/event/", "b/event/x", "b/", "b/EVENT"])
def test_a_topic_nobody_defined_still_names_the_device(topic: str) -> None:
    assert _decode(topic, {"kind": "sos"}) == Decoded(quarantined="unknown_topic", culprit="b")


@pytest.mark.parametrize("topic", ["anju", "anju/v1", "anju/v1/", "anju/v1/b", "anju/v2/b/event",
                                   "other/v1/b/event", ""])  # fmt: skip
def test_a_topic_outside_the_protocol(topic: str) -> None:
    decoded = FAMILY.decode(Message(topic=topic, payload=b"{}", received_at=RECEIVED_AT), VIEW)
    assert decoded == Decoded(quarantined="unknown_topic")


@pytest.mark.parametrize("channel", ["ack", "command"])
def test_our_own_answers_heard_again_mean_nothing(channel: str) -> None:
    assert _decode(f"b/{channel}", {"id": "1", "accepted": True}) == Decoded()


# --- events -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(EVENT_KINDS))
def test_every_kind_of_the_contract(kind: str) -> None:
    decoded = _decode("b/event", {"id": "r-1", "at": "2026-04-12T05:00:00Z", "kind": kind})
    assert means(decoded) == (kind,)


def test_an_event_keeps_all_that_was_said() -> None:
    said = {
        "id": "boot3-17",
        "at": "2026-04-12T13:00:00.500+08:00",
        "kind": "location",
        "data": {"lat": 23.1, "cells": [1, {"mcc": 460}]},
        "firmware": "2.0",
    }
    (event,) = _decode("w/event", said, retained=True).events
    assert event.event_id == "boot3-17"
    assert event.at == datetime(2026, 4, 12, 5, 0, 0, 500_000, UTC)
    assert event.data == {"lat": 23.1, "cells": [1, {"mcc": 460}], "firmware": "2.0"}
    assert event.retained


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("SOS", "sos"),
        (" Smoke ", "smoke"),
        ("fridge_open", "fridge_open"),
        ("Fridge open!", "Fridge open!"),
        ("跌倒", "跌倒"),
        ("x" * 64, "x" * 64),
    ],
)
def test_unknown_kinds_are_kept_and_known_ones_recognised(said: str, kind: str) -> None:
    assert means(_decode("b/event", {"kind": said})) == (kind,)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, "missing:kind"),
        ({"kind": None}, "missing:kind"),
        ({"kind": ""}, "wrong_type:kind"),
        ({"kind": 7}, "wrong_type:kind"),
        ({"kind": ["sos"]}, "wrong_type:kind"),
        ({"kind": "x" * 65}, "wrong_type:kind"),
        ({"kind": "so\ns"}, "wrong_type:kind"),
        ({"kind": "so\0s"}, "nul_character"),
        ([], "wrong_type:payload"),
        ("sos", "wrong_type:payload"),
        (b"sos", "not_json"),
        (b"", "empty_payload"),
        (b'{"kind":"sos"}\x00', "nul_character"),
    ],
)
def test_an_event_that_cannot_be_read_names_its_device(said: Any, reason: str) -> None:
    assert _decode("b/event", said) == Decoded(quarantined=reason, culprit="b")


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"at": "yesterday"}, "bad_time"),
        ({"data": {"text": "a\0b", "presses": 2}}, "nul_character"),
        ({"data": {"x": 2**70, "presses": 2}}, "number_out_of_range"),
        ({"note": "\ud800"}, "not_utf8"),
        ({"battery_pct": "full"}, "wrong_type:battery_pct"),
    ],
)
def test_a_press_is_not_lost_to_a_spoiled_part_beside_it(
    spoiled: dict[str, Any], reason: str
) -> None:
    decoded = _decode("b/event", {"id": "9", "kind": "sos", **spoiled})
    assert means(decoded) == ("sos", "quarantined")
    assert (decoded.quarantined, decoded.culprit) == (reason, "b")
    assert decoded.events[0].event_id == "9"
    assert decoded.events[0].data.get("presses") in (2, None)


@pytest.mark.parametrize(
    ("said", "event_id"),
    [("a", "a"), (4711, "4711"), ("x" * 128, "x" * 128), ("x" * 129, None), ("", None),
     (None, None), (1.5, None), (True, None), (["a"], None)],
)  # fmt: skip
def test_event_ids(said: Any, event_id: str | None) -> None:
    (event,) = _decode("b/event", {"id": said, "kind": "sos"}).events
    assert event.event_id == event_id


def test_data_that_is_no_object_is_kept_as_it_is() -> None:
    (event,) = _decode("b/event", {"kind": "vitals", "data": [71, 98]}).events
    assert event.data == {"data": [71, 98]}


# --- telemetry ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("register", "unit"), sorted(REGISTER_UNITS.items()))
def test_every_register_of_the_contract(register: str, unit: str) -> None:
    item = {"register": register, "value": 1.5, "unit": unit, "at": "2026-04-12T13:00:00"}
    at = datetime(2026, 4, 12, 5, tzinfo=UTC)
    (reading,) = _decode("m/telemetry", {"id": "1", "readings": [item]}).readings
    assert reading == Reading(child_id="m", register=register, value=1.5, unit=unit, at=at)


def test_telemetry_carries_its_id_battery_and_radio_level() -> None:
    decoded = _decode("m/telemetry", {"id": "t-1", "battery_pct": 87, "rssi_dbm": -71})
    assert decoded.message_id == "t-1"
    assert means(decoded) == ("battery_pct=87", "rssi_dbm=-71")


@pytest.mark.parametrize(
    ("item", "meaning"),
    [
        ({"register": "water_total", "value": 12, "unit": "m³"}, ("water_total=12",)),
        ({"register": "water_total", "value": "0012.5", "unit": "m3"}, ("water_total=12.5",)),
        ({"register": "water_total", "value": 12}, ("water_total=12",)),
        ({"register": "water_total", "value": 12, "unit": None}, ("water_total=12",)),
        ({"register": "power", "value": 1.5, "unit": "kW"}, ("power=1500",)),
        ({"register ": "power", "value ": 1.5, "unit ": "kW"}, ("power=1500",)),
        ({"register": "noise", "value": 40, "unit": "dB"}, ("noise=40",)),
        ({"register": "water_total", "value": None, "unit": "m3"}, ("heard",)),
    ],
)
def test_readings_as_firmware_sends_them(item: dict[str, Any], meaning: tuple[str, ...]) -> None:
    assert means(_decode("m/telemetry", {"readings": [item]})) == meaning


def test_an_unknown_register_keeps_its_unit() -> None:
    item = {"register": "noise", "value": 40, "unit": "dB"}
    assert _decode("m/telemetry", {"readings": [item]}).readings[0].unit == "dB"


def test_the_message_s_own_time_serves_readings_that_have_none() -> None:
    said = {"at": "2026-04-12T05:00:00Z", "readings": [{"register": "power", "value": 1}]}
    assert _decode("m/telemetry", said).readings[0].at == datetime(2026, 4, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"register": "power", "value": 1, "unit": "horse"}, "unknown_unit"),
        ({"register": "power", "value": 1, "unit": 7}, "wrong_type:unit"),
        ({"register": "power", "value": "lots"}, "wrong_type:value"),
        ({"register": "power", "value": True}, "wrong_type:value"),
        ({"register": "power"}, "missing:value"),
        ({"register": "power", "value": 2e15}, "number_out_of_range"),
        ({"register": "power", "value": 9e14, "unit": "kW"}, "number_out_of_range"),
        ({"register": "power", "value": 1, "at": "noon"}, "bad_time"),
        ({"value": 1}, "missing:register"),
        ({"register": "x" * 65, "value": 1}, "wrong_type:register"),
        ("power=1", "wrong_type:reading"),
    ],
)
def test_a_bad_reading_does_not_cost_its_siblings(bad: Any, reason: str) -> None:
    good = {"register": "voltage", "value": 230, "unit": "V"}
    decoded = _decode("m/telemetry", {"id": "1", "readings": [good, bad, good]})
    assert means(decoded) == ("voltage=230", "voltage=230", "quarantined")
    assert (decoded.quarantined, decoded.culprit, decoded.message_id) == (reason, "m", "1")


def test_a_number_beyond_a_double_does_not_cost_its_siblings() -> None:
    payload = (
        b'{"readings":[{"register":"power","value":1e999},{"register":"power","value":5}],'
        b'"battery_pct":60}'
    )
    decoded = _decode("m/telemetry", payload)
    assert means(decoded) == ("power=5", "battery_pct=60", "quarantined")
    assert decoded.quarantined == "number_out_of_range"


@pytest.mark.parametrize("said", [{}, {"readings": []}, {"readings": None}, {"battery_pct": None}])
def test_telemetry_without_a_reading_is_a_sign_of_life(said: dict[str, Any]) -> None:
    assert _decode("m/telemetry", said) == Decoded(heard=("m",))


def test_readings_that_are_no_list() -> None:
    decoded = _decode("m/telemetry", {"readings": {"power": 1}, "battery_pct": 50})
    assert means(decoded) == ("battery_pct=50", "quarantined")
    assert decoded.quarantined == "wrong_type:readings"


zones = st.sampled_from([None, UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-11))])
times = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).flatmap(
    lambda at: zones.map(lambda zone: at.replace(tzinfo=zone).isoformat())
)
numbers = st.floats(-1e16, 1e16) | st.integers(-(2**70), 2**70) | st.integers(0, 500)
named = st.sampled_from(sorted(REGISTER_UNITS.items())) | st.tuples(
    st.sampled_from(sorted(REGISTER_UNITS)) | st.text(max_size=5),
    st.sampled_from(["L", "Wh", "?", "", " W "]),
)
items = st.builds(
    lambda pair, value, rest: {"register": pair[0], "value": value, "unit": pair[1]} | rest,
    named,
    numbers | st.sampled_from(["7", None, True]),
    st.fixed_dictionaries({}, optional={"at": st.none() | times | st.just("noon")}),
)
telemetry = st.fixed_dictionaries(
    {"readings": st.lists(items, max_size=3)},
    optional={
        "id": st.none() | st.text(max_size=130),
        "battery_pct": st.none() | numbers,
        "rssi_dbm": st.integers(-120, 0) | st.just("-70"),
    },
)


@given(said=telemetry)
def test_the_fast_way_and_the_tolerant_way_agree(said: dict[str, Any]) -> None:
    escaped = json.dumps(said).encode()
    plain = json.dumps(said, ensure_ascii=False).encode()
    unusual = json.dumps(said | {"vendor": "x"}, ensure_ascii=False).encode()
    assert _decode("m/telemetry", escaped) == _decode("m/telemetry", plain)
    assert _decode("m/telemetry", plain) == _decode("m/telemetry", unusual)


@pytest.mark.parametrize(
    ("spoiled", "meaning", "reason"),
    [
        ({"at": "9999-12-31T23:59:59-14:00"}, ("quarantined",), "bad_time"),
        ({"at": "0001-01-01T00:00:00+14:00"}, ("quarantined",), "bad_time"),
        ({"at ": "noon"}, ("quarantined",), "bad_time"),
        ({"unit ": "L", "unit": None}, ("power=5",), None),
        ({"vendor": "x"}, ("power=5",), None),
        ({"vendor": "a\0b"}, ("power=5", "quarantined"), "nul_character"),
    ],
)
def test_what_only_the_tolerant_way_can_tell(
    spoiled: dict[str, Any], meaning: tuple[str, ...], reason: str | None
) -> None:
    item = {"register": "power", "value": 5, "unit": "W"} | spoiled
    decoded = _decode("m/telemetry", {"readings": [item]})
    assert (means(decoded), decoded.quarantined) == (meaning, reason)


@pytest.mark.parametrize(
    ("said", "kept", "reason"),
    [
        ("x" * 128, "x" * 128, None),
        ("x" * 129, None, None),
        ("", None, None),
        (17, "17", None),
        ("a\0b", None, "nul_character"),
        ("\ud800", None, "not_utf8"),
        ("盒子\\1", "盒子\\1", None),
    ],
)
def test_message_ids(said: Any, kept: str | None, reason: str | None) -> None:
    decoded = _decode("m/telemetry", {"id": said, "battery_pct": 9})
    assert (decoded.message_id, decoded.quarantined) == (kept, reason)
    assert decoded.readings[0].value == 9


# --- status -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b'{"state":"online"}', True),
        (b'{"state":"Offline","at":null}', False),
        (b"online", True),
        (b" OFFLINE\n", False),
        (b'"offline"', False),
    ],
)
def test_status(payload: bytes, online: bool) -> None:
    decoded = _decode("b/status", payload, retained=True)
    assert decoded.presences == (Presence(child_id="b", online=online, retained=True),)
    assert decoded.quarantined is None


def test_a_status_with_its_time() -> None:
    (presence,) = _decode("b/status", {"state": "online", "at": "2026-04-12T05:00:00Z"}).presences
    assert presence.at == datetime(2026, 4, 12, 5, tzinfo=UTC)


def test_an_unreadable_time_does_not_cost_the_status() -> None:
    decoded = _decode("b/status", {"state": "offline", "at": "boot"})
    assert means(decoded) == ("offline", "quarantined")


def test_an_erased_status_means_nothing() -> None:
    assert _decode("b/status", b"", retained=True) == Decoded()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"away", "wrong_type:state"),
        (b'{"state":"away"}', "wrong_type:state"),
        (b'{"state":1}', "wrong_type:state"),
        (b"{}", "missing:state"),
        (b'{"state":', "not_json"),
        (b"\xff", "not_utf8"),
        (b"on\x00line", "nul_character"),
    ],
)
def test_a_status_that_cannot_be_read(payload: bytes, reason: str) -> None:
    assert _decode("b/status", payload) == Decoded(quarantined=reason, culprit="b")
