"""A mapping to begin with, from what a device announced for Home Assistant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.errors import InvalidInput
from devices import parts, units
from devices.event import REGISTER_UNITS
from devices.families import homeassistant
from devices.mapping import guess, paths
from devices.mapping.compiled import key
from devices.mapping.draft import Draft, DraftField
from devices.mapping.suggest import place
from devices.mapping.templates import DEVICE, PREFIX
from devices.parts import Unreadable

Entity = Mapping[str, Any]

_SHORT = {
    "pl_on": "payload_on",
    "pl_off": "payload_off",
    "pl": "payload",
    "avty_t": "availability_topic",
    "avty": "availability",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
}
_LEVELS = {  # device class of a binary sensor → what on and off mean
    "smoke": ("smoke", "smoke_clear"),
    "gas": ("gas", "gas_clear"),
    "carbon_monoxide": ("gas", "gas_clear"),
    "heat": ("heat", "heat_clear"),
    "moisture": ("leak", "leak_clear"),
    "tamper": ("tamper", "tamper_clear"),
    "problem": ("fault", "fault_clear"),
    "battery": ("battery_low", "battery_ok"),
    "door": ("door_open", "door_closed"),
    "window": ("door_open", "door_closed"),
    "opening": ("door_open", "door_closed"),
    "garage_door": ("door_open", "door_closed"),
    "motion": ("motion", "no_motion"),
    "occupancy": ("motion", "no_motion"),
    "presence": ("motion", "no_motion"),
    "connectivity": ("online", "offline"),
    "power": ("power_restored", "power_outage"),
}
_REGISTERS = {
    "water": "water_total",
    "volume_flow_rate": "water_flow",
    "energy": "energy_total",
    "power": "power",
    "voltage": "voltage",
    "current": "current",
    "temperature": "temperature",
    "battery": "battery_pct",
    "signal_strength": "rssi_dbm",
}
_TEMPLATE = re.compile(
    r"\{\{\s*value_json(?P<path>(?:\.\w+|\[(?:'[^']+'|\"[^\"]+\"|\d+)\])+)\s*\}\}"
)
_BARE = re.compile(r"\{\{\s*value\s*\}\}")
_MOST_ENTITIES = 64
_MOST_SAMPLES = 6


class _Cannot(Exception):
    """Something of an announcement that a mapping cannot express; the text says what."""


def from_discovery(topic: str, payload: bytes) -> Draft:
    """A draft of all entities that the announcement holds; what it cannot express is a comment.

    Raises `InvalidInput` when nothing in it can be used.
    """
    try:
        said = _long(parts.mapping(parts.read_json(payload, []), "payload"))
    except Unreadable as error:
        reason = parts.REASONS[error.reason.partition(":")[0]][1]
        raise InvalidInput("payload", f"is no announcement: {reason}") from None
    component = next((word for word in topic.split("/")[1:2]), "")
    device = _long(said["device"]) if type(said.get("device")) is dict else {}
    entities = homeassistant._entities(component, said)[:_MOST_ENTITIES]
    listed = [(platform, _long({**_shared(said), **entity})) for platform, entity in entities]
    draft = _placed(listed, _names(device, said))
    draft.title = str(device.get("name") or draft.title)
    for platform, entity in listed:
        _add(draft, platform, entity)
    if not draft.fields:
        raise InvalidInput("payload", "; ".join(draft.comments) or "announces nothing usable")
    _forms(draft)
    return draft


def _long(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Abbreviations written out, `~` replaced by the base topic."""
    whole = {_SHORT.get(name, name): value for name, value in homeassistant._long(fields).items()}
    base = whole.get("~")
    if type(base) is str:
        whole = {name: _with_base(value, base) for name, value in whole.items()}
    return whole


def _with_base(value: Any, base: str) -> Any:
    if type(value) is not str or value == base:
        return value
    if value.startswith("~"):
        return base + value[1:]
    return value[:-1] + base if value.endswith("~") else value


