"""The fleet as a table for a spreadsheet: CSV or XLSX, in either language, nothing runs in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from alerting.fleet.equipment import is_supervisable
from alerting.fleet.overview import FleetRow
from alerting.wording import ROLE, pick

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
COLUMNS: tuple[tuple[str, str], ...] = (
    ("设备编号", "device id"),
    ("用途", "role"),
    ("房间", "room"),
    ("老人", "elder"),
    ("电话", "phone"),
    ("住址", "address"),
    ("片区", "area"),
    ("接入源", "source"),
    ("接入方式", "family"),
    ("型号", "model"),
    ("固件", "firmware"),
    ("状态", "health"),
    ("可监测在线", "supervisable"),
    ("最后消息", "last heard"),
    ("电量（%）", "battery (%)"),
    ("信号（dBm）", "signal (dBm)"),
    ("登记时间", "enrolled"),
    ("投入使用", "in service"),
    ("最近测试", "last test"),
    ("待按测试", "test due"),
)
HEALTH: dict[str, tuple[str, str]] = {
    "online": ("在线", "online"),
    "offline": ("网关断开", "bridge lost"),
    "silent": ("失联", "silent"),
    "never": ("从未上线", "never online"),
    "unsupervisable": ("无法监测在线", "cannot be supervised"),
}
_YES_NO = {True: ("是", "yes"), False: ("否", "no")}
_SHEET = ("设备", "devices")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""Chinese input methods write the wide signs, and some spreadsheets take them for the others."""
Cell = str | float | None


def plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula, whatever a device or a person called itself."""
    text = ILLEGAL_CHARACTERS_RE.sub(" ", text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def headings(lang: str) -> list[str]:
    return [pick(column, lang) for column in COLUMNS]


def cells(row: FleetRow, zone: ZoneInfo, lang: str) -> list[Cell]:
    """One device, in the order of `COLUMNS`; times are local."""
    device, state, elder, home = row.device, row.state, row.elder, row.home
    texts: list[Cell | datetime] = [
        device.id,
        pick(ROLE.get(device.role), lang, device.role),
        device.room,
        elder.name if elder else None,
        elder.phone if elder else None,
        home.address if home else None,
        row.area_name,
        row.source.name,
        device.family,
        device.model,
        device.firmware,
        pick(HEALTH[row.health], lang),
        pick(_YES_NO[is_supervisable(device)], lang),
        state.last_heard_at if state else None,
        state.battery_pct if state else None,
        state.rssi_dbm if state else None,
        device.enrolled_at,
        device.in_service_at,
        device.tested_at,
        pick(_YES_NO[row.test_due], lang),
    ]
    return [_cell(value, zone) for value in texts]


def _cell(value: Any, zone: ZoneInfo) -> Cell:
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return plain(value) if isinstance(value, str) else value


def as_csv(rows: Iterable[FleetRow], zone: ZoneInfo, lang: str) -> bytes:
    """UTF-8 with a byte order mark: without one Excel shows Chinese as noise."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings(lang))
    writer.writerows(cells(row, zone, lang) for row in rows)
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Iterable[FleetRow], zone: ZoneInfo, lang: str) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(pick(_SHEET, lang))
    sheet.freeze_panes = "A2"
    sheet.append(headings(lang))
    for row in rows:
        sheet.append(cells(row, zone, lang))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def exported(kind: str, rows: Iterable[FleetRow], zone: ZoneInfo, lang: str = "zh") -> bytes:
    """The rows as `csv` or `xlsx`, in `zh` or `en`."""
    make = as_xlsx if kind == "xlsx" else as_csv
    return make(rows, zone, lang)
