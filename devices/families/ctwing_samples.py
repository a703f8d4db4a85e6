"""CTWing samples: shapes of real pushes, with values of our own."""

from __future__ import annotations

import json
from typing import Any

from devices.family import Sample

_DEVICE = "5e0c3f1d9a7b4c2e8d6f0a1b2c3d4e5f"
_IMEI = "867725030000017"


def _lian(code: int, **more: Any) -> str:
    data = {"TData": 24, "RSRP": 97, "CSQ": 17, "Battery_Level": 88, "Alarm_Status": code} | more
    return _push("dataReport", payload={"serviceId": "notification", "serviceData": data})


def _push(word: str, **more: Any) -> str:
    body = {
        "upPacketSN": -1,
        "topic": "v1/up/ad19prof",
        "timestamp": 1775973540120,
        "tenantId": "10000001",
        "protocol": "lwm2m",
        "productId": "15000001",
        "messageType": word,
        "deviceId": _DEVICE,
        "IMEI": _IMEI,
    }
    return json.dumps(body | more)


_CODES = {
    1: "smoke",
    2: "mute",
    4: "battery_low",
    5: "fault",
    7: "smoke_clear",
    10: "tamper",
    11: "tamper_clear",
    12: "heartbeat",
    14: "test",
}
_LIAN_READINGS = ("temperature=24", "battery_pct=88", "rssi_dbm=-97")

SAMPLES = (
    *(
        Sample(
            model=f"LiAn smoke detector, Alarm_Status {code}",
            topic="",
            payload=_lian(code),
            means=(kind, *_LIAN_READINGS),
            role="smoke_detector",
        )
        for code, kind in _CODES.items()
    ),
    Sample(
        model="LiAn smoke detector, a code nobody explained",
        topic="",
        payload=_lian(3),
        means=(*_LIAN_READINGS, "quarantined"),
        role="smoke_detector",
    ),
    Sample(
        model="LiAn smoke detector that nobody registered",
        topic="",
        payload=_lian(1),
        means=("smoke", *_LIAN_READINGS, "inventory"),
    ),
    Sample(
        model="standard thing model, battery event",
        topic="",
        payload=_push(
            "eventReport",
            serviceId=1002,
            eventType=2,
            eventContent={"battery_voltage": 2, "battery_state": 1},
        ),
        means=("battery_low",),
        role="gas_detector",
    ),
    Sample(
        model="standard thing model, gas",
        topic="",
        payload=_push("dataReport", payload={"gas_sensor_state": 2, "temperature": 19.5}),
        means=("gas", "temperature=19.5"),
        role="gas_detector",
    ),
    Sample(
        model="several reports in one",
        topic="",
        payload=_push(
            "dataReportTupUnion", payload=[{"smoke_state": 1}, {"serviceData": {"battery": 7}}]
        ),
        means=("smoke", "battery_pct=7"),
        role="smoke_detector",
    ),
    Sample(
        model="bytes that the platform did not decode",
        topic="",
        payload=_push("dataReport", payload={"APPdata": "UFUAPBAAAAYBAAMAJwMnuw=="}),
        means=("quarantined",),
        role="smoke_detector",
    ),
    Sample(
        model="came",
        topic="",
        payload=json.dumps(
            {
                "timestamp": 1775973540120,
                "messageType": "deviceOnlineOfflineReport",
                "eventType": 1,
                "deviceId": _DEVICE,
            }
        ),
        means=("online",),
    ),
    Sample(
        model="went",
        topic="",
        payload=_push("deviceOnlineOfflineReport", eventType=0),
        means=("offline",),
        role="smoke_detector",
    ),
    Sample(
        model="a command was delivered",
        topic="",
        payload=_push("commandResponse", taskId=4, result={"resultCode": "DELIVERED"}),
        means=("heard",),
        role="smoke_detector",
    ),
    Sample(
        model="a command waits for the device",
        topic="",
        payload=_push("commandResponse", taskId=4, result={"resultCode": "SENT"}),
        means=("inventory", "quarantined"),
    ),
    Sample(model="cut off", topic="", payload=_lian(1)[:-9], means=("quarantined",)),
)
