"""Elders: the list, one person's file, and the search that everything starts from."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, Response

from alerting.detectors.fixed import DEFAULT_PRESET
from alerting.fleet.overview import Wanted, fleet
from care import queries as care_queries
from care.paging import PageRequest
from care.permissions import may
from care.policy import load_policy
from care.watch_rules import home_watch
from console import absences, interruptions, limits, queries
from console.context import AtDesk, PageContext, SignedIn
from console.errors import PageRoute
from console.icons import icon_of_kind
from console.watch import minute_text

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/elders")
async def elders(page: AtDesk, q: str = "") -> Response:
    wanted = q.strip()[:100]
    async with page.services.db.reading() as session:
        rows = await queries.find_elders(session, page.sight, wanted)
    values = _tier_names(page)
    return page.render("elders.html", rows=rows, q=wanted, limit=queries.LIST_LIMIT, **values)


@router.get("/elders/{elder_id}")
async def elder(page: SignedIn, elder_id: str) -> Response:
    """One person's file; a visitor sees those they are responsible for or were sent to."""
    async with page.services.db.reading() as session:
        found = await care_queries.elder(session, page.sight, elder_id)
        file = await queries.load_elder_file(session, page.sight, found)
        watch = await home_watch(session, found.home_id, page.now)
        absence = await absences.shown_on_file(session, page, found, file.housemates)
        dry = await interruptions.of_home(session, file.home, page.now)
    return page.render(
        "elder.html",
        file=file,
        absence=absence,
        dry=dry,
        minute=partial(minute_text, page=page),
        may_change=may(page.who, "elders.write"),
        icon_of_kind=icon_of_kind,
        watch=watch,
        may_rule=may(page.who, "watch_rules.write"),
        default_preset=DEFAULT_PRESET,
        **limits.form_values(),
        **_tier_names(page),
    )


@router.get("/search")
async def search(page: AtDesk, q: str = "") -> Response:
    """Elders, devices and incidents in one list; an empty question finds nothing."""
    wanted = q.strip()[:100]
    values: dict[str, Any] = {"elders": (), "devices": (), "incidents": ()}
    if wanted:
        async with page.services.db.reading() as session:
            values["elders"] = await queries.find_elders(session, page.sight, wanted, limit=20)
            found = await fleet(
                session, page.sight, PageRequest(limit=20), Wanted(q=wanted), page.now
            )
            values["devices"] = found.items
            values["incidents"] = await queries.find_incidents(session, page.sight, wanted)
    return page.render("search.html", q=wanted, icon_of_kind=icon_of_kind, **values)


def _tier_names(page: PageContext) -> dict[str, Any]:
    policy = load_policy(page.services.settings.region)
    names = {tier.key: tier.name_en if page.lang == "en" else tier.name_zh for tier in policy.tiers}
    return {"tier_name": lambda key: names.get(key, key), "tiers": names}
