"""What IoT platforms' HTTP pushes have in common: envelope, identity, time, numbering."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from devices import parts, products, vocabulary, words
from devices.event import Decoded, InventoryItem, Message, Presence
from devices.family import DeviceFamily, Sample, SourceView
from devices.parts import Unreadable, attempt
from devices.times import settle
from devices.vocabulary import Speaker

ROOT = "push"
CAPABILITIES = words.listed(
    "sos sos_cancel button fall fall_cancel smoke smoke_clear heat heat_clear gas gas_clear "
    "leak leak_clear tamper tamper_clear battery_low battery_ok fault fault_clear "
    "power_outage power_restored motion no_motion door_open door_closed location mute test "
    "heartbeat temperature battery_pct rssi_dbm heart_rate spo2 systolic diastolic "
    "water_total water_flow energy_total power voltage current smoke_density"
)
MAX_BODY = 256 * 1024
MAX_REPORTS = 500  # in one body
_BASIC_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z?)", re.ASCII)
_NAMED = re.compile(
    rb'"(?:deviceId|device_id|dev_id|deviceName)"\s*:\s*"?([A-Za-z0-9_.:-]{1,128})', re.ASCII
)
_RAW = re.compile(r"(?=.*[0-9+/=])(?!\d+$)[A-Za-z0-9+/]{8,}={0,2}", re.ASCII)

One = Callable[[Any, Message, SourceView], Decoded]
"""What one report of a body meant; must not raise."""

_encode = msgspec.json.Encoder(order="sorted").encode


def family(
    *,
    name: str,
    title_zh: str,
    title_en: str,
    decode: Callable[[Message, SourceView], Decoded],
    samples: tuple[Sample, ...],
    liveness: str,
    quirks: tuple[str, ...],
) -> DeviceFamily:
    """A family whose messages are pushed to `name`. What is behind a platform can be anything."""
    return DeviceFamily(
        name=name,
        title_zh=title_zh,
        title_en=title_en,
        default_prefix=f"{ROOT}/{name}",
        subscriptions=lambda _prefix: (),
        roots=lambda _prefix: (),
        is_push=True,
        decode=decode,
        samples=samples,
        capabilities=CAPABILITIES + vocabulary.own_words(samples),
        reports_every_s=25 * 3600,  # NB-IoT detectors speak once a day
        liveness=liveness,
        quirks=quirks,
    )


def decode(
    message: Message, source: SourceView, one: One, unwrap: Callable[[Any], Any] = lambda body: body
) -> Decoded:
    """Every report of a body through `one`, which names whose it is. Never raises."""
    faults: list[str] = []
    try:
        said = unwrap(parts.read_json(message.payload, faults, limit=MAX_BODY))
        listed = said if type(said) is list else [said]
        if not listed or len(listed) > MAX_REPORTS:
            raise Unreadable("too_large" if listed else "missing:payload")
        return together([_guarded(one, each, message, source) for each in listed], faults)
    except Unreadable as error:
        return _unreadable(message.payload, error.reason)


def _guarded(one: One, report: Any, message: Message, source: SourceView) -> Decoded:
    """A report that a family trips over, a fault of ours, costs the others nothing and is told of
    its own device."""
    try:
        return one(report, message, source)
    except Exception as error:
        return _unreadable(_encode(report), f"family_error:{type(error).__name__}")


def _unreadable(payload: bytes, reason: str) -> Decoded:
    """Nothing of it can be used; if it still names one device, that is the culprit."""
    named = set(_NAMED.findall(payload[:MAX_BODY]))
    culprit = named.pop().decode() if len(named) == 1 else None
    return Decoded(quarantined=reason, culprit=culprit)


def child_id(value: Any, field: str) -> str:
    """A platform's name for a device; whole numbers (OneNET's `dev_id`) are names too."""
    if type(value) is int:
        value = str(value)
    return parts.text(value, field, longest=128)


def known_as(child: str, imei: Any, source: SourceView) -> str:
    """The name under which the device is registered: the platform's, or the IMEI on its label."""
    if child not in source.roles and type(imei) is str and imei in source.roles:
        return imei
    return child


def introduction(
    child: str, imei: Any, product: Any, source: SourceView
) -> tuple[InventoryItem, ...]:
    """A stranger's IMEI and product, once, so that an installer finds it by what its label says."""
    is_name = type(imei) is str and imei.isdigit() and 14 <= len(imei) <= 17
    if not is_name or child in source.roles or source.aliases.get(imei) == child:
        return ()
    model = str(product)[:64] if type(product) in (str, int) else ""
    return (InventoryItem(child_id=child, name=imei, model=model),)


