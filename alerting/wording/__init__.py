"""Every sentence that people read about an incident, in Chinese and English. Pure."""

from __future__ import annotations

from alerting.wording.messages import DRILL, REPEAT_MARK, SMS, SPOKEN, message_text
from alerting.wording.reasons import DOUBT, REASON, reason_text
from alerting.wording.timelines import TIMELINE, timeline_text
from alerting.wording.times import clock_text, duration_text
from alerting.wording.titles import incident_title
from alerting.wording.words import (
    ANSWER,
    CHANNEL,
    CONDITION,
    EXTREME,
    FAILURE,
    KIND,
    LANGUAGES,
    NOTICE_STATE,
    OUTCOME,
    ROLE,
    SEVERITY,
    STAGE,
    STANDING,
    channel_text,
    kind_text,
    notice_state_text,
    outcome_text,
    pick,
    severity_text,
    stage_text,
)

__all__ = [
    "ANSWER",
    "CHANNEL",
    "CONDITION",
    "DOUBT",
    "DRILL",
    "EXTREME",
    "FAILURE",
    "KIND",
    "LANGUAGES",
    "NOTICE_STATE",
    "OUTCOME",
    "REASON",
    "REPEAT_MARK",
    "ROLE",
    "SEVERITY",
    "SMS",
    "SPOKEN",
    "STAGE",
    "STANDING",
    "TIMELINE",
    "channel_text",
    "clock_text",
    "duration_text",
    "incident_title",
    "kind_text",
    "message_text",
    "notice_state_text",
    "outcome_text",
    "pick",
    "reason_text",
    "severity_text",
    "stage_text",
    "timeline_text",
]
