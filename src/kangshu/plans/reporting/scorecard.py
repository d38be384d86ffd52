"""指标记分卡: every target with what is asked, what is, and what should be by now, chapter by chapter."""

from __future__ import annotations

from decimal import Decimal

from kangshu.documents import HeadingBlock, Report, ReportBlock, ReportCell, ReportColumn, ReportTable
from kangshu.plans.reporting.reading import (
    Item,
    actual_cell,
    chapter_titles,
    due_text,
    facts_of,
    figure,
    lights_bar,
    mark_of,
    office_of,
    plans_of,
    target_light,
    title_of,
)
from kangshu.plans.snapshot_model import FrozenSnapshot

_COLUMNS = (
    ReportColumn("序号", 0.5, figures=True), ReportColumn("指标", 3), ReportColumn("目标值", 1.1, figures=True),
    ReportColumn("期限", 0.8), ReportColumn("当前值", 0.9, figures=True), ReportColumn("应有值", 0.9, figures=True),
    ReportColumn("与目标差", 0.9, figures=True), ReportColumn("灯", 0.7), ReportColumn("数据截至", 1),
)  # fmt: skip


def scorecard(snapshot: FrozenSnapshot) -> Report:
    """Return the scorecard of a snapshot."""
    plans = plans_of(snapshot)
    blocks: list[ReportBlock] = [
        lights_bar("目标亮灯情况", [one for plan in plans for one in plan["targets"]])
    ]
    for plan in plans:
        if len(plans) > 1:
            blocks.append(HeadingBlock(plan["title"]))
        titles = chapter_titles(plan)
        for chapter in dict.fromkeys(one["chapter"] for one in plan["targets"]):
            found = [one for one in plan["targets"] if one["chapter"] == chapter]
            blocks.append(
                ReportTable(
                    titles.get(chapter, plan["title"]), _COLUMNS, [_row(*one) for one in enumerate(found, 1)]
                )
            )
    title = title_of(plans, "指标记分卡")
    return Report(title, facts_of(snapshot), blocks, mark_of(snapshot), snapshot.taken, office_of(snapshot))


def _row(number: int, target: Item) -> list[ReportCell]:
    return [
        number, target["indicator"], target["asked"], due_text(target), actual_cell(target),
        figure(target["expected"]), gap(target), target_light(target), target["as_of"][:10],
    ]  # fmt: skip


def gap(target: Item) -> Decimal | None:
    """Return how far the value is from the final figure, with its sign; None where either is unknown or of another unit."""
    if target["actual_unit"] != target["unit"]:
        return None
    actual, asked = figure(target["actual"]), figure(target["value"])
    return None if actual is None or asked is None else figure(str(actual - asked))
