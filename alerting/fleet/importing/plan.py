"""What an import would do with each row: register it, leave it, or say why it cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.fleet.importing.rows import NATIVE, Line, Lines, Problem, plain
from alerting.queries import sight_of, visible_devices
from care.equipment import MqttCredentials
from care.model import Actor
from care.queries import in_scope, visible_elders, visible_homes
from care.tables import Binding, Device, Elder, Home, Source

_ASKED_AT_ONCE = 400
_SHOWN_CANDIDATES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A row with its verdict: `new`, `there`, `example`, `wrong`; `imported` once stored."""

    line: Line
    verdict: str
    problems: tuple[Problem, ...] = ()
    device: Mapping[str, Any] = field(default_factory=dict)  # what `register_device` is handed
    extras: Mapping[str, str] = field(default_factory=dict)  # model and vendor
    credentials: MqttCredentials | None = None

    def refused(self, *problems: Problem) -> Planned:
        return replace(self, verdict="wrong", problems=problems, device={})


async def plan(session: AsyncSession, actor: Actor, lines: Lines) -> tuple[Planned, ...]:
    """Judge every row against what is stored, in a few queries; changes nothing."""
    good = [line for line in lines.lines if not line.problems and not line.is_example]
    books = await _Books.open(session, actor, good)
    return tuple(_planned(line, books) for line in lines.lines)


def _planned(line: Line, books: _Books) -> Planned:
    if line.is_example:
        return Planned(line=line, verdict="example")
    if line.problems:
        return Planned(line=line, verdict="wrong", problems=line.problems)
    values = line.values
    source, trouble = books.source(values)
    elder, elder_trouble = books.elder(values)
    home, home_trouble = (None, None) if elder else books.home(values)
    problems = [one for one in (trouble, elder_trouble, home_trouble) if one is not None]
    if problems or source is None:
        return Planned(line=line, verdict="wrong", problems=tuple(problems))
    planned = Planned(
        line=line,
        verdict="new",
        device={
            "device_id": values["id"],
            "family": source.family,
            "role": values["role"],
            "source_id": None if source.id == NATIVE else source.id,
            "child_id": None if source.id == NATIVE else values["child_id"],
            "elder_id": elder.id if elder else None,
            "home_id": home.id if home else None,
            "room": values["room"] or None,
        },
        extras={"model": values["model"], "vendor": values["vendor"]},
    )
    return books.compared(planned, source.id, elder, home)


