"""What every family promises, shown for every registered one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.asking import Asked
from devices.event import (
    DEVICE_ROLES,
    EVENT_KINDS,
    REGISTER_UNITS,
    Decoded,
    DeviceEvent,
    Message,
    Presence,
    Reading,
)
from devices.family import DeviceFamily, Sample, SourceView
from devices.parts import MAX_NUMBER, REASONS
from devices.registry import FAMILIES, check_prefix, prefixes_overlap
from tests.devices import mutations
from tests.devices.meaning import RECEIVED_AT, means, sample_message, sample_view

PAIRS = [(family, sample) for family in FAMILIES.values() for sample in family.samples]
SAMPLE_NAMES = [f"{family.name}: {sample.model}" for family, sample in PAIRS]
OVER_MQTT = [pair for pair in PAIRS if not pair[0].is_push]
OVER_MQTT_NAMES = [f"{family.name}: {sample.model}" for family, sample in OVER_MQTT]

FIELDS_IN_REASONS = frozenset(
    """
    payload readings reading register value unit battery_pct rssi_dbm kind state
    action click sos smoke smoke_state gas carbon_monoxide water_leak tamper battery_low occupancy
    presence contact smoke_density energy power voltage current water_consumed flow temperature
    battery linkquality type data device ieee_address friendly_name group id battery_state
    identifiers object decoded_payload uplink_message method params events component event ts
    values model status location
    deviceId dev_id deviceName productId device_id messageType eventType eventContent serviceData
    msg ds_id notifyType notify_data header body services service resource Alarm_Status devState
    MessageType
    """.split()  # noqa: SIM905
) | (EVENT_KINDS | set(REGISTER_UNITS))
"""Every field that may stand in a reason: they are a metric's label and must stay countable."""


@pytest.mark.parametrize(("family", "sample"), PAIRS, ids=SAMPLE_NAMES)
def test_a_sample_means_what_it_says(family: DeviceFamily, sample: Sample) -> None:
    decoded = family.decode(sample_message(family, sample), sample_view(family, sample))
    assert means(decoded) == sample.means
    assert sample.role is None or sample.role in DEVICE_ROLES


@pytest.mark.parametrize(("family", "sample"), OVER_MQTT, ids=OVER_MQTT_NAMES)
def test_the_broker_s_memory_is_told_apart(family: DeviceFamily, sample: Sample) -> None:
    view = sample_view(family, sample)
    for retained in (False, True):
        message = msgspec.structs.replace(sample_message(family, sample), retained=retained)
        decoded = family.decode(message, view)
        assert {event.retained for event in decoded.events} <= {retained}
        assert {presence.retained for presence in decoded.presences} <= {retained}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_capabilities_cover_what_the_samples_produce(family: DeviceFamily) -> None:
    produced = set()
    listed = False
    for sample in family.samples:
        decoded = family.decode(sample_message(family, sample), sample_view(family, sample))
        produced |= {event.kind for event in decoded.events}
        produced |= {reading.register for reading in decoded.readings}
        listed |= bool(decoded.inventory)
    assert produced or listed
    assert produced <= set(family.capabilities)
    assert len(set(family.capabilities)) == len(family.capabilities)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_sample_arrives_through_the_family_s_subscriptions(family: DeviceFamily) -> None:
    if family.is_push:
        assert family.default_prefix == f"push/{family.name}"
        assert (family.subscriptions(""), family.roots("")) == ((), ())
        return
    for prefix in (family.default_prefix, "home/rack 2"):
        filters = family.subscriptions(prefix)
        for sample in family.samples:
            topic = f"{prefix}/{sample.topic}"
            assert any(_matches(each, topic) for each in filters), topic


def _matches(topic_filter: str, topic: str) -> bool:
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted, levels = wanted[:-1], levels[: len(wanted) - 1]
    return len(wanted) == len(levels) and all(
        w in ("+", level) for w, level in zip(wanted, levels, strict=True)
    )


