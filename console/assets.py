"""Scripts, style and signs: read once at start, compressed once, revalidated by browsers."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    body: bytes
    zipped: bytes
    media_type: str
    etag: str


@cache
def assets() -> dict[str, Asset]:
    """`"console.css"`, `"vendor/htmx….js"` → the file; nothing else below `/static` exists."""
    return dict(_walk(resources.files("console") / "static", ""))


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            found.extend(_walk(entry, f"{prefix}{entry.name}/"))
            continue
        body = entry.read_bytes()
        suffix = entry.name[entry.name.rfind(".") :]
        media_type = _TYPES.get(suffix) or mimetypes.guess_type(entry.name)[0] or "text/plain"
        asset = Asset(
            body=body,
            zipped=gzip.compress(body, 9, mtime=0),
            media_type=media_type,
            etag=f'"{hashlib.sha256(body).hexdigest()[:16]}"',
        )
        found.append((prefix + entry.name, asset))
    return found


@router.api_route("/static/{path:path}", methods=["GET", "HEAD"])
async def static(request: Request, path: str) -> Response:
    """A file, or 304 when the browser has it. `no-cache` means: ask each time, answer is short.

    Modules import each other by name, so a name with a digest in it would need a build step.
    """
    asset = assets().get(path)
    if asset is None:
        raise HTTPException(404)
    headers = {
        "ETag": asset.etag,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.zipped, headers=headers, media_type=asset.media_type)
    return Response(asset.body, headers=headers, media_type=asset.media_type)
