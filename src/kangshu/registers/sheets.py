"""Excel in and out of a register: the sheets that are written and the rows that are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import TooLarge, Unprocessable
from kangshu.base.text import Language, Text
from kangshu.documents import Value, read_xlsx, write_xlsx
from kangshu.registers.forms import is_empty
from kangshu.registers.importing import RowError
from kangshu.registers.rows import RegisterRow
from kangshu.sdk import Field, RegisterDeclaration

_KINDS: Mapping[str, Text] = {
    "text": Text("文字", "text"),
    "paragraph": Text("文字", "text"),
    "integer": Text("整数", "whole number"),
    "decimal": Text("数字", "number"),
    "date": Text("日期，如 2026-03-01", "date such as 2026-03-01"),
    "datetime": Text("时间，如 2026-03-01 08:30", "time such as 2026-03-01 08:30"),
    "choice": Text("选项", "one of"),
    "boolean": Text("是或否", "yes or no"),
    "organisation": Text("机构标识", "id of an organisation"),
    "resident": Text("居民标识", "id of a resident"),
    "practitioner": Text("人员标识", "id of a practitioner"),
    "district": Text("行政区划代码", "division code"),
    "attachment": Text("附件标识", "id of an attachment"),
    "reference": Text("记录标识", "id of a record"),
}
_NUMBERS = ("integer", "decimal")
_MARK = Text("必填", "required")
_FIELD = Text("字段", "Field")
_FORM = Text("填写要求", "How to fill in")
_HELP = Text("填表说明", "Explanations")
_SEARCHED_HEADER_ROWS = 5


def export_sheet(
    register: RegisterDeclaration,
    rows: Sequence[RegisterRow],
    grant: Grant,
    watermark: str,
    at: datetime,
    language: Language,
) -> bytes:
    """Return a workbook of `rows`: the first line says watermark, account, time and count, the second the titles."""
    stamp = at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")
    who = f"{grant.display}（{grant.account}）" if grant.display else grant.account
    counted = Text(f"共 {len(rows)} 条", f"{len(rows)} records").in_language(language)
    notice = "  ".join(
        part for part in (watermark, register.title.in_language(language), who, stamp, counted) if part
    )
    sheet: list[list[Value]] = [[notice], [column.title.in_language(language) for column in register.columns]]
    for row in rows:
        sheet.append([_cell(row, column.id, column.kind, language) for column in register.columns])
    return write_xlsx({register.title.in_language(language): sheet})


def template_sheets(register: RegisterDeclaration, language: Language) -> bytes:
    """Return the empty workbook of a register: a sheet to fill in, and one that explains each column."""
    return fields_template(register.title, register.form, language)


def fields_template(title: Text, form: Sequence[Field], language: Language) -> bytes:
    """Return the empty workbook of these fields: a sheet to fill in, and one that explains each column."""
    explained: list[list[Value]] = [[one.in_language(language) for one in (_FIELD, _MARK, _FORM)]]
    for field in _columned(form):
        required = "√" if field.required else ""
        explained.append([field.title.in_language(language), required, _explanation(field, language)])
    titles: list[Value] = [field.title.in_language(language) for field in _columned(form)]
    return write_xlsx({title.in_language(language): [titles], _HELP.in_language(language): explained})


def _columned(form: Sequence[Field]) -> list[Field]:
    """Return the fields that have a column in a sheet: all but tables, whose rows have no room in one."""
    return [field for field in form if field.kind != "table"]


def error_sheet(title: Text, errors: Sequence[RowError], language: Language) -> bytes:
    """Return a workbook of what is wrong with which cell of an import, from the first row on."""
    heads = (Text("行号", "Row"), Text("列", "Column"), Text("问题", "What is wrong"))
    rows: list[list[Value]] = [[one.in_language(language) for one in heads]]
    rows += [[one.row, one.column, one.text.in_language(language)] for one in errors]
    return write_xlsx({title.in_language(language): rows})


def read_sheet(form: Sequence[Field], data: bytes, most: int) -> list[tuple[int, dict[str, Any]]]:
    """Return (row number as Excel shows it, values by field id) of the first sheet's rows; empty rows are left out.

    Raises:
        Malformed, TooLarge: not a workbook, or more than `most` rows.
        Unprocessable: no header line, a column that the template has not, or a required one that is missing.
    """
    sheets = read_xlsx(data)
    rows = next(iter(sheets.values()), [])
    by_title = {title: field for field in _columned(form) for title in (field.title.zh, field.title.en)}
    start = next(
        (
            at
            for at, row in enumerate(rows[:_SEARCHED_HEADER_ROWS])
            if any(str(cell) in by_title for cell in row)
        ),
        None,
    )
    if start is None:
        raise Unprocessable(
            "the sheet has no header line; start from the template", zh="表格没有表头，请使用下载的模板填写"
        )
    header = [str(cell).strip() if cell is not None else "" for cell in rows[start]]
    _check_header(form, header, by_title)
    found: list[tuple[int, dict[str, Any]]] = []
    for number, row in enumerate(rows[start + 1 :], start + 2):
        values = {
            by_title[title].id: _read(cell, by_title[title])
            for title, cell in zip(header, row, strict=False)
            if title in by_title
        }
        if any(not is_empty(value) for value in values.values()):
            found.append((number, values))
    if len(found) > most:
        raise TooLarge(f"one import takes at most {most} rows", zh=f"一次最多导入 {most} 行，请分批导入")
    return found


def _check_header(form: Sequence[Field], header: Sequence[str], by_title: Mapping[str, Field]) -> None:
    unknown = [title for title in header if title and title not in by_title]
    given = {by_title[title].id for title in header if title in by_title}
    missing = [field.title for field in _columned(form) if field.required and field.id not in given]
    if unknown:
        names = "、".join(unknown)[:200]
        raise Unprocessable(f"columns that the template has not: {names}", zh=f"模板中没有以下列：{names}")
    if missing:
        zh = "、".join(title.zh for title in missing)
        en = ", ".join(title.en for title in missing)
        raise Unprocessable(f"required columns are missing: {en}", zh=f"缺少必填列：{zh}")


def _read(cell: Value, field: Field) -> Any:
    if isinstance(cell, float) and cell == int(cell) and field.kind not in _NUMBERS:
        return str(int(cell))  # Excel makes numbers of codes
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) and field.kind not in _NUMBERS:
        return str(cell)
    if field.many and isinstance(cell, str):
        return [
            part.strip() for part in cell.replace("，", "、").replace(",", "、").split("、") if part.strip()
        ]
    return cell


def _cell(row: RegisterRow, column: str, kind: str, language: Language) -> Value:
    value = row.values[column]
    if kind in _NUMBERS and isinstance(value, int | Decimal):
        return value
    return row.texts[column].in_language(language)


def _explanation(field: Field, language: Language) -> str:
    text = _KINDS[field.kind].in_language(language)
    if field.options:
        text += "：" + " / ".join(option.title.in_language(language) for option in field.options)
    if field.help.zh:
        text += "；" + field.help.in_language(language)
    if field.unit:
        text += f"（{field.unit}）"
    return text
