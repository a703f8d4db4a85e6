"""What an import leaves in people's hands: the template to fill in, and the result to keep."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import openpyxl
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from alerting.fleet.export import plain
from alerting.fleet.importing.plan import Planned
from alerting.fleet.importing.rows import HEADINGS, NATIVE
from alerting.fleet.importing.run import Imported
from alerting.wording.importing import cell_texts, field_text, verdict_text
from alerting.wording.words import ROLE, look_up
from devices.registry import FAMILIES

_WIDTHS = {"id": 20, "child_id": 26, "elder": 16, "home": 26, "source": 18}
_TEXT_FORMAT = "@"
_EXAMPLES = (
    ("示例 btn-0001", "直连", "", "", "sos_button", "李演示", "13900000000", "", "卧室", "", ""),
    (
        *("示例 smoke-0301", "zigbee2mqtt", "村网关", "0x00158d0000000301", "smoke_detector"),
        *("", "", "演示路 1 号 301", "客厅", "GS361A-H04", "HEIMAN"),
    ),
)


def template(lang: str) -> bytes:
    """An XLSX with headings, two rows marked as examples, and the words that are understood.

    Its cells are formatted as text, so that no IMEI is rounded and no room becomes a date.
    """
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "devices"
    english = lang == "en"
    names = [field if english else HEADINGS[field][0] for field in HEADINGS]
    sheet.append(names)
    roles = [look_up(ROLE, role, lang) for role in ROLE]
    for example in _EXAMPLES:
        row = [look_up(ROLE, one, lang) if one in ROLE else one for one in example]
        if english:
            row = [{"直连": NATIVE}.get(one, one.replace("示例", "example")) for one in row]
        sheet.append(row)
    for number, field in enumerate(HEADINGS, 1):
        column = sheet.cell(1, number).column_letter
        sheet.column_dimensions[column].width = _WIDTHS.get(field, 14)
        sheet.cell(1, number).font = Font(bold=True)
        for line in range(2, 502):
            sheet.cell(line, number).number_format = _TEXT_FORMAT
        for line in range(2, 2 + len(_EXAMPLES)):
            sheet.cell(line, number).fill = PatternFill("solid", fgColor="EEEEEE")
    sheet.freeze_panes = "A2"
    words = book.create_sheet("words" if english else "可填的词")
    for index in range(max(len(roles), len(FAMILIES))):
        words.append([_at(roles, index), _at(list(ROLE), index), "", _at(list(FAMILIES), index)])
    choose = DataValidation(
        type="list", formula1=f"'{words.title}'!$A$1:$A${len(roles)}", allow_blank=True
    )
    choose.showErrorMessage = False  # other words are understood too
    sheet.add_data_validation(choose)
    place = list(HEADINGS).index("role") + 1
    choose.add(f"{sheet.cell(1, place).column_letter}2:{sheet.cell(1, place).column_letter}501")
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _at(texts: Sequence[str], index: int) -> str:
    return texts[index] if index < len(texts) else ""


def result_csv(result: Imported, lang: str) -> str:
    """Row by row what became of a file, with the MQTT accounts of new native devices."""
    written = io.StringIO()
    writer = csv.writer(written)
    head = ("row", "id", "verdict", "problem", "mqtt_username", "mqtt_password")
    chinese = ("行", "设备编号", "结果", "问题", "MQTT 用户名", "MQTT 密码")
    writer.writerow(head if lang == "en" else chinese)
    for row in result.rows:
        account = row.credentials
        writer.writerow(
            [
                row.line.row,
                plain(row.line.values["id"]),
                verdict_text(row.verdict, lang),
                plain("; ".join(problem_texts(result, row, lang))),
                account.username if account else "",
                account.password if account else "",
            ]
        )
    return written.getvalue()


def problem_texts(result: Imported, row: Planned, lang: str) -> list[str]:
    """`用途 “烟雾器”：没有这种用途；下列之一：…` for each thing that is wrong with a row."""
    found = []
    for one in row.problems:
        column = result.lines.columns.get(one.field) or field_text(one.field, lang)
        why, right = cell_texts(one.code, one.values, lang)
        value = f" “{one.value}”" if one.value else ""
        between, end = ("：", "；") if lang != "en" else (": ", "; ")
        found.append(f"{column}{value}{between}{why}{end}{right}")
    return found
