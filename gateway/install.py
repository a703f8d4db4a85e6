"""Services out of settings, and what a database needs before anybody may use it."""

from __future__ import annotations

from typing import Any

from alerting.channels.message import apprise_refusal
from alerting.escalation import Policy
from alerting.stream import write_hints
from alerting.tables import Channel
from alerting.telling.policies import install_ladders
from care.equipment import ensure_native_source
from care.policy import RegionalPolicy, load_policy
from core.clock import Clock, SystemClock
from core.db import Database
from core.errors import SettingsError
from core.logging import get_logger
from core.services import Services
from core.settings import Settings

log = get_logger("anju")

OPERATOR_CHANNEL = "operator"


def build_services(settings: Settings, clock: Clock | None = None) -> Services:
    """Database, clock and signals, wired so that a commit wakes open pages."""
    services = Services(
        settings=settings, db=Database(settings.database_url), clock=clock or SystemClock()
    )
    services.db.on_hints(write_hints, services.signals.stream.set)
    return services


async def install(services: Services) -> None:
    """What a database needs before anybody may use it: ladders, native source, operator."""
    settings, now = services.settings, services.clock.now()
    region = load_policy(settings.region)
    refusal = apprise_refusal(settings.operator_url) if settings.operator_url else None
    if refusal:
        raise SettingsError("ANJU_OPERATOR_URL", refusal)
    async with services.db.transaction() as session:
        await install_ladders(session, region.name, ladders_with_gates(region), now)
        await ensure_native_source(session, now)
        operator = await session.get(Channel, OPERATOR_CHANNEL)
        if operator is None:
            operator = Channel(
                id=OPERATOR_CHANNEL, kind="operator", name="operator", url="", created_at=now
            )
            session.add(operator)
        # The URL itself may hold a secret and stays in the settings.
        operator.enabled = bool(settings.operator_url)
    if not settings.operator_url:
        services.health.banners["no_operator"] = "ANJU_OPERATOR_URL"
        log.warning("nobody stands behind the ladder: ANJU_OPERATOR_URL is not set")


def ladders_with_gates(region: RegionalPolicy) -> dict[str, dict[str, Any]]:
    """Each severity's policy body, complete: the region's ladder, its gates, its checks."""
    more = {
        "gates": region.close.model_dump(exclude={"follow_up_on_hazard"}),
        "check": region.checks.model_dump(),
    }
    return {
        severity: Policy.model_validate({**body, **more}).model_dump(mode="json")
        for severity, body in region.ladders.items()
    }
