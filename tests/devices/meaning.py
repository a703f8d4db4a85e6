"""What a decoded message means, in the words of `Sample.means`."""

from __future__ import annotations

from datetime import UTC, datetime

from devices.event import Decoded, Message
from devices.family import DeviceFamily, Sample, SourceView

RECEIVED_AT = datetime(2026, 4, 12, 6, 0, tzinfo=UTC)


def means(decoded: Decoded) -> tuple[str, ...]:
    words = [event.kind for event in decoded.events]
    words += [f"{each.register}={each.value:g}" for each in decoded.readings]
    words += ["online" if each.online else "offline" for each in decoded.presences]
    words += ["inventory"] if decoded.inventory else []
    words += ["heard"] if decoded.heard else []
    words += ["quarantined"] if decoded.quarantined else []
    return tuple(words)


def sample_message(family: DeviceFamily, sample: Sample) -> Message:
    payload = sample.payload if isinstance(sample.payload, bytes) else sample.payload.encode()
    return Message(
        topic=f"{family.default_prefix}/{sample.topic}",
        payload=payload,
        received_at=RECEIVED_AT,
        retained=sample.retained,
    )


def sample_view(family: DeviceFamily, sample: Sample) -> SourceView:
    """The source as it is once every device of the sample has the sample's role."""
    view = SourceView(prefix=family.default_prefix)
    if sample.role is None:
        return view
    decoded = family.decode(sample_message(family, sample), view)
    roles = dict.fromkeys(decoded.speakers(), sample.role)
    return SourceView(prefix=family.default_prefix, roles=roles)
