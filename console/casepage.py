"""A case as a page or as a part of one: what its templates need, and what comes after an act."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import reason_of
from alerting.incident import Outcome
from alerting.telling import questions
from care.model import VisitMode
from care.policy import load_policy
from console import checkrows, interruptions, queue, supplyqueue, times
from console.casefile import CaseFile, load_case
from console.context import PageContext
from console.outlook import describe
from console.records import GROUPS
from console.sentence import lede
from console.timeline import lines_of
from console.tried import Tried, tried
from console.usage_chart import load_chart
from console.why import figures, passed
from core.ids import new_id

HTMX_CONFIG = json.dumps(
    {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,  # it would write a style into the page
        "defaultSettleDelay": 0,  # a key pressed at once must meet a form that htmx knows already
        "historyCacheSize": 0,  # names and addresses must not stay in the browser's storage
        "selfRequestsOnly": True,
        "timeout": 20_000,  # ms
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "(403|404|409|422)", "swap": True, "error": False},
            {"code": "...", "swap": False, "error": True},
        ],
    }
)
REASON_CODES = ("away", "cleaning", "cooking", "accidental", "testing", "device_fault")


async def case_page(
    page: PageContext,
    incident_id: str,
    *,
    status: int = 200,
    show: str = "all",
    trouble: str | None = None,
    open_panel: str | None = None,
    typed: Mapping[str, str] | None = None,
    changed: bool = False,
) -> Response:
    """A case as it stands now. With `trouble`, what was typed is still in its form."""
    async with page.services.db.reading() as session:
        case = await load_case(session, page.who, incident_id, page.now)
        chart = await load_chart(session, case.incident, page.zone, page.now)
        until = case.incident.closed_at or page.now
        found = figures(case.incident.kind, case.incident.facts, until, page.words, page.zone)
        check = case.incident.facts.get("check") or {}
        asked = await questions.questions_of(session, check["id"]) if check.get("id") else ()
        case = replace(case, chart=chart, figures=found, asked=tuple(asked))
        values = case_values(page, case, open_panel=open_panel, typed=typed or {}, trouble=trouble)
        if not page.wants_fragment:
            values |= await desk_values(session, page, show)
    template = "case.html" if page.wants_fragment else "desk.html"
    response = page.render(template, status, **values)
    if changed:
        response.headers["HX-Trigger"] = "anju:changed"
    return response


async def after_act(page: PageContext, incident_id: str) -> Response:
    """With a script the case is replaced; without one the browser goes to its page."""
    if page.wants_fragment and page.who.is_desk:
        return await case_page(page, incident_id, changed=True)
    return page.go_to(f"/incidents/{incident_id}" if page.who.is_desk else f"/my/{incident_id}")


async def desk_values(session: AsyncSession, page: PageContext, show: str) -> dict[str, Any]:
    shown = show if show in queue.SHOWS else "all"
    midnight = queue.midnight_of(page.now, page.zone)
    scope = page.who.scope
    asked = await checkrows.load_rows(session, page.sight)
    rows = await queue.load_queue(session, scope, shown)
    counters = await queue.load_counters(session, scope, midnight, page.now)
    supply = await interruptions.load_band(session, page)
    every = checkrows.with_checks(rows, asked if shown in ("all", "checks") else ())
    return {
        "rows": await supplyqueue.with_headings(session, every, supply["cuts"]),
        "counters": replace(counters, checks=len(asked)),
        "check": None,
        "supply": supply,
        "last_channel_ok_at": await queue.last_channel_ok(session),
        "canary_at": page.services.health.canary_at,
        "show": shown,
        "banners": sorted(page.services.health.banners.items()),
        "describe": _describer(page),
        "page_id": new_id("page"),
        "htmx_config": HTMX_CONFIG,
    }


def _describer(page: PageContext) -> Any:
    return lambda targets, names, limit=4: describe(targets, page.words, names, limit)


def case_values(
    page: PageContext,
    case: CaseFile,
    *,
    open_panel: str | None = None,
    typed: Mapping[str, str] | None = None,
    trouble: str | None = None,
) -> dict[str, Any]:
    """What the templates of a case need beside the case itself."""
    t = page.words
    policy = load_policy(page.services.settings.region)
    tiers = {
        tier.key: (tier.name_en if page.lang == "en" else tier.name_zh) for tier in policy.tiers
    }
    notices = [*case.others_told, *(one for view in case.contacts for one in view.notices)]
    story = story_of(case, page)
    outcome = case.incident.outcome
    outcome_text = page.say.outcome(outcome) if outcome else ""
    return {
        "case": case,
        "lede": partial(lede, t=t, now=page.now, zone=page.zone, outcome=outcome_text),
        "guide": _guide(case, page),
        "outcomes": [(one.value, page.say.outcome(one.value)) for one in Outcome],
        "reason_codes": [(code, t(f"reason_code.{code}")) for code in REASON_CODES],
        "visit_modes": [(mode.value, t(f"mode_visit.{mode.value}")) for mode in VisitMode],
        "record_groups": GROUPS,
        "tomorrow": times.local_field(page.now + timedelta(days=1), page.zone),
        "elder_names": {elder.id: elder.name for elder in case.residents},
        "story": story,
        "lines": lines_of(case.timeline, notices, case.asked, t, page.say),
        "tier_name": lambda key: tiers.get(key, key),
        "may_waive": policy.close.waiver_instead_of_record,
        "describe": _describer(page),
        "typed": dict(typed or {}),
        "open_panel": open_panel,
        "trouble": trouble,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """Why a case about stillness opened, and what was tried before: the first thing to read."""

    passed: str
    because: str
    tried: tuple[Tried, ...]


def story_of(case: CaseFile, page: PageContext) -> Story | None:
    """None for the other kinds: their name says why."""
    incident, t = case.incident, page.words
    is_still = incident.kind == "no_water_use"
    line = passed(incident.facts, incident.closed_at or page.now, t) if is_still else ""
    reason = reason_of(incident.facts)
    if not line and reason is None:
        return None
    direct = incident.facts.get("profile") == "quiet" and reason is None
    because = t("why.direct") if direct else page.say.reason(reason)
    return Story(passed=line, because=because, tried=tried(case.asked, t, page.say))


def _guide(case: CaseFile, page: PageContext) -> list[str]:
    """What to do about this kind, or about kinds of this severity."""
    for name in (case.incident.kind, case.incident.severity):
        if page.words.has(f"guide.{name}"):
            return page.words.lines(f"guide.{name}")
    return []
