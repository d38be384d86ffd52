"""进展报告: where the plans stand, in prose and tables: overall, by chapter, what needs a hand, overdue, next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from kangshu.documents import (
    HeadingBlock,
    ParagraphBlock,
    Report,
    ReportBlock,
    ReportCell,
    ReportColumn,
    ReportTable,
)
from kangshu.plans.model import LIGHT_TITLES
from kangshu.plans.reporting.reading import (
    LIGHTS,
    Item,
    actual_cell,
    chapter_titles,
    clauses_by_id,
    due_text,
    facts_of,
    is_open,
    lead_duties,
    lights_bar,
    lights_of,
    mark_of,
    named,
    office_of,
    overdue,
    plans_of,
    state_word,
    target_light,
    title_of,
    unit_names,
)
from kangshu.plans.snapshot_model import FrozenSnapshot

_AHEAD: Final = timedelta(days=92)
"""下一步 looks a quarter ahead."""


def progress_report(snapshot: FrozenSnapshot) -> Report:
    """Return the progress report of a snapshot."""
    plans = plans_of(snapshot)
    blocks: list[ReportBlock] = [
        HeadingBlock("一、总体情况"),
        *_overall(snapshot, plans),
        HeadingBlock("二、分章进展"),
        *(_chapters(plan, several=len(plans) > 1) for plan in plans),
        HeadingBlock("三、需要关注的目标"),
        *_attention(plans),
        HeadingBlock("四、逾期事项"),
        *_overdue(snapshot, plans),
        HeadingBlock("五、下一步"),
        *_next(snapshot, plans),
        HeadingBlock("六、数据说明"),
        *_notes(snapshot),
    ]
    title = title_of(plans, "进展报告")
    return Report(title, facts_of(snapshot), blocks, mark_of(snapshot), snapshot.taken, office_of(snapshot))


def _overall(snapshot: FrozenSnapshot, plans: Sequence[Item]) -> Iterator[ReportBlock]:
    targets = [one for plan in plans for one in plan["targets"]]
    clauses = [one for plan in plans for one in plan["clauses"]]
    duties = [one for plan in plans for one in lead_duties(plan)]
    day = snapshot.day
    states = "、".join(f"《{one['title']}》{state_word(one)}" for one in plans)
    yield ParagraphBlock(
        f"截至{day.year}年{day.month}月{day.day}日，{named(plans)}共列任务{len(clauses)}条、目标{len(targets)}项。{states}。"
    )
    lights = lights_of(targets)
    said = "，".join(f"{LIGHT_TITLES[one].zh}{lights[one]}项" for one in ("green", "amber", "red", "grey"))
    yield ParagraphBlock(f"目标方面：{said}。“未知”为尚无数据或期限未明确，不计为完成。")
    done = sum(1 for one in duties if one["status"] == "completed")
    late = overdue(duties)
    assigned = {one["clause"] for one in duties}
    text = (
        f"任务方面：已交办{len(duties)}件，涉及{len(assigned)}条任务，未交办{len(clauses) - len(assigned)}条；"
        f"其中已办结{done}件、办理中{sum(1 for one in duties if is_open(one))}件、逾期{len(late)}件"
    )
    yield ParagraphBlock(text + (f"，最长逾期{late[0]['overdue_days']}天。" if late else "。"))
    yield lights_bar("目标亮灯情况", targets)


def _chapters(plan: Item, *, several: bool) -> ReportTable:
    columns = (
        ReportColumn("章节", 3.2),
        ReportColumn("任务", 0.8, figures=True),
        ReportColumn("目标", 0.8, figures=True),
        *(ReportColumn(LIGHT_TITLES[one].zh, 0.8, figures=True) for one in LIGHTS),
        ReportColumn("交办", 0.8, figures=True),
        ReportColumn("办结", 0.8, figures=True),
        ReportColumn("逾期", 0.8, figures=True),
    )
    rows: list[list[ReportCell]] = []
    clauses = clauses_by_id(plan)
    for chapter, title in chapter_titles(plan).items():
        held = [one for one in plan["clauses"] if one["chapter"] == chapter]
        targets = [one for one in plan["targets"] if one["chapter"] == chapter]
        if not held and not targets:
            continue
        duties = [one for one in lead_duties(plan) if clauses[one["clause"]]["chapter"] == chapter]
        lights = lights_of(targets)
        rows.append(
            [
                title, len(held), len(targets), *(lights[one] for one in LIGHTS), len(duties),
                sum(1 for one in duties if one["status"] == "completed"), len(overdue(duties)),
            ]
        )  # fmt: skip
    return ReportTable(f"分章进展表{'（' + plan['title'] + '）' if several else ''}", columns, rows)


def _attention(plans: Sequence[Item]) -> Iterator[ReportBlock]:
    found = [
        one
        for light in ("red", "amber")
        for plan in plans
        for one in plan["targets"]
        if one["light"] == light
    ]
    if not found:
        yield ParagraphBlock("没有滞后和预警的目标。")
        return
    columns = (
        ReportColumn("指标", 2.6), ReportColumn("目标值", 1.2, figures=True), ReportColumn("期限", 0.9),
        ReportColumn("当前值", 1, figures=True), ReportColumn("灯", 0.7), ReportColumn("理由", 3.4),
    )  # fmt: skip
    rows = [
        [
            one["indicator"],
            one["asked"],
            due_text(one),
            actual_cell(one),
            target_light(one),
            one["why"]["zh"],
        ]
        for one in found
    ]
    yield ReportTable("滞后和预警的目标", columns, rows)


def _overdue(snapshot: FrozenSnapshot, plans: Sequence[Item]) -> Iterator[ReportBlock]:
    names = unit_names(snapshot)
    rows = []
    for plan in plans:
        clauses = clauses_by_id(plan)
        rows += [
            [
                one["number"], clauses[one["clause"]]["title"], names.get(one["unit"], ""), one["due"],
                one["overdue_days"], one["urged"], one["state"]["zh"],
            ]
            for one in overdue(plan["duties"])
        ]  # fmt: skip
    if not rows:
        yield ParagraphBlock("没有逾期的交办事项。")
        return
    columns = (
        ReportColumn("文号", 1.5), ReportColumn("任务", 3), ReportColumn("责任单位", 1.5), ReportColumn("期限", 1.2),
        ReportColumn("逾期天数", 0.8, figures=True), ReportColumn("催办次数", 0.8, figures=True), ReportColumn("状态", 1.1),
    )  # fmt: skip
    yield ReportTable("逾期事项清单", columns, rows)


def _next(snapshot: FrozenSnapshot, plans: Sequence[Item]) -> Iterator[ReportBlock]:
    until = snapshot.day + _AHEAD
    names = unit_names(snapshot)
    rows = []
    for plan in plans:
        clauses = clauses_by_id(plan)
        coming = [
            one for one in lead_duties(plan) if is_open(one) and _within(one["due"], snapshot.day, until)
        ]
        rows += [
            [one["due"], clauses[one["clause"]]["title"], names.get(one["unit"], ""), one["state"]["zh"]]
            for one in sorted(coming, key=lambda one: (one["due"], one["number"], one["task"]))
        ]
    columns = (ReportColumn("期限", 1.2), ReportColumn("任务", 4), ReportColumn("牵头单位", 1.6), ReportColumn("状态", 1.2))  # fmt: skip
    if rows:
        yield ParagraphBlock(f"未来一个季度（至{until.isoformat()}）到期的交办事项{len(rows)}件。")
        yield ReportTable("近期到期事项", columns, rows)
    unknown = [one for plan in plans for one in plan["targets"] if one["light"] == "grey"]
    this_year = sum(
        1
        for plan in plans
        for one in plan["targets"]
        if one["due"] == str(snapshot.day.year) and one["light"] != "green"
    )
    if this_year:
        yield ParagraphBlock(f"本年到期而尚未达到的目标{this_year}项，请责任单位逐项提出措施。")
    if unknown:
        yield ParagraphBlock(f"{len(unknown)}项目标尚无数据或期限未明确，请责任单位填报或补录。")
    if not rows and not this_year and not unknown:
        yield ParagraphBlock("未来一个季度没有到期的交办事项，各项目标均有数据。")


def _within(due: str, start: date, end: date) -> bool:
    return start.isoformat() <= due[:10] <= end.isoformat() if due else False


def _notes(snapshot: FrozenSnapshot) -> Iterator[ReportBlock]:
    yield ParagraphBlock(
        f"本报告依据{snapshot.number}生成，快照于{snapshot.content['snapshot']['taken']}（世界时）冻结，内容不再更改；"
        "同一快照生成的报告逐字节一致。"
    )
    yield ParagraphBlock(f"快照内容的SHA-256校验值：{snapshot.sha256}。")
    yield ParagraphBlock("人数过少、可能推知个人的数值已抑制，按“未知”列示。")
