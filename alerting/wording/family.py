"""What a family member reads behind their link: plain words, no rule, no limit, no health. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerting.check import Purpose, Result
from alerting.wording.times import duration_text
from alerting.wording.words import look_up, pick

NOTICED: dict[str, tuple[str, str]] = {
    "sos": ("老人按了求助按钮。", "They pressed their call button."),
    "fall": (
        "跌倒报警器响了，老人可能摔倒了。",
        "The fall detector went off: they may have fallen.",
    ),
    "smoke": ("家里的烟雾报警器响了。", "The smoke alarm at home went off."),
    "heat": ("家里的高温报警器响了。", "The heat alarm at home went off."),
    "gas": ("家里的燃气报警器响了。", "The gas alarm at home went off."),
    "no_water_use": (
        "家里已经 {span}没有用过水，比平时久。",
        "No water has been used at home for {span}, longer than usual.",
    ),
    "little_water": (
        "家里用的水比平时少得多。",
        "Far less water than usual has been used at home.",
    ),
    "no_power_use": (
        "家里已经 {span}没有用过电器，比平时久。",
        "Nothing electric has been used at home for {span}, longer than usual.",
    ),
    "tap_left_on": (
        "家里的水一直在流，可能忘了关水龙头。",
        "Water keeps running at home: a tap may have been left on.",
    ),
    "leak": ("家里可能漏水。", "Water may be leaking at home."),
    "power_outage": ("家里停电了。", "The power at home is out."),
    "vitals": ("老人量的数值需要有人问一下。", "A measurement of theirs needs somebody to ask."),
    "out_of_bed": (
        "老人夜里离开床，很久没有回去。",
        "They left their bed at night and have not come back for long.",
    ),
    "left_home": ("老人好像离开了家。", "They seem to have left home."),
    "unsupervised": (
        "家里的报警设备都没有消息，需要确认老人平安。",
        "No device at home is heard any more: somebody should see that they are well.",
    ),
    "unreadable": (
        "家里的报警设备发来了读不懂的消息，先当作报警。",
        "An alarm device at home sent something unreadable: it counts as an alarm.",
    ),
    "device": ("家里有一台设备需要检修。", "A device at home needs repair."),
}
ASKED: dict[str, tuple[str, str]] = {
    "unanswered": (
        "我们先问过老人本人，没有人应答。",
        "We asked them first, and nobody answered.",
    ),
    "help": ("老人告诉我们：需要帮助。", "They told us that they need help."),
}
SEEN = (
    "{at}有人确认过老人平安（或停水、外出结束），之后家里一直没有用水。",
    "{at} they were known to be well, or water or they were back; no water used at home since.",
)
_DAYS = {-1: ("昨天", "yesterday"), 0: ("今天", "today"), 1: ("明天", "tomorrow")}


def noticed_text(kind: str, facts: Mapping[str, Any], lang: str, now: datetime) -> str:
    """家里已经 7 小时 20 分没有用过水，比平时久。我们先问过老人本人，没有人应答。"""
    key = kind if kind in NOTICED else "device"
    if kind == "no_water_use" and facts.get("used_l"):
        key = "little_water"
    since = _moment(facts.get("since"))
    idle_s = (now - since).total_seconds() if since else facts.get("idle_s") or 0
    said = look_up(NOTICED, key, lang).format(span=duration_text(idle_s, lang))
    return (" " if lang == "en" else "").join(filter(None, (said, _asked_text(facts, lang))))


def _asked_text(facts: Mapping[str, Any], lang: str) -> str:
    check = facts.get("check") or {}
    if facts.get("help"):
        return look_up(ASKED, "help", lang)
    silent = check.get("result") in (Result.UNANSWERED, Result.OVERTAKEN)
    if silent and check.get("purpose") == Purpose.WELLBEING and check.get("asked"):
        return look_up(ASKED, "unanswered", lang)
    return ""


def seen_text(facts: Mapping[str, Any], lang: str, zone: ZoneInfo, now: datetime) -> str:
    """When somebody last knew that all was well, where the stillness counts from then."""
    seen = _moment(facts.get("seen_at"))
    return "" if seen is None else pick(SEEN, lang).format(at=day_text(seen, lang, zone, now))


def day_text(moment: datetime, lang: str, zone: ZoneInfo, now: datetime) -> str:
    """`今天 14:05`, `明天 21:00`, otherwise `3 月 5 日 21:00`: to the minute."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today) // timedelta(days=1)
    if days in _DAYS:
        day = pick(_DAYS[days], lang)
    elif lang == "en":
        day = f"{local.day} {local:%B}"
    else:
        day = f"{local.month} 月 {local.day} 日"
    return f"{day} {local:%H:%M}"


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
