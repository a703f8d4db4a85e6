"""The fleet as a table for a spreadsheet: CSV or XLSX, headings in Chinese, nothing runs in it."""

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
HEADINGS = (
    *("设备编号", "用途", "房间", "老人", "电话", "住址", "片区", "接入源", "接入方式", "型号"),
    *("固件", "状态", "可监测在线", "最后消息", "电量（%）", "信号（dBm）", "登记时间"),
    *("投入使用", "最近测试", "待按测试"),
)
HEALTH_ZH = {
    "online": "在线",
    "offline": "网关断开",
    "silent": "失联",
    "never": "从未上线",
    "unsupervisable": "无法监测在线",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Cell = str | float | None


def plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula, whatever a device or a person called itself."""
    text = ILLEGAL_CHARACTERS_RE.sub(" ", text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def cells(row: FleetRow, zone: ZoneInfo) -> list[Cell]:
    """One device, in the order of `HEADINGS`; times are local."""
    device, state, elder, home = row.device, row.state, row.elder, row.home
    texts: list[Cell | datetime] = [
        device.id,
        pick(ROLE.get(device.role), "zh", device.role),
        device.room,
        elder.name if elder else None,
        elder.phone if elder else None,
        home.address if home else None,
        row.area_name,
        row.source.name,
        device.family,
        device.model,
        device.firmware,
        HEALTH_ZH[row.health],
        "是" if is_supervisable(device) else "否",
        state.last_heard_at if state else None,
        state.battery_pct if state else None,
        state.rssi_dbm if state else None,
        device.enrolled_at,
        device.in_service_at,
        device.tested_at,
        "是" if row.test_due else "否",
    ]
    return [_cell(value, zone) for value in texts]


def _cell(value: Any, zone: ZoneInfo) -> Cell:
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return plain(value) if isinstance(value, str) else value


def as_csv(rows: Iterable[FleetRow], zone: ZoneInfo) -> bytes:
    """UTF-8 with a byte order mark: without one Excel shows Chinese as noise."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    writer.writerows(cells(row, zone) for row in rows)
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Iterable[FleetRow], zone: ZoneInfo) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("设备")
    sheet.freeze_panes = "A2"
    sheet.append(HEADINGS)
    for row in rows:
        sheet.append(cells(row, zone))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def exported(kind: str, rows: Iterable[FleetRow], zone: ZoneInfo) -> bytes:
    """The rows as `csv` or `xlsx`."""
    return as_xlsx(rows, zone) if kind == "xlsx" else as_csv(rows, zone)
