"""Silence and absence: when a device that should speak no longer does, or never did."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerting.detectors.view import DeviceView, late_s, parameter, seconds
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign

NEVER_ONLINE_AFTER_S = 24 * 3600
SHORTEST_LIMIT_S = 3 * 3600
INTERVALS_MISSED = 3
OFFLINE_GRACE = timedelta(minutes=5)
"""A last will may be followed by a reconnect at once; only what lasts is worth a work item."""

BURST_S = 60
"""Messages closer together than this are one word: a redelivery, a burst after a reconnect."""
FORGET_S = 7 * 86400
FEWEST_INTERVALS = 20
"""What was learned forgets by the week, or by twenty intervals, whichever takes longer: a device
that is quiet every night or every Sunday is never taken for one that speaks all the time."""
LEARNED_MARGIN = 2
"""An interval that was learned, not promised, is only believed twice over."""

EVERY_S_BY_ROLE: dict[str, int] = {
    # Sleepy battery devices: Zigbee end devices and NB-IoT detectors check in once a day or
    # oftener; windows of 24 h without a word are normal. Flat batteries show after three days.
    "sos_button": 24 * 3600,
    "smoke_detector": 24 * 3600,
    "leak_sensor": 24 * 3600,
    "door_contact": 24 * 3600,
    "motion_sensor": 24 * 3600,
    # On the mains, or charged every day.
    "fall_detector": 6 * 3600,
    "gas_detector": 6 * 3600,
    "bed_sensor": 6 * 3600,
    "watch": 6 * 3600,
    "locator": 6 * 3600,
    "call_terminal": 6 * 3600,
    # Many meters report once a day, most oftener: a day and three hours without a word is too much.
    "water_meter": 9 * 3600,
    "electricity_meter": 9 * 3600,
    "plug": 3600,
    "gateway": 600,
}
"""Longest normal silence in seconds where the family cannot say. `health_monitor` is missing on
purpose: it speaks when somebody measures, so its silence means nothing."""


def expected_every_s(device: DeviceView) -> int | None:
    """Longest normal silence in seconds: set for the device, else by family, else by role.

    Set with the rule parameter `device_offline.every_s`. None: nobody can say.
    """
    chosen = parameter(device, "device_offline", "every_s")
    if isinstance(chosen, int) and chosen > 0:
        return chosen
    if device.reports_every_s is not None:
        return device.reports_every_s
    return EVERY_S_BY_ROLE.get(device.role or "")


def learn_interval(
    learned_s: int | None, last_heard: datetime | None, heard: datetime, device: DeviceView
) -> int | None:
    """The longest gap that is normal for this device, in seconds, after one more word from it.

    It begins at the expected interval, is never above it, jumps up to a longer gap at once and
    sinks towards shorter ones slowly (`FORGET_S`). One integer, no history. Out of order and
    bursts teach nothing; None while nobody can say what to expect.
    """
    expected = expected_every_s(device)
    if expected is None or last_heard is None:
        return learned_s
    gap = int((heard - last_heard).total_seconds())
    if gap < BURST_S:
        return learned_s
    known = expected if learned_s is None else min(learned_s, expected)
    if gap >= known:
        return min(gap, expected)
    weight = min(gap, FORGET_S // FEWEST_INTERVALS)
    return known + (known - gap) * weight // -FORGET_S  # rounds away from `known`: it arrives


def silence_limit_s(device: DeviceView, learned_s: int | None = None) -> int | None:
    """Seconds of silence that are a finding: three missed reports, at least 3 h. None: none are.

    `learned_s` may only shorten what is expected.
    """
    every_s = expected_every_s(device)
    if every_s is None or not device.supervised:
        return None
    if learned_s is not None:
        every_s = min(every_s, LEARNED_MARGIN * learned_s)
    return max(INTERVALS_MISSED * every_s, SHORTEST_LIMIT_S)


def silent_after(
    last_heard: datetime | None, device: DeviceView, learned_s: int | None = None
) -> datetime | None:
    """When silence becomes a finding; None: unsupervisable, or not yet enrolled.

    A device that never spoke is due 24 h after enrolment, supervisable or not: somebody meant it
    to be heard at least once.
    """
    if last_heard is None:
        if device.enrolled_at is None:
            return None
        return device.enrolled_at + timedelta(seconds=NEVER_ONLINE_AFTER_S)
    limit_s = silence_limit_s(device, learned_s)
    return None if limit_s is None else last_heard + timedelta(seconds=limit_s)


def offline_grace(last_heard: datetime | None, device: DeviceView, *, retained: bool) -> timedelta:
    """How long a device that is said to be gone may take to speak.

    A retained word is the broker's memory: a will whose device lives on without a birth message is
    replayed at every subscribe, so a device heard of before gets the time of one report.
    """
    if not retained or last_heard is None:
        return OFFLINE_GRACE
    return max(OFFLINE_GRACE, timedelta(seconds=expected_every_s(device) or 0))


def judge_silence(
    last_heard: datetime | None, device: DeviceView, now: datetime, learned_s: int | None = None
) -> Finding | None:
    """`device_offline`, or `never_online` for a device that never spoke; None while in time.

    To be asked only while our own lane is connected and caught up (architecture: silence of a
    device counts only then); this function cannot know.
    """
    due = silent_after(last_heard, device, learned_s)
    if due is None or now < due:
        return None
    if last_heard is None:
        enrolled_at = device.enrolled_at
        assert enrolled_at is not None  # else `due` were None
        return Finding(
            kind="never_online",
            severity=SEVERITY_OF_KIND["never_online"],
            sign=Sign.ROSE,
            at=due,
            reason="never heard since it was enrolled",
            facts={
                "enrolled_at": enrolled_at.isoformat(),
                "silent_s": int((now - enrolled_at).total_seconds()),
            },
        )
    return Finding(
        kind="device_offline",
        severity=SEVERITY_OF_KIND["device_offline"],
        sign=Sign.ROSE,
        at=due,
        reason="silent for longer than three reports",
        facts={
            "last_heard": last_heard.isoformat(),
            "silent_s": int((now - last_heard).total_seconds()),
            "limit_s": int((due - last_heard).total_seconds()),
        },
    )


def judge_presence(online: bool, at: datetime, device: DeviceView, now: datetime) -> Finding:
    """`device_offline` risen or cleared because the device's last will or its bridge said so."""
    return Finding(
        kind="device_offline",
        severity=SEVERITY_OF_KIND["device_offline"],
        sign=Sign.CLEARED if online else Sign.ROSE,
        at=at,
        reason="reported online" if online else "reported offline by its last will or its bridge",
        facts={"reported": "online" if online else "offline", "role": device.role},
        late_s=late_s(seconds(at), seconds(now)),
    )
