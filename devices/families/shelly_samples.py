"""What Shelly devices publish, below a prefix of their own."""

from __future__ import annotations

import json
from typing import Any

from devices.family import Sample


def _rpc(
    model: str,
    device: str,
    method: str,
    params: dict[str, Any],
    means: tuple[str, ...],
    role: str | None = None,
) -> Sample:
    frame = {"src": device, "dst": f"{device}/events", "method": method, "params": params}
    return Sample(
        model=model,
        topic=f"{device}/events/rpc",
        payload=json.dumps(frame),
        means=means,
        role=role,
    )


def _press(event: str, component: str = "input:0") -> dict[str, Any]:
    return {"ts": 1775973495.02, "events": [{"component": component, "id": 0, "event": event}]}


_SMOKE = "shellyplussmoke-80646fc1b2a3"
_PLUG = "shellyplusplugs-e465b84f1c2d"

SAMPLES = (
    _rpc(
        "Plus Smoke waking up: its clock is not set yet",
        _SMOKE,
        "NotifyFullStatus",
        {
            "ts": 1.47,
            "devicepower:0": {"id": 0, "battery": {"V": 2.97, "percent": 91}},
            "smoke:0": {"id": 0, "alarm": False, "mute": False},
            "sys": {"time": None, "unixtime": None, "uptime": 1},
            "wifi": {"status": "got ip", "rssi": -58},
        },
        ("smoke_clear", "battery_pct=91", "rssi_dbm=-58", "inventory"),
        "smoke_detector",
    ),
    Sample(
        model="Plus Smoke going to sleep: no news",
        topic=f"{_SMOKE}/online",
        payload="false",
        means=(),
        role="smoke_detector",
    ),
    _rpc(
        "Plus Uni, a pull cord let go",
        "shellyplusuni-80646fc1b2a4",
        "NotifyStatus",
        {"ts": 1775973495.02, "input:0": {"id": 0, "state": False}},
        ("sos_cancel",),
        "sos_button",
    ),
    _rpc(
        "Plus Smoke, alarm",
        _SMOKE,
        "NotifyStatus",
        {"ts": 1775973495.02, "smoke:0": {"id": 0, "alarm": True}},
        ("smoke",),
        "smoke_detector",
    ),
    _rpc(
        "Plus Smoke, muted by hand",
        _SMOKE,
        "NotifyStatus",
        {"ts": 1775973505.02, "smoke:0": {"id": 0, "alarm": True, "mute": True}},
        ("smoke", "mute"),
        "smoke_detector",
    ),
    _rpc(
        "Flood Gen4",
        "shellyfloodg4-80646fc1b2b4",
        "NotifyEvent",
        _press("alarm", "flood:0"),
        ("leak",),
        "leak_sensor",
    ),
    _rpc("Plus i4, an edge", "shellyplusi4-30c6f7850a64", "NotifyEvent", _press("btn_down"),
         ("heard",), "sos_button"),
    _rpc("Plus i4, the press", "shellyplusi4-30c6f7850a64", "NotifyEvent", _press("long_push"),
         ("sos",), "sos_button"),
    _rpc("Plus 1 that switches a lamp", "shellyplus1-30c6f7850a65", "NotifyEvent",
         _press("double_push"), ("button",)),
    _rpc("Plus 1 set up anew", "shellyplus1-30c6f7850a65", "NotifyEvent",
         _press("config_changed"), ("heard",), "sos_button"),
    _rpc(
        "Plus Plug S",
        _PLUG,
        "NotifyStatus",
        {
            "ts": 1775973495.02,
            "switch:0": {
                "id": 0,
                "apower": 43.5,
                "voltage": 229.5,
                "current": 0.25,
                "aenergy": {"total": 15250, "by_minute": [0, 0, 0]},
            },
        },
        ("power=43.5", "voltage=229.5", "current=0.25", "energy_total=15.25"),
        "plug",
    ),
    _rpc(
        "Plus 2PM, the second channel too hot",
        "shellyplus2pm-30c6f7850a66",
        "NotifyStatus",
        {
            "ts": 1775973495.02,
            "switch:1": {"id": 1, "apower": 5, "aenergy": {"total": 500}, "errors": ["overtemp"]},
        },
        ("fault", "power_1=5", "energy_total_1=0.5"),
    ),
    Sample(
        model="Plus Plug S, status by component",
        topic=f"{_PLUG}/status/switch:0",
        payload='{"id":0,"output":true,"apower":43.5,"aenergy":{"total":15250}}',
        means=("power=43.5", "energy_total=15.25"),
        role="plug",
    ),
    Sample(model="birth", topic=f"{_PLUG}/online", payload="true", means=("online",),
           retained=True),
    Sample(model="last will", topic=f"{_PLUG}/online", payload="false", means=("offline",),
           retained=True),
    Sample(model="another program's command", topic=f"{_PLUG}/rpc", payload='{"id":1}', means=()),
    Sample(
        model="alarm cut off",
        topic=f"{_SMOKE}/events/rpc",
        payload='{"method":"NotifyStatus","params":{"smoke:0":{"al',
        means=("quarantined",),
        role="smoke_detector",
    ),
)  # fmt: skip
