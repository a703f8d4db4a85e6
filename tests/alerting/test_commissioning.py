"""Which press is the test: a table of every way in which one is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting import commissioning
from alerting.commissioning import (
    LEVEL_ENDS_WITHIN,
    READING,
    TESTED_BY,
    WINDOW,
    Press,
    Result,
    Verdict,
    Window,
    judge_press,
)
from devices.event import DEVICE_ROLES, EVENT_KINDS, LEVEL_KINDS

OPENED = datetime(2026, 3, 1, 8, 0, 0, 400_000, tzinfo=UTC)
SMOKE = Window(kind="smoke", opened_at=OPENED, expires_at=OPENED + WINDOW)


def press(
    kind: str = "smoke", after_s: float = 20, at_s: float | None = None, **more: bool
) -> Press:
    at = None if at_s is None else OPENED + timedelta(seconds=at_s)
    return Press(kind=kind, received_at=OPENED + timedelta(seconds=after_s), at=at, **more)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (press(), Verdict.PASSED),
        (press("test"), Verdict.PASSED),
        (press("heat"), Verdict.OTHER_KIND),
        (press("smoke_clear"), Verdict.OTHER_KIND),
        (press("sos"), Verdict.OTHER_KIND),
        (press(after_s=0), Verdict.PASSED),
        (press(after_s=-0.001), Verdict.BEFORE),
        (press(after_s=899.9), Verdict.PASSED),
        (press(after_s=900), Verdict.AFTER),
        (press(at_s=19), Verdict.PASSED),
        (press(at_s=-0.4), Verdict.PASSED),  # dated to the second in which the window opened
        (press(at_s=-0.5), Verdict.BEFORE),
        (press(at_s=-60), Verdict.BEFORE),
        (press(at_s=-1e9), Verdict.BEFORE),  # a clock at 1970 or so proves nothing
        (press(at_s=3600), Verdict.PASSED),  # a clock that runs ahead: it came within the window
        (press(after_s=-5, at_s=3600), Verdict.BEFORE),
        (press(retained=True), Verdict.RETAINED),
        (press(was_on=True), Verdict.ALREADY_ON),
        (press("sos", retained=True), Verdict.OTHER_KIND),
    ],
)
def test_one_press_is_the_test_and_every_other_is_not(said: Press, verdict: Verdict) -> None:
    assert judge_press(SMOKE, said) is verdict


@pytest.mark.parametrize("kind", ["sos", "fall", "leak", "door_open", "motion", READING])
def test_a_kind_without_a_test_button_is_proved_by_itself_only(kind: str) -> None:
    window = Window(kind=kind, opened_at=OPENED, expires_at=OPENED + WINDOW)
    assert judge_press(window, press(kind)) is Verdict.PASSED
    assert judge_press(window, press("test")) is Verdict.OTHER_KIND
    measured = Verdict.PASSED if kind == READING else Verdict.OTHER_KIND
    assert judge_press(window, press("vitals")) is measured


@given(
    kind=st.sampled_from(sorted(EVENT_KINDS)),
    after_s=st.floats(-3600, 3600),
    at_s=st.none() | st.floats(-1e6, 1e6),
    retained=st.booleans(),
    was_on=st.booleans(),
)
def test_what_passes_was_said_now_of_the_right_kind_within_the_window(
    kind: str, after_s: float, at_s: float | None, retained: bool, was_on: bool
) -> None:
    said = press(kind, after_s, at_s, retained=retained, was_on=was_on)
    if judge_press(SMOKE, said) is Verdict.PASSED:
        assert kind in ("smoke", "test")
        assert OPENED <= said.received_at < OPENED + timedelta(minutes=15)
        assert said.at is None or OPENED - said.at < timedelta(seconds=1)
        assert not retained and not was_on


def test_every_role_is_known_and_tested_by_something_that_devices_say() -> None:
    assert set(TESTED_BY) == DEVICE_ROLES - {"gateway"}
    for role, kinds in TESTED_BY.items():
        assert kinds and set(kinds) <= EVENT_KINDS | {READING}, role
        is_meter = READING in kinds
        assert is_meter == any(
            commissioning.proves_reading(role, register)
            for register in ("water_total", "energy_total", "heart_rate")
        )
        assert not commissioning.proves_reading(role, "battery_pct"), "a battery is no proof"
    assert commissioning.kinds_for("gateway") == commissioning.kinds_for("unheard_of") == ()


def test_a_window_and_the_level_that_used_it_are_short() -> None:
    assert timedelta(0) < LEVEL_ENDS_WITHIN <= timedelta(minutes=3) < WINDOW
    assert timedelta(minutes=15) >= WINDOW


@pytest.mark.parametrize("kind", sorted(EVENT_KINDS))
def test_a_level_must_end_again_and_a_press_need_not(kind: str) -> None:
    assert commissioning.level_of(kind, told_as_level=True) == kind
    expected = kind if kind in LEVEL_KINDS else None
    assert commissioning.level_of(kind, told_as_level=False) == expected


@pytest.mark.parametrize(
    ("result", "late_s", "shown"),
    [
        (Result.WAITING, -1, "waiting"),
        (Result.WAITING, 0, "expired"),
        (Result.PASSED, 9999, "passed"),
        (Result.CANCELLED, 9999, "cancelled"),
    ],
)
def test_a_window_that_ran_out_is_expired_before_it_is_swept(
    result: str, late_s: float, shown: str
) -> None:
    now = SMOKE.expires_at + timedelta(seconds=late_s)
    assert commissioning.result_now(result, SMOKE.expires_at, now) == shown
