"""Who pushes: the source whose token came along, or whose token signed what came."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import unquote

import msgspec

from care.push import PushAccount, push_accounts
from core.logging import get_logger
from core.services import Services

log = get_logger("push")

REFRESH_AFTER_S = 2.0
"""How long another process's revocation may take; one of our own counts at once."""
MISS_AFTER_S = 0.5
_LONGEST = 400  # characters of a token or signature that are looked at

Proof = Callable[[str], bool]
"""Given a source's token: was it known to whoever sent this?"""


class PushKeys:
    """Active push accounts, kept per process."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._accounts: tuple[PushAccount, ...] = ()
        self._changed = services.signals.sources.subscribe()
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def find(self, adapter: str, proof: Proof) -> str | None:
        """The id of the adapter's source that `proof` fits, or None.

        While the database is away those that are known stay known; an unknown one raises what the
        driver raises.
        """
        if self._changed.is_set():
            await self._load()
        found = self._match(adapter, proof)
        age = self.services.clock.monotonic() - self._loaded_at
        if found is None and age > MISS_AFTER_S:
            await self._load()
            return self._match(adapter, proof)
        if age > REFRESH_AFTER_S and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._refresh())
        return found

    def _match(self, adapter: str, proof: Proof) -> str | None:
        """Asks all of them: how long it takes does not tell which one it was."""
        found = None
        for account in self._accounts:
            if account.family == adapter and proof(account.token):
                found = account.source_id
        return found

    async def _load(self) -> None:
        async with self._loading:
            was_set = self._changed.is_set()
            self._changed.clear()
            try:
                async with self.services.db.reading() as session:
                    accounts = await push_accounts(session, self.services.settings.secret_key)
            except Exception:
                if was_set:
                    self._changed.set()
                raise
            self._accounts = tuple(accounts)
            self._loaded_at = self.services.clock.monotonic()

    async def _refresh(self) -> None:
        try:
            await self._load()
        except Exception as error:
            log.warning("push accounts not refreshed", error=str(error)[:200])


def equal(one: str, other: str) -> bool:
    """In constant time; nothing equals the empty text."""
    return bool(one) and hmac.compare_digest(one.encode(), other.encode())


def by_token(presented: str) -> Proof:
    """It came as it is."""
    return lambda token: equal(presented[:_LONGEST], token)


def by_onenet(message: bytes, nonce: str, signature: str) -> Proof:
    """OneNET: base64 of the MD5 of token, nonce and message; it may come URL-encoded once more."""
    wanted = unquote(signature[:_LONGEST]).replace(" ", "+")

    def proof(token: str) -> bool:
        digest = hashlib.md5(
            token.encode() + nonce.encode() + message, usedforsecurity=False
        ).digest()
        return equal(wanted, base64.b64encode(digest).decode())

    return proof


def by_iotda(headers: Mapping[str, str]) -> Proof | None:
    """Huawei IoTDA: SHA-256, in hex, of token, timestamp and nonce in the order of their texts."""
    timestamp, nonce = headers.get("timestamp", ""), headers.get("nonce", "")
    signature = headers.get("signature", "")[:_LONGEST].lower()
    if not (timestamp and nonce and signature):
        return None

    def proof(token: str) -> bool:
        joined = "".join(sorted((token, timestamp, nonce)))
        return equal(signature, hashlib.sha256(joined.encode()).hexdigest())

    return proof


class _Envelope(msgspec.Struct):
    nonce: str
    msg: msgspec.Raw = msgspec.Raw(b"")
    enc_msg: str = ""
    msg_signature: str = ""  # the old platform
    signature: str = ""  # Studio


def by_onenet_body(body: bytes) -> Proof | None:
    """The signature inside a OneNET push; it covers `msg` exactly as it came."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        message = bytes(envelope.msg)
        if message.startswith(b'"'):
            message = msgspec.json.decode(message, type=str).encode()
        signature = envelope.msg_signature or envelope.signature
        if not signature:
            return None
        return by_onenet(message or envelope.enc_msg.encode(), envelope.nonce, signature)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
