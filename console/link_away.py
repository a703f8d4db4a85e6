"""The contact's link, after the answer: "she is away, back on Sunday", and "she is back"."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Response

from alerting.handling import absences
from console.away import choices, until_of
from console.context import Anybody, PageContext
from console.errors import PageRoute
from console.forms import required
from console.link import Answering, answering
from core.errors import Conflict, InvalidInput, NotFound

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/a/{token}/away")
async def ask(page: Anybody, token: str) -> Response:
    """When do they come back? On a page of its own, which does not reload under a thumb."""
    try:
        async with page.services.db.reading() as session:
            said = await answering(session, page, token)
    except NotFound:
        return page.render("link_gone.html", 404)
    if said is None or not said.may_say_away:
        return page.go_to(f"/a/{token}")
    return _question(said.page, token, said)


@router.post("/a/{token}/away")
async def away(page: Anybody, token: str) -> Response:
    """Rests the welfare rules until then. The case goes on: a person at the desk ends it."""
    fields = await page.fields()
    try:
        async with page.services.db.transaction() as session:
            said = await answering(session, page, token)
            if said is None or not said.may_say_away:
                return page.go_to(f"/a/{token}")
            try:
                until = until_of(
                    required(fields, "back"), fields.get("day", ""), page.now, page.zone
                )
                await absences.said_away(
                    session, said.incident, said.contact, said.elder, until, page.now
                )
            except InvalidInput:
                return _question(said.page, token, said, trouble=True)
    except NotFound:
        return page.render("link_gone.html", 404)
    return page.go_to(f"/a/{token}")


@router.post("/a/{token}/back")
async def back(page: Anybody, token: str) -> Response:
    """Ends the absence that this contact reported; one that is over already needs no words."""
    try:
        async with page.services.db.transaction() as session:
            said = await answering(session, page, token)
            if said is not None:
                await absences.said_back(session, said.incident, said.contact, said.elder, page.now)
    except NotFound:
        return page.render("link_gone.html", 404)
    except Conflict:
        return page.go_to(f"/a/{token}")
    return page.go_to(f"/a/{token}")


def _question(page: PageContext, token: str, said: Answering, *, trouble: bool = False) -> Response:
    today = page.today
    return page.render(
        "link_away.html",
        422 if trouble else 200,
        token=token,
        elder=said.elder,
        choices=choices(page.now, page.zone),
        first_day=today.isoformat(),
        last_day=(today + timedelta(days=365)).isoformat(),
        trouble=trouble,
    )
