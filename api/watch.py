"""The watch list: how near every home is to its limit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field

from alerting.detectors.view import moment, seconds
from alerting.watchlist import listing as watchlist
from alerting.watchlist.rows import Wanted, WatchRow
from alerting.watchlist.standing import share
from api.dependencies import Now, Reading, SightDep, allowed
from api.schemas import Filters, Ident, Out, PageOut, example
from care.model import Actor

router = APIRouter(tags=["homes and elders"])
_MARK = {
    "opens": "check",
    "limit_s": 33600,
    "at": "2026-03-01T11:40:00Z",
    "found": False,
}
_ASKING = {
    "check_id": "chk-7d0s2",
    "since": "2026-03-01T11:40:00Z",
    "until": "2026-03-01T11:50:00Z",
}
_COUNTS = {"near": 812, "soon": 3, "silent": 4, "learning": 9, "unable": 21, "away": 6}


class MarkOut(Out):
    """A level of the rule: passed at `at` if nothing is used until then."""

    model_config = Out.model_config | example(**_MARK)
    opens: Literal["check", "incident"]
    limit_s: int  # as it is at this moment
    at: datetime
    found: bool  # already, in this gap


class AskingOut(Out):
    """The check that runs; unanswered it ends with an incident at `until`."""

    model_config = Out.model_config | example(**_ASKING)
    check_id: str
    since: datetime
    until: datetime | None


class WatchOut(Out):
    model_config = Out.model_config | example(
        home_id="home-2j8dq",
        device_id="meter-1",
        area_id="area-5p2v0",
        address="演示路 1 号",
        elders=[{"id": "elder-9w3k7", "name": "李桂兰"}],
        state="watched",
        why=None,
        rule="adaptive",
        last_use_at="2026-03-01T02:20:00Z",
        restarted_at=None,
        last_reading_at="2026-03-01T08:00:00Z",
        last_heard_at="2026-03-01T08:00:00Z",
        share=0.61,
        marks=[_MARK],
        grade="fine",
        interval_s=3600,
        pulse_l=1.0,
        delay_s=52200,
        learning_day=None,
        until=None,
        incident_id=None,
        asking=False,
        check=None,
    )
    home_id: str
    device_id: str | None  # null: somebody who lives alone and has no meter
    area_id: str | None
    address: str
    elders: list[dict[str, str]]
    state: Literal["watched", "unable", "silent", "away"]
    why: str | None  # what is wrong; of a watched one: why its rule can do little
    rule: str | None
    last_use_at: datetime | None  # null: no use was ever seen, or none since `restarted_at`
    restarted_at: datetime | None  # counts from here: a word of life, or an absence or cut ended
    last_reading_at: datetime | None
    last_heard_at: datetime | None
    share: float | None  # of the time to the next limit; null: none runs
    marks: list[MarkOut]
    grade: str | None  # of the meter, by an adaptive rule: fine sparse coarse blind dark
    interval_s: int | None  # between readings, as recognised
    pulse_l: float | None
    delay_s: int | None  # the longest that the home may lie unnoticed
    learning_day: int | None  # of 28
    until: datetime | None  # of an absence
    incident_id: str | None
    asking: bool  # a check runs
    check: AskingOut | None


class WatchCounts(Out):
    """Homes in each section. `soon`: those of `near` whose limit has passed or comes in 2 h."""

    model_config = Out.model_config | example(**_COUNTS)
    near: int
    soon: int
    silent: int
    learning: int
    unable: int
    away: int


class WatchPageOut(PageOut[WatchOut]):
    """One section, and how many homes each section has."""

    model_config = example(items=[], next_cursor=None, counts=_COUNTS)
    counts: WatchCounts


class WatchFilters(Filters):
    show: watchlist.Show = "near"
    area_id: Ident | None = None
    q: Annotated[str, Field(max_length=100)] = ""


@router.get("/watch", summary="List homes by how near they are to their limit")
async def list_watched(
    request: Request,
    _actor: Annotated[Actor, allowed("devices.read")],
    sight: SightDep,
    session: Reading,
    now: Now,
    query: Annotated[WatchFilters, Query()],
) -> WatchPageOut:
    """One section: `near` (nearest first), `silent`, `learning`, `unable`, `away`."""
    wanted = Wanted(show=query.show, area_id=query.area_id or "", q=query.q)
    zone = request.app.state.services.settings.timezone
    found = await watchlist.watchlist(session, sight, query.page, wanted, now, zone)
    counts = {**found.counts, "soon": found.soon}
    return WatchPageOut.model_validate(
        {
            "items": [_shown(row, seconds(now)) for row in found.items],
            "next_cursor": found.next_cursor,
            "counts": counts,
        }
    )


def _shown(row: WatchRow, now: int) -> dict[str, Any]:
    standing = row.standing
    used_at = moment(standing.used_at)
    return {
        "home_id": row.home_id,
        "device_id": row.device_id,
        "area_id": row.area_id,
        "address": row.address,
        "elders": [{"id": one.id, "name": one.name} for one in row.residents],
        "state": standing.verdict,
        "why": row.doubt or standing.why or None,
        "rule": standing.rule or None,
        "last_use_at": used_at if standing.use_seen and not standing.said else None,
        "restarted_at": used_at if standing.said else None,
        "last_reading_at": moment(standing.read_at) if standing.read_at else None,
        "last_heard_at": row.heard_at,
        "share": round(share(standing, now), 3) if standing.marks else None,
        "marks": [
            {
                "opens": mark.opens,
                "limit_s": mark.limit_s,
                "at": moment(mark.at),
                "found": mark.found,
            }
            for mark in standing.marks
        ],
        "grade": standing.grade,
        "interval_s": standing.every_s or None,
        "pulse_l": standing.pulse_l or None,
        "delay_s": standing.delay_s or None,
        "learning_day": standing.day or None,
        "until": row.until,
        "incident_id": row.incident_id,
        "asking": row.asking is not None,
        "check": asdict(row.asking) if row.asking is not None else None,
    }
