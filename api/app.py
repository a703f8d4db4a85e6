"""The app: one FastAPI with the contract's resources under /api/v1 and health beside it."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api import (
    areas,
    broker,
    channels,
    checks,
    contacts,
    device_commands,
    device_import,
    device_life,
    device_tests,
    devices,
    elders,
    fleet,
    follow_ups,
    hazards,
    health,
    homes,
    inbox,
    incident_actions,
    incidents,
    interruptions,
    policies,
    problems,
    push,
    readings,
    receipts,
    reference,
    shifts,
    silences,
    sources,
    stream,
    token,
    users,
    visits,
    watch,
    watch_rules,
)
from api.guards import Guard
from api.problems import Problem, refusal
from care.accounts import SignInAttempts
from core.services import Services

_DESCRIPTION = """\
Anju (安居) stands between an older person alone at home and the people who can help.

Sign in with `POST /api/v1/token` and send the token as `Authorization: Bearer …`. Every answer
is limited to your area; what lies outside is not found. Times are RFC 3339, ids are strings,
errors are problem details (RFC 9457). Lists take `limit` and `cursor` and answer
`{"items": […], "next_cursor": …}`.
"""
_TAGS = [
    {"name": "sign-in", "description": "A password once, a token after."},
    {"name": "areas", "description": "Counties, towns, villages, grids."},
    {"name": "users", "description": "Duty officers, visitors, supervisors, administrators."},
    {"name": "homes and elders", "description": "Who is cared for, where, and whom to ring."},
    {"name": "sources and devices", "description": "What speaks, and to whom it belongs."},
    {"name": "incidents", "description": "What people handle, from a press to a closed case."},
    {"name": "visits and after", "description": "Visits, follow-ups and hazards."},
    {"name": "interruptions", "description": "Areas whose water does not come."},
    {"name": "alerting", "description": "Who is told: ladders, shifts, silences, channels."},
    {"name": "watch rules", "description": "How homes are watched, by area, tier and elder."},
    {"name": "stream", "description": "Hints to refetch, as server-sent events."},
    {"name": "inbox", "description": "What could not be read, and who nobody knows."},
    {"name": "health", "description": "For supervisors, load balancers and Prometheus."},
]
_ROUTERS = (
    token.router,
    areas.router,
    users.router,
    homes.router,
    elders.router,
    contacts.router,
    sources.router,
    watch.router,
    fleet.router,  # before devices: /devices/export is no device's id
    devices.router,
    device_commands.router,
    device_life.router,
    device_import.router,
    readings.router,
    device_tests.router,
    incidents.router,
    incident_actions.router,
    checks.router,
    visits.router,
    follow_ups.router,
    hazards.router,
    policies.router,
    shifts.router,
    silences.router,
    interruptions.router,
    channels.router,
    watch_rules.router,
    watch_rules.elder_router,
    push.router,
    receipts.router,
    stream.router,
    inbox.router,
    broker.router,
)


_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: refusal("No token, or one that has run out."),
    403: refusal("Your role may not do this."),
    404: refusal("Absent, or outside your area."),
    422: refusal("Something sent cannot be used; `errors` names every field."),
}


def create_app(services: Services) -> FastAPI:
    """The whole REST interface on these services; the console is added by its own package."""
    app = _routes()
    hand_over(app, services)
    return app


def hand_over(app: FastAPI, services: Services) -> None:
    """Have an app answer for these services from now on; its routes know none by themselves."""
    app.state.services = services
    app.state.attempts = SignInAttempts(services.clock)


def _routes() -> FastAPI:
    app = FastAPI(
        title="Anju",
        version=metadata.version("anju"),
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    v1 = APIRouter(prefix="/api/v1", responses=_REFUSALS)
    for router in _ROUTERS:
        v1.include_router(router)
    app.include_router(v1)
    app.include_router(health.router)
    app.include_router(reference.router)
    problems.install(app)
    app.add_middleware(push.PushShortcut)
    app.add_middleware(Guard)
    _describe_problems(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's name: unique, and what a generated client's method is called."""
    return route.name


def _describe_problems(app: FastAPI) -> None:
    """Add the problem's schema to the OpenAPI document, which no route returns as its model."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs", {})
            schemas["Problem"] = problem
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]
