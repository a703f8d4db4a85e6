"""What a home's electricity says, as part of a sentence and as one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from alerting.wording.times import clock_text, duration_text


def electricity_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """；用电也没有活动（上次 07:15）, or ；但 15 分前（11:45）用过电: the second witness."""
    zh, says = lang != "en", facts.get("power_says")
    last = clock_text(facts.get("power_active_at"), zone)
    if says == "active":
        ago = duration_text(facts.get("power_silent_s") or 0, lang)
        if zh:
            return f"；但 {ago}前（{last}）用过电"
        return f"; but electricity was used {ago} ago (at {last})"
    if says != "silent":
        return ""
    if zh:
        return "；用电也没有活动" + (f"（上次 {last}）" if last else "")
    return "; no electricity used either" + (f" (last at {last})" if last else "")


def no_power_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """已 26 小时用电没有超出基础负荷（约 45 瓦）；上次活动 …；报警线 …；电表在线，最近读数 …"""
    if facts.get("idle_s") is None:
        return ""
    span, limit = ((facts.get(key) or 0) // 3600 for key in ("idle_s", "limit_s"))
    last = clock_text(facts.get("active_at"), zone)
    newest = clock_text(facts.get("last_reading_at"), zone)
    base = f"{facts.get('base_w') or 0:g}"
    if lang != "en":
        return (
            f"已 {span} 小时用电没有超出基础负荷（约 {base} 瓦）"
            + (f"；上次活动 {last}" if last else "")
            + f"；报警线 {limit} 小时"
            + (f"；电表在线，最近读数 {newest}" if newest else "")
        )
    return (
        f"nothing above the base load (about {base} W) for {span} h"
        + (f"; last activity at {last}" if last else "")
        + f"; limit {limit} h"
        + (f"; meter online, last reading {newest}" if newest else "")
    )