def test_no_two_families_claim_the_same_topics() -> None:
    prefixes = [family.default_prefix for family in FAMILIES.values()]
    for index, prefix in enumerate(prefixes):
        assert not any(prefixes_overlap(prefix, other) for other in prefixes[index + 1 :])


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_bridge_s_default_prefix_may_be_given_to_a_source(family: DeviceFamily) -> None:
    if family.is_bridge:
        check_prefix(family.default_prefix)
    else:
        assert family.default_prefix.startswith("anju/")


@pytest.mark.parametrize(("family", "sample"), PAIRS, ids=SAMPLE_NAMES)
def test_a_family_asks_by_name_and_no_answer_makes_it_ask_for_others(
    family: DeviceFamily, sample: Sample
) -> None:
    """Else a bridge with thousands of children would be read wrongly: only those are looked up."""
    message, plain = sample_message(family, sample), sample_view(family, sample)
    levels = sample.topic.split("/")
    runs = range(len(levels) + 1)
    names = {"/".join(levels[start:end]) for start in runs for end in runs[start + 1 :]}
    names |= set(plain.roles) | family.decode(message, plain).speakers()
    addresses = {name: f"address of {name}" for name in names}
    role = sample.role or "sos_button"
    can = ("water_consumed:L", "flow:L/min")
    for view in (
        plain,
        replace(plain, roles=dict.fromkeys(names, role), capabilities=dict.fromkeys(names, can)),
        replace(plain, aliases=addresses, roles=dict.fromkeys(addresses.values(), role)),
        replace(plain, aliases=addresses, capabilities=dict.fromkeys(addresses.values(), can)),
    ):
        assert family.decode(message, _of_asked(family, message, view)) == family.decode(
            message, view
        )


def _asked(family: DeviceFamily, message: Message) -> set[str]:
    asked = Asked()
    nobody = asked.view(family.default_prefix, SourceView().zone)
    asked.spoke(family.decode(message, nobody))
    return asked.names


def _of_asked(family: DeviceFamily, message: Message, view: SourceView) -> SourceView:
    """`view` with nobody in it but whom these names stand for."""
    names = _asked(family, message)
    aliases = {name: child for name, child in view.aliases.items() if name in names}
    names |= set(aliases.values())
    return replace(
        view,
        aliases=aliases,
        roles={child: role for child, role in view.roles.items() if child in names},
        capabilities={child: can for child, can in view.capabilities.items() if child in names},
    )


# --- whatever arrives --------------------------------------------------------------------------

