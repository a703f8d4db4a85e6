"""A label for a device, as SVG: a QR code that opens its installation, and words to find it by."""

from __future__ import annotations

from urllib.parse import quote
from xml.sax.saxutils import escape

import segno

from alerting.wording.words import ROLE

_ID_CHARS = 22
"""So many signs of the fixed-width font fit across the label."""


def install_address(base: str, device_id: str) -> str:
    """Where a phone that reads the code is led to; `base` is the public address."""
    return f"{base}/install?code={quote(device_id, safe='')}"


def label_svg(address: str, device_id: str, role: str, room: str | None) -> str:
    """100 units wide and as high as its words need; black on white, without scripts or styles.

    Error correction M: a label on a smoke detector yellows and gets scratched.
    """
    code = segno.make(address, error="m", micro=False)
    drawn = code.svg_inline(omitsize=True, border=2, dark="#000", light="#fff")
    zh, en = ROLE.get(role, (role, role))
    lines = [(text, 6.5, "monospace") for text in _cut(device_id)]
    lines += [(f"{zh} {en}", 5.5, "sans-serif")]
    lines += [(room[:18], 5.5, "sans-serif")] if room else []
    height = 92 + 8 * len(lines)
    words = "".join(
        f'<text x="50" y="{94 + 8 * index}" font-size="{size}" font-family="{font}"'
        f' text-anchor="middle" fill="#000">{escape(text)}</text>'
        for index, (text, size, font) in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 {height}">'
        f"<title>{escape(device_id)}</title>"
        f'<rect width="100" height="{height}" fill="#fff"/>'
        f'<svg x="6" y="0" width="88" height="88">{drawn}</svg>{words}</svg>'
    )


def _cut(text: str) -> list[str]:
    return [text[i : i + _ID_CHARS] for i in range(0, len(text), _ID_CHARS)]
