"""How long the fleet page takes with many devices: `python -m benchmarks.fleet --devices 5000`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.fleet import overview
from alerting.intake import unwatched
from alerting.tables import DeviceStateRow, ReadingRow
from care.model import SYSTEM
from care.paging import PageRequest
from care.policy import SupervisionRules
from care.queries import Sight
from care.tables import Area, Binding, Device, Elder, Home, Source
from core.db import Base, Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
REPEATS = 7


async def fill(session: AsyncSession, devices: int) -> None:
    """Two devices an elder, fifty areas, a month of battery readings for every tenth."""
    homes = range((devices + 1) // 2)
    await session.execute(
        insert(Source),
        [{"id": "s", "name": "s", "family": "zigbee2mqtt", "prefix": "s", "created_at": NOW}],
    )
    areas = [
        {"id": f"a{n}", "name": f"村{n}", "level": "village", "path": f"/a{n}/", "created_at": NOW}
        for n in range(50)
    ]
    await session.execute(insert(Area), areas)
    await session.execute(
        insert(Home),
        [
            {"id": f"h{n}", "address": f"路 {n} 号", "area_id": f"a{n % 50}", "created_at": NOW}
            for n in homes
        ],
    )
    await session.execute(
        insert(Elder),
        [
            {
                "id": f"e{n}",
                "name": f"老人{n}",
                "home_id": f"h{n}",
                "area_id": f"a{n % 50}",
                "created_at": NOW,
            }
            for n in homes
        ],
    )
    rows: list[dict[str, Any]] = []
    bound: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    readings: list[dict[str, Any]] = []
    for n in range(devices):
        home, role = n // 2, ("sos_button", "smoke_detector")[n % 2]
        rows.append(
            {
                "id": f"d{n}",
                "family": "zigbee2mqtt",
                "source_id": "s",
                "child_id": f"d{n}",
                "role": role,
                "area_id": f"a{home % 50}",
                "model": f"m{n % 20}",
                "firmware": f"1.{n % 9}",
                "enrolled_at": NOW - timedelta(seconds=n),
            }
        )
        bound.append(
            {
                "id": f"b{n}",
                "device_id": f"d{n}",
                "home_id": f"h{home}",
                "elder_id": f"e{home}",
                "valid_from": NOW,
            }
        )
        silent = n % 97 < 2
        states.append(
            {
                "device_id": f"d{n}",
                "state": "",
                "last_heard_at": NOW,
                "battery_pct": float(n % 100),
                "rssi_dbm": -70.0,
                "online": False if silent else None,
                "silent_after": None if silent else NOW + timedelta(hours=75),
            }
        )
        if n % 10 == 0:
            readings += [
                {
                    "device_id": f"d{n}",
                    "register": "battery_pct",
                    "at": NOW - timedelta(days=day),
                    "value": 90.0 - day,
                }
                for day in range(30)
            ]
    for table, values in (
        (Device, rows),
        (Binding, bound),
        (DeviceStateRow, states),
        (ReadingRow, readings),
    ):
        await session.execute(insert(table), values)


async def measure(session: AsyncSession) -> dict[str, float]:
    """What → best of several runs, in milliseconds."""
    sight, page = Sight(actor=SYSTEM), PageRequest(limit=100)
    ids = [f"d{n}" for n in range(0, 1000, 10)]

    async def whole_page() -> None:
        await overview.fleet(session, sight, page, overview.Wanted(show="silent"), NOW)
        overview.total(await overview.by_area(session, sight, NOW))
        await overview.battery_trends(session, ids, NOW)
        await overview.link_qualities(session, ids, NOW)

    async def sweep() -> None:
        await unwatched.elders_to_judge(session, NOW)
        await unwatched.look_for_mass_outage(session, NOW, SupervisionRules())

    steps: dict[str, Callable[[], Awaitable[Any]]] = {
        "a page of 100": lambda: overview.fleet(session, sight, page, overview.Wanted(), NOW),
        "counts": lambda: overview.counts(session, sight, overview.Wanted(), NOW),
        "by area": lambda: overview.by_area(session, sight, NOW),
        "search": lambda: overview.fleet(session, sight, page, overview.Wanted(q="老人24"), NOW),
        "battery trends of 100": lambda: overview.battery_trends(session, ids, NOW),
        "everything of the page": whole_page,
        "elders whom nothing watches, once a minute": sweep,
    }
    took: dict[str, float] = {}
    for name, step in steps.items():
        runs = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            await step()
            runs.append((time.perf_counter() - begin) * 1000)
        took[name] = min(runs)
    return took


async def run(devices: int, url: str | None) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(url or f"sqlite+aiosqlite:///{Path(folder) / 'fleet.db'}")
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with database.transaction() as session:
            await fill(session, devices)
        async with database.reading() as session:
            took = await measure(session)
        await database.close()
        return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--url", help="an empty database; default: SQLite in a temporary folder")
    chosen = parser.parse_args()
    for name, ms in asyncio.run(run(chosen.devices, chosen.url)).items():
        print(f"{name:45} {ms:8.1f} ms")


if __name__ == "__main__":
    main()
