"""A question before an incident (问安): when it is asked again, when it is over, what an answer
means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from care.policy import CheckRules


class Purpose(StrEnum):
    WELLBEING = "wellbeing"  # asks the elder, before an incident
    HOLIDAY = "holiday"  # asks the first contact whether the elder is away, after "nobody home"


class CheckState(StrEnum):
    ASKING = "asking"
    HELD = "held"  # nobody is asked; the finding waits for a second look
    ENDED = "ended"


class Result(StrEnum):
    """How a check ended."""

    WELL = "well"  # the elder says so
    HELP = "help"  # the elder needs somebody
    AWAY = "away"  # not at home, until a time that was named
    SPOKEN = "spoken"  # the desk spoke with the elder
    USED_AGAIN = "used_again"
    UNANSWERED = "unanswered"
    OVERTAKEN = "overtaken"  # what it asked about got worse: an incident stands in its place
    NOBODY_TO_ASK = "nobody_to_ask"
    WITHDRAWN = "withdrawn"  # nobody who lives there is at home any more, says their status
    AT_HOME = "at_home"  # of a holiday question: they should be there
    UNSURE = "unsure"  # of a holiday question: the contact does not know


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """`proof_of_life`: somebody heard the elder, or water ran. `was_false`: the detector may learn
    that this home's stillness was nothing. `opens`: an incident is opened from the finding."""

    proof_of_life: bool = False
    was_false: bool = False
    opens: bool = False


MEANING: Mapping[Result, Meaning] = {
    Result.WELL: Meaning(proof_of_life=True, was_false=True),
    Result.SPOKEN: Meaning(proof_of_life=True, was_false=True),
    Result.USED_AGAIN: Meaning(proof_of_life=True, was_false=True),
    # They were heard, but the stillness was right: nothing is learnt from an empty home.
    Result.AWAY: Meaning(proof_of_life=True),
    Result.HELP: Meaning(proof_of_life=True, opens=True),
    Result.UNANSWERED: Meaning(opens=True),
    Result.NOBODY_TO_ASK: Meaning(opens=True),
    Result.OVERTAKEN: Meaning(),  # the finding that overtook it opens the incident
    Result.WITHDRAWN: Meaning(),
    Result.AT_HOME: Meaning(opens=True),
    Result.UNSURE: Meaning(),
}

USED_ELSEWHERE = "used_elsewhere"
"""A fact of a check that ended because another device of the home saw use."""


def heard_otherwise(result: Result, facts: Mapping[str, Any]) -> bool:
    """Is somebody well who was heard of by other means than the device that asked?

    Use is seen by a meter itself; what its neighbour saw, it has to be told.
    """
    if result is Result.USED_AGAIN:
        return bool(facts.get(USED_ELSEWHERE))
    return MEANING[result].was_false


KEYS = {"1": Result.WELL, "2": Result.HELP, "3": Result.AWAY}
"""What an elder presses in the call."""

ANSWERS = frozenset({Result.WELL, Result.HELP, Result.AWAY})
HOLIDAY_ANSWERS = frozenset({Result.AWAY, Result.AT_HOME, Result.UNSURE})
DESK_ANSWERS = frozenset({Result.WELL, Result.SPOKEN, Result.HELP, Result.AWAY})

_REASONS = {
    Result.HELP: "check_help",
    Result.UNANSWERED: "check_unanswered",
    Result.NOBODY_TO_ASK: "nobody_to_ask",
    Result.OVERTAKEN: "check_overtaken",
    Result.AT_HOME: "expected_at_home",
}


def reason_of(facts: Mapping[str, Any]) -> str | None:
    """Why an incident with these facts was opened, as far as a check had to do with it (a key of
    wording): `facts["check"]` is the one before it, `facts["no_check"]` why there was none."""
    check = facts.get("check")
    if not check:
        return facts.get("no_check")
    if check.get("by_person") and check["result"] == Result.UNANSWERED:
        return "check_cut_short"
    return _REASONS.get(check["result"])


def is_asking_line(facts: Mapping[str, Any]) -> bool:
    """Is the limit in these facts the one at which one asks, and not yet the incident's own?

    It stays so in an incident that nobody's answer led to.
    """
    asked = (facts.get("check") or {}).get("purpose") == Purpose.WELLBEING
    return facts.get("opens") == "check" or (asked and facts.get("profile") == "tight")


