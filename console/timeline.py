"""The story of a case as its page tells it: what was tried when, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerting.tables import Notice, TimelineEntry
from console.context import Say
from console.texts import Words
from console.tried import Tried, came_of, tried


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """Somebody who was told at one moment, over which channels with what result, and why."""

    name: str
    reason: str
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A stored entry, or a question of the check before the case."""

    at: datetime
    kind: str
    entry: TimelineEntry | None = None
    tried: Tried | None = None
    told: tuple[Told, ...] = ()


def lines_of(
    entries: Sequence[TimelineEntry],
    notices: Sequence[Notice],
    questions: Sequence[Notice],
    t: Words,
    say: Say,
) -> tuple[Line, ...]:
    """Everything in the order in which it happened; of what happened at once the check first."""
    results = {_key(one): came_of(one, say, t) for one in notices}
    lines = [_line(entry, results, t, say) for entry in entries]
    lines += [Line(at=one.at, kind="tried", tried=one) for one in tried(questions, t, say)]
    return tuple(sorted(lines, key=lambda line: (line.at, _BEFORE.get(line.kind, len(_BEFORE)))))


def _line(entry: TimelineEntry, results: Mapping[tuple[Any, ...], str], t: Words, say: Say) -> Line:
    tellings = entry.data.get("tellings") or ()
    told = _told(tellings, entry.recorded_at, results, t, say)
    return Line(at=entry.at, kind=entry.kind, entry=entry, told=told)


_BEFORE = {"checked": 0, "tried": 1}
_NAMELESS = {"desk": "who.desk", "operator": "who.operator", "platform": "who.webhooks"}


def _told(
    tellings: Iterable[Mapping[str, Any]],
    at: datetime,
    results: Mapping[tuple[Any, ...], str],
    t: Words,
    say: Say,
) -> tuple[Told, ...]:
    """A step's tellings, one line a person; the desk and the operator have no name of their own."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in tellings:
        is_nameless = one["kind"] in _NAMELESS
        name = t(_NAMELESS[one["kind"]]) if is_nameless else str(one["name"])
        reason = "" if is_nameless else say.reason(one["reason"])
        result = results.get((at, one["kind"], one["name"], one["channel"]), "")
        if one["kind"] == "desk":
            unseen = one.get("state") == "unseen"
            channel = say.notice_state("unseen") if unseen else t("tried.shown")
        elif is_nameless:
            channel = result
        else:
            channel = t("tried.told", channel=say.channel(one["channel"]), result=result)
        found.setdefault((name, reason), []).append(channel.strip(" ："))
    return tuple(
        Told(name=name, reason=reason, channels=tuple(filter(None, dict.fromkeys(channels))))
        for (name, reason), channels in found.items()
    )


def _key(notice: Notice) -> tuple[Any, ...]:
    return notice.created_at, notice.recipient_kind, notice.recipient, notice.channel
