"""Strict building blocks for reading what devices send: one bad part does not cost the others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import msgspec

MAX_PAYLOAD = 64 * 1024
MAX_INVENTORY = 1024 * 1024  # a bridge lists all its children in one message
MAX_DEPTH = 16
MAX_NUMBER = 1e15
MAX_INTEGER = 2**63
MAX_NAME = 256

REASONS = {
    "empty_payload": ("消息没有内容", "the message has no content"),
    "too_large": ("消息过大", "the message is too large"),
    "not_utf8": ("不是 UTF-8 文本", "not UTF-8 text"),
    "not_json": ("不是有效的 JSON", "not valid JSON"),
    "too_deep": ("嵌套层数过多", "nested too deeply"),
    "nul_character": ("文本中含有空字符", "a text contains a NUL character"),
    "number_out_of_range": ("数值超出范围", "a number is out of range"),
    "wrong_type": ("字段类型不对", "a field has the wrong type"),
    "missing": ("缺少必需的字段", "a required field is missing"),
    "bad_time": ("时间无法识别", "a time cannot be read"),
    "bad_device_id": ("设备编号不合规", "the device id is not allowed"),
    "bad_name": ("名称过长或含有控制字符", "a name is too long or has control characters"),
    "unknown_unit": ("单位无法识别", "the unit is not known for this register"),
    "unknown_family": (
        "该接入源的设备族无法识别（映射文件有错？）",
        "the source's device family is not known (a broken mapping?)",
    ),
    "undecoded": ("平台没有解码设备的数据", "the platform did not decode the device's data"),
    "encrypted": ("消息已加密，请在平台关闭加密", "the message is encrypted; switch that off"),
    "not_from_device": ("平台自身的通知，不是设备消息", "the platform's own notice, no device's"),
    "unknown_topic": ("主题无法识别", "nothing is known to speak on this topic"),
}
"""First word of every reason, with what it means in zh-CN and English.

