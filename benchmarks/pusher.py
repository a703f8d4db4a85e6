"""Pushes as three IoT platforms would, at an even pace, in a process of its own.

Opens some connections that stay, sends `--rate` pushes a second for `--seconds`, and prints one
JSON object: what was answered, how long each answer took, and what must be stored now.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from core.clock import SystemClock

CONNECTIONS = 64
ADAPTERS = ("ctwing", "huawei", "onenet")
_READINGS = {"ctwing": 3, "huawei": 3, "onenet": 1}
_LATE_AFTER_S = 60.0


def child_id(adapter: str, number: int) -> str:
    """What the platform calls its device; OneNET's are numbers."""
    return str(500_000_000 + number) if adapter == "onenet" else f"{adapter}-{number:06d}"


def body(adapter: str, number: int, at_ms: int, utc: str, *, alarm: bool) -> dict[str, Any]:
    """One device's report as that platform puts it."""
    child = child_id(adapter, number)
    if adapter == "ctwing":
        data = {"Alarm_Status": 1 if alarm else 12, "TData": 20 + number % 9}
        data |= {"Battery_Level": 40 + number % 60, "RSRP": 90 + number % 20, "CSQ": 17}
        return {
            "messageType": "dataReport",
            "deviceId": child,
            "IMEI": f"8677250300{number:05d}",
            "timestamp": at_ms,
            "productId": "15000001",
            "payload": {"serviceId": "notification", "serviceData": data},
        }
    if adapter == "onenet":
        value = 180 + number % 90
        point = {"type": 1, "dev_id": int(child), "ds_id": "3303_0_5700", "at": at_ms}
        return {"msg": point | {"value": value / 10}, "nonce": "a1B2c3D4", "msg_signature": ""}
    report = {"devId": child, "devState": 1 if alarm else 0, "temperature": 190 + number % 90}
    report |= {"electricQuantity": 40 + number % 60, "signal": number % 32, "cmdValue": "10"}
    service = {"serviceId": "Report", "serviceType": "Report", "data": report, "eventTime": utc}
    who = {"deviceId": child, "gatewayId": child, "requestId": None}
    return {"notifyType": "deviceDataChanged", **who, "service": service}


@dataclass(slots=True)
class Tally:
    """What came of it."""

    sent: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)
    late: int = 0  # not answered at all
    readings: int = 0  # of what was answered 200: they must be stored now
    alarms: int = 0


class Connection(asyncio.Protocol):
    """One request at a time, answers read as far as needed: the status and where it ends."""

    def __init__(self, pusher: Pusher) -> None:
        self._pusher = pusher
        self._raw = b""
        self._began_at, self._readings = 0.0, 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, raw: bytes, at: float, readings: int) -> None:
        assert self._transport is not None
        self._began_at, self._readings = at, readings
        self._transport.write(raw)

    def data_received(self, data: bytes) -> None:
        self._raw += data
        head, found, rest = self._raw.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._raw = b""
        self._pusher.answered(int(head[9:12]), self._began_at, self._readings)
        self._pusher.free(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._pusher.lost += 1


class Pusher:
    """Keeps the pace: what is due goes out on a free connection, or as soon as there is one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options, self._clock = options, SystemClock()
        self._free: deque[Connection] = deque()
        self._due: deque[tuple[bytes, float, int]] = deque()
        self._chance = random.Random(options.seed)
        self._tokens = dict(zip(ADAPTERS, options.tokens.split(","), strict=True))
        self.tally = Tally()
        self.lost = 0

    async def run(self) -> None:
        options, loop = self._options, asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            _, connection = await loop.create_connection(
                lambda: Connection(self), "127.0.0.1", options.port
            )
            self._free.append(connection)
        began = self._clock.monotonic()
        total = int(options.rate * options.seconds)
        while self.tally.sent < total:
            wanted = min(int((self._clock.monotonic() - began) * options.rate) + 1, total)
            while self.tally.sent < wanted:
                # Counted from when it was due: a server that falls behind must not look quick.
                self._push(began + self.tally.sent / options.rate)
            await asyncio.sleep(0.002)
        give_up = self._clock.monotonic() + _LATE_AFTER_S
        while self._open() and self._clock.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self.tally.late = self._open()

    def _open(self) -> int:
        return self.tally.sent - sum(self.tally.answered.values())

    def _push(self, due_at: float) -> None:
        number = self.tally.sent
        adapter, device = ADAPTERS[number % 3], number // 3 % self._options.devices
        now = self._clock.now()
        alarm = adapter != "onenet" and self._chance.random() < self._options.alarms
        # Every third of Huawei's comes again as the other callback: nothing new is stored then.
        batch = adapter == "huawei" and number // 3 % 3 == 0
        at_ms, utc = int(now.timestamp() * 1000), f"{now:%Y%m%dT%H%M%SZ}"
        said = body(adapter, device, at_ms, utc, alarm=alarm)
        self._queue(adapter, said, due_at, _READINGS[adapter])
        if batch and self.tally.sent < int(self._options.rate * self._options.seconds):
            said["services"] = [said.pop("service")]
            self._queue(adapter, said | {"notifyType": "deviceDatasChanged"}, due_at, 0)
        self.tally.alarms += alarm

    def _queue(self, adapter: str, said: Any, due_at: float, readings: int) -> None:
        content = json.dumps(said, separators=(",", ":")).encode()
        head = (
            f"POST /api/v1/push/{adapter}?token={self._tokens[adapter]} HTTP/1.1\r\n"
            "Host: anju\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        self.tally.sent += 1
        self._due.append((head.encode() + content, due_at, readings))
        if self._free:
            self._send(self._free.popleft())

    def _send(self, connection: Connection) -> None:
        connection.send(*self._due.popleft())

    def free(self, connection: Connection) -> None:
        if self._due:
            self._send(connection)
        else:
            self._free.append(connection)

    def answered(self, status: int, began_at: float, readings: int) -> None:
        self.tally.answered[status] += 1
        self.tally.readings += readings if status == 200 else 0
        self.tally.took_ms.append((self._clock.monotonic() - began_at) * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tokens", required=True, help="of ctwing, huawei, onenet")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--devices", type=int, default=2000, help="of each platform")
    parser.add_argument("--alarms", type=float, default=0.001, help="share of smoke alarms")
    parser.add_argument("--seed", type=int, default=1)
    pusher = Pusher(parser.parse_args())
    asyncio.run(pusher.run())
    tally = pusher.tally
    print(
        json.dumps(
            {
                "sent": tally.sent,
                "answered": dict(tally.answered),
                "late": tally.late,
                "lost": pusher.lost,
                "readings": tally.readings,
                "alarms": tally.alarms,
                "took_ms": [round(one, 2) for one in tally.took_ms],
            }
        )
    )


if __name__ == "__main__":
    main()
