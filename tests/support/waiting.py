"""Waiting for something to become true, for a bounded time: tests never sleep for a guess."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

LOOK_EVERY_S = 0.02


@overload
async def until(
    look: Callable[[], Awaitable[T]], *, within_s: float = ..., what: str = ...
) -> T: ...
@overload
async def until(look: Callable[[], T], *, within_s: float = ..., what: str = ...) -> T: ...
async def until(
    look: Callable[[], T | Awaitable[T]], *, within_s: float = 10.0, what: str = ""
) -> T:
    """The first true value that `look` returns; asked again and again, up to `within_s`.

    Fails with what was seen last. Only for programs that run beside the test (a broker, another
    process, a network thread): what can be awaited is awaited.
    """
    last: T | None = None
    try:
        async with asyncio.timeout(within_s):
            while True:
                seen = look()
                last = await seen if inspect.isawaitable(seen) else seen
                if last:
                    return last
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {within_s:g} s: {what or last!r}") from None
