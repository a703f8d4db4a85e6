"""The left side of the desk: every incident that needs somebody, and the figures above it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.escalation import Policy
from alerting.finding import Severity
from alerting.incident import FINAL, UNATTENDED, Stage
from alerting.tables import Channel, Incident
from alerting.telling.policies import stamped_policy
from care.model import Scope
from care.queries import in_scope
from care.status import returned_lately, reviews_overdue
from care.tables import Area, Elder, Home
from console.icons import icon_of_kind
from console.outlook import Outlook, outlook
from console.stillness import Stillness, stillness_of

QUEUE_LIMIT = 300
"""More rows than this nobody reads; the counters still count all."""

SHOWS = ("all", "open", "working", "checks", "following", "technical")
_WORKING = tuple(stage.value for stage in UNATTENDED if stage is not Stage.OPEN)
_FINAL = tuple(stage.value for stage in FINAL)
_TECHNICAL = "technical"

_policies: dict[tuple[str, int], Policy] = {}  # a version of a policy never changes


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A resident as far as a row shows one."""

    name: str
    birth_date: date | None
    categories: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueRow:
    """One incident in the queue. `people` is empty for devices that belong to nobody yet."""

    id: str
    kind: str
    severity: str
    stage: str
    condition: str
    mode: str
    confidence: str
    facts: Mapping[str, Any]
    owner_id: str | None
    owner_name: str | None
    opened_at: datetime
    since: datetime  # when it got into its stage
    findings: int
    people: tuple[Person, ...]
    place: str
    device: str
    outlook: Outlook | None
    area_id: str | None = None

    @property
    def icon(self) -> str:
        return icon_of_kind(self.kind)

    @property
    def still(self) -> Stillness | None:
        return stillness_of(self.kind, self.facts)

    @property
    def owned(self) -> bool:
        """Somebody has it in hand: the bar of the row is hollow."""
        return self.stage != Stage.OPEN


@dataclass(frozen=True, kw_only=True, slots=True)
class Counters:
    """Figures above the queue. `quick_pct` is None while there is nothing to judge today."""

    open: int = 0
    working: int = 0
    following: int = 0
    technical: int = 0
    checks: int = 0  # questions to elders that are not answered yet
    today: int = 0
    quick_pct: int | None = None
    reviews: int = 0  # statuses that wait for a person
    returned: int = 0  # absences that ended by themselves within a day

    @property
    def all(self) -> int:
        return self.open + self.working + self.following + self.technical


async def load_queue(
    session: AsyncSession, scope: Scope, show: str = "all"
) -> tuple[QueueRow, ...]:
    """Rows in the order of the desk: cases before follow-ups, then severity, nobody's first, age.

    Two queries however long the queue is.
    """
    following = case((Incident.stage == Stage.FOLLOWING_UP, 1), else_=0)
    owned = case((Incident.stage == Stage.OPEN, 0), else_=1)
    query = (
        select(
            Incident.id,
            Incident.kind,
            Incident.severity,
            Incident.stage,
            Incident.condition,
            Incident.mode,
            Incident.confidence,
            Incident.facts,
            Incident.owner_id,
            Incident.owner_name,
            Incident.opened_at,
            Incident.stage_changed_at,
            Incident.findings,
            Incident.subject,
            Incident.home_id,
            Incident.area_id,
            Incident.device_id,
            Incident.source_id,
            Incident.child_id,
            Incident.step,
            Incident.round,
            Incident.due_at,
            Incident.due_kind,
            Incident.policy_id,
            Incident.policy_version,
            Elder.name.label("elder_name"),
            Elder.birth_date,
            Elder.categories,
            Home.address,
            Area.name.label("area_name"),
        )
        .outerjoin(Elder, Elder.id == Incident.elder_id)
        .outerjoin(Home, Home.id == Incident.home_id)
        .outerjoin(Area, Area.id == Incident.area_id)
        .where(Incident.stage.not_in(_FINAL), in_scope(Incident.area_id, scope), _shown(show))
        .order_by(following, Incident.severity_rank, owned, Incident.opened_at, Incident.id)
        .limit(QUEUE_LIMIT)
    )
    # Whoever said that they need help comes before those whom only a meter speaks for.
    found = sorted((await session.execute(query)).all(), key=_urgency)
    residents = await load_residents(session, (shared_home(row) for row in found))
    policies = await load_policies(session, {(row.policy_id, row.policy_version) for row in found})
    return tuple(
        _row(row, residents, policies[(row.policy_id, row.policy_version)]) for row in found
    )


def _shown(show: str) -> ColumnElement[bool]:
    technical = Incident.severity == _TECHNICAL
    conditions: dict[str, ColumnElement[bool]] = {
        "open": and_(Incident.stage == Stage.OPEN, ~technical),
        "working": and_(Incident.stage.in_(_WORKING), ~technical),
        "following": and_(Incident.stage == Stage.FOLLOWING_UP, ~technical),
        "technical": technical,
        "checks": Incident.id.is_(None),  # none: checks are rows of their own
    }
    return conditions.get(show, Incident.id.is_not(None))