def _shared(said: Entity) -> dict[str, Any]:
    """What a device that announces all at once says for every entity."""
    wanted = ("~", "state_topic", "availability_topic", "availability", "payload_available")
    return {name: said[name] for name in wanted if name in said}


def _names(device: Entity, said: Entity) -> list[str]:
    """Words that may be the device's level in a topic."""
    ids = device.get("identifiers")
    found = [*(ids if type(ids) is list else [ids]), device.get("name"), said.get("unique_id")]
    return [one for one in found if type(one) is str and one]


def _placed(entities: Sequence[tuple[str, Entity]], names: list[str]) -> Draft:
    for _, entity in entities:
        topic = entity.get("state_topic") or entity.get("topic")
        if type(topic) is str and topic:
            draft = place(topic, names)
            draft.topics.clear()
            return draft
    raise InvalidInput("payload", "has no state_topic, so nothing is said anywhere")


def _add(draft: Draft, platform: str, entity: Entity) -> None:
    who = str(entity.get("name") or entity.get("object_id") or entity.get("unique_id") or platform)
    try:
        topic = _template(draft, entity.get("state_topic") or entity.get("topic"))
        field, said = _field(platform, entity)
        field.keys = {"topic": topic, **_path(platform, entity), **field.keys}
        if any(field.keys == other.keys for other in draft.fields):
            return
        draft.fields.append(field)
        _sample(draft, field, said)
    except _Cannot as error:
        draft.comments.append(f"left out: {who}: {error}")
    for place_of, values in _availability(entity):
        _add_presence(draft, place_of, values)


def _template(draft: Draft, topic: Any) -> str:
    """The topic as a template below the draft's prefix; kept in its topics."""
    if type(topic) is not str or not topic:
        raise _Cannot("it has no state_topic")
    levels = topic.removeprefix(f"{draft.prefix}/").split("/")
    if not topic.startswith(f"{draft.prefix}/") or levels[0] != draft.device:
        raise _Cannot(f"its topic {topic} is not below {draft.prefix}/{draft.device}")
    text = "/".join((PREFIX, DEVICE, *levels[1:]))
    if text not in draft.topics:
        draft.topics.append(text)
    return text


def _path(platform: str, entity: Entity) -> dict[str, str]:
    template = entity.get("value_template")
    if template is None or template == "":
        return {"path": "$.event_type"} if platform == "event" else {}
    found = _TEMPLATE.fullmatch(str(template).strip())
    if found is not None:
        return {"path": paths.write(*paths.parse(f"${found['path']}").steps)}
    if _BARE.fullmatch(str(template).strip()):
        return {}
    raise _Cannot(f"its value_template {template} is more than a path")


# ── what an entity means ─────────────────────────────────────────────────────────────────────────


def _field(platform: str, entity: Entity) -> tuple[DraftField, Any]:
    """(field without its place, a value for its sample)."""
    if platform in ("event", "device_automation"):
        return _press(entity)
    if platform == "binary_sensor":
        return _binary(entity)
    if platform == "sensor":
        return _sensor(entity)
    raise _Cannot(f"a mapping only listens, and has no use for a {platform or 'nameless entity'}")


def _press(entity: Entity) -> tuple[DraftField, Any]:
    word = key(entity.get("payload")) if entity.get("payload") else None
    comment = "SOS on a device with the role sos_button"
    return DraftField(keys={"values": {word or "*": "press"}}, comment=comment), word or "press"


