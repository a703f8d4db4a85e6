"""Codes on devices as makers print them, and what must never be taken for an id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codes import is_imei, parse_code

IEEE = "0x00158d0001a2b3c4"
IMEI = "867321059123457"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("btn-0001", "btn-0001"),
        ("  btn-0001 \n", "btn-0001"),
        ("https://anju.example/install?code=btn-0001", "btn-0001"),
        ("https://old-address.example/anju/install/?code=smoke_7.a", "smoke_7.a"),
        (IEEE, IEEE),
        ("0x00158D0001A2B3C4", "0x00158D0001A2B3C4"),
        ("00158D0001A2B3C4", "00158D0001A2B3C4"),
        ("00:15:8d:00:01:a2:b3:c4", IEEE),
        ("00-15-8D-00-01-A2-B3-C4", "00-15-8D-00-01-A2-B3-C4"),
        ("IEEE: 00 15 8D 00 01 A2 B3 C4", IEEE),
        # Zigbee labels: the address stands beside the install code, which is a key
        ("Z:00158D0001A2B3C4$I:83FED3407A939723A5C639B26916D505C3B5", IEEE),
        ("G$M:1694$S:SOMESERIAL0001$D:00158D0001A2B3C4%Z$A:00158D0001A2B3C4$I:83FED3", IEEE),
        ("IEEE=00158D0001A2B3C4;IC=83FED3407A939723A5C639B26916D505C3B5", IEEE),
        # LoRaWAN TR005: JoinEUI first, then the device's own
        (
            "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOO",
            "0xaabbccddeeff0011",
        ),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122", "0xaabbccddeeff0011"),
        # NB-IoT: an IMEI in a longer text
        (IMEI, IMEI),
        (f"IMEI:{IMEI} SN:A12 NB-IoT 独立式感烟火灾探测报警器", IMEI),
        (f"型号GS524N;IMEI={IMEI};IMSI=460113012345678", IMEI),
        (f"http://m.example.cn/d?sn=77&imei={IMEI}", IMEI),
        ("https://example.com/p/00158d0001a2b3c4", IEEE),
        ("MAC A4:C1:38:0B:0C:0D", "A4C1380B0C0D"),
    ],
)
def test_the_id_is_found(text: str, first: str) -> None:
    found = parse_code(text).candidates
    assert first in found
    if "imei" not in text.lower() or text == IMEI:
        assert found[0] == first


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("00158D0001A2B3C4", IEEE), ("0x00158D0001A2B3C4", IEEE), (IEEE, "00158d0001a2b3c4")],
)
def test_an_address_is_looked_for_in_the_spelling_of_each_bridge(text: str, wanted: str) -> None:
    assert wanted in parse_code(text).candidates


def test_the_join_eui_belongs_to_the_maker_not_to_the_device() -> None:
    text = "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122"
    assert not any("1122334455667788" in one for one in parse_code(text).candidates)


@pytest.mark.parametrize(
    "text",
    [
        "Z:00158D0001A2B3C4$I:83FED3407A939723A5C639B26916D505C3B5",
        "IEEE=00158D0001A2B3C4;IC=83FED3407A939723A5C639B26916D505C3B5",
    ],
)
def test_an_install_code_is_a_key_and_never_an_id(text: str) -> None:
    assert not any("83fed3" in one.lower() for one in parse_code(text).candidates)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "你好",
        "https://example.com/",
        "http://[broken",
        "WIFI:S:home;T:WPA;P:secret;;",
        "合格证 检验员 07",
        "867321059123451 is no IMEI",
    ],
)
def test_what_has_no_id_in_it_names_nothing(text: str) -> None:
    assert parse_code(text).candidates == ()


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("https://anju.example/install?code=btn-1", True),
        ("https://anju.example/install?code=../x", False),
        ("https://other.example/product?code=btn-1", False),
        ("btn-1", False),
    ],
)
def test_only_a_label_of_anju_is_its_own(text: str, own: bool) -> None:
    assert parse_code(text).own is own


@pytest.mark.parametrize(
    ("digits", "right"),
    [(IMEI, True), ("867321059123451", False), ("86732105912345", False), ("new-7", False)],
)
def test_an_imei_has_a_check_digit(digits: str, right: bool) -> None:
    assert is_imei(digits) is right


@given(st.text(max_size=2000))
def test_no_text_breaks_it_and_every_candidate_could_be_typed(text: str) -> None:
    for prefix in ("", "https://", "LW:D0:", "Z:"):
        code = parse_code(prefix + text)
        assert len(code.candidates) <= 1000
        assert all(1 <= len(one) <= 64 and one.isascii() for one in code.candidates)
