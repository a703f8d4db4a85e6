"""OneNET samples, old platform and Studio: shapes of real pushes, with values of our own."""

from __future__ import annotations

import json
from typing import Any

from devices.family import Sample

_AT = 1775973540120


def _old(*messages: dict[str, Any]) -> str:
    said = [{"dev_id": 502345678, "imei": "867725030000025", "at": _AT} | one for one in messages]
    msg: Any = said[0] if len(said) == 1 else said
    return json.dumps({"msg": msg, "msg_signature": "bm90IGNoZWNrZWQgaGVyZQ==", "nonce": "a1B2"})


def _point(stream: str, value: Any) -> dict[str, Any]:
    return {"type": 1, "ds_id": stream, "value": value}


def _studio(word: str, data: dict[str, Any], *, as_text: bool = True, **more: Any) -> str:
    said: dict[str, Any] = {"projectId": "77", "productId": "Kx3a9Bz1", "deviceName": "smoke-17"}
    said |= {"messageType": word, "data": data, **more}
    if not as_text:
        return json.dumps(said)
    return json.dumps(
        {"msg": json.dumps(said), "signature": "bm90IGNoZWNrZWQgaGVyZQ==", "nonce": "a1", "id": "9"}
    )


def _params(**values: Any) -> dict[str, Any]:
    params = {name: {"value": value, "time": _AT} for name, value in values.items()}
    return {"id": "123", "version": "1.0", "params": params}


SAMPLES = (
    Sample(
        model="old, a number",
        topic="",
        payload=_old(_point("3303_0_5700", 23.5)),
        means=("temperature=23.5",),
        role="smoke_detector",
    ),
    Sample(
        model="old, an object as text",
        topic="",
        payload=_old(_point("report", '{"smoke":1,"battery":"54"}')),
        means=("smoke", "battery_pct=54"),
        role="smoke_detector",
    ),
    Sample(
        model="old, several at once",
        topic="",
        payload=_old(_point("sos", 1), _point("heartRate", 71), {"type": 2, "status": 1}),
        means=("sos", "heart_rate=71", "online"),
        role="watch",
    ),
    Sample(
        model="old, nobody registered it",
        topic="",
        payload=_old(_point("leak", True)),
        means=("leak", "inventory"),
    ),
    Sample(
        model="old, went",
        topic="",
        payload=_old({"type": 2, "status": 0, "login_type": 7}),
        means=("offline",),
        role="leak_sensor",
    ),
    Sample(
        model="old, bytes that nobody decoded",
        topic="",
        payload=_old(_point("3200_0_5505", "AA55010300C8")),
        means=("quarantined",),
        role="smoke_detector",
    ),
    Sample(
        model="encrypted",
        topic="",
        payload='{"enc_msg":"c2VhbGVk","msg_signature":"eA==","nonce":"a1B2"}',
        means=("quarantined",),
    ),
    Sample(
        model="Studio, properties",
        topic="",
        payload=_studio("notify", _params(smoke_state=0, battery_value=61), notifyType="property"),
        means=("smoke_clear", "battery_pct=61"),
        role="smoke_detector",
    ),
    Sample(
        model="Studio, an event by its name",
        topic="",
        payload=_studio("notify", _params(smokeAlarm={"level": 3}), notifyType="event"),
        means=("smoke",),
        role="smoke_detector",
    ),
    Sample(
        model="Studio, an event that says what it is in a field",
        topic="",
        payload=_studio("notify", _params(alarm={"sos": 1, "seq": 12}), notifyType="event"),
        means=("sos",),
        role="sos_button",
    ),
    Sample(
        model="Studio, an event that ended",
        topic="",
        payload=_studio("notify", _params(gasAlarm={"state": 0}), notifyType="event"),
        means=("gas_clear",),
        role="gas_detector",
    ),
    Sample(
        model="Studio, came",
        topic="",
        payload=_studio("lifeCycle", {"status": "online", "time": _AT}),
        means=("online",),
    ),
    Sample(
        model="Studio, went",
        topic="",
        payload=_studio("lifeCycle", {"status": "offline", "time": _AT}, as_text=False),
        means=("offline",),
    ),
    Sample(
        model="Studio, a state that nobody knows",
        topic="",
        payload=_studio("notify", _params(smoke="perhaps"), notifyType="property"),
        means=("quarantined",),
        role="smoke_detector",
    ),
)
