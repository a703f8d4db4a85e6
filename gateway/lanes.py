"""The three lanes: a session, a pipeline, and the loop between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from alerting.intake.heard import Receipt
from core.logging import get_logger
from core.metrics import CANARY_AGE, MESSAGES
from core.services import Services
from gateway.arrived import Delivery
from gateway.endpoint import Endpoint
from gateway.mqtt import Session
from gateway.pipeline import LONGEST_PAUSE_S, Pipeline, Router
from gateway.routes import belongs_to_bulk, is_canary

log = get_logger("lanes")

URGENT_BATCH, URGENT_WAIT_S = 100, 0.0
FOREIGN_BATCH, FOREIGN_WAIT_S = 300, 0.01
BULK_BATCH, BULK_WAIT_S = 200, 0.02
RECEIVE_MAXIMUM = {"urgent": 1000, "foreign": 2000, "bulk": 5000}
"""Above the batch size: what is in our hands, not yet stored (MQTT 5 only)."""
STUCK_AFTER_S = 5.0
"""The urgent lane must commit within this; otherwise it is said loudly outside the database."""

CATCH_UP_AT_LEAST, CATCH_UP_AT_MOST = timedelta(seconds=30), timedelta(minutes=3)
"""No device is held back for being too talkative while we hear what was said in our absence."""

SendReceipts = Callable[[tuple[Receipt, ...]], None]


class Lane:
    """Takes batches from the broker, has them stored, acknowledges, answers devices."""

    def __init__(
        self,
        services: Services,
        name: str,
        endpoint: Endpoint,
        router: Router,
        send_receipts: SendReceipts | None,
        *,
        batch: int,
        wait_s: float,
    ) -> None:
        self.name, self._services = name, services
        self.session = Session(
            name,
            f"anju-{name}-0",
            endpoint,
            services.clock,
            receive_maximum=RECEIVE_MAXIMUM[name],
        )
        self.pipeline = Pipeline(services, name, router)
        self._send_receipts = send_receipts
        self._batch, self._wait_s = batch, wait_s
        self._busy_since: float | None = None
        self.canary_at: datetime | None = None
        self.caught_up_at: datetime | None = None  # when the backlog was last empty

    async def run(self) -> None:
        """For ever: one batch after another. Only cancelled, never ended by an error."""
        while True:
            batch = await self.session.take(self._batch, self._wait_s)
            failures = 0
            while not await self._handled(batch):
                failures += 1
                await asyncio.sleep(min(0.5 * 2.0 ** min(failures, 6), LONGEST_PAUSE_S))

    async def _handled(self, batch: list[Delivery]) -> bool:
        """False when it has to be tried again: a connected broker does not redeliver."""
        try:
            await self.handle(batch)
        except Exception:
            log.exception("batch failed", lane=self.name, size=len(batch))
            return False
        return True

    async def handle(self, batch: list[Delivery]) -> None:
        """Commit a batch, then acknowledge it in order of arrival, then answer the devices."""
        if self._busy_since is None:  # a second try waits as long as its first
            self._busy_since = self._services.clock.monotonic()
        messages = [delivery.message for delivery in batch if self._is_ours(delivery.message.topic)]
        handled = None
        if messages:
            behind = self._is_catching_up()
            handled = await self.pipeline.handle(messages, catching_up=behind)
        self.session.ack(batch)
        self._busy_since = None
        if handled and handled.receipts and self._send_receipts:
            self._send_receipts(handled.receipts)
        if not self.session.backlog:
            self.caught_up_at = self._services.clock.now()

    def _is_catching_up(self) -> bool:
        """Just connected, or still behind since: what arrives now was said while we were away, and
        its rate says nothing about a device. Not for ever, or a flood could keep it so."""
        connected_at = self.session.connected_at
        if connected_at is None:
            return True
        since = self._services.clock.now() - connected_at
        if since < CATCH_UP_AT_LEAST:
            return True
        is_behind = self.caught_up_at is None or self.caught_up_at < connected_at
        return is_behind and since < CATCH_UP_AT_MOST

    def _is_ours(self, topic: str) -> bool:
        if is_canary(topic) and topic.endswith((_CANARY_LEAF[self.name], "anju-canary")):
            self.canary_at = self._services.health.canary_at = self._services.clock.now()
            CANARY_AGE.labels(self.name).set(0)
            return False
        if is_canary(topic):
            return False
        if self.name == "bulk" and not belongs_to_bulk(topic):
            MESSAGES.labels("bulk", "other_lane").inc()
            return False
        return True

    async def unwell(self) -> str | None:
        """For readiness: is it connected, subscribed, and able to commit?"""
        reason = self.session.unwell()
        if reason is not None:
            return reason
        stuck = self.stuck_for_s()
        return f"a batch has been waiting {stuck:.0f} s for its commit" if stuck else None

    def stuck_for_s(self) -> float:
        """See `stuck_for_s` below."""
        return stuck_for_s(self._busy_since, self._services.clock.monotonic())


def stuck_for_s(since: float | None, now: float) -> float:
    """Seconds that a batch begun at `since` has waited beyond what is tolerable; 0.0 when fine."""
    waited = 0.0 if since is None else now - since
    return waited if waited > STUCK_AFTER_S else 0.0


_CANARY_LEAF = {"urgent": "/event", "bulk": "/telemetry", "foreign": "anju/canary/anju-canary"}


def receipt_message(receipt: Receipt) -> tuple[str, bytes]:
    """Topic and payload of the application-level `ack` (contract: native protocol v1)."""
    payload = msgspec.json.encode({"id": receipt.event_id, "accepted": True})
    return f"anju/v1/{receipt.device_id}/ack", payload
