"""Who may do what: the one table that REST routes and console pages ask."""

from __future__ import annotations

from care.model import DESK_ROLES, Actor, UserRole
from core.errors import NotAllowed

_EVERYBODY = frozenset(UserRole)
_DESK = DESK_ROLES
_LEADING = frozenset({UserRole.SUPERVISOR, UserRole.ADMIN})
_ADMIN = frozenset({UserRole.ADMIN})

PERMISSIONS: dict[str, frozenset[UserRole]] = {
    # Reading is open to whoever signs in; *what* they see is cut down in the queries.
    "me.read": _EVERYBODY,
    "areas.read": _EVERYBODY,
    "homes.read": _EVERYBODY,
    "elders.read": _EVERYBODY,
    "contacts.read": _EVERYBODY,
    "devices.read": _EVERYBODY,
    "incidents.read": _EVERYBODY,
    "checks.read": _EVERYBODY,
    "visits.read": _EVERYBODY,
    "follow_ups.read": _EVERYBODY,
    "hazards.read": _EVERYBODY,
    "stream.read": _EVERYBODY,
    "users.read": _DESK,
    "sources.read": _DESK,
    "policies.read": _DESK,
    "shifts.read": _DESK,
    "watch_rules.read": _DESK,
    "silences.read": _DESK,
    "interruptions.read": _DESK,
    "inbox.read": _DESK,  # quarantine and unknown devices
    "readings.read": _DESK,
    "channels.read": _LEADING,
    # People and places. A duty officer learns at night that an elder is in hospital or that a
    # daughter has a new number; waiting for an office to open would be worse.
    "areas.write": _LEADING,
    "users.create": _ADMIN,
    "users.write": _LEADING,  # a supervisor: visitors and duty officers of the own area
    "homes.write": _DESK,
    "elders.write": _DESK,
    "contacts.write": _DESK,
    "devices.write": _DESK,
    "devices.rebuild": _LEADING,
    # An installer is often the visitor who knows the home: within what they may see, they adopt,
    # enrol and test; all else about a device is the desk's.
    "devices.enrol": _EVERYBODY,
    "sources.write": _ADMIN,
    # Handling an incident (contract: the assigned visitor, or a desk role on their behalf).
    "incidents.acknowledge": _DESK,
    "incidents.release": _DESK,
    "incidents.dispatch": _DESK,
    "incidents.notes": _DESK,
    "incidents.heard": _DESK,
    "incidents.close": _DESK,
    "incidents.reopen": _DESK,
    "incidents.cancel": _DESK,
    "incidents.accept": _EVERYBODY,
    "incidents.arrive": _EVERYBODY,
    "incidents.outcome": _EVERYBODY,
    # `release` stays the desk's, as the contract says. A visitor whose car broke down must be able
    # to give back what they were sent to, or nobody goes while the clock runs: `decline` is that
    # one move, for the assigned visitor (alerting/handling/responding.py refuses any other) or on
    # their behalf; REST and the phone page both call it.
    "incidents.decline": _EVERYBODY,
    "checks.answer": _DESK,  # spoke with the elder, or opens the incident at once
    "visits.write": _EVERYBODY,
    "follow_ups.write": _EVERYBODY,
    "hazards.write": _EVERYBODY,
    # How alarms travel.
    "shifts.write": _LEADING,
    "watch_rules.write": _LEADING,
    "silences.write": _DESK,
    "interruptions.write": _DESK,  # the water stops at night as well
    "policies.write": _ADMIN,
    "channels.write": _ADMIN,
}
"""Action → roles. `system` (Anju itself, the command line) may do everything."""

SUPERVISED_ROLES = frozenset({UserRole.VISITOR, UserRole.DUTY_OFFICER})
"""Whose accounts a supervisor may change."""


def may(actor: Actor, action: str) -> bool:
    """Whether the caller's role allows the action; raises `KeyError` for an unknown action."""
    return actor.role == "system" or actor.role in PERMISSIONS[action]


def require(actor: Actor, action: str) -> None:
    """Raises `NotAllowed` in words that name the roles which may."""
    if not may(actor, action):
        roles = ", ".join(sorted(PERMISSIONS[action]))
        raise NotAllowed(f"{action} is for {roles}; you are signed in as {actor.role}")