def platform_time(value: Any, zone: ZoneInfo) -> datetime | None:
    """UTC. Huawei writes `20200401T182505Z`; the others RFC 3339 or milliseconds since 1970.

    A time that cannot be read costs nothing: then it is the time of receipt.
    """
    match = _BASIC_TIME.fullmatch(value.strip()) if type(value) is str else None
    if match is not None:
        year, month, day, hour, minute, second, utc = match.groups()
        value = f"{year}-{month}-{day}T{hour}:{minute}:{second}{utc}"
    elif type(value) is str and value.strip().isdecimal() and len(value.strip()) in (10, 13):
        value = int(value)
    return attempt([], parts.moment, value, zone)


def key_of(at: datetime | None, received_at: datetime, *said: Any) -> str | None:
    """What numbers an event: the same report has the same key in whatever callback it comes.

    None where there is no believable time: a device whose clock stands still says the same
    thing twice and means it.
    """
    if at is None or settle(at, received_at).clock_fault is not None:
        return None
    digest = hashlib.blake2b(_encode(said), digest_size=9).hexdigest()
    return f"{int(at.timestamp() * 1000)}-{digest}"


def inner(text: str) -> Any:
    """JSON values out of a text inside a body; raises `Unreadable`."""
    faults: list[str] = []
    value = parts.read_json(text.encode(), faults, limit=MAX_BODY)
    if faults:
        raise Unreadable(faults[0])
    return value


def fields_of(value: Any, field: str) -> dict[str, Any]:
    """A report's fields, which may come as text; raises `Unreadable` for bytes nobody decoded."""
    if type(value) is str:
        if not value.strip().startswith("{"):
            raise Unreadable("undecoded")
        value = inner(value)
    return parts.mapping(value, field)


def is_raw(value: Any) -> bool:
    """Does it look like a device's bytes, in hex or base64, that no codec has touched?"""
    return type(value) is str and _RAW.fullmatch(value.strip()) is not None


def report(fields: Mapping[str, Any], who: Speaker, source: SourceView) -> Decoded:
    """What one report meant. Bytes that nobody decoded and nothing else: unreadable."""
    faults: list[str] = []
    events, readings = products.read(fields, who, source, faults)
    if not (events or readings or faults) and any(map(is_raw, fields.values())):
        faults.append("undecoded")
    events = [
        msgspec.structs.replace(event, event_id=None) if event.kind == "heartbeat" else event
        for event in events
    ]  # a sign of life is not worth a row of its own, which a number would give it
    return who.said(events, readings, faults)


def pressed(decoded: Decoded) -> Decoded:
    """A press that was told for itself is one each time; only in a status is it a lasting state."""
    events = [
        msgspec.structs.replace(
            event, data={name: value for name, value in event.data.items() if name != "level"}
        )
        for event in decoded.events
    ]
    return msgspec.structs.replace(decoded, events=tuple(events))


def happened(name: Any, value: Any, who: Speaker, source: SourceView) -> Decoded:
    """An event of a thing model, by its identifier or its fields; otherwise under its own name.

    An unknown one from a life-safety device becomes an unconfirmed incident further down.
    """
    faults: list[str] = []
    word = attempt(faults, parts.text, name, "event")
    if word is None:
        return who.said(faults=faults)
    fields = value if type(value) is dict else {word: value} if value not in (None, "") else {}
    events, readings = products.read(fields, who, source, faults, own_words=False)
    if not events:
        stated = next((v for k, v in fields.items() if k.lower() in ("state", "status")), True)
        events, _ = products.read({word: stated}, who, source, faults, own_words=False)
    if not events:
        events, faults = [who.event(word, dict(fields))], []
    return pressed(who.said(events, readings, faults))


def is_one(value: Any, field: str) -> bool:
    """A flag written as 0 or 1, or as the text of it."""
    if value not in (0, 1, "0", "1") or type(value) is bool:
        raise Unreadable(f"missing:{field}" if value is None else f"wrong_type:{field}")
    return str(int(value)) == "1"


def presence(child: str, online: bool, at: datetime | None) -> Decoded:
    return Decoded(presences=(Presence(child_id=child, online=online, at=at),))


def together(reports: Iterable[Decoded], faults: Sequence[str] = ()) -> Decoded:
    """Several reports as the one message they came in; `faults` are the whole body's.

    Named as the culprit is the first device whose report could not be read, or whoever was the
    only one to speak in a damaged body.
    """
    said = list(reports)
    broken = [each for each in said if each.quarantined is not None]
    reasons = [each.quarantined for each in broken] + list(faults)
    culprit = next((each.culprit for each in broken if each.culprit is not None), None)
    if faults and not broken:
        speakers = {child for each in said for child in each.speakers()}
        culprit = speakers.pop() if len(speakers) == 1 else None
    return Decoded(
        events=tuple(event for each in said for event in each.events),
        readings=tuple(reading for each in said for reading in each.readings),
        presences=tuple(one for each in said for one in each.presences),
        inventory=tuple(item for each in said for item in each.inventory),
        heard=tuple(dict.fromkeys(child for each in said for child in each.heard)),
        quarantined=reasons[0] if reasons else None,
        culprit=culprit,
    )