MOST_ROUNDS = 2
ANSWERABLE_FOR = timedelta(hours=24)
"""So long after it was asked an answer by link or key still counts for something."""


MAX_AWAY = timedelta(days=366)


class Verb(StrEnum):
    ASK = "ask"
    WAIT = "wait"
    HOLD = "hold"
    END = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What to do now. `due_at`: when to decide again; `until`: when an unanswered check is over."""

    verb: Verb
    reason: str  # a key of wording
    due_at: datetime | None = None
    until: datetime | None = None
    result: Result | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Whom a check can ask: over the elder's phone, or through a desk that phones by hand."""

    by_phone: bool
    by_desk: bool

    @property
    def anybody(self) -> bool:
        return self.by_phone or self.by_desk


def begin(rules: CheckRules, reach: Reach, look_at: datetime | None, now: datetime) -> Decision:
    """What a first finding leads to. `look_at`: another witness was heard, and another look is
    wanted then; it may delay the incident, but not the question.

    END means: no check, the incident opens at once, for `reason`.
    """
    asks = rules.enabled and reach.anybody
    if not asks and look_at is not None and look_at > now:
        return Decision(verb=Verb.HOLD, reason="check_held", due_at=look_at, until=look_at)
    if not rules.enabled:
        return Decision(verb=Verb.END, reason="checks_off")
    if not reach.anybody:
        return Decision(verb=Verb.END, reason="nobody_to_ask", result=Result.NOBODY_TO_ASK)
    until = now + timedelta(minutes=rules.minutes)
    if look_at is not None:
        until = max(until, look_at)
    again = min(now + timedelta(minutes=rules.again_minutes), until)
    return Decision(verb=Verb.ASK, reason="check_asked", due_at=again, until=until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A check whose deadline has come, as far as deciding needs it."""

    state: CheckState
    asked: int  # rounds so far
    until: datetime
    reached: bool  # a question is on its way or got through; False: every one of them failed
    line_busy: bool = False  # help was called for meanwhile: their phone must stay free


def next_step(check: Running, reach: Reach, now: datetime) -> Decision:
    """What a deadline of a check leads to: ask once more, go on waiting, or the incident."""
    if now >= check.until:
        return Decision(verb=Verb.END, reason="check_unanswered", result=Result.UNANSWERED)
    wait = Decision(verb=Verb.WAIT, reason="check_asked", due_at=check.until, until=check.until)
    if check.state is CheckState.HELD or check.line_busy:
        return wait
    if check.reached:
        if check.asked >= MOST_ROUNDS:
            return wait
        return Decision(verb=Verb.ASK, reason="check_again", due_at=check.until, until=check.until)
    # No question got out. Another round over the same dead lines would only cost time.
    if reach.by_desk:
        return Decision(
            verb=Verb.ASK, reason="check_by_hand", due_at=check.until, until=check.until
        )
    return Decision(verb=Verb.END, reason="nobody_to_ask", result=Result.NOBODY_TO_ASK)


AWAY_CHOICES = ("tonight", "tomorrow", "days3", "week")
_DAYS = {"tonight": 0, "tomorrow": 1, "days3": 3, "week": 7}
BACK_AT = time(21, 0)  # home's time: by then whoever comes home that day has used some water


def away_until(choice: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The end of an absence by one of `AWAY_CHOICES`; raises `KeyError` for any other.

    In the evening of the day that was named. An evening that has come already means tomorrow's.
    """
    local = now.astimezone(zone)
    day = local.date() + timedelta(days=_DAYS[choice])
    end = datetime.combine(day, BACK_AT, zone)
    if end - local < timedelta(hours=1):
        end = datetime.combine(day + timedelta(days=1), BACK_AT, zone)
    return end.astimezone(now.tzinfo)


NIGHT_ENDS, NIGHT_BEGINS = time(8, 0), time(22, 0)
HOLIDAY_ANSWER_WITHIN = timedelta(hours=24)


def awake_at(now: datetime, zone: ZoneInfo) -> datetime:
    """`now` by day; at night (22 to 8, home's time) eight in the morning. For what can wait."""
    local = now.astimezone(zone)
    if NIGHT_ENDS <= local.time() < NIGHT_BEGINS:
        return now
    day = local.date() + timedelta(days=1 if local.time() >= NIGHT_BEGINS else 0)
    return datetime.combine(day, NIGHT_ENDS, zone).astimezone(now.tzinfo)
