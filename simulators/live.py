"""The demo's live view in the terminal; plain lines when the output is not a terminal."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from core.clock import Clock
from simulators.life import Happening
from simulators.messages import DEVICE_ZONE
from simulators.scenario import Step

_REFRESH_S, _ASK_EVERY_S = 1.0, 2.0
_NEXT = 3  # steps of the script
_LEAST, _MOST = 4, 12  # rows of a table, by the height of the terminal
_ROUTINE = 3  # rows for meters and signs of life
_INVENTED = ("演示账号；人和数据都是虚构的", "demo sign-ins; people and data are invented")
_SUBTITLE = " · ".join((*_INVENTED, "Ctrl-C 结束 / stops everything"))
_STYLE = {"script": "bold", "ack": "green", "heard": "cyan", "reading": "dim", "alive": "dim"}
_STAGES = {
    "open": "未接 open", "acknowledged": "已接 acknowledged", "dispatched": "已派 dispatched",
    "accepted": "赶来 accepted", "attended": "到场 attended", "following_up": "待回访 following up",
    "closed": "已结 closed", "cancelled": "取消 cancelled",
}  # fmt: skip
_SEVERITIES = {
    "life_safety": ("人身安全", "bold red"), "welfare": ("关爱", "yellow"),
    "technical": ("设备", "blue"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Something to open in a browser, and who to sign in as."""

    zh: str
    en: str
    url: str
    username: str = ""
    password: str = ""


Incidents = Callable[[], Awaitable[Sequence[dict[str, Any]]]]
Upcoming = Callable[[], Sequence[tuple[datetime, Step]]]


