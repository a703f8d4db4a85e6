"""The words of care: who there is, how they are related, what a visit can be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class UserRole(StrEnum):
    DUTY_OFFICER = "duty_officer"
    VISITOR = "visitor"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


DESK_ROLES = frozenset({UserRole.DUTY_OFFICER, UserRole.SUPERVISOR, UserRole.ADMIN})
"""Who may handle an incident at the desk, and act on a visitor's behalf."""


class AreaLevel(StrEnum):
    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"
    GRID = "grid"


class Category(StrEnum):
    """Groups that the schemes serve (民发〔2022〕73号 and the regional papers)."""

    NO_FAMILY = "no_family"
    LIVING_ALONE = "living_alone"
    EMPTY_NEST = "empty_nest"
    LEFT_BEHIND = "left_behind"
    DISABLED_ADL = "disabled_adl"
    SEVERE_DISABILITY = "severe_disability"
    FAMILY_PLANNING_SPECIAL = "family_planning_special"
    DEMENTIA = "dementia"
    BEDRIDDEN = "bedridden"
    OTHER = "other"


class ElderStatus(StrEnum):
    """Anything but `home` suspends welfare rules only; life safety stays live."""

    HOME = "home"
    AWAY = "away"
    HOSPITAL = "hospital"
    MOVED = "moved"
    DECEASED = "deceased"


class VisitMode(StrEnum):
    ON_SITE = "on_site"
    PHONE = "phone"
    VIDEO = "video"
    REMOTE_MONITORING = "remote_monitoring"
    MET_ON_WAY = "met_on_way"


WORN_ROLES = frozenset({"sos_button", "fall_detector", "watch", "health_monitor", "locator"})
"""Devices that belong to one elder when bound to one; all others are shared by the home."""

OF_ONE_PERSON = WORN_ROLES | {"bed_sensor"}
"""Devices whose findings are about one elder when bound to one: that elder's status decides whether
they rest, whoever else lives there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a caller may see: an area and everything below it. `path` "" means everything."""

    path: str = ""

    def covers(self, area_path: str | None) -> bool:
        """What has no area is shown to every officer (architecture: Two people, many hands)."""
        return not self.path or area_path is None or area_path.startswith(self.path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who is doing something: a signed-in user, a contact by link, or Anju itself."""

    id: str
    name: str
    role: str  # a UserRole, "contact" or "system"
    scope: Scope = Scope()
    language: str = "zh"

    @property
    def is_desk(self) -> bool:
        return self.role in DESK_ROLES


SYSTEM = Actor(id="system", name="安居", role="system")
