"""The fake phone over HTTP: the provider's API, the telephones' API, and a page to answer on."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Form, Header, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.ids import new_id
from simulators.fake_phone import FakePhone, dialled
from simulators.phone_messages import CallState, Kind, PhoneMessage, Refused, Rule

_PAGES = Path(__file__).parent / "pages"
_TICK_S = 0.25
_LINK = re.compile(r"https?://[^\s<>\"'，。；：！）】]+")
_STATES = {
    CallState.SENT: "发送中 sending",
    CallState.RINGING: "正在响 ringing",
    CallState.ANSWERED: "已接听 answered",
    CallState.DELIVERED: "已送达 delivered",
    CallState.BUSY: "占线或挂断 busy",
    CallState.NO_ANSWER: "无人接听 no answer",
    CallState.FAILED: "未送达 failed",
}


class _Sent(BaseModel):
    """What Anju's `sms` and `call` channels post."""

    id: str = Field(min_length=1, max_length=200)
    to: str = Field(min_length=1, max_length=40)
    text: str = Field(max_length=4000)
    callback: str = Field("", max_length=2000)


class _Apprise(BaseModel):
    """What Apprise posts to a `json://` address: Anju's operator, the last resort."""

    title: str = ""
    message: str = Field(max_length=4000)


class _Answer(BaseModel):
    key: str | None = Field(None, pattern=r"^[0-9*#]$")


