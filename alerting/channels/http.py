"""Signed HTTP: webhooks to allowed hosts, and the sms and voice providers' gateways."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from alerting.channels.base import (
    Accepted,
    AmbiguousFailure,
    Outgoing,
    PermanentFailure,
    TemporaryFailure,
)
from alerting.telling.links import sign

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_TEMPORARY = frozenset({408, 425, 429})


def webhook_refusal(url: str, allowed: Sequence[str]) -> str | None:
    """Why a webhook may not go to `url`; None when it may.

    `allowed` is ANJU_WEBHOOK_HOSTS: `host[:port]` for https, `http://host[:port]` for plain http.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "not an http(s) URL"
    if "@" in parts.netloc:
        return "a name before the host is not allowed"  # readers disagree on where the host begins
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    names = {name, f"{name}:{port or (443 if parts.scheme == 'https' else 80)}"}
    for entry in map(str.lower, allowed):
        plain = entry.startswith("http://")
        host = entry.removeprefix("http://").removeprefix("https://").rstrip("/")
        if host in names and plain == (parts.scheme == "http"):
            return None
    return f"{parts.scheme}://{parts.netloc} is not in ANJU_WEBHOOK_HOSTS"


async def post_signed(
    client: httpx.AsyncClient, url: str, body: dict[str, Any], *, secret: str, key: str
) -> httpx.Response:
    """POST JSON with its signature; httpx errors become one of the three failures."""
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        "X-Anju-Signature": sign(secret, raw),
        "User-Agent": "Anju",
    }
    try:
        response = await client.post(url, content=raw, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise TemporaryFailure(f"cannot connect: {error}") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise PermanentFailure(f"not a usable URL: {error}") from error
    except httpx.TransportError as error:
        # Sent, but no answer came back: it may have been handled.
        raise AmbiguousFailure(f"no answer: {type(error).__name__}") from error
    return _judge(response)


def _judge(response: httpx.Response) -> httpx.Response:
    status = response.status_code
    if status < 300:
        return response
    if status in _TEMPORARY or status >= 500:
        raise TemporaryFailure(f"answered {status}")
    raise PermanentFailure(f"answered {status}")


class WebhookSender:
    """A contact's or the city's webhook. Its 2xx is delivery: a program has read it."""

    can_deliver_receipt = True

    def __init__(self, client: httpx.AsyncClient, allowed: Sequence[str], secret: str) -> None:
        self._client, self._allowed, self._secret = client, tuple(allowed), secret

    async def send(self, outgoing: Outgoing) -> Accepted:
        url = outgoing.url or outgoing.address
        refusal = webhook_refusal(url, self._allowed)
        if refusal:
            raise PermanentFailure(refusal)
        await post_signed(
            self._client,
            url,
            outgoing.body,
            secret=outgoing.secret or self._secret,
            key=outgoing.notice_id,
        )
        return Accepted(delivered=True)


class PhoneSender:
    """An sms or voice provider behind a small HTTP gateway (docs/channels.md has the protocol)."""

    can_deliver_receipt = True

    def __init__(self, client: httpx.AsyncClient, path: str) -> None:
        self._client, self._path = client, path

    async def send(self, outgoing: Outgoing) -> Accepted:
        if not outgoing.url:
            raise PermanentFailure(f"no {outgoing.channel} channel is configured")
        body = {
            "id": outgoing.notice_id,
            "to": outgoing.address,
            "text": outgoing.text,
            "callback": outgoing.callback,
        }
        response = await post_signed(
            self._client,
            outgoing.url.rstrip("/") + self._path,
            body,
            secret=outgoing.secret or "",
            key=outgoing.notice_id,
        )
        return Accepted(provider_id=_provider_id(response))


def _provider_id(response: httpx.Response) -> str | None:
    try:
        ident = response.json().get("id")
    except (ValueError, AttributeError):
        return None
    return str(ident)[:200] if ident is not None else None
