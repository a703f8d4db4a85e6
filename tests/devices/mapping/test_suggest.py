"""A mapping begun from one message, or from an announcement, loads and means something."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from devices.family import DeviceFamily, Sample
from devices.mapping.discovery import from_discovery
from devices.mapping.draft import write
from devices.mapping.loading import load
from devices.mapping.suggest import suggest
from devices.meaning import means
from devices.registry import built_in
from tests.devices import mutations
from tests.devices.mapping.making import family_of, says


def begun(topic: str, payload: Any) -> tuple[str, DeviceFamily]:
    raw = payload if isinstance(payload, str) else json.dumps(payload)
    text = write(suggest(topic, raw.encode()))
    return text, family_of(text)


def announced(topic: str, payload: Any) -> tuple[str, DeviceFamily]:
    text = write(from_discovery(topic, json.dumps(payload).encode()))
    return text, family_of(text)


@pytest.mark.parametrize(
    ("topic", "payload", "meant"),
    [
        ("home/kitchen-1/state", {"smoke": True, "battery": 90}, ["smoke", "battery_pct=90"]),
        ("home/x/bed-7", {"motion": "OFF", "ts": 1775966400}, ["no_motion"]),
        ("a/9/up", {"data": [{"total_l": "1500"}], "seq": 4}, ["water_total=1.5"]),
        ("a/9/up", {"energy_kwh": 12, "power": 3}, ["energy_total=12", "power=3"]),
        ("a/9/up", {"battery": 3.1, "voltage": 3.2}, ["battery_pct=3.1", "battery_voltage=3.2"]),
        ("a/9/up", {"action": "double"}, ["button"]),
        ("a/9/up", {"door": "open"}, ["door_open"]),
        ("a/9/up", {"leak status": 1}, ["leak"]),
        ("a/9/up", {"who": "me", "what": "hm"}, ["heard"]),
        ("a/9/up", {"x": 1.5}, ["value=1.5"]),
        ("a/b1/binary_sensor/sos/state", "ON", ["sos"]),
        ("a/b1/status", "offline", ["offline"]),
        ("a/b1/gas", "1", ["gas"]),
        ("a/b1/temperature", "21.5", ["temperature=21.5"]),
        ("a/b1/什么", "咦", ["heard"]),
    ],
)
def test_a_message_is_understood_by_what_it_begins(
    topic: str, payload: Any, meant: list[str]
) -> None:
    _, family = begun(topic, payload)
    assert list(family.samples[0].means) == meant


def test_the_opposite_word_is_guessed_in_the_same_letters() -> None:
    text, family = begun("h/d1/state", {"smoke": "ON", "gas": "Alarm", "leak": 0})
    assert 'values = { ON = "smoke", OFF = "smoke_clear" }' in text
    assert 'values = { Alarm = "gas", Normal = "gas_clear" }' in text
    decoded = says(family, {"smoke": "off", "gas": "normal", "leak": 1}, topic="t/d1/state")
    assert means(decoded) == ("smoke_clear", "gas_clear", "leak")


@pytest.mark.parametrize(
    ("topic", "payload", "template", "prefix"),
    [
        ("site 4/room/bed-7/state", {"smoke": 1}, "{prefix}/{device}/state", "site 4/room"),
        ("s/room/alice/state", {"sn": "alice", "smoke": 1}, "{prefix}/{device}/state", "s/room"),
        ("v2/v3/abc9/up", {"smoke": 1}, "{prefix}/{device}/up", "v2/v3"),
        ("home/hall/up", {"smoke": 1}, "{prefix}/{device}/up", "home"),
    ],
)  # fmt: skip
def test_where_the_device_stands_in_the_topic(
    topic: str, payload: Any, template: str, prefix: str
) -> None:
    text, family = begun(topic, payload)
    assert f'topics = ["{template}"]' in text and family.default_prefix == prefix
    assert ("unsure" in text) is (topic == "home/hall/up")


def test_times_and_numbers_are_found() -> None:
    for value, form in ((1775966400, "epoch_s"), (1775966400000, "epoch_ms")):
        text, _ = begun("a/9/up", {"ts": value, "msgId": "x1", "seq": 1, "smoke": 1})
        assert f'time_form = "{form}"' in text and 'event_id = "$.msgId"' in text
    text, _ = begun("a/9/up", {"eventTime": "20260412120000", "smoke": 1})
    assert 'time_form = "%Y%m%d%H%M%S"' in text


@pytest.mark.parametrize(
    ("topic", "payload", "field"),
    [
        *(("x", '{"smoke":1}', "topic"), ("a//b", '{"smoke":1}', "topic"), ("a/b", "", "payload")),
        *(("anju/v1/x", '{"smoke":1}', "topic"), ("a/b", "{}", "payload")),
        *(("a/b", "[[]]", "payload"), ("a/b", '{"sn":"x"}', "payload")),
    ],
)
def test_what_cannot_be_begun_with_says_so(topic: str, payload: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        suggest(topic, payload.encode())
    assert refusal.value.field == field


SAMPLES = [(family, one) for family in built_in().values() for one in family.samples]


@pytest.mark.parametrize(("family", "sample"), SAMPLES, ids=lambda one: getattr(one, "model", ""))
def test_whatever_a_family_says_begins_a_mapping_that_loads(
    family: DeviceFamily, sample: Sample
) -> None:
    payload = sample.payload if isinstance(sample.payload, bytes) else sample.payload.encode()
    try:
        text = write(suggest(f"home/{sample.topic}", payload))
    except InvalidInput:
        return
    assert load(text, "x").problems == ()


@given(data=st.data())
def test_any_json_begins_a_mapping_that_loads_or_says_why_not(data: st.DataObject) -> None:
    payload = data.draw(mutations.documents | st.binary(max_size=40))
    try:
        text = write(suggest("home/d1/state", payload))
    except InvalidInput:
        return
    assert [str(one) for one in load(text, "x").problems] == []


# ── announcements ────────────────────────────────────────────────────────────────────────────────

DEVICE = {"identifiers": ["leak7"], "name": "厨房 7"}


def entity(**more: Any) -> dict[str, Any]:
    return {"device": DEVICE, "state_topic": "home/leak7/state", "name": "one", **more}


@pytest.mark.parametrize(
    ("component", "said", "sent", "meant"),
    [
        ("binary_sensor", {"dev_cla": "moisture"}, "ON", ("leak",)),
        ("binary_sensor", {"dev_cla": "moisture"}, "OFF", ("leak_clear",)),
        ("binary_sensor", {"dev_cla": "smoke", "pl_on": 1, "pl_off": 0}, "1", ("smoke",)),
        ("binary_sensor", {"dev_cla": "door", "pl_on": 1, "pl_off": 0}, "1", ("door_open",)),
        ("binary_sensor", {"dev_cla": "connectivity"}, "OFF", ("offline",)),
        ("binary_sensor", {"name": "SOS"}, "ON", ("sos",)),
        ("sensor", {"dev_cla": "water", "unit_of_meas": "L"}, "1500", ("water_total=1.5",)),
        ("sensor", {"dev_cla": "energy", "unit_of_meas": "Wh"}, "1500", ("energy_total=1.5",)),
        ("sensor", {"dev_cla": "current", "unit_of_meas": "mA"}, "20", ("current=0.02",)),
        ("sensor", {"name": "co2", "unit_of_meas": "ppm"}, "400", ("co2=400",)),
        ("sensor", {"dev_cla": "battery", "val_tpl": "{{ value_json.bat }}"},
         '{"bat": 9}', ("battery_pct=9",)),
        ("sensor", {"dev_cla": "power", "val_tpl": "{{value_json['a b'].c[0]}}"},
         '{"a b": {"c": [5]}}', ("power=5",)),
        ("sensor", {"dev_cla": "power", "val_tpl": "{{ value }}"}, "5", ("power=5",)),
        ("event", {}, '{"event_type": "press"}', ("button",)),
    ],
)  # fmt: skip
def test_an_announcement_becomes_a_mapping(
    component: str, said: dict[str, Any], sent: str, meant: tuple[str, ...]
) -> None:
    _, family = announced(f"homeassistant/{component}/leak7/config", entity(**said))
    assert family.default_prefix == "home"
    assert means(says(family, sent.encode(), topic="t/leak7/state")) == meant


@pytest.mark.parametrize(
    ("component", "said", "comment"),
    [
        ("sensor", {"dev_cla": "power", "val_tpl": "{{ value_json.a | int }}"}, "more than a path"),
        ("sensor", {"dev_cla": "temperature", "unit_of_meas": "°F"}, "°F is no unit"),
        ("sensor", {"dev_cla": "timestamp"}, "without a unit"),
        ("binary_sensor", {"dev_cla": "sound"}, "class sound"),
        ("switch", {}, "only listens"),
        ("sensor", {"dev_cla": "power", "stat_t": "other/leak7"}, "not below home/leak7"),
        ("binary_sensor", {"dev_cla": "gas", "avty_t": "home/bridge"}, "not below home/leak7"),
        ("sensor", {"dev_cla": "power", "stat_t": ""}, "no state_topic"),
    ],
)  # fmt: skip
def test_what_a_mapping_cannot_express_is_a_comment(
    component: str, said: dict[str, Any], comment: str
) -> None:
    whole = {
        "dev": {"ids": "leak7"},
        "cmps": {
            "a": {"p": "binary_sensor", "dev_cla": "moisture", "stat_t": "home/leak7/wet"},
            "b": {"p": component, "stat_t": "home/leak7/state", **said},
        },
    }
    text, family = announced("homeassistant/device/leak7/config", whole)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert any(comment in line for line in comments), text
    assert "leak" in family.capabilities


def test_availability_is_presence_and_topics_keep_their_form() -> None:
    whole = entity(
        **{"~": "home/leak7", "state_topic": "~/state", "value_template": "{{ value_json.wet }}"},
        device_class="moisture",
        payload_on=True,
        payload_off=False,
        availability=[{"t": "~/status", "pl_avail": "up", "pl_not_avail": "down"}],
    )
    whole["availability"][0]["t"] = "home/leak7/status"
    _, family = announced("homeassistant/binary_sensor/leak7/config", whole)
    assert means(says(family, {"wet": True}, topic="t/leak7/state")) == ("leak",)
    assert means(says(family, b"down", topic="t/leak7/status")) == ("offline",)


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"x", b"[]", b"{}", b'{"state_topic":"x"}', b'{"state_topic":"a/b","name":"n"}'),
        *(b'{"device":7,"state_topic":7}', b'{"cmps":{"a":7},"state_topic":"a/b"}'),
    ],
)
def test_an_announcement_of_nothing_usable_says_so(payload: bytes) -> None:
    with pytest.raises(InvalidInput):
        from_discovery("homeassistant/sensor/x/config", payload)


announcements = st.dictionaries(
    st.sampled_from(
        [
            *("device", "state_topic", "value_template", "availability", "components", "dev", "~"),
            *("device_class", "payload_on", "unit_of_measurement", "name", "unique_id", "topic"),
        ]
    ),
    st.sampled_from(["home/d1/state", "smoke", "{{ value_json.x }}", "°C", "power", "~/a", "ON"])
    | mutations.values,
    max_size=8,
)


@given(
    said=announcements, component=st.sampled_from(["sensor", "binary_sensor", "event", "device"])
)
def test_any_announcement_loads_or_says_why_not(said: dict[str, Any], component: str) -> None:
    raw = json.dumps({"state_topic": "home/d1/state", **said}).encode()
    try:
        text = write(from_discovery(f"homeassistant/{component}/d1/config", raw))
    except InvalidInput:
        return
    assert [str(one) for one in load(text, "x").problems] == []
