"""A sheet with a heading line as rows of text: what 系统管理 takes from Excel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from kangshu.base.faults import TooLarge, Unprocessable
from kangshu.base.text import Language, Text
from kangshu.documents import Value, read_xlsx, write_xlsx

MOST_ROWS: Final = 20_000
_SEARCHED: Final = 5
_FIELD, _NEEDED, _FORM = Text("列", "Column"), Text("必填", "required"), Text("填写要求", "How to fill in")
_SHEET: Final = Text("表", "Sheet")
_HELP: Final = Text("填表说明", "Explanations")


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column: its id, its heading in both languages, whether it is needed, how to fill it in."""

    id: str
    title: Text
    help: Text
    needed: bool = False
    shown: bool = False
    """Whether it is only shown in the template and not read back."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number as Excel shows it, and its text by column id ("" for an empty cell)."""

    number: int
    cells: Mapping[str, str]


def read_rows(data: bytes, columns: Sequence[SheetColumn]) -> list[SheetRow]:
    """Return the filled rows of the first sheet.

    Raises:
        Malformed: not a workbook.
        TooLarge: more rows than one import takes.
        Unprocessable: no heading line, or a needed column is missing.
    """
    return _rows(next(iter(read_xlsx(data).values()), []), columns)


def read_sheets(data: bytes, sheets: Mapping[Text, Sequence[SheetColumn]]) -> dict[Text, list[SheetRow]]:
    """Return the filled rows of several sheets by title; a sheet that is not there has none. Raises as `read_rows`."""
    held = read_xlsx(data)
    found: dict[Text, list[SheetRow]] = {}
    for title, columns in sheets.items():
        rows = held.get(title.zh, held.get(title.en))
        found[title] = _rows(rows, columns) if rows else []
    if not any(found.values()):
        names = "、".join(one.zh for one in sheets)
        raise Unprocessable(
            "none of the template's sheets holds a row; start from the template",
            zh=f"没有可导入的行：请使用下载的模板，在{names}表中填写",
        )
    return found


def _rows(rows: Sequence[Sequence[Value]], columns: Sequence[SheetColumn]) -> list[SheetRow]:
    by_title = {title: one.id for one in columns for title in (one.title.zh, one.title.en)}
    start = next(
        (at for at, row in enumerate(rows[:_SEARCHED]) if any(_text(cell) in by_title for cell in row)), None
    )
    if start is None:
        raise Unprocessable(
            "the sheet has no heading line; start from the template", zh="表格没有表头，请使用下载的模板填写"
        )
    header = [by_title.get(_text(cell), "") for cell in rows[start]]
    missing = [one.title for one in columns if one.needed and one.id not in header]
    if missing:
        en, zh = ", ".join(one.en for one in missing), "、".join(one.zh for one in missing)
        raise Unprocessable(f"required columns are missing: {en}", zh=f"缺少必填列：{zh}")
    found: list[SheetRow] = []
    for number, row in enumerate(rows[start + 1 :], start + 2):
        cells = {one.id: "" for one in columns}
        cells.update({id_: _text(cell) for id_, cell in zip(header, row, strict=False) if id_})
        if any(cells.values()):
            found.append(SheetRow(number, cells))
    if len(found) > MOST_ROWS:
        raise TooLarge(
            f"one import takes at most {MOST_ROWS} rows", zh=f"一次最多导入 {MOST_ROWS} 行，请分批导入"
        )
    return found


def write_template(
    title: Text, columns: Sequence[SheetColumn], language: Language, rows: Sequence[Sequence[Value]] = ()
) -> bytes:
    """Return a workbook to fill in: the headings with `rows` that stand already, and a sheet that explains them."""
    explained: list[list[Value]] = [[one.in_language(language) for one in (_FIELD, _NEEDED, _FORM)]]
    explained += _explained(columns, language)
    headings: list[Value] = [one.title.in_language(language) for one in columns]
    return write_xlsx(
        {title.in_language(language): [headings, *map(list, rows)], _HELP.in_language(language): explained}
    )


def write_templates(sheets: Mapping[Text, Sequence[SheetColumn]], language: Language) -> bytes:
    """Return a workbook with one empty sheet per title, and a sheet that explains all their columns."""
    book: dict[str, list[list[Value]]] = {}
    explained: list[list[Value]] = [[one.in_language(language) for one in (_SHEET, _FIELD, _NEEDED, _FORM)]]
    for title, columns in sheets.items():
        book[title.in_language(language)] = [[one.title.in_language(language) for one in columns]]
        explained += [[title.in_language(language), *line] for line in _explained(columns, language)]
    return write_xlsx({**book, _HELP.in_language(language): explained})


def _explained(columns: Sequence[SheetColumn], language: Language) -> list[list[Value]]:
    return [
        [one.title.in_language(language), "√" if one.needed else "", one.help.in_language(language)]
        for one in columns
    ]


def _text(cell: Value) -> str:
    """Return a cell as people typed it: Excel makes numbers of codes and instants of days."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell == int(cell):
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()
