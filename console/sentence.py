"""The top line of a case: how it stands, and what Anju does next if nobody acts. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from markupsafe import Markup

from alerting.incident import Stage
from console import times
from console.casefile import CaseFile
from console.outlook import describe
from console.texts import Words


def lede(case: CaseFile, t: Words, now: datetime, zone: Any, outcome: str) -> Markup:
    """One sentence, such as 「还没有人接单。00:18 后打电话给第二联系人。」; times tick in it."""
    incident = case.incident
    stage = Stage(incident.stage)
    key = f"lede.{stage.value}"
    if case.pressed_again:
        key = "lede.pressed_again"
    said = t.rich(
        key,
        owner=incident.owner_name or "",
        visitor=case.visitor.name if case.visitor else t("who.assigned_visitor"),
        who=incident.stage_changed_by or "",
        at=times.clock(incident.stage_changed_at, zone, now),
        outcome=outcome,
        reason=incident.reason or "",
    )
    coming = case.outlook
    if coming is None:
        return said
    what = describe(coming.targets, t, case.names)
    if not what:
        return said
    gap = Markup(" ")
    return said + gap + t.rich("lede.next", until=_until(coming.due_at, now, t), what=what)


def _until(moment: datetime, now: datetime, t: Words) -> Markup:
    text = (
        times.span((moment - now).total_seconds(), t("time.day")) if moment > now else t("time.due")
    )
    return Markup('<time class="num" datetime="{0}" data-until="{0}">{1}</time>').format(
        times.iso(moment), text
    )
