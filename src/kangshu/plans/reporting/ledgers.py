"""任务台账 and 目标指标表: every clause, every target, one line each, across the page."""

from __future__ import annotations

from collections.abc import Sequence

from kangshu.documents import Report, ReportCell, ReportColumn, ReportTable
from kangshu.plans.reporting.reading import (
    SOURCES,
    Item,
    actual_cell,
    chapter_titles,
    clauses_by_id,
    due_text,
    facts_of,
    figure,
    is_open,
    light_cell,
    mark_of,
    office_of,
    plans_of,
    target_light,
    title_of,
    units_text,
)
from kangshu.plans.snapshot_model import FrozenSnapshot

_TASKS = (
    ReportColumn("序号", 0.5, figures=True), ReportColumn("章节", 1.5), ReportColumn("任务", 4), ReportColumn("牵头单位", 1.4),
    ReportColumn("配合单位", 1.6), ReportColumn("期限", 1.1), ReportColumn("状态", 1.1), ReportColumn("逾期天数", 0.7, figures=True),
    ReportColumn("催办", 0.5, figures=True), ReportColumn("退回", 0.5, figures=True), ReportColumn("延期", 0.5, figures=True),
    ReportColumn("灯", 0.7), ReportColumn("文号", 1.4),
)  # fmt: skip
_TARGETS = (
    ReportColumn("序号", 0.5, figures=True), ReportColumn("章节", 1.4), ReportColumn("指标", 2.4), ReportColumn("目标值", 1, figures=True),
    ReportColumn("期限", 0.8), ReportColumn("基期值", 0.8, figures=True), ReportColumn("当前值", 0.8, figures=True),
    ReportColumn("应有值", 0.8, figures=True), ReportColumn("预测值", 0.8, figures=True), ReportColumn("灯", 0.7),
    ReportColumn("亮灯理由", 3.4), ReportColumn("数据来源", 0.9), ReportColumn("数据截至", 1.2), ReportColumn("牵头单位", 1.2),
)  # fmt: skip


def task_ledger(snapshot: FrozenSnapshot) -> Report:
    """Return the ledger of tasks: a line per clause and lead unit's duty; a clause not assigned yet says so."""
    rows = [row for plan in plans_of(snapshot) for row in _task_rows(plan)]
    return _across(snapshot, "任务台账", _TASKS, rows)


def target_table(snapshot: FrozenSnapshot) -> Report:
    """Return the table of targets: what is asked, what proves it, its light and why."""
    rows = [row for plan in plans_of(snapshot) for row in _target_rows(plan)]
    return _across(snapshot, "目标指标表", _TARGETS, rows)


def _across(
    snapshot: FrozenSnapshot, name: str, columns: Sequence[ReportColumn], rows: Sequence[Sequence[ReportCell]]
) -> Report:
    plans = plans_of(snapshot)
    title = title_of(plans, name)
    numbered = [[number, *row] for number, row in enumerate(rows, 1)]
    table = ReportTable(name, columns, numbered)
    return Report(
        title,
        facts_of(snapshot),
        (table,),
        mark_of(snapshot),
        snapshot.taken,
        office_of(snapshot),
        landscape=True,
    )


def _task_rows(plan: Item) -> list[list[ReportCell]]:
    titles = chapter_titles(plan)
    found = []
    for clause in plan["clauses"]:
        head: list[ReportCell] = [titles.get(clause["chapter"], ""), clause["title"]]
        co_units = units_text(clause, "cooperating")
        duties = [one for one in plan["duties"] if one["clause"] == clause["id"] and one["role"] == "lead"]
        light = light_cell(clause["light"])
        if not duties:
            lead = units_text(clause, "lead")
            found.append([*head, lead, co_units, None, "未交办", None, None, None, None, light, None])
        names = {
            one: name
            for unit in clause["units"]
            for one, name in zip(unit["ids"], unit["names"], strict=True)
        }
        for duty in duties:
            late = duty["overdue_days"] if is_open(duty) and duty["overdue_days"] else None
            found.append(
                [
                    *head, names.get(duty["unit"], "") or units_text(clause, "lead"), co_units, duty["due"], duty["state"]["zh"],
                    late, duty["urged"], duty["returned"], duty["extensions"], light, duty["number"],
                ]
            )  # fmt: skip
    return found


def _target_rows(plan: Item) -> list[list[ReportCell]]:
    titles, clauses = chapter_titles(plan), clauses_by_id(plan)
    found: list[list[ReportCell]] = []
    for one in plan["targets"]:
        clause = clauses.get(one["clause"])
        found.append(
            [
                titles.get(one["chapter"], ""), one["indicator"], one["asked"], due_text(one), figure(one["baseline"]),
                actual_cell(one), figure(one["expected"]), figure(one["forecast"]), target_light(one),
                one["reasons"]["zh"], SOURCES.get(one["source"], one["source"]), one["as_of"][:10],
                units_text(clause, "lead") if clause else None,
            ]
        )  # fmt: skip
    return found
