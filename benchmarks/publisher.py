"""Publishes meter readings as fast as it is told to, in a process of its own.

Commands come in on standard input, one a line: `credit N` (how many messages it may have sent in
all), `rate R` (messages a second, 0: as fast as the credit allows). Ten times a second it prints
`SENT ACKNOWLEDGED`. The end of its input is its end.
"""

from __future__ import annotations

import argparse
import random
import select
import socket
import sys
import time
from datetime import datetime

from benchmarks import wire
from benchmarks.town import METER_ZONE, meter_id
from core.clock import SystemClock

IN_FLIGHT = 2000
"""Messages the broker has not acknowledged yet: more than loopback needs to stay busy."""
_BURST = 100
_REPORT_EVERY_S = 0.1
_MOVES_L = (0, 0, 0, 0, 1, 1, 2, 3, 6, 9, 12)
"""Litres between two readings: mostly none, a cup, a toilet, a shower."""


class Meters:
    """Cumulative registers that only rise; one reading a message, each meter in its turn."""

    def __init__(self, count: int, seed: int) -> None:
        chance = random.Random(seed)
        ids = [meter_id(number) for number in range(count)]
        self._topics = [wire.publish_head(f"anju/v1/{ident}/telemetry") for ident in ids]
        self._litres = [chance.randrange(20_000, 900_000) for _ in ids]
        self._order = list(range(count))
        chance.shuffle(self._order)
        self._moves = [chance.choice(_MOVES_L) for _ in range(9973)]
        self._sent = 0

    def burst(self, size: int, now: datetime) -> bytes:
        """The next `size` messages as one piece; `now` is what the meters' clocks show."""
        at = now.astimezone(METER_ZONE).isoformat(timespec="milliseconds").encode()
        pieces = []
        for number in range(self._sent, self._sent + size):
            index = self._order[number % len(self._order)]
            litres = self._litres[index] = self._litres[index] + self._moves[number % 9973]
            payload = (
                b'{"id":"m-%d","readings":[{"register":"water_total","value":%d.%03d,'
                b'"unit":"m3","at":"%b"}]}' % (number, litres // 1000, litres % 1000, at)
            )
            pieces.append(wire.publish(self._topics[index], number % 65_535 + 1, payload))
        self._sent += size
        return b"".join(pieces)


class Publisher:
    """One connection: how much may be sent is the least of credit, window and pace."""

    def __init__(self, port: int, meters: Meters) -> None:
        self._clock = SystemClock()
        self._meters = meters
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(wire.connect("benchmark-publisher"))
        if self._socket.recv(wire.CONNACK_LENGTH)[3:] != b"\x00":
            raise ConnectionError("the broker refuses the publisher")
        self.sent = self.acknowledged = self.credit = 0
        self._half = 0  # bytes of a PUBACK that came in two pieces
        self._rate, self._due, self._paced_at = 0.0, 0.0, self._clock.monotonic()

    def command(self, line: str) -> None:
        word, _, number = line.partition(" ")
        if word == "credit":
            self.credit = int(number)
        elif word == "rate":
            self._rate, self._due, self._paced_at = float(number), 0.0, self._clock.monotonic()

    def step(self) -> None:
        """Send what may be sent; wait a little when that is nothing."""
        size = min(self._allowed(), _BURST)
        ready, _, _ = select.select([self._socket], [], [], 0.0 if size else 0.002)
        if ready:
            self._read()
        if size:
            self._socket.sendall(self._meters.burst(size, self._clock.now()))
            self.sent += size
            self._due -= size

    def _allowed(self) -> int:
        allowed = min(self.credit - self.sent, IN_FLIGHT - (self.sent - self.acknowledged))
        if self._rate:
            now = self._clock.monotonic()
            # What could not be sent in time is sent late, but never more than 50 ms of it.
            self._due += (now - self._paced_at) * self._rate
            self._due = min(self._due, max(self._rate * 0.05, 1.0))
            self._paced_at = now
            allowed = min(allowed, int(self._due))
        return max(allowed, 0)

    def _read(self) -> None:
        raw = self._socket.recv(65_536)
        if not raw:
            raise ConnectionError("the broker closed the connection")
        count, self._half = divmod(self._half + len(raw), wire.PUBACK_LENGTH)
        self.acknowledged += count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--meters", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    publisher = Publisher(options.port, Meters(options.meters, options.seed))
    clock, said_at = SystemClock(), 0.0
    while True:
        for line in iter(_next_line, ""):
            if line == "end":
                return
            publisher.command(line)
        publisher.step()
        if clock.monotonic() - said_at >= _REPORT_EVERY_S:
            said_at = clock.monotonic()
            print(publisher.sent, publisher.acknowledged, flush=True)
        if publisher.credit <= publisher.sent:
            time.sleep(0.001)


def _next_line() -> str:
    """One command; "" when there is none now, `end` when there will be none."""
    if not select.select([sys.stdin], [], [], 0.0)[0]:
        return ""
    return sys.stdin.readline().strip() or "end"


if __name__ == "__main__":
    main()
