"""Spreadsheets as towns really save them: every cell read as meant, or refused with a reason."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.fleet.importing.report import template
from alerting.fleet.importing.rows import Lines, read_lines
from alerting.fleet.importing.sheet import MAX_BYTES, MAX_ROWS, SheetError, cell_of, read_sheet
from alerting.wording.importing import CELL, FIELD, SHEET, VERDICT, cell_texts, sheet_text

HEAD = ("设备编号", "类型", "接入源", "设备地址", "用途", "老人", "住户", "房间", "型号")


def xlsx(*rows: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def lines_of(data: bytes) -> Lines:
    return read_lines(read_sheet(data))


@pytest.mark.parametrize(
    ("value", "text", "doubt"),
    [
        (None, "", None),
        ("  btn-0001 ", "btn-0001", None),
        ("卧室\n东", "卧室 东", None),
        (42, "42", None),
        (42.0, "42", None),
        (865012345678901, "865012345678901", None),
        (8.65012345678901e14, "865012345678901", None),  # an IMEI that Excel took for a number
        (89860012345678901234, "89860012345678901234", "rounded"),
        (8.9860012345678901e19, None, "rounded"),
        (12.5, "12.5", "not_text"),
        (float("inf"), "inf", "not_text"),
        (True, "TRUE", "not_text"),
        ("8.65012E+14", "8.65012E+14", "rounded"),  # what a CSV keeps of it
        ("8.65012345678901E+14", "865012345678901", None),
        ("1E+05", "1E+05", "rounded"),
        ("3E+0", "3", None),
        ("E+5", "E+5", None),
        ("0x00158d0000000301", "0x00158d0000000301", None),
        (datetime(2026, 3, 1), "2026-03-01 00:00:00", "a_date"),
        (date(2026, 3, 1), "2026-03-01", "a_date"),
        ("#N/A", "#N/A", "excel_error"),
        ("#REF!", "#REF!", "excel_error"),
        ("#12", "#12", None),
        ("a\0b", "a\ufffdb", "unreadable"),
        ("x" * 401, "x" * 400, "too_long"),
    ],
)
def test_a_cell_is_read_as_it_was_meant(value: Any, text: str | None, doubt: str | None) -> None:
    cell = cell_of(value)
    assert cell.doubt == doubt
    assert text is None or cell.text == text


ROW = ("btn-1", "直连", "", "", "呼叫按钮", "李桂兰", "", "卧室", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_of_any_office_program_is_read(encoding: str, delimiter: str) -> None:
    text = "\r\n".join(delimiter.join(row) for row in (HEAD, ROW))
    (line,) = lines_of(text.encode(encoding)).lines
    assert line.problems == ()
    assert (line.row, line.values["id"], line.values["role"]) == (2, "btn-1", "sos_button")
    assert (line.values["family"], line.values["elder"]) == ("native", "李桂兰")


def test_an_xlsx_is_read_with_blank_rows_numbers_and_english_headings() -> None:
    head = ("Device ID", "Family", "Source", "child_id", "ROLE", "备注")
    data = xlsx(
        (), head, (), (1001.0, "Zigbee2MQTT", "bridge", 865012345678901, "Smoke Detector", "x")
    )
    lines = lines_of(data)
    (line,) = lines.lines
    assert (line.row, line.problems, lines.unused) == (4, (), ("备注",))
    assert line.values["id"] == "1001" and line.values["child_id"] == "865012345678901"
    assert (line.values["family"], line.values["role"]) == ("zigbee2mqtt", "smoke_detector")


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"设备编号": ""}, "id", "missing"),
        ({"设备编号": "按钮 1"}, "id", "bad_id"),
        ({"设备编号": "x" * 65}, "id", "bad_id"),
        ({"用途": "烟雾器"}, "role", "unknown_role"),
        ({"用途": ""}, "role", "missing_role"),
        ({"类型": "蓝牙"}, "family", "unknown_family"),
        ({"接入源": "村网关"}, "source", "native_source"),
        ({"设备地址": "0x1"}, "child_id", "native_child"),
        ({"类型": "zigbee2mqtt", "设备地址": "0x1"}, "source", "missing_source"),
        ({"类型": "zigbee2mqtt", "接入源": "村网关"}, "child_id", "missing_child_id"),
        ({"房间": "长" * 101}, "room", "too_long"),
        ({"设备编号": "8.65012E+14"}, "id", "rounded"),
    ],
)
def test_each_mistake_names_its_column_and_what_would_be_right(
    changes: dict[str, str], field: str, code: str
) -> None:
    row = dict(zip(HEAD, ROW, strict=True)) | changes
    text = "\n".join([",".join(HEAD), ",".join(row.values())])
    (line,) = lines_of(text.encode()).lines
    assert [(one.field, one.code) for one in line.problems] == [(field, code)]
    for lang in ("zh", "en"):
        why, right = cell_texts(code, line.problems[0].values, lang)
        assert why and right and "{" not in why + right


def test_a_device_written_twice_is_found() -> None:
    rows = [HEAD, ROW, ROW, ("a", "zigbee2mqtt", "g", "0x1", "烟感", "", "", "", "")]
    rows.append(("b", "zigbee2mqtt", "g", "0x1", "烟感", "", "", "", ""))
    found = [
        (line.row, one.field, one.code, one.values["row"])
        for line in lines_of(xlsx(*rows)).lines
        for one in line.problems
    ]
    assert found == [(3, "id", "twice", 2), (5, "child_id", "twice", 4)]


def test_the_template_is_read_by_its_own_importer_and_its_examples_are_skipped() -> None:
    for lang in ("zh", "en"):
        lines = lines_of(template(lang))
        assert len(lines.lines) == 2 and all(line.is_example for line in lines.lines)
        assert lines.unused == () and len(lines.columns) == 11


def with_part(name: str, body: str) -> bytes:
    """A good file with one part replaced."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx(HEAD, ROW))) as good,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for part in good.namelist():
            packed.writestr(part, body if part == name else good.read(part))
    return written.getvalue()


