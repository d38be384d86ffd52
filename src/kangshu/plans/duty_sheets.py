"""责任清单 as a sheet: rows of exactly thirteen columns out, and rows back in with what is wrong with each. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from kangshu.base.faults import Invalid
from kangshu.base.text import Text
from kangshu.plans.duty_list import DutyEntry, clean, cleaned, is_day, parse_nodes, write_nodes
from kangshu.plans.model import ClauseView, PlanView
from kangshu.plans.units import ResolvedUnit

COLUMNS: Final = (
    "序号", "任务", "年度目标", "成果形式", "完成标准", "牵头领导", "牵头单位", "责任科室", "联络员", "配合单位",
    "时限", "季度节点", "佐证",
)  # fmt: skip
_PLAIN: Final = {
    "年度目标": "annual_target",
    "成果形式": "outcome_form",
    "完成标准": "completion_standard",
    "牵头领导": "lead_leader",
    "责任科室": "responsible_section",
    "联络员": "liaison",
    "佐证": "evidence",
}
_UNITS: Final = re.compile(r"[、,，；;\n]+")
_YEAR_END: Final = re.compile(r"(\d{4})年?(?:底|年底|末|12月底)?\Z")
_MONTH: Final = re.compile(r"(\d{4})[年./-](\d{1,2})月?(?:底|末)?\Z")
_DAY: Final = re.compile(r"(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?(?:前|之前|以前)?\Z")

Cells = Mapping[str, str]
"""A row's text by column heading."""
Resolve = Callable[[str], ResolvedUnit]


