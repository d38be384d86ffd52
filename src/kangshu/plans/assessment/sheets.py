"""A scheme as a workbook, out and in: the sheets 方案, 分类 and 指标. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from kangshu.base.faults import Unprocessable
from kangshu.documents import Value, read_xlsx, write_xlsx
from kangshu.plans.assessment.formulas import FORMULAS
from kangshu.plans.assessment.scheme import Scheme, SchemeItem, UnitClass

HEAD, CLASSES, ITEMS = "方案", "分类", "指标"
_HEAD: Final = ("名称", "年度", "快照起始日", "快照截止日", "依据文件", "是否已核实")
_CLASS: Final = ("类别", "总分", "单位")
_ITEM: Final = ("类别", "条款", "一级指标", "二级指标", "分值", "评分标准", "数据来源", "公式", "参数")
_SOURCES: Final = {"computed": "系统计算", "judged": "评审打分"}
_YES: Final = "是"


def scheme_sheets(scheme: Scheme) -> bytes:
    """Return the workbook of a scheme."""
    head: list[list[Value]] = [
        [*_HEAD],
        [
            scheme.title,
            scheme.year,
            scheme.first_day.isoformat(),
            scheme.last_day.isoformat(),
            scheme.source,
            _YES if scheme.verified else "否",
        ],
    ]
    classes: list[list[Value]] = [[*_CLASS]]
    items: list[list[Value]] = [[*_ITEM]]
    for one in scheme.classes:
        classes += [[one.title, one.total, name] for _, name in one.units]
        items += [_item_row(one.title, item) for item in one.items]
    return write_xlsx({HEAD: head, CLASSES: classes, ITEMS: items})


def _item_row(title: str, item: SchemeItem) -> list[Value]:
    formula = FORMULAS.get(item.formula)
    meanings = formula.figures if formula else {}
    figures = "；".join(
        f"{meaning.zh}={item.figures[name]}" for name, meaning in meanings.items() if name in item.figures
    )
    return [
        title,
        item.clause,
        item.group,
        item.indicator,
        item.points,
        item.standard,
        _SOURCES[item.source],
        formula.title.zh if formula else item.formula,
        figures,
    ]


def read_scheme(data: bytes, units: Mapping[str, str]) -> Scheme:
    """Return the scheme of a workbook; `units` are organisation ids by name and alias, an unknown name gets no id.

    Raises Unprocessable naming the sheet and row that cannot be read; Malformed, TooLarge as `read_xlsx`.
    """
    sheets = read_xlsx(data)
    head = next(iter(_lines(sheets, HEAD, _HEAD)), None)
    if head is None:
        raise _wrong(HEAD, 2, "缺少内容")
    listed: dict[str, tuple[Decimal, list[tuple[str, str]]]] = {}
    for number, line in enumerate(_lines(sheets, CLASSES, _CLASS), 2):
        title, name = _text(line[0]), _text(line[2])
        _, members = listed.setdefault(title, (_number(CLASSES, number, line[1]), []))
        members.append((units.get(name, ""), name))
    items: dict[str, list[SchemeItem]] = {}
    for number, line in enumerate(_lines(sheets, ITEMS, _ITEM), 2):
        if _text(line[0]) not in listed:
            raise _wrong(ITEMS, number, f"类别“{_text(line[0])}”不在“{CLASSES}”表中")
        items.setdefault(_text(line[0]), []).append(_item(number, line))
    return Scheme(
        title=_text(head[0]),
        year=int(_number(HEAD, 2, head[1])),
        first_day=_day(2, head[2]),
        last_day=_day(2, head[3]),
        source=_text(head[4]),
        verified=_text(head[5]) == _YES,
        classes=tuple(
            UnitClass(title, total, tuple(members), tuple(items.get(title, ())))
            for title, (total, members) in listed.items()
        ),
    )


def _item(number: int, line: Sequence[Value]) -> SchemeItem:
    sources = {zh: code for code, zh in _SOURCES.items()}
    written = _text(line[6])
    if written not in sources:
        raise _wrong(ITEMS, number, f"数据来源应为{'或'.join(sources)}")
    titles = {one.title.zh: one for one in FORMULAS.values()}
    formula = titles.get(_text(line[7]))
    names = {title.zh: name for name, title in formula.figures.items()} if formula else {}
    figures: dict[str, Decimal] = {}
    for part in filter(None, _text(line[8]).replace(";", "；").split("；")):
        meaning, _, figure = part.partition("=")
        figures[names.get(meaning.strip(), meaning.strip())] = _number(ITEMS, number, figure)
    return SchemeItem(
        clause=_text(line[1]),
        group=_text(line[2]),
        indicator=_text(line[3]),
        points=_number(ITEMS, number, line[4]),
        standard=_text(line[5]),
        source="computed" if sources[written] == "computed" else "judged",
        formula=formula.id if formula else _text(line[7]),
        figures=figures,
    )


def _lines(
    sheets: Mapping[str, list[list[Value]]], title: str, heads: tuple[str, ...]
) -> Iterable[list[Value]]:
    """Yield the lines of a sheet below its head, as wide as the head. Raises Unprocessable for another head."""
    rows = sheets.get(title)
    if not rows or [_text(value) for value in rows[0]][: len(heads)] != list(heads):
        raise _wrong(title, 1, f"表头应为：{'、'.join(heads)}")
    return [
        [*row, *[None] * (len(heads) - len(row))]
        for row in rows[1:]
        if any(value is not None for value in row)
    ]


def _text(value: Value) -> str:
    return "" if value is None else str(value).strip()


def _number(sheet: str, line: int, value: Value) -> Decimal:
    try:
        return Decimal(_text(value))
    except InvalidOperation:
        raise _wrong(sheet, line, f"“{_text(value)}”应为数字") from None


def _day(line: int, value: Value) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(_text(value))
    except ValueError:
        raise _wrong(HEAD, line, f"“{_text(value)}”应为日期，如 2026-12-31") from None


def _wrong(sheet: str, line: int, zh: str) -> Unprocessable:
    return Unprocessable(
        f"sheet '{sheet}', row {line}: cannot be read", zh=f"工作表“{sheet}”第{line}行：{zh}"
    )
