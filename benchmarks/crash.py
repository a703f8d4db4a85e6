"""The crash test: presses that insist, a server killed again and again, and what is left after it.

`python -m benchmarks.crash`: 2,000 buttons, 20 kills of the server and one of the broker.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from alerting.tables import EventRow, Incident, Notice
from benchmarks.broker import Mosquitto, mosquitto
from benchmarks.databases import KINDS, database
from benchmarks.processes import AnjuServer, settings_for
from benchmarks.receiver import Receiver, receiving
from benchmarks.report import percentile
from benchmarks.town import build, button_id
from core.clock import SystemClock
from core.db import Database
from core.logging import configure_logging
from simulators.broker import BrokerAddress
from simulators.devices import Fleet, Receipt, retry_delays

SECONDS_A_KILL = 3.0
"""About how long a life is, so that presses can be spread over all of them."""
_STEPS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One run of the test."""

    presses: int = 2000
    kills: int = 20
    kills_broker: bool = True
    spread_s: float = 60.0  # presses begin at random moments within
    step_s: int = 60  # the ladder's delay
    fast_retries: bool = False  # False: 2, 4, 8 … 60 s, as the contract says
    seed: int = 1
    database: str = "sqlite"
    gives_up_after_s: float = 600.0


SHORT = Plan(
    presses=150,
    kills=4,
    kills_broker=False,
    spread_s=4 * SECONDS_A_KILL,
    step_s=6,
    fast_retries=True,
    gives_up_after_s=60,
)
"""Half a minute, for every change."""


@dataclass(slots=True)
class Outcome:
    """What was found afterwards. The promise: `lost`, `doubled` and `stuck` are empty."""

    plan: Plan
    receipts: dict[str, Receipt] = field(default_factory=dict)  # by device
    kills: list[str] = field(default_factory=list)  # one line a kill
    incidents: Counter[str] = field(default_factory=Counter)  # by device
    events: Counter[str] = field(default_factory=Counter)  # stored, by device
    stuck: list[str] = field(default_factory=list)  # incidents that did not go on escalating
    escalated_within_s: float = 0.0  # of the last restart, the slowest incident
    calls: Counter[str] = field(default_factory=Counter)  # webhook calls, by notice
    unmarked: int = 0  # second calls of a notice that do not say that they are one
    untold: list[str] = field(default_factory=list)  # buttons whose contact was never called

    @property
    def acknowledged(self) -> set[str]:
        return {device for device, receipt in self.receipts.items() if receipt.accepted}

    @property
    def lost(self) -> list[str]:
        """Acknowledged, and no incident."""
        return sorted(self.acknowledged - self.incidents.keys())

    @property
    def doubled(self) -> list[str]:
        """More than one incident, or the same press stored twice."""
        twice = {d for counted in (self.incidents, self.events) for d in counted if counted[d] > 1}
        return sorted(twice)

    @property
    def is_good(self) -> bool:
        everybody = len(self.acknowledged) == self.plan.presses == len(self.incidents)
        return everybody and not (self.lost or self.doubled or self.stuck or self.untold)

    def lines(self) -> Iterator[str]:
        """The figures, for people."""
        waits = [receipt.waited_s for receipt in self.receipts.values()]
        sent = sum(receipt.attempts for receipt in self.receipts.values())
        twice = [key for key, count in self.calls.items() if count > 1]
        yield from self.kills
        yield f"presses {self.plan.presses}, sent {sent} times, with `ack` {len(self.acknowledged)}"
        yield (
            f"press to `ack`: p50 {percentile(waits, 0.5):.2f} s, "
            f"p99 {percentile(waits, 0.99):.2f} s, longest {max(waits):.2f} s"
        )
        yield f"incidents {sum(self.incidents.values())}: lost {len(self.lost)}, " + (
            f"doubled {len(self.doubled)}"
        )
        yield (
            f"went on escalating {len(self.incidents) - len(self.stuck)} of {len(self.incidents)}, "
            f"the last one {self.escalated_within_s:.0f} s after the last restart"
        )
        yield (
            f"notices handed over {len(self.calls)}, more than once {len(twice)}, "
            f"not marked as a repeat {self.unmarked}; contacts never told {len(self.untold)}"
        )


