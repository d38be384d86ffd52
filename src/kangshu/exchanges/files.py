"""The file of an exchange: rows as csv in the encoding that the other side reads, or as a workbook; and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from kangshu.base.faults import Unprocessable
from kangshu.documents import Value, read_csv, read_xlsx, write_csv, write_xlsx
from kangshu.sdk import ExchangeDeclaration

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv"
_TOTAL: Final = "合计"
_ZIP: Final = b"PK\x03\x04"
_SEARCHED: Final = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a returned file: its number as people see it, and its cells by heading."""

    number: int
    cells: Mapping[str, str]


def written_file(
    exchange: ExchangeDeclaration, number: str, rows: Sequence[Mapping[str, object]]
) -> tuple[str, bytes, str]:
    """Return (name, bytes, media type): a heading, a row per case, and a last row with the control totals."""
    headings = [one.title for one in exchange.columns]
    total = sum((Decimal(str(row[exchange.amount])) for row in rows), Decimal(0))
    totals: list[object] = ["" for _ in headings]
    totals[0] = f"{_TOTAL}{len(rows)}笔"
    totals[headings.index(exchange.amount)] = total
    lines: list[list[object]] = [list(headings), *([row[one] for one in headings] for row in rows), totals]
    name = f"{exchange.name or exchange.title.zh}_{number}.{exchange.format}"
    if exchange.format == "xlsx":
        cells: list[list[Value]] = [[_cell(one) for one in line] for line in lines]
        return name, write_xlsx({exchange.title.zh: cells}), XLSX
    texts = [[_text(one) for one in line] for line in lines]
    return name, write_csv(texts, exchange.encoding), CSV


def read_lines(exchange: ExchangeDeclaration, data: bytes) -> list[Line]:
    """Return the rows of a returned file by heading; the row of totals is no row of a case.

    Raises:
        Malformed: no workbook and no text.
        Unprocessable: the headings by which rows are found are not there.
    """
    if data.startswith(_ZIP):
        listed = next(iter(read_xlsx(data).values()), [])
        rows = [["" if one is None else _plain(one) for one in row] for row in listed]
    else:
        rows = read_csv(data)
    needed = {exchange.key, exchange.amount, exchange.result}
    start = next(
        (at for at, row in enumerate(rows[:_SEARCHED]) if needed <= {one.strip() for one in row}), None
    )
    if start is None:
        names = "、".join(sorted(needed))
        raise Unprocessable(
            f"the file has no line of headings with {', '.join(sorted(needed))}",
            zh=f"文件中没有找到表头，须有以下各列：{names}",
        )
    headings = [one.strip() for one in rows[start]]
    found = []
    for number, row in enumerate(rows[start + 1 :], start=start + 2):
        cells = {heading: text.strip() for heading, text in zip(headings, row, strict=False) if heading}
        if any(cells.values()) and not row[0].strip().startswith(_TOTAL):
            found.append(Line(number, cells))
    return found


def amount_of(text: str) -> Decimal | None:
    """Return an amount as a bank writes it (1,200.00 or ¥1200); None where it is none."""
    try:
        value = Decimal(text.replace(",", "").replace("，", "").replace("¥", "").replace("元", "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def same_amount(texts: Iterable[Decimal | None]) -> bool:
    """Return whether these amounts are known and equal."""
    found = set(texts)
    return len(found) == 1 and None not in found


def _cell(value: object) -> Value:
    return value if isinstance(value, Decimal | int) else str(value)


def _text(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _plain(value: Value) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
