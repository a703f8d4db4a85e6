"""The words of a check: what the elder hears and reads, and what the desk reads of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerting.wording.words import channel_text, look_up, pick

CHECK_STATE: dict[str, tuple[str, str]] = {
    "asking": ("问安中", "asking"),
    "held": ("等待第二判断", "held for a second look"),
    "ended": ("已结束", "over"),
}
CHECK_RESULT: dict[str, tuple[str, str]] = {
    "well": ("老人说平安", "the elder says that all is well"),
    "help": ("老人需要帮助", "the elder needs help"),
    "away": ("不在家", "not at home"),
    "spoken": ("值班员已与老人通话", "the desk spoke with the elder"),
    "used_again": ("已恢复使用", "used again"),
    "unanswered": ("无人应答", "no answer"),
    "overtaken": ("等待期间情况加重", "it got worse meanwhile"),
    "nobody_to_ask": ("没有可以问的人", "nobody could be asked"),
    "withdrawn": ("已撤回", "withdrawn"),
    "at_home": ("应该在家", "should be at home"),
    "unsure": ("不清楚", "does not know"),
}
CHECK_PURPOSE: dict[str, tuple[str, str]] = {
    "wellbeing": ("问安", "Check"),
    "holiday": ("外出询问", "Holiday question"),
}
CHECK_MESSAGE: dict[str, tuple[str, str]] = {
    "check.question": (
        "【安居】您好，我们想确认您一切都好。请点开后按一下「我很好」：{link} "
        "需要帮助也请在里面告诉我们。",
        'Anju: we would like to know that you are well. Please open and press "I am well": '
        "{link} If you need help, say so there.",
    ),
    "check.holiday": (
        "【安居】想请您帮忙确认一件事：您关心的家人这几天是否外出？请点开回答：{link}",
        "Anju: please help us with one question: is the person you care for away these days? "
        "Open and answer: {link}",
    ),
}
CHECK_SPOKEN: dict[str, tuple[str, str]] = {
    "check.question": (
        "您好，这里是安居，打电话来问问您好不好。您很好，请按一。您需要帮助，请按二。"
        "您不在家，请按三。我再说一遍。很好，按一。需要帮助，按二。不在家，按三。",
        "Hello, this is Anju. We are calling to ask how you are. If you are well, press one. "
        "If you need help, press two. If you are not at home, press three. "
        "Once more. Well: one. Help: two. Not at home: three.",
    ),
}


def check_message(type_: str, channel: str, lang: str, *, link: str) -> str:
    """What a question says: no name, no address, nothing about anybody's health or habits."""
    spoken = channel == "call" and type_ in CHECK_SPOKEN
    return pick((CHECK_SPOKEN if spoken else CHECK_MESSAGE)[type_], lang).format(link=link)


def check_state_text(state: str, lang: str) -> str:
    return look_up(CHECK_STATE, state, lang)


def check_result_text(result: str, lang: str) -> str:
    return look_up(CHECK_RESULT, result, lang)


def check_text(check: Mapping[str, Any], lang: str) -> str:
    """`问安 2 次（电话、短信）：无人应答` from an incident's facts of its check."""
    english = lang == "en"
    asked = int(check.get("asked") or 0)
    over = (", " if english else "、").join(channel_text(one, lang) for one in check["via"])
    said = check_result_text(str(check["result"]), lang)
    if not asked:
        return "nobody was asked before" if english else "未先问安"
    if check.get("purpose") == "holiday":
        return f"a contact was asked ({over}): {said}" if english else f"问联系人（{over}）：{said}"
    if english:
        times = "once" if asked == 1 else f"{asked} times"
        return f"asked {times} ({over}): {said}"
    return f"问安 {asked} 次（{over}）：{said}"