async def run(plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Everything, in an empty `folder`; raises only what breaks the test itself."""
    outcome = Outcome(plan=plan)
    asyncio.get_running_loop().set_exception_handler(_quiet)
    async with contextlib.AsyncExitStack() as stack:
        broker = stack.enter_context(mosquitto(folder))
        url = stack.enter_context(database(plan.database, folder))
        receiver = await stack.enter_async_context(receiving())
        settings = settings_for(url, broker.url, webhook_host=receiver.url)
        await build(
            settings, buttons=plan.presses, webhook=receiver.url, ladder=_ladder(plan.step_s)
        )
        server = AnjuServer(settings, folder)
        stack.push_async_callback(server.stop)
        chance = random.Random(plan.seed)
        moments = [chance.uniform(0, plan.spread_s) for _ in range(plan.presses)]
        server.start()
        await server.ready()
        presses = [
            asyncio.create_task(_press(number, at, broker, plan, outcome))
            for number, at in enumerate(moments)
        ]
        await _kill_often(server, broker, chance, outcome, say)
        restarted_at = SystemClock().now()
        say(f"last restart; {len(outcome.receipts)} of {plan.presses} have their `ack`")
        try:
            await asyncio.wait_for(asyncio.gather(*presses), plan.gives_up_after_s)
        except TimeoutError:
            raise RuntimeError(f"no `ack` in time: {server.log.read_text()[-2000:]}") from None
        await server.ready(plan.gives_up_after_s)
        say("every press has its `ack`; waiting for every ladder")
        db = Database(url)
        stack.push_async_callback(db.close)
        await _watch_ladders(db, restarted_at, outcome)
        await _count(db, receiver, outcome)
    return outcome


def _quiet(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A simulated device whose socket went with the broker says so late; it connects again."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


def _ladder(step_s: int) -> dict[str, Any]:
    """Short delays; only the contact's webhook, so that every call can be counted."""
    rung = {"after_s": step_s, "tell": [{"who": "contacts", "by": "message"}]}
    first = {"after_s": 0, "tell": [{"who": "desk"}, {"who": "contacts", "by": "message"}]}
    last = {"after_s": step_s, "tell": [{"who": "contacts"}, {"who": "operator"}]}
    return {"steps": [first, *[rung] * _STEPS, last], "repeat_s": max(step_s, 30)}


async def _press(number: int, at: float, broker: Mosquitto, plan: Plan, outcome: Outcome) -> None:
    """One button: connects, reports, repeats until `ack`, disconnects."""
    await asyncio.sleep(at)
    device = button_id(number)
    address = BrokerAddress(host="127.0.0.1", port=broker.port)
    fleet = Fleet(address, SystemClock(), ack_topic=f"anju/v1/{device}/ack")
    while device not in outcome.receipts:
        with contextlib.suppress(ConnectionError):  # the broker is away: try again
            async with fleet.connected():
                delays = _fast_delays() if plan.fast_retries else retry_delays()
                outcome.receipts[device] = await fleet.report(device, "sos", delays=delays)


def _fast_delays() -> Iterator[float]:
    yield from (0.5, 1.0)
    while True:
        yield 2.0


async def _kill_often(
    server: AnjuServer,
    broker: Mosquitto,
    chance: random.Random,
    outcome: Outcome,
    say: Callable[[str], None],
) -> None:
    """Half of the kills at work, half of them at any moment of starting and catching up."""
    plan, clock = outcome.plan, SystemClock()
    broker_dies_at = plan.kills // 2 if plan.kills_broker else -1
    began = clock.monotonic()
    for number in range(plan.kills):
        at_work = chance.random() < 0.5
        if at_work:
            await server.ready(plan.gives_up_after_s)
        life_s = chance.uniform(0.05, 3.0)
        await asyncio.sleep(life_s)
        server.kill()
        line = (
            f"kill {number + 1:2d} at {clock.monotonic() - began:5.1f} s, {life_s:.2f} s after it "
            f"{'was ready' if at_work else 'began'}, {len(outcome.receipts)} acknowledged"
        )
        if number == broker_dies_at:
            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(broker.start)
            line += ", and the broker with it"
        outcome.kills.append(line)
        say(line)
        server.start()


async def _watch_ladders(db: Database, restarted_at: datetime, outcome: Outcome) -> None:
    """Waits until each incident told somebody by a step that it took after the last restart."""
    clock, plan = SystemClock(), outcome.plan
    give_up = clock.monotonic() + plan.step_s + plan.gives_up_after_s / 4
    while True:
        async with db.reading() as session:
            everyone = set(await session.scalars(select(Incident.id)))
            rows = await session.execute(
                select(Notice.incident_id, func.min(Notice.created_at))
                .where(Notice.type == "incident.escalated", Notice.created_at > restarted_at)
                .group_by(Notice.incident_id)
            )
            stepped = {row[0]: row[1] for row in rows}
        outcome.stuck = sorted(everyone - stepped.keys())
        if not outcome.stuck or clock.monotonic() > give_up:
            break
        await asyncio.sleep(1.0)
    last = max(stepped.values(), default=restarted_at)
    outcome.escalated_within_s = (last - restarted_at).total_seconds()


async def _count(db: Database, receiver: Receiver, outcome: Outcome) -> None:
    async with db.reading() as session:
        for table, counted in ((Incident, outcome.incidents), (EventRow, outcome.events)):
            rows = await session.execute(
                select(table.device_id, func.count())
                .where(table.kind == "sos")
                .group_by("device_id")
            )
            counted.update({str(row[0]): row[1] for row in rows})
    for call in receiver.calls:
        outcome.calls[call.key] += 1
        if outcome.calls[call.key] > 1 and not call.body.get("repeat"):
            outcome.unmarked += 1
    told = {call.path for call in receiver.calls}
    outcome.untold = sorted(d for d in outcome.receipts if f"/home-{d}" not in told)


def main() -> int:
    """Runs the full form, or what the options say; exit status 1 when the promise was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--presses", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--fast-retries", action="store_true")
    options = parser.parse_args()
    return run_and_print(
        Plan(
            presses=options.presses,
            kills=options.kills,
            database=options.database,
            seed=options.seed,
            fast_retries=options.fast_retries,
            spread_s=options.kills * SECONDS_A_KILL,
        )
    )


def run_and_print(plan: Plan) -> int:
    """One run in a temporary folder, told as it goes; 0 when the promise was kept."""
    configure_logging("error")
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # devices whose broker we killed
    print(f"seed {plan.seed}, {plan.database}", flush=True)
    with tempfile.TemporaryDirectory(prefix="anju-crash-", ignore_cleanup_errors=True) as folder:
        outcome = asyncio.run(run(plan, Path(folder), lambda line: print(line, flush=True)))
        for line in list(outcome.lines())[len(outcome.kills) :]:
            print(line)
        if not outcome.is_good:
            print((Path(folder) / "anju.log").read_text()[-4000:], file=sys.stderr)
    print("nothing lost, nothing doubled" if outcome.is_good else "THE PROMISE WAS BROKEN")
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
