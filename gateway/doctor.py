"""`anju check`: looks at everything an installation needs and says what is wrong, in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError

from alerting.channels.http import webhook_refusal
from alerting.channels.message import apprise_refusal
from alerting.escalation import Policy
from alerting.fleet.idle import census
from care.policy import load_policy
from care.watch_rules import unchosen_meters
from core.clock import SystemClock
from core.db import Database
from core.errors import AnjuError, SettingsError
from core.settings import Settings, load_settings, mappings_folder
from devices.mapping.shipped import shipped
from gateway.endpoint import Endpoint


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


_COLOURS = {Level.OK: "32", Level.WARNING: "33", Level.ERROR: "31;1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One thing that was looked at."""

    what: str
    level: Level
    text: str

    @property
    def is_error(self) -> bool:
        return self.level is Level.ERROR

    def as_dict(self) -> dict[str, str]:
        return {"what": self.what, "level": self.level.value, "text": self.text}

    def as_text(self, *, colour: bool) -> str:
        word = f"{self.level.value:8}"
        if colour:
            word = f"\033[{_COLOURS[self.level]}m{word}\033[0m"
        return f"{word} {self.what}: {self.text}"


async def examine() -> list[Line]:
    """Everything in order; needs neither settings nor database to begin with."""
    lines = [_families(), *_mappings(), *_policies()]
    try:
        settings = load_settings()
    except SettingsError as error:
        return [*lines, Line(what=error.setting, level=Level.WARNING, text=_problem(error))]
    lines.append(_region(settings))
    lines.append(_operator(settings))
    lines.extend(_webhooks(settings))
    lines.append(await _attempt("ANJU_DATABASE_URL", lambda: _database(settings)))
    if not lines[-1].is_error:
        lines.extend(await watching(settings))
    lines.append(await _attempt("ANJU_MQTT_URL", lambda: _broker(settings)))
    return lines


def _families() -> Line:
    from devices.registry import FAMILIES

    return Line(what="device families", level=Level.OK, text=", ".join(sorted(FAMILIES)))


def _mappings() -> list[Line]:
    """Every declared family by its file; what is wrong in an own one, by file and line.

    Read also where other settings are missing: whoever writes a mapping may have no server yet.
    """
    from gateway.mappings import read_own

    try:
        folder = mappings_folder()
    except SettingsError:
        folder = ""  # an anju.toml that cannot be read gets a line of its own
    lines = []
    for file, loaded in (shipped() | read_own(folder).files).items():
        lines += [Line(what=one.place, level=Level.ERROR, text=one.what) for one in loaded.problems]
        if loaded.family is not None:
            text = f"{loaded.family.name}, {len(loaded.family.samples)} samples as they should be"
            lines.append(Line(what=file, level=Level.OK, text=text))
    return lines


def _policies() -> list[Line]:
    """Every shipped region must be readable, and its ladders must end in the operator."""
    from care.policy import known_regions

    lines = []
    for region in known_regions():
        try:
            ladders = load_policy(region).ladders
            for severity, body in ladders.items():
                if not Policy.model_validate(body).ends_in_operator():
                    raise AnjuError(f"the ladder of {severity} does not end in the operator")
            lines.append(Line(what=f"region {region}", level=Level.OK, text="readable"))
        except (AnjuError, ValueError) as error:
            lines.append(Line(what=f"region {region}", level=Level.ERROR, text=str(error)))
    return lines


def _region(settings: Settings) -> Line:
    try:
        policy = load_policy(settings.region)
    except SettingsError as error:
        return Line(what="ANJU_REGION", level=Level.ERROR, text=_problem(error))
    return Line(what="ANJU_REGION", level=Level.OK, text=f"{policy.title_zh} {policy.document}")


def _problem(error: SettingsError) -> str:
    """Without the setting's name, which stands before it already."""
    return str(error).removeprefix(f"{error.setting}: ")


def _operator(settings: Settings) -> Line:
    what = "ANJU_OPERATOR_URL"
    if not settings.operator_url:
        return Line(
            what=what,
            level=Level.ERROR,
            text="未设置：无人应答时没有最后保障 / not set: nobody stands behind the ladder",
        )
    refusal = apprise_refusal(settings.operator_url)
    return Line(what=what, level=Level.ERROR if refusal else Level.OK, text=refusal or "usable")


def _webhooks(settings: Settings) -> list[Line]:
    lines = []
    for entry in settings.allowed_webhook_hosts:
        plain = entry.lower().startswith("http://")
        url = entry if "://" in entry else f"https://{entry}"
        refusal = webhook_refusal(url, settings.allowed_webhook_hosts)
        level = Level.ERROR if refusal else Level.WARNING if plain else Level.OK
        text = refusal or (f"{entry}: not encrypted" if plain else entry)
        lines.append(Line(what="ANJU_WEBHOOK_HOSTS", level=level, text=text))
    return lines


async def _attempt(what: str, look: Callable[[], Awaitable[str]]) -> Line:
    try:
        async with asyncio.timeout(5.0):
            return Line(what=what, level=Level.OK, text=await look())
    except TimeoutError:
        return Line(what=what, level=Level.ERROR, text="no answer within 5 s")
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        return Line(what=what, level=Level.ERROR, text=reason)


async def _database(settings: Settings) -> str:
    database = Database(settings.database_url)
    try:
        await database.ping()
    finally:
        await database.close()
    return "answers"


async def watching(settings: Settings) -> list[Line]:
    """Water meters that nobody chose a rule for (the built-in one is a city's, and coarse), and
    homes whose devices notice nothing, or notice late."""
    database = Database(settings.database_url)
    try:
        async with database.reading() as session:
            left = await unchosen_meters(session)
            watched = await census(session, SystemClock().now(), settings.timezone)
    except SQLAlchemyError:
        return []  # not brought up yet: `anju serve` does that
    finally:
        await database.close()
    more = "" if watched.is_whole else "+"
    counted = (
        (left, f"{left}", "watch rules", _UNCHOSEN),
        (watched.idle, f"{watched.idle}{more}", "watched by nothing", _IDLE),
        (watched.slow, f"{watched.slow}{more}", "watched slowly", _SLOW),
    )
    return [
        Line(what=what, level=Level.WARNING, text=text.format(n=shown))
        for number, shown, what, text in counted
        if number
    ]


_UNCHOSEN = (
    "{n} 块水表未选规则，按内置的粗规则（12 小时不足 10 升）判断；请在 /rules 选定 / "
    "{n} water meters follow the built-in coarse rule (12 h below 10 L): choose at /rules"
)
_IDLE = (
    "{n} 位老人家里有设备，却没有一台能发现异常（规则已关闭，或看不出来）；"
    "见 /devices?tab=unsupervised / "
    "{n} elders have devices of which none notices anything (rule off, or unable to tell): "
    "see /devices?tab=unsupervised"
)
_SLOW = (
    "{n} 位老人只有粗表或上报很稀的表看护，一天以后才能发现；见 /watch?show=unable / "
    "{n} elders are watched by a coarse or rare meter only, which tells after a day or later: "
    "see /watch?show=unable"
)


async def _broker(settings: Settings) -> str:
    endpoint = Endpoint.parse(settings.mqtt_url, settings.mqtt_ca)
    if endpoint.embedded:
        return "embedded: for demonstrations only, it keeps nothing"
    _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    writer.close()
    return f"{endpoint.host}:{endpoint.port} answers"
