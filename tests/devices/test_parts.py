"""The building blocks refuse what must not be stored, and save what stands beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devices import parts
from devices.parts import Unreadable

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty_payload"),
        (b"\xef\xbb\xbf", "empty_payload"),
        (b"   ", "not_json"),
        (b"{", "not_json"),
        (b'{"a":1}x', "not_json"),
        (b'{"a":1}{"a":2}', "not_json"),
        (b"{'a':1}", "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":-Infinity}', "not_json"),
        (b'{"a":1e999,"b":NaN}', "not_json"),
        (b'{"a":1e999', "not_json"),
        (b'{"a":"\\ud800"', "not_json"),
        (b'{"a":1}\x00', "nul_character"),
        (b'{"a":"\xff"}', "not_utf8"),
        (b'{"a":1e999,"b":"\xff"}', "not_utf8"),
        ("{".encode("utf-16"), "nul_character"),
        ("中文".encode("gb18030"), "not_utf8"),
        (b"[" * 50_000, "too_deep"),
        (b'"' + b"a" * parts.MAX_PAYLOAD + b'"', "too_large"),
    ],
)
def test_json_that_is_refused_whole(payload: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        parts.read_json(payload, [])
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("payload", "value", "faults"),
    [
        (b'{"a":"x\\u0000y","b":1}', {"a": None, "b": 1}, ["nul_character"]),
        (b'{"a\\u0000":1,"b":1}', {"b": 1}, ["nul_character"]),
        (b'{"a":"\\ud800","b":1e999}', {"a": None, "b": None}, ["not_utf8", "number_out_of_range"]),
        (b'{"a":9223372036854775807}', {"a": 2**63 - 1}, []),
        (b'{"a":9223372036854775808}', {"a": None}, ["number_out_of_range"]),
        (b'{"a":-9223372036854775808}', {"a": -(2**63)}, []),
        (b"[-9223372036854775809, 7]", [None, 7], ["number_out_of_range"]),
        (b"[" + b"9" * 5000 + b", 7]", [None, 7], ["number_out_of_range"]),
        (b"[1e15, 1.1e15, -1.1e15]", [1e15, None, None], ["number_out_of_range"] * 2),
        (b"[1e999, 7]", [None, 7], ["number_out_of_range"]),
        (b'{"a ":1, " b":2}', {"a": 1, "b": 2}, []),
        (b'{"a":1, "a ":2}', {"a": 1}, []),
        (b'{"a ":2, "a":1}', {"a": 1}, []),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}, []),
        ('{"名":"奶奶 🛏"}'.encode(), {"名": "奶奶 🛏"}, []),
        (b'{"a":[null,true,"\\ud83d\\ude00"]}', {"a": [None, True, "😀"]}, []),
    ],
)
def test_json_that_is_saved_around_the_bad_part(
    payload: bytes, value: Any, faults: list[str]
) -> None:
    noted: list[str] = []
    assert parts.read_json(payload, noted) == value
    assert noted == faults


def test_sixteen_levels_are_read_and_the_seventeenth_is_not() -> None:
    faults: list[str] = []
    assert parts.read_json(b"[" * 16 + b"]" * 16, faults) == json.loads("[" * 16 + "]" * 16)
    assert faults == []
    beside = parts.read_json(b'{"deep":' + b"[" * 16 + b"]" * 16 + b',"smoke":true}', faults)
    assert beside["smoke"] is True
    assert faults == ["too_deep"]


def test_an_inventory_may_be_larger_than_a_message() -> None:
    payload = b'"' + b"a" * parts.MAX_PAYLOAD + b'"'
    assert len(parts.read_json(payload, [], limit=parts.MAX_INVENTORY)) == parts.MAX_PAYLOAD


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7.0), (-0.5, -0.5), ("12.05", 12.05), (" +27990 ", 27990.0), ("000", 0.0), (".5", 0.5),
     ("1e3", 1000.0), ("60.", 60.0), (1e15, 1e15)],
)  # fmt: skip
def test_numbers_and_numbers_as_text(value: Any, number: float) -> None:
    assert parts.number(value, "value") == number


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "wrong_type:value"),
        (None, "wrong_type:value"),
        ([1], "wrong_type:value"),
        ("", "wrong_type:value"),
        ("nan", "wrong_type:value"),
        ("inf", "wrong_type:value"),
        ("1_000", "wrong_type:value"),
        ("１２", "wrong_type:value"),
        ("12,5", "wrong_type:value"),
        ("0x10", "wrong_type:value"),
        ("1e999", "number_out_of_range"),
        ("9" * 30, "number_out_of_range"),
        (-1.1e15, "number_out_of_range"),
        (2**62, "number_out_of_range"),
    ],
)
def test_what_is_no_number(value: Any, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        parts.number(value, "value")
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-03-01T08:15:30.120+08:00", datetime(2026, 3, 1, 0, 15, 30, 120_000, UTC)),
        ("2026-03-01T00:15:30Z", datetime(2026, 3, 1, 0, 15, 30, tzinfo=UTC)),
        ("2026-03-01 08:15:30", datetime(2026, 3, 1, 0, 15, 30, tzinfo=UTC)),
        ("2026-03-01T08:15", datetime(2026, 3, 1, 0, 15, tzinfo=UTC)),
        ("2026-03-01T08:15:30+0800", datetime(2026, 3, 1, 0, 15, 30, tzinfo=UTC)),
        (1772324130, datetime(2026, 3, 1, 0, 15, 30, tzinfo=UTC)),
        (1772324130120, datetime(2026, 3, 1, 0, 15, 30, 120_000, UTC)),
        (194, datetime(1970, 1, 1, 0, 3, 14, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_times(said: Any, at: datetime | None) -> None:
    moment = parts.moment(said, SHANGHAI)
    assert moment == at
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    "said",
    ["yesterday", "2026-03-01", "2026-W09-7", "20260301T081530", "08:15:30", "2026-02-30T00:00:00Z",
     "2026-03-01T24:10:00Z", "2026-03-01T08:15:30+99:00", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00", 1e15, -1e14, True, [], {}],
)  # fmt: skip
def test_what_is_no_time(said: Any) -> None:
    with pytest.raises(Unreadable, match=r"^bad_time$"):
        parts.moment(said, SHANGHAI)


@pytest.mark.parametrize(
    "name", ["奶奶 床头", "a/b c/ä", "全角\u3000空格", "👩\u200d🦳 room", " edge ", "x" * 256]
)
def test_names_of_any_script_are_kept_as_they_are(name: str) -> None:
    assert parts.child_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 257, "a\nb", "a\0b", "a\x7fb", "a\udcffb", "a\u2028b"])
def test_names_that_would_break_a_page_or_a_database(name: str) -> None:
    with pytest.raises(Unreadable, match=r"^bad_name$"):
        parts.child_name(name)


def test_every_reason_is_explained_in_both_languages() -> None:
    assert all(zh and en for zh, en in parts.REASONS.values())
