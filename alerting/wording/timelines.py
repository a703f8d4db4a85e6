"""The sentence of one line of an incident's timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from alerting.wording.checks import check_result_text, check_text
from alerting.wording.reasons import reason_text
from alerting.wording.times import clock_text
from alerting.wording.titles import incident_title
from alerting.wording.words import (
    ANSWER,
    FAILURE,
    channel_text,
    look_up,
    notice_state_text,
    outcome_text,
    pick,
)

TIMELINE: dict[str, tuple[str, str]] = {
    "opened": ("{title}", "{title}"),
    "finding": ("{title}", "{title}"),
    "folded": (
        "同一设备又报警 {count} 次，过于频繁，合并记录",
        "The same device alarmed {count} times more: too often to list",
    ),
    "cleared": ("设备报告已恢复", "The device reports that it ended"),
    "silenced": ("静默中，暂不通知", "Silenced: nobody is told yet"),
    "told": ("通知：{people}", "Told: {people}"),
    "skipped": ("第 {step} 级没有可通知的人", "Step {step} reaches nobody"),
    "overdue": ("超时提醒：{people}", "Overdue, told: {people}"),
    "acknowledged": ("接单", "Acknowledged"),
    "released": ("退回。{text}", "Given back. {text}"),
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
    "checked": ("先行问安：{check_text}", "The check before it: {check_text}"),
    "check_answered": (
        "老人事后应答问安：{check_answer}",
        "The elder answered the check later: {check_answer}",
    ),
    "holiday_asked": (
        "发消息问第一联系人：老人是否外出",
        "The first contact was asked whether the elder is away",
    ),
    "holiday_answered": ("联系人回答：{check_answer}", "The contact answered: {check_answer}"),
    "said_away": (
        "{relation}说{elder}外出，到 {until}；照护规则暂停到那时，事件单仍需处理",
        "{relation}: {elder} is away until {until}; welfare rules rest, the case goes on",
    ),
    "said_back": (
        "{relation}说{elder}回来了；照护规则恢复",
        "{relation}: {elder} is back; welfare rules apply again",
    ),
    "status_hospital": (
        "{elder}的状态改为住院，到 {until}；照护规则暂停到那时",
        "{elder} is in hospital by status, until {until}; welfare rules rest",
    ),
    "status_deceased": (
        "{elder}的状态改为已去世；照护规则停止",
        "{elder} is deceased by status; welfare rules rest",
    ),
    "notice_failed": (
        "{channel}通知 {recipient} 失败：{detail}",
        "{channel} to {recipient} failed: {detail}",
    ),
    "call_failed": ("打给 {recipient}：{detail}", "Call to {recipient}: {detail}"),
    "notice_delivered": ("{channel}已送达 {recipient}", "{channel} reached {recipient}"),
    "notice_parked": ("{channel}通知 {recipient} 已搁置", "{channel} to {recipient} was parked"),
    "visit_recorded": ("探访记录（第 {number} 次）", "Visit recorded (no. {number})"),
    "follow_up_added": ("回访事项：{text}", "Follow-up: {text}"),
    "follow_up_done": ("回访完成：{text}", "Follow-up done: {text}"),
    "hazard_found": ("发现隐患：{text}", "Hazard found: {text}"),
    "hazard_remedied": ("隐患已消除：{text}", "Hazard remedied: {text}"),
    "late_fact": ("{text}（补记）", "{text} (recorded late)"),
    "device_moved": ("确认已移动：{from} → {to}", "It has moved: {from} → {to}"),
    "linked": ("上一张事件单：{previous}", "Earlier incident: {previous}"),
    "clock_clamped": ("时钟跳变，期限已校正", "The clock jumped: the deadline was corrected"),
}


_CONTACT = ("联系人", "the contact")


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
        values["detail"] = look_up(FAILURE, str(data["detail"]), lang)
    if "answer" in data:
        values["answer"] = look_up(ANSWER, str(data["answer"]), lang)
    values |= _of_check(data, lang)
    if "until" in data:
        values["until"] = clock_text(data["until"], zone)
    if "relation" in data:
        values["relation"] = data["relation"] or pick(_CONTACT, lang, "")
    if "tellings" in data:
        values["people"] = _people_text(data["tellings"], lang)
    if kind == "notice_failed" and data.get("channel") == "call":
        kind = "call_failed"  # nobody picked up: nothing of ours failed
    template = pick(TIMELINE.get(kind), lang, kind)
    return template.format_map(_Lenient(values)).strip()


def _of_check(data: Mapping[str, Any], lang: str) -> dict[str, str]:
    values: dict[str, str] = {}
    if "check" in data:
        values["check_text"] = check_text(data["check"], lang)
    if "check_result" in data:
        values["check_answer"] = check_result_text(str(data["check_result"]), lang)
    return values


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
