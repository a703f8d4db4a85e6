"""`anju devices try`: the answer has the contract's shape whatever is tried."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from devices.family import DeviceFamily, Sample, SourceView
from devices.preview import preview, topic_of_push
from devices.registry import FAMILIES
from tests.devices.meaning import RECEIVED_AT, means, sample_message, sample_view

SAMPLE_NAMES = [
    f"{family.name}: {sample.model}" for family in FAMILIES.values() for sample in family.samples
]
NOW = "2026-04-12T06:00:00+00:00"


def _try(topic: str, payload: str, role: str | None = None) -> dict[str, Any]:
    return preview(topic, payload.encode(), role, RECEIVED_AT)


def test_an_event() -> None:
    tried = _try(
        "anju/v1/btn-0001/event", '{"id":"1","at":"2026-04-12T13:59:00+08:00","kind":"sos"}'
    )
    assert tried == {
        "events": [
            {
                "device": "btn-0001",
                "kind": "sos",
                "value": None,
                "unit": None,
                "at": "2026-04-12T05:59:00+00:00",
                "confidence": "confirmed",
            }
        ],
        "quarantined": None,
    }


def test_a_reading() -> None:
    payload = '{"readings":[{"register":"water_total","value":12345,"unit":"L"}]}'
    assert _try("anju/v1/w-1/telemetry", payload)["events"] == [
        {
            "device": "w-1",
            "register": "water_total",
            "value": 12.345,
            "unit": "m3",
            "at": NOW,
            "confidence": "confirmed",
        }
    ]


@pytest.mark.parametrize(
    ("topic", "payload", "device", "kind"),
    [
        ("anju/v1/w-1/status", '{"state":"offline"}', "w-1", "offline"),
        ("zigbee2mqtt/bridge/state", "online", "zigbee2mqtt", "online"),
        ("zigbee2mqtt/a b/availability", '{"state":"offline"}', "a b", "offline"),
    ],
)
def test_a_presence_is_an_event_of_its_word(
    topic: str, payload: str, device: str, kind: str
) -> None:
    (row,) = _try(topic, payload)["events"]
    assert (row["device"], row["kind"], row["at"]) == (device, kind, NOW)


@pytest.mark.parametrize(
    ("role", "kind"),
    [(None, "button"), ("plug", "button"), ("sos_button", "sos"), ("watch", "sos")],
)
def test_the_role_decides_what_a_press_means(role: str | None, kind: str) -> None:
    for topic, payload in (("床头", '{"action":"single"}'), ("床头/action", "single")):
        (row,) = _try(f"zigbee2mqtt/{topic}", payload, role)["events"]
        assert (row["device"], row["kind"]) == ("床头", kind)


@pytest.mark.parametrize(
    ("family", "sample"), [(f, s) for f in FAMILIES.values() for s in f.samples], ids=SAMPLE_NAMES
)
def test_every_sample_is_understood_by_its_topic_alone(
    family: DeviceFamily, sample: Sample
) -> None:
    message = sample_message(family, sample)
    tried = preview(message.topic, message.payload, sample.role, RECEIVED_AT)
    decoded = family.decode(message, sample_view(family, sample))
    strangers = dict.fromkeys(decoded.heard, "")  # what is tried counts as registered
    if means(decoded) == ("heard",) and sample.role is None:
        decoded = family.decode(message, SourceView(prefix=family.default_prefix, roles=strangers))
    unsaid = ("heard", "inventory", "quarantined")
    expected = [word for word in means(decoded) if word not in unsaid]
    said = [row.get("kind") or f"{row['register']}={row['value']:g}" for row in tried["events"]]
    assert said == expected
    assert tried["quarantined"] == decoded.quarantined


@pytest.mark.parametrize(
    ("topic", "payload", "role", "device", "word"),
    [
        (
            "shellyplussmoke-80646fc1b2a3/events/rpc",
            '{"method":"NotifyStatus","params":{"smoke:0":{"alarm":true}}}',
            None,
            "shellyplussmoke-80646fc1b2a3",
            "smoke",
        ),
        (
            "village 7/shellyplusi4-30c6f7850a64/events/rpc",
            '{"method":"NotifyEvent","params":{"events":'
            '[{"component":"input:0","event":"single_push"}]}}',
            "sos_button",
            "shellyplusi4-30c6f7850a64",
            "sos",
        ),
        ("stat/plug/RESULT", '{"EnergyTotal":{"Total":0}}', None, "plug", "energy_total"),
        (
            "home/stat/bed/RESULT",
            '{"Button1":{"Action":"HOLD"}}',
            "sos_button",
            "bed",
            "sos",
        ),
        ("home/tele/plug/LWT", "Offline", None, "plug", "offline"),
        (
            "rtl_433/attic/events",
            '{"model":"Smoke-GS558","id":3519,"learn":0}',
            None,
            "Smoke-GS558/3519",
            "smoke",
        ),
    ],
)
def test_devices_that_have_no_common_prefix(
    topic: str, payload: str, role: str | None, device: str, word: str
) -> None:
    (row,) = _try(topic, payload, role)["events"]
    assert (row["device"], row.get("kind") or row["register"]) == (device, word)


def test_a_push_is_tried_by_its_adapter() -> None:
    payload = '{"messageType":"deviceOnlineOfflineReport","deviceId":"d1","eventType":0}'
    (row,) = _try(topic_of_push("ctwing"), payload)["events"]
    assert (row["device"], row["kind"]) == ("d1", "offline")
    with pytest.raises(InvalidInput, match="none of ctwing, huawei, onenet"):
        topic_of_push("zigbee2mqtt")


def test_an_unlikely_time_is_shown_as_it_would_be_stored() -> None:
    tried = _try("anju/v1/b/event", '{"kind":"sos","at":"1970-01-01T00:02:00Z"}')
    assert tried["events"][0]["at"] == NOW


def test_a_doubtful_fall_is_marked_as_such() -> None:
    (row,) = _try("zigbee2mqtt/radar", '{"fall_down_status":"maybe_fall"}')["events"]
    assert (row["kind"], row["confidence"]) == ("fall", "unconfirmed")


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("anju/v1/b/event", '{"kind":"s', "not_json"),
        ("anju/v1/b/event", '{"id":"1"}', "missing:kind"),
        ("anju/v1/b/elsewhere", "{}", "unknown_topic"),
        ("anju/v2/b/event", "{}", "unknown_topic"),
        ("tele/plug", "{}", "unknown_topic"),
        ("home/tele/home214/ENERGY", '{"Time":"2026-04-12T21:05:16", "Total":0.0', "not_json"),
        ("rtl_433/host/states", "{}", None),
        ("cmnd/plug/POWER", "ON", "unknown_topic"),
        ("", "", "unknown_topic"),
        ("zigbee2mqtt2/x", '{"smoke":true}', "unknown_topic"),
    ],
)
def test_what_cannot_be_read_says_why(topic: str, payload: str, reason: str | None) -> None:
    assert _try(topic, payload) == {"events": [], "quarantined": reason}


@given(
    topic=st.sampled_from(["anju/v1/b/event", "zigbee2mqtt/x", "zigbee2mqtt/bridge/event"])
    | st.text(max_size=30),
    payload=st.binary(max_size=60),
    role=st.none() | st.just("sos_button"),
)
def test_the_answer_is_always_json(topic: str, payload: bytes, role: str | None) -> None:
    tried = json.loads(json.dumps(preview(topic, payload, role, RECEIVED_AT)))
    assert set(tried) == {"events", "quarantined"}
    for row in tried["events"]:
        assert set(row) - {"kind", "register"} == {"device", "value", "unit", "at", "confidence"}
        assert ("kind" in row) != ("register" in row)
