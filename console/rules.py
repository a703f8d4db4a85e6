"""Watch rules: which rule watches where, what another one would mean, and saving it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.fixed import DEFAULT_PRESET
from alerting.trial.forecast import forecast
from alerting.trial.seal import FIELD, seal, unseal
from alerting.trial.workload import MOST_A_SHIFT, Staff, compared
from care import queries, watch_rules
from care.handing_down import residents_of, rule_of
from care.permissions import may, require
from care.rule_effect import effect_of
from care.tables import Elder, WatchRule
from care.watch_choices import NUMBERS, PRESETS
from console.context import AtDesk, PageContext
from console.errors import PageRoute
from console.forms import Wrong, local_time, optional
from console.rule_end import not_agreed, place_of
from console.rulebook import load_rulebook, rule_to_note, tier_names
from core.db import after_commit
from core.errors import Busy, InvalidInput

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SHOWN = 100
"""Alarms on the page, the latest; figures count all."""

USUAL = {"officers": 1, "shifts_a_day": 3, "day_m3": 2}
"""What holds for a field that is left empty, as long as nobody entered shifts."""

_SEALED = 8000


@router.get("/rules")
async def rules(
    page: AtDesk, area: str = "", tier: str = "", elder: str = "", saved: str = ""
) -> Response:
    """The tree, and the form for the scope that was chosen; `saved`: a rule that just was."""
    require(page.who, "watch_rules.read")
    scope = {"area_id": area[:64], "tier": tier[:40], "elder_id": elder[:64]}
    return await _page(page, scope, noted_id=saved[:64])


@router.post("/rules/back-test")
async def back_test(page: AtDesk) -> Response:
    """What the rule in the form would have found; nothing is saved."""
    require(page.who, "watch_rules.write")
    fields = await page.fields()
    try:
        staff = _staff(fields)
        async with page.services.db.reading() as session:
            rule = await _rule(session, page, fields)
    except InvalidInput as error:
        return await _page(page, fields, wrong=_in_words(error, page))
    try:
        said = await forecast(page.services, rule, page.now, staff=staff)
    except Busy:
        busy = Wrong(form="rule", field="", text=page.words("rules.busy"))
        return await _page(page, fields, wrong=busy)
    lines = compared(said.present, said.proposed)
    shown = lines[::-1][:SHOWN]
    async with page.services.db.reading() as session:
        homes = await residents_of(session, {line.alarm.home_id for line in shown})
    figures = said.summary() | {"at": page.now.isoformat()}
    key = page.services.settings.secret_key
    return await _page(
        page,
        fields,
        said=said,
        figures=figures,
        lines=shown,
        more=len(lines) - len(shown),
        homes=homes,
        sealed=seal(key, rule_of(rule).scope, rule.rules, figures),
        proposed=rule,
        unnoticed=said.unnoticed,
    )


@router.post("/rules")
async def save(page: AtDesk) -> Response:
    """Save the rule of the form, with what its back-test said if it is this one's.

    Where it leaves homes unnoticed, only with a reason and agreed to for so many.
    """
    require(page.who, "watch_rules.write")
    fields = await page.fields()
    # Longer than what people type, and so cut by `fields`.
    sealed = str((await page.request.form()).get(FIELD, ""))[:_SEALED]
    said: dict[str, Any] = {}
    try:
        async with page.services.db.reading() as session:  # may take seconds in a county
            rule = await _rule(session, page, fields)
            effect = await effect_of(session, rule_of(rule), page.now)
        if missing := not_agreed(fields, effect.unnoticed, page.words):
            asked: dict[str, Any] = {"proposed": rule, "unnoticed": effect.unnoticed}
            return await _page(page, fields, wrong=missing, sealed=sealed, **asked)
        if sealed:
            key = page.services.settings.secret_key
            said = unseal(key, rule_of(rule).scope, rule.rules, sealed)
        async with page.services.db.transaction() as session:
            rule = await _rule(session, page, fields)
            said["unnoticed"] = effect.unnoticed
            await watch_rules.save_rule(session, rule, said)
            after_commit(session, page.services.signals.rules.set)
    except InvalidInput as error:
        return await _page(page, fields, wrong=_in_words(error, page))
    return page.go_to(place_of(rule, "saved"))


async def _page(
    page: PageContext,
    fields: Mapping[str, str],
    *,
    wrong: Wrong | None = None,
    noted_id: str = "",
    **result: Any,
) -> Response:
    async with page.services.db.reading() as session:
        book = await load_rulebook(session, page.sight, page.now, page.who)
        noted = await rule_to_note(session, page.sight, noted_id)
        elder: Elder | None = None
        if fields.get("elder_id"):
            elder = await queries.elder(session, page.sight, fields["elder_id"])
    nothing: dict[str, Any] = {
        "said": None,
        "figures": None,
        "lines": (),
        "more": 0,
        "homes": {},
        "sealed": "",
        "unnoticed": 0,
        "proposed": None,
    }
    return page.render(
        "rules.html",
        422 if wrong is not None else 200,
        wrong=wrong,
        noted=noted,
        book=book,
        typed=fields,
        elder=elder,
        tiers=tier_names(page),
        presets=PRESETS,
        numbers=NUMBERS,
        default_preset=DEFAULT_PRESET,
        usual=USUAL,
        most_a_shift=MOST_A_SHIFT,
        may_change=may(page.who, "watch_rules.write"),
        **{**nothing, **result},
    )


async def _rule(session: AsyncSession, page: PageContext, fields: Mapping[str, str]) -> WatchRule:
    """The rule that a filled-in form means."""
    return await watch_rules.new_rule(
        session,
        page.who,
        page.now,
        rules=rules_of(fields),
        area_id=optional(fields, "area_id"),
        tier=optional(fields, "tier"),
        elder_id=optional(fields, "elder_id"),
        effective_from=_begins(fields, page),
        note=optional(fields, "note"),
    )


def rules_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """The rules of a form: what was left alone is not in it."""
    rules: dict[str, Any] = {}
    for name in PRESETS:
        if preset := fields.get(f"{name}.preset"):
            rules.setdefault(name, {})["preset"] = preset
    for name, parameter in NUMBERS:
        if text := fields.get(f"{name}.{parameter}"):
            rules.setdefault(name, {})[parameter] = _number(f"rules.{name}.{parameter}", text)
    return rules


def _staff(fields: Mapping[str, str]) -> Staff | None:
    if not fields.get("officers") and not fields.get("shifts_a_day"):
        return None
    officers = _number("officers", fields.get("officers") or "1")
    shifts = _number("shifts_a_day", fields.get("shifts_a_day") or "3")
    if not (0 < officers <= 1000 and 0 < shifts <= 24):
        raise InvalidInput("officers", "range")
    return Staff(shifts_a_day=officers * shifts, source="typed")


def _begins(fields: Mapping[str, str], page: PageContext) -> datetime | None:
    if not fields.get("effective_from"):
        return None
    return local_time(fields, "effective_from", page.zone)


def _number(field: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise InvalidInput(field, "number") from error
    if not abs(number) < 1e6:  # NaN too
        raise InvalidInput(field, "number")
    return number


_OWN_WORDS = {"rules": "rules.nothing_chosen", "effective_from": "rules.past"}
"""Field → the key of what is wrong when it is refused, where that can only be one thing."""

_FORM_FIELDS = {"rules": "no_water_use.preset", FIELD: ""}


def _in_words(error: InvalidInput, page: PageContext) -> Wrong:
    """The refusal with the field's name as the form shows it."""
    t = page.words
    name = error.field.removeprefix("rules.")
    key = f"rules.field_{name.replace('.', '_')}"
    label = t(key) if t.has(key) else error.field
    own = f"problem.{error.problem}"
    if not t.has(own):
        own = _OWN_WORDS.get(error.field, "rules.refused")
    text = f"{label}{t('list.colon')}{t(own)}"
    return Wrong(form="rule", field=_FORM_FIELDS.get(name, name), text=text)
