"""The forms on an elder's page: whether they are at home, and their limits."""

from __future__ import annotations

from fastapi import APIRouter, Response

from alerting.handling.absences import update_elder
from care import people
from care.permissions import require
from console import absences, limits
from console.context import AtDesk
from console.elderpage import elder_page
from console.errors import PageRoute
from console.forms import Wrong
from core.errors import InvalidInput

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/elders/{elder_id}/status")
async def change_status(page: AtDesk, elder_id: str) -> Response:
    """At home, away, in hospital: rests the welfare rules until its date, never life safety."""
    require(page.who, "elders.write")
    fields = await page.fields()
    try:
        changes = absences.changes_of(fields, page.zone)
        async with page.services.db.transaction() as session:
            await update_elder(session, page.who, page.now, elder_id, changes)
    except InvalidInput as error:
        field, text = absences.refusal(error, page.words)
        wrong = Wrong(form="status", field=field, text=text)
        return await elder_page(page, elder_id, typed=fields, wrong=wrong)
    return page.go_to(f"/elders/{elder_id}?saved=status")


@router.post("/elders/{elder_id}/limits")
async def change_limits(page: AtDesk, elder_id: str) -> Response:
    """Replace what was set. An empty field is left to the default."""
    require(page.who, "elders.write")
    fields = await page.fields()
    try:
        rules, place = limits.rules_of(fields), limits.place_of(fields)
        async with page.services.db.transaction() as session:
            elder = await people.update_elder(
                session, page.who, page.now, elder_id, {"rules": rules}
            )
            await people.update_home(session, page.who, page.now, elder.home_id, place)
    except InvalidInput as error:
        field, text = limits.refusal(error, page.words)
        wrong = Wrong(form="limits", field=field, text=text)
        return await elder_page(page, elder_id, typed=fields, wrong=wrong)
    return page.go_to(f"/elders/{elder_id}?saved=limits#limits")
