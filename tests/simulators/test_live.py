"""The live view: readable on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from typing import Any

from rich.console import Console

from simulators.homes import demo_town
from simulators.life import Happening
from simulators.live import Address, LiveView
from simulators.scenario import load_scenario
from tests.support.clock import ManualClock

ADDRESSES = (
    Address(
        zh="值班台", en="Duty desk", url="http://127.0.0.1:8000/", username="duty", password="pw-1"
    ),
    Address(zh="电话", en="Telephones", url="http://127.0.0.1:8025/"),
)


class World:
    """A view with incidents that a test decides."""

    def __init__(self, clock: ManualClock, *, terminal: bool, width: int = 110) -> None:
        self.clock, self.out = clock, io.StringIO()
        self.incidents: list[dict[str, Any]] = []
        self.answers: asyncio.Queue[None] = asyncio.Queue()
        self.trouble: Exception | None = None
        script = load_scenario("hour", demo_town())
        began = clock.now()
        self.view = LiveView(
            Console(file=self.out, width=width, force_terminal=terminal, color_system=None),
            clock,
            addresses=ADDRESSES,
            incidents=self.ask,
            upcoming=lambda: [(began + step.at, step) for step in script.step],
        )

    async def ask(self) -> list[dict[str, Any]]:
        self.answers.put_nowait(None)
        if self.trouble:
            raise self.trouble
        return self.incidents

    def open(self, ident: str, stage: str = "open") -> None:
        now = self.clock.now()
        self.incidents.append(
            {
                "id": ident,
                "kind": "sos",
                "severity": "life_safety",
                "stage": stage,
                "opened_at": now.isoformat(),
                "due_at": (now + timedelta(seconds=65)).isoformat(),
            }
        )

    def press(self, kind: Any = "script") -> None:
        self.view.happened(
            Happening(
                at=self.clock.now(), device_id="demo-sos-01", home=1, zh="按下", en="pressed",
                kind=kind,
            )
        )  # fmt: skip

    async def run_until_asked(self) -> str:
        running = asyncio.create_task(self.view.run())
        await asyncio.wait_for(self.answers.get(), 5)
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait((running,))
        return self.out.getvalue()


def shown(world: World) -> str:
    plain = Console(file=io.StringIO(), width=110, record=True)
    plain.print(world.view.screen())
    return plain.export_text()


async def test_the_screen_says_where_to_sign_in_what_happened_and_what_is_next(
    clock: ManualClock,
) -> None:
    world = World(clock, terminal=True)
    world.press()
    world.open("inc-1")
    await world.run_until_asked()
    screen = shown(world)
    for text in (
        "http://127.0.0.1:8000/", "duty / pw-1", "http://127.0.0.1:8025/", "08:15:00", "按下",
        "pressed", "未接 open 1", "人身安全", "01:05", "00:05", "demo-sos-01", "李奶奶",
    ):  # fmt: skip
        assert text in screen


async def test_forty_meters_do_not_push_a_press_off_the_screen(clock: ManualClock) -> None:
    world = World(clock, terminal=True)
    world.press()
    for _ in range(200):
        clock.advance(seconds=1)
        world.press("reading")
    screen = shown(world)
    assert "08:15:00  demo-sos-01" in screen
    assert screen.count("demo-sos-01  按下") == 4


async def test_without_a_terminal_there_are_plain_lines_and_no_escapes(clock: ManualClock) -> None:
    world = World(clock, terminal=False, width=40)
    world.press()
    world.press("reading")
    world.open("inc-1")
    lines = (await world.run_until_asked()).splitlines()
    assert "08:15:00  demo-sos-01  按下 / pressed" in lines
    assert "值班台 Duty desk: http://127.0.0.1:8000/  duty / pw-1" in lines
    assert "08:15:00  inc-1  sos  未接 open" in lines
    assert len([line for line in lines if "pressed" in line]) == 1
    assert "\x1b" not in world.out.getvalue()


async def test_a_change_of_stage_is_a_line_and_no_change_is_none(clock: ManualClock) -> None:
    world = World(clock, terminal=False)
    world.open("inc-1")
    await world.run_until_asked()
    await world.run_until_asked()
    world.incidents[0]["stage"] = "acknowledged"
    text = await world.run_until_asked()
    assert text.count("inc-1") == 2
    assert "已接 acknowledged" in text


async def test_it_goes_on_when_anju_does_not_answer(clock: ManualClock) -> None:
    world = World(clock, terminal=True)
    world.trouble = OSError("connection refused")
    await world.run_until_asked()
    assert "Anju does not answer: connection refused" in shown(world)
