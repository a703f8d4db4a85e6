"""Components of a Shelly: smoke:0, flood:0, switch:0, input:0, devicepower:0 and their events."""

from __future__ import annotations

from typing import Any

from devices import parts, words
from devices.event import REGISTER_UNITS, DeviceEvent, Reading
from devices.parts import attempt
from devices.vocabulary import Speaker

CAPABILITIES = words.listed(
    "smoke smoke_clear leak leak_clear mute test sos sos_cancel button fault fault_clear door_open "
    "door_closed motion no_motion tamper power_outage power_restored energy_total power voltage "
    "current temperature battery_pct rssi_dbm energy_total_1 power_1"
)

_ALARMS = {"smoke": ("smoke", "smoke_clear"), "flood": ("leak", "leak_clear")}
_HAPPENED = {  # event on a component → kind
    ("smoke", "alarm"): "smoke",
    ("smoke", "alarm_off"): "smoke_clear",
    ("smoke", "alarm_test"): "test",
    ("flood", "alarm"): "leak",
    ("flood", "alarm_off"): "leak_clear",
    ("flood", "cable_unplugged"): "tamper",
}
_EDGES = frozenset({"btn_down", "btn_up"})
_NEWS_OF_NOTHING = frozenset(
    {"config_changed", "component_added", "component_removed", "ota_begin", "ota_progress"}
    | {"ota_success", "ota_error", "sleep", "scheduled_restart", "factory_reset"}
)
_BUTTONS = ("input", "bthomedevice", "bthomesensor")
_INPUT_ROLES = {
    "door_contact": ("door_open", "door_closed"),
    "smoke_detector": ("smoke", "smoke_clear"),
    "leak_sensor": ("leak", "leak_clear"),
    "motion_sensor": ("motion", "no_motion"),
}
_ELECTRIC = {  # field → register; plugs, meters of one phase, meters of three
    "apower": "power",
    "voltage": "voltage",
    "current": "current",
    "total_act_power": "power",
    "a_voltage": "voltage",
    "total_current": "current",
}


def happened(fields: dict[str, Any], who: Speaker) -> list[DeviceEvent]:
    """One entry of a NotifyEvent. Raises `Unreadable` when it names no component or event."""
    component = parts.text(fields.get("component"), "component").partition(":")[0]
    word = parts.text(fields.get("event"), "event")
    kind = _HAPPENED.get((component, word))
    if kind is not None:
        return [who.event(kind)]
    if component not in _BUTTONS or word in _EDGES or word in _NEWS_OF_NOTHING:
        return []
    data = {"action": word, "input": fields.get("component")}
    return [who.event("sos" if words.calls_for_help(word, who.role) else "button", data)]


def read(
    name: str, fields: dict[str, Any], who: Speaker, faults: list[str]
) -> tuple[list[DeviceEvent], list[Reading]]:
    """A component's status, which may hold only what changed."""
    component, _, channel = name.partition(":")
    if component in _ALARMS:
        return _alarm(fields, _ALARMS[component], who, faults), []
    if component == "devicepower":
        return _power_supply(fields, who, faults)
    if component == "input":
        return _input(fields, who, faults), []
    if component == "temperature":
        return [], _number(fields, "tC", "temperature", who, faults)
    if component == "wifi":
        return [], _number(fields, "rssi", "rssi_dbm", who, faults)
    if component in ("switch", "pm1", "em", "em1", "emdata", "em1data", "cover", "light"):
        return _faults_of(fields, who), _electric(fields, channel, who, faults)
    return [], []


def _alarm(
    fields: dict[str, Any], kinds: tuple[str, str], who: Speaker, faults: list[str]
) -> list[DeviceEvent]:
    level = attempt(faults, words.as_level, fields.get("alarm"), kinds[0])
    events = [] if level is None else [who.event(kinds[0] if level else kinds[1])]
    if level and fields.get("mute") is True:
        events.append(who.event("mute"))
    return events


def _power_supply(
    fields: dict[str, Any], who: Speaker, faults: list[str]
) -> tuple[list[DeviceEvent], list[Reading]]:
    """The cell's charge, and whether a device that has both still has the mains."""
    battery, external = fields.get("battery"), fields.get("external")
    readings = (
        _number(battery, "percent", "battery_pct", who, faults) if type(battery) is dict else []
    )
    if type(external) is not dict or type(external.get("present")) is not bool:
        return [], readings
    has_battery = type(battery) is dict and battery.get("percent") is not None
    if not has_battery or who.role not in ("gateway", "plug"):
        return [], readings  # a battery device without a supply is no outage
    kind = "power_restored" if external["present"] else "power_outage"
    return [who.event(kind)], readings


def _input(fields: dict[str, Any], who: Speaker, faults: list[str]) -> list[DeviceEvent]:
    """A contact on an input means what its device's role says; a held SOS is looked at for its
    edge. Without such a role its state says nothing."""
    if who.role == "sos_button":
        held = attempt(faults, words.as_level, fields.get("state"), "state")
        kind = "sos" if held else "sos_cancel"
        return [] if held is None else [who.event(kind, {"level": True})]
    kinds = _INPUT_ROLES.get(who.role or "")
    level = attempt(faults, words.as_level, fields.get("state"), "state") if kinds else None
    return [] if kinds is None or level is None else [who.event(kinds[0] if level else kinds[1])]


def _electric(
    fields: dict[str, Any], channel: str, who: Speaker, faults: list[str]
) -> list[Reading]:
    """Numbers of a channel. The counter is in watt-hours, kept in kWh."""
    found: list[Reading] = []
    for field, register in _ELECTRIC.items():
        found += _number(fields, field, register, who, faults)
    counter = fields.get("aenergy")
    watt_hours = counter.get("total") if type(counter) is dict else None
    for said in (watt_hours, fields.get("total_act"), fields.get("total_act_energy")):
        value = None if said is None else attempt(faults, parts.number, said, "energy_total")
        if value is not None:
            found.append(who.reading("energy_total", round(value / 1000, 9)))
            break
    if channel in ("", "0"):
        return found
    return [
        who.reading(f"{each.register}_{channel[:8]}", each.value, REGISTER_UNITS[each.register])
        for each in found
        if channel.isalnum()
    ]


def _faults_of(fields: dict[str, Any], who: Speaker) -> list[DeviceEvent]:
    """`errors` is there only while there are any: overtemp, overpower, overvoltage."""
    errors = fields.get("errors")
    if type(errors) is not list:
        return []
    named = [each[:64] for each in errors[:8] if type(each) is str and each.isprintable()]
    return [who.event("fault", {"fault": named})] if named else [who.event("fault_clear")]


def _number(
    fields: dict[str, Any], field: str, register: str, who: Speaker, faults: list[str]
) -> list[Reading]:
    """A register's reading; null is not known yet."""
    if fields.get(field) is None:
        return []
    value = attempt(faults, parts.number, fields[field], register)
    return [] if value is None else [who.reading(register, value)]
