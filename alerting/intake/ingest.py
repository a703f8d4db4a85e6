"""A batch of decoded messages becomes readings, states, events, incidents: one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.view import DEFAULT_ZONE
from alerting.intake import held_back, relocated, strangers
from alerting.intake.batch import Batch
from alerting.intake.events import take_event
from alerting.intake.heard import Heard, Ingested
from alerting.intake.life import take_presence, take_sign_of_life
from alerting.intake.readings import take_readings
from alerting.intake.throttle import Folded, TooTalkative
from alerting.intake.unreadable import take_unread
from alerting.intake.whose import whose_is


async def ingest(
    session: AsyncSession,
    batch: Sequence[Heard],
    now: datetime,
    *,
    zone: str = DEFAULT_ZONE,
    folded: Sequence[Folded] = (),
    talkative: Sequence[TooTalkative] = (),
) -> Ingested:
    """Take in one batch, in order of arrival. Nothing here commits or sends.

    `zone` is the homes', which says when it is night there. `folded` and `talkative` are what the
    throttle held back of this batch.
    """
    work = Batch(session, now, zone)
    held = [heard for one in folded for heard in one.told]
    held += [one.last for one in talkative]
    await work.load([*batch, *held])
    for heard in batch:
        await _take(work, heard)
    for one in folded:
        await _fold(work, one)
    await _complain(work, talkative)
    await work.finish()
    return work.result


async def _take(batch: Batch, heard: Heard) -> None:
    """One message: events first, they are what cannot wait."""
    decoded, source_id = heard.decoded, heard.source_id
    for event in decoded.events:
        await take_event(batch, heard, event)
    if decoded.readings:
        await take_readings(batch, heard)
    for child_id in decoded.heard:
        await take_sign_of_life(batch, source_id, child_id, heard)
    for presence in decoded.presences:
        await take_presence(batch, source_id, presence, heard.message.received_at)
    if decoded.inventory:
        await strangers.take_inventory(batch.session, source_id, decoded.inventory, batch.now)
    if decoded.quarantined is not None:
        await take_unread(batch, heard, decoded.quarantined)
    if batch.elsewhere and not heard.message.retained:
        batch.relocated |= relocated.speakers(source_id, decoded) & batch.elsewhere.keys()


async def _fold(batch: Batch, folded: Folded) -> None:
    """Alarms that were too many: a count beside their running incident. Where none is running
    any more, the last of them that we did not have before is an alarm like any other."""
    child = folded.child
    device, at = batch.devices.get(child), folded.told[0].message.received_at
    whose = await whose_is(batch.session, child, device, at)
    if await held_back.count_folded(batch.session, folded, folded.count, whose, batch.now):
        return
    before, taken = len(batch.result.incidents), 0
    for heard in folded.told:
        await _take(batch, heard)
        taken += 1
        if len(batch.result.incidents) > before:
            break
    if folded.count > taken:
        more = folded.count - taken
        await held_back.count_folded(batch.session, folded, more, whose, batch.now)


async def _complain(batch: Batch, talkative: Sequence[TooTalkative]) -> None:
    """Devices that said more than they may, once an hour each."""
    for said in talkative:
        device = batch.devices.get(said.child)
        if device is not None:
            finding = held_back.too_talkative(said, batch.now)
            await batch.apply(finding, said.child, device, batch.now)
    batch.session.add_all(held_back.of_strangers(talkative, batch.devices))
