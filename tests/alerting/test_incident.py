"""The stage table, subjects, folding, gates and cancelling: pure rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.finding import Severity
from alerting.incident import (
    FINAL,
    MOVES,
    UNATTENDED,
    CloseGates,
    CloseView,
    Move,
    Stage,
    allowed_moves,
    cancel_refusal,
    folded_subject,
    missing_gates,
    subject_of,
)

LIFE, WELFARE, TECHNICAL = Severity.LIFE_SAFETY, Severity.WELFARE, Severity.TECHNICAL

CONTRACT = """
acknowledge open→acknowledged
dispatch    open·acknowledged·dispatched·accepted→dispatched
accept      dispatched→accepted
arrive      dispatched·accepted→attended
outcome     acknowledged·dispatched·accepted·attended→following_up
close       following_up→closed
release     acknowledged·dispatched·accepted→open
reopen      following_up·closed→open
cancel      open·acknowledged→cancelled
"""
"""The stage table as contract.md has it, with `acknowledged…attended` written out."""


def table() -> dict[tuple[str, str], str]:
    """(move, stage) → the stage it leads to."""
    result: dict[tuple[str, str], str] = {}
    for line in CONTRACT.split("\n"):
        if line:
            move, _, arrow = line.partition(" ")
            sources, _, target = arrow.strip().partition("→")
            result |= {(move, source): target for source in sources.split("·")}
    return result


@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("stage", Stage)
def test_the_stage_table_is_the_contracts(move: Move, stage: Stage) -> None:
    sources, target = MOVES[move]
    allowed = target.value if stage in sources else None
    assert allowed == table().get((move.value, stage.value))


def test_every_move_of_the_contract_exists_and_no_other() -> None:
    assert {move for move, _ in table()} == {move.value for move in Move} == set(MOVES)


@given(st.lists(st.sampled_from(list(Move)), max_size=40))
def test_no_sequence_of_moves_leaves_the_table(moves: list[Move]) -> None:
    stage = Stage.OPEN
    for move in moves:
        before = stage
        if move in allowed_moves(stage, WELFARE, "actual"):
            stage = MOVES[move][1]
        if before is Stage.CANCELLED:
            assert stage is Stage.CANCELLED, "cancelled is the end"
        if before is Stage.CLOSED:
            assert stage in (Stage.CLOSED, Stage.OPEN), "only a reopen leaves closed"
        assert stage in Stage


def test_every_stage_can_still_be_ended() -> None:
    """From each stage that is not final some sequence of moves leads to closed."""
    ends = {Stage.CLOSED}
    while grown := {
        source for sources, target in MOVES.values() if target in ends for source in sources - ends
    }:
        ends |= grown
    assert ends == set(Stage) - {Stage.CANCELLED}


def test_an_outcome_ends_what_further_findings_join() -> None:
    assert {Stage.FOLLOWING_UP} | FINAL == set(Stage) - UNATTENDED


IDENT = st.none() | st.text("abc", min_size=1, max_size=3)


@given(
    severity=st.sampled_from(list(Severity)),
    device=IDENT,
    elder=IDENT,
    home=IDENT,
    worn=st.booleans(),
    source=st.text(max_size=3),
    child=st.text(max_size=3),
)
def test_an_incident_always_has_a_subject(
    severity: Severity,
    device: str | None,
    elder: str | None,
    home: str | None,
    worn: bool,
    source: str,
    child: str,
) -> None:
    subject = subject_of(
        severity,
        device_id=device,
        elder_id=elder,
        home_id=home,
        worn=worn,
        source_id=source,
        child_id=child,
    )
    kind, _, ident = subject.partition(":")
    assert kind in ("device", "elder", "home", "child") and ident


@pytest.mark.parametrize(
    ("severity", "bound", "worn", "subject"),
    [
        (LIFE, ("d", "e", "h"), True, "elder:e"),
        (LIFE, ("d", "e", "h"), False, "home:h"),  # one incident a home
        (LIFE, ("d", None, "h"), True, "home:h"),  # a watch that was given to a home
        (TECHNICAL, ("d", "e", "h"), True, "device:d"),
        (TECHNICAL, (None, None, None), False, "child:src/0x01"),
        (WELFARE, ("d", None, None), False, "child:src/0x01"),
        (LIFE, (None, None, None), False, "child:src/0x01"),
    ],
)
def test_the_subject_is_who_or_what_it_is_about(
    severity: Severity, bound: tuple[str | None, ...], worn: bool, subject: str
) -> None:
    device, elder, home = bound
    assert subject == subject_of(
        severity,
        device_id=device,
        elder_id=elder,
        home_id=home,
        worn=worn,
        source_id="src",
        child_id="0x01",
    )


def test_unbound_devices_of_one_source_fold_after_the_third() -> None:
    subjects: list[str] = []
    for number in range(1, 7):
        subjects.append(
            folded_subject("src", tuple(dict.fromkeys(subjects)), f"child:src/{number}")
        )
    assert subjects == ["child:src/1", "child:src/2", "child:src/3", *["source:src"] * 3]
    assert folded_subject("src", tuple(subjects), "child:src/2") == "child:src/2", "keeps its own"


def view(**fields: object) -> CloseView:
    values: dict[str, object] = {
        "severity": LIFE,
        "outcome": "assisted",
        "was_dispatched": True,
        "was_attended": True,
        "linked_visits": 1,
        "open_follow_ups": 0,
        "waiver": None,
    }
    return CloseView(**(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "gates", "missing"),
    [
        ({}, {}, ()),
        ({"outcome": None}, {}, ("outcome",)),
        ({"linked_visits": 0}, {}, ("visit_record",)),
        ({"linked_visits": 0, "waiver": "why"}, {}, ("visit_record",)),
        ({"linked_visits": 0, "waiver": "why"}, {"waiver_instead_of_record": True}, ()),
        ({"linked_visits": 0, "waiver": ""}, {"waiver_instead_of_record": True}, ("visit_record",)),
        ({"linked_visits": 0}, {"visit_record": False}, ()),
        ({"was_attended": False, "linked_visits": 0}, {}, ("visit_or_waiver",)),
        ({"was_attended": False, "linked_visits": 0, "waiver": ""}, {}, ("visit_or_waiver",)),
        ({"was_attended": False, "linked_visits": 0, "waiver": "why"}, {}, ()),
        ({"was_attended": False, "linked_visits": 1}, {}, ()),
        ({"was_attended": False, "linked_visits": 0}, {"waiver_without_visit": False}, ()),
        ({"open_follow_ups": 1}, {}, ("follow_ups",)),
        ({"open_follow_ups": 1}, {"follow_ups_done": False}, ()),
        (
            {"outcome": None, "linked_visits": 0, "open_follow_ups": 2},
            {},
            ("outcome", "visit_record", "follow_ups"),
        ),
        ({"severity": TECHNICAL, "linked_visits": 0}, {}, ()),  # an outcome alone
        ({"severity": TECHNICAL, "linked_visits": 0, "was_attended": False}, {}, ()),
        ({"severity": TECHNICAL, "outcome": None}, {}, ("outcome",)),
        ({"severity": WELFARE, "linked_visits": 0}, {}, ("visit_record",)),
    ],
)
def test_the_gates_before_a_close(
    fields: dict[str, object], gates: dict[str, bool], missing: tuple[str, ...]
) -> None:
    assert missing_gates(view(**fields), CloseGates(**gates)) == missing


@pytest.mark.parametrize("mode", ["actual", "exercise", "test"])
@pytest.mark.parametrize("severity", Severity)
def test_only_actual_life_safety_cannot_be_cancelled(severity: Severity, mode: str) -> None:
    refused = severity is LIFE and mode == "actual"
    assert (cancel_refusal(severity, mode) is not None) == refused
    for stage in Stage:
        possible = stage in (Stage.OPEN, Stage.ACKNOWLEDGED) and not refused
        assert (Move.CANCEL in allowed_moves(stage, severity, mode)) == possible
