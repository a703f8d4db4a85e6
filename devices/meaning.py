"""What a decoded message means in the words of `Sample.means`, and how a sample is decoded."""

from __future__ import annotations

from datetime import datetime

from devices.event import Decoded, Message
from devices.family import DeviceFamily, Sample, SourceView


def means(decoded: Decoded) -> tuple[str, ...]:
    """Kinds, `register=value`, online or offline, and the rest, in the order they come out."""
    words = [event.kind for event in decoded.events]
    words += [f"{each.register}={each.value:g}" for each in decoded.readings]
    words += ["online" if each.online else "offline" for each in decoded.presences]
    words += ["inventory"] if decoded.inventory else []
    words += ["heard"] if decoded.heard else []
    words += ["quarantined"] if decoded.quarantined else []
    return tuple(words)


def sample_message(family: DeviceFamily, sample: Sample, received_at: datetime) -> Message:
    payload = sample.payload if isinstance(sample.payload, bytes) else sample.payload.encode()
    return Message(
        topic=f"{family.default_prefix}/{sample.topic}",
        payload=payload,
        received_at=received_at,
        retained=sample.retained,
    )


def sample_view(family: DeviceFamily, sample: Sample, received_at: datetime) -> SourceView:
    """The source as it is once every device of the sample has the sample's role."""
    view = SourceView(prefix=family.default_prefix)
    if sample.role is None:
        return view
    decoded = family.decode(sample_message(family, sample, received_at), view)
    roles = dict.fromkeys(decoded.speakers(), sample.role)
    return SourceView(prefix=family.default_prefix, roles=roles)
