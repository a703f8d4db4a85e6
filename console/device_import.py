"""Many devices from a spreadsheet: upload, look at every row's verdict, confirm, keep the result.

Nothing is kept between the steps but in the pages themselves: the preview carries the rows that
it showed, so that what is confirmed is what was seen.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from starlette.datastructures import UploadFile

from alerting.fleet.importing.report import problem_texts, result_csv, template
from alerting.fleet.importing.rows import HEADINGS
from alerting.fleet.importing.run import Imported, import_devices, read_file
from alerting.fleet.importing.sheet import MAX_BYTES, SheetError
from alerting.wording.importing import sheet_text, verdict_text
from care.permissions import require
from console.context import AtDesk, PageContext
from console.errors import PageRoute
from console.security import PAGE_HEADERS

router = APIRouter(route_class=PageRoute, include_in_schema=False)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN_ROWS = 500
_PART_CHARS = 200_000
"""A form field may have a megabyte; the rows travel in pieces below that."""


@router.get("/devices/import")
async def upload(page: AtDesk) -> Response:
    require(page.who, "devices.write")
    return _show(page)


@router.get("/devices/import/template.xlsx")
async def blank(page: AtDesk) -> Response:
    """The table to fill in."""
    require(page.who, "devices.write")
    return _download(template(page.lang), "anju-devices.xlsx", XLSX)


@router.post("/devices/import")
async def take(page: AtDesk) -> Response:
    """A file: show what each row would do. The rows of a preview: do it."""
    require(page.who, "devices.write")
    form = await page.request.form()
    sent = form.get("file")
    confirmed = "".join(str(part) for part in form.getlist("rows"))
    data = confirmed.encode() if confirmed else b""
    if isinstance(sent, UploadFile):
        data = await sent.read(MAX_BYTES + 1)
    try:
        lines = await read_file(data)
    except SheetError as error:
        trouble = sheet_text(error.problem, error.values, page.lang)
        return _show(page, trouble=trouble, status=422)
    result = await import_devices(
        page.services.db, page.who, page.now, lines, dry_run=not confirmed
    )
    return _show(page, result=result)


@router.post("/devices/import/result.csv")
async def keep(page: AtDesk) -> Response:
    """The result that a page shows, as a file: it comes back from the page, stored nowhere."""
    require(page.who, "devices.write")
    form = await page.request.form()
    text = "".join(str(part) for part in form.getlist("table"))
    return _download(text.encode("utf-8-sig"), f"anju-import-{_day(page.now)}.csv", "text/csv")


def _day(now: datetime) -> str:
    return now.strftime("%Y%m%d-%H%M")


def _download(body: bytes, name: str, media_type: str) -> Response:
    headers = PAGE_HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media_type, headers=headers)


def _show(
    page: PageContext,
    *,
    result: Imported | None = None,
    trouble: str | None = None,
    status: int = 200,
) -> Response:
    values: dict[str, Any] = {"result": result, "trouble": trouble}
    if result is not None:
        wrong_first = sorted(result.rows, key=lambda row: row.verdict != "wrong")
        table = result_csv(result, page.lang)
        values |= {
            "rows": wrong_first[:SHOWN_ROWS],
            "hidden": max(len(result.rows) - SHOWN_ROWS, 0),
            "problems": lambda row: problem_texts(result, row, page.lang),
            "verdict": lambda name: verdict_text(name, page.lang),
            "parts": _pieces(_good_rows(result)) if result.is_dry else [],
            "table": _pieces(table),
        }
    return page.render("device_import.html", status, **values)


def _good_rows(result: Imported) -> str:
    """The rows to import, as the importer reads them; blank lines keep their numbers."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(HEADINGS)
    line = 1
    for row in result.rows:
        if row.verdict == "new":
            written.write("\r\n" * (row.line.row - line - 1))
            line = row.line.row
            writer.writerow([row.line.values[field] for field in HEADINGS])
    return written.getvalue()


def _pieces(text: str) -> list[str]:
    return [text[i : i + _PART_CHARS] for i in range(0, len(text), _PART_CHARS)]
