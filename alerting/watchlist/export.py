"""The watch list as a table for a spreadsheet: CSV, headings in Chinese, nothing runs in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from alerting.detectors.view import moment, seconds
from alerting.fleet.export import plain
from alerting.watchlist.rows import WatchRow
from alerting.watchlist.standing import share

MEDIA_TYPE = "text/csv; charset=utf-8"
HEADINGS = (
    *("设备编号", "老人", "电话", "住址", "片区", "看护状态", "原因", "规则", "上次用水"),
    *("最近读数", "未用水（小时）", "报警线（小时）", "已到（%）", "到线时间", "到线后"),
    *("读数间隔（分）", "脉冲（升）", "最晚发现（小时）", "了解第几天", "预计回家", "事件单"),
)
STATE_ZH = {"watched": "看护中", "unable": "管不了", "silent": "失联", "away": "暂停"}
OPENS_ZH = {"check": "问安", "incident": "报警"}
Cell = str | float | None


def cells(row: WatchRow, zone: ZoneInfo, now: datetime) -> list[Cell]:
    """One home, in the order of `HEADINGS`; times are local."""
    standing, now_s = row.standing, seconds(now)
    mark = standing.next
    running = bool(standing.marks)
    return [
        _text(row.device_id),
        _text("、".join(one.name for one in row.residents)),
        _text("、".join(one.phone for one in row.residents if one.phone)),
        _text(row.address),
        _text(row.area_name),
        STATE_ZH[standing.verdict],
        _text(row.doubt or standing.why),
        standing.rule,
        _time(standing.used_at, zone),
        _time(standing.read_at, zone),
        round((now_s - standing.used_at) / 3600, 1) if standing.used_at else None,
        round(mark.limit_s / 3600, 1) if mark else None,
        round(share(standing, now_s) * 100) if running else None,
        _time(mark.at, zone) if mark else None,
        OPENS_ZH[mark.opens] if mark else None,
        round(standing.every_s / 60) if standing.every_s else None,
        standing.pulse_l or None,
        round(standing.delay_s / 3600, 1) if standing.delay_s else None,
        standing.day or None,
        row.until.astimezone(zone).strftime("%Y-%m-%d %H:%M") if row.until else None,
        _text(row.incident_id),
    ]


def as_csv(rows: Iterable[WatchRow], zone: ZoneInfo, now: datetime) -> bytes:
    """UTF-8 with a byte order mark: without one Excel shows Chinese as noise."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    writer.writerows(cells(row, zone, now) for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _text(text: str | None) -> str | None:
    return None if text is None else plain(text)


def _time(at: int, zone: ZoneInfo) -> str | None:
    return moment(at).astimezone(zone).strftime("%Y-%m-%d %H:%M") if at else None
