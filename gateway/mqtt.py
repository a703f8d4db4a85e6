"""One MQTT session: persistent, acknowledged by hand, reconnecting for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.clock import Clock
from core.logging import get_logger
from core.metrics import LANE_UP
from gateway.arrived import Arrived, Delivery
from gateway.client import Arrival, Client
from gateway.endpoint import Endpoint, connect, new_client
from gateway.pump import Pump

log = get_logger("mqtt")

CONNACK_WITHIN_S = 5.0
LONGEST_BACKOFF_S = 30.0
REFUSED_AGAIN_S = 60.0
"""After so long a refused subscription is asked for again: access lists are put right, too."""
_ABOUT_TO = "waiting for the subscription"
_UNSUPPORTED_VERSION = 0x84
"""MQTT 5 reason code; a 3.1.1 broker answers 1, which paho shows as the same name."""


class Session:
    """A lane's connection. Messages wait in `take()`; nothing is acknowledged but by `ack()`.

    Every connection has a client object of its own, so an acknowledgement for an older
    connection can be told from one for this: packet ids start anew with each.
    """

    def __init__(
        self, lane: str, client_id: str, endpoint: Endpoint, clock: Clock, *, receive_maximum: int
    ) -> None:
        self.lane, self.client_id = lane, client_id
        self._endpoint, self._clock, self._receive_maximum = endpoint, clock, receive_maximum
        self._filters: tuple[str, ...] = ()
        self._client: Client | None = None
        self._version = self._preferred = endpoint.best_version
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = Arrived(lane)
        self._changed = asyncio.Event()  # connected, refused or lost
        self._wanted = asyncio.Event()  # filters changed
        self._connack: tuple[bool, ReasonCode] | None = None
        self._is_lost = False
        self._pump: Pump | None = None
        self._unanswered: dict[int, tuple[str, ...]] = {}
        self._reason: str | None = "not connected yet"
        self.connected_at: datetime | None = None  # when the present connection came about
        self._task: asyncio.Task[None] | None = None

    # ── for the pipeline ──────────────────────────────────────────────────────────────────────

    async def take(self, most: int, wait_s: float) -> list[Delivery]:
        """At least one message and at most `most`; lingers up to `wait_s` for more."""
        batch = await self._arrived.take(most, wait_s)
        if self._pump is not None:
            self._pump.read_on()
        return batch

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge in order; those of a connection that is gone are dropped."""
        client, pump = self._client, self._pump
        if client is None or pump is None:
            return
        client.acknowledge([one.mid for one in deliveries if one.qos and one.connection is client])
        pump.write_on()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1) -> bool:
        """Hand a message to the connection; False when there is none right now."""
        client, pump = self._client, self._pump
        if client is None or pump is None or not client.is_connected():
            return False
        accepted = client.publish(topic, payload, qos=qos).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        pump.write_on()
        return accepted

    def unwell(self) -> str | None:
        """Why this session does not really receive; None when it does."""
        return self._reason

    @property
    def backlog(self) -> int:
        return len(self._arrived)

    # ── life ──────────────────────────────────────────────────────────────────────────────────

    async def start(self, filters: Sequence[str]) -> None:
        """Begin to connect; returns at once."""
        self._loop = asyncio.get_running_loop()
        self._filters = tuple(filters)
        self._task = asyncio.create_task(self._run(), name=f"mqtt-{self.lane}")

    async def want(self, filters: Sequence[str]) -> None:
        """Change the subscriptions without reconnecting."""
        if set(filters) != set(self._filters):
            dropped = [f for f in self._filters if f not in filters]
            self._filters = tuple(filters)
            if self._client is not None and self._client.is_connected():
                if dropped:
                    self._client.unsubscribe(dropped)
                self._subscribe(self._client)

    async def stop(self) -> None:
        """Disconnect; what was not acknowledged stays with the broker."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._drop_client()

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                if await self._connect():
                    failures = 0
                    while not self._is_lost:
                        self._changed.clear()
                        await self._changed.wait()
                    self._version = self._preferred
            except (OSError, ValueError) as error:  # ValueError: a host that cannot be a name
                self._set_reason(f"cannot reach the broker: {error}")
            self._drop_client()
            failures += 1
            pause = min(0.5 * 2.0 ** min(failures, 6), LONGEST_BACKOFF_S)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))

    async def _connect(self) -> bool:
        """One attempt; True once the broker said yes. Falls back to 3.1.1 where 5 is not spoken."""
        client = self._new_client()
        self._connack, self._is_lost = None, False
        self._changed.clear()
        await asyncio.to_thread(
            connect, client, self._endpoint, self._version, self._receive_maximum
        )
        self._client = client
        self._pump = Pump(client, wants_more=self._arrived.has_room, arrived=self._arrive)
        self._pump.attach()
        try:
            async with asyncio.timeout(CONNACK_WITHIN_S):
                await self._changed.wait()
        except TimeoutError:
            self._set_reason(f"no CONNACK within {CONNACK_WITHIN_S:g} s")
            self._try_the_other_version("no CONNACK")
            return False
        answer = self._connack
        if answer is None:
            self._set_reason("the broker closed the connection")
            self._try_the_other_version("closed before CONNACK")
            return False
        session_present, code = answer
        if code.is_failure:
            self._set_reason(f"the broker refuses: {code}")
            if code.value == _UNSUPPORTED_VERSION or "protocol" in str(code).lower():
                self._try_the_other_version(str(code), refused=True)
            return False
        self._arrived.settle(client, session_present)
        self._set_reason(_ABOUT_TO if self._filters else None)
        self._subscribe(client)
        LANE_UP.labels(self.lane).set(1)
        log.info("connected", lane=self.lane, session_present=session_present)
        return True

    def _try_the_other_version(self, why: str, *, refused: bool = False) -> None:
        """A broker that refused MQTT 5 is not asked again; silence may have other causes."""
        if self._version is MQTTProtocolVersion.MQTTv5:
            if refused:
                self._preferred = MQTTProtocolVersion.MQTTv311
            self._version = MQTTProtocolVersion.MQTTv311
            log.warning("using MQTT 3.1.1", lane=self.lane, why=why)
        else:
            self._version = self._preferred

    def _new_client(self) -> Client:
        client = new_client(self.client_id, self._endpoint, self._version)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        return client

    def _subscribe(self, client: Client) -> None:
        """Ask for every filter again: harmless where they are known, vital where they are not."""
        if not self._filters:
            self._set_reason(None)
            return
        topics: list[tuple[str, Any]]
        if self._version is MQTTProtocolVersion.MQTTv5:
            # retainHandling 1: retained messages only where the subscription is new.
            topics = [(f, SubscribeOptions(qos=1, retainHandling=1)) for f in self._filters]
        else:
            topics = [(f, 1) for f in self._filters]
        _, mid = client.subscribe(topics)
        if mid is not None:
            self._unanswered[mid] = self._filters

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        pump, self._pump = self._pump, None
        LANE_UP.labels(self.lane).set(0)
        if client is not None and client.is_connected():
            client.disconnect()
        if pump is not None:
            pump.detach()

    def _set_reason(self, reason: str | None) -> None:
        if reason and reason != self._reason:
            level = "info" if reason == _ABOUT_TO else "warning"  # every start passes through it
            getattr(log, level)("not receiving", lane=self.lane, reason=reason)
        self._reason = reason

    # ── said by paho: handled a moment later, when paho has let go of its locks ───────────────

    def _call(self, function: Any, *args: Any) -> None:
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)

    def _on_connect(
        self, client: paho.Client, _data: Any, flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        self._call(self._answered, client, bool(flags.session_present), code)

    def _on_disconnect(
        self, client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        self._call(self._lost, client, str(code))

    def _on_subscribe(
        self, client: paho.Client, _data: Any, mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        self._call(self._subscribed, client, mid, refused)

    def _arrive(self, arrivals: list[Arrival]) -> None:
        self._arrived.add(arrivals, self._clock.now(), self._client)

    def _answered(self, client: Client, session_present: bool, code: ReasonCode) -> None:
        if client is self._client:
            self._connack = (session_present, code)
            self.connected_at = self._clock.now()  # before what the broker kept for us comes in
            self._changed.set()

    def _lost(self, client: Client, why: str) -> None:
        if client is self._client:
            self._is_lost = True
            self._set_reason(f"connection lost: {why}")
            self._changed.set()

    def _subscribed(self, client: Client, mid: int, refused: list[str]) -> None:
        if client is not self._client:
            return
        filters = self._unanswered.pop(mid, ())
        if refused:
            self._set_reason(f"subscription refused: {refused[0]} for {', '.join(filters)}")
            assert self._loop is not None
            self._loop.call_later(REFUSED_AGAIN_S, self._ask_again, client)
        else:
            self._set_reason(None)

    def _ask_again(self, client: Client) -> None:
        if client is self._client and client.is_connected():
            self._subscribe(client)
