"""Did a device move house? Another radio cell for good, or another source that hears it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from alerting.finding import SEVERITY_OF_KIND, Finding, Sign

FOR_GOOD = 3
"""Messages in a row from another cell: a phone cell breathes, and one message proves nothing."""
MAX_CELL = 100
_NUMBERED = re.compile(r"(?=[0-9a-f]*\d[0-9a-f]*\d)[0-9a-f]{6,}", re.IGNORECASE)


def heard_in(seen: str | None, cell: str, *, after_silence: bool) -> tuple[str, str | None]:
    """What to remember of the cells of a device, and the cell it left for good, if it did.

    `seen` and what is returned: the home cell, then, a line each, another cell and how many
    messages in a row came from there. The first cell ever heard is home. After a silence one
    message is enough: it was switched off, carried away and switched on.
    """
    home, _, rest = (seen or "").partition("\n")
    if not home or cell == home:
        return cell, None
    other, _, count = rest.partition("\n")
    times = (int(count) if count.isdecimal() else 0) + 1 if other == cell else 1
    if after_silence or times >= FOR_GOOD:
        return cell, home
    return f"{home}\n{cell}\n{times}", None


def cell_of(data: dict[str, Any]) -> str | None:
    """The radio cell that an event was sent through (`data["cell"]`), as one line of text."""
    cell = data.get("cell")
    if isinstance(cell, bool) or not isinstance(cell, str | int):
        return None
    return " ".join(str(cell).split())[:MAX_CELL] or None


def is_unmistakable(child_id: str) -> bool:
    """Whether an id is a serial number and so the same device everywhere.

    `0x00158d0000000001`, an IMEI or a DevEUI is; `kitchen` or `Smoke/17` may be two devices in
    two villages.
    """
    return _NUMBERED.search(child_id) is not None


def moved(by: str, at: datetime, facts: dict[str, Any]) -> Finding:
    """`by` is `cell` or `source`; `facts` hold `from` and `to` as people call them."""
    return Finding(
        kind="moved",
        severity=SEVERITY_OF_KIND["moved"],
        sign=Sign.ROSE,
        at=at,
        reason=f"heard under another {by}",
        facts={"by": by, **facts},
    )
