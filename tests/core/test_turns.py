"""Whose turn it is to write: in order, the patient last, and nobody's turn is lost."""

from __future__ import annotations

import asyncio

import pytest

from core.turns import Courtesy, OneWriter


class Queue:
    """Starts writers one after another and notes in which order they had their turn."""

    def __init__(self) -> None:
        self.turns, self.order = OneWriter(), list[str]()
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, name: str, *, patient: bool = False, leave: asyncio.Event) -> None:
        async def write() -> None:
            async with self.turns.turn(patient=patient):
                self.order.append(name)
                await leave.wait()

        self.tasks[name] = asyncio.create_task(write())
        await asyncio.sleep(0)

    async def end(self) -> list[str]:
        await asyncio.wait_for(asyncio.gather(*self.tasks.values(), return_exceptions=True), 5)
        return self.order


@pytest.fixture
def queue() -> Queue:
    return Queue()


async def test_the_patient_let_everybody_else_go_first(queue: Queue) -> None:
    leave = asyncio.Event()
    await queue.begin("first", patient=True, leave=leave)
    await queue.begin("meters", patient=True, leave=leave)
    await queue.begin("alarm", leave=leave)
    await queue.begin("officer", leave=leave)
    assert queue.order == ["first"]
    leave.set()
    assert await queue.end() == ["first", "alarm", "officer", "meters"]


async def test_what_follows_an_alarm_at_once_comes_before_the_patient(queue: Queue) -> None:
    leave, never_before = asyncio.Event(), asyncio.Event()
    never_before.set()
    await queue.begin("alarm", leave=leave)
    await queue.begin("meters", patient=True, leave=never_before)
    leave.set()
    await queue.tasks["alarm"]
    await queue.begin("its notice", leave=leave)
    assert await queue.end() == ["alarm", "its notice", "meters"]


async def test_a_writer_that_gave_up_waiting_is_passed_over(queue: Queue) -> None:
    leave = asyncio.Event()
    await queue.begin("first", leave=leave)
    await queue.begin("gave up", leave=leave)
    await queue.begin("next", leave=leave)
    queue.tasks["gave up"].cancel()
    leave.set()
    assert await queue.end() == ["first", "next"]


async def test_a_turn_that_came_as_its_writer_was_cancelled_is_handed_on(queue: Queue) -> None:
    leave = asyncio.Event()
    async with queue.turns.turn(patient=False):
        await queue.begin("cancelled", leave=leave)
        await queue.begin("next", leave=leave)
    queue.tasks["cancelled"].cancel()  # its turn has come, and it does not know yet
    leave.set()
    assert await queue.end() == ["next"]


async def test_an_error_inside_ends_the_turn(queue: Queue) -> None:
    with pytest.raises(ValueError, match="broken"):
        async with queue.turns.turn(patient=False):
            raise ValueError("broken")
    async with asyncio.timeout(5), queue.turns.turn(patient=True):
        pass


async def test_a_turn_inside_a_turn_is_refused_and_not_waited_for(queue: Queue) -> None:
    async with queue.turns.turn(patient=False):
        with pytest.raises(RuntimeError, match="inside a transaction"):
            async with queue.turns.turn(patient=False):
                pass
    async with asyncio.timeout(5), queue.turns.turn(patient=False):
        pass


async def test_where_many_may_write_only_the_patient_wait() -> None:
    turns, order, leave = Courtesy(), list[str](), asyncio.Event()

    async def write(name: str, *, patient: bool = False) -> None:
        async with turns.turn(patient=patient):
            order.append(name)
            await leave.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(write("alarm"))
        group.create_task(write("officer"))
        await asyncio.sleep(0)
        group.create_task(write("meters", patient=True))
        await asyncio.sleep(0)
        assert order == ["alarm", "officer"]
        leave.set()
    assert order == ["alarm", "officer", "meters"]


async def test_courtesy_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.turns.LONGEST_COURTESY_S", 0.01)
    turns = Courtesy()
    async with asyncio.timeout(5), turns.turn(patient=False):
        await asyncio.create_task(_in_a_turn(turns))


async def _in_a_turn(turns: Courtesy) -> None:
    async with turns.turn(patient=True):
        pass
