"""The outbox on both databases: order, leases, crashes, failures, stale news, lost leases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerting.channels.base import (
    Accepted,
    AmbiguousFailure,
    DeliveryError,
    PermanentFailure,
    TemporaryFailure,
)
from alerting.finding import Severity
from alerting.handling import answers
from alerting.outbox import claiming, settling
from alerting.tables import Incident, Notice
from core.db import Database
from tests.alerting import rows
from tests.support.clock import ManualClock

LIFE, TECHNICAL = Severity.LIFE_SAFETY, Severity.TECHNICAL
CALL = {"channel": "call", "address": "+8613900000001"}
HOOK = {"channel": "webhook", "address": "https://hooks.example/a"}


class Box:
    """An outbox whose worker, clock and channels the test plays."""

    def __init__(self, db: Database, clock: ManualClock) -> None:
        self.db, self.clock = db, clock

    async def incident(self, severity: Severity = LIFE) -> Incident:
        async with self.db.transaction() as session:
            return await rows.open_incident(session, self.clock.now(), severity=severity)

    async def put(self, incident: Incident | None, **fields: Any) -> str:
        async with self.db.transaction() as session:
            row = rows.notice(incident, self.clock.now(), **fields)
            session.add(row)
        return row.id

    async def claim(
        self, worker: str = "w1", *, slots: int = 10, life_safety_slots: int = 0
    ) -> list[str]:
        async with self.db.transaction() as session:
            taken = await claiming.claim(
                session,
                worker,
                self.clock.now(),
                slots=slots,
                life_safety_slots=life_safety_slots,
            )
            return [notice.id for notice in taken]

    async def settle(
        self,
        ident: str,
        outcome: Accepted | DeliveryError,
        *,
        worker: str = "w1",
        attempt: int | None = None,
    ) -> None:
        number = attempt if attempt is not None else (await self.row(ident)).attempt
        async with self.db.transaction() as session:
            await settling.settle(session, ident, worker, number, outcome, self.clock.now())

    async def fail(self, ident: str, outcome: DeliveryError) -> None:
        """One whole attempt that comes to nothing."""
        assert ident in await self.claim()
        await self.settle(ident, outcome)

    async def row(self, ident: str) -> Notice:
        async with self.db.reading() as session:
            return await session.get_one(Notice, ident)

    async def case(self, incident: Incident) -> Incident:
        async with self.db.reading() as session:
            return await session.get_one(Incident, incident.id)

    async def others(self, ident: str) -> list[Notice]:
        """What came of a notice beside itself."""
        return [row for row in await rows.notices(self.db) if row.replaces_id == ident]


@pytest.fixture
async def box(db: Database, clock: ManualClock) -> Box:
    await rows.begin(db, clock.now())
    return Box(db, clock)


async def test_the_most_urgent_goes_first_and_then_the_oldest(box: Box) -> None:
    now = box.clock.now()
    calm = await box.incident(TECHNICAL)
    urgent = await box.incident(LIFE)
    old_calm = await box.put(calm, created_at=rows.ago(now, minutes=9))
    young = await box.put(urgent)
    old = await box.put(urgent, created_at=rows.ago(now, minutes=5))
    young_calm = await box.put(calm)
    assert await box.claim() == [old, young, old_calm, young_calm]
    assert await box.claim() == [], "each is leased"


async def test_what_is_not_ready_waits(box: Box) -> None:
    incident = await box.incident()
    later = await box.put(incident, next_attempt_at=box.clock.now() + timedelta(seconds=2))
    for state in ("accepted", "delivered", "answered", "failed", "parked", "superseded", "unseen"):
        await box.put(incident, state=state, next_attempt_at=None)
    assert await box.claim() == []
    async with box.db.reading() as session:
        assert await claiming.next_ready_at(session) == box.clock.now() + timedelta(seconds=2)
    box.clock.advance(seconds=2)
    assert await box.claim() == [later]


async def test_a_process_without_a_broker_leaves_devices_to_others(box: Box) -> None:
    ident = await box.put(await box.incident(), channel="device", address="btn-1")
    now = box.clock.now()
    async with box.db.transaction() as session:
        assert await claiming.next_ready_at(session, reaches_devices=False) is None
        alone = await claiming.claim(
            session, "w2", now, slots=10, life_safety_slots=0, reaches_devices=False
        )
        assert list(alone) == []
    assert await box.claim() == [ident]


async def test_what_a_device_no_longer_asks_for_is_dropped_and_wakes_nobody(box: Box) -> None:
    incident = await box.incident()
    ident = await box.put(incident, channel="device", address="btn-1")
    due_at = (await box.case(incident)).due_at
    box.clock.advance(hours=25)
    assert await box.claim() == []
    assert (await box.row(ident)).state == "superseded"
    assert (await box.case(incident)).due_at == due_at


async def test_slots_are_kept_free_for_life_safety(box: Box) -> None:
    calm = await box.incident(TECHNICAL)
    flood = [await box.put(calm) for _ in range(6)]
    first = await box.claim(slots=5, life_safety_slots=2)
    assert first == flood[:3]
    urgent = await box.put(await box.incident(LIFE))
    assert await box.claim(slots=2, life_safety_slots=2) == [urgent]


async def test_a_lease_that_ran_out_is_taken_again_and_marked(box: Box) -> None:
    ident = await box.put(await box.incident())
    await box.claim("w1")
    box.clock.advance(seconds=60)
    assert await box.claim("w2") == [], "not while the lease lasts"
    box.clock.advance(seconds=0.001)
    assert await box.claim("w2") == [ident]
    row = await box.row(ident)
    assert (row.attempt, row.crashes, row.is_repeat, row.leased_by) == (2, 1, True, "w2")
    assert await rows.attempts(box.db, ident) == [(1, "crashed"), (2, "started")]


async def test_a_lease_that_was_lost_settles_nothing(box: Box) -> None:
    ident = await box.put(await box.incident(), fallbacks=[CALL])
    await box.claim("w1")
    box.clock.advance(seconds=61)
    await box.claim("w2")
    before = await rows.attempts(box.db, ident)
    await box.settle(ident, Accepted(), worker="w1", attempt=1)
    await box.settle(ident, PermanentFailure("wrong number"), worker="w1", attempt=2)
    await box.settle(ident, PermanentFailure("wrong number"), worker="w2", attempt=1)
    row = await box.row(ident)
    assert (row.state, row.leased_by, row.accepted_at) == ("sending", "w2", None)
    assert await rows.attempts(box.db, ident) == before and not await box.others(ident)
    await box.settle(ident, Accepted(), worker="w2", attempt=2)
    assert (await box.row(ident)).state == "accepted"


async def test_a_notice_that_kills_its_sender_three_times_is_parked(box: Box) -> None:
    incident = await box.incident()
    ident = await box.put(incident, fallbacks=[CALL, HOOK])
    for crashes in range(3):
        assert await box.claim(f"w{crashes}") == [ident]
        box.clock.advance(seconds=61)
    assert await box.claim() == []
    row = await box.row(ident)
    assert (row.state, row.crashes, row.lease_until) == ("parked", 3, None)
    call, operator = sorted(await box.others(ident), key=lambda one: one.channel)
    assert (call.channel, call.reason, call.fallbacks) == ("call", "sender_crashed", [HOOK])
    assert (operator.channel, operator.recipient_kind) == ("operator", "operator")
    assert await rows.attempts(box.db, ident) == [(n, "crashed") for n in (1, 2, 3)]
    assert (await rows.story(box.db, incident.id))[-1] == "notice_parked"
    assert sorted(await box.claim()) == sorted([call.id, operator.id]), "ready at once"


async def test_an_operators_notice_that_is_parked_does_not_call_the_operator_again(
    box: Box,
) -> None:
    ident = await box.put(await box.incident(), channel="operator", recipient_kind="operator")
    for _ in range(4):
        await box.claim()
        box.clock.advance(seconds=61)
    assert (await box.row(ident)).state == "parked"
    assert await box.others(ident) == []


async def test_what_can_never_arrive_moves_to_the_next_channel_at_once(box: Box) -> None:
    incident = await box.incident()
    ident = await box.put(incident, channel="webhook", fallbacks=[CALL, HOOK])
    await box.fail(ident, PermanentFailure("answered 404"))
    row = await box.row(ident)
    assert (row.state, row.detail, row.next_attempt_at) == ("failed", "answered 404", None)
    (call,) = await box.others(ident)
    assert (call.channel, call.address, call.fallbacks) == ("call", CALL["address"], [HOOK])
    assert (call.reason, call.recipient_id, call.is_repeat) == ("channel_failed", "con-1", False)
    assert await box.claim() == [call.id]
    await box.settle(call.id, PermanentFailure("no such number"))
    (hook,) = await box.others(call.id)
    await box.fail(hook.id, PermanentFailure("answered 404"))
    assert await box.others(hook.id) == [], "and there the chain ends"
    assert (await rows.story(box.db, incident.id)).count("notice_failed") == 3


async def test_what_is_away_is_tried_again_and_from_the_second_time_elsewhere_too(
    box: Box,
) -> None:
    ident = await box.put(await box.incident(), fallbacks=[CALL])
    waits = []
    for attempt in range(1, 8):
        await box.fail(ident, TemporaryFailure("answered 503"))
        row = await box.row(ident)
        assert (row.state, row.is_repeat) == ("waiting", False)
        assert row.next_attempt_at is not None
        waits.append((row.next_attempt_at - box.clock.now()).total_seconds())
        assert len(await box.others(ident)) == (0 if attempt == 1 else 1), "once"
        for other in await box.others(ident):
            if other.state == "waiting":
                assert await box.claim() == [other.id]
                await box.settle(other.id, Accepted())
        box.clock.advance(seconds=waits[-1])
    assert waits == [2, 4, 8, 16, 32, 60, 60]


async def test_what_nobody_knows_is_sent_again_and_marked(box: Box) -> None:
    ident = await box.put(await box.incident(), fallbacks=[CALL])
    await box.fail(ident, AmbiguousFailure("no answer"))
    assert (await box.row(ident)).is_repeat
    box.clock.advance(seconds=2)
    await box.fail(ident, TemporaryFailure("answered 503"))
    assert (await box.row(ident)).is_repeat, "it may have got through the first time"
    (call,) = await box.others(ident)
    assert call.is_repeat


async def test_retries_end_when_it_is_no_longer_news(box: Box) -> None:
    incident = await box.incident()
    ident = await box.put(incident)
    await box.claim()
    box.clock.advance(minutes=15, seconds=1)
    await box.settle(ident, TemporaryFailure("answered 503"))
    assert (await box.row(ident)).state == "failed"
    assert (await rows.story(box.db, incident.id))[-1] == "notice_failed"


@pytest.mark.parametrize("attempt", [0, 1])
async def test_old_news_is_not_sent_but_decided_anew(box: Box, attempt: int) -> None:
    incident = await box.incident()
    assert incident.due_at is not None and incident.due_at > box.clock.now()
    async with box.db.transaction() as session:
        known = await session.get_one(Incident, incident.id)
        known.due_at = box.clock.now() + timedelta(hours=2)
    ident = await box.put(incident, attempt=attempt)
    box.clock.advance(minutes=15)
    fresh = await box.put(incident)
    box.clock.advance(seconds=1)
    assert await box.claim() == [fresh], "a restart after an hour must not send an hour's messages"
    assert (await box.row(ident)).state == "superseded"
    assert (await box.case(incident)).due_at == box.clock.now(), "the ladder decides at once"


async def test_a_case_that_ended_is_not_woken_by_old_news(box: Box) -> None:
    incident = await box.incident(TECHNICAL)
    ident = await box.put(incident)
    async with box.db.transaction() as session:
        known = await session.get_one(Incident, incident.id)
        known.stage, known.due_at = "cancelled", None
    box.clock.advance(minutes=16)
    assert await box.claim() == []
    assert (await box.row(ident)).state == "superseded"
    assert (await box.case(incident)).due_at is None


@pytest.mark.parametrize("error", [PermanentFailure("gone"), AmbiguousFailure("no answer")])
async def test_nobody_is_rung_again_about_a_case_that_ended_meanwhile(
    box: Box, error: DeliveryError
) -> None:
    incident = await box.incident(TECHNICAL)
    ident = await box.put(incident, attempt=1, fallbacks=[CALL])
    await box.claim()
    async with box.db.transaction() as session:
        known = await session.get_one(Incident, incident.id)
        known.stage, known.due_at = "cancelled", None
    await box.settle(ident, error)
    assert (await box.row(ident)).state == "superseded" and not await box.others(ident)


async def test_a_device_is_told_the_stage_however_late(box: Box) -> None:
    ident = await box.put(await box.incident(), channel="device", recipient_kind="device")
    box.clock.advance(hours=1)
    assert await box.claim() == [ident]
    await box.settle(ident, TemporaryFailure("not connected to the broker"))
    assert (await box.row(ident)).state == "waiting"


@pytest.mark.parametrize(("delivered", "state"), [(False, "accepted"), (True, "delivered")])
async def test_acceptance_and_delivery_are_two_times(box: Box, delivered: bool, state: str) -> None:
    ident = await box.put(await box.incident())
    await box.claim()
    await box.settle(ident, Accepted(provider_id="p-7", delivered=delivered))
    row = await box.row(ident)
    assert (row.state, row.provider_id, row.accepted_at) == (state, "p-7", box.clock.now())
    assert row.delivered_at == (box.clock.now() if delivered else None)
    assert (row.answered_at, row.lease_until, row.next_attempt_at) == (None, None, None)
    assert await rows.attempts(box.db, ident) == [(1, "accepted")]


async def test_a_provider_that_reports_before_it_answers_is_believed(box: Box) -> None:
    """The receipt may overtake the answer to our own request; nothing of either is lost."""
    ident = await box.put(await box.incident())
    await box.claim()
    async with box.db.transaction() as session:
        await answers.receipt(
            session, ident, state="key", key="1", now=box.clock.now(), zone=ZoneInfo("UTC")
        )
    await box.settle(ident, Accepted(provider_id="p-7"))
    row = await box.row(ident)
    assert (row.state, row.answer, row.provider_id) == ("answered", "will_go", "p-7")
    assert row.accepted_at == row.delivered_at == row.answered_at == box.clock.now()
    assert await rows.attempts(box.db, ident) == [(1, "accepted")]


async def test_two_workers_never_take_the_same_notice(box: Box) -> None:
    incident = await box.incident()
    all_of_them = {await box.put(incident) for _ in range(60)}

    async def work(worker: str) -> list[str]:
        mine: list[str] = []
        while taken := await box.claim(worker, slots=3):
            mine += taken
        return mine

    shares = await asyncio.gather(*(work(f"w{number}") for number in range(6)))
    taken = [ident for share in shares for ident in share]
    assert len(taken) == len(set(taken)) == 60 and set(taken) == all_of_them
    assert {(await box.row(ident)).attempt for ident in taken} == {1}
