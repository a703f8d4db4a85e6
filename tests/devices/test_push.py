"""What the push families promise beyond their samples: identity, numbering, times, edges."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from devices import push
from devices.event import Decoded, Message
from devices.families import ctwing, huawei, onenet
from devices.family import DeviceFamily, SourceView
from devices.parts import MAX_PAYLOAD
from tests.devices.meaning import RECEIVED_AT, means

AT = 1775973540120
TIME = datetime(2026, 4, 12, 5, 59, 0, tzinfo=UTC)
IMEI = "867725030000017"


def said(family: DeviceFamily, body: Any, roles: Mapping[str, str] | None = None) -> Decoded:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = Message(topic=family.default_prefix, payload=payload, received_at=RECEIVED_AT)
    return family.decode(message, SourceView(roles=roles or {}))


def lian(code: int, **more: Any) -> dict[str, Any]:
    data = {"serviceId": "n", "serviceData": {"Alarm_Status": code}}
    return {
        "messageType": "dataReport",
        "deviceId": "d1",
        "IMEI": IMEI,
        "timestamp": AT,
        "payload": data,
    } | more


def watch(word: str = "DEVSOS", **more: Any) -> dict[str, Any]:
    return {"MessageType": word, "DeviceTime": "2026-04-12 13:58:40", "Steps": "1"} | more


def ocean(data: dict[str, Any], *, batch: bool = False, at: str = "20260412T055900Z") -> Any:
    service = {"serviceId": "S", "data": data, "eventTime": at}
    if batch:
        return {"notifyType": "deviceDatasChanged", "deviceId": "h1", "services": [service]}
    return {"notifyType": "deviceDataChanged", "deviceId": "h1", "service": service}


def point(stream: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": 1, "dev_id": 17, "ds_id": stream, "value": value, "at": AT} | more


# ── who ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_device_is_called_what_the_platform_calls_it() -> None:
    assert said(ctwing.FAMILY, lian(1)).events[0].child_id == "d1"
    assert said(onenet.FAMILY, {"msg": point("smoke", 1)}).events[0].child_id == "17"
    assert said(huawei.FAMILY, ocean({"smoke": 1})).events[0].child_id == "h1"


def test_it_may_be_registered_under_the_imei_on_its_label() -> None:
    roles = {IMEI: "smoke_detector"}
    assert said(ctwing.FAMILY, lian(1), roles).events[0].child_id == IMEI
    both = roles | {"d1": "smoke_detector"}
    assert said(ctwing.FAMILY, lian(1), both).events[0].child_id == "d1"


def test_a_stranger_is_introduced_by_its_imei_once() -> None:
    (item,) = said(ctwing.FAMILY, lian(1, productId=15)).inventory
    assert (item.child_id, item.name, item.model) == ("d1", IMEI, "15")
    message = Message(topic="", payload=json.dumps(lian(1)).encode(), received_at=RECEIVED_AT)
    known = SourceView(aliases={IMEI: "d1"})
    assert ctwing.decode(message, known).inventory == ()
    assert said(ctwing.FAMILY, lian(1), {"d1": "smoke_detector"}).inventory == ()


def test_a_studio_device_s_name_is_its_own_only_inside_its_product() -> None:
    body = {"productId": "P", "deviceName": "n", "messageType": "lifeCycle"}
    decoded = said(onenet.FAMILY, body | {"data": {"status": "online", "time": AT}})
    assert decoded.presences[0].child_id == "P/n"


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        (b'{"messageType":"dataReport","deviceId":"d1","payload":{"Alarm_St', "d1"),
        (b'{"msg":{"type":1,"dev_id":17,"ds_id"', "17"),
        (b'{"deviceId":"d1"},{"deviceId":"d2"', None),
        (b"no name at all", None),
        (json.dumps(lian(3)).encode(), "d1"),
        (json.dumps(lian(1)).encode() + b" " * push.MAX_BODY, "d1"),
    ],
    ids=["cut off", "cut off, a number", "two names", "none", "unknown code", "too large"],
)
def test_what_cannot_be_read_still_names_its_device(body: bytes, culprit: str | None) -> None:
    family = onenet.FAMILY if b"dev_id" in body else ctwing.FAMILY
    decoded = said(family, body)
    assert decoded.quarantined is not None and decoded.culprit == culprit


def test_a_body_may_be_larger_than_an_mqtt_message() -> None:
    reports = [point("smoke", 1, dev_id=n, note="x" * 300) for n in range(300)]
    body = {"msg": reports}
    assert len(json.dumps(body)) > MAX_PAYLOAD
    assert len(said(onenet.FAMILY, body).events) == 300


def test_a_damaged_value_in_one_device_s_body_is_that_device_s() -> None:
    body = b'{"notifyType":"deviceDataChanged","deviceId":"h1","service":{"data":{"smoke":1e999}}}'
    decoded = said(huawei.FAMILY, body)
    assert (decoded.quarantined, decoded.culprit) == ("number_out_of_range", "h1")


# ── the same report, the same number ─────────────────────────────────────────────────────────────


def test_single_and_batch_callback_are_one_event() -> None:
    single = said(huawei.FAMILY, ocean(watch())).events[0]
    batch = said(huawei.FAMILY, ocean(watch(), batch=True)).events[0]
    assert single == batch and single.event_id


def test_another_moment_or_another_content_is_another_event() -> None:
    ids = {
        said(huawei.FAMILY, ocean(watch(**more), at=at)).events[0].event_id
        for more in ({}, {"Steps": "2"})
        for at in ("20260412T055900Z", "20260412T055901Z")
    }
    assert len(ids) == 4


@pytest.mark.parametrize("at", [None, "soon", 0, 1234567890, 32503680000000])
def test_without_a_believable_time_there_is_no_number(at: Any) -> None:
    """A device whose clock stands still says the same thing twice, and means it."""
    (event,) = said(onenet.FAMILY, {"msg": point("smoke", 1, at=at)}).events
    assert event.event_id is None


def test_a_heartbeat_has_no_number_for_it_needs_no_row() -> None:
    (event,) = said(ctwing.FAMILY, lian(12)).events
    assert (event.kind, event.event_id) == ("heartbeat", None)


# ── when ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "value",
    ["20260412T055900Z", "2026-04-12T05:59:00Z", 1775973540000, "1775973540000", 1775973540],
)
def test_every_platform_s_way_to_write_a_time(value: Any) -> None:
    assert push.platform_time(value, SourceView().zone) == TIME


@pytest.mark.parametrize(
    ("local", "at"),
    [
        ("2026-04-12 13:58:40", "05:58:40"),  # twenty seconds on the way
        ("2026-04-12 09:00:00", "01:00:00"),  # out of coverage since breakfast
        ("2026-04-12 17:58:40", "05:59:00"),  # its clock is ahead
        ("2020-01-01 00:00:00", "05:59:00"),  # its clock stands still
        ("", "05:59:00"),
    ],
)
def test_a_watch_s_local_time_counts_where_the_platform_s_bears_it_out(local: str, at: str) -> None:
    (event,) = said(huawei.FAMILY, ocean(watch(DeviceTime=local))).events
    assert event.at is not None and f"{event.at:%H:%M:%S}" == at


# ── what ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_press_carries_its_place() -> None:
    place = "W070.500000 S033.250000"
    (event,) = said(huawei.FAMILY, ocean(watch(Location=place))).events
    assert event.data == {"longitude": -70.5, "latitude": -33.25}


@pytest.mark.parametrize("place", ["E4294967296 N0429496729", "E000.0 N000.0", "E1.2.3 N4", 7])
def test_a_fix_that_never_was_is_none(place: Any) -> None:
    (event,) = said(huawei.FAMILY, ocean(watch(Location=place))).events
    assert event.data == {}


def test_a_press_told_for_itself_is_one_each_time() -> None:
    """In a status it would be a lasting state, whose edge alone is news."""
    event: dict[str, Any] = {
        "productId": "P",
        "deviceName": "n",
        "messageType": "notify",
        "notifyType": "event",
    }
    event["data"] = {"params": {"sos": {"value": {"seq": 3}, "time": AT}}}
    for body in (event, {"msg": point("sos", 1)}):
        (press,) = said(onenet.FAMILY, body).events
        assert press.kind == "sos" and "level" not in press.data
    (status,) = said(onenet.FAMILY, {"msg": point("s", {"sos": 1})}).events
    assert status.data["level"] is True


@pytest.mark.parametrize(
    ("family", "body", "kind"),
    [
        (
            ctwing.FAMILY,
            lian(1, messageType="eventReport", serviceId=1017, eventContent={"valve": "half"}),
            "event-1017",
        ),
        (
            onenet.FAMILY,
            {"productId": "P", "deviceName": "n", "messageType": "notify", "notifyType": "event"}
            | {"data": {"params": {"washed": {"value": {"Power": "on"}, "time": AT}}}},
            "washed",
        ),
        (huawei.FAMILY, ocean(watch("DEVHELP2")), "devhelp2"),
    ],
    ids=["ctwing", "onenet", "huawei"],
)
def test_an_event_that_nobody_knows_is_kept_under_its_own_name(
    family: DeviceFamily, body: Any, kind: str
) -> None:
    assert [event.kind for event in said(family, body).events] == [kind]


def test_one_device_s_unreadable_report_does_not_cost_the_others() -> None:
    body = {"msg": [point("smoke", "maybe"), point("smoke", 1, dev_id=18)]}
    decoded = said(onenet.FAMILY, body)
    assert means(decoded) == ("smoke", "quarantined")
    assert (decoded.events[0].child_id, decoded.culprit) == ("18", "17")


@pytest.mark.parametrize("body", [b"[]", b"[" + b"{}," * 600 + b"{}]", b"7", b"null"])
def test_a_body_that_is_no_report_is_set_aside(body: bytes) -> None:
    for family in (ctwing.FAMILY, onenet.FAMILY, huawei.FAMILY):
        assert means(said(family, body)) == ("quarantined",)


@pytest.mark.parametrize("time", ["\u00b2" * 10, "\u0663" * 13, "9" * 5000, "", [], {"a": 1}])
def test_a_time_that_cannot_be_read_costs_no_alarm(time: Any) -> None:
    assert [event.kind for event in said(ctwing.FAMILY, lian(1, timestamp=time)).events] == [
        "smoke"
    ]
    assert push.platform_time("\u00b2" * 10, SourceView().zone) is None


def test_a_report_that_a_family_trips_over_costs_the_others_nothing() -> None:
    def one(report: Any, _message: Message, _source: SourceView) -> Decoded:
        if report["deviceId"] == "d2":
            raise ValueError("a fault of ours")
        return Decoded(heard=(report["deviceId"],))

    body = json.dumps([{"deviceId": "d1"}, {"deviceId": "d2"}, {"deviceId": "d3"}]).encode()
    message = Message(topic="push/x", payload=body, received_at=RECEIVED_AT)
    found = push.decode(message, SourceView(), one)
    assert found.heard == ("d1", "d3")
    assert (found.quarantined, found.culprit) == ("family_error:ValueError", "d2")