@dataclass(kw_only=True)
class _Books:
    """What is stored about the names in a file, as far as the caller may see it."""

    sources: Sequence[Source]
    elders: Sequence[tuple[Elder, Home]]
    homes: Sequence[Home]
    devices: Mapping[str, tuple[Device, Binding | None, bool]]  # the last: may the caller see it
    children: Mapping[tuple[str, str], str]  # (source id, child id) → device id

    @classmethod
    async def open(cls, session: AsyncSession, actor: Actor, lines: Sequence[Line]) -> _Books:
        sight = sight_of(actor)
        native = Source(id=NATIVE, name=NATIVE, family=NATIVE)
        sources = (
            await session.scalars(select(Source).where(in_scope(Source.area_id, actor.scope)))
        ).all()
        names, places = _texts(lines, "elder"), _texts(lines, "home")
        elders: list[tuple[Elder, Home]] = []
        for some in _pieces(names):
            by = or_(Elder.id.in_(some), Elder.name.in_(some))
            query = select(Elder, Home).join(Home, Home.id == Elder.home_id)
            rows = await session.execute(query.where(visible_elders(sight), by))
            elders += [(row[0], row[1]) for row in rows]
        homes: list[Home] = []
        for some in _pieces(places):
            by = or_(Home.id.in_(some), Home.address.in_(some), Home.name.in_(some))
            homes += (await session.scalars(select(Home).where(visible_homes(sight), by))).all()
        devices = await _devices(session, visible_devices(sight), lines)
        children = {
            (one.source_id, one.child_id): one.id if may_see else "?"
            for one, _binding, may_see in devices.values()
        }
        return cls(
            sources=[*(one for one in sources if one.id != NATIVE), native],
            elders=elders,
            homes=homes,
            devices=devices,
            children=children,
        )

    def source(self, values: Mapping[str, str]) -> tuple[Source | None, Problem | None]:
        wanted, family = values["source"], values["family"]
        found = [one for one in self.sources if wanted in (one.id, one.name)]
        if not found:
            names = [one.name for one in self.sources if one.id != NATIVE][:10]
            return None, Problem("source", wanted, "unknown_source", {"names": names})
        if len(found) > 1:
            ids = [one.id for one in found][:_SHOWN_CANDIDATES]
            return None, Problem("source", wanted, "many_sources", {"ids": ids})
        if family and found[0].family != family:
            facts = {"family": found[0].family}
            return None, Problem("family", family, "other_family", facts)
        return found[0], None

    def elder(self, values: Mapping[str, str]) -> tuple[Elder | None, Problem | None]:
        """By id, or by name; a telephone or an address tells two of one name apart."""
        wanted, phone, place = values["elder"], values["phone"], values["home"]
        if not wanted:
            return None, None
        named = [(e, h) for e, h in self.elders if wanted in (e.id, e.name)]
        if not named:
            return None, Problem("elder", wanted, "unknown_elder")
        fitting = [
            (e, h) for e, h in named if _same_phone(phone, e.phone) and _same_place(place, h)
        ]
        if not fitting:
            return None, Problem("elder", wanted, "elder_differs", _addresses(named))
        if len({e.id for e, _ in fitting}) > 1:
            return None, Problem("elder", wanted, "many_elders", _addresses(fitting))
        return fitting[0][0], None

    def home(self, values: Mapping[str, str]) -> tuple[Home | None, Problem | None]:
        wanted = values["home"]
        if not wanted:
            return None, None
        found = {one.id: one for one in self.homes if _same_place(wanted, one)}
        exact = [one for one in found.values() if wanted in (one.id, one.address, one.name)]
        if not exact:
            return None, Problem("home", wanted, "unknown_home")
        if len(exact) > 1:
            ids = [one.id for one in exact][:_SHOWN_CANDIDATES]
            return None, Problem("home", wanted, "many_homes", {"ids": ids})
        return exact[0], None

    def compared(
        self, planned: Planned, source_id: str, elder: Elder | None, home: Home | None
    ) -> Planned:
        """Nothing is changed by an import: what is there is left, or told apart."""
        values = planned.line.values
        known = self.devices.get(values["id"])
        if known is None:
            owner = self.children.get((source_id, values["child_id"]))
            if owner is None:
                return planned
            return planned.refused(
                Problem("child_id", values["child_id"], "child_taken", {"device": owner})
            )
        row, binding, may_see = known
        if not may_see:
            return planned.refused(Problem("id", row.id, "id_taken"))
        bound_home = binding.home_id if binding else None
        bound_elder = binding.elder_id if binding else None
        pairs = (
            ("source", row.source_id, source_id),
            ("child_id", row.child_id, values["child_id"]),
            ("role", row.role, values["role"]),
            ("elder", bound_elder, elder.id if elder else None),
            ("home", bound_home, elder.home_id if elder else home.id if home else None),
        )
        differs = [name for name, stored, told in pairs if stored != told]
        if not row.active:
            differs.append("active")
        if differs:
            facts = {"differs": differs}
            return planned.refused(Problem("id", row.id, "registered_otherwise", facts))
        return replace(planned, verdict="there", device={})


async def _devices(
    session: AsyncSession, visible: ColumnElement[bool], lines: Sequence[Line]
) -> dict[str, tuple[Device, Binding | None, bool]]:
    found: dict[str, tuple[Device, Binding | None, bool]] = {}
    bound = and_(Binding.device_id == Device.id, Binding.valid_to.is_(None))
    ids, children = _texts(lines, "id"), _texts(lines, "child_id")
    sources = select(Source.id)  # an index entry begins with its source
    ways: list[ColumnElement[bool]] = [Device.id.in_(some) for some in _pieces(ids)]
    ways += [
        and_(Device.source_id.in_(sources), Device.child_id.in_(some)) for some in _pieces(children)
    ]
    for way in ways:
        rows = await session.execute(
            select(Device, Binding, visible).outerjoin(Binding, bound).where(way)
        )
        found |= {row[0].id: (row[0], row[1], bool(row[2])) for row in rows}
    return found


def _texts(lines: Sequence[Line], name: str) -> list[str]:
    return list(dict.fromkeys(line.values[name] for line in lines if line.values[name]))


def _pieces(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[i : i + _ASKED_AT_ONCE] for i in range(0, len(texts), _ASKED_AT_ONCE))


def _same_phone(told: str, stored: str | None) -> bool:
    """Nothing told fits anybody; otherwise the same digits, with or without +86."""
    digits, others = (re.sub(r"\D", "", text or "") for text in (told, stored))
    return not digits or (len(digits) >= 4 and others.endswith(digits.removeprefix("86")))


def _same_place(told: str, home: Home) -> bool:
    if not told or told in (home.id, home.name):
        return True
    return plain(told) in plain(home.address)


def _addresses(candidates: Iterable[tuple[Elder, Home]]) -> dict[str, Any]:
    places = [home.address or home.id for _, home in candidates]
    return {"places": list(dict.fromkeys(places))[:_SHOWN_CANDIDATES]}