@dataclass(frozen=True, slots=True)
class SheetFinding:
    """What is wrong with a row: its number as the sheet shows it, the column ("" for the row), in words."""

    row: int
    column: str
    text: Text


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A row that can be taken over, and what it would do to the list."""

    row: int
    entry: DutyEntry
    change: Literal["new", "changed", "same"]


@dataclass(frozen=True, slots=True)
class SheetReading:
    """What a sheet holds: rows to take over, and what is wrong with the others."""

    entries: tuple[SheetEntry, ...]
    findings: tuple[SheetFinding, ...]

    def count(self, change: str) -> int:
        """Return how many rows are `new`, `changed` or `same`."""
        return sum(one.change == change for one in self.entries)


def task_words(plan: PlanView, clause: ClauseView) -> str:
    """Return the 任务 cell of a clause: its title where no other has it, else its text."""
    title = clean(clause.title)
    alike = sum(clean(one.title) == title for one in plan.clauses)
    return title if title and alike == 1 else clean(clause.text)


def sheet_row(
    number: int, plan: PlanView, clause: ClauseView, entry: DutyEntry, names: Mapping[str, str]
) -> tuple[str | int, ...]:
    """Return the cells of one entry, in the order of `COLUMNS`."""
    cells: dict[str, str | int] = {title: getattr(entry, field) for title, field in _PLAIN.items()}
    cells |= {
        "序号": number,
        "任务": task_words(plan, clause),
        "牵头单位": names.get(entry.lead_unit, entry.lead_unit),
        "配合单位": "、".join(names.get(one, one) for one in entry.co_units),
        "时限": entry.due,
        "季度节点": write_nodes(entry.quarter_nodes),
    }
    return tuple(cells[title] for title in COLUMNS)


def read_sheet(
    rows: Iterable[tuple[int, Cells]],
    plan: PlanView,
    year: int,
    held: Mapping[tuple[str, str, int], DutyEntry],
    resolve: Resolve,
) -> SheetReading:
    """Return what the rows of a sheet say of `year`; nothing of the plan is changed."""
    by_words: dict[str, list[ClauseView]] = {}
    for clause in plan.clauses:
        for words in {_key(task_words(plan, clause)), _key(clause.text), _key(clause.title)} - {""}:
            by_words.setdefault(words, []).append(clause)
    entries: list[SheetEntry] = []
    findings: list[SheetFinding] = []
    taken: dict[tuple[str, str, int], int] = {}
    for number, cells in rows:
        entry, wrong = _row(cells, year, by_words, resolve)
        findings += [SheetFinding(number, column, text) for column, text in wrong]
        if entry is None or wrong:
            continue
        if entry.key in taken:
            text = Text(
                f"与第{taken[entry.key]}行是同一任务和牵头单位",
                f"repeats the duty and unit of row {taken[entry.key]}",
            )
            findings.append(SheetFinding(number, "任务", text))
            continue
        taken[entry.key] = number
        before = held.get(entry.key)
        entries.append(
            SheetEntry(number, entry, "new" if before is None else "same" if before == entry else "changed")
        )
    return SheetReading(tuple(entries), tuple(sorted(findings, key=lambda one: one.row)))


def _row(
    cells: Cells, year: int, by_words: Mapping[str, list[ClauseView]], resolve: Resolve
) -> tuple[DutyEntry | None, list[tuple[str, Text]]]:
    wrong: list[tuple[str, Text]] = []
    words = _key(cells.get("任务", ""))
    found = by_words.get(words, [])
    if not words:
        wrong.append(("任务", Text("请填写任务", "the duty is missing")))
    elif len(found) != 1:
        text = (
            Text("规划中有多个同名任务，请填写任务全文", "several duties are called so; write its whole text")
            if found
            else Text("规划中没有此任务，请与规划条款文字一致", "the plan has no such duty")
        )
        wrong.append(("任务", text))
    lead = _units(cells, "牵头单位", resolve, wrong)
    if len(lead) != 1 and not any(column == "牵头单位" for column, _ in wrong):
        wrong.append(("牵头单位", Text("每行填写一个牵头单位", "each row has one lead unit")))
    co_units = _units(cells, "配合单位", resolve, wrong)
    due = read_due(cells.get("时限", ""))
    if due is None:
        wrong.append(("时限", Text("时限应写作 2027-12-31 或 2027年底", "a day is written as 2027-12-31")))
    try:
        nodes = parse_nodes(cells.get("季度节点", ""))
    except Invalid as fault:
        wrong.append(("季度节点", Text(fault.zh, fault.text)))
        nodes = ()
    if wrong:
        return None, wrong
    texts = {field: cells.get(title, "") for title, field in _PLAIN.items()}
    entry = DutyEntry(
        found[0].id, lead[0], year, co_units=co_units, due=due or "", quarter_nodes=nodes, **texts
    )
    return cleaned(entry), []


def _units(cells: Cells, column: str, resolve: Resolve, wrong: list[tuple[str, Text]]) -> tuple[str, ...]:
    """Return the organisations that a cell names; what is not known for certain is added to `wrong`."""
    found: list[str] = []
    for written in filter(None, (one.strip() for one in _UNITS.split(cells.get(column, "")))):
        unit = resolve(written)
        if unit.organisations:
            found += unit.organisations
        else:
            wrong.append(
                (
                    column,
                    Text(
                        f"机构台账中没有“{written[:40]}”，或有多个同名机构",
                        f"no one organisation is called '{written[:40]}'",
                    ),
                )
            )
    return tuple(dict.fromkeys(found))


def read_due(text: str) -> str | None:
    """Return the day that a cell means (2027-12-31, 2027年12月31日前, 2027年6月底, 2027年底), None for none of these."""
    text = re.sub(r"\s+", "", clean(text))
    if not text or is_day(text):
        return text
    if match := _DAY.match(text):
        return _iso(int(match[1]), int(match[2]), int(match[3]))
    if match := _YEAR_END.match(text):
        return f"{match[1]}-12-31"
    if match := _MONTH.match(text):
        year, month = int(match[1]), int(match[2])
        return _iso(year, month, monthrange(year, month)[1]) if 1 <= month <= 12 else None
    return None


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _key(words: str) -> str:
    return re.sub(r"\s+", "", clean(words))
