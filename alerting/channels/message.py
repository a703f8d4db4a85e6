"""Apprise: the operator's last resort, contacts' messengers, and e-mail through a mail URL."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import quote

import apprise

from alerting.channels.base import Accepted, Outgoing, PermanentFailure, TemporaryFailure

SEND_WITHIN_S = 30.0
# Apprise's own lines quote URLs, with the passwords in them.
logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False


def apprise_refusal(url: str) -> str | None:
    """Why Apprise cannot use a URL; None when it can."""
    return None if apprise.Apprise().add(url) else "Apprise does not understand this URL"


async def notify(url: str, title: str, text: str) -> None:
    """Send through Apprise in a thread (it is blocking); raises a `DeliveryError`."""
    app = apprise.Apprise()
    if not app.add(url):
        raise PermanentFailure("Apprise does not understand this URL")
    try:
        async with asyncio.timeout(SEND_WITHIN_S):
            sent = await asyncio.to_thread(app.notify, body=text, title=title)
    except TimeoutError as error:
        raise TemporaryFailure(f"no answer within {SEND_WITHIN_S:g} s") from error
    if not sent:
        # Apprise says only yes or no.
        raise TemporaryFailure("Apprise could not deliver it")


class OperatorSender:
    """ANJU_OPERATOR_URL: who is called when nobody else answers."""

    can_deliver_receipt = False

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, outgoing: Outgoing) -> Accepted:
        if not self._url:
            raise PermanentFailure("ANJU_OPERATOR_URL is not set")
        await notify(self._url, "安居 Anju", outgoing.text)
        return Accepted()


class AppriseSender:
    """A contact's own messenger (Bark, WeCom, ntfy …), by the address they named."""

    can_deliver_receipt = False

    async def send(self, outgoing: Outgoing) -> Accepted:
        await notify(outgoing.address, "安居 Anju", outgoing.text)
        return Accepted()


def mail_url(url: str, address: str) -> str:
    """A channel's mail URL with its recipient, who cannot add parameters of their own."""
    return f"{url}{'&' if '?' in url else '?'}to={quote(address, safe='@')}"


class EmailSender:
    """A contact's e-mail address, sent through the mail URL of a configured channel."""

    can_deliver_receipt = False

    async def send(self, outgoing: Outgoing) -> Accepted:
        if not outgoing.url:
            raise PermanentFailure("no email channel is configured")
        await notify(mail_url(outgoing.url, outgoing.address), "安居 Anju", outgoing.text)
        return Accepted()
