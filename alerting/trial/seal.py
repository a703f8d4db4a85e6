"""Carries what a back-test said through a browser and back, so that nobody can better it. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from typing import Any

from core.errors import InvalidInput

FIELD = "back_test"
_MOST = 20_000


def seal(secret_key: str, scope: tuple[Any, ...], rules: Any, said: Mapping[str, Any]) -> str:
    """The figures, packed, with a mark over them and the rule they are about."""
    packed = base64.urlsafe_b64encode(zlib.compress(_plain(said), 9)).decode()
    return f"{packed}.{_mark(secret_key, scope, rules, packed)}"


def unseal(secret_key: str, scope: tuple[Any, ...], rules: Any, sealed: str) -> dict[str, Any]:
    """The figures; raises `InvalidInput` when they are not ours, or about another rule."""
    packed, _, mark = sealed.rpartition(".")
    ours = _mark(secret_key, scope, rules, packed)
    if not packed or not hmac.compare_digest(ours.encode(), mark.encode()):
        raise InvalidInput(FIELD, "is of another rule; back-test this one again")
    raw = zlib.decompressobj().decompress(base64.urlsafe_b64decode(packed), _MOST)
    said: dict[str, Any] = json.loads(raw)
    return said


def _mark(secret_key: str, scope: tuple[Any, ...], rules: Any, packed: str) -> str:
    about = b"forecast:" + _plain([list(scope), rules, packed])
    return hmac.new(secret_key.encode(), about, hashlib.sha256).hexdigest()[:32]


def _plain(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
