"""A browser without scripts: reads pages, finds their forms, sends them as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

from tests.support.world import Caller, World

BASE = "http://anju.test"
HTML = {"Accept": "text/html", "Accept-Language": "zh-CN"}


@dataclass
class Form:
    """A form as a browser would send it: every field with the value it came with."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Forms(HTMLParser):
    """Collects the forms of a page with their hidden, chosen and filled-in fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(found.get("action", ""), found.get("method", "get").lower())
            self.forms.append(self._open)
            return
        name = found.get("name", self._select if tag == "option" else "")
        if self._open is None or not name:
            return
        self._open.names.add(name)
        if tag == "select":
            self._select = name
        elif tag == "option":
            if "selected" in found or name not in self._open.fields:
                self._open.fields[name] = found.get("value", "")
        elif tag == "textarea":
            self._area = name
            self._open.fields[name] = ""
        elif tag == "input" and (found.get("type") != "radio" or "checked" in found):
            self._open.fields[name] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area and self._open is not None:
            self._open.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def forms_of(html: str) -> list[Form]:
    parser = _Forms()
    parser.feed(html)
    return parser.forms


class Reader:
    """Somebody at the pages; follows redirects, keeps cookies, runs no script."""

    def __init__(self, world: World, token: str = "") -> None:
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(world.anju.app),
            base_url=BASE,
            follow_redirects=True,
            headers=HTML,
            cookies={"anju_session": token} if token else None,
        )

    async def open(self, path: str, status: int = 200) -> str:
        """The page's text."""
        answer = await self.http.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {words_of(answer.text)}"
        return answer.text

    async def submit(self, path: str, action: str, code: int = 200, **typed: str) -> str:
        """Open `path`, fill in the form that goes to `action`, send it; the page that comes back.

        Fails when the page has no such form, or the form no such field.
        """
        html = await self.open(path)
        posts = [form for form in forms_of(html) if form.method == "post"]
        form = next((one for one in posts if one.action.endswith(action)), None)
        assert form is not None, f"{path} has no form to {action}"
        buttons = {"answer", "outcome", "language", "theme", "back"}
        assert set(typed) <= form.names | buttons, f"{action} lacks {set(typed) - form.names}"
        answer = await self.http.post(form.action, data=form.fields | typed)
        assert answer.status_code == code, f"{action}: {answer.status_code} {words_of(answer.text)}"
        return answer.text


def reader(world: World, caller: Caller | None = None) -> Reader:
    """A signed-in reader, or nobody."""
    return Reader(world, caller.token if caller else "")


def words_of(html: str) -> str:
    """What a page says, without its markup and attributes."""
    return " ".join(_Words.of(html).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @classmethod
    def of(cls, html: str) -> str:
        parser = cls()
        parser.feed(html)
        return "".join(parser.said)
