"""How much one device may say: token buckets, so that a mad one costs the others nothing.

Pure: time comes with the messages. What is held back is counted, never forgotten: alarms on the
timeline of their incident, everything else in a fault of the device.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as with_fields

from msgspec.structs import replace

from alerting.intake.heard import Child, Heard, Receipt
from care.tables import NATIVE_SOURCE
from devices.event import CLEARING_KINDS, EVENT_KINDS, LIFE_SAFETY_KINDS, Decoded, DeviceEvent


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

UNREADABLE = "unreadable"
"""What may hide an alarm: a message nobody can read, a word that nobody knows."""

NOBODY = ""
"""Stands for whoever sends what cannot be read and does not say who they are."""

_QUIET = frozenset({"heartbeat", "motion", "no_motion", *CLEARING_KINDS})
_READINGS = ""
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
                for child, slots in _spoken(heard).items()
                if (slot := self._refused(child, slots, heard, forgiving)) is not None
            ]
            if not held:
                sieved.kept.append(heard)
                continue
            sieved.dropped += 1
            for child, slot in held:
                self._hold_back(sieved, child, slot, heard)
            rest = _without(heard, {child for child, _ in held})
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
        if forgiving and not any(map(_is_alarm, slots)):
            return None
        at = heard.message.received_at.timestamp()
        is_admitted = False
        for slot in slots:
            bucket = slot + _KEPT_FOR_US if forgiving else slot
            is_admitted |= self._take(child, bucket, at)
        if is_admitted:
            return None
        return min(slots, key=lambda slot: not _is_alarm(slot))

    def _take(self, child: Child, slot: str, at: float) -> bool:
        allowed = ALARM if _is_alarm(slot) else ORDINARY
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
        if _is_alarm(slot):
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
                own = _only(silenced.last, child)
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
            told = tuple(_only(heard, child) for heard in reversed(folding.told.values()))
            sieved.folded.append(Folded(child=child, kind=slot, count=folding.count, told=told))
            folding.count, folding.recorded_at = 0, at
            folding.told.clear()


def speakers(batch: Iterable[Heard]) -> Iterator[Child]:
    """Everybody who said something in a batch, as often as they did."""
    for heard in batch:
        yield from _spoken(heard)


def one_each_first(batch: Sequence[Heard]) -> tuple[list[Heard], list[Heard]]:
    """The first alarm of every device, and the rest: nobody's first press waits for another's
    twentieth. What one device said stays in its order."""
    first: list[Heard] = []
    rest: list[Heard] = []
    seen: set[Child] = set()
    for heard in batch:
        children = set(_spoken(heard))
        (rest if children & seen else first).append(heard)
        seen |= children
    return first, rest


def _spoken(heard: Heard) -> dict[Child, list[str]]:
    """Who speaks in a message, and out of which allowances it may be taken."""
    source_id, decoded = heard.source_id, heard.decoded
    found: dict[Child, list[str]] = {}
    for event in decoded.events:
        found.setdefault((source_id, event.child_id), []).append(_slot(event))
    for child_id in _others(decoded):
        found.setdefault((source_id, child_id), [_READINGS])
    if decoded.culprit is not None:
        found.setdefault((source_id, decoded.culprit), [UNREADABLE])
    if not found and decoded.quarantined is not None:
        found[source_id, NOBODY] = [_READINGS]
    return found


def _others(decoded: Decoded) -> Iterator[str]:
    for reading in decoded.readings:
        yield reading.child_id
    for presence in decoded.presences:
        if presence.child_id is not None:
            yield presence.child_id
    yield from decoded.heard


def _slot(event: DeviceEvent) -> str:
    if event.kind in _QUIET:
        return _READINGS
    return event.kind if event.kind in EVENT_KINDS else UNREADABLE


def _is_alarm(slot: str) -> bool:
    return slot in LIFE_SAFETY_KINDS or slot == UNREADABLE


def _without(heard: Heard, children: set[Child]) -> Heard | None:
    """The message without what some of its devices said; None when nothing is left of it."""
    gone = {child_id for _, child_id in children}
    decoded = heard.decoded
    speaker = decoded.culprit or NOBODY
    rest = replace(
        decoded,
        events=tuple(e for e in decoded.events if e.child_id not in gone),
        readings=tuple(r for r in decoded.readings if r.child_id not in gone),
        presences=tuple(p for p in decoded.presences if p.child_id not in gone),
        heard=tuple(child_id for child_id in decoded.heard if child_id not in gone),
        quarantined=None if speaker in gone else decoded.quarantined,
        culprit=None if speaker in gone else decoded.culprit,
    )
    is_left = rest.events or rest.readings or rest.presences or rest.heard or rest.inventory
    if not (is_left or rest.quarantined):
        return None
    return _with(heard, rest)


def _only(heard: Heard, child: Child) -> Heard:
    """What one device said in a message."""
    others = {other for other in _spoken(heard) if other != child}
    return (_without(heard, others) or heard) if others else heard


def _with(heard: Heard, decoded: Decoded) -> Heard:
    return with_fields(heard, decoded=decoded)