`wrong_type:FIELD` and `missing:FIELD` name a field that is written in the code, never one that a
device made up, so that the reasons stay countable as a metric's label.
"""

_DECIMAL = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,4})?", re.ASCII)
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

P = ParamSpec("P")
T = TypeVar("T")


class Unreadable(Exception):
    """A message, or a part of one, cannot be used. Never leaves `devices`.

    `reason` is a word of `REASONS`, with `:field` behind it where that helps.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def attempt(faults: list[str], read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """`read(…)`, or None with the reason noted in `faults`: one bad part must not cost the rest."""
    try:
        return read(*args, **kwargs)
    except Unreadable as error:
        faults.append(error.reason)
        return None


def read_text(payload: bytes, *, limit: int = MAX_PAYLOAD) -> str:
    """The payload as stripped text. Raises `Unreadable` (too_large, not_utf8, nul_character)."""
    if len(payload) > limit:
        raise Unreadable("too_large")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        raise Unreadable("not_utf8") from None
    if "\0" in text:
        raise Unreadable("nul_character")
    return text


def read_json(payload: bytes, faults: list[str], *, limit: int = MAX_PAYLOAD) -> Any:
    """The payload as JSON values that any database can store.

    Keys lose surrounding spaces. What must not be stored (NUL characters, lone surrogates,
    integers beyond 64 bits, floats beyond 1e15, levels below the 16th) becomes None, and the
    reason is added to `faults`. Raises `Unreadable` when nothing can be saved: empty_payload,
    too_large, not_utf8, nul_character, not_json, too_deep.
    """
    if len(payload) > limit:
        raise Unreadable("too_large")
    payload = payload.removeprefix(_BYTE_ORDER_MARK)
    if not payload:
        raise Unreadable("empty_payload")
    if b"\0" in payload:  # firmware that sends the C string with its terminator
        raise Unreadable("nul_character")
    try:
        value = msgspec.json.decode(payload)
    except UnicodeDecodeError:
        raise Unreadable("not_utf8") from None
    except RecursionError:
        raise Unreadable("too_deep") from None
    except msgspec.DecodeError:
        value = _read_patiently(payload)
    return _scrub(value, 0, faults)


def _read_patiently(payload: bytes) -> Any:
    """The same JSON through the standard library, for what msgspec refuses whole.

    It reads 1e999 as infinity and a lone surrogate as it stands, so that only they are lost.
    """
    try:
        return json.loads(payload.decode(), parse_int=_integer, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise Unreadable("not_utf8") from None
    except ValueError:
        raise Unreadable("not_json") from None
    except RecursionError:
        raise Unreadable("too_deep") from None


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= 20 else MAX_INTEGER  # only "too big" matters


def _refuse_constant(word: str) -> None:
    raise ValueError(word)


def _scrub(value: Any, depth: int, faults: list[str]) -> Any:
    """A copy without anything that must not be stored; see `read_json`."""
    kind = type(value)
    if kind is str:
        fault = _text_fault(value)
    elif kind is int:
        fault = None if -MAX_INTEGER <= value < MAX_INTEGER else "number_out_of_range"
    elif kind is float:
        fault = None if -MAX_NUMBER <= value <= MAX_NUMBER else "number_out_of_range"
    elif kind is not dict and kind is not list:
        return value
    elif depth >= MAX_DEPTH:
        fault = "too_deep"
    elif kind is list:
        return [_scrub(item, depth + 1, faults) for item in value]
    else:
        return _scrub_object(value, depth + 1, faults)
    if fault is None:
        return value
    faults.append(fault)
    return None


def _scrub_object(value: dict[str, Any], depth: int, faults: list[str]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for key, item in value.items():
        fault = _text_fault(key)
        if fault is not None:
            faults.append(fault)
            continue
        name = key.strip()
        if name == key or name not in value:  # `"smoke "` must not overwrite a proper `"smoke"`
            clean[name] = _scrub(item, depth, faults)
    return clean


def _text_fault(text: str) -> str | None:
    if "\0" in text:
        return "nul_character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "not_utf8"
    return None


def number(value: Any, field: str) -> float:
    """A finite number within ±1e15; numbers written as strings are accepted, booleans are not."""
    if type(value) is str:
        if not _DECIMAL.fullmatch(value.strip()):
            raise Unreadable(f"wrong_type:{field}")
        value = float(value)
    elif type(value) is not float and type(value) is not int:
        raise Unreadable(f"wrong_type:{field}")
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise Unreadable("number_out_of_range")
    return float(value)


def number_if_any(value: Any, field: str, faults: list[str]) -> float | None:
    """A number; None where none was said, or one that cannot be read, which is noted."""
    return None if value in (None, "") else attempt(faults, number, value, field)


def text(value: Any, field: str, *, longest: int = 64) -> str:
    """A stripped, printable text of 1 to `longest` characters; absent is `missing:field`."""
    if value is None:
        raise Unreadable(f"missing:{field}")
    if type(value) is not str:
        raise Unreadable(f"wrong_type:{field}")
    value = value.strip()
    if not 1 <= len(value) <= longest or not value.isprintable():
        raise Unreadable(f"wrong_type:{field}")
    return str(value)


def label(value: Any, *, longest: int = 128) -> str:
    """A text that is only shown: what cannot be printed, or is none, becomes ""."""
    return value.strip()[:longest] if type(value) is str and value.isprintable() else ""


def mapping(value: Any, field: str) -> dict[str, Any]:
    """A JSON object."""
    if type(value) is not dict:
        raise Unreadable(f"wrong_type:{field}")
    return value


def child_name(value: str) -> str:
    """A device's name out of a topic: any Unicode but control characters, 1 to 256 long.

    Returned as it came, because it must equal the topic; full-width and joining spaces are names'.
    """
    if not 1 <= len(value) <= MAX_NAME or _CONTROL.search(value):
        raise Unreadable("bad_name")
    return value


def moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """An RFC 3339 time in UTC; None and "" mean that none was said.

    A time without a zone is local to `zone`. Seconds or milliseconds since 1970 are accepted
    (what they are worth is for `devices.times.settle` to say). Raises `Unreadable("bad_time")`.
    """
    if value is None or value == "":
        return None
    try:
        if type(value) is str:
            at = _parse_time(value.strip())
        elif type(value) is int or type(value) is float:
            at = datetime.fromtimestamp(value / 1000 if abs(value) >= 1e11 else value, UTC)
        else:
            raise ValueError(value)
        return at_utc(at, zone)
    except (ValueError, OverflowError, OSError):
        raise Unreadable("bad_time") from None


def at_utc(at: datetime, zone: ZoneInfo) -> datetime:
    """The same instant in UTC; without a zone it is local to `zone`. May raise OverflowError."""
    if at.tzinfo is UTC:
        return at
    return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)


def _parse_time(words: str) -> datetime:
    try:
        return msgspec.convert(words, datetime)
    except msgspec.ValidationError:  # "+0800" without a colon, no seconds
        if not _DATE_AND_TIME.match(words):
            raise ValueError(words) from None
        return datetime.fromisoformat(words)
