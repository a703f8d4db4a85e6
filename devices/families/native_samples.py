"""What native devices say, one message a habit."""

from __future__ import annotations

from devices.family import Sample

SAMPLES = (
    Sample(
        model="any button",
        topic="grandma-button/event",
        payload='{"id": "b7-0012", "at": "2026-04-11T21:07:42.310+08:00", "kind": "sos"}',
        means=("sos",),
        role="sos_button",
    ),
    Sample(
        model="button that knows no time",
        topic="kitchen.7/event",
        payload='{"id": 4711, "kind": "SOS", "data": {"presses": 3}, "battery_pct": 64}',
        means=("sos", "battery_pct=64"),
        role="sos_button",
    ),
    Sample(
        model="smoke detector",
        topic="smoke_hall/event",
        payload='{"id": "s-9", "at": "2026-04-12T03:30:01Z", "kind": "smoke", '
        '"data": {"density": 0.42}}',
        means=("smoke",),
        role="smoke_detector",
    ),
    Sample(
        model="water meter, a day's history in one message",
        topic="W-204/telemetry",
        payload='{"id": "d101", "readings": ['
        '{"register": "water_total", "value": 88.412, "unit": "m3", "at": "2026-03-08T00:00:00Z"},'
        '{"register": "water_total", "value": 88.53, "unit": "m3", "at": "2026-03-09T00:00:00Z"}],'
        ' "battery_pct": 91, "rssi_dbm": -83}',
        means=("water_total=88.412", "water_total=88.53", "battery_pct=91", "rssi_dbm=-83"),
        role="water_meter",
    ),
    Sample(
        model="meter in litres, numbers as text, one reading spoiled",
        topic="W-205/telemetry",
        payload='{"readings": [{"register": "water_total", "value": "1250", "unit": "L"},'
        '{"register": "power", "value": 5, "unit": "horse"},'
        '{"register": "energy_total", "value ": 7300, "unit": "Wh"}]}',
        means=("water_total=1.25", "energy_total=7.3", "quarantined"),
        role="water_meter",
    ),
    Sample(
        model="meter that has nothing to report",
        topic="W-206/telemetry",
        payload='{"id": "x", "readings": [{"register": "water_total", "value": null}]}',
        means=("heard",),
        role="water_meter",
    ),
    Sample(
        model="last will",
        topic="W-206/status",
        payload='{"state": "offline"}',
        means=("offline",),
        retained=True,
    ),
    Sample(model="bare status", topic="W-207/status", payload="online", means=("online",)),
    Sample(
        model="press cut off by a weak radio",
        topic="grandma-button/event",
        payload='{"id": "b7-0013", "kind": "s',
        means=("quarantined",),
        role="sos_button",
    ),
)
