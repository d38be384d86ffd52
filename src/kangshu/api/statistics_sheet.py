"""统计发布值 as one workbook: a row per target and release; nothing is written while a row is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.api.sheets import SheetColumn, SheetRow, read_rows, write_template
from kangshu.base.faults import Fault, Issue
from kangshu.base.text import Language, Text
from kangshu.plans import RELEASE_KINDS

TITLE: Final = Text("统计发布值", "Released statistics")
COLUMNS: Final = (
    SheetColumn(
        "target",
        Text("目标编号", "Target"),
        Text("模板中已填，请勿改动", "as in the template; leave it"),
        needed=True,
    ),
    SheetColumn(
        "indicator", Text("指标", "Indicator"), Text("供核对，不读取", "for you, not read"), shown=True
    ),
    SheetColumn("unit", Text("计量单位", "Unit"), Text("供核对，不读取", "for you, not read"), shown=True),
    SheetColumn(
        "day",
        Text("数据期末", "Last day it is for"),
        Text("如 2025-12-31", "e.g. 2025-12-31"),
        needed=True,
    ),
    SheetColumn("value", Text("发布值", "Released value"), Text("只填数字", "a number"), needed=True),
    SheetColumn(
        "bulletin",
        Text("公报或年鉴名称", "Bulletin"),
        Text("如：2025年统计公报", "the bulletin or yearbook"),
        needed=True,
    ),
    SheetColumn("number", Text("文号或期号", "Number"), Text("没有可不填", "empty where there is none")),
    SheetColumn(
        "released",
        Text("发布日期", "Released on"),
        Text("如 2026-03-20", "e.g. 2026-03-20"),
        needed=True,
    ),
    SheetColumn(
        "kind",
        Text("数据性质", "How final"),
        Text("初步数、最终数或修订数", "preliminary, final or revised"),
        needed=True,
    ),
)
_KINDS: Final = {
    written: kind for kind, title in RELEASE_KINDS.items() for written in (title.zh, title.en.lower(), kind)
}


@dataclass(frozen=True, slots=True)
class StatisticsImport:
    """What a workbook did: how many values were written, or what is wrong in which row (0: the sheet)."""

    written: int
    findings: tuple[tuple[int, Issue], ...]


async def statistics_template(platform: Platform, grant: Grant, language: Language) -> bytes:
    """Return the workbook to fill in: one row per target that statistics prove. Raises Forbidden."""
    listed = await platform.plans.to_release(grant)
    rows = [
        [
            f"{one.plan.id}/{one.target.id}",
            one.target.indicator,
            one.target.unit,
            "",
            "",
            "",
            "",
            "",
            "最终数",
        ]
        for one in listed
    ]
    return write_template(TITLE, COLUMNS, language, rows)


async def import_statistics(platform: Platform, grant: Grant, data: bytes) -> StatisticsImport:
    """Write the filled rows of a workbook; rows of the template that were left empty are passed over.

    All rows are read before the first is written; a row that the plan refuses stops there and is told.
    Raises Malformed, TooLarge, Unprocessable as `read_rows`, and Forbidden.
    """
    grant.require("plan.statistics")
    rows = [one for one in read_rows(data, COLUMNS) if one.cells["value"] or one.cells["day"]]
    known = {f"{one.plan.id}/{one.target.id}" for one in await platform.plans.to_release(grant)}
    findings: list[tuple[int, Issue]] = []
    ready: list[tuple[int, dict[str, Any]]] = []
    for row in rows:
        read, wrong = _read(row, known)
        findings += [(row.number, one) for one in wrong]
        ready.append((row.number, read))
    if not rows:
        findings.append((0, _issue("no row holds a value", "没有填写发布值的行", "value")))
    if findings:
        return StatisticsImport(0, tuple(findings))
    written = 0
    for number, read in ready:
        try:
            await platform.plans.targets.enter_statistics(grant, **read)
        except Fault as fault:
            return StatisticsImport(written, ((number, _issue(fault.text, fault.zh, "value")),))
        written += 1
    return StatisticsImport(written, ())


def _read(row: SheetRow, known: set[str]) -> tuple[dict[str, Any], list[Issue]]:
    """Return a row as what `enter_statistics` takes, and what is wrong with it."""
    wrong: list[Issue] = []
    cells = row.cells
    if cells["target"] not in known:
        wrong.append(_issue("no such target of statistics", "没有此目标，或该目标不由统计部门发布", "target"))
    if not cells["bulletin"]:
        wrong.append(_issue("the bulletin is missing", "须注明公报或年鉴名称", "bulletin"))
    kind = _KINDS.get(cells["kind"].lower())
    if kind is None:
        wrong.append(_issue("unknown kind of figure", "数据性质应为初步数、最终数或修订数", "kind"))
    plan, _, target = cells["target"].partition("/")
    read: dict[str, Any] = {
        "plan_id": plan,
        "target": target,
        "value": _number(cells, wrong),
        "day": _day(cells, "day", wrong),
        "released": _day(cells, "released", wrong),
        "bulletin": cells["bulletin"],
        "number": cells["number"],
        "kind": kind,
    }
    return read, wrong


def _number(cells: Mapping[str, str], wrong: list[Issue]) -> Decimal | None:
    try:
        figure = Decimal(cells["value"].replace(",", "").replace("，", "").rstrip("%％"))
    except InvalidOperation:
        figure = Decimal("NaN")
    if figure.is_finite():
        return figure
    wrong.append(_issue("the value must be a number", "发布值应为数字", "value"))
    return None


def _day(cells: Mapping[str, str], name: str, wrong: list[Issue]) -> date | None:
    try:
        return date.fromisoformat(cells[name].replace("/", "-")[:10])
    except ValueError:
        title = next(one.title for one in COLUMNS if one.id == name)
        wrong.append(_issue(f"{title.en}: write 2026-03-01", f"{title.zh}：日期格式应为 2026-03-01", name))
        return None


def _issue(en: str, zh: str, column: str) -> Issue:
    return Issue("error", "value", en, zh=zh, expression=(column,))
