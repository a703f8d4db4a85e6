"""A device family is a record: how it names topics, how it decodes, and samples that prove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from devices.downlink import Downlink
from devices.event import Decoded, Message


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceView:
    """What a family may know of the source a message came through.

    A family asks for children by name, never for the list: of a large source only those are in it
    that decoding the message asks for (`devices.asking`).
    """

    prefix: str = ""  # the bridge's topic prefix, without a trailing slash; "" for native
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))  # for local times
    roles: Mapping[str, str] = field(default_factory=dict)  # child id or alias → device role
    aliases: Mapping[str, str] = field(default_factory=dict)  # topic name → child id
    capabilities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # child id → what
    # the bridge's inventory said of it; tells the unit where a model's own differs


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One message with what it must be decoded to; run by the contract tests.

    `means` lists `kind`, `register=value`, `online`/`offline`, `heard`, `inventory` or
    `quarantined`, in the order they come out.
    """

    model: str
    topic: str  # below the default prefix
    payload: str | bytes
    means: tuple[str, ...]
    role: str | None = None
    retained: bool = False


def _cannot_tell(_prefix: str, _names: tuple[str, ...]) -> tuple[str, ...] | None:
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFamily:
    """How one kind of device, or bridge, speaks.

    `decode` never raises: what it cannot read comes back as `Decoded(quarantined=reason)`.
    """

    name: str  # as stored in `sources.family` and `devices.family`
    title_zh: str
    title_en: str
    default_prefix: str
    subscriptions: Callable[[str], tuple[str, ...]]  # prefix → topic filters
    decode: Callable[[Message, SourceView], Decoded]
    samples: tuple[Sample, ...]
    capabilities: tuple[str, ...]  # event kinds and registers it can produce
    reports_every_s: int | None = None  # longest silence that is normal; None: nobody can say
    is_bridge: bool = True
    is_push: bool = False  # comes in over HTTP at push/{name}, with a source's token: no topics
    may_be_silent: Callable[[str], bool] = lambda _topic: False  # topics, below the prefix, whose
    # messages are understood and may mean nothing. Elsewhere an empty `Decoded` is right only for
    # an empty payload, which erases what the broker remembered
    roots: Callable[[str], tuple[str, ...]] = lambda prefix: (prefix,)  # prefix → all that a source
    # with it owns: its topics, its account's rights, and what no other source may overlap
    guess_prefix: Callable[[str], str | None] = lambda _topic: None  # topic → the prefix it would
    # be below, for trying a message without any source; None: not one of ours, or by default prefix
    supervised: bool = True  # False: one-way radio; its silence means nothing, whatever its role
    child_topics: Callable[[str, tuple[str, ...]], tuple[str, ...] | None] = _cannot_tell  # prefix
    # and names of children → filters of all that the bridge says for them and for itself. None:
    # its topics do not tell children apart, so only Anju can refuse those that are not listed
    downlink: Downlink | None = None  # how its devices are spoken to; None: not at all
    liveness: str = ""  # how one knows that a device of this family still lives, for the docs
    quirks: tuple[str, ...] = ()  # known oddities, each with where it was seen
    roles: tuple[str, ...] = ()  # what its devices usually are, to begin with when adopting one
    explain: Callable[[Message, SourceView], tuple[str, ...]] = lambda _message, _source: ()  # what
    # of itself the family missed in a message, in sentences for whoever tries one out
    mapping_file: str = ""  # the file it was declared in; "" for a family in code
