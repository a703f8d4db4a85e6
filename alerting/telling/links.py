"""Links in messages: they name a notice and prove that Anju made them; nothing is stored."""

from __future__ import annotations

import hashlib
import hmac

from core.errors import NotFound

ANSWER, CHECK = "answer", "check"
"""What a link is for: the mark of one opens nothing of the other."""


def _mark(secret_key: str, notice_id: str, purpose: str) -> str:
    digest = hmac.new(secret_key.encode(), f"{purpose}:{notice_id}".encode(), hashlib.sha256)
    return digest.hexdigest()[:32]


def make_link(secret_key: str, notice_id: str, purpose: str = ANSWER) -> str:
    """The last part of a link, `{notice id}.{128-bit mark}`."""
    return f"{notice_id}.{_mark(secret_key, notice_id, purpose)}"


def open_link(secret_key: str, token: str, purpose: str = ANSWER) -> str:
    """The notice a link belongs to; raises `NotFound` for one that Anju did not make."""
    notice_id, _, mark = token.rpartition(".")
    if not notice_id or not hmac.compare_digest(
        _mark(secret_key, notice_id, purpose).encode(), mark.encode()
    ):
        raise NotFound("link", token[:16])
    return notice_id


def sign(secret: str, body: bytes) -> str:
    """`X-Anju-Signature` of a body: `sha256=` and the HMAC in hex."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signature_matches(secret: str, body: bytes, header: str | None) -> bool:
    """Compare in constant time; a missing header never matches."""
    return header is not None and hmac.compare_digest(sign(secret, body).encode(), header.encode())
