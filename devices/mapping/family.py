"""A mapping as a family, which is all that the rest of Anju knows of it."""

from __future__ import annotations

from devices.event import Decoded, Message
from devices.family import DeviceFamily, Sample, SourceView
from devices.mapping.compiled import NOTHING, PRESENCES, PRESS, Compiled, compile_mapping
from devices.mapping.decoding import examine
from devices.mapping.explain import explain
from devices.mapping.model import MappingTable, SampleTable


def make_family(table: MappingTable, file: str) -> DeviceFamily:
    """Of a table that `devices.mapping.checks` found nothing wrong with."""
    mapping = compile_mapping(table)

    def decode(message: Message, source: SourceView) -> Decoded:
        return examine(mapping, message, source, [])

    def why(message: Message, source: SourceView) -> tuple[str, ...]:
        return explain(mapping, message, source)

    def subscriptions(prefix: str) -> tuple[str, ...]:
        return tuple(each.filter(prefix or table.prefix) for each in mapping.templates)

    return DeviceFamily(
        name=table.name,
        title_zh=table.title_zh,
        title_en=table.title_en,
        default_prefix=f"push/{table.name}" if mapping.is_push else table.prefix,
        subscriptions=subscriptions,
        roots=lambda prefix: () if mapping.is_push else (prefix,),
        decode=decode,
        samples=tuple(_sample(each, table) for each in table.samples),
        capabilities=_capabilities(mapping),
        reports_every_s=table.reports_every_s,
        supervised=table.supervised,
        liveness=table.liveness,
        quirks=tuple(table.quirks),
        may_be_silent=lambda _topic: any(each.ignores_retained for each in mapping.fields),
        roles=tuple(table.roles),
        guess_prefix=lambda topic: _prefix_of(mapping, topic),
        is_push=mapping.is_push,
        explain=why,
        mapping_file=file,
    )


def _prefix_of(mapping: Compiled, topic: str) -> str | None:
    """The prefix under which `topic` would be one of the mapping's, its own prefix first."""
    found = [each.prefix_of(topic) for each in mapping.templates]
    usable = [each for each in found if each is not None]
    return mapping.prefix if mapping.prefix in usable else next(iter(usable), None)


def sample_topic(sample: SampleTable, table: MappingTable) -> str:
    """Below the prefix, as `Sample.topic` wants it; "" for a pushed one, which has no topic."""
    return sample.topic.removeprefix(f"{table.prefix}/")


def _sample(sample: SampleTable, table: MappingTable) -> Sample:
    return Sample(
        model=sample.model or table.title_en,
        topic=sample_topic(sample, table),
        payload=sample.payload,
        means=tuple(_as_said(word) for word in sample.means),
        role=sample.role,
        retained=sample.retained,
    )


def _as_said(word: str) -> str:
    """`register=12.50` as `devices.meaning` writes it: `register=12.5`."""
    register, sign, value = word.partition("=")
    try:
        return f"{register}={float(value):g}" if sign else word
    except ValueError:
        return word


def _capabilities(mapping: Compiled) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for field in mapping.fields:
        for word in (field.values or {}).values():
            if word == PRESS:
                found |= {"sos": None, "button": None}
            elif word != NOTHING and word not in PRESENCES:
                found[word] = None
        if field.register:
            found[field.register] = None
    return tuple(found)
