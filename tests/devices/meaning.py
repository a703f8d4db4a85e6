"""Samples as they are decoded in tests: all came in at one moment."""

from __future__ import annotations

from datetime import UTC, datetime

from devices import meaning
from devices.event import Message
from devices.family import DeviceFamily, Sample, SourceView
from devices.meaning import means as means

RECEIVED_AT = datetime(2026, 4, 12, 6, 0, tzinfo=UTC)


def sample_message(family: DeviceFamily, sample: Sample) -> Message:
    return meaning.sample_message(family, sample, RECEIVED_AT)


def sample_view(family: DeviceFamily, sample: Sample) -> SourceView:
    """The source as it is once every device of the sample has the sample's role."""
    return meaning.sample_view(family, sample, RECEIVED_AT)
