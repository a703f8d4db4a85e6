"""Every telephone of an invented town, and the provider that sends SMS and calls to them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import httpx

from core.clock import Clock
from core.ids import new_id
from simulators.phone_messages import CallState, Kind, PhoneMessage, Receipt, Refused, Rule

_KEPT = 2000  # messages; the oldest go first
_RECEIPT_RETRIES_S = (1, 2, 4, 8, 16)


class FakePhone:
    """Provider and telephones in one; `fake_phone_app.py` gives it HTTP and a page.

    Nothing happens by itself: `tick()` moves everything to the clock's present, so a test with
    a clock of its own decides when a telephone stops ringing.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        secret: str | None = None,
        http: httpx.AsyncClient | None = None,
        names: Mapping[str, str] | None = None,
        ring_s: float = 40.0,
        answer_s: float = 4.0,
    ) -> None:
        """`secret` signs both ways; None: nothing is verified. `names`: whose number it is."""
        self.clock, self.secret = clock, secret
        self.names = {dialled(number): name for number, name in (names or {}).items()}
        self.rules: dict[str, Rule] = {}
        self._http = http if http is not None else httpx.AsyncClient(timeout=5)
        self._ring, self._answer = timedelta(seconds=ring_s), timedelta(seconds=answer_s)
        self._messages: dict[tuple[Kind, str], PhoneMessage] = {}

    # -- the provider's side ------------------------------------------------------------------

    def verify(self, body: bytes, signature: str | None) -> None:
        """Raises `Refused` (401) unless `signature` is `sha256=` and the body's HMAC."""
        if self.secret is None:
            return
        expected = signature_of(self.secret, body)
        if not hmac.compare_digest(expected.encode(), (signature or "").encode()):
            raise Refused(401, "the signature does not match the body")

    def accept(
        self, kind: Kind, *, delivery_id: str, to: str, text: str, callback: str
    ) -> PhoneMessage:
        """Take a message, as a provider that answers 202. A repeat returns the first one.

        Raises `Refused` where the number's rule says so.
        """
        number = dialled(to)
        rule = self._rule_for(number)
        if rule.temporary:
            raise Refused(503, "the network is busy, try again")
        if rule.permanent:
            raise Refused(422, f"no telephone has the number {to}")
        known = self._messages.get((kind, delivery_id))
        if known is not None:
            known.repeats += 1
            return known
        now = self.clock.now()
        message = PhoneMessage(
            id=new_id("msg"),
            delivery_id=delivery_id,
            kind=kind,
            to=number,
            text=text,
            callback=callback,
            at=now,
            state=CallState.RINGING if kind == "call" else CallState.SENT,
            rule=rule,
            changes_at=now + self._time_until_change(kind, rule),
        )
        self._messages[kind, delivery_id] = message
        while len(self._messages) > _KEPT:
            del self._messages[next(iter(self._messages))]
        return message

    # -- the telephones' side -----------------------------------------------------------------

    def messages(
        self, *, to: str | None = None, kind: Kind | None = None, since: datetime | None = None
    ) -> list[PhoneMessage]:
        """What arrived, oldest first."""
        number = dialled(to) if to else None
        return [
            message
            for message in self._messages.values()
            if (number is None or message.to == number)
            and (kind is None or message.kind == kind)
            and (since is None or message.at >= since)
        ]

    def answer(self, message_id: str, key: str | None = None) -> PhoneMessage:
        """Pick up, or press `key` in a call that was picked up, or reply `key` to an SMS.

        Raises `Refused` (404, 409) when there is no such message or nobody is on the line.
        """
        message = self._find(message_id)
        if message.kind == "call":
            if message.state is CallState.RINGING:
                self._end(message, CallState.ANSWERED)
            elif message.state is not CallState.ANSWERED:
                raise Refused(409, f"the call is over: {message.state}")
        if key is not None:
            message.key = key
            self._say(message, "key", key=key)
        return message

    def reject(self, message_id: str) -> PhoneMessage:
        """Refuse a ringing call. Raises `Refused` (404, 409) when nothing rings."""
        message = self._find(message_id)
        if message.state is not CallState.RINGING:
            raise Refused(409, f"nothing rings: {message.state}")
        self._end(message, CallState.BUSY, reason="refused")
        return message

    def set_rule(self, to: str, rule: Rule) -> None:
        """Decide how a number behaves from the next message on."""
        self.rules[dialled(to)] = rule

    def reset(self) -> None:
        """Forget messages and rules; names stay."""
        self._messages.clear()
        self.rules.clear()

    async def tick(self) -> None:
        """Let everything happen that is due by now, and hand over the receipts."""
        now = self.clock.now()
        waiting = list(self._messages.values())
        for message in waiting:
            if message.state in (CallState.RINGING, CallState.SENT) and message.changes_at <= now:
                self._go_on(message)
        # Side by side: a sender that hangs must not stop other telephones.
        await asyncio.gather(*(self._hand_over_due(message, now) for message in waiting))

    async def aclose(self) -> None:
        """Close the connection that receipts go over."""
        await self._http.aclose()

    # -- inside -------------------------------------------------------------------------------

    def _rule_for(self, number: str) -> Rule:
        rule = self.rules.get(number, Rule())
        if rule.times is not None:
            if rule.times <= 1:
                del self.rules[number]
            else:
                self.rules[number] = replace(rule, times=rule.times - 1)
        return rule

    def _time_until_change(self, kind: Kind, rule: Rule) -> timedelta:
        if rule.busy or rule.fails or kind == "sms":
            return timedelta(seconds=1)
        return self._answer if rule.answers else self._ring

    def _find(self, message_id: str) -> PhoneMessage:
        for message in self._messages.values():
            if message.id == message_id:
                return message
        raise Refused(404, f"no message {message_id}")

    def _go_on(self, message: PhoneMessage) -> None:
        rule = message.rule
        if rule.fails:
            self._end(message, CallState.FAILED, reason="out of reach")
        elif message.kind == "sms":
            self._end(message, CallState.DELIVERED)
        elif rule.busy:
            self._end(message, CallState.BUSY, reason="engaged")
        elif rule.answers:
            self.answer(message.id, rule.key)
        else:
            self._end(message, CallState.NO_ANSWER)

    def _end(self, message: PhoneMessage, state: CallState, reason: str | None = None) -> None:
        message.state = state
        self._say(message, state.value, reason=reason)

    def _say(
        self,
        message: PhoneMessage,
        state: str,
        *,
        key: str | None = None,
        reason: str | None = None,
    ) -> None:
        now = self.clock.now()
        wanted = now if message.callback else None
        message.receipts.append(
            Receipt(state=state, at=now, key=key, reason=reason, next_at=wanted)
        )

    async def _hand_over_due(self, message: PhoneMessage, now: datetime) -> None:
        for receipt in message.receipts:
            if receipt.next_at is not None and receipt.next_at <= now:
                await self._hand_over(message, receipt)
            if receipt.next_at is not None:
                break  # receipts of one message stay in order

    async def _hand_over(self, message: PhoneMessage, receipt: Receipt) -> None:
        body = receipt.body()
        headers = {"Content-Type": "application/json"}
        if self.secret is not None:
            headers["X-Anju-Signature"] = signature_of(self.secret, body)
        receipt.attempts += 1
        try:
            answer = await self._http.post(message.callback, content=body, headers=headers)
            receipt.taken = answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL):
            receipt.taken = False
        retries = _RECEIPT_RETRIES_S[receipt.attempts - 1 : receipt.attempts]
        if receipt.taken or not retries:
            receipt.next_at = None
        else:
            receipt.next_at = self.clock.now() + timedelta(seconds=retries[0])


def signature_of(secret: str, body: bytes) -> str:
    """`X-Anju-Signature` of a body: `sha256=` and its HMAC in hex (contract.md)."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def dialled(number: str) -> str:
    """A number as one dials it: `+86 10-0000 1001` → `+861000001001`."""
    return re.sub(r"[\s().-]", "", number)
