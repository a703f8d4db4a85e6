"""Real browsers on the real app: people with pages, and what their consoles complained about."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect

from tests.support.world import Caller, World

DESK: Any = {"width": 1440, "height": 900}
PHONE: Any = {"width": 390, "height": 844}
PATIENCE_MS = 10_000

expect.set_options(timeout=PATIENCE_MS)


class Site:
    """Opens pages for people. `complaints` must be empty in the end; `expected` are statuses
    that a test provokes, which Chromium reports as errors."""

    def __init__(self, world: World, browser: Browser, base: str) -> None:
        self.world, self.browser, self.base = world, browser, base
        self.complaints: list[str] = []
        self.expected: set[int] = set()
        self._contexts: list[BrowserContext] = []

    async def page(self, caller: Caller | None = None, *, size: Any = DESK, **options: Any) -> Page:
        """A browser of one's own, signed in as `caller`."""
        context = await self.browser.new_context(
            base_url=self.base, viewport=size, locale="zh-CN", **options
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        if caller is not None:
            cookie: Any = {"name": "anju_session", "value": caller.token, "url": self.base}
            await context.add_cookies([cookie])
        page = await context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("response", self._answered)
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        loading = message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not loading:
            self.complaints.append(f"{message.type}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.complaints.append(f"{response.status}: {response.url}")

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


async def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window; 0 when nothing has to be dragged."""
    width: int = await page.locator("body").evaluate(  # once there is one
        "body => body.parentElement.scrollWidth - body.parentElement.clientWidth"
    )
    return width