class _RuleFor(BaseModel):
    """A number and how it behaves; what is left out is off."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(min_length=1, max_length=40)
    answers: bool | None = None
    key: str | None = Field("1", pattern=r"^[0-9*#]$")
    busy: bool = False
    fails: bool = False
    temporary: bool = False
    permanent: bool = False
    times: int | None = Field(None, ge=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """One telephone on the page."""

    number: str
    name: str
    messages: list[PhoneMessage]  # newest first
    ringing: bool


def create_app(phone: FakePhone, *, zone: ZoneInfo | None = None) -> FastAPI:
    """The application; while it runs, it lets `phone` live by its clock."""
    app = FastAPI(title="Fake phone", lifespan=_lifespan(phone))
    _add_provider(app, phone)
    _add_telephones(app, phone)
    _add_page(app, phone, _templates(zone or ZoneInfo("Asia/Shanghai")))

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        headers = {"Retry-After": "1"} if error.status == 503 else None
        return JSONResponse({"reason": error.reason}, error.status, headers=headers)

    return app


def _add_provider(app: FastAPI, phone: FakePhone) -> None:
    async def take(kind: Kind, request: Request, signature: str | None) -> dict[str, str]:
        body = await request.body()
        phone.verify(body, signature)
        try:
            sent = _Sent.model_validate_json(body)
        except ValidationError as error:
            raise Refused(400, str(error)) from error
        message = phone.accept(
            kind, delivery_id=sent.id, to=sent.to, text=sent.text, callback=sent.callback
        )
        return {"id": message.id}

    @app.post("/sms", status_code=202)
    async def sms(
        request: Request, x_anju_signature: Annotated[str | None, Header()] = None
    ) -> dict[str, str]:
        return await take("sms", request, x_anju_signature)

    @app.post("/calls", status_code=202)
    async def calls(
        request: Request, x_anju_signature: Annotated[str | None, Header()] = None
    ) -> dict[str, str]:
        return await take("call", request, x_anju_signature)

    @app.post("/operator", status_code=202)
    async def operator(sent: _Apprise) -> dict[str, str]:
        """Unsigned, for Apprise signs nothing: `ANJU_OPERATOR_URL=json://host:port/operator`."""
        text = f"{sent.title} {sent.message}".strip()
        message = phone.accept(
            "sms", delivery_id=new_id("op"), to="operator", text=text, callback=""
        )
        return {"id": message.id}


def _add_telephones(app: FastAPI, phone: FakePhone) -> None:
    @app.get("/messages")
    async def messages(
        to: str | None = None, kind: Kind | None = None, since: datetime | None = None
    ) -> list[dict[str, Any]]:
        if since is not None and since.tzinfo is None:
            raise Refused(422, "since: a time with its zone, such as 2026-03-01T08:00:00+08:00")
        return [_shown(message) for message in phone.messages(to=to, kind=kind, since=since)]

    @app.post("/messages/{message_id}/answer")
    async def answer(message_id: str, body: _Answer | None = None) -> dict[str, Any]:
        return _shown(phone.answer(message_id, body.key if body else None))

    @app.post("/messages/{message_id}/reject")
    async def reject(message_id: str) -> dict[str, Any]:
        return _shown(phone.reject(message_id))

    @app.post("/rules", status_code=204)
    async def rules(body: _RuleFor) -> None:
        phone.set_rule(body.to, Rule(**body.model_dump(exclude={"to"})))

    @app.post("/reset", status_code=204)
    async def reset() -> None:
        phone.reset()


def _add_page(app: FastAPI, phone: FakePhone, templates: Environment) -> None:
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> str:
        lines = _lines(phone)
        ringing = any(line.ringing for line in lines)
        return templates.get_template("phone.html").render(
            lines=lines, ringing=ringing, states=_STATES
        )

    @app.get("/phone.css", include_in_schema=False)
    async def style() -> FileResponse:
        return FileResponse(_PAGES / "phone.css", media_type="text/css")

    @app.post("/page/{message_id}/answer", include_in_schema=False)
    async def answer(
        message_id: str, key: Annotated[str | None, Form(pattern=r"^[0-9*#]$")] = None
    ) -> RedirectResponse:
        with contextlib.suppress(Refused):  # it stopped ringing while the page was looked at
            phone.answer(message_id, key)
        return RedirectResponse("/", 303)

    @app.post("/page/{message_id}/reject", include_in_schema=False)
    async def reject(message_id: str) -> RedirectResponse:
        with contextlib.suppress(Refused):
            phone.reject(message_id)
        return RedirectResponse("/", 303)


def _lines(phone: FakePhone) -> list[_Line]:
    """Telephones with their messages; what rings first, then what got news last."""
    grouped: dict[str, list[PhoneMessage]] = {}
    for message in reversed(phone.messages()):
        grouped.setdefault(message.to, []).append(message)
    lines = [
        _Line(
            number=number,
            name=phone.names.get(dialled(number), ""),
            messages=messages,
            ringing=any(message.state is CallState.RINGING for message in messages),
        )
        for number, messages in grouped.items()
    ]
    return sorted(lines, key=lambda line: not line.ringing)


def _shown(message: PhoneMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "delivery_id": message.delivery_id,
        "kind": message.kind,
        "to": message.to,
        "text": message.text,
        "at": message.at.isoformat(),
        "state": message.state.value,
        "key": message.key,
        "repeats": message.repeats,
        "receipts": [
            {
                "state": receipt.state,
                "key": receipt.key,
                "reason": receipt.reason,
                "at": receipt.at.isoformat(),
                "taken": receipt.taken,
            }
            for receipt in message.receipts
        ],
    }


def _templates(zone: ZoneInfo) -> Environment:
    templates = Environment(loader=FileSystemLoader(_PAGES), autoescape=True)
    templates.filters["clock"] = lambda at: f"{at.astimezone(zone):%H:%M:%S}"
    templates.filters["linked"] = _linked
    return templates


def _linked(text: str) -> Markup:
    """The text with its web addresses made clickable, everything else escaped."""
    parts, end = Markup(), 0
    for found in _LINK.finditer(text):
        url = found.group()
        parts += escape(text[end : found.start()])
        parts += Markup('<a href="{0}" target="_blank" rel="noopener">{0}</a>').format(url)
        end = found.end()
    return parts + escape(text[end:])


def _lifespan(phone: FakePhone) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async def live() -> None:
            while True:
                await phone.tick()
                await asyncio.sleep(_TICK_S)

        living = asyncio.create_task(live(), name="fake phone")
        try:
            yield
        finally:
            living.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await living
            await phone.aclose()

    return lifespan
