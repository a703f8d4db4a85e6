"""A spreadsheet's bytes as rows of texts: XLSX or CSV, whatever a town's office saved it as.

Pure, and safe on anything: what cannot be read raises `SheetError`, nothing else.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import openpyxl

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
MAX_COLUMNS = 40
MAX_TEXT = 400
MAX_UNPACKED = 24 * 1024 * 1024
"""Bytes of XML in an XLSX: 5,000 rows have about four million; a zip bomb has billions."""
MAX_MARKS = 1_250_000
"""Elements in an XLSX, each about 300 bytes once read: 5,000 full rows of 40 columns have 1.2
million marks `<`."""
MAX_MARKS_A_ROW = 100_000
"""Between two rows or texts of a table, and in any other part: a row is read as a whole."""
_ROW = re.compile(rb"<(?:[\w.-]+:)?(?:row|si)[\s/>]")
_DOCTYPES = (b"<!DOCTYPE", b"<\0!\0D\0O")
_MAX_PARTS = 200
_BLANKS_AT_MOST = 1_000
_EXACT_DIGITS = 15
"""Excel keeps so many digits of a number; an IMEI has just as many, an ICCID has more."""


class SheetError(Exception):
    """The file as a whole cannot be used; `problem` is a key of the wording, with its values."""

    def __init__(self, problem: str, **values: Any) -> None:
        self.problem, self.values = problem, values
        super().__init__(problem)


class Cell(msgspec.Struct, frozen=True):
    """A cell as text; `doubt` is a key of the wording when the text may not be what was meant."""

    text: str = ""
    doubt: str | None = None


class Row(msgspec.Struct, frozen=True):
    number: int  # as the spreadsheet counts, the heading included
    cells: tuple[Cell, ...]


class Sheet(msgspec.Struct, frozen=True):
    """The first row that is not blank, and all rows below it that are not."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def read_sheet(data: bytes) -> Sheet:
    """The first sheet of an XLSX, or a CSV in UTF-8, UTF-16 or GBK. Raises `SheetError`."""
    if len(data) > MAX_BYTES:
        raise SheetError("too_big", mib=MAX_BYTES // 1024 // 1024)
    if not data.strip():
        raise SheetError("empty")
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise SheetError("old_excel")
    rows = _xlsx_rows(data) if data[:2] == b"PK" else _csv_rows(data)
    return _sheet(rows)


def _sheet(rows: Iterable[tuple[int, Sequence[Any]]]) -> Sheet:
    headings: tuple[str, ...] | None = None
    found: list[Row] = []
    for number, values in rows:
        cells = tuple(cell_of(value) for value in values[:MAX_COLUMNS])
        if not any(cell.text for cell in cells):
            continue
        if headings is None:
            headings = tuple(cell.text for cell in cells)
            continue
        if len(found) >= MAX_ROWS:
            raise SheetError("too_many_rows", most=MAX_ROWS)
        found.append(Row(number, cells))
    if headings is None:
        raise SheetError("empty")
    return Sheet(headings, tuple(found))


def _xlsx_rows(data: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if _is_bomb(packed):
                raise SheetError("bomb")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its own size is often wrong
        most = MAX_ROWS + _BLANKS_AT_MOST
        rows = sheet.iter_rows(max_row=most, max_col=MAX_COLUMNS, values_only=True)
        yield from enumerate(rows, 1)
    except SheetError:
        raise
    except Exception as error:  # openpyxl raises whatever a spoiled file leads it to
        raise SheetError("broken") from error


def _is_bomb(packed: zipfile.ZipFile) -> bool:
    """Would reading it cost far more than a table of our size may? Also: no XLSX has a DTD."""
    parts = packed.infolist()
    # Reading a part ends at the size it declares, so what is declared can be believed.
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        return True
    marks = 0
    for part in parts:
        body = packed.read(part)
        marks += body.count(b"<")
        if marks > MAX_MARKS or any(sign in body for sign in _DOCTYPES):
            return True
        if _longest_row(part.filename, body) > MAX_MARKS_A_ROW:
            return True
    return False


def _longest_row(name: str, body: bytes) -> int:
    """Marks between two rows or texts; of a part that is no table, all it has."""
    is_table = "worksheets/" in name or "sharedStrings" in name
    if not is_table or body.count(b"<") <= MAX_MARKS_A_ROW:
        return body.count(b"<")
    starts = [0, *(found.start() for found in _ROW.finditer(body)), len(body)]
    return max(body.count(b"<", start, end) for start, end in pairwise(starts))


def _csv_rows(data: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    text = _decoded(data)
    heading = text.lstrip("\r\n \t").partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for values in reader:
            # `line_num` counts lines, also those inside a quoted cell: where an editor shows it.
            yield reader.line_num, values
    except csv.Error as error:
        raise SheetError("broken") from error


def _decoded(data: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with its mark, otherwise what Chinese Excel writes."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        if "\0" in text:
            break
        return text
    raise SheetError("not_a_table")


def cell_of(value: Any) -> Cell:
    """A cell's value as the person who typed it meant it, as far as that can be known."""
    if value is None:
        return Cell()
    if isinstance(value, bool):
        return Cell(str(value).upper(), "not_text")
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime | date | time | timedelta):
        return Cell(str(value)[:MAX_TEXT], "a_date")
    return _text(str(value))


def _number(value: int | float) -> Cell:
    """An IMEI typed as a number comes back exactly; beyond 15 digits Excel has rounded it."""
    if isinstance(value, float) and not math.isfinite(value):
        return Cell(str(value), "not_text")
    if value != int(value):
        return Cell(repr(value), "not_text")
    digits = str(int(value))[:MAX_TEXT]
    return Cell(digits, "rounded" if len(digits.lstrip("-")) > _EXACT_DIGITS else None)


def _text(value: str) -> Cell:
    text = " ".join(value.split())
    if any("\ud800" <= sign <= "\udfff" or not sign.isprintable() for sign in text):
        shown = "".join(
            sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text
        )
        return Cell(shown[:MAX_TEXT], "unreadable")
    if len(text) > MAX_TEXT:
        return Cell(text[:MAX_TEXT], "too_long")
    if text.startswith("#") and text.rstrip("!?").replace("/", "").isupper():
        return Cell(text, "excel_error")  # #N/A, #REF!, #NAME?
    return _scientific(text)


def _scientific(text: str) -> Cell:
    """`8.65012E+14`: Excel saved what it showed. All digits there: restored; otherwise lost."""
    mantissa, mark, exponent = text.upper().partition("E+")
    whole, _, fraction = mantissa.partition(".")
    if not (mark and whole.isdecimal() and exponent.isdecimal() and len(exponent) <= 3):
        return Cell(text)
    if fraction and not fraction.isdecimal():
        return Cell(text)
    zeros = int(exponent) - len(fraction)
    digits = whole + fraction
    if zeros != 0 or len(digits) > _EXACT_DIGITS:
        return Cell(text, "rounded")
    return Cell(digits)
