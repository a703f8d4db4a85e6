"""Many devices from one spreadsheet, row by row; also what a label to print looks like."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from alerting.fleet.importing.report import result_csv
from alerting.fleet.importing.run import VERDICTS, Imported, import_devices, read_file
from alerting.fleet.importing.sheet import MAX_BYTES, SheetError
from alerting.wording.importing import cell_texts, field_text, sheet_text, verdict_text
from api.dependencies import Language, Now, ServicesDep, allowed
from api.schemas import Out, example
from api.sources import MqttOut
from care.model import Actor
from core.errors import InvalidInput

router = APIRouter(prefix="/devices", tags=["sources and devices"])
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
        "text/csv": {"schema": {"type": "string"}},
    },
}


class CellProblem(Out):
    model_config = Out.model_config | example(
        field="role",
        column="用途",
        value="烟雾器",
        why="没有这种用途",
        right="下列之一：烟感、水表",
    )
    field: str
    column: str  # as the file calls it
    value: str
    why: str
    right: str


class ImportRowOut(Out):
    model_config = Out.model_config | example(
        row=2, id="btn-0001", verdict="imported", text="已导入", problems=[], mqtt=None
    )
    row: int  # as the spreadsheet counts, the heading included
    id: str
    verdict: str  # imported new there wrong example
    text: str
    problems: list[CellProblem]
    mqtt: MqttOut | None = None


class ImportOut(Out):
    model_config = Out.model_config | example(
        dry_run=False, counts=dict.fromkeys(VERDICTS, 0), unused_columns=[], rows=[]
    )
    dry_run: bool
    counts: dict[str, int]
    unused_columns: list[str]
    rows: list[ImportRowOut]


def shown(result: Imported, lang: str) -> ImportOut:
    """The answer, in the caller's language."""
    rows = [
        ImportRowOut(
            row=row.line.row,
            id=row.line.values["id"],
            verdict=row.verdict,
            text=verdict_text(row.verdict, lang),
            problems=[
                CellProblem(
                    field=one.field,
                    column=result.lines.columns.get(one.field) or field_text(one.field, lang),
                    value=one.value,
                    why=cell_texts(one.code, one.values, lang)[0],
                    right=cell_texts(one.code, one.values, lang)[1],
                )
                for one in row.problems
            ],
            mqtt=MqttOut.model_validate(row.credentials) if row.credentials else None,
        )
        for row in result.rows
    ]
    return ImportOut(
        dry_run=result.is_dry,
        counts=result.counts,
        unused_columns=list(result.lines.unused),
        rows=rows,
    )


@router.post(
    "/import",
    summary="Register many devices from a spreadsheet",
    response_model=ImportOut,
    openapi_extra={"requestBody": _BODY},
    responses={200: {"content": {"text/csv": {}}}},
)
async def import_file(
    request: Request,
    actor: Annotated[Actor, allowed("devices.write")],
    services: ServicesDep,
    now: Now,
    lang: Language,
    dry_run: Annotated[bool, Query(description="Only judge the rows.")] = False,
) -> Any:
    """An XLSX or CSV of at most 5,000 rows and 5 MiB, as `file` of a form or as the body.

    Good rows are registered, wrong ones are told with row, column, value, why and what would be
    right; the same file again registers nothing twice. MQTT passwords of native devices are in
    this answer and in no other; with `Accept: text/csv` it is a table to keep.
    """
    try:
        lines = await read_file(await _file(request))
    except SheetError as error:
        raise InvalidInput("file", sheet_text(error.problem, error.values, lang)) from error
    result = await import_devices(services.db, actor, now, lines, dry_run=dry_run)
    if "text/csv" in request.headers.get("accept", ""):
        return Response(result_csv(result, lang).encode("utf-8-sig"), media_type="text/csv")
    return shown(result, lang)


async def _file(request: Request) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    try:
        form = await request.form(max_files=1, max_fields=10)
    except MultiPartException as error:
        raise InvalidInput("file", str(error)) from error
    sent = form.get("file")
    if not isinstance(sent, UploadFile):
        raise InvalidInput("file", "send the spreadsheet as the form's `file`")
    return await sent.read(MAX_BYTES + 1)
