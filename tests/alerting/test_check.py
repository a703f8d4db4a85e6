"""The rules of a check: when it is asked again, when it is over, and what every result means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.check import (
    ANSWERS,
    AWAY_CHOICES,
    DESK_ANSWERS,
    HOLIDAY_ANSWERS,
    KEYS,
    MEANING,
    MOST_ROUNDS,
    CheckState,
    Reach,
    Result,
    Running,
    Verb,
    awake_at,
    away_until,
    begin,
    next_step,
    reason_of,
)
from alerting.wording import CHECK_PURPOSE, CHECK_RESULT, CHECK_STATE, REASON, check_text
from care.policy import CheckRules

NOW = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
PHONE, DESK = Reach(by_phone=True, by_desk=False), Reach(by_phone=False, by_desk=True)
NOBODY = Reach(by_phone=False, by_desk=False)
RULES, OFF = CheckRules(), CheckRules(enabled=False)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("rules", "reach", "look", "verb", "reason", "due", "until"),
    [
        (RULES, PHONE, None, Verb.ASK, "check_asked", 4, 10),
        (RULES, DESK, None, Verb.ASK, "check_asked", 4, 10),
        (RULES, NOBODY, None, Verb.END, "nobody_to_ask", None, None),
        (OFF, PHONE, None, Verb.END, "checks_off", None, None),
        (OFF, NOBODY, None, Verb.END, "checks_off", None, None),
        # Another witness was heard: the incident waits for the look, the question does not.
        (RULES, PHONE, 120, Verb.ASK, "check_asked", 4, 120),
        (RULES, PHONE, 5, Verb.ASK, "check_asked", 4, 10),
        (RULES, NOBODY, 120, Verb.HOLD, "check_held", 120, 120),
        (OFF, PHONE, 120, Verb.HOLD, "check_held", 120, 120),
        (OFF, PHONE, -1, Verb.END, "checks_off", None, None),
    ],
)
def test_a_first_finding_leads_to_a_question_a_wait_or_an_incident(
    rules: CheckRules,
    reach: Reach,
    look: float | None,
    verb: Verb,
    reason: str,
    due: float | None,
    until: float | None,
) -> None:
    decision = begin(rules, reach, None if look is None else NOW + minutes(look), NOW)
    assert (decision.verb, decision.reason) == (verb, reason)
    assert decision.due_at == (None if due is None else NOW + minutes(due))
    assert decision.until == (None if until is None else NOW + minutes(until))


def running(**fields: object) -> Running:
    values: dict[str, object] = {
        "state": CheckState.ASKING,
        "asked": 1,
        "until": NOW + minutes(6),
        "reached": True,
    }
    return Running(**(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("check", "reach", "verb", "reason"),
    [
        (running(), PHONE, Verb.ASK, "check_again"),
        (running(asked=MOST_ROUNDS), PHONE, Verb.WAIT, "check_asked"),
        (running(until=NOW), PHONE, Verb.END, "check_unanswered"),
        (running(line_busy=True), PHONE, Verb.WAIT, "check_asked"),
        (running(reached=False), PHONE, Verb.END, "nobody_to_ask"),
        (running(reached=False), DESK, Verb.ASK, "check_by_hand"),
        (running(reached=False, asked=MOST_ROUNDS), DESK, Verb.ASK, "check_by_hand"),
        (running(state=CheckState.HELD, asked=0, reached=False), NOBODY, Verb.WAIT, "check_asked"),
        (running(state=CheckState.HELD, until=NOW), NOBODY, Verb.END, "check_unanswered"),
    ],
)
def test_a_deadline_asks_once_more_waits_or_ends(
    check: Running, reach: Reach, verb: Verb, reason: str
) -> None:
    decision = next_step(check, reach, NOW)
    assert (decision.verb, decision.reason) == (verb, reason)


@given(
    minutes_=st.integers(3, 60),
    again=st.integers(1, 60),
    look=st.one_of(st.none(), st.integers(-60, 240)),
    by_phone=st.booleans(),
    by_desk=st.booleans(),
    reached=st.lists(st.booleans(), min_size=8, max_size=8),
    late=st.lists(st.integers(0, 600), min_size=8, max_size=8),
)
def test_whatever_happens_it_is_over_in_time_and_asks_at_most_twice_by_phone(
    minutes_: int,
    again: int,
    look: int | None,
    by_phone: bool,
    by_desk: bool,
    reached: list[bool],
    late: list[int],
) -> None:
    """Driven by its deadlines alone, each acted on up to ten minutes late."""
    rules = CheckRules(minutes=minutes_, again_minutes=again)
    reach = Reach(by_phone=by_phone, by_desk=by_desk)
    look_at = None if look is None else NOW + minutes(look)
    decision = begin(rules, reach, look_at, NOW)
    if decision.verb is Verb.END:
        return
    until = decision.until
    assert until is not None
    assert until <= max(NOW + minutes(minutes_), look_at or NOW)
    asked = 1 if decision.verb is Verb.ASK else 0
    state = CheckState.ASKING if asked else CheckState.HELD
    by_hand = 0
    for got_through, behind in zip(reached, late, strict=True):
        assert decision.due_at is not None
        assert decision.due_at <= until
        now = max(NOW, decision.due_at) + timedelta(seconds=behind)
        decision = next_step(
            Running(state=state, asked=asked, until=until, reached=got_through), reach, now
        )
        if decision.verb is Verb.END:
            break
        if decision.verb is Verb.ASK:
            asked += 1
            by_hand += decision.reason == "check_by_hand"
    assert decision.verb is Verb.END
    assert decision.result in (Result.UNANSWERED, Result.NOBODY_TO_ASK)
    assert asked - by_hand <= MOST_ROUNDS


def test_every_result_has_a_meaning_and_words() -> None:
    assert set(MEANING) == set(Result)
    assert set(CHECK_RESULT) == {one.value for one in Result}
    assert set(CHECK_STATE) == {one.value for one in CheckState}
    assert set(CHECK_PURPOSE) == {"wellbeing", "holiday"}
    assert set(KEYS.values()) == ANSWERS
    assert set(Result) >= (ANSWERS | HOLIDAY_ANSWERS | DESK_ANSWERS)


def test_only_proof_of_life_teaches_and_only_what_lacks_it_or_asks_for_help_opens() -> None:
    for result, meaning in MEANING.items():
        assert meaning.proof_of_life or not meaning.was_false
        assert not (meaning.opens and meaning.was_false), result
    assert not MEANING[Result.AWAY].was_false
    assert not MEANING[Result.UNANSWERED].proof_of_life


@pytest.mark.parametrize("result", [one for one in Result if MEANING[one].opens])
def test_an_incident_that_a_check_opens_says_why(result: Result) -> None:
    assert reason_of({"check": {"result": result.value}}) in REASON


def test_an_incident_without_a_check_says_why_there_was_none() -> None:
    assert reason_of({}) is None
    assert reason_of({"no_check": "checks_off"}) == "checks_off"
    by_officer = {"check": {"result": "unanswered", "by_person": True}}
    assert reason_of(by_officer) == "check_cut_short"


@pytest.mark.parametrize("choice", AWAY_CHOICES)
@given(hour=st.integers(0, 24 * 400))
def test_an_absence_ends_in_an_evening_that_is_still_to_come(choice: str, hour: int) -> None:
    now = NOW + timedelta(hours=hour, minutes=17)
    end = away_until(choice, now, ZONE)
    assert end.astimezone(ZONE).hour == 21
    assert end - now >= timedelta(hours=1)
    assert end - now <= timedelta(days=9)


@pytest.mark.parametrize(
    ("hour", "expected"), [(8, 8), (12, 12), (21, 21), (22, 32), (3, 8), (7, 8)]
)
def test_at_night_a_message_that_can_wait_does(hour: int, expected: int) -> None:
    midnight = datetime(2026, 3, 1, tzinfo=ZONE)
    now = (midnight + timedelta(hours=hour)).astimezone(UTC)
    assert awake_at(now, ZONE) == midnight + timedelta(hours=expected)


@pytest.mark.parametrize(
    ("facts", "chinese", "english"),
    [
        (
            {"asked": 2, "via": ["call", "sms"], "result": "unanswered", "purpose": "wellbeing"},
            "问安 2 次（电话、短信）：无人应答",
            "asked 2 times (phone call, text message): no answer",
        ),
        (
            {"asked": 0, "via": [], "result": "unanswered", "purpose": "wellbeing"},
            "未先问安",
            "nobody was asked before",
        ),
        (
            {"asked": 1, "via": ["sms"], "result": "at_home", "purpose": "holiday"},
            "问联系人（短信）：应该在家",
            "a contact was asked (text message): should be at home",
        ),
    ],
)
def test_an_incident_says_in_a_few_words_what_was_asked_before(
    facts: dict[str, Any], chinese: str, english: str
) -> None:
    assert check_text(facts, "zh") == chinese
    assert check_text(facts, "en") == english
