"""Whom a Zigbee2MQTT topic names, what its attributes are, and when it was said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from devices.event import Decoded, Message
from devices.families.zigbee2mqtt import FAMILY
from devices.family import SourceView
from tests.devices.meaning import RECEIVED_AT, means
from tests.devices.zigbee import IEEE, decode


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
    assert decode(name, {"smoke": True}).events[0].child_id == name
    assert decode(f"{name}/availability", b"online").presences[0].child_id == name
    assert decode(f"{name}/energy", b"2.5").readings[0].child_id == name


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
    assert decode("hall", payload, aliases={"hall": IEEE}).events[0].child_id == child


def test_a_known_device_wins_over_an_attribute_of_the_same_name() -> None:
    as_attribute = decode("hall/smoke", b"true")
    assert (means(as_attribute), as_attribute.events[0].child_id) == (("smoke",), "hall")
    as_device = decode("hall/smoke", b"true", aliases={"hall/smoke": IEEE})
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
    assert means(decode(topic, payload)) == meaning


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
    decoded = decode("床头", payload, aliases={"床头": IEEE})
    assert decoded == Decoded(quarantined=reason, culprit=IEEE)


@pytest.mark.parametrize("topic", ["tv/set", "tv/get", "tv/set/state", "a b/c/get", "tv/left/set"])
def test_other_programs_commands_mean_nothing(topic: str) -> None:
    assert decode(topic, b'{"smoke":true,"action":"sos"}') == Decoded()
    assert FAMILY.may_be_silent(topic)


def test_a_device_may_be_called_set() -> None:
    assert means(decode("set", {"smoke": True})) == ("smoke",)


@pytest.mark.parametrize("topic", ["tv", "tv/availability", "a/b c"])
def test_a_retained_message_that_was_erased_means_nothing(topic: str) -> None:
    assert decode(topic, b"", retained=True) == Decoded()


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
    assert means(decode("hall", {"smoke": True}, prefix="home/east z2m")) == ("smoke",)
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
    decoded = decode("hall", {"smoke": True, "battery": 80, "last_seen": last_seen})
    assert decoded.quarantined is None
    assert [decoded.events[0].at, decoded.readings[0].at] == [at, at]
