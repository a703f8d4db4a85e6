"""Elders: the list, one person's file, and the search that everything starts from."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from alerting.fleet.overview import Wanted, fleet
from care.paging import PageRequest
from console import queries
from console.context import AtDesk, SignedIn
from console.elderpage import elder_page
from console.errors import PageRoute
from console.icons import icon_of_kind
from console.rulebook import tier_names

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/elders")
async def elders(page: AtDesk, q: str = "") -> Response:
    wanted = q.strip()[:100]
    async with page.services.db.reading() as session:
        rows = await queries.find_elders(session, page.sight, wanted)
    names = tier_names(page)
    return page.render(
        "elders.html",
        rows=rows,
        q=wanted,
        limit=queries.LIST_LIMIT,
        tier_name=lambda key: names.get(key, key),
    )


@router.get("/elders/{elder_id}")
async def elder(page: SignedIn, elder_id: str, saved: str = "", rule: str = "") -> Response:
    """One person's file; a visitor sees those they are responsible for or were sent to."""
    return await elder_page(page, elder_id, saved=saved, rule_id=rule[:64])


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
