"""What people read: whole sentences, in both languages, and nothing personal on a telephone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting import wording
from alerting.detectors.liveness import judge_presence, judge_silence
from alerting.finding import SEVERITY_OF_KIND, Finding, Severity
from alerting.wording import duration_text, incident_title, message_text, timeline_text
from tests.detection.support import T0, Watch, device, event, hours, reading, water

ZONE = ZoneInfo("Asia/Shanghai")


def found(*said: Any, role: str = "smoke_detector", every_h: float = 1) -> Finding:
    """The last finding when a device says one thing after the other, an hour apart."""
    watch = Watch(device(role, enrolled_at=T0 - hours(900)))
    findings: list[Finding] = []
    for number, what in enumerate(said):
        at = T0 + hours(number * every_h)
        findings += watch.hears([(at, what)], at)
    return findings[-1]


def silence(last_h: float | None) -> Finding:
    last_heard = None if last_h is None else T0 - hours(last_h)
    finding = judge_silence(last_heard, device(enrolled_at=T0 - hours(900)), T0)
    assert finding is not None
    return finding


DRY = [water(10_000), water(10_120), *[water(10_120)] * 12]
SENTENCES: list[tuple[Finding, str, str]] = [
    (found(event("sos"), role="sos_button"), "一键呼叫", "SOS call"),
    (found(event("fall")), "跌倒", "Fall"),
    (found(event("smoke")), "烟感报警", "Smoke alarm"),
    (found(event("heat")), "高温报警", "Heat alarm"),
    (found(event("gas")), "燃气报警", "Gas alarm"),
    (found(event("leak")), "漏水", "Water leak"),
    (found(event("power_outage")), "停电", "Power outage"),
    (found(event("tamper")), "设备被拆动", "Device tampered with"),
    (found(event("fault")), "设备故障", "Device fault"),
    (found(event("battery_low")), "电量低", "Battery low"),
    (found(reading("battery_pct", 7.5, "%")), "电量低：7.5 %", "Battery low: 7.5 %"),
    (
        found(*DRY, role="water_meter"),
        "长时间未用水：已 12 小时未用水（上次 03-01 09:00）；报警线 12 小时少于 10 升；"
        "表计在线，最近读数 03-01 21:00",
        "No water used: none for 12 h (last at 03-01 09:00); limit 12 h below 10 L; "
        "meter online, last reading 03-01 21:00",
    ),
    (
        found(*DRY[1:], water(10_120), role="water_meter"),
        "长时间未用水：已 12 小时未用水；报警线 12 小时少于 10 升；表计在线，最近读数 03-01 20:00",
        "No water used: none for 12 h; limit 12 h below 10 L; "
        "meter online, last reading 03-01 20:00",
    ),
    (
        found(*[water(10_000 + number / 2) for number in range(13)], role="water_meter"),
        "长时间未用水：12 小时内仅用 6 升（上次 03-01 20:00）；报警线 12 小时少于 10 升；"
        "表计在线，最近读数 03-01 20:00",
        "No water used: only 6 L in 12 h (last at 03-01 20:00); limit 12 h below 10 L; "
        "meter online, last reading 03-01 20:00",
    ),
    (
        found(*[water(10_000 + 200 * number) for number in range(4)], role="water_meter"),
        "水龙头未关：每小时 200 升",
        "Tap left on: 200 L an hour",
    ),
    (
        found(water(10_000), water(9_000), role="water_meter"),
        "无法判断：表计读数倒退",
        "Cannot assess: the meter's register went back",
    ),
    (
        found(water(10_000), water(99_000), role="water_meter"),
        "无法判断：表计读数跳变",
        "Cannot assess: the meter's register jumped",
    ),
    (
        found(water(10_000), water(-1), role="water_meter"),
        "无法判断：表计读数无效",
        "Cannot assess: the meter sent what no register can show",
    ),
    (silence(96), "设备离线：已 4 天没有消息", "Device offline: silent for 4 d"),
    (silence(None), "设备从未上线", "Device never spoke"),
    (
        judge_presence(False, T0, device("gateway"), T0),
        "设备离线",
        "Device offline",
    ),
    (
        found(event("help me"), role="watch"),
        "收到无法识别的消息：来自手表（help me）",
        "Unreadable message: from the watch (help me)",
    ),
]


@pytest.mark.parametrize(("finding", "chinese", "english"), SENTENCES)
def test_what_a_detector_found_reads_as_a_sentence(
    finding: Finding, chinese: str, english: str
) -> None:
    assert incident_title(finding.kind, finding.facts, "zh", ZONE) == chinese
    assert incident_title(finding.kind, finding.facts, "en", ZONE) == english


@pytest.mark.parametrize(
    ("kind", "facts", "chinese", "english"),
    [
        ("smoke", {"room": "厨房"}, "烟感报警：厨房", "Smoke alarm: 厨房"),
        ("sos", {"unconfirmed": True}, "一键呼叫（未证实）", "SOS call (unconfirmed)"),
        (
            "sos",
            {"late_s": 5400},
            "一键呼叫（1 小时 30 分前发生，迟到）",
            "SOS call (happened 1 h 30 min before it arrived)",
        ),
        (
            "fault",
            {"fault": "latched", "level": "smoke"},
            "设备故障：处置后 12 小时仍未恢复，按设备故障处理",
            "Device fault: still on 12 h after the outcome: treated as a fault",
        ),
        (
            "fault",
            {"fault": "id_reused"},
            "设备故障：同一编号、不同内容",
            "Device fault: same id, different content",
        ),
        (
            "unreadable",
            {"reason": "not_json", "role": "sos_button", "unconfirmed": True},
            "收到无法识别的消息：来自呼叫按钮（不是有效的 JSON）（未证实）",
            "Unreadable message: from the SOS button (not valid JSON) (unconfirmed)",
        ),
        (
            "unreadable",
            {"reason": "wrong_type:kind", "role": "", "unknown_device": "btn-9"},
            "收到无法识别的消息：来自未登记的设备（字段类型不对：kind）",
            "Unreadable message: from an unknown device (a field has the wrong type: kind)",
        ),
        ("vitals", {}, "体征异常", "Vital signs"),
        (
            "no_power_use",
            {
                "idle_s": 93_600,
                "limit_s": 86_400,
                "base_w": 45,
                "active_at": "2026-02-28T02:30:00+00:00",
                "last_reading_at": "2026-03-01T04:30:00+00:00",
            },
            "长时间未用电：已 26 小时用电没有超出基础负荷（约 45 瓦）；上次活动 02-28 10:30；"
            "报警线 24 小时；电表在线，最近读数 03-01 12:30",
            "No electricity used: nothing above the base load (about 45 W) for 26 h; "
            "last activity at 02-28 10:30; limit 24 h; meter online, last reading 03-01 12:30",
        ),
        ("no_power_use", {}, "长时间未用电", "No electricity used"),
        (
            "cannot_assess",
            {"reason": "stands_still"},
            "无法判断：电表长时间完全不走，可能停电或已拉闸",
            "Cannot assess: the electricity meter stands still: the mains may be off",
        ),
        ("brand_new", {}, "brand_new", "brand_new"),
    ],
)
def test_the_facts_that_people_need_stand_in_the_title(
    kind: str, facts: dict[str, Any], chinese: str, english: str
) -> None:
    assert incident_title(kind, facts, "zh", ZONE) == chinese
    assert incident_title(kind, facts, "en", ZONE) == english


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (-5, "0 秒", "0 s"),
        (0, "0 秒", "0 s"),
        (59.9, "59 秒", "59 s"),
        (60, "1 分", "1 min"),
        (3599, "59 分", "59 min"),
        (3600, "1 小时", "1 h"),
        (33600, "9 小时 20 分", "9 h 20 min"),
        (86400, "1 天", "1 d"),
        (90000, "1 天 1 小时", "1 d 1 h"),
        (10 * 86400 + 59, "10 天", "10 d"),
    ],
)
def test_spans_are_told_in_at_most_two_units(seconds: float, chinese: str, english: str) -> None:
    assert duration_text(seconds, "zh") == chinese
    assert duration_text(seconds, "en") == english


TOLD = {
    "tellings": [
        {"kind": "desk", "name": "duty desk", "channel": "console", "reason": "duty_desk",
         "state": "unseen"},
        {"kind": "user", "name": "王值班", "channel": "call", "reason": "desk_unwatched"},
        {"kind": "contact", "name": "李女儿", "channel": "sms", "reason": "first_contact"},
        {"kind": "platform", "name": "webhook", "channel": "webhook", "reason": "city_platform"},
        {"kind": "operator", "name": "operator", "channel": "operator", "reason": "operator"},
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "data", "chinese", "english"),
    [
        ("opened", {"incident_kind": "sos", "facts": {"room": "卧室"}}, "一键呼叫：卧室",
         "SOS call: 卧室"),
        ("outcome", {"outcome": "assisted", "text": "扶起"}, "结果：已协助。扶起",
         "Outcome: Assisted. 扶起"),
        ("attended", {"visitor": "陈探访"}, "陈探访 到达现场", "陈探访 arrived"),
        ("contact_answered", {"answer": "cannot"}, "联系人应答：我联系不上",
         "Contact answered: I cannot reach them"),
        ("notice_failed", {"channel": "sms", "recipient": "李女儿", "detail": "answered 500"},
         "短信通知 李女儿 失败：answered 500", "text message to 李女儿 failed: answered 500"),
        ("notice_failed", {"channel": "call", "recipient": "李女儿", "detail": "no_answer"},
         "打给 李女儿：无人接听", "Call to 李女儿: no answer"),
        ("closed", {"text": ""}, "结案。", "Closed."),
        ("closed", {}, "结案。", "Closed."),
        ("dispatched", {}, "派单给", "Dispatched"),
        ("noted", {"text": "{visitor} {0} 100 %"}, "备注：{visitor} {0} 100 %",
         "Note: {visitor} {0} 100 %"),
        ("never_heard_of", {"text": "x"}, "never_heard_of", "never_heard_of"),
        (
            "told",
            TOLD,
            "通知：值班台（无人值守）、王值班（电话，值班台无人值守，转值班电话）、"
            "李女儿（短信，第一联系人）、上级平台（平台推送）、最后保障：运维人员",
            "Told: duty desk (nobody at the desk), 王值班 (phone call, nobody watches the desk: "
            "on-call phone instead), 李女儿 (text message, first contact), "
            "city platform (webhook), last resort: operator",
        ),
    ],
)  # fmt: skip
def test_the_timeline_tells_the_story(
    kind: str, data: dict[str, Any], chinese: str, english: str
) -> None:
    assert timeline_text(kind, data, "zh", ZONE) == chinese
    assert timeline_text(kind, data, "en", ZONE) == english


def test_times_are_told_in_the_homes_zone() -> None:
    moment = datetime(2026, 2, 28, 23, 10, tzinfo=UTC)
    assert wording.clock_text(moment.isoformat(), ZONE) == "03-01 07:10"
    assert wording.clock_text(moment, None) == "02-28 23:10"
    assert wording.clock_text(None, ZONE) == wording.clock_text("", ZONE) == ""


@pytest.mark.parametrize("state", wording.CALL_STATE)
def test_a_call_that_rang_is_never_told_as_delivered(state: str) -> None:
    told = {wording.notice_state_text(state, lang, "call") for lang in wording.LANGUAGES}
    assert told == set(wording.CALL_STATE[state]) and "已送达" not in told
    assert wording.notice_state_text("delivered", "zh", "sms") == "已送达"


STILL = {"since": (T0 - hours(7)).isoformat(), "limit_s": 22500, "quiet_limit_s": 26100,
         "longest_s": 7200, "idle_s": 25200, "profile": "tight"}  # fmt: skip
ASKED = {"purpose": "wellbeing", "result": "unanswered", "asked": 2, "via": ["call", "sms"]}


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"opens": "check"}, "问安线 6 小时 15 分"),
        ({"opens": "incident", "check": ASKED}, "问安线 6 小时 15 分"),
        ({"opens": "incident"}, "报警线 6 小时 15 分"),
        ({"opens": "incident", "profile": "quiet", "check": ASKED}, "报警线 6 小时 15 分"),
    ],
)
def test_the_line_that_asks_is_not_called_an_alarms(facts: dict[str, Any], line: str) -> None:
    assert line in incident_title("no_water_use", STILL | facts, "zh", ZONE)


@pytest.mark.parametrize("lang", wording.LANGUAGES)
@pytest.mark.parametrize("kind", [*SEVERITY_OF_KIND, "unreadable", "brand_new"])
def test_a_family_reads_plain_words(kind: str, lang: str) -> None:
    facts = STILL | {"opens": "check", "check": ASKED, "grade": "fine", "seen_at": STILL["since"]}
    told = wording.noticed_text(kind, facts, lang, T0)
    jargon = ("线", "limit", "preset", "profile", "tight", "adaptive", "fine", "表计", "meter")
    assert told and not [word for word in jargon if word in told]
    assert (wording.pick(wording.ASKED["unanswered"], lang)) in told


def test_a_family_is_told_days_and_minutes() -> None:
    at = [T0 + hours(24 * days) for days in (-1, 0, 1, 5)]
    assert [wording.day_text(one, "zh", ZONE, T0) for one in at] == [
        "昨天 08:00", "今天 08:00", "明天 08:00", "3 月 6 日 08:00"]  # fmt: skip
    assert wording.day_text(at[3], "en", ZONE, T0) == "6 March 08:00"
    assert "今天 08:00" in wording.seen_text({"seen_at": T0.isoformat()}, "zh", ZONE, T0)
    assert wording.seen_text({}, "zh", ZONE, T0) == ""


@pytest.mark.parametrize("lang", wording.LANGUAGES)
def test_words_that_nobody_translated_are_shown_and_not_hidden(lang: str) -> None:
    for text in (
        wording.kind_text,
        wording.stage_text,
        wording.severity_text,
        wording.outcome_text,
        wording.channel_text,
        wording.notice_state_text,
        wording.register_text,
        wording.reason_text,
    ):
        assert text("brand_new", lang) == "brand_new"
    assert wording.reason_text(None, lang) == wording.reason_text("", lang) == ""


@given(data=st.dictionaries(st.sampled_from(["text", "visitor", "answer", "channel", "detail"]),
                            st.text(max_size=20)),
       kind=st.sampled_from([*wording.TIMELINE, "new"]),
       lang=st.sampled_from(wording.LANGUAGES))  # fmt: skip
def test_no_value_can_break_a_sentence(data: dict[str, str], kind: str, lang: str) -> None:
    assert isinstance(timeline_text(kind, data, lang, ZONE), str)


LINK = "https://anju.example/a/ntc-1.abc"


@pytest.mark.parametrize("lang", wording.LANGUAGES)
@pytest.mark.parametrize("recipient", ["contact", "user", "operator"])
@pytest.mark.parametrize("channel", ["sms", "call", "email", "apprise", "operator"])
@pytest.mark.parametrize("type_", [*wording.SMS, "incident.unheard_of"])
def test_a_message_is_whole_and_says_where_to_answer(
    type_: str, channel: str, recipient: str, lang: str
) -> None:
    texts = {
        severity: message_text(
            type_, channel, severity, lang, link=LINK, repeat=False, recipient_kind=recipient
        )
        for severity in Severity
    }
    for text in texts.values():
        assert text and "{" not in text
        assert (LINK in text) == (channel != "call"), "nobody can listen to a link"
    again = message_text(
        type_, channel, "welfare", lang, link=LINK, repeat=True, recipient_kind=recipient
    )
    assert again == wording.REPEAT_MARK[lang == "en"] + texts[Severity.WELFARE]


def test_staff_are_not_told_that_it_is_their_relative() -> None:
    for type_ in wording.SMS:
        for channel in ("sms", "call"):
            for kind in ("user", "operator"):
                chinese, english = (
                    message_text(
                        type_, channel, "welfare", lang, link="", repeat=False, recipient_kind=kind
                    )
                    for lang in wording.LANGUAGES
                )
                assert "家人" not in chinese and "you care for" not in english


def test_a_message_to_a_telephone_does_not_say_what_is_wrong_with_whom() -> None:
    """It is handed no incident at all; nor may its own words name an illness or a place."""
    for type_ in wording.SMS:
        for channel in ("sms", "call"):
            for lang in wording.LANGUAGES:
                text = message_text(type_, channel, "life_safety", lang, link="", repeat=True)
                for table in (wording.KIND, wording.ROLE, wording.OUTCOME):
                    said = [pair[lang == "en"] for pair in table.values()]
                    assert not [word for word in said if word in text]


@pytest.mark.parametrize("lang", wording.LANGUAGES)
@pytest.mark.parametrize("recipient", ["contact", "user"])
@pytest.mark.parametrize("channel", ["sms", "call"])
def test_a_drill_says_that_it_is_one_and_asks_for_nothing(
    channel: str, recipient: str, lang: str
) -> None:
    text = message_text(
        "test.drill", channel, "technical", lang, link=LINK, repeat=False, recipient_kind=recipient
    )
    said = ("演练", "不是报警") if lang == "zh" else ("drill", "not an alarm")
    assert all(word in text for word in said)
    assert LINK not in text and "{" not in text
    assert not [pair for pair in wording.KIND.values() if pair[lang == "en"] in text]


@pytest.mark.parametrize(
    ("known", "zh", "en"),
    [
        ({"longest_s": 10_080}, "本户此时段以往最长 2 小时 48 分", "at this hour 2 h 48 min"),
        ({"learnt_days": 35}, "本户此时段以往没有停过", "never stood still at this hour before"),
        ({"learnt_days": 9}, "还在了解本户的习惯", "still learning this home"),
        ({}, "还在了解本户的习惯", "still learning this home"),
    ],
)
def test_a_home_that_is_known_is_not_said_to_be_learnt(
    known: dict[str, Any], zh: str, en: str
) -> None:
    facts = {"idle_s": 26_160, "limit_s": 26_100, "since": None, "grade": "fine"} | known
    assert zh in incident_title("no_water_use", facts, "zh")
    assert en in incident_title("no_water_use", facts, "en")
    hourless = incident_title("no_water_use", facts | {"grade": "dark", "longest_s": 0}, "zh")
    assert "本户" not in hourless
