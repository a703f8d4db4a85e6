"""One sentence for an incident: what is wrong, with the figures behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from alerting.wording.checks import check_text
from alerting.wording.electricity import no_power_text
from alerting.wording.reasons import DOUBT, reason_text
from alerting.wording.stillness import no_water_text
from alerting.wording.times import clock_text, duration_text
from alerting.wording.words import EXTREME, ROLE, STANDING, UNIT, VITAL, kind_text, look_up
from devices.parts import REASONS as UNREADABLE


def incident_title(
    kind: str, facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None = None
) -> str:
    """One sentence: what is wrong, with the figures behind it. Carries no name and no address."""
    base = kind_text(kind, lang)
    extra = _facts_text(kind, facts, lang, zone)
    separator = "：" if lang != "en" else ": "
    if facts.get("help"):  # what the elder says comes before what the meter says
        extra = base + (separator + extra if extra else "")
        base = "老人求助" if lang != "en" else "The elder asks for help"
    mark = ""
    if facts.get("unconfirmed"):
        mark = "（未证实）" if lang != "en" else " (unconfirmed)"
    late = facts.get("late_s")
    if late:
        age = duration_text(late, lang)
        mark += f"（{age}前发生，迟到）" if lang != "en" else f" (happened {age} before it arrived)"
    if facts.get("check"):
        asked = check_text(facts["check"], lang)
        mark += f"；{asked}" if lang != "en" else f"; {asked}"
    if facts.get("supply"):
        mark += _supply_text(facts["supply"], lang, zone)
    return base + (separator + extra if extra else "") + mark


def _supply_text(supply: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """；这一带自 09:10 起疑似停水."""
    since, only_suspected = clock_text(supply.get("since"), zone), supply["state"] == "suspected"
    if lang == "en":
        return f"; the water here {'may be' if only_suspected else 'is'} off since {since}"
    return f"；这一带自 {since} 起{'疑似' if only_suspected else ''}停水"


def _facts_text(kind: str, facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    if kind in _WITH_TIMES:
        return _WITH_TIMES[kind](facts, lang, zone)
    text = _WITH_FIGURES[kind](facts, lang) if kind in _WITH_FIGURES else ""
    return text or str(facts.get("room") or "")


def _battery_text(facts: Mapping[str, Any], _lang: str) -> str:
    return f"{facts['battery_pct']:g} %" if facts.get("battery_pct") is not None else ""


def _offline_text(facts: Mapping[str, Any], lang: str) -> str:
    if "elders" in facts:
        return _bridge_text(facts, lang)
    if not facts.get("silent_s"):
        return ""
    span = duration_text(facts["silent_s"], lang)
    return f"已 {span}没有消息" if lang != "en" else f"silent for {span}"


def _doubt_text(facts: Mapping[str, Any], lang: str) -> str:
    if not facts.get("reason"):
        return ""
    why = look_up(DOUBT, str(facts["reason"]), lang)
    if not facts.get("every_s"):
        return why
    litres, every = facts.get("litres") or 0, duration_text(facts["every_s"], lang)
    if lang == "en":
        return f"{why} ({litres:g} L every {every})"
    return f"{why}（每 {every} {litres:g} 升）"


def _leak_text(facts: Mapping[str, Any], lang: str) -> str:
    """水表 24 小时从未停过：每小时至少 3 升，一天共 96 升；可能漏水或马桶长流。"""
    reason, zh = facts.get("reason"), lang != "en"
    litres = facts.get("litres") or 0
    if reason == "volume":
        limit = facts.get("limit_l") or 0
        if zh:
            return f"24 小时内用水 {litres:,.0f} 升，超过 {limit:,.0f} 升；可能水管破裂或水龙头未关"
        return (
            f"{litres:,.0f} L within 24 h, more than {limit:,.0f} L: a burst pipe or an open tap?"
        )
    if reason == "never_calm":
        hours, least = facts.get("hours") or 24, facts.get("lowest_l") or 1
        if zh:
            return (
                f"水表 {hours:.0f} 小时从未停过：每小时至少 {least:.0f} 升，"
                f"一天共 {litres:,.0f} 升；可能漏水或马桶长流"
            )
        return (
            f"the meter has not paused for {hours:.0f} h: at least {least:.0f} L an hour, "
            f"{litres:,.0f} L a day: a leak or a running toilet?"
        )
    return ""


def _tap_text(facts: Mapping[str, Any], lang: str) -> str:
    if not facts.get("litres_per_hour"):
        return ""
    rate = f"{facts['litres_per_hour']:g}"
    return f"每小时 {rate} 升" if lang != "en" else f"{rate} L an hour"


def _fault_text(facts: Mapping[str, Any], lang: str) -> str:
    text = reason_text(str(facts.get("fault") or ""), lang)
    if facts.get("count"):
        count = facts["count"]
        text += f"，已略去 {count:,} 条" if lang != "en" else f": {count:,} messages left out"
    return text


def _moved_text(facts: Mapping[str, Any], lang: str) -> str:
    """现在经“城北网关”收到，原来经“城南网关”; for a cell, its numbers."""
    if not facts.get("to"):
        return ""
    zh, before, after = lang != "en", facts.get("from", ""), facts["to"]
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


def _vitals_text(facts: Mapping[str, Any], lang: str) -> str:
    """心率 128 次/分（界限 50–110）."""
    if not facts.get("register"):
        return ""
    name = look_up(VITAL, str(facts["register"]), lang)
    unit = look_up(UNIT, str(facts.get("unit", "")), lang)
    value, low, high = (float(facts.get(key) or 0) for key in ("value", "low", "high"))
    if lang == "en":
        return f"{name} {value:g} {unit} (limits {low:g}–{high:g})"
    return f"{name} {value:g} {unit}（界限 {low:g}–{high:g}）"


def _out_of_bed_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """离床已 30 分钟（03-01 02:10 起）."""
    if not facts.get("since"):
        return ""
    minutes, since = facts.get("minutes", 0), clock_text(facts["since"], zone)
    if lang == "en":
        return f"not back for {minutes} min (since {since})"
    return f"离床已 {minutes} 分钟（{since} 起）"


def _left_home_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """距家 820 米（围栏 300 米）, or 家门 02:10 打开."""
    zh = lang != "en"
    if facts.get("door"):
        since = clock_text(facts.get("since"), zone)
        return f"夜间家门打开（{since}）" if zh else f"the door was opened at night ({since})"
    if facts.get("distance_m") is None:
        return ""
    away, fence = facts["distance_m"], facts.get("fence_m", 0)
    if zh:
        return f"距家 {away:,} 米（围栏 {fence:,} 米）"
    return f"{away:,} m from home (fence {fence:,} m)"


def _unsupervised_text(facts: Mapping[str, Any], lang: str) -> str:
    """已 26 小时没有设备看护（呼叫按钮失联、水表网关断开）；极端天气。"""
    zh = lang != "en"
    span = duration_text(facts.get("silent_s") or 0, lang)
    lost = [
        look_up(ROLE, str(one.get("role")), lang)
        + ("" if zh else ": ")
        + look_up(STANDING, str(one.get("why")), lang)
        for one in facts.get("lost") or ()
    ]
    extreme = look_up(EXTREME, str(facts["extreme"]), lang) if facts.get("extreme") else ""
    if zh:
        devices = f"（{'、'.join(lost)}）" if lost else ""
        return f"已 {span}没有任何设备看护{devices}" + (f"；{extreme}" if extreme else "")
    devices = f" ({', '.join(lost)})" if lost else ""
    return f"no device for {span}{devices}" + (f"; {extreme}" if extreme else "")


def _bridge_text(facts: Mapping[str, Any], lang: str) -> str:
    """网关 一号楼，3 位老人因此无人看护"""
    count, name = len(facts["elders"]), facts.get("bridge") or ""
    if lang == "en":
        return f"bridge {name}" + (f"; it leaves {count} without a watch" if count else "")
    return f"网关 {name}" + (f"，{count} 位老人因此无设备看护" if count else "")


_WITH_FIGURES: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    "battery_low": _battery_text,
    "device_offline": _offline_text,
    "unreadable": _unreadable_text,
    "cannot_assess": _doubt_text,
    "tap_left_on": _tap_text,
    "leak": _leak_text,
    "vitals": _vitals_text,
    "unsupervised": _unsupervised_text,
    "moved": _moved_text,
    "fault": _fault_text,
}
_WITH_TIMES: dict[str, Callable[[Mapping[str, Any], str, ZoneInfo | None], str]] = {
    "no_water_use": no_water_text,
    "no_power_use": no_power_text,
    "out_of_bed": _out_of_bed_text,
    "left_home": _left_home_text,
}
