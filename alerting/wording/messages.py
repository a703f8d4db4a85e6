"""What a phone shows or speaks: no name, no address, no health."""

from __future__ import annotations

from alerting.wording.checks import CHECK_MESSAGE, check_message
from alerting.wording.words import pick, severity_text

SMS: dict[str, tuple[str, str]] = {
    "incident.opened": (
        "【安居】{whom}有一条{severity}提醒，请立即点开查看并应答：{link}",
        "Anju: a {severity} alert concerns {whom}. Open and answer now: {link}",
    ),
    "incident.repeated": (
        "【安居】同一提醒再次发生，请立即应答：{link}",
        "Anju: the same alert happened again. Please answer now: {link}",
    ),
    "incident.escalated": (
        "【安居】提醒仍无人处理，请立即应答：{link}",
        "Anju: nobody has taken the alert yet. Please answer now: {link}",
    ),
    "incident.overdue": (
        "【安居】事件单已超时，请打开处理：{link}",
        "Anju: an incident is overdue. Open it and act: {link}",
    ),
    "incident.assigned": (
        "【安居】您有新的上门任务，请打开并接受：{link}",
        "Anju: you have a new visit task. Open and accept: {link}",
    ),
}
_KEYS = (
    "知道了请按一，联系不上请按二。",
    "Press one if you know and will act, two if you cannot reach them.",
)
SPOKEN: dict[str, tuple[str, str]] = {
    "incident.opened": (
        "这里是安居值班系统。{whom}有一条{severity}提醒。" + _KEYS[0],
        "This is the Anju alert service. A {severity} alert concerns {whom}. " + _KEYS[1],
    ),
    "incident.repeated": (
        "这里是安居值班系统。{whom}的{severity}提醒再次发生。" + _KEYS[0],
        "This is the Anju alert service. The {severity} alert that concerns {whom} happened "
        "again. " + _KEYS[1],
    ),
    "incident.escalated": (
        "这里是安居值班系统。{whom}的{severity}提醒仍无人处理。" + _KEYS[0],
        "This is the Anju alert service. Nobody has taken the {severity} alert that concerns "
        "{whom}. " + _KEYS[1],
    ),
    "incident.overdue": (
        "这里是安居值班系统。有一张事件单已超时，请打开安居处理。" + _KEYS[0],
        "This is the Anju alert service. An incident is overdue; open Anju and act. " + _KEYS[1],
    ),
    "incident.assigned": (
        "这里是安居值班系统。您有新的上门任务，请打开安居接受。" + _KEYS[0],
        "This is the Anju alert service. You have a new visit task; open Anju and accept it. "
        + _KEYS[1],
    ),
}
DRILL: dict[str, tuple[str, str]] = {
    "written": (
        "【安居】演练，不是报警：{whom}那里的设备正在做安装测试，按键已经收到。您不用做任何事。",
        "Anju drill, not an alarm: a device of {whom} is being tested, and its press arrived. "
        "You need not do anything.",
    ),
    "spoken": (
        "这里是安居值班系统。这是演练，不是报警。{whom}那里的设备正在做安装测试，按键已经收到。"
        "这是演练，您不用做任何事。",
        "This is the Anju alert service. This is a drill, not an alarm. A device of {whom} is "
        "being tested, and its press arrived. This is a drill; you need not do anything.",
    ),
}
"""The installation test's: it carries no link, since there is nothing to answer."""
_WHOM = {
    True: ("您关心的家人", "a person you care for"),
    False: ("您负责的老人", "an elder in your charge"),
}
REPEAT_MARK = ("（重发）", "(sent again) ")


def message_text(
    type_: str,
    channel: str,
    severity: str,
    lang: str,
    *,
    link: str,
    repeat: bool,
    recipient_kind: str = "contact",
) -> str:
    """What a phone shows or speaks: no name, no address, no health (private by default)."""
    if type_ in CHECK_MESSAGE:  # asked by an old person's phone: the same words, also once more
        return check_message(type_, channel, lang, link=link)
    spoken = channel == "call"
    table = SPOKEN if spoken else SMS
    pair = table.get(type_) or table["incident.opened"]
    if type_ == "test.drill":
        pair = DRILL["spoken" if spoken else "written"]
    text = pick(pair, lang).format(
        severity=severity_text(severity, lang).lower(),
        link=link,
        whom=pick(_WHOM[recipient_kind == "contact"], lang),
    )
    return pick(REPEAT_MARK, lang) + text if repeat else text
