"""What Anju does next about an incident if nobody acts, and when: shown before it happens. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting.escalation import DueKind, Policy, Target, next_step
from alerting.incident import Stage
from console.texts import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """At `due_at` the `targets` are told; `reason` is a key of alerting/wording."""

    due_at: datetime
    targets: tuple[Target, ...]
    reason: str


def outlook(
    stage: str,
    due_kind: str | None,
    due_at: datetime | None,
    step: int,
    round_: int,
    policy: Policy | None,
) -> Outlook | None:
    """The next move of the system, by the very rule that will make it; None for final stages."""
    if due_at is None or due_kind is None or policy is None:
        return None
    coming = next_step(Stage(stage), DueKind(due_kind), step, round_, policy, due_at)
    return Outlook(due_at=due_at, targets=coming.targets, reason=coming.reason)


def describe(
    targets: Sequence[Target], t: Words, names: Mapping[str, str | None], limit: int = 4
) -> str:
    """`打电话给第二联系人、值班人员` from targets; `names` gives the owner's and the visitor's.

    Calls come first: they are what an officer would rather prevent. Past `limit` people the rest
    is summed up; a limit of one is for a row, which has room for one thing.
    """
    calls = _people([one for one in targets if one.by == "call"], t, names)
    called = set(calls)
    others = [
        name
        for name in _people([one for one in targets if one.by != "call"], t, names)
        if name not in called
    ]
    parts = [
        t(key, people=_enumerate(people, t, limit))
        for key, people in (("next.call", calls), ("next.tell", others))
        if people
    ]
    return t("list.and").join(parts[:1] if limit == 1 else parts)


def _people(targets: Sequence[Target], t: Words, names: Mapping[str, str | None]) -> list[str]:
    found: dict[str, None] = {}
    for target in targets:
        found[names.get(target.who) or t(f"who.{target.who}")] = None
    return list(found)


def _enumerate(people: Sequence[str], t: Words, limit: int) -> str:
    shown = t("list.comma").join(people[:limit])
    return shown if len(people) <= limit else t("next.and_more", people=shown)