def _row(row: Any, residents: Mapping[str, Sequence[Person]], policy: Policy | None) -> QueueRow:
    people: Iterable[Person] = residents.get(shared_home(row), ())
    if not people and row.elder_name is not None:
        people = (
            Person(
                name=row.elder_name, birth_date=row.birth_date, categories=tuple(row.categories)
            ),
        )
    return QueueRow(
        id=row.id,
        kind=row.kind,
        severity=row.severity,
        stage=row.stage,
        condition=row.condition,
        mode=row.mode,
        confidence=row.confidence,
        facts=row.facts,
        owner_id=row.owner_id,
        owner_name=row.owner_name,
        opened_at=row.opened_at,
        since=row.stage_changed_at,
        findings=row.findings,
        people=tuple(people),
        place=row.address or row.area_name or "",
        device=row.device_id or row.child_id or row.source_id or "",
        area_id=row.area_id,
        outlook=outlook(row.stage, row.due_kind, row.due_at, row.step, row.round, policy),
    )


def shared_home(incident: Any) -> str:
    """The home whose residents an incident concerns, one and all; "" for a worn device's."""
    return incident.home_id or "" if incident.subject.startswith("home:") else ""


def _urgency(row: Any) -> tuple[bool, int, bool]:
    is_following = row.stage == Stage.FOLLOWING_UP
    return is_following, Severity(row.severity).rank, not row.facts.get("help")


async def load_residents(
    session: AsyncSession, home_ids: Iterable[str]
) -> dict[str, tuple[Person, ...]]:
    """Home id → who lives there; those who moved out or died are not looked for any more."""
    wanted = set(home_ids) - {""}
    if not wanted:
        return {}
    query = (
        select(Elder.home_id, Elder.name, Elder.birth_date, Elder.categories)
        .where(Elder.home_id.in_(wanted), Elder.status.not_in(("moved", "deceased")))
        .order_by(Elder.created_at, Elder.id)
    )
    found: dict[str, tuple[Person, ...]] = {}
    for home_id, name, birth_date, categories in (await session.execute(query)).all():
        person = Person(name=name, birth_date=birth_date, categories=tuple(categories))
        found[home_id] = (*found.get(home_id, ()), person)
    return found


async def load_policies(
    session: AsyncSession, keys: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], Policy | None]:
    """The stamped ladders; one that is gone costs the preview, never the page."""
    result: dict[tuple[str, int], Policy | None] = {}
    for key in keys:
        if key not in _policies:
            try:
                _policies[key] = await stamped_policy(session, *key)
            except LookupError:
                result[key] = None
                continue
        result[key] = _policies[key]
    return result


async def load_counters(
    session: AsyncSession, scope: Scope, midnight: datetime, now: datetime
) -> Counters:
    """Open work by stage, and how quickly today's alarms (technical ones aside) were taken."""
    visible = in_scope(Incident.area_id, scope)
    groups = await session.execute(
        select(Incident.stage, Incident.severity, func.count())
        .where(Incident.stage.not_in(_FINAL), visible)
        .group_by(Incident.stage, Incident.severity)
    )
    counts = {"open": 0, "working": 0, "following": 0, "technical": 0}
    for stage, severity, number in groups.all():
        counts[_group(stage, severity)] += number
    times = await session.execute(
        select(Incident.opened_at, Incident.acknowledged_at).where(
            Incident.opened_at >= midnight,
            Incident.severity != _TECHNICAL,
            Incident.mode == "actual",
            visible,
        )
    )
    today = times.all()
    return Counters(
        **counts,
        today=len(today),
        quick_pct=quick_share([(row[0], row[1]) for row in today], now),
        reviews=await reviews_overdue(session, scope, now),
        returned=await returned_lately(session, scope, now),
    )


def _group(stage: str, severity: str) -> str:
    if severity == _TECHNICAL:
        return _TECHNICAL
    return {Stage.OPEN: "open", Stage.FOLLOWING_UP: "following"}.get(Stage(stage), "working")


QUICK = timedelta(seconds=60)


def quick_share(times: Sequence[tuple[datetime, datetime | None]], now: datetime) -> int | None:
    """Per cent of (opened, acknowledged) pairs taken within 60 s; younger ones do not count yet."""
    judged = [(a, b) for a, b in times if b is not None or now - a > QUICK]
    if not judged:
        return None
    quick = sum(1 for opened, taken in judged if taken is not None and taken - opened <= QUICK)
    return 100 * quick // len(judged)


async def last_channel_ok(session: AsyncSession) -> datetime | None:
    """When a notice last went out: an empty queue should be known to be calm, not deaf."""
    return await session.scalar(select(func.max(Channel.last_ok_at)))


def midnight_of(now: datetime, zone: Any) -> datetime:
    """The start of the local day, in UTC."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
