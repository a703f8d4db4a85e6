"""A home under the adaptive rule whose findings a story decides, and the elder who is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from alerting.finding import Finding, Severity, Sign
from alerting.handling import lessons
from alerting.handling.opening import apply_finding
from alerting.intake.store import load_devices
from alerting.intake.whose import whose_is
from alerting.tables import Check, Incident, Notice
from alerting.telling.links import CHECK, make_link
from simulators.fake_phone import PhoneMessage
from tests.support.world import SECRET_KEY, World

ELDER_PHONE = "+8613900000000"
METER = "water-1"
GAP_H = 9


class QuietHome:
    """An elder with a water meter; a story says what the meter's detector finds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.elder: dict[str, Any] = {}

    async def begin(self, *, phones: bool = True, contacts: int = 1, **elder: Any) -> QuietHome:
        if phones:
            await self.world.phone_channels()
        self.elder = await self.world.elder(contacts=contacts, **elder)
        rules = {"no_water_use": {"preset": "adaptive"}}
        home = self.elder["home_id"]
        await self.world.device(METER, "water_meter", home_id=home, rules=rules)
        return self

    async def finds(self, sign: str = "rose", opens: str | None = "check") -> Incident | None:
        """The detector finds stillness (or its end), as from a reading that just came."""
        now = self.world.clock.now()
        facts: dict[str, Any] = {"since": (now - timedelta(hours=GAP_H)).isoformat()}
        facts |= {"idle_s": GAP_H * 3600, "limit_s": 8 * 3600, "level": 1, "used_l": 0.0}
        facts |= {"since_known": True, "last_reading_at": now.isoformat()}
        if opens is not None:
            facts["opens"] = opens
        finding = Finding(
            kind="no_water_use",
            severity=Severity.WELFARE,
            sign=Sign(sign),
            at=now,
            reason="no use for longer than usual",
            facts=facts,
        )
        async with self.world.services.db.transaction() as session:
            device = (await load_devices(session, [METER], "Asia/Shanghai"))[METER]
            whose = await whose_is(session, (device.source_id, device.child_id), device, now)
            incident = await apply_finding(session, finding, whose, now)
            await lessons.learn(session)
        await self.world.settle()
        return incident

    # ── what is asked, and answered ───────────────────────────────────────────────────────────

    async def checks(self) -> list[Check]:
        async with self.world.services.db.reading() as session:
            return list(await session.scalars(select(Check).order_by(Check.opened_at)))

    async def check(self) -> Check:
        [one] = await self.checks()
        return one

    async def questions(self) -> list[Notice]:
        async with self.world.services.db.reading() as session:
            query = select(Notice).where(Notice.check_id.is_not(None))
            return list(await session.scalars(query.order_by(Notice.created_at, Notice.id)))

    def calls(self, phone: str = ELDER_PHONE) -> list[PhoneMessage]:
        return self.world.phone.messages(to=phone, kind="call")

    def messages(self, phone: str = ELDER_PHONE) -> list[PhoneMessage]:
        return self.world.phone.messages(to=phone, kind="sms")

    async def presses(self, key: str, phone: str = ELDER_PHONE) -> None:
        """The latest call is picked up, and a key pressed in it."""
        self.world.phone.answer(self.calls(phone)[-1].id, key)
        await self.world.phone.tick()
        await self.world.settle()

    async def link(self, channel: str = "sms") -> str:
        [*_, notice] = [one for one in await self.questions() if one.channel == channel]
        return f"/c/{make_link(SECRET_KEY, notice.id, CHECK)}"

    async def looks(self, link: str) -> str:
        answer = await self.world.admin.client.get(link)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def answers(self, link: str, **fields: str) -> str:
        """A button of the link's page; what the page shows then."""
        answer = await self.world.admin.client.post(link, data=fields, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        await self.world.settle()
        return answer.text
