"""What a case tells of its beginning: since when, which lines, what was tried, what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerting.tables import Notice, TimelineEntry
from alerting.usage import by_hour
from console.context import Say
from console.stillness import stillness_of
from console.texts import words
from console.timeline import lines_of
from console.tried import came_of, tried
from console.usage_chart import draw, limits_of
from console.why import figures, passed

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)  # 12:00 at home
SINCE = (NOON - timedelta(hours=7)).isoformat()
CHECK = {"purpose": "wellbeing", "result": "unanswered", "asked": 2}
ASKING = {"opens": "check", "since": SINCE, "profile": "tight", "limit_s": 22500,
          "quiet_limit_s": 26100, "longest_s": 7200}  # fmt: skip
ZH, SAY = words("zh"), Say("zh", ZONE)


def notice(minute: int, channel: str, state: str, **more: Any) -> Notice:
    given = {"recipient": "李奶奶", "recipient_kind": "elder", "check_id": "chk-1"} | more
    return Notice(
        created_at=NOON + timedelta(minutes=minute), channel=channel, state=state, **given
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (notice(0, "call", "failed", detail="no_answer"), "无人接听"),
        (notice(0, "call", "delivered"), "响过铃，没有按键应答"),
        (notice(0, "sms", "delivered"), "已送达，没有回应"),
        (notice(0, "console", "delivered", recipient_kind="desk"), "值班台已显示"),
        (notice(0, "call", "answered", answer="help"), "老人需要帮助"),
    ],
)
def test_what_came_of_a_question(given: Notice, said: str) -> None:
    assert came_of(given, SAY, ZH, waits=True) == said


def test_a_contact_s_message_needs_no_reply_to_be_told_as_delivered() -> None:
    assert came_of(notice(0, "sms", "delivered", check_id=None), SAY, ZH) == "已送达"


def test_the_story_is_in_the_order_in_which_it_happened() -> None:
    def entry(minute: int, kind: str, **data: Any) -> TimelineEntry:
        at = NOON + timedelta(minutes=minute)
        return TimelineEntry(at=at, recorded_at=at, kind=kind, data=data, actor="安居")

    told = {"kind": "contact", "name": "李女儿", "channel": "sms", "reason": "first_contact"}
    lines = lines_of(
        [entry(10, "opened"), entry(10, "told", tellings=[told]), entry(0, "checked")],
        [notice(10, "sms", "delivered", recipient="李女儿", recipient_kind="contact")],
        [notice(0, "call", "failed", detail="busy"), notice(4, "call", "delivered")],
        ZH,
        SAY,
    )
    at_once = lines_of([entry(0, "opened"), entry(0, "checked")], [], [], ZH, SAY)
    assert [line.kind for line in at_once] == ["checked", "opened"]
    assert [line.kind for line in lines] == ["checked", "tried", "tried", "opened", "told"]
    assert lines[-1].told[0].channels == ("短信：已送达",)


def test_a_question_names_who_was_asked_and_over_what() -> None:
    asked = [notice(0, channel, "sending") for channel in ("call", "sms", "apprise")]
    asked.append(notice(2, "console", "delivered", recipient_kind="desk"))
    assert [one.what for one in tried(asked, ZH, SAY)] == [
        "打电话问李奶奶",
        "发短信问李奶奶",
        "用消息问李奶奶",
        "请值班台打电话",
    ]


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        (ASKING, [("check", 22500), ("incident", 26100)]),
        (ASKING | {"opens": "incident", "check": CHECK}, [("check", 22500), ("incident", 26100)]),
        (ASKING | {"opens": "incident"}, [("incident", 22500)]),
        ({"window_h": 12}, [("incident", 43200)]),
        ({}, []),
    ],
)
def test_which_lines_a_chart_has(facts: dict[str, Any], lines: list[tuple[str, int]]) -> None:
    assert limits_of(facts) == lines


def test_a_gap_that_began_with_a_word_says_so_in_figures_and_chart() -> None:
    facts = ASKING | {"seen_at": SINCE, "since_known": False}
    gap = stillness_of("no_water_use", facts)
    assert gap is not None and gap.begun == "word"
    first = figures("no_water_use", facts, NOON, ZH, ZONE)[0]
    label = "没有用水，从 03-10 05:00 有人确认平安（或停水、外出结束）算起"
    assert (first.value, first.label) == ("7 小时", label)
    uses = by_hour([(NOON - timedelta(hours=2), 1.0), (NOON, 1.0)], ZONE, NOON, 3)
    chart = draw(uses, facts, [("asked", NOON)], NOON, ZONE)
    assert [dot.name for dot in chart.dots] == ["seen", "asked"]
    assert [mark.name for mark in chart.marks] == ["check", "incident"]


@pytest.mark.parametrize(
    ("facts", "label"),
    [
        (ASKING, "本户问安线，最短就是这么久"),
        (ASKING | {"limit_s": 30000}, "本户问安线：平时最长再加余量"),
        (ASKING | {"limit_s": 30000, "capped": True}, "本户问安线：最晚不超过这么久"),
        (ASKING | {"opens": "incident", "longest_s": 0}, "本户报警线"),
    ],
)
def test_a_line_says_where_it_comes_from(facts: dict[str, Any], label: str) -> None:
    assert label in [one.label for one in figures("no_water_use", facts, NOON, ZH, ZONE)]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (ASKING, "已 7 小时没有用水，过了 6 小时 15 分的问安线。"),
        ({"since": SINCE, "window_h": 6}, "已 7 小时没有用水，过了 6 小时的报警线。"),
        ({"since": SINCE, "window_h": 12, "used_l": 4.0}, ""),
        ({"limit_s": 7200}, ""),
    ],
)
def test_the_first_sentence(facts: dict[str, Any], said: str) -> None:
    assert passed(facts, NOON, ZH) == said


@pytest.mark.parametrize(
    ("kind", "facts"),
    [("sos", {"since": SINCE}), ("no_water_use", {}), ("no_water_use", {"since": "nonsense"})],
)
def test_other_cases_have_no_stillness(kind: str, facts: dict[str, Any]) -> None:
    assert stillness_of(kind, facts) is None
