"""What a mapping file may contain: keys and their types; docs/mappings.md has what they mean."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | int | float | bool
PayloadForm = Literal["json", "text", "number"]
Retained = Literal["keep", "ignore"]
ConfidenceWord = Literal["confirmed", "unconfirmed"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class WhenTable(_Table):
    """A field counts only in messages that say this elsewhere."""

    path: str
    equals: Scalar | list[Scalar]


class FieldTable(_Table):
    """One value of a message, and what it is: a word for an event, or a register's number."""

    path: str = "$"
    topic: str | None = None  # one of `topics`; None: on any of them
    payload: PayloadForm | None = None  # of that topic, where it differs from the mapping's
    values: dict[str, str] | None = None  # what is said → kind, online, offline, press, nothing
    known_register: str | None = Field(default=None, alias="register")  # one of REGISTER_UNITS
    own_register: str | None = None  # a word of the device's own, kept and shown
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0  # value × scale + offset, before the unit is converted
    ignore: list[Scalar] = []  # numbers that mean "not measured"
    when: WhenTable | None = None
    required: bool = False  # its absence is a fault, whatever else the message says
    held: bool | None = None  # re-stated in every message: only its change is news
    data: dict[str, str] = {}  # name → path, kept with the event
    confidence: ConfidenceWord | None = None
    retained: Retained | None = None


class SampleTable(_Table):
    """A real message, and what it must mean."""

    payload: str
    means: list[str]
    topic: str = ""
    model: str = ""
    role: str | None = None
    retained: bool = False


class MappingTable(_Table):
    """One file: one family."""

    name: str
    title_zh: str
    title_en: str
    adapter: Literal["mqtt", "push"] = "mqtt"
    prefix: str = ""
    topics: list[str] = []
    payload: PayloadForm = "json"
    each: str | None = None  # path of a list; every other path then begins at one of its elements
    device: str | None = None  # path of the device's id, where the topic does not name it
    event_id: str | None = None
    time: str | None = None
    time_form: str = "auto"  # auto, epoch_s, epoch_ms, iso, or a pattern such as %Y%m%d%H%M%S
    time_zone: str = "installation"  # of times without one
    roles: list[str] = []
    confidence: ConfidenceWord = "confirmed"
    retained: Retained = "keep"
    nothing_found: Literal["unreadable", "alive"] = "unreadable"
    reports_every_s: int | None = Field(default=None, gt=0)
    supervised: bool = True  # false: its silence means nothing
    liveness: str = ""
    quirks: list[str] = []
    fields: list[FieldTable] = Field(min_length=1)
    samples: list[SampleTable] = Field(min_length=1)