MESSAGES = 10_000
"""How many spoiled messages all families together must stand (issue 3)."""
EACH = -(-MESSAGES // len(FAMILIES))
"""A family's share; the shares of a family's three tests are rounded up too."""
Spoil = Callable[[st.DataObject, DeviceFamily], tuple[str, bytes]]
roles = st.sampled_from(sorted(DEVICE_ROLES))


def _other_values(data: st.DataObject, family: DeviceFamily) -> tuple[str, bytes]:
    return data.draw(mutations.rewritten(family.samples))


def _damaged(data: st.DataObject, family: DeviceFamily) -> tuple[str, bytes]:
    return data.draw(mutations.damaged(family.samples))


def _random(data: st.DataObject, family: DeviceFamily) -> tuple[str, bytes]:
    topic = data.draw(mutations.topics(family.samples))
    return topic, data.draw(mutations.documents)


SPOILED: dict[str, tuple[Spoil, int]] = {
    "a sample with other values": (_other_values, -(-EACH // 2)),
    "a damaged sample": (_damaged, -(-EACH // 4)),
    "random JSON": (_random, -(-EACH // 4)),
}


def test_all_families_together_stand_the_messages_that_were_promised() -> None:
    """Each test below counts what it really tried; this is what the counts add up to."""
    assert len(FAMILIES) * sum(share for _, share in SPOILED.values()) >= MESSAGES


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
class TestWhateverArrives:
    @pytest.mark.parametrize("spoiled", SPOILED)
    def test_a_spoiled_message(self, family: DeviceFamily, spoiled: str) -> None:
        spoil, share = SPOILED[spoiled]
        tried = 0

        # The same messages in every run and on every machine.
        @settings(max_examples=share, derandomize=True, database=None)
        @given(data=st.data(), role=roles)
        def stands(data: st.DataObject, role: str) -> None:
            nonlocal tried
            _check(family, *spoil(data, family), role)
            tried += 1

        stands()
        assert tried >= share, f"{family.name}: only {tried} of {share} messages were tried"

    @settings(max_examples=80, derandomize=True, database=None)
    @given(data=st.data())
    def test_random_bytes(self, family: DeviceFamily, data: st.DataObject) -> None:
        topic = data.draw(mutations.topics(family.samples))
        _check(family, topic, data.draw(st.binary(max_size=80)), "sos_button")

    @pytest.mark.parametrize(
        "payload",
        [
            b"[" * 60_000,
            b'{"a":' * 12_000,
            b'{"kind":"sos","data":' + b"9" * 5_000 + b"}",
            b'"' + b"x" * 70_000 + b'"',
            b'{"smoke":true,"kind":"smoke"}' + b" " * 70_000,
            b"\xff\xfe{\x00}\x00",
        ],
        ids=["brackets", "objects", "digits", "long text", "long tail", "utf-16"],
    )
    def test_an_attack(self, family: DeviceFamily, payload: bytes) -> None:
        for topic in {sample.topic for sample in family.samples} | set(mutations.OTHER_TOPICS):
            _check(family, topic, payload, "sos_button")


@cache
def _children(name: str) -> frozenset[str]:
    """Whoever speaks in the samples, under the names by which a registered device is known."""
    family = FAMILIES[name]
    found: set[str] = set()
    for sample in family.samples:
        decoded = family.decode(sample_message(family, sample), sample_view(family, sample))
        found |= decoded.speakers()
    return frozenset(found)


def _roles(family: DeviceFamily, role: str) -> dict[str, str]:
    return dict.fromkeys(_children(family.name), role)


def _check(family: DeviceFamily, topic: str, payload: bytes, role: str) -> None:
    message = Message(
        topic=f"{family.default_prefix}/{topic}", payload=payload, received_at=RECEIVED_AT
    )
    view = SourceView(prefix=family.default_prefix, roles=_roles(family, role) | {topic: role})
    decoded = family.decode(message, view)
    assert decoded == family.decode(message, view)
    assert decoded == family.decode(message, _of_asked(family, message, view))
    _assert_not_silent(family, topic, payload, decoded)
    _assert_reason_is_countable(decoded)
    _assert_storable(decoded)


def _assert_not_silent(family: DeviceFamily, topic: str, payload: bytes, decoded: Decoded) -> None:
    if not means(decoded) and payload:  # an empty payload erases what the broker remembers
        assert family.may_be_silent(topic)


def _assert_reason_is_countable(decoded: Decoded) -> None:
    if decoded.quarantined is None:
        assert decoded.culprit is None
        return
    word, _, field = decoded.quarantined.partition(":")
    assert word in REASONS
    assert not field or field in FIELDS_IN_REASONS
    assert bool(field) == (word in ("wrong_type", "missing"))


def _assert_storable(decoded: Decoded) -> None:
    """Anything that goes to a database: real text, finite numbers, times in UTC."""
    parts: list[DeviceEvent | Reading | Presence] = [*decoded.events, *decoded.readings]
    for part in parts + list(decoded.presences):
        assert part.child_id is None or 1 <= len(part.child_id) <= 256
        assert part.at is None or part.at.utcoffset() == timedelta(0)
    for reading in decoded.readings:
        assert math.isfinite(reading.value)
        assert abs(reading.value) <= MAX_NUMBER
    for event in decoded.events:
        assert 1 <= len(event.kind) <= 64
        _assert_clean(event.data, depth=0)
    text = msgspec.json.encode(decoded).decode()
    assert "\\u0000" not in text.replace("\\\\", "")


def _assert_clean(value: Any, depth: int) -> None:
    assert depth <= 17
    if isinstance(value, dict):
        for key, item in value.items():
            _assert_clean(key, depth)
            _assert_clean(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _assert_clean(item, depth + 1)
    elif isinstance(value, str):
        assert "\0" not in value
        value.encode()
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, float):
        assert abs(value) <= MAX_NUMBER
