"""Receipts: what sms and voice providers report later about a notice they took."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request
from pydantic import Field, StringConstraints

from alerting.handling import answers
from alerting.queries import receipt_secrets
from alerting.telling.links import signature_matches
from api.dependencies import Now, ServicesDep
from api.schemas import Body, Out, When, example
from core.db import after_commit
from core.errors import NotSignedIn

router = APIRouter(prefix="/receipts", tags=["alerting"])


class ReceiptIn(Body):
    model_config = Body.model_config | example(state="key", key="1", at="2026-03-01T00:15:50Z")
    state: Literal["delivered", "answered", "key", "failed", "busy", "no_answer"]
    key: Annotated[str | None, StringConstraints(max_length=20)] = None
    reason: Annotated[str | None, StringConstraints(max_length=1000)] = None
    at: When | None = Field(None, description="By the provider's clock; for its own records.")


class ReceiptOut(Out):
    accepted: bool = True


@router.post(
    "/{notice_id}",
    summary="Report what became of a notice",
    response_model=ReceiptOut,
)
async def create_receipt(
    services: ServicesDep,
    request: Request,
    now: Now,
    notice_id: str,
    body: ReceiptIn,
    x_anju_signature: Annotated[str | None, Header(max_length=200)] = None,
) -> ReceiptOut:
    """Signed with the channel's secret over the body's bytes, as Anju signs what it sends.

    A notice that does not exist and a signature that does not match look the same. Answers 200
    only after the commit; a provider tries again otherwise.
    """
    raw = await request.body()
    async with services.db.reading() as session:
        secrets = await receipt_secrets(session, notice_id)
    if not any(signature_matches(secret, raw, x_anju_signature) for secret in secrets):
        raise NotSignedIn("X-Anju-Signature does not match")
    async with services.db.transaction() as session:
        await answers.receipt(
            session,
            notice_id,
            state=body.state,
            key=body.key,
            reason=body.reason,
            now=now,
            zone=services.settings.zone,
        )
        after_commit(session, services.signals.outbox.set)
        after_commit(session, services.signals.sweep.set)
    return ReceiptOut()
