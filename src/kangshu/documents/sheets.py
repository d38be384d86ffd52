"""xlsx: reads sheets as rows of text, or as a document with tables; writes rows without formulas."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import cast

import openpyxl
from openpyxl.cell.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from kangshu.base.faults import Malformed, TooLarge, Unprocessable
from kangshu.documents.archive import ArchiveLimits, open_archive
from kangshu.documents.model import Document
from kangshu.documents.plain import decode, normal_newlines
from kangshu.documents.sheet_guard import check_workbook
from kangshu.documents.text_builder import PendingCell, TextBuilder

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAXIMUM_CELLS = 2_000_000
Value = str | int | float | Decimal | bool | date | datetime | time | None
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def _open(data: bytes, limits: ArchiveLimits | None) -> openpyxl.Workbook:
    check_workbook(open_archive(data, limits))
    try:
        return openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    except (
        InvalidFileException,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        SyntaxError,
        OSError,
        zipfile.BadZipFile,
    ) as fault:
        raise Malformed(
            "The file is no readable Excel workbook (xlsx).", zh="文件不是有效的 Excel 工作簿（xlsx）。"
        ) from fault


def read_xlsx(
    data: bytes, *, limits: ArchiveLimits | None = None, maximum_cells: int = MAXIMUM_CELLS
) -> dict[str, list[list[Value]]]:
    """Return the rows of every sheet by its title; empty rows and columns at the end are cut.

    Values are as Excel keeps them (numbers, dates, booleans, text without surrounding space, None);
    a formula gives its last calculated value. Raises Malformed, Unprocessable, TooLarge.
    """
    workbook = _open(data, limits)
    sheets: dict[str, list[list[Value]]] = {}
    total = 0
    for sheet in workbook.worksheets:
        total += (sheet.max_row or 0) * (sheet.max_column or 0)
        if total > maximum_cells:
            raise TooLarge(
                f"The workbook has more than {maximum_cells} cells.",
                zh=f"工作簿单元格超过 {maximum_cells} 个。",
            )
        rows = [[_value(value) for value in row] for row in sheet.iter_rows(values_only=True)]
        while rows and all(value is None for value in rows[-1]):
            rows.pop()
        width = max(
            (place + 1 for row in rows for place, value in enumerate(row) if value is not None), default=0
        )
        sheets[sheet.title] = [row[:width] for row in rows]
    workbook.close()
    return sheets


def _value(value: object) -> Value:
    if isinstance(value, str):
        text = normal_newlines(value).strip()
        return text or None
    if value is None or isinstance(value, (int, float, bool, date, datetime, time)):
        return value
    return str(value)


def read_workbook(data: bytes, name: str, limits: ArchiveLimits | None = None) -> Document:
    """Return the document of a workbook: a heading and a table per sheet, merged cells kept."""
    workbook = _open(data, limits)
    builder = TextBuilder()
    total = 0
    for sheet in workbook.worksheets:
        total += (sheet.max_row or 0) * (sheet.max_column or 0)
        if total > MAXIMUM_CELLS:
            raise TooLarge(
                f"The workbook has more than {MAXIMUM_CELLS} cells.",
                zh=f"工作簿单元格超过 {MAXIMUM_CELLS} 个。",
            )
        if sheet.sheet_state != "visible":
            builder.notes.append(f"隐藏的工作表：{sheet.title} / hidden sheet: {sheet.title}")
        spans = {
            (area.min_row, area.min_col): (area.max_row - area.min_row + 1, area.max_col - area.min_col + 1)
            for area in sheet.merged_cells.ranges
        }
        covered = {
            (row, column)
            for (top, left), (height, width) in spans.items()
            for row in range(top, top + height)
            for column in range(left, left + width)
        } - set(spans)
        cells: list[PendingCell] = []
        for row in sheet.iter_rows():
            for cell in row:
                place = (int(cell.row or 1), int(cell.column or 1))
                if place in covered or (cell.value is None and place not in spans):
                    continue
                height, width = spans.get(place, (1, 1))
                cells.append(
                    PendingCell(
                        place[0] - 1, place[1] - 1, _cell_text(cast("SheetCell", cell)), height, width
                    )
                )
        if cells:
            builder.block("heading", sheet.title, level=1)
            builder.table(cells)
    workbook.close()
    document = builder.document(data, name, MEDIA_TYPE)
    if not document.tables:
        raise Unprocessable("The workbook is empty.", zh="工作簿是空的。")
    return document


def _cell_text(cell: SheetCell) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and cell.number_format and "%" in cell.number_format:
        return f"{round(value * 100, 6):g}%"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M:%S")
    return normal_newlines(str(value)).strip()


def write_xlsx(sheets: Mapping[str, Sequence[Sequence[Value]]], *, header: bool = True) -> bytes:
    """Return a workbook with one sheet per title. With `header`, first rows are bold and stay in view.

    Text is always written as text: what begins with = + - @ or a tab never becomes a formula, also when
    the file is saved as CSV and opened again. Decimals keep their digits up to Excel's fifteen.
    """
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    titles: set[str] = set()
    for title, rows in (sheets or {"空": []}).items():
        sheet = workbook.create_sheet(sheet_title(title, titles))
        widths: dict[int, int] = {}
        for row_number, row in enumerate(rows, start=1):
            for column, value in enumerate(row, start=1):
                cell = cast("SheetCell", sheet.cell(row=row_number, column=column))
                write_cell(cell, value)
                if row_number <= 200:
                    widths[column] = max(widths.get(column, 0), _width(value))
                if header and row_number == 1:
                    cell.font = Font(bold=True)
                    cell.alignment = Alignment(wrap_text=True, vertical="center")
        for column, width in widths.items():
            sheet.column_dimensions[get_column_letter(column)].width = min(60, max(8, width + 2))
        if header and rows:
            sheet.freeze_panes = "A2"
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def write_csv(rows: Sequence[Sequence[str]], encoding: str = "utf-8") -> bytes:
    """Return rows as CSV (UTF-8 with a mark of byte order, for Excel; or GB 18030); no cell is taken for a formula."""
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerows([_safe(text) for text in row] for row in rows)
    return target.getvalue().encode("utf-8-sig" if encoding == "utf-8" else encoding)


def read_csv(data: bytes) -> list[list[str]]:
    """Return the rows of CSV in any encoding that `decode` finds; a comma, a tab or a bar separates. Raises Unprocessable."""
    text = normal_newlines(decode(data)[0])
    first = text.partition("\n")[0]
    separator = max(",\t|", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error as fault:
        raise Unprocessable("The file is no readable CSV.", zh="文件不是有效的 CSV。") from fault


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def sheet_title(title: str, used: set[str]) -> str:
    """Return a sheet's name that Excel takes and that is not among `used` yet; it is added there."""
    clean = re.sub(r"[\\/*?:\[\]]", " ", title).strip("' ")[:31] or "Sheet"
    candidate, number = clean, 2
    while candidate.casefold() in used:
        candidate = f"{clean[:27]} {number}"
        number += 1
    used.add(candidate.casefold())
    return candidate


def write_cell(cell: SheetCell, value: Value) -> None:
    """Write a value; text stays text, whatever it begins with."""
    if isinstance(value, str):
        cell.value = _ILLEGAL.sub("", value)[:32767]
        cell.data_type = "s"
        if value.startswith(_FORMULA):
            cell.quotePrefix = True  # Excel shows it as typed text and keeps it so
    elif isinstance(value, Decimal):
        cell.value = (
            int(value) if value == value.to_integral_value() and abs(value) < 10**15 else float(value)
        )
    elif isinstance(value, datetime):
        cell.value = value.replace(tzinfo=None)  # Excel knows no time zones
    else:
        cell.value = value


def _width(value: Value) -> int:
    text = str(value) if value is not None else ""
    return max(
        (sum(2 if character > "\u2e7f" else 1 for character in line) for line in text.split("\n")), default=0
    )