def _binary(entity: Entity) -> tuple[DraftField, Any]:
    on = key(entity.get("payload_on", "ON")) or "ON"
    off = key(entity.get("payload_off", "OFF")) or "OFF"
    word = str(entity.get("device_class", ""))
    if word in _LEVELS:
        yes, no = _LEVELS[word]
        return DraftField(keys={"values": {on: yes, off: no}}), on
    for name in ("name", "object_id", "unique_id"):
        found = guess.field_of(str(entity.get(name, "")), True)
        values: list[str] = list(found.keys.get("values", {}).values()) if found else []
        if len(values) == 2:
            field = DraftField(keys={"values": {on: values[0], off: values[1]}})
            field.comment = f"guessed from the name {entity[name]}"
            return field, on
    raise _Cannot(f"nothing is known of a binary sensor of class {word or 'none'}")


def _sensor(entity: Entity) -> tuple[DraftField, Any]:
    word, unit = str(entity.get("device_class", "")), entity.get("unit_of_measurement")
    unit = unit if type(unit) is str else ""
    register = _REGISTERS.get(word)
    if register is None:
        name = str(entity.get("name") or word)[:64].strip()
        if not unit or not name.isprintable() or not name or name in REGISTER_UNITS:
            raise _Cannot(f"nothing is known of a sensor of class {word or 'none'} without a unit")
        return DraftField(keys={"own_register": name, "unit": unit[:16]}), 1
    try:
        units.in_kept_unit(register, 1.0, unit)
    except Unreadable:
        raise _Cannot(f"{unit} is no unit of {register} that Anju converts") from None
    return DraftField(keys={"register": register} | ({"unit": unit} if unit else {})), 1


# ── whether it is there ──────────────────────────────────────────────────────────────────────────


def _availability(entity: Entity) -> Iterator[tuple[Entity, dict[str, str]]]:
    listed = entity.get("availability")
    several = [_long(one) for one in listed if type(one) is dict] if type(listed) is list else []
    if type(entity.get("availability_topic")) is str:
        several.append(
            dict(entity) | {"topic": entity["availability_topic"], "value_template": None}
        )
    for one in several:
        yes = key(one.get("payload_available", "online")) or "online"
        no = key(one.get("payload_not_available", "offline")) or "offline"
        yield one, {yes: "online", no: "offline"}


def _add_presence(draft: Draft, where: Entity, values: dict[str, str]) -> None:
    try:
        topic = _template(draft, where.get("topic"))
        field = DraftField(keys={"topic": topic, **_path("", where), "values": values})
    except _Cannot as error:
        comment = f"left out: availability: {error}"
        if comment not in draft.comments:
            draft.comments.append(comment)
        return
    if not any(field.keys == other.keys for other in draft.fields):
        draft.fields.append(field)
        _sample(draft, field, next(iter(values)))


def _sample(draft: Draft, field: DraftField, said: Any) -> None:
    if len(draft.samples) >= _MOST_SAMPLES:
        return
    value: Any = {"true": True, "false": False}.get(said, said) if type(said) is str else said
    payload = str(said)
    if "path" in field.keys:
        for step in reversed(paths.parse(field.keys["path"]).steps):
            value = [*[None] * step, value] if isinstance(step, int) else {step: value}
        payload = json.dumps(value, ensure_ascii=False)
    topic = field.keys["topic"].replace(PREFIX, draft.prefix).replace(DEVICE, draft.device)
    draft.samples.append({"topic": topic, "payload": payload})


def _forms(draft: Draft) -> None:
    """Which topics carry JSON and which a bare value; a topic that would be both keeps its JSON."""
    json_topics = {each.keys["topic"] for each in draft.fields if "path" in each.keys}
    kept = []
    for each in draft.fields:
        if "path" in each.keys or each.keys["topic"] not in json_topics:
            kept.append(each)
        else:
            draft.comments.append(f"left out: a bare value on {each.keys['topic']}, which is JSON")
    draft.fields = kept
    draft.topics = [one for one in draft.topics if any(f.keys["topic"] == one for f in kept)]
    if not json_topics:
        draft.keys["payload"] = "text"
        return
    for each in kept:
        if each.keys["topic"] not in json_topics:
            each.keys = {**each.keys, "payload": "text"}
