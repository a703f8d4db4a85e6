"""Transmissions as rtl_433 prints them."""

from __future__ import annotations

from devices.family import Sample

SAMPLES = (
    Sample(
        model="GS558 smoke detector",
        topic="attic/events",
        payload='{"time":"2026-04-12 13:58:15","model":"Smoke-GS558","id":3519,"unit":12,'
        '"learn":0,"code":"c1b96c"}',
        means=("smoke",),
        role="smoke_detector",
    ),
    Sample(
        model="GS558 smoke detector, being paired",
        topic="attic/events",
        payload='{"time":"@0.499712s","model":"Smoke-GS558","id":3519,"unit":12,"learn":1}',
        means=("heartbeat",),
        role="smoke_detector",
    ),
    Sample(
        model="Govee H5054 leak sensor",
        topic="attic/events",
        payload='{"time":"2026-04-12 13:58:15","model":"Govee-Water","id":41213,"event":'
        '"Water Leak","battery_ok":0.9}',
        means=("leak", "battery_ok"),
        role="leak_sensor",
    ),
    Sample(
        model="thermometer with a flat battery",
        topic="attic/events",
        payload='{"time":"2026-04-12 13:58:15","model":"Nexus-TH","id":71,"channel":2,'
        '"battery_ok":0,"temperature_C":17.25,"humidity":48}',
        means=("battery_low", "temperature=17.25"),
        role="motion_sensor",
    ),
    Sample(
        model="pendant",
        topic="attic/events",
        payload='{"time":"2026-04-12 13:58:15","model":"Generic-Remote","id":2741,"cmd":62}',
        means=("sos",),
        role="sos_button",
    ),
    Sample(
        model="the neighbour's detector: nobody registered it",
        topic="attic/events",
        payload='{"time":"2026-04-12 13:58:15","model":"Smoke-GS558","id":99,"learn":0}',
        means=("heard",),
    ),
    Sample(
        model="the same said again, field by field",
        topic="attic/devices/Smoke-GS558/3519/unit",
        payload="12",
        means=(),
    ),
    Sample(
        model="transmission without a model",
        topic="attic/events",
        payload='{"time":"2026-04-12 13:58:15","id":3}',
        means=("quarantined",),
    ),
)