class LiveView:
    """Collects what happens and shows it until cancelled."""

    def __init__(
        self,
        console: Console,
        clock: Clock,
        *,
        addresses: Sequence[Address],
        incidents: Incidents,
        upcoming: Upcoming,
        zone: ZoneInfo = DEVICE_ZONE,
    ) -> None:
        """`incidents` asks Anju over REST; an error there is shown, and asked again."""
        self._console, self._clock, self._zone = console, clock, zone
        self._addresses, self._ask, self._upcoming = tuple(addresses), incidents, upcoming
        self._lines: deque[Happening] = deque(maxlen=_MOST)
        self._routine: deque[Happening] = deque(maxlen=_ROUTINE)
        self._incidents: Sequence[dict[str, Any]] = ()
        self._stages: dict[str, str] = {}  # by incident, as last printed
        self._trouble = ""

    def happened(self, line: Happening) -> None:
        """Show a line; on a plain output only what matters is printed."""
        if line.kind in ("reading", "alive"):
            self._routine.append(line)  # forty meters must not push a press off the screen
            return
        self._lines.append(line)
        if not self._console.is_terminal:
            self._print(line.at, f"{line.device_id}  {line.zh} / {line.en}")

    async def run(self) -> None:
        """Show until cancelled."""
        asking = asyncio.create_task(self._keep_asking(), name="live view asks")
        try:
            if self._console.is_terminal:
                await self._run_on_terminal()
            else:
                self._print_addresses()
                await asyncio.Event().wait()
        finally:
            asking.cancel()

    def screen(self) -> RenderableType:
        """The whole view, as it is at the clock's present."""
        rows = self._rows()
        parts = [self._addresses_panel(), self._lines_table(rows), self._incidents_table(rows)]
        if self._trouble:
            parts.append(Text(self._trouble, style="red"))
        return Group(*parts, self._next_table())

    # -- inside -------------------------------------------------------------------------------

    def _rows(self) -> int:
        """Rows for each of the two growing tables, so that everything fits on the screen."""
        fixed = len(self._addresses) + 2 + 3 * 2 + _NEXT + 2
        return min(max((self._console.height - fixed) // 2, _LEAST), _MOST)

    async def _run_on_terminal(self) -> None:
        with Live(self.screen(), console=self._console, auto_refresh=False) as live:
            while True:
                live.update(self.screen(), refresh=True)
                await asyncio.sleep(_REFRESH_S)

    async def _keep_asking(self) -> None:
        while True:
            try:
                self._incidents, self._trouble = await self._ask(), ""
            except Exception as error:  # shown; the next look may do better
                self._trouble = f"安居没有回答 / Anju does not answer: {error}"
            if not self._console.is_terminal:
                self._print_changes()
            await asyncio.sleep(_ASK_EVERY_S)

    def _print_changes(self) -> None:
        for row in sorted(self._incidents, key=lambda row: str(row["opened_at"])):
            if self._stages.get(row["id"]) != row["stage"]:
                self._stages[row["id"]] = row["stage"]
                stage = _STAGES.get(row["stage"], row["stage"])
                self._print(self._clock.now(), f"{row['id']}  {row['kind']}  {stage}")

    def _print_addresses(self) -> None:
        self._console.print(f"{_INVENTED[0]} / {_INVENTED[1]}", highlight=False, soft_wrap=True)
        for one in self._addresses:
            who = f"  {one.username} / {one.password}" if one.username else ""
            self._console.print(
                f"{one.zh} {one.en}: {one.url}{who}", highlight=False, soft_wrap=True
            )

    def _print(self, at: datetime, text: str) -> None:
        self._console.print(f"{self._time(at)}  {text}", highlight=False, soft_wrap=True)

    def _addresses_panel(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for one in self._addresses:
            who = Text(f"{one.username} / {one.password}" if one.username else "", style="bold")
            link = Text(one.url, style=f"link {one.url} underline")
            table.add_row(_both(one.zh, one.en), link, who)
        return Panel(table, title="安居演示 · Anju demo", subtitle=_SUBTITLE)

    def _lines_table(self, rows: int) -> RenderableType:
        table = _table("设备刚才说的 · What devices just did", "时间", "设备 device", "说 says")
        room = max(rows - len(self._routine), 1)
        shown = sorted((*list(self._lines)[-room:], *self._routine), key=lambda line: line.at)
        for line in shown:
            text = _both(line.zh, line.en)
            text.style = _STYLE[line.kind]
            table.add_row(self._time(line.at), line.device_id, text)
        for _ in range(rows - len(shown)):  # so that nothing below jumps
            table.add_row()
        return table

    def _incidents_table(self, rows: int) -> RenderableType:
        counts = Counter(row["stage"] for row in self._incidents)
        summary = "   ".join(f"{_STAGES.get(stage, stage)} {n}" for stage, n in counts.items())
        table = _table(
            f"事件单 · Incidents   {summary}",
            "时间",
            "类型 kind",
            "级别",
            "进展 stage",
            "下一步 next",
        )
        newest = sorted(self._incidents, key=lambda row: str(row["opened_at"]), reverse=True)
        for row in newest[:rows]:
            word, style = _SEVERITIES.get(row["severity"], (row["severity"], ""))
            table.add_row(
                self._time(_moment(row["opened_at"])),
                str(row["kind"]),
                Text(word, style=style),
                str(row.get("device_id") or ""),
                _STAGES.get(row["stage"], row["stage"]),
                self._until(_moment(row["due_at"])) if row.get("due_at") else "",
            )
        for _ in range(rows - len(newest)):
            table.add_row()
        return table

    def _next_table(self) -> RenderableType:
        table = _table("剧本接下来 · Next in the script", "还有", "设备 device", "会 what")
        for at, step in tuple(self._upcoming())[:_NEXT]:
            table.add_row(self._until(at), step.device, _both(step.zh, step.en))
        return table

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%H:%M:%S}"

    def _until(self, at: datetime) -> str:
        left = max(at - self._clock.now(), timedelta())
        minutes, seconds = divmod(int(left.total_seconds()), 60)
        return f"{minutes:02}:{seconds:02}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, expand=True)
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        table.add_column(
            column, header_style="dim", no_wrap=True, overflow="ellipsis", ratio=1 if last else None
        )
    return table


def _both(zh: str, en: str) -> Text:
    return Text.assemble(zh, ("  " + en, "dim"))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
