"""How much one device may say: token buckets, so that a mad one costs the others nothing.

Pure: time comes with the messages. What is held back is counted, never forgotten: alarms on the
timeline of their incident, everything else in a fault of the device.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from alerting.intake.heard import Child, Heard, Receipt
from alerting.intake.spoken import is_alarm, only_of, spoken, without
from care.tables import NATIVE_SOURCE


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """`burst` at once, then `per_s` a second."""

    burst: float
    per_s: float


ORDINARY = Allowance(burst=300, per_s=2.0)
"""Readings, heartbeats, presence, and kinds that are news but no alarm (each kind by itself)."""
ALARM = Allowance(burst=20, per_s=0.5)
"""Each life-safety kind by itself: whatever else a device says, its first alarm gets through."""

MOST_KEYS = 100_000
"""The longest unheard go first; a device that was forgotten may say more, never less."""
MOST_TOLD = 20
"""Different alarms of one device and kind that are kept while they are folded."""
REPORT_EVERY_S = 3600.0
COUNT_EVERY_S = 1.0
"""Folded alarms go on record so often at most: a write a batch would let a flood cost the others
their time. Until then their count is in memory only; the alarms before them are stored."""

_KEPT_FOR_US = "+"  # such a kind has the larger allowance, in a bucket of its own
_RECEIPTS = " "  # answers to what was held back: a flood is not owed one for every message


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """Alarms of one kind from one device that were too many to take one by one.

    `told` stands for them all should no incident of theirs be running any more: the latest of
    each that differ, latest first. Among repetitions of an old press may be a new one.
    """

    child: Child
    kind: str  # a life-safety kind, or `unreadable`
    count: int
    told: tuple[Heard, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TooTalkative:
    """A device said more than it may; `count` messages were left out since this was last said."""

    child: Child
    count: int
    last: Heard


@dataclass(slots=True)
class Sieved:
    """A batch after its mad devices were held back."""

    kept: list[Heard] = field(default_factory=list)
    folded: list[Folded] = field(default_factory=list)
    talkative: list[TooTalkative] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)  # owed for what was held back
    dropped: int = 0  # messages left out, as a whole or in part


class _Bucket:
    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens, self.at = tokens, at

    def take(self, allowed: Allowance, at: float) -> bool:
        """One token, if there is one. A clock that went back earns nothing."""
        earned = max(at - self.at, 0.0) * allowed.per_s
        self.tokens, self.at = min(self.tokens + earned, allowed.burst), at
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class _Silenced:
    """What of a device was left out and is not reported yet."""

    __slots__ = ("count", "last", "reported_at")

    def __init__(self, last: Heard) -> None:
        self.count = 0
        self.last = last
        self.reported_at: float | None = None


class _Folding:
    """Alarms of one kind that are counted and not on record yet."""

    __slots__ = ("count", "recorded_at", "told")

    def __init__(self) -> None:
        self.count = 0
        self.told: dict[Hashable, Heard] = {}
        self.recorded_at: float | None = None

    def add(self, heard: Heard, child: Child) -> None:
        self.count += 1
        mark = tuple((e.event_id, e.at) for e in heard.decoded.events if e.child_id == child[1])
        self.told.pop(mark, None)
        self.told[mark] = heard
        if len(self.told) > MOST_TOLD:
            del self.told[next(iter(self.told))]


class Throttle:
    """The buckets of one lane. Memory only: a restart forgets them, and everybody may speak."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._most_keys = most_keys
        self._buckets: OrderedDict[tuple[Child, str], _Bucket] = OrderedDict()
        self._silenced: OrderedDict[Child, _Silenced] = OrderedDict()
        self._unreported: set[Child] = set()  # held back in the present batch
        self._folding: dict[tuple[Child, str], _Folding] = {}

    def sieve(self, batch: Sequence[Heard], *, forgiving: bool = False) -> Sieved:
        """What of a batch is to be handled, and the count of the rest.

        `forgiving`, while we catch up with what the broker kept for us: only alarms are folded, and
        only beyond the larger allowance. A message of several devices loses only what the mad one
        said.
        """
        sieved = Sieved()
        for heard in batch:
            held = [
                (child, slot)
                for child, slots in spoken(heard).items()
                if (slot := self._refused(child, slots, heard, forgiving)) is not None
            ]
            if not held:
                sieved.kept.append(heard)
                continue
            sieved.dropped += 1
            for child, slot in held:
                self._hold_back(sieved, child, slot, heard)
            rest = without(heard, {child for child, _ in held})
            if rest is not None:
                sieved.kept.append(rest)
        if batch and (self._unreported or self._folding):
            at = batch[-1].message.received_at.timestamp()
            self._report(sieved, at)
            self._record(sieved, at)
        return sieved

    def forget(self, children: Iterable[Child]) -> None:
        """Give these devices their full allowance again: their batch is going to be repeated."""
        wanted = set(children)
        for key in [key for key in self._buckets if key[0] in wanted]:
            del self._buckets[key]

    def __len__(self) -> int:
        return len(self._buckets)

    def _refused(self, child: Child, slots: list[str], heard: Heard, forgiving: bool) -> str | None:
        """The slot whose allowance is used up; None when the message may pass.

        One admitted word carries the whole message, so that what came with an alarm stays with it.
        """
        if forgiving and not any(map(is_alarm, slots)):
            return None
        at = heard.message.received_at.timestamp()
        is_admitted = False
        for slot in slots:
            bucket = slot + _KEPT_FOR_US if forgiving else slot
            is_admitted |= self._take(child, bucket, at)
        if is_admitted:
            return None
        return min(slots, key=lambda slot: not is_alarm(slot))

    def _take(self, child: Child, slot: str, at: float) -> bool:
        allowed = ALARM if is_alarm(slot) else ORDINARY
        key = (child, slot)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(allowed.burst, at)
            if len(self._buckets) > self._most_keys:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(allowed, at)

    def _hold_back(self, sieved: Sieved, child: Child, slot: str, heard: Heard) -> None:
        at = heard.message.received_at.timestamp()
        if child[0] == NATIVE_SOURCE and self._take(child, _RECEIPTS, at):
            sieved.receipts += [
                Receipt(device_id=event.child_id, event_id=event.event_id)
                for event in heard.decoded.events
                if event.child_id == child[1] and event.event_id is not None
            ]
        if is_alarm(slot):
            folding = self._folding.get((child, slot))
            if folding is None:
                folding = self._folding[child, slot] = _Folding()
            folding.add(heard, child)
            return
        silenced = self._silenced.get(child)
        if silenced is None:
            silenced = self._silenced[child] = _Silenced(heard)
            if len(self._silenced) > self._most_keys:
                self._silenced.popitem(last=False)
        silenced.count += 1
        silenced.last = heard
        self._unreported.add(child)

    def _report(self, sieved: Sieved, at: float) -> None:
        """The devices of this batch whose last report is an hour old, or that have none."""
        for child in sorted(self._unreported):
            silenced = self._silenced.get(child)
            if silenced is None:
                continue
            last = silenced.reported_at
            if last is None or abs(at - last) >= REPORT_EVERY_S:
                own = only_of(silenced.last, child)
                told = TooTalkative(child=child, count=silenced.count, last=own)
                sieved.talkative.append(told)
                silenced.count, silenced.reported_at = 0, at
        self._unreported.clear()

    def _record(self, sieved: Sieved, at: float) -> None:
        """What was folded, also in batches before: whoever speaks next brings it on record."""
        for (child, slot), folding in list(self._folding.items()):
            last = folding.recorded_at
            if last is not None and 0 <= at - last < COUNT_EVERY_S:
                continue
            if not folding.count:
                del self._folding[child, slot]  # a second without any: it is over
                continue
            told = tuple(only_of(heard, child) for heard in reversed(folding.told.values()))
            sieved.folded.append(Folded(child=child, kind=slot, count=folding.count, told=told))
            folding.count, folding.recorded_at = 0, at
            folding.told.clear()
