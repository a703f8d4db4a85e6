"""Simulated devices on the wire: one connection for many, and presses that repeat until `ack`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiomqtt

from core.clock import Clock
from simulators.broker import BrokerAddress
from simulators.messages import NATIVE_PREFIX, Outgoing, native_event

_DAY_S = 24 * 3600.0
_RECONNECT_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_RETRY_PUBLISH_S = 0.2
_MANY_AT_ONCE = 1000  # publishes under way before aiomqtt warns; each waits for its own PUBACK


def retry_delays(longest_s: float = 60.0, for_s: float = _DAY_S) -> Iterator[float]:
    """Seconds to wait for an `ack` before each repeat: 2, 4, 8 … 60, for a day (contract.md)."""
    delay, waited = 2.0, 0.0
    while waited < for_s:
        yield delay
        waited += delay
        delay = min(delay * 2, longest_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What became of an event that a device reported."""

    event_id: str
    accepted: bool  # Anju said that it has stored it
    attempts: int  # how often the device sent it
    waited_s: float  # from the first sending to the `ack`, or until it gave up


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What a device was told over its `ack` topic about the incident it caused."""

    at: datetime
    device_id: str
    incident: str
    stage: str  # acknowledged, accepted (help is coming) or open


class Fleet:
    """Any number of simulated devices that share one MQTT 3.1.1 connection.

    The connection is made again for as long as the fleet is open; what is published meanwhile
    waits. Use as `async with Fleet(address, clock).connected() as fleet:`.
    """

    def __init__(
        self,
        address: BrokerAddress,
        clock: Clock,
        *,
        ack_topic: str = f"{NATIVE_PREFIX}/+/ack",
    ) -> None:
        """`ack_topic`: a single device's own topic where the broker allows it nothing else."""
        self._address, self._clock = address, clock
        self._ack_topic = ack_topic
        self.on_heard: Callable[[Heard], None] = lambda _: None
        self._boot, self._count = secrets.token_hex(4), 0
        self._client: aiomqtt.Client | None = None
        self._up = asyncio.Event()
        self._waiting: dict[tuple[str, str], asyncio.Future[None]] = {}

    @asynccontextmanager
    async def connected(self, *, within_s: float = 10.0) -> AsyncIterator[Fleet]:
        """Connect, and stay connected until the block ends.

        Raises `ConnectionError` when the broker cannot be reached within `within_s` seconds.
        """
        keeper = asyncio.create_task(self._keep_connected(), name="simulated fleet")
        try:
            try:
                async with asyncio.timeout(within_s):
                    await self._up.wait()
            except TimeoutError as error:
                raise ConnectionError(f"no MQTT broker answers at {self._address}") from error
            yield self
        finally:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    async def publish(self, message: Outgoing) -> None:
        """Hand one message to the broker (QoS 1), waiting while there is no connection."""
        while True:
            await self._up.wait()
            try:
                if self._client is not None:
                    await self._client.publish(
                        message.topic, message.payload, qos=1, retain=message.retain
                    )
                    return
            except aiomqtt.MqttError:
                pass  # the connection went; `_keep_connected` makes a new one
            await asyncio.sleep(_RETRY_PUBLISH_S)

    async def report(
        self,
        device_id: str,
        kind: str,
        data: Mapping[str, Any] | None = None,
        *,
        delays: Iterable[float] | None = None,
    ) -> Receipt:
        """Report a native event and repeat it, unchanged, until Anju acknowledges it.

        `delays` are the seconds to wait before each repeat; default: `retry_delays()`. The
        receipt is not accepted only when they run out.
        """
        self._count += 1
        event_id = f"{self._boot}-{self._count}"  # boot id and counter, as small devices do
        message = native_event(device_id, kind, event_id=event_id, at=self._clock.now(), data=data)
        answered = self._waiting[device_id, event_id] = asyncio.get_running_loop().create_future()
        started, attempts = self._clock.monotonic(), 0
        try:
            for delay in retry_delays() if delays is None else delays:
                await self.publish(message)
                attempts += 1
                await asyncio.wait((answered,), timeout=delay)
                if answered.done():
                    break
        finally:
            del self._waiting[device_id, event_id]
        return Receipt(
            event_id=event_id,
            accepted=answered.done(),
            attempts=attempts,
            waited_s=self._clock.monotonic() - started,
        )

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            try:
                async with self._address.client() as client:
                    client.pending_calls_threshold = _MANY_AT_ONCE
                    await client.subscribe(self._ack_topic, qos=1)
                    self._client, failures = client, 0
                    self._up.set()
                    async for message in client.messages:
                        self._hear(str(message.topic), message.payload)
            except aiomqtt.MqttError:
                failures += 1
            finally:
                self._up.clear()
                self._client = None
            await asyncio.sleep(_RECONNECT_S[min(max(failures, 1), len(_RECONNECT_S)) - 1])

    def _hear(self, topic: str, payload: object) -> None:
        """Read one `ack`. Anything else on the topic is not for a device to worry about."""
        device_id = topic.split("/")[-2]
        try:
            body = json.loads(payload) if isinstance(payload, bytes) else None
        except ValueError:
            return
        if not isinstance(body, dict):
            return
        if body.get("accepted") is True:
            answered = self._waiting.get((device_id, str(body.get("id"))))
            if answered is not None and not answered.done():
                answered.set_result(None)
        elif "stage" in body:
            self.on_heard(
                Heard(
                    at=self._clock.now(),
                    device_id=device_id,
                    incident=str(body.get("incident", "")),
                    stage=str(body["stage"]),
                )
            )
