"""One sentence for an incident: what is wrong, with the figures behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerting.wording.reasons import DOUBT, reason_text
from alerting.wording.words import ROLE, kind_text, look_up
from devices.parts import REASONS as UNREADABLE


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


def incident_title(
    kind: str, facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None = None
) -> str:
    """One sentence: what is wrong, with the figures behind it. Carries no name and no address."""
    base = kind_text(kind, lang)
    extra = _facts_text(kind, facts, lang, zone)
    mark = ""
    if facts.get("unconfirmed"):
        mark = "（未证实）" if lang != "en" else " (unconfirmed)"
    late = facts.get("late_s")
    if late:
        age = duration_text(late, lang)
        mark += f"（{age}前发生，迟到）" if lang != "en" else f" (happened {age} before it arrived)"
    separator = "：" if lang != "en" else ": "
    return base + (separator + extra if extra else "") + mark


def _facts_text(kind: str, facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    zh = lang != "en"
    where = facts.get("room")
    if kind == "no_water_use":
        return _no_water_text(facts, lang, zone)
    if kind == "battery_low" and facts.get("battery_pct") is not None:
        return f"{facts['battery_pct']:g} %"
    if kind == "device_offline" and facts.get("silent_s"):
        span = duration_text(facts["silent_s"], lang)
        return f"已 {span}没有消息" if zh else f"silent for {span}"
    if kind == "unreadable":
        return _unreadable_text(facts, lang)
    if kind == "cannot_assess" and facts.get("reason"):
        return look_up(DOUBT, str(facts["reason"]), lang)
    if kind == "tap_left_on" and facts.get("litres_per_hour"):
        rate = f"{facts['litres_per_hour']:g}"
        return f"每小时 {rate} 升" if zh else f"{rate} L an hour"
    if kind == "moved" and facts.get("to"):
        return _moved_text(facts, zh)
    if kind == "fault" and facts.get("fault"):
        return reason_text(str(facts["fault"]), lang)
    return str(where) if where else ""


def _moved_text(facts: Mapping[str, Any], zh: bool) -> str:
    """现在经“城北网关”收到，原来经“城南网关”; for a cell, its numbers."""
    before, after = facts.get("from", ""), facts["to"]
    if facts.get("by") == "cell":
        return f"基站由 {before} 变为 {after}" if zh else f"cell {before} → {after}"
    return (
        f"现在经“{after}”收到，登记在“{before}”"
        if zh
        else f"heard through “{after}”, registered under “{before}”"
    )


def _unreadable_text(facts: Mapping[str, Any], lang: str) -> str:
    """来自呼叫按钮（不是有效的 JSON）; a word that nobody knows is shown as the device said it."""
    zh = lang != "en"
    word, _, detail = str(facts.get("reason") or facts.get("word") or "").partition(":")
    why = look_up(UNREADABLE, word, lang) + (("：" if zh else ": ") + detail if detail else "")
    if facts.get("role"):
        role = look_up(ROLE, str(facts["role"]), lang)
        return f"来自{role}（{why}）" if zh else f"from the {role} ({why})"
    return f"来自未登记的设备（{why}）" if zh else f"from an unknown device ({why})"


def _no_water_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """已 13 小时 5 分未用水（上次 07:10）；报警线 12 小时少于 10 升；表计在线，最近读数 20:10。

    The rule counts litres, so a home may be under it with a glass of water an hour ago: then the
    sentence says how little was used instead.
    """
    window, litres = facts.get("window_h"), facts.get("threshold_l", 10)
    used, idle = facts.get("used_l") or 0, facts.get("idle_s") or 0
    last = clock_text(facts.get("since"), zone) if facts.get("since_known", True) else ""
    newest = clock_text(facts.get("last_reading_at"), zone)
    span = duration_text(idle, lang)
    if lang == "en":
        main = f"only {used:g} L in {window} h" if used else f"none for {span}"
        return (
            main
            + (f" (last at {last})" if last else "")
            + f"; limit {window} h below {litres:g} L"
            + (f"; meter online, last reading {newest}" if newest else "")
        )
    main = f"{window} 小时内仅用 {used:g} 升" if used else f"已 {span}未用水"
    return (
        main
        + (f"（上次 {last}）" if last else "")
        + f"；报警线 {window} 小时少于 {litres:g} 升"
        + (f"；表计在线，最近读数 {newest}" if newest else "")
    )


def clock_text(value: Any, zone: ZoneInfo | None) -> str:
    """`"2026-03-01T07:10:00+00:00"` → `03-01 15:10` in the home's zone."""
    if not value:
        return ""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    local = moment.astimezone(zone) if zone else moment
    return local.strftime("%m-%d %H:%M")
