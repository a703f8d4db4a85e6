"""A source may own more than its prefix: Tasmota answers on `stat` what is asked below `tele`."""

from __future__ import annotations

from care.tables import Source
from core.services import Services
from devices.event import Message
from gateway.routes import ForeignRouter, foreign_filters


async def _add(services: Services, ident: str, family: str, prefix: str) -> None:
    now = services.clock.now()
    async with services.db.transaction() as session:
        session.add(Source(id=ident, name=ident, family=family, prefix=prefix, created_at=now))


async def _owners(services: Services, *topics: str) -> list[str | None]:
    now = services.clock.now()
    messages = [Message(topic=topic, payload=b"{}", received_at=now) for topic in topics]
    routes = await ForeignRouter(services)(messages)
    return [None if route is None else route.source_id for route in routes]


async def test_answers_belong_to_the_source_that_measures(services: Services) -> None:
    await _add(services, "plugs", "tasmota", "tele")
    filters = await foreign_filters(services)
    assert {"tele/#", "stat/#"} <= set(filters)
    owners = await _owners(services, "tele/tv/SENSOR", "stat/tv/RESULT", "cmnd/tv/POWER")
    assert owners == ["plugs", "plugs", None]


async def test_a_prefix_of_its_own_comes_before_what_another_owns_beside_it(
    services: Services,
) -> None:
    await _add(services, "odd", "zigbee2mqtt", "stat")
    await _add(services, "plugs", "tasmota", "tele")
    assert await _owners(services, "stat/tv/RESULT") == ["odd"]


async def test_a_device_may_be_a_source_of_its_own(services: Services) -> None:
    await _add(services, "hall", "shelly-gen2", "shellyplussmoke-80646fc1b2a3")
    (owner,) = await _owners(services, "shellyplussmoke-80646fc1b2a3/events/rpc")
    assert owner == "hall"
