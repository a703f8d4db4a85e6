"""Tokens of sources that push over HTTP: derived from the source, so nothing is stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care.tables import NATIVE_SOURCE, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class PushAccount:
    """An active source that may push to the adapter of its family."""

    source_id: str
    family: str
    token: str


def push_token(secret_key: str, source: Source) -> str:
    """32 letters and digits, 160 bits: what Huawei's and OneNET's forms take as a token.

    A new generation, or another `ANJU_SECRET_KEY`, makes another token.
    """
    purpose = f"push:{source.id}:{source.push_generation}"
    digest = hmac.new(secret_key.encode(), purpose.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:20]).decode().lower()


async def push_accounts(session: AsyncSession, secret_key: str) -> list[PushAccount]:
    """Every active source without a topic prefix; a revoked one is not among them."""
    query = select(Source).where(Source.active, Source.prefix == "", Source.id != NATIVE_SOURCE)
    return [
        PushAccount(source_id=source.id, family=source.family, token=push_token(secret_key, source))
        for source in await session.scalars(query)
    ]
