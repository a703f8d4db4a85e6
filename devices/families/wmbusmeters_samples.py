"""Telegrams as wmbusmeters prints them, one a habit of a meter."""

from __future__ import annotations

import json
from typing import Any

from devices.family import Sample

_AT = "2026-04-12T05:58:30Z"
_WELL = ("leak_clear", "tamper_clear", "battery_ok", "fault_clear")


def _telegram(model: str, ident: str, means: tuple[str, ...], role: str, **said: Any) -> Sample:
    body = {"_": "telegram", "id": ident, "name": "x", "timestamp": _AT} | said
    return Sample(model=model, topic=ident, payload=json.dumps(body), means=means, role=role)


def _water(model: str, ident: str, means: tuple[str, ...], total: float, **said: Any) -> Sample:
    body = {"media": "cold water", "total_m3": total} | said
    return _telegram(model, ident, (*means, f"water_total={total:g}"), "water_meter", **body)


def _ei6500(model: str, means: tuple[str, ...], **said: Any) -> Sample:
    body = {
        "media": "smoke detector",
        "meter": "ei6500",
        "status": "OK",
        "message_datetime": "2026-04-12 07:58",
        "last_alarm_date": "2000-01-01",
        "alarm_counter": 0,
        "test_button_last_date": "2000-01-01",
        "test_button_counter": 0,
    }
    return _telegram(model, "78111201", means, "smoke_detector", **(body | said))


SAMPLES = (
    _water("Kamstrup Multical 21", "72441180", _WELL, 31.275, meter="kamwater", status="OK"),
    _water(
        "Kamstrup Multical 21 without water: it cannot measure",
        "72441181",
        ("fault", "leak_clear", "tamper_clear", "battery_ok"),
        6.5,
        meter="kamwater",
        current_status="DRY",
        status="DRY",
        time_dry="22-31 days",
    ),
    _water(
        "Diehl IZAR with two faults",
        "76550132",
        ("fault", "leak_clear", "tamper_clear", "battery_ok"),
        3.5,
        meter="izarv2",
        status="METER_BLOCKED UNDERFLOW",
    ),
    _water(
        "Diehl IZAR after a leak: the past alarms nobody",
        "76550133",
        (*_WELL, "heartbeat"),
        521.5,
        meter="izarv2",
        status="PREV_LEAKAGE",
    ),
    _water(
        "Diehl IZAR, old driver: flags by commas",
        "76550134",
        ("leak", "tamper_clear", "battery_ok", "fault_clear"),
        20.5,
        meter="izar",
        current_alarms="leakage,no_alarm",
        previous_alarms="meter_blocked",
    ),
    _water("Sensus iPERL, no status", "76330017", (), 123.5, meter="iperl", max_flow_m3h=0),
    _water(
        "Apator Ultrimis: it says itself that nobody drew water",
        "77441202",
        (*_WELL, "heartbeat"),
        3.125,
        meter="ultrimisv2",
        status="NO_FLOW NO_FLOW_THIS_MONTH TAMPER_PREV_MONTH",
    ),
    _water(
        "picoflux with a leak",
        "77441706",
        ("leak", "tamper_clear", "battery_ok", "fault_clear", "heartbeat"),
        4.5,
        meter="picoflux",
        status="ALARM LEAK_FLOW_HIGH LEAK_FLOW_LOW",
    ),
    _water(
        "Qundis WaterStarM: a bit that means a leak or none",
        "71552910",
        ("battery_low", "tamper_clear", "fault_clear", "heartbeat"),
        0.5,
        meter="waterstarm",
        status="LEAKAGE_OR_NO_USAGE POWER_LOW",
    ),
    _water(
        "a flag of a firmware to come",
        "71552911",
        ("fault", "leak_clear", "tamper_clear", "battery_ok"),
        7.5,
        status="ERROR_FLAGS_4000",
    ),
    _telegram(
        "Apator Amiplus",
        "72550200",
        ("energy_total=15702.5", "power=330", "voltage=231"),
        "electricity_meter",
        media="electricity",
        meter="amiplus",
        total_energy_consumption_kwh=15702.5,
        current_power_consumption_kw=0.33,
        voltage_at_phase_1_v=231,
        total_energy_production_kwh=None,
    ),
    _telegram(
        "Lansen smoke detector",
        "70330450",
        ("smoke", "tamper_clear", "battery_ok", "fault_clear"),
        "smoke_detector",
        media="smoke detector",
        meter="lansensm",
        status="SMOKE",
    ),
    _telegram(
        "Lansen smoke detector, its button pressed",
        "70330450",
        ("test", "smoke_clear", "tamper_clear", "battery_ok", "fault_clear"),
        "smoke_detector",
        media="smoke detector",
        meter="lansensm",
        status="TEST",
    ),
    _telegram(
        "Techem TSD2: known for smoke that was none",
        "55440102",
        ("smoke", "tamper_clear", "battery_ok", "fault_clear"),
        "smoke_detector",
        media="smoke detector",
        meter="tsd2",
        status="SMOKE",
    ),
    _ei6500(
        "Ei6500-OMS, nothing ever happened",
        ("smoke_clear", "tamper_clear", "battery_ok", "fault_clear", "alarm_count=0",
         "test_count=0"),
    ),
    _ei6500(
        "Ei6500-OMS tested: only the counter moved",
        ("test", "smoke_clear", "tamper_clear", "battery_ok", "fault_clear", "alarm_count=0",
         "test_count=2"),
        test_button_counter=2,
        test_button_last_date="2026-04-12",
    ),
    _ei6500(
        "Ei6500-OMS: it sounded today while nobody listened",
        ("smoke", "smoke_clear", "tamper_clear", "battery_ok", "fault_clear", "alarm_count=1",
         "test_count=2"),
        alarm_counter=1,
        last_alarm_date="2026-04-12",
        test_button_counter=2,
        test_button_last_date="2026-03-02",
    ),
    _ei6500(
        "Ei6500-OMS taken off the ceiling",
        ("tamper", "smoke_clear", "battery_ok", "fault_clear", "alarm_count=0", "test_count=0",
         "removed_count=1"),
        status="TAMPER_WHILE_REMOVED",
        removed_counter=1,
    ),
    Sample(
        model="telegram cut off",
        topic="78111201",
        payload='{"_":"telegram","media":"smoke detector","status":"SM',
        means=("quarantined",),
        role="smoke_detector",
    ),
)  # fmt: skip
