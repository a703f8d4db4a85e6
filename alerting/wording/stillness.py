"""A home whose water stands still, in one sentence: how long, and which limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from alerting.check import is_asking_line
from alerting.detectors.habit import YOUNG_DAYS
from alerting.wording.electricity import electricity_text
from alerting.wording.times import clock_text, duration_text


def no_water_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """已 13 小时 5 分未用水（上次 07:10）；报警线 12 小时少于 10 升；表计在线，最近读数 20:10。

    The rule counts litres, so a home may be under it with a glass of water an hour ago: then the
    sentence says how little was used instead.
    """
    if "limit_s" in facts:
        return _longer_than_usual_text(facts, lang, zone) + _again_text(facts, lang)
    window, litres = facts.get("window_h"), facts.get("threshold_l", 10)
    used, idle = facts.get("used_l") or 0, facts.get("idle_s") or 0
    newest = clock_text(facts.get("last_reading_at"), zone)
    last, span = _last_text(facts, lang, zone), duration_text(idle, lang)
    if lang == "en":
        main = f"only {used:g} L in {window} h" if used else f"none for {span}"
        return (
            main
            + last
            + f"; limit {window} h below {litres:g} L"
            + (f"; meter online, last reading {newest}" if newest else "")
            + electricity_text(facts, lang, zone)
            + _again_text(facts, lang)
        )
    main = f"{window} 小时内仅用 {used:g} 升" if used else f"已 {span}未用水"
    return (
        main
        + last
        + f"；报警线 {window} 小时少于 {litres:g} 升"
        + (f"；表计在线，最近读数 {newest}" if newest else "")
        + electricity_text(facts, lang, zone)
        + _again_text(facts, lang)
    )


def _last_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """When water was used last, or what the gap counts from after that; empty if neither is known.

    A word that the elder is well, and the end of an absence or of an interruption: the memory of
    the meter does not tell them apart, so neither may this.
    """
    zh = lang != "en"
    if facts.get("seen_at"):
        seen = clock_text(facts["seen_at"], zone)
        if zh:
            return f"（从 {seen} 有人确认平安，或停水、外出结束算起）"
        return f" (since {seen}: known to be well, or water or elder back)"
    if not facts.get("since") or not facts.get("since_known", True):
        return ""
    last = clock_text(facts["since"], zone)
    return f"（上次 {last}）" if zh else f" (last at {last})"


def _again_text(facts: Mapping[str, Any], lang: str) -> str:
    """；结案时未确认平安，第 2 次再提醒"""
    if not facts.get("again"):
        return ""
    if lang == "en":
        return f"; nobody has seen the elder since, told again (no. {facts['again']})"
    return f"；结案时未确认平安，第 {facts['again']} 次再提醒"


def _usual_text(facts: Mapping[str, Any], lang: str) -> str:
    """；本户此时段以往最长 6 小时: nothing of a meter that cannot tell hours apart."""
    zh = lang != "en"
    if facts.get("longest_s"):
        longest = duration_text(facts["longest_s"], lang)
        return (
            f"；本户此时段以往最长 {longest}"
            if zh
            else f"; longest usual here at this hour {longest}"
        )
    if facts.get("grade") in ("blind", "dark"):
        return ""
    if facts.get("learnt_days", 0) < YOUNG_DAYS:
        return "；还在了解本户的习惯" if zh else "; still learning this home"
    return "；本户此时段以往没有停过" if zh else "; it never stood still at this hour before"


def _longer_than_usual_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo | None) -> str:
    """已 9 小时 20 分未用水（上次 07:10）；本户此时段以往最长 6 小时，报警线 9 小时；表计在线…"""
    zh, asks = lang != "en", is_asking_line(facts)
    newest = clock_text(facts.get("last_reading_at"), zone)
    last, span = _last_text(facts, lang, zone), duration_text(facts.get("idle_s") or 0, lang)
    limit = duration_text(facts["limit_s"], lang)
    usual = _usual_text(facts, lang)
    if zh:
        return (
            f"已 {span}未用水"
            + last
            + usual
            + f"，{'问安线' if asks else '报警线'} {limit}"
            + (f"；表计在线，最近读数 {newest}" if newest else "")
            + electricity_text(facts, lang, zone)
        )
    return (
        f"none for {span}"
        + last
        + usual
        + f", {'check after' if asks else 'limit'} {limit}"
        + (f"; meter online, last reading {newest}" if newest else "")
        + electricity_text(facts, lang, zone)
    )
