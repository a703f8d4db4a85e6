"""Every sentence that people read about an incident, in Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from devices.parts import REASONS as UNREADABLE

LANGUAGES = ("zh", "en")

KIND: dict[str, tuple[str, str]] = {
    "sos": ("一键呼叫", "SOS call"),
    "fall": ("跌倒", "Fall"),
    "smoke": ("烟感报警", "Smoke alarm"),
    "heat": ("高温报警", "Heat alarm"),
    "gas": ("燃气报警", "Gas alarm"),
    "no_water_use": ("长时间未用水", "No water used"),
    "no_power_use": ("长时间未用电", "No electricity used"),
    "tap_left_on": ("水龙头未关", "Tap left on"),
    "leak": ("漏水", "Water leak"),
    "power_outage": ("停电", "Power outage"),
    "vitals": ("体征异常", "Vital signs"),
    "out_of_bed": ("夜间离床", "Out of bed"),
    "left_home": ("离家", "Left home"),
    "device_offline": ("设备离线", "Device offline"),
    "never_online": ("设备从未上线", "Device never spoke"),
    "battery_low": ("电量低", "Battery low"),
    "tamper": ("设备被拆动", "Device tampered with"),
    "fault": ("设备故障", "Device fault"),
    "cannot_assess": ("无法判断", "Cannot assess"),
    "unreadable": ("收到无法识别的消息", "Unreadable message"),
}
SEVERITY: dict[str, tuple[str, str]] = {
    "life_safety": ("生命安全", "Life safety"),
    "welfare": ("关爱", "Welfare"),
    "technical": ("设备", "Technical"),
}
STAGE: dict[str, tuple[str, str]] = {
    "open": ("待接单", "Open"),
    "acknowledged": ("已接单", "Acknowledged"),
    "dispatched": ("已派单", "Dispatched"),
    "accepted": ("已接受", "Accepted"),
    "attended": ("已到达", "Attended"),
    "following_up": ("待回访", "Following up"),
    "closed": ("已结案", "Closed"),
    "cancelled": ("已取消", "Cancelled"),
}
CONDITION: dict[str, tuple[str, str]] = {
    "active": ("报警中", "active"),
    "cleared": ("设备已恢复", "cleared"),
}
OUTCOME: dict[str, tuple[str, str]] = {
    "assisted": ("已协助", "Assisted"),
    "hospital": ("送医", "Taken to hospital"),
    "false_alarm": ("误报", "False alarm"),
    "nobody_home": ("家中无人", "Nobody home"),
    "deceased": ("去世", "Deceased"),
    "other": ("其他", "Other"),
}
ROLE: dict[str, tuple[str, str]] = {
    "sos_button": ("呼叫按钮", "SOS button"),
    "fall_detector": ("跌倒探测器", "fall detector"),
    "smoke_detector": ("烟感", "smoke detector"),
    "gas_detector": ("燃气探测器", "gas detector"),
    "water_meter": ("水表", "water meter"),
    "electricity_meter": ("电表", "electricity meter"),
    "leak_sensor": ("水浸传感器", "leak sensor"),
    "door_contact": ("门磁", "door contact"),
    "motion_sensor": ("人体感应器", "motion sensor"),
    "bed_sensor": ("床垫传感器", "bed sensor"),
    "watch": ("手表", "watch"),
    "health_monitor": ("健康监测仪", "health monitor"),
    "plug": ("插座", "plug"),
    "gateway": ("网关", "gateway"),
}
CHANNEL: dict[str, tuple[str, str]] = {
    "webhook": ("平台推送", "webhook"),
    "sms": ("短信", "text message"),
    "call": ("电话", "phone call"),
    "email": ("邮件", "email"),
    "apprise": ("消息", "message"),
    "console": ("值班台", "duty desk"),
    "operator": ("运维人员", "operator"),
    "device": ("设备", "device"),
}
NOTICE_STATE: dict[str, tuple[str, str]] = {
    "waiting": ("待发送", "waiting"),
    "sending": ("发送中", "being sent"),
    "accepted": ("已提交", "accepted by provider"),
    "delivered": ("已送达", "delivered"),
    "answered": ("已应答", "answered"),
    "failed": ("失败", "failed"),
    "parked": ("已搁置", "parked"),
    "unseen": ("无人值守", "nobody at the desk"),
    "superseded": ("已失效", "no longer news"),
}
REASON: dict[str, tuple[str, str]] = {
    "opened": ("新的报警", "new alarm"),
    "opened_found": ("首次连接时设备已在报警状态", "the alarm was already on when we first looked"),
    "opened_late": ("报警迟到，仍需处理", "the alarm arrived late and still needs people"),
    "joined": ("并入处理中的事件单", "joined the running incident"),
    "still_active": ("设备重复上报，状态未变", "reported again, nothing changed"),
    "again_unowned": (
        "再次报警，尚无人接单，重新通知所有人",
        "again, and nobody owns it: everybody is told again",
    ),
    "again_owned": ("再次报警，通知接单人", "again: its owner is told"),
    "again_owner_just_rung": (
        "再次报警，接单人两分钟内已被通知",
        "again, and its owner was told less than two minutes ago",
    ),
    "latched": (
        "处置后 12 小时仍未恢复，按设备故障处理",
        "still on 12 h after the outcome: treated as a fault",
    ),
    "held_after_outcome": ("处置后状态未恢复", "still on after the outcome"),
    "nothing_to_clear": ("设备报告恢复，没有对应的报警", "it ended, says the device: nothing ran"),
    "cleared_by_device": (
        "设备报告恢复；不会自动结案",
        "the device says it ended; that never closes a case",
    ),
    "told_together": (
        "同步通知值班台与紧急联系人",
        "duty desk and emergency contacts are told together",
    ),
    "nobody_took_it": ("无人接单，进入下一级", "nobody took it: next step"),
    "nobody_took_it_repeat": ("仍无人接单，重复通知", "still nobody: told again"),
    "nobody_reached": (
        "这一级没有可通知的人，立即进入下一级",
        "this step reaches nobody: next step at once",
    ),
    "owner_silent": (
        "接单人两分钟内无反应，重新开始升级",
        "its owner did not react in two minutes: the ladder starts again",
    ),
    "overdue_dispatch": ("已接单但未派单", "taken, nobody sent"),
    "overdue_accept": ("已派单但未接受", "sent, not accepted"),
    "overdue_arrive": ("已接受但未到达", "accepted, not arrived"),
    "overdue_outcome": ("已到达但无结果", "arrived, no outcome"),
    "overdue_close": ("有结果但未结案", "outcome recorded, not closed"),
    "released": ("退回，重新通知", "released: told again"),
    "reopened": ("重新打开", "reopened"),
    "duty_desk": ("值班台", "duty desk"),
    "desk_unwatched": (
        "值班台无人值守，转值班电话",
        "nobody watches the desk: on-call phone instead",
    ),
    "first_contact": ("第一联系人", "first contact"),
    "emergency_contact": ("紧急联系人", "emergency contact"),
    "responsible_visitor": ("责任探访人员", "responsible visitor"),
    "assigned_visitor": ("被派人员", "assigned visitor"),
    "owner": ("接单人", "owner"),
    "on_call": ("值班电话", "on call"),
    "supervisor": ("负责人", "supervisor"),
    "operator": ("最后保障：运维人员", "last resort: operator"),
    "city_platform": ("上级平台", "city platform"),
    "channel_failed": ("上一渠道失败，改用下一渠道", "the channel before failed: next one"),
    "sender_crashed": ("发送三次中断，改用下一渠道", "sending broke off three times: next channel"),
    "stage_changed": ("处置阶段变化", "stage changed"),
    "id_reused": ("同一编号、不同内容", "same id, different content"),
    "silenced": ("静默期内，结束后再通知", "silenced: told when the silence ends"),
    "folded": (
        "同一接入源有多个未登记设备报警，合并显示",
        "several unknown devices of one source: shown as one",
    ),
    "unbound": ("设备尚未绑定老人或住户", "the device is bound to nobody yet"),
    "unknown_device": ("未登记的设备", "unknown device"),
    "no_operator": (
        "未设置最后保障联系人（ANJU_OPERATOR_URL）",
        "no last resort is set (ANJU_OPERATOR_URL)",
    ),
    "clock_fault": (
        "设备时钟错误，按收到时间处理",
        "the device's clock is wrong: time of receipt is used",
    ),
}
DOUBT: dict[str, tuple[str, str]] = {
    "register_went_back": ("表计读数倒退", "the meter's register went back"),
    "register_jumped": ("表计读数跳变", "the meter's register jumped"),
    "not_a_register_value": ("表计读数无效", "the meter sent what no register can show"),
}
TIMELINE: dict[str, tuple[str, str]] = {
    "opened": ("{title}", "{title}"),
    "finding": ("{title}", "{title}"),
    "cleared": ("设备报告已恢复", "The device reports that it ended"),
    "silenced": ("静默中，暂不通知", "Silenced: nobody is told yet"),
    "told": ("通知：{people}", "Told: {people}"),
    "skipped": ("第 {step} 级没有可通知的人", "Step {step} reaches nobody"),
    "overdue": ("超时提醒：{people}", "Overdue, told: {people}"),
    "acknowledged": ("接单", "Acknowledged"),
    "released": ("退回", "Released"),
    "dispatched": ("派单给 {visitor}", "Dispatched {visitor}"),
    "accepted": ("{visitor} 接受派单", "{visitor} accepted"),
    "attended": ("{visitor} 到达现场", "{visitor} arrived"),
    "outcome": ("结果：{outcome}。{text}", "Outcome: {outcome}. {text}"),
    "noted": ("备注：{text}", "Note: {text}"),
    "closed": ("结案。{text}", "Closed. {text}"),
    "reopened": ("重新打开：{text}", "Reopened: {text}"),
    "cancelled": ("取消：{text}", "Cancelled: {text}"),
    "heard": ("接单人听到再次报警", "The owner heard the new alarm"),
    "contact_answered": ("联系人应答：{answer}", "Contact answered: {answer}"),
    "notice_failed": (
        "{channel}通知 {recipient} 失败：{detail}",
        "{channel} to {recipient} failed: {detail}",
    ),
    "notice_delivered": ("{channel}已送达 {recipient}", "{channel} reached {recipient}"),
    "notice_parked": ("{channel}通知 {recipient} 已搁置", "{channel} to {recipient} was parked"),
    "visit_recorded": ("探访记录（第 {number} 次）", "Visit recorded (no. {number})"),
    "follow_up_added": ("回访事项：{text}", "Follow-up: {text}"),
    "follow_up_done": ("回访完成：{text}", "Follow-up done: {text}"),
    "hazard_found": ("发现隐患：{text}", "Hazard found: {text}"),
    "hazard_remedied": ("隐患已消除：{text}", "Hazard remedied: {text}"),
    "late_fact": ("{text}（补记）", "{text} (recorded late)"),
    "linked": ("上一张事件单：{previous}", "Earlier incident: {previous}"),
    "clock_clamped": ("时钟跳变，期限已校正", "The clock jumped: the deadline was corrected"),
}
FAILURE: dict[str, tuple[str, str]] = {
    "no_answer": ("无人接听", "no answer"),
    "busy": ("忙线", "busy"),
    "failed": ("未送达", "not delivered"),
}
ANSWER: dict[str, tuple[str, str]] = {
    "will_go": ("我知道了，我来联系", "I know, I will get in touch"),
    "cannot": ("我联系不上", "I cannot reach them"),
}


def pick(pair: tuple[str, str] | None, lang: str, fallback: str = "") -> str:
    """The text of a pair in a language; `fallback` for words nobody translated."""
    if pair is None:
        return fallback
    return pair[1] if lang == "en" else pair[0]


def _text(table: Mapping[str, tuple[str, str]], key: str, lang: str) -> str:
    return pick(table.get(key), lang, key)


def kind_text(kind: str, lang: str) -> str:
    return _text(KIND, kind, lang)


def stage_text(stage: str, lang: str) -> str:
    return _text(STAGE, stage, lang)


def severity_text(severity: str, lang: str) -> str:
    return _text(SEVERITY, severity, lang)


def outcome_text(outcome: str, lang: str) -> str:
    return _text(OUTCOME, outcome, lang)


def channel_text(channel: str, lang: str) -> str:
    return _text(CHANNEL, channel, lang)


def notice_state_text(state: str, lang: str) -> str:
    return _text(NOTICE_STATE, state, lang)


def reason_text(reason: str | None, lang: str) -> str:
    """The words of a stored reason; an unknown one is shown as it is, never hidden."""
    return "" if not reason else _text(REASON, reason, lang)


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
        return _text(DOUBT, str(facts["reason"]), lang)
    if kind == "tap_left_on" and facts.get("litres_per_hour"):
        rate = f"{facts['litres_per_hour']:g}"
        return f"每小时 {rate} 升" if zh else f"{rate} L an hour"
    if kind == "fault" and facts.get("fault"):
        return reason_text(str(facts["fault"]), lang)
    return str(where) if where else ""


def _unreadable_text(facts: Mapping[str, Any], lang: str) -> str:
    """来自呼叫按钮（不是有效的 JSON）; a word that nobody knows is shown as the device said it."""
    zh = lang != "en"
    word, _, detail = str(facts.get("reason") or facts.get("word") or "").partition(":")
    why = _text(UNREADABLE, word, lang) + (("：" if zh else ": ") + detail if detail else "")
    if facts.get("role"):
        role = _text(ROLE, str(facts["role"]), lang)
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


def timeline_text(
    kind: str, data: Mapping[str, Any], lang: str, zone: ZoneInfo | None = None
) -> str:
    """The sentence of one timeline entry. A template never fails for want of a value."""
    values: dict[str, Any] = dict(data)
    if "incident_kind" in data:
        values["title"] = incident_title(
            str(data["incident_kind"]), data.get("facts", {}), lang, zone
        )
    if "outcome" in data:
        values["outcome"] = outcome_text(str(data["outcome"]), lang)
    if "channel" in data:
        values["channel"] = channel_text(str(data["channel"]), lang)
    if "detail" in data:
        values["detail"] = _text(FAILURE, str(data["detail"]), lang)
    if "answer" in data:
        values["answer"] = _text(ANSWER, str(data["answer"]), lang)
    if "tellings" in data:
        values["people"] = _people_text(data["tellings"], lang)
    template = pick(TIMELINE.get(kind), lang, kind)
    return template.format_map(_Lenient(values)).strip()


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def _people_text(tellings: Any, lang: str) -> str:
    """`女儿演示（短信，第一联系人）、值班台` from the stored list of tellings."""
    comma, opening, closing, separator = (
        ("，", "（", "）", "、") if lang != "en" else (", ", " (", ")", ", ")
    )
    parts = []
    for telling in tellings:
        channel = channel_text(telling["channel"], lang)
        if telling["kind"] == "desk":
            unseen = telling.get("state") == "unseen"
            note = opening + notice_state_text("unseen", lang) + closing if unseen else ""
            parts.append(channel + note)
            continue
        why = reason_text(telling["reason"], lang)
        if telling["kind"] == "operator":
            parts.append(why)
        elif telling["kind"] == "platform":
            parts.append(f"{why}{opening}{channel}{closing}")
        else:
            parts.append(f"{telling['name']}{opening}{channel}{comma}{why}{closing}")
    return separator.join(parts)


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
    table = SPOKEN if channel == "call" else SMS
    pair = table.get(type_) or table["incident.opened"]
    text = pick(pair, lang).format(
        severity=severity_text(severity, lang).lower(),
        link=link,
        whom=pick(_WHOM[recipient_kind == "contact"], lang),
    )
    return pick(REPEAT_MARK, lang) + text if repeat else text
