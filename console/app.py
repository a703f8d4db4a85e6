"""Puts the pages on the application: one call from the composition root."""

from __future__ import annotations

from fastapi import FastAPI

from console import (
    absences,
    aftercare,
    assets,
    check_link,
    checks,
    desk,
    device,
    device_import,
    devices,
    elder_forms,
    fleet,
    install,
    interruptions,
    labels,
    link,
    link_away,
    people,
    phone,
    rule_end,
    rule_outcome,
    rules,
    session,
    watch,
)
from console.assets import assets as load_assets
from console.context import environment
from console.errors import answer_unknown_paths
from core.services import Services

_ROUTERS = (
    assets.router,
    session.router,
    desk.router,
    aftercare.router,
    phone.router,
    link.router,
    checks.router,
    check_link.router,
    link_away.router,
    fleet.router,
    devices.router,
    device_import.router,
    labels.router,
    install.router,
    absences.router,
    interruptions.router,
    people.router,
    elder_forms.router,
    rules.router,
    rule_end.router,
    rule_outcome.router,
    watch.router,
    device.router,  # last of its kind: its address begins like theirs
)


def mount_console(app: FastAPI, services: Services) -> None:
    """Add the desk, the phone's pages, contacts' links, devices, elders, sign-in and `/static`.

    Files and templates are read now, so that a broken installation fails at start and not at
    night.
    """
    app.state.services = services  # sign-in attempts are counted by the REST interface, for both
    load_assets()
    for name in environment().list_templates():
        environment().get_template(name)
    for router in _ROUTERS:
        app.include_router(router)
    answer_unknown_paths(app)
