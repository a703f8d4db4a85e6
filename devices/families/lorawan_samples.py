"""Uplinks as ChirpStack v4 and The Things Stack v3 hand them over, decoded by vendors' codecs."""

from __future__ import annotations

import json
from typing import Any

from devices.family import Sample

_APPLICATION = "2f6f6a3c-52a6-4d0e-9a3b-6d0a1c7e4f21"


def _chirpstack(
    model: str,
    said: dict[str, Any],
    means: tuple[str, ...],
    *,
    role: str | None = None,
    eui: str = "24e124535b3170f2",
) -> Sample:
    body = {
        "deduplicationId": "9c1f6a4e-7d0b-4f29-8a55-3f1f0f6b2d11",
        "time": "2026-04-12T05:58:03.120Z",
        "deviceInfo": {"applicationId": _APPLICATION, "devEui": eui, "deviceName": "客厅"},
        "object": said,
        "rxInfo": [{"gatewayId": "a84041ffff200001", "rssi": -97, "snr": 6.2}],
    }
    return Sample(
        model=model,
        topic=f"{_APPLICATION}/device/{eui}/event/up",
        payload=json.dumps(body, ensure_ascii=False),
        means=means,
        role=role,
    )


_SMOKE_STATUS = {"mounted": 1, "obstacleDetected": 0, "smokeAlarm": 0, "batteryLow": 0}

CHIRPSTACK = (
    _chirpstack(
        "Milesight WS101 SOS",
        {"battery": 64, "press": "short"},
        ("sos", "battery_pct=64", "rssi_dbm=-97"),
        role="sos_button",
    ),
    _chirpstack(
        "Milesight WS101 that switches a lamp",
        {"press": "double"},
        ("button", "rssi_dbm=-97"),
    ),
    _chirpstack(
        "TG563A smoke detector, alarm while it hangs loose",
        {
            "messageType": "Smoke Alarm Event",
            "configuration": {"smokeEventEnabled": 1, "transmissionPeriod": 24},
            "temperature": 22,
            "status": _SMOKE_STATUS | {"mounted": 0, "smokeAlarm": 1},
        },
        ("tamper", "fault_clear", "smoke", "battery_ok", "temperature=22", "rssi_dbm=-97"),
        role="smoke_detector",
        eui="0004a30b00f1a2b3",
    ),
    _chirpstack(
        "TG563A smoke detector, all is well",
        {"messageType": "Periodic uplink message", "status": _SMOKE_STATUS},
        ("tamper_clear", "fault_clear", "smoke_clear", "battery_ok", "rssi_dbm=-97"),
        role="smoke_detector",
        eui="0004a30b00f1a2b3",
    ),
    _chirpstack(
        "Axioma Qalcosonic W1, hourly volumes of the last hours",
        {
            "payload_format": "AXIOMA_W1_ENHANCED_24H",
            "timestamp_utc": "2026-04-12T05:09:34.000Z",
            "low_battery": False,
            "burst": False,
            "leakage": False,
            "log_volume_m3": 41.5,
            "delta_1_m3": 0.25,
            "delta_2_m3": 0,
            "delta_3_m3": 0.125,
            "history_count": 3,
            "current_volume_m3": 41.875,
        },
        (
            "battery_ok",
            "leak_clear",
            "water_total=41.5",
            "water_total=41.75",
            "water_total=41.75",
            "water_total=41.875",
            "rssi_dbm=-97",
        ),
        role="water_meter",
        eui="0a1b2c3d4e5f6071",
    ),
    _chirpstack(
        "Dragino LSE01, numbers as text",
        {"BatV": 3.29, "temp_SOIL": "14.75", "conduct_SOIL": 31},
        ("BatV=3.29", "temp_SOIL=14.75", "conduct_SOIL=31", "rssi_dbm=-97"),
        eui="a84041a7d1871099",
    ),
    Sample(
        model="any, device status",
        topic=f"{_APPLICATION}/device/24e124535b3170f2/event/status",
        payload='{"time":"2026-04-12T05:58:03Z","margin":9,"batteryLevel":61.5}',
        means=("battery_pct=61.5",),
    ),
    Sample(
        model="any, joined",
        topic=f"{_APPLICATION}/device/24e124535b3170f2/event/join",
        payload='{"deduplicationId":"1","time":"2026-04-12T05:58:03Z","devAddr":"01020304",'
        '"deviceInfo":{"deviceProfileName":"Milesight WS101","deviceName":"客厅"}}',
        means=("inventory", "heard"),
    ),
    Sample(
        model="button whose profile has no codec",
        topic=f"{_APPLICATION}/device/24e124535b3170f2/event/up",
        payload='{"deduplicationId":"2","data":"/y4B","fPort":85}',
        means=("quarantined",),
        role="sos_button",
    ),
)


def _uplink(
    model: str, said: dict[str, Any], means: tuple[str, ...], *, role: str | None = None
) -> Sample:
    body = {
        "end_device_ids": {"device_id": "ws101-3", "dev_eui": "24E124535B3170F3"},
        "received_at": "2026-04-12T05:58:03.120498Z",
        "uplink_message": {
            "session_key_id": "AZdQb1wz",
            "f_port": 85,
            "f_cnt": 117,
            "frm_payload": "/y4B",
            "decoded_payload": said,
            "rx_metadata": [{"rssi": -101}, {"rssi": -88}],
        },
    }
    return Sample(
        model=model,
        topic="care-homes@ttn/devices/ws101-3/up",
        payload=json.dumps(body),
        means=means,
        role=role,
    )


THE_THINGS_STACK = (
    _uplink(
        "Milesight WS101 SOS",
        {"press": "long", "battery": 16},
        ("sos", "battery_pct=16", "rssi_dbm=-88"),
        role="sos_button",
    ),
    _uplink(
        "Milesight EM300-ZLD leak sensor",
        {"leakage_status": "leak", "temperature": 12.5},
        ("leak", "temperature=12.5", "rssi_dbm=-88"),
        role="leak_sensor",
    ),
    _uplink(
        "Dragino LDS02 door sensor",
        {"BAT_V": 3.1, "DOOR_OPEN_STATUS": 1, "ALARM": 0},
        ("door_open", "BAT_V=3.1", "ALARM=0", "rssi_dbm=-88"),
        role="door_contact",
    ),
    Sample(
        model="device without an EUI, a formatter's own words",
        topic="care-homes/devices/bench-7/up",
        payload='{"end_device_ids":{"device_id":"bench-7"},"uplink_message":'
        '{"session_key_id":"k","f_cnt":3,"decoded_payload":{"soil_moisture":17.5}}}',
        means=("soil_moisture=17.5",),
    ),
    Sample(
        model="button without a payload formatter",
        topic="care-homes/devices/ws101-3/up",
        payload='{"end_device_ids":{"device_id":"ws101-3"},"uplink_message":'
        '{"session_key_id":"k","f_cnt":4,"frm_payload":"/y4B"}}',
        means=("quarantined",),
        role="sos_button",
    ),
    Sample(
        model="any, joined",
        topic="care-homes/devices/ws101-3/join",
        payload='{"end_device_ids":{"device_id":"ws101-3"},"join_accept":{}}',
        means=("heard",),
    ),
    Sample(
        model="downlink of another program",
        topic="care-homes/devices/ws101-3/down/queued",
        payload='{"downlink_queued":{"f_port":1}}',
        means=(),
    ),
)
