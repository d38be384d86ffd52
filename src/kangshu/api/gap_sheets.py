"""补录 as one list: what plans and parameters lack, entered with the approving documents; as a workbook out and in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from kangshu.access import Grant
from kangshu.api.importing import parameter_value
from kangshu.api.jurisdiction import enter_parameter
from kangshu.api.platform import Platform
from kangshu.api.sheets import SheetColumn, SheetRow, read_rows, write_template
from kangshu.base.clock import today
from kangshu.base.faults import Fault, Invalid
from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Language, Text
from kangshu.documents import Value
from kangshu.plans import Approval as Approval
from kangshu.plans import Filling as Filling
from kangshu.registers import ImportReport, RowError

_SHEET: Final = Text("补录", "Missing values")
_KINDS: Final = {
    "year": Text("目标年份", "Year"),
    "baseline": Text("基期值", "Baseline"),
    "parameter": Text("政策参数", "Parameter"),
}
GAP_SHEET: Final = (
    SheetColumn("key", Text("编号", "Key"), Text("请勿改动", "do not change"), needed=True),
    SheetColumn("kind", Text("类别", "Kind"), Text("仅供参考", "for reference"), shown=True),
    SheetColumn("plan", Text("规划", "Plan"), Text("仅供参考", "for reference"), shown=True),
    SheetColumn("title", Text("事项", "Matter"), Text("仅供参考", "for reference"), shown=True),
    SheetColumn("written", Text("原文", "As written"), Text("仅供参考", "for reference"), shown=True),
    SheetColumn("unit", Text("单位", "Unit"), Text("仅供参考", "for reference"), shown=True),
    SheetColumn("value", Text("补录值", "Value"), Text("年份如 2027；基期值、参数填数字；留空表示不补录", "a year as 2027, or a number; empty: nothing is entered"), needed=True),
    SheetColumn("day", Text("日期", "Day"), Text("基期值的日期、参数的生效日期，如 2025-12-31", "day of the baseline, or from when the parameter holds"), needed=True),
    SheetColumn("approval", Text("批准文件", "Approving document"), Text("文件名", "title"), needed=True),
    SheetColumn("number", Text("文号", "Number"), Text("如 云政办〔2026〕3号", "as 云政办〔2026〕3号")),
    SheetColumn("issued", Text("成文日期", "Date of the document"), Text("如 2026-03-01", "as 2026-03-01")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Missing:
    """One line of the list. `address` is empty where no page tells more."""

    key: str
    kind: Literal["year", "baseline", "parameter"]
    plan: str
    plan_title: str
    target: str
    title: Text
    written: str
    unit: str


def kind_title(kind: str) -> Text:
    """Return what a kind of missing value is called."""
    return _KINDS[kind]


async def missing_values(platform: Platform, grant: Grant) -> tuple[Missing, ...]:
    """Return all that may be entered by this account: years and baselines of own plans, parameters nobody has verified."""
    found: list[Missing] = []
    if grant.may("plan.link"):
        for gap in await platform.plans.gaps.gaps(grant):
            written = gap.due if gap.kind == "year" else f"{gap.figure} {gap.due}".strip()
            title = Text(gap.indicator, gap.indicator)
            found.append(
                Missing(gap.key, gap.kind, gap.plan, gap.plan_title, gap.target, title, written, gap.unit)
            )
    if grant.may("parameter.write"):
        found += _parameters(platform)
    return tuple(found)


def _parameters(platform: Platform) -> list[Missing]:
    table, place = platform.parameters, platform.settings.jurisdiction
    found = []
    for id_ in table.ids():
        held = table.find(id_, place, today())
        if held is not None and held.verified:
            continue
        known = held or table.versions(id_)[0]
        written = f"{held.value}" if held is not None else ""
        found.append(Missing(f"parameter.{id_}", "parameter", "", "", id_, known.title, written, known.unit))
    return found


async def check_missing(
    platform: Platform, grant: Grant, fillings: Sequence[Filling]
) -> tuple[tuple[str, Fault], ...]:
    """Return (key, what is wrong) of the fillings that cannot be entered. Raises Forbidden as `enter_missing`."""
    own, others = _parted(fillings)
    wrong: list[tuple[str, Fault]] = [*(await platform.plans.gaps.check(grant, own))] if own else []
    if others:
        grant.require("parameter.write")
    for one in others:
        try:
            _version(platform, one)
        except Invalid as fault:
            wrong.append((one.key, fault))
    return tuple(wrong)


async def enter_missing(
    platform: Platform, grant: Grant, fillings: Sequence[Filling]
) -> tuple[tuple[str, Fault], ...]:
    """Enter all fillings or none; return what is wrong as `check_missing` does.

    Raises Forbidden where the account may not enter one of them.
    """
    wrong = await check_missing(platform, grant, fillings)
    own, others = _parted(fillings)
    if not wrong and own:
        wrong = await platform.plans.gaps.fill(grant, own)
    if not wrong:
        for one in others:
            await enter_parameter(platform, grant, _version(platform, one))
    return wrong


def _parted(fillings: Sequence[Filling]) -> tuple[list[Filling], list[Filling]]:
    """Return those of plans and those of parameters."""
    others = [one for one in fillings if one.key.startswith("parameter.")]
    return [one for one in fillings if one not in others], others


def _version(platform: Platform, filling: Filling) -> ParameterVersion:
    id_ = filling.key.removeprefix("parameter.")
    held = platform.parameters.versions(id_)
    if not held:
        raise Invalid("there is no such parameter", zh="没有这个参数", expression="key")
    if not filling.approval.title.strip():
        raise Invalid("name the approving document", zh="请填写批准文件名称", expression="approval")
    return ParameterVersion(
        id=id_,
        title=held[0].title,
        value=parameter_value(held[0].value, filling.value),
        unit=held[0].unit,
        jurisdiction=platform.settings.jurisdiction,
        valid_from=_day(filling.day, "day"),
        valid_to=None,
        source=filling.approval.text,
        verified=True,
    )


def missing_sheet(rows: Sequence[Missing], language: Language = "zh") -> bytes:
    """Return the workbook of these lines, to be filled in."""
    cells: list[list[Value]] = [
        [
            one.key,
            _KINDS[one.kind].in_language(language),
            one.plan_title,
            one.title.in_language(language),
            one.written,
            one.unit,
        ]
        for one in rows
    ]
    return write_template(_SHEET, GAP_SHEET, language, cells)


async def import_missing(platform: Platform, grant: Grant, data: bytes) -> ImportReport:
    """Enter what a filled-in workbook holds; all rows or none. Raises Malformed, TooLarge, Unprocessable, Forbidden."""
    rows = [row for row in read_rows(data, GAP_SHEET) if row.cells["value"]]
    fillings: list[Filling] = []
    errors: list[RowError] = []
    for row in rows:
        try:
            fillings.append(_filling(row))
        except Invalid as fault:
            errors.append(_error(row, fault))
    by_key = {row.cells["key"]: row for row in rows}
    entering = check_missing if errors else enter_missing
    found = await entering(platform, grant, fillings)
    errors += [_error(by_key[key], fault) for key, fault in found]
    entered = 0 if errors else len(fillings)
    return ImportReport(len(rows), entered, 0, tuple(sorted(errors, key=lambda one: one.row)))


def _filling(row: SheetRow) -> Filling:
    cells = row.cells
    issued = _day(cells["issued"], "issued") if cells["issued"] else None
    return Filling(
        cells["key"], cells["value"], cells["day"], Approval(cells["approval"], cells["number"], issued)
    )


def _day(written: str, place: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise Invalid(
            "a date is written as 2026-03-01", zh="日期格式应为 2026-03-01", expression=place
        ) from error


def _error(row: SheetRow, fault: Fault) -> RowError:
    place = fault.issues[0].expression[0] if fault.issues and fault.issues[0].expression else ""
    place = "approval" if place == "title" else place
    title = next((one.title.zh for one in GAP_SHEET if one.id == place), "")
    return RowError(row.number, title, Text(fault.zh, fault.text))
