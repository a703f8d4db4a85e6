"""Stores a plan in small transactions, so that no alarm ever waits behind a spreadsheet."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerting.fleet import equipment
from alerting.fleet.importing.plan import Planned, plan
from alerting.fleet.importing.rows import Lines, Problem, read_lines
from alerting.fleet.importing.sheet import read_sheet
from care.device_log import note
from care.model import Actor
from core.db import Database
from core.errors import AnjuError

ROWS_A_TRANSACTION = 10
"""So few that even a busy machine, at 6 ms a row, gives the write lock back within 100 ms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of a file; `is_dry`: what would become of it."""

    lines: Lines
    rows: tuple[Planned, ...]
    is_dry: bool

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(row.verdict for row in self.rows)
        return {verdict: found[verdict] for verdict in VERDICTS}


VERDICTS = ("imported", "new", "there", "wrong", "example")


async def read_file(data: bytes) -> Lines:
    """The rows of a file, read beside the event loop: 5 MiB take a second. Raises `SheetError`."""
    return await asyncio.to_thread(lambda: read_lines(read_sheet(data)))


async def import_devices(
    db: Database, actor: Actor, now: datetime, lines: Lines, *, dry_run: bool
) -> Imported:
    """Register what is good in a file and leave the rest; the same file again changes nothing.

    What was registered stays, whatever happens to the rows after it.
    """
    async with db.reading() as session:
        rows = await plan(session, actor, lines)
    if dry_run:
        return Imported(lines=lines, rows=rows, is_dry=True)
    done: list[Planned] = []
    for start in range(0, len(rows), ROWS_A_TRANSACTION):
        some = rows[start : start + ROWS_A_TRANSACTION]
        if all(row.verdict != "new" for row in some):
            done += some
            continue
        async with db.transaction(patient=True) as session:
            stored = await _store(session, actor, now, some)
        done += stored  # only what has been committed
    return Imported(lines=lines, rows=tuple(done), is_dry=False)


async def _store(
    session: AsyncSession, actor: Actor, now: datetime, rows: Sequence[Planned]
) -> list[Planned]:
    return [
        await _register(session, actor, now, row) if row.verdict == "new" else row for row in rows
    ]


async def _register(session: AsyncSession, actor: Actor, now: datetime, row: Planned) -> Planned:
    try:
        device, credentials = await equipment.register_device(session, actor, now, **row.device)
    except AnjuError as error:  # somebody was quicker with this id, or took the elder away
        value = row.line.values["id"]
        return row.refused(Problem("id", value, "refused", {"why": str(error)}))
    device.model, device.vendor = row.extras["model"], row.extras["vendor"]
    note(session, device.id, "imported", now, actor, row=row.line.row)
    return replace(row, verdict="imported", credentials=credentials)
