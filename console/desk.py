"""The duty desk: queue on the left, the open case on the right, and every button of a case."""

from __future__ import annotations

from fastapi import APIRouter, Form, Response

from alerting.telling import desk as presence
from console import aftercare
from console.acts import perform
from console.casepage import after_act, case_page, desk_values
from console.context import AtDesk, SignedIn
from console.errors import PageRoute, explain, status_of
from console.security import PAGE_HEADERS
from core.errors import AnjuError

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
async def start(page: SignedIn) -> Response:
    """The desk for those who sit at it, the tasks for those who walk."""
    return page.go_to("/desk" if page.who.is_desk else "/my")


@router.get("/desk")
async def desk(page: AtDesk, show: str = "all") -> Response:
    async with page.services.db.reading() as session:
        values = await desk_values(session, page, show)
    return page.render("desk.html", case=None, **values)


@router.get("/desk/queue")
async def queue_parts(page: AtDesk, show: str = "all", open: str = "") -> Response:
    """Counters, banners and queue for a page that is already there; `open` is its open case."""
    async with page.services.db.reading() as session:
        values = await desk_values(session, page, show)
    return page.render("desk_parts.html", case=None, open_id=open, **values)


@router.get("/incidents/{incident_id}")
async def incident(page: SignedIn, incident_id: str, show: str = "all") -> Response:
    """The case alone for a script, the whole desk around it otherwise."""
    if not page.who.is_desk:
        return page.go_to(f"/my/{incident_id}")
    return await case_page(page, incident_id, show=show)


@router.post("/incidents/{incident_id}/{act}")
async def act(page: SignedIn, incident_id: str, act: str) -> Response:
    """One button of a case. The answer comes after the commit, or says why there was none."""
    fields = await page.fields()
    try:
        async with page.services.db.transaction() as session:
            if act in aftercare.ACTS:
                await aftercare.ACTS[act](session, page, incident_id, fields)
            else:
                await perform(session, incident_id, act, page, fields)
    except AnjuError as error:
        if not page.who.is_desk or status_of(error) == 404:
            raise
        return await case_page(
            page,
            incident_id,
            status=status_of(error),
            trouble=explain(error, page),
            open_panel=act,
            typed=fields,
            changed=True,
        )
    return await after_act(page, incident_id)


@router.post("/desk/heartbeat")
async def heartbeat(
    page: AtDesk, page_id: str = Form(max_length=64), armed: bool = Form()
) -> Response:
    """The page is open; `armed` means that its sound was switched on by a click and works."""
    async with page.services.db.transaction() as session:
        await presence.heartbeat(
            session,
            page_id=page_id,
            user_id=page.who.id,
            area_path=page.who.scope.path,
            armed=armed,
            now=page.now,
        )
    return Response(status_code=204, headers=PAGE_HEADERS)


@router.post("/desk/leave")
async def leave(page: AtDesk, page_id: str = Form(max_length=64)) -> Response:
    """The page was closed: from now on nobody counts on it."""
    async with page.services.db.transaction() as session:
        await presence.leave(session, page_id)
    return Response(status_code=204, headers=PAGE_HEADERS)
