"""Installation tests of a device, putting it in service, and its log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.commissioning import result_now
from alerting.fleet import testing
from alerting.queries import device, sight_of
from api.dependencies import Now, Reading, Writing, allowed
from api.devices import DeviceOut
from api.devices import shown as device_shown
from api.problems import refusal
from api.schemas import Body, Filters, Flag, Ident, Out, PageOut, Text, example, page_of
from care.model import Actor
from care.tables import DeviceLog, DeviceTest

router = APIRouter(prefix="/devices/{device_id}", tags=["sources and devices"])
_TAKEN: dict[int | str, dict[str, Any]] = {
    409: refusal("Somebody tests it already, or it is over; `detail` says who.")
}


class DeviceTestIn(Body):
    model_config = Body.model_config | example(kind="smoke", ring_contact=False)
    kind: Ident | None = Field(None, description="What is waited for; null: by the role.")
    ring_contact: Flag = Field(False, description="The first contact's phone rings, too.")


class DeviceTestOut(Out):
    model_config = Out.model_config | example(
        id="test-5k2m8",
        device_id="smoke-7",
        kind="smoke",
        user_id="usr-0r5t1",
        opened_at="2026-03-01T00:15:00Z",
        expires_at="2026-03-01T00:30:00Z",
        consumed_at=None,
        ended_at=None,
        result="waiting",
        notice_id=None,
        data={},
    )
    id: str
    device_id: str
    kind: str
    user_id: str
    opened_at: datetime
    expires_at: datetime  # once consumed: until when a level may stay on and be the test
    consumed_at: datetime | None
    ended_at: datetime | None
    result: str  # waiting passed cancelled expired
    notice_id: str | None  # the drill that rang the tester's phone
    data: dict[str, Any]  # `said`: the press; `other`: what else was said, and why it did not count


class PutInServiceIn(Body):
    model_config = Body.model_config | example(reason="表计无按键，读数核对一致")
    reason: Text


class DeviceLogOut(Out):
    model_config = Out.model_config | example(
        id="41",
        at="2026-03-01T00:16:10Z",
        kind="test_passed",
        actor="陈探访",
        actor_id="usr-0r5t1",
        data={"awaited": "smoke", "test": "test-5k2m8"},
    )
    id: str
    at: datetime
    kind: str
    actor: str
    actor_id: str | None
    data: dict[str, Any]


def _shown(row: DeviceTest, now: datetime) -> DeviceTestOut:
    shown = DeviceTestOut.model_validate(row)
    return shown.model_copy(update={"result": result_now(row.result, row.expires_at, now)})


def _entry(row: DeviceLog) -> DeviceLogOut:
    return DeviceLogOut(
        id=str(row.id),
        at=row.at,
        kind=row.kind,
        actor=row.actor,
        actor_id=row.actor_id,
        data=row.data,
    )


@router.post(
    "/tests",
    summary="Open a test window",
    status_code=201,
    response_model=DeviceTestOut,
    responses=_TAKEN,
)
async def create_device_test(
    actor: Annotated[Actor, allowed("devices.enrol")],
    session: Writing,
    now: Now,
    device_id: str,
    body: DeviceTestIn,
) -> DeviceTestOut:
    """For 15 minutes the first press of this kind, by this device, is the test and no alarm; it
    rings your own phone as a drill. Everything else is an actual alarm."""
    row = await testing.open_window(
        session, actor, now, device_id, kind=body.kind, ring_contact=body.ring_contact
    )
    return _shown(row, now)


@router.get("/tests", summary="List a device's tests", response_model=PageOut[DeviceTestOut])
async def list_device_tests(
    actor: Annotated[Actor, allowed("devices.read")],
    session: Reading,
    now: Now,
    device_id: str,
    query: Annotated[Filters, Query()],
) -> dict[str, Any]:
    """Latest first."""
    page = await testing.tests(session, actor, device_id, query.page)
    return page_of(page, (_shown(row, now) for row in page.items))


@router.post(
    "/tests/{test_id}/cancel",
    summary="Cancel a test",
    response_model=DeviceTestOut,
    responses=_TAKEN,
)
async def cancel_device_test(
    actor: Annotated[Actor, allowed("devices.enrol")],
    session: Writing,
    now: Now,
    device_id: str,
    test_id: str,
) -> DeviceTestOut:
    """From now on every press is an actual alarm again."""
    return _shown(await testing.cancel(session, actor, now, device_id, test_id), now)


@router.post(
    "/put-in-service",
    summary="Put a device in service by hand",
    response_model=DeviceOut,
    responses=_TAKEN,
)
async def put_device_in_service(
    actor: Annotated[Actor, allowed("devices.enrol")],
    session: Writing,
    now: Now,
    device_id: str,
    body: PutInServiceIn,
) -> DeviceOut:
    """For what cannot be pressed; the reason stays on record."""
    await testing.put_in_service(session, actor, now, device_id, body.reason)
    return device_shown(await device(session, sight_of(actor), device_id))


@router.get("/log", summary="A device's log", response_model=PageOut[DeviceLogOut])
async def list_device_log(
    actor: Annotated[Actor, allowed("devices.read")],
    session: Reading,
    device_id: str,
    query: Annotated[Filters, Query()],
) -> dict[str, Any]:
    """Latest first: enrolled, tested, bound anew, replaced."""
    page = await testing.log(session, actor, device_id, query.page)
    return page_of(page, map(_entry, page.items))
