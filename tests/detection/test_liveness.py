"""Silence and absence of devices."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerting.detect import DeviceView
from alerting.detectors.liveness import judge_presence, judge_silence, silent_after
from alerting.finding import Severity, Sign
from devices.event import DEVICE_ROLES
from tests.detection.support import T0, device, hours, minutes


@pytest.mark.parametrize(
    ("view", "limit_h"),
    [
        (device("water_meter"), 27),
        (device("gateway"), 3),
        (device("sos_button"), 72),
        (device("smoke_detector"), 72),
        (device("watch"), 18),
        (device("sos_button", reports_every_s=3600 * 2), 6),
        (device("water_meter", reports_every_s=86_400), 72),
        (device("water_meter", reports_every_s=60), 3),
        (device("water_meter", rules={"device_offline": {"every_s": 7200}}), 6),
        (device(None, reports_every_s=7200), 6),
    ],
)
def test_three_missed_reports_and_at_least_three_hours_are_silence(
    view: DeviceView, limit_h: int
) -> None:
    assert silent_after(T0, view) == T0 + hours(limit_h)
    assert judge_silence(T0, view, T0 + hours(limit_h) - timedelta(seconds=1)) is None
    found = judge_silence(T0, view, T0 + hours(limit_h))
    assert found is not None
    assert (found.kind, found.sign) == ("device_offline", Sign.ROSE)
    assert found.severity is Severity.TECHNICAL
    assert found.facts == {
        "last_heard": T0.isoformat(),
        "silent_s": limit_h * 3600,
        "limit_s": limit_h * 3600,
    }


@pytest.mark.parametrize(
    "view",
    [
        device("health_monitor"),
        device(None),
        device("sos_button", supervised=False),
        device("water_meter", supervised=False, reports_every_s=60),
    ],
)
def test_a_device_whose_silence_means_nothing_is_unsupervisable(view: DeviceView) -> None:
    assert silent_after(T0, view) is None
    assert judge_silence(T0, view, T0 + hours(10_000)) is None


@pytest.mark.parametrize("every", [0, -5, "soon", 1.5, None])
def test_a_set_interval_that_makes_no_sense_is_not_used(every: object) -> None:
    view = device("water_meter", rules={"device_offline": {"every_s": every}})
    assert silent_after(T0, view) == T0 + hours(27)


@pytest.mark.parametrize("role", sorted(DEVICE_ROLES))
def test_a_device_that_never_spoke_is_found_a_day_after_enrolment(role: str) -> None:
    view = device(role, enrolled_at=T0)
    assert silent_after(None, view) == T0 + hours(24)
    assert judge_silence(None, view, T0 + hours(24) - minutes(1)) is None
    found = judge_silence(None, view, T0 + hours(30))
    assert found is not None
    assert (found.kind, found.sign, found.at) == ("never_online", Sign.ROSE, T0 + hours(24))
    assert found.facts == {"enrolled_at": T0.isoformat(), "silent_s": 30 * 3600}


def test_a_device_that_nobody_enrolled_is_not_expected() -> None:
    assert silent_after(None, device()) is None
    assert judge_silence(None, device(), T0) is None


def test_a_last_will_is_a_finding_and_a_return_clears_it() -> None:
    gone = judge_presence(False, T0, device("gateway"), T0 + minutes(1))
    back = judge_presence(True, T0, device("gateway"), T0 + minutes(5))
    assert (gone.kind, gone.sign, gone.late_s) == ("device_offline", Sign.ROSE, 0)
    assert (back.kind, back.sign, back.late_s) == ("device_offline", Sign.CLEARED, 300)
    assert gone.facts == {"reported": "offline", "role": "gateway"}
