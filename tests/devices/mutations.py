"""Messages as no device ever sent them: samples rewritten or chewed on, and random ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from devices.family import Sample

WORDS = sorted(
    """
    id at kind data readings register value unit battery_pct rssi_dbm state online offline sos
    smoke water_total kWh m3 action emergency single battery linkquality last_seen device ieeeAddr
    gas carbon_monoxide occupancy contact energy voltage fall_down_status type ieee_address
    friendly_name definition exposes property features device_leave 0x00158d0001020304 L water_leak
    ENERGY Total ZbReceived Device Time RfReceived Button1 Action params events component method
    alarm status total_m3 media object decoded_payload press log_volume_m3 delta_1_m3 model learn
    ts values heartRate location isWearing identifiers device_class energy_l1 alarm_counter
    deviceId payload Alarm_Status devState MessageType DEVSOS msg ds_id dev_id params services
    serviceData eventContent notify_data smoke_state 20260412T055900Z
    """.split()  # noqa: SIM905
)
OTHER_TOPICS = (
    *("bridge/state", "bridge/devices", "bridge/groups", "bridge/event", "bridge/new", "bridge"),
    *("", "/", "a//b", "x/event", "x/telemetry", "x/status", "x/ack", "x/y/z", "x/availability"),
    *("x/action", "events/rpc", "x/events/rpc", "x/status/smoke:0", "stat/x/RESULT", "tele/x/LWT"),
    *("x/LWT", "x/SENSOR", "telemetry", "connect", "a/device/b/event/up", "a/devices/b/up"),
    *("a/devices/b/down/queued", "x/events", "binary_sensor/x/config", "g616/status/1"),
)
words = st.sampled_from(WORDS) | st.text(max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63), 10**30, 1e15, -1.1e15, 1767229200123, 0, 1])
    | st.floats()
    | words
    | st.sampled_from(["2026-03-01T08:15:30+08:00", "9999-12-31T23:59:59-14:00", "12.5", "a\0b"])
    | st.sampled_from(["2026-04-12", "SMOKE", "OK", "ON", "Online", "true", "maybe", ""])
)
values = leaves | st.lists(leaves, max_size=3) | st.dictionaries(words, leaves, max_size=3)
deep_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=12,
)
documents = deep_values.map(
    lambda value: json.dumps(value).encode()
)  # NaN, lone surrogates included


def topics(samples: Sequence[Sample]) -> st.SearchStrategy[str]:
    """Mostly a family's own, sometimes another's or none."""
    own = st.sampled_from(sorted({sample.topic for sample in samples}))
    return own | own | st.sampled_from(OTHER_TOPICS) | st.text(max_size=20)


@st.composite
def rewritten(draw: st.DrawFn, samples: Sequence[Sample]) -> tuple[str, bytes]:
    """A sample whose JSON has some values replaced, removed, renamed or added."""
    sample = draw(st.sampled_from(samples))
    try:
        document = json.loads(_payload(sample))
    except ValueError:
        return sample.topic, draw(documents)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_paths(document))))
        document = _changed(document, path, draw(_CHANGES), draw(words), draw(values))
    is_own = draw(st.booleans())
    return sample.topic if is_own else draw(topics(samples)), json.dumps(document).encode()


_CHANGES = st.sampled_from(["replace", "remove", "rename", "add"])
Path = tuple[Any, ...]


def _paths(document: Any, above: Path = ()) -> Iterator[Path]:
    """Every place in a document, the document itself first."""
    yield above
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _paths(value, (*above, key))
    elif isinstance(document, list):
        for at, value in enumerate(document):
            yield from _paths(value, (*above, at))


def _changed(document: Any, path: Path, change: str, word: str, value: Any) -> Any:
    """The document with one change at `path`; the original stays as it is."""
    if not path:
        is_object = isinstance(document, dict) and change == "add"
        return {**document, word: value} if is_object else value
    key, rest = path[0], path[1:]
    if isinstance(document, list):
        inner = _changed(document[key], rest, change, word, value)
        return [*document[:key], inner, *document[key + 1 :]]
    if rest or change == "replace":
        return document | {key: _changed(document[key], rest, change, word, value)}
    if change == "add":
        return document | {word: value}
    kept = {name: each for name, each in document.items() if name != key}
    return kept | {word: document[key]} if change == "rename" else kept


@st.composite
def damaged(draw: st.DrawFn, samples: Sequence[Sample]) -> tuple[str, bytes]:
    """A sample's message after something on the way chewed on it."""
    sample = draw(st.sampled_from(samples))
    payload = bytearray(_payload(sample))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(payload)))
        length = draw(st.integers(0, 6))
        payload[at : at + length] = draw(st.binary(max_size=4) | words.map(_encoded))
    return sample.topic, bytes(payload[: draw(st.integers(0, len(payload)))] or payload)


def _payload(sample: Sample) -> bytes:
    return sample.payload if isinstance(sample.payload, bytes) else sample.payload.encode()


def _encoded(word: str) -> bytes:
    return word.encode(errors="surrogatepass")
