"""The page of one elder: their file, and the forms on it, shown again when one was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import Response

from alerting.detectors.fixed import DEFAULT_PRESET
from care import queries as care_queries
from care.permissions import may
from care.watch_rules import home_watch
from console import absences, interruptions, limits, queries
from console.context import PageContext
from console.forms import Wrong
from console.icons import icon_of_kind
from console.rulebook import rule_to_note, tier_names
from console.watch import minute_text

SAVED = ("status", "limits")
"""Forms that say so when they were saved."""


async def elder_page(
    page: PageContext,
    elder_id: str,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Wrong | None = None,
    saved: str = "",
    rule_id: str = "",
) -> Response:
    """`wrong`: a form's refusal, with what was `typed` kept; `saved`: the form that was saved,
    `rule_id`: the elder's own rule that was saved or withdrawn."""
    async with page.services.db.reading() as session:
        found = await care_queries.elder(session, page.sight, elder_id)
        file = await queries.load_elder_file(session, page.sight, found)
        watch = await home_watch(session, found.home_id, page.now)
        absence = await absences.shown_on_file(session, page, found, file.housemates)
        noted = await rule_to_note(session, page.sight, rule_id)
        dry = await interruptions.of_home(session, file.home, page.now)
    values: dict[str, Any] = {
        "noted": noted if noted is not None and noted.elder_id == found.id else None,
        "may_rule": may(page.who, "watch_rules.write"),
        "default_preset": DEFAULT_PRESET,
        "tiers": tier_names(page),
    }
    return page.render(
        "elder.html",
        422 if wrong is not None else 200,
        file=file,
        absence=absence,
        dry=dry,
        minute=partial(minute_text, page=page),
        may_change=may(page.who, "elders.write"),
        icon_of_kind=icon_of_kind,
        watch=watch,
        typed=typed or {},
        wrong=wrong,
        saved=saved if saved in SAVED else "",
        **values,
        **limits.form_values(),
    )
