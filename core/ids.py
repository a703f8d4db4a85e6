"""Identifiers: short, random, with a prefix that says what they name."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """A fresh identifier such as `inc-7k3m…`: 100 random bits, safe in URLs and file names."""
    return f"{prefix}-" + "".join(secrets.choice(_ALPHABET) for _ in range(20))


def new_secret() -> str:
    """A password or link token nobody can guess: 192 random bits, URL-safe."""
    return secrets.token_urlsafe(24)
