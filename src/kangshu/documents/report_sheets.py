"""xlsx: a report as a workbook, its prose on the first sheet and a sheet for each table, set up for printing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC
from typing import Final, cast

import openpyxl
from openpyxl.cell.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from kangshu.documents.report import HEAD_FILL, INK, Report, ReportBar, ReportCell, ReportTable, Toned
from kangshu.documents.sheets import sheet_title, write_cell
from kangshu.documents.stable_archive import stable

_THIN: Final = Side(style="thin", color="808080")
_GRID: Final = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_HEAD: Final = PatternFill("solid", fgColor=HEAD_FILL)
_WIDTH: Final = 120.0
"""Characters across a landscape page at a size that can be read."""
_FIRST: Final = "说明"


def write_report_xlsx(report: Report) -> bytes:
    """Return `report` as a workbook. Text is text, figures are numbers; nothing is a formula."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    titles: set[str] = set()
    _prose(workbook.create_sheet(sheet_title(_FIRST, titles)), report)
    for block in report.blocks:
        if isinstance(block, ReportTable):
            _table(workbook.create_sheet(sheet_title(block.caption, titles)), report, block)
    made = report.made.astimezone(UTC).replace(tzinfo=None)
    properties = workbook.properties
    properties.title, properties.creator, properties.lastModifiedBy = (
        report.name,
        report.author,
        report.author,
    )
    properties.created = properties.modified = made
    stream = io.BytesIO()
    # not Workbook.save, which would write the moment of saving
    ExcelWriter(workbook, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED)).save()
    return stable(stream.getvalue())


def _prose(sheet: Worksheet, report: Report) -> None:
    rows: list[tuple[str, str]] = [("title", report.name)]
    rows += [("fact", f"{name}：{value}") for name, value in report.facts]
    for block in report.blocks:
        if isinstance(block, ReportTable):
            rows.append(("text", f"（见工作表“{block.caption}”）"))
        elif isinstance(block, ReportBar):
            counted = "，".join(f"{word}{number}" for word, number, _ in block.parts)
            rows.append(("text", f"{block.caption}：{counted}"))
        else:
            rows.append(("heading" if hasattr(block, "level") else "text", block.text))
    for number, (kind, text) in enumerate(rows, 1):
        cell = _at(sheet, number, 1)
        write_cell(cell, text)
        cell.font = Font(bold=kind in ("title", "heading"), size=16 if kind == "title" else 11)
        cell.alignment = Alignment(
            wrap_text=True, vertical="top", horizontal="center" if kind == "title" else "left"
        )
    sheet.column_dimensions["A"].width = 92
    _page(sheet, report, landscape=False)


def _table(sheet: Worksheet, report: Report, table: ReportTable) -> None:
    width = max(1, len(table.columns))
    title, marks = _at(sheet, 1, 1), _at(sheet, 2, 1)
    write_cell(title, f"{report.name}：{table.caption}" if table.caption not in report.name else report.name)
    title.font, title.alignment = Font(bold=True, size=14), Alignment(horizontal="center")
    write_cell(marks, "    ".join(f"{name}：{value}" for name, value in report.facts))
    marks.font, marks.alignment = Font(size=9, color=INK["grey"]), Alignment(horizontal="center")
    for row in (1, 2):
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=width)
    _line(sheet, 3, [one.title for one in table.columns], table, head=True)
    for number, values in enumerate(table.rows, 4):
        _line(sheet, number, values, table, head=False)
    total = sum(one.share for one in table.columns)
    for number, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = max(
            6.0, round(_WIDTH * column.share / total, 1)
        )
    sheet.freeze_panes = "A4"
    sheet.print_title_rows = "3:3"
    if table.rows:
        sheet.auto_filter.ref = f"A3:{get_column_letter(width)}{3 + len(table.rows)}"
    _page(sheet, report, landscape=True)


def _line(
    sheet: Worksheet, number: int, values: Sequence[ReportCell], table: ReportTable, *, head: bool
) -> None:
    for place, (value, column) in enumerate(zip(values, table.columns, strict=True), 1):
        cell = _at(sheet, number, place)
        toned = value if isinstance(value, Toned) else None
        plain = value.text if isinstance(value, Toned) else value
        write_cell(cell, "—" if plain in (None, "") else plain)
        cell.border = _GRID
        if head:
            cell.font, cell.fill = Font(bold=True), _HEAD
        elif toned:
            cell.font = Font(color=INK[toned.tone], bold=toned.tone in ("red", "amber"))
        sideways = "center" if head else "right" if column.figures else "left"
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal=sideways)


def _page(sheet: Worksheet, report: Report, *, landscape: bool) -> None:
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr = openpyxl.worksheet.properties.PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.oddFooter.left.text = report.mark.replace("&", "&&")
    sheet.oddFooter.right.text = "第 &P 页 共 &N 页"


def _at(sheet: Worksheet, row: int, column: int) -> SheetCell:
    return cast("SheetCell", sheet.cell(row=row, column=column))
