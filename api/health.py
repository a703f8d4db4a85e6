"""Whether this process lives, whether it can be relied on, and its metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import ServicesDep

router = APIRouter(tags=["health"])


class Live(BaseModel):
    status: str = "live"


class Ready(BaseModel):
    """`reasons` says, check by check, why this process cannot be relied on; empty when it can."""

    ready: bool
    reasons: Annotated[
        dict[str, str], Field(examples=[{"broker": "urgent-0 is not subscribed"}])
    ] = {}


@router.get("/health/live", summary="Is the process alive?")
async def live() -> Live:
    """Answers as long as the process does; a supervisor restarts it when this does not."""
    return Live()


@router.get(
    "/health/ready",
    summary="Do database, broker subscription and loops really work?",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "Not ready; the reasons are named."}},
)
async def ready(services: ServicesDep) -> JSONResponse:
    """200 only when every check of this process's roles is well; 503 with the reasons else."""
    reasons = await services.health.reasons()
    body = Ready(ready=not reasons, reasons=reasons)
    return JSONResponse(body.model_dump(), 503 if reasons else 200)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def metrics() -> Response:
    """Text in Prometheus' exposition format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