SHEET_PART = "xl/worksheets/sheet1.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet_with(rows: str, before: str = "") -> bytes:
    xml = f"{before}<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    return with_part(SHEET_PART, xml)


WIDE = sheet_with("<row>" + "<c/>" * 2_000_000 + "</row>")  # 26 KB took 46 s and 1.7 GB
LONG = sheet_with("<row/>" * 2_000_000)
STYLES = with_part(
    "xl/styles.xml", f"<styleSheet {MAIN}><cellXfs>{'<xf/>' * 500_000}</cellXfs></styleSheet>"
)
ENTITIES = sheet_with(
    "<row>&b;</row>",
    f'<!DOCTYPE w [<!ENTITY a "{"<c/>" * 1000}"><!ENTITY b "{"&a;" * 1000}">]>',
)


def test_a_full_sheet_of_forty_columns_is_no_bomb() -> None:
    head = (*HEAD, *(f"列{number}" for number in range(31)))
    row = (*ROW, *(f"值 {number}" for number in range(31)))
    assert len(lines_of(xlsx(head, *[row] * 1_000)).lines) == 1_000


def bomb() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * (40 * 2**20))
    return written.getvalue()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        ("设备编号,用途\n".encode(), "empty"),
        (b"x" * (MAX_BYTES + 1), "too_big"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old_excel"),
        (b"PK\x03\x04 nonsense", "broken"),
        (xlsx(HEAD, ROW)[:-200], "broken"),
        (bomb(), "bomb"),
        (WIDE, "bomb"),
        (LONG, "bomb"),
        (STYLES, "bomb"),
        (ENTITIES, "bomb"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not_a_table"),
        ("姓名,电话\n李,1\n".encode(), "heading_missing"),
        ("编号,设备编号,用途\n1,2,烟感\n".encode(), "heading_twice"),
        (("编号,用途\n" + "a,烟感\n" * (MAX_ROWS + 1)).encode(), "too_many_rows"),
        (b'id,role\n"' + b"x" * 200_000, "broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_file_that_cannot_be_used_says_why(data: bytes, problem: str) -> None:
    with pytest.raises(SheetError) as caught:
        lines_of(data)
    assert caught.value.problem == problem
    for lang in ("zh", "en"):
        assert sheet_text(problem, caught.value.values, lang)


GOOD = (xlsx(HEAD, ROW), "\n".join([",".join(HEAD), ",".join(ROW)]).encode())


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A good file with a piece of it replaced, cut out or doubled."""
    data = draw(st.sampled_from(GOOD))
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(start + 64, len(data))))
    return data[:start] + draw(st.binary(max_size=64)) + data[end:]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=2000), spoiled(), st.text(max_size=500).map(str.encode)))
def test_any_bytes_are_read_or_refused_and_never_raise(data: bytes) -> None:
    try:
        lines = lines_of(data).lines
    except SheetError as error:
        lines = ()
        sheet_text(error.problem, error.values, "zh")  # a KeyError where it has no words
    for line in lines:
        for one in line.problems:
            assert one.code in CELL and one.field in FIELD


def test_every_text_of_an_import_exists_in_both_languages() -> None:
    for texts in (*SHEET.values(), *FIELD.values(), *VERDICT.values(), *CELL.values()):
        assert all(texts)
        half = len(texts) // 2
        assert not any("\u4e00" <= sign <= "\u9fff" for text in texts[half:] for sign in text)
