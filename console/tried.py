"""What was tried to reach the elder before anybody was alarmed, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerting.tables import Notice
from console.context import Say
from console.texts import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One question: 打电话问李奶奶, and its result. `is_answer`: somebody answered."""

    at: datetime
    what: str
    came_of: str
    is_answer: bool = False


def tried(questions: Iterable[Notice], t: Words, say: Say) -> tuple[Tried, ...]:
    """Every question of a check, in the order in which they were asked."""
    return tuple(
        Tried(
            at=one.created_at,
            what=_what(one, t, say),
            came_of=came_of(one, say, waits=True, t=t),
            is_answer=one.answer is not None,
        )
        for one in questions
    )


def came_of(notice: Notice, say: Say, t: Words, *, waits: bool = False) -> str:
    """What became of a message or call. `waits`: only an answer to it would have counted."""
    if notice.answer is not None:
        is_question = notice.check_id is not None
        return say.check_result(notice.answer) if is_question else say.answer(notice.answer)
    if notice.state in ("failed", "parked") and notice.detail:
        return say.failure(notice.state, notice.detail)
    if notice.recipient_kind == "desk" and notice.state == "delivered":
        return t("tried.shown")
    state = say.notice_state(notice.state, notice.channel)
    silent = waits and notice.state == "delivered" and notice.channel not in ("call", "console")
    return t("tried.no_reply", state=state) if silent else state


def _what(one: Notice, t: Words, say: Say) -> str:
    if one.recipient_kind == "desk":
        return t("tried.desk")
    if one.channel in ("call", "sms"):
        return t(f"tried.{one.channel}", who=one.recipient)
    return t("tried.other", who=one.recipient, channel=say.channel(one.channel))
