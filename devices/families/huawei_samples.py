"""Huawei samples, OceanConnect and IoTDA: shapes of real pushes, with values of our own."""

from __future__ import annotations

import json
from typing import Any

from devices.family import Sample

_CHILD = "0b6a2f4e-7c1d-4e59-9a33-5d2f1c0e8b77"
_TIME = "20260412T055900Z"


def _single(name: str, **data: Any) -> str:
    service = {"serviceId": name, "serviceType": name, "data": data, "eventTime": _TIME}
    return _ocean("deviceDataChanged", requestId=None, service=service)


def _batch(name: str, *reports: dict[str, Any]) -> str:
    services = [
        {"serviceId": name, "serviceType": name, "data": data, "eventTime": _TIME}
        for data in reports
    ]
    return _ocean("deviceDatasChanged", requestId=None, services=services)


def _ocean(word: str, **more: Any) -> str:
    return json.dumps({"notifyType": word, "deviceId": _CHILD, "gatewayId": _CHILD, **more})


def _wanlin(state: int) -> str:
    return _single(
        "Report",
        devId="10000017",
        electricQuantity=93,
        devState=state,
        temperature=234,
        signal=14,
        cmdValue="10",
    )


def _watch(word: str, **more: Any) -> dict[str, Any]:
    return {
        "MessageType": word,
        "DeviceID": "600000000000017",
        "Location": "E113.264000 N023.129000",
        "HeartRate": "078",
        "Elevation": "+00021",
        "Atmosphere": "1012.10",
        "Battery": "064",
        "DeviceTime": "2026-04-12 13:58:40",
        "IMEI": "867725030000033",
        "Temperature": "+31.20",
        "Steps": "002210",
    } | more


def _iotda(resource: str, body: Any, event: str = "report") -> str:
    header = {"device_id": "66aa00_n17", "node_id": "n17", "product_id": "66aa00"}
    return json.dumps(
        {
            "resource": resource,
            "event": event,
            "event_time": _TIME,
            "event_time_ms": "2026-04-12T05:59:00.320Z",
            "notify_data": {"header": header, "body": body},
        }
    )


_WANLIN = {0: "heartbeat", 1: "smoke", 2: "heat", 3: "tamper", 4: "battery_low", 5: "test"}
_WANLIN_READINGS = ("temperature=23.4", "battery_pct=93", "rssi_dbm=-85")
_WATCH_READINGS = ("heart_rate=78", "battery_pct=64", "temperature=31.2", "steps=2210")

SAMPLES = (
    *(
        Sample(
            model=f"Wanlin NB306, devState {state}",
            topic="",
            payload=_wanlin(state),
            means=(kind, *_WANLIN_READINGS),
            role="smoke_detector",
        )
        for state, kind in _WANLIN.items()
    ),
    Sample(
        model="Wanlin NB306, a state nobody explained",
        topic="",
        payload=_wanlin(9),
        means=(*_WANLIN_READINGS, "quarantined"),
        role="smoke_detector",
    ),
    Sample(
        model="NBWatch, a press",
        topic="",
        payload=_single("NBWatch", **_watch("DEVSOS", HeartRate="000", Temperature="+270.0")),
        means=("sos", "battery_pct=64", "steps=2210"),
        role="watch",
    ),
    Sample(
        model="NBWatch, its report, batch callback",
        topic="",
        payload=_batch("NBWatch", _watch("UPLOAD")),
        means=("location", *_WATCH_READINGS),
        role="watch",
    ),
    Sample(
        model="NBWatch, without a fix",
        topic="",
        payload=_single("NBWatch", **_watch("UPLOAD", Location="E4294967296 N0429496729")),
        means=_WATCH_READINGS,
        role="watch",
    ),
    Sample(
        model="OceanConnect, two services",
        topic="",
        payload=_batch("Sensor", {"temperature": 21}, {"waterLeak": 1}),
        means=("leak", "temperature=21"),
        role="leak_sensor",
    ),
    Sample(
        model="OceanConnect, one of two spoiled",
        topic="",
        payload=_batch("Sensor", {"temperature": 21}, {"smoke": "maybe"}),
        means=("temperature=21", "quarantined"),
        role="smoke_detector",
    ),
    Sample(
        model="OceanConnect, added",
        topic="",
        payload=_ocean(
            "deviceAdded",
            deviceInfo={"name": "西屋烟感", "model": "NB306", "manufacturerName": "Wanlin"},
        ),
        means=("inventory",),
    ),
    Sample(
        model="OceanConnect, went",
        topic="",
        payload=_ocean("deviceInfoChanged", deviceInfo={"name": "a", "status": "OFFLINE"}),
        means=("offline", "inventory"),
    ),
    Sample(
        model="OceanConnect, deleted at the platform",
        topic="",
        payload=_ocean("deviceDeleted"),
        means=("fault",),
    ),
    Sample(
        model="OceanConnect, about a command",
        topic="",
        payload=_ocean("commandRsp", result={"resultCode": "OK"}),
        means=("quarantined",),
    ),
    Sample(
        model="IoTDA, properties",
        topic="",
        payload=_iotda(
            "device.property",
            {
                "services": [
                    {
                        "service_id": "Monitor",
                        "properties": {"heartRate": 81, "spo2": 97},
                        "event_time": _TIME,
                    }
                ]
            },
        ),
        means=("heart_rate=81", "spo2=97"),
        role="health_monitor",
    ),
    Sample(
        model="IoTDA, an event",
        topic="",
        payload=_iotda(
            "device.event",
            {"services": [{"service_id": "Alarm", "event_type": "fallDown", "paras": {"s": 2}}]},
        ),
        means=("fall",),
        role="fall_detector",
    ),
    Sample(
        model="IoTDA, a message",
        topic="",
        payload=_iotda("device.message", {"topic": "x", "content": '{"smoke_state":1}'}),
        means=("smoke",),
        role="smoke_detector",
    ),
    Sample(
        model="IoTDA, went",
        topic="",
        payload=_iotda("device.status", {"status": "OFFLINE"}, "update"),
        means=("offline",),
    ),
    Sample(
        model="IoTDA, about a batch task",
        topic="",
        payload=_iotda("batchtask", {"status": "Success"}, "update"),
        means=("quarantined",),
    ),
)
