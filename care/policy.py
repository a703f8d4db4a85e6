"""A region's care scheme as data: tiers, visits, gates and ladders, each rule with its clause."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import SettingsError


class Tier(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    key: str
    name_zh: str
    name_en: str
    clause: str = ""


class VisitRules(BaseModel):
    """How often and how to visit; days."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    every_days: int
    on_site_every_days_disabled: int | None = None
    modes: tuple[str, ...]
    remote_only_for_healthy: bool = False
    on_site_needs_consent: bool = False


class FirstContactRule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    who: str
    clause: str = ""


class CloseRules(BaseModel):
    """The gates before an incident may close."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    visit_record: bool = True
    waiver_without_visit: bool = True
    waiver_instead_of_record: bool = False
    follow_ups_done: bool = True
    follow_up_on_hazard: bool = True


class SupervisionRules(BaseModel):
    """For how long nothing may watch an elder before people are sent; hours."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    hours: dict[str, Annotated[int, Field(ge=1, le=168)]] = {"default": 24}  # by tier
    extreme_hours: Annotated[int, Field(ge=1, le=168)] = 6  # extreme weather or a mass outage
    again_hours: Annotated[int, Field(ge=1, le=720)] = 72  # seen alive, and still not watched
    mass_share: Annotated[float, Field(gt=0, le=1)] = 0.3  # of an area's or a source's homes
    mass_homes: Annotated[int, Field(ge=2)] = 5

    def hours_for(self, tier: str | None, *, extreme: bool) -> int:
        """The hours for one elder; an emergency only shortens them."""
        usual = self.hours.get(tier or "default", self.hours.get("default", 24))
        return min(usual, self.extreme_hours) if extreme else usual


class CheckRules(BaseModel):
    """The question to the elder before a welfare incident; minutes.

    Off where the scheme wants the contact told at the first sign.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    enabled: bool = True
    minutes: Annotated[int, Field(ge=3, le=60)] = 10  # unanswered for so long: an incident
    again_minutes: Annotated[int, Field(ge=1, le=60)] = 4  # unanswered: asked once more


class RegionalPolicy(BaseModel):
    """One published scheme. `ladders` maps a severity to an escalation policy's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    title_zh: str
    title_en: str
    document: str
    tiers: tuple[Tier, ...]
    visits: VisitRules
    first_contact: FirstContactRule
    close: CloseRules
    supervision: SupervisionRules = SupervisionRules()
    checks: CheckRules = CheckRules()
    ladders: dict[str, dict[str, Any]]


def known_regions() -> tuple[str, ...]:
    """Names that `ANJU_REGION` may have."""
    folder = resources.files("care") / "policies"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def load_policy(region: str) -> RegionalPolicy:
    """The profile of a region; raises `SettingsError` when there is none or it is broken."""
    if region not in known_regions():
        raise SettingsError("ANJU_REGION", f"{region!r} is none of {', '.join(known_regions())}")
    text = (resources.files("care") / "policies" / f"{region}.toml").read_text("utf-8")
    try:
        return RegionalPolicy.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError("ANJU_REGION", f"care/policies/{region}.toml: {error}") from error


@cache
def tier_ranks() -> dict[str, int]:
    """Tier → its place, the most urgent first; a key that several regions use has one place."""
    ranks: dict[str, int] = {}
    for region in known_regions():
        for place, tier in enumerate(load_policy(region).tiers):
            ranks[tier.key] = min(place, ranks.get(tier.key, place))
    return ranks
