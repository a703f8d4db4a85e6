"""Spans and moments as people say them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo


def duration_text(seconds: float, lang: str) -> str:
    """`33600` → 9 小时 20 分 / 9 h 20 min. Rounds down; below a minute in seconds."""
    total = max(int(seconds), 0)
    days, rest = divmod(total, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    words = (" 天 ", " 小时 ", " 分 ", " 秒 ") if lang != "en" else (" d ", " h ", " min ", " s ")
    if days:
        parts = [(days, words[0]), (hours, words[1])]
    elif hours:
        parts = [(hours, words[1]), (minutes, words[2])]
    elif minutes:
        parts = [(minutes, words[2])]
    else:
        parts = [(secs, words[3])]
    return "".join(
        f"{number}{word}" for number, word in parts if number or word == parts[0][1]
    ).strip()


def clock_text(value: Any, zone: ZoneInfo | None) -> str:
    """`"2026-03-01T07:10:00+00:00"` → `03-01 15:10` in the home's zone."""
    if not value:
        return ""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    local = moment.astimezone(zone) if zone else moment
    return local.strftime("%m-%d %H:%M")
