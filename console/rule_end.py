"""Ending a watch rule: what would hold instead and for whom, asked back before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from care import watch_rules
from care.handing_down import rule_of
from care.permissions import require
from care.rule_effect import Effect, effect_of_withdrawing, instead_of
from care.tables import Area, Elder, User, WatchRule
from console.context import AtDesk, PageContext
from console.errors import PageRoute
from console.forms import Wrong
from console.rulebook import tier_names
from console.texts import Words
from core.db import after_commit
from core.errors import Conflict

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/rules/{rule_id}/withdraw")
async def ask(page: AtDesk, rule_id: str) -> Response:
    """What ending the rule would mean; nothing is changed by looking."""
    require(page.who, "watch_rules.write")
    return await _page(page, rule_id)


@router.post("/rules/{rule_id}/withdraw")
async def withdraw(page: AtDesk, rule_id: str) -> Response:
    """End it. Where that leaves homes unnoticed, only when agreed to for so many."""
    require(page.who, "watch_rules.write")
    fields = await page.fields()
    row, effect = await _looked_at(page, rule_id)
    if effect.unnoticed > _agreed_to(fields):
        wrong = Wrong(form="end", field="agreed", text=page.words("rules.must_agree"))
        return await _page(page, rule_id, wrong=wrong)
    try:
        async with page.services.db.transaction() as session:
            row = await watch_rules.withdraw_rule(session, page.who, page.now, rule_id)
            after_commit(session, page.services.signals.rules.set)
    except Conflict:  # it has ended, which the page says with its time
        return page.go_to(place_of(row, "saved"))
    return page.go_to(place_of(row, "saved"))


def place_of(rule: WatchRule, said: str) -> str:
    """Where a rule stands on the pages, which say there that it was saved or withdrawn."""
    if rule.elder_id is not None:
        return f"/elders/{rule.elder_id}?rule={rule.id}#rule"
    return f"/rules?{said}={rule.id}#{rule.area_id or 'everywhere'}"


def not_agreed(fields: Mapping[str, str], unnoticed: int, t: Words) -> Wrong | None:
    """What is missing before a rule is saved that leaves so many homes unnoticed."""
    if not unnoticed:
        return None
    if not fields.get("note"):
        return Wrong(form="save", field="note", text=t("rules.must_say_why"))
    if unnoticed > _agreed_to(fields):
        return Wrong(form="save", field="agreed", text=t("rules.must_agree"))
    return None


def _agreed_to(fields: Mapping[str, str]) -> int:
    """How many homes somebody agreed to leave unnoticed: the value of the box that they ticked."""
    text = fields.get("agreed", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


async def _looked_at(page: PageContext, rule_id: str) -> tuple[WatchRule, Effect]:
    async with page.services.db.reading() as session:
        row = await watch_rules.find_rule(session, page.sight, rule_id)
        return row, await effect_of_withdrawing(session, rule_of(row), page.now)


async def _page(page: PageContext, rule_id: str, *, wrong: Wrong | None = None) -> Response:
    row, effect = await _looked_at(page, rule_id)
    if row.ended_at is not None and row.ended_at <= page.now:
        return page.go_to(place_of(row, "saved"))
    names: dict[str | None, str] = {}
    async with page.services.db.reading() as session:
        instead = await instead_of(session, rule_of(row), page.now)
        concerned = {one.rule.area_id for one in instead if one.rule is not None}
        for area_id in {row.area_id, *concerned} - {None}:
            names[area_id] = (await session.get_one(Area, area_id)).name
        elder = await session.get(Elder, row.elder_id) if row.elder_id is not None else None
        author = await session.get(User, row.created_by)
    values: dict[str, Any] = {"names": names, "tiers": tier_names(page), "elder": elder}
    return page.render(
        "rule_end.html",
        422 if wrong is not None else 200,
        rule=row,
        effect=effect,
        instead=instead,
        author=author.name if author is not None else "",
        wrong=wrong,
        **values,
    )
