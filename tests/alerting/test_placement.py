"""Where a finding belongs: a table over its sign, the running incident and the one before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.finding import Finding, Severity, Sign
from alerting.incident import UNATTENDED, Current, Past, Stage, Verb, place

NOW = datetime(2026, 3, 1, 0, 15, tzinfo=UTC)
LIFE, WELFARE, TECHNICAL = Severity.LIFE_SAFETY, Severity.WELFARE, Severity.TECHNICAL


def finding(sign: Sign, severity: Severity = LIFE) -> Finding:
    kind = {LIFE: "smoke", WELFARE: "leak", TECHNICAL: "tamper"}[severity]
    return Finding(kind=kind, severity=severity, sign=sign, at=NOW, reason="test")


def running(stage: Stage = Stage.OPEN, *, rang_s: float | None = None) -> Current:
    rang_at = None if rang_s is None else NOW - timedelta(seconds=rang_s)
    return Current(stage=stage, rang_at=rang_at, opened_at=NOW - timedelta(hours=1))


def ended(hours: float, condition: str = "active") -> Past:
    return Past(outcome_at=NOW - timedelta(hours=hours), condition=condition)


NEWS = (Sign.EDGE, Sign.ROSE, Sign.WORSE)
OWNED = sorted(UNATTENDED - {Stage.OPEN})


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("past", [None, ended(1), ended(13), ended(1, "cleared")])
@pytest.mark.parametrize("sign", NEWS)
def test_news_opens_when_nothing_runs(sign: Sign, past: Past | None, severity: Severity) -> None:
    placed = place(finding(sign, severity), None, past, NOW)
    assert (placed.verb, placed.reason) == (Verb.OPEN, "opened")


@pytest.mark.parametrize("past", [None, ended(1), ended(13, "cleared")])
def test_a_level_found_on_opens_and_is_marked(past: Past | None) -> None:
    placed = place(finding(Sign.FOUND), None, past, NOW)
    assert (placed.verb, placed.reason) == (Verb.OPEN, "opened_found")


@pytest.mark.parametrize("sign", NEWS)
def test_life_safety_rings_everybody_while_nobody_owns_it(sign: Sign) -> None:
    for rang_s in (None, 0, 30, 600):
        placed = place(finding(sign), running(Stage.OPEN, rang_s=rang_s), None, NOW)
        assert (placed.verb, placed.reason) == (Verb.RING_ALL, "again_unowned")


@pytest.mark.parametrize("stage", OWNED)
@pytest.mark.parametrize("sign", NEWS)
@pytest.mark.parametrize(
    ("rang_s", "verb", "reason"),
    [
        (None, Verb.RING_OWNER, "again_owned"),
        (0, Verb.JOIN, "again_owner_just_rung"),
        (119.9, Verb.JOIN, "again_owner_just_rung"),
        (120, Verb.RING_OWNER, "again_owned"),
        (3600, Verb.RING_OWNER, "again_owned"),
    ],
)
def test_life_safety_rings_the_owner_at_most_every_two_minutes(
    stage: Stage, sign: Sign, rang_s: float | None, verb: Verb, reason: str
) -> None:
    placed = place(finding(sign), running(stage, rang_s=rang_s), None, NOW)
    assert (placed.verb, placed.reason) == (verb, reason)


@pytest.mark.parametrize("stage", sorted(UNATTENDED))
@pytest.mark.parametrize("severity", [WELFARE, TECHNICAL])
@pytest.mark.parametrize("sign", [Sign.EDGE, Sign.ROSE])
def test_other_findings_join_in_silence(stage: Stage, severity: Severity, sign: Sign) -> None:
    placed = place(finding(sign, severity), running(stage), None, NOW)
    assert (placed.verb, placed.reason) == (Verb.JOIN, "joined")


@pytest.mark.parametrize("severity", Severity)
def test_what_got_worse_is_told_again_whatever_its_severity(severity: Severity) -> None:
    worse = finding(Sign.WORSE, severity)
    assert place(worse, running(Stage.OPEN), None, NOW).verb is Verb.RING_ALL
    assert place(worse, running(Stage.DISPATCHED), None, NOW).verb is Verb.RING_OWNER


@pytest.mark.parametrize("stage", sorted(UNATTENDED))
@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("sign", [Sign.HELD, Sign.FOUND])
def test_a_level_that_holds_is_no_news_beside_its_incident(
    stage: Stage, severity: Severity, sign: Sign
) -> None:
    placed = place(finding(sign, severity), running(stage), None, NOW)
    assert (placed.verb, placed.reason) == (Verb.JOIN, "still_active")


@pytest.mark.parametrize(
    ("severity", "past", "verb", "reason"),
    [
        (LIFE, None, Verb.OPEN, "opened_found"),  # its incident was lost to an import
        (LIFE, Past(outcome_at=None), Verb.OPEN, "opened_found"),
        (LIFE, ended(1), Verb.NOTHING, "held_after_outcome"),
        (LIFE, ended(11.999), Verb.NOTHING, "held_after_outcome"),
        (LIFE, ended(12), Verb.LATCHED, "latched"),
        (WELFARE, ended(12), Verb.LATCHED, "latched"),
        (TECHNICAL, ended(12), Verb.NOTHING, "held_after_outcome"),  # it is a fault already
        (LIFE, ended(1, "cleared"), Verb.OPEN, "opened"),
        (LIFE, ended(99, "cleared"), Verb.OPEN, "opened"),
    ],
)
def test_a_level_that_holds_after_an_outcome(
    severity: Severity, past: Past | None, verb: Verb, reason: str
) -> None:
    placed = place(finding(Sign.HELD, severity), None, past, NOW)
    assert (placed.verb, placed.reason) == (verb, reason)


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize(
    ("current", "past", "verb"),
    [
        (None, None, Verb.NOTHING),
        (running(), None, Verb.CLEAR),
        (running(Stage.ATTENDED), None, Verb.CLEAR),
        (Current(stage=Stage.OPEN, rang_at=None, opened_at=NOW, condition="cleared"), None,
         Verb.NOTHING),
        (None, ended(1), Verb.CLEAR),
        (None, ended(1, "cleared"), Verb.NOTHING),
    ],
)  # fmt: skip
def test_a_clear_only_ever_clears(
    severity: Severity, current: Current | None, past: Past | None, verb: Verb
) -> None:
    assert place(finding(Sign.CLEARED, severity), current, past, NOW).verb is verb


@given(
    sign=st.sampled_from(list(Sign)),
    severity=st.sampled_from(list(Severity)),
    stage=st.sampled_from([None, *sorted(UNATTENDED)]),
    rang_s=st.none() | st.floats(0, 1e6),
    past=st.none() | st.builds(ended, st.floats(0, 1000), st.sampled_from(["active", "cleared"])),
)
def test_a_new_alarm_of_life_safety_always_reaches_somebody_or_was_just_told(
    sign: Sign, severity: Severity, stage: Stage | None, rang_s: float | None, past: Past | None
) -> None:
    current = running(stage, rang_s=rang_s) if stage else None
    placed = place(finding(sign, severity), current, past, NOW)
    assert placed.reason, "every decision says why"
    if severity is LIFE and sign in NEWS:
        told = {Verb.OPEN, Verb.RING_ALL, Verb.RING_OWNER}
        assert placed.verb in told or placed.reason == "again_owner_just_rung"
    if current is not None:
        assert placed.verb not in (Verb.OPEN, Verb.LATCHED), "a running incident is joined"
