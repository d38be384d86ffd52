"""单位任务单: what one unit leads, what it takes part in, the targets of its clauses, its returns."""

from __future__ import annotations

from collections.abc import Sequence

from kangshu.base.faults import NotFound
from kangshu.documents import (
    HeadingBlock,
    ParagraphBlock,
    Report,
    ReportBlock,
    ReportCell,
    ReportColumn,
    ReportTable,
)
from kangshu.plans.reporting.reading import (
    Item,
    actual_cell,
    clauses_by_id,
    due_text,
    facts_of,
    is_open,
    light_cell,
    lights_bar,
    mark_of,
    office_of,
    overdue,
    plans_of,
    target_light,
    unit_names,
    units_text,
)
from kangshu.plans.snapshot_model import FrozenSnapshot

_ASKED = {"annual_target": "年度目标", "outcome_form": "成果形式", "completion_standard": "完成标准"}
_DUTIES = (
    ReportColumn("序号", 0.5, figures=True), ReportColumn("文号", 1.5), ReportColumn("任务", 4), ReportColumn("配合单位", 1.5),
    ReportColumn("期限", 1.2), ReportColumn("状态", 1.2), ReportColumn("逾期天数", 0.8, figures=True),
)  # fmt: skip
_CLAUSES = (
    ReportColumn("序号", 0.5, figures=True), ReportColumn("任务", 4.5), ReportColumn("牵头单位", 2), ReportColumn("灯", 0.8),
)  # fmt: skip
_TARGETS = (
    ReportColumn("序号", 0.5, figures=True), ReportColumn("指标", 3), ReportColumn("目标值", 1.2, figures=True),
    ReportColumn("期限", 0.9), ReportColumn("当前值", 1, figures=True), ReportColumn("灯", 0.8), ReportColumn("理由", 3),
)  # fmt: skip
_RETURNS = (ReportColumn("期间", 1.5), ReportColumn("状态", 1.5), ReportColumn("是否按时", 1))


def units_with_work(snapshot: FrozenSnapshot) -> list[tuple[str, str]]:
    """Return (id, name) of every unit that has a part in the snapshot, by name."""
    ids = {
        unit
        for plan in plans_of(snapshot)
        for clause in plan["clauses"]
        for one in clause["units"]
        for unit in one["ids"]
    }
    names = unit_names(snapshot)
    ids |= {one["unit"] for plan in plans_of(snapshot) for one in plan["duties"]}
    return sorted(((one, names.get(one, one)) for one in ids if one), key=lambda pair: (pair[1], pair[0]))


def unit_sheet(snapshot: FrozenSnapshot, unit: str) -> Report:
    """Return the sheet of one unit. Raises NotFound where it has no part in the snapshot."""
    name = dict(units_with_work(snapshot)).get(unit)
    if name is None:
        raise NotFound("this unit has no part in the snapshot", zh="该单位在快照中没有任务")
    plans = plans_of(snapshot)
    duties = [(plan, one) for plan in plans for one in plan["duties"] if one["unit"] == unit]
    led = [(plan, clause) for plan in plans for clause in plan["clauses"] if _has(clause, unit, "lead")]
    joined = [
        (plan, clause) for plan in plans for clause in plan["clauses"] if _has(clause, unit, "cooperating")
    ]
    targets = [one for plan, clause in led for one in plan["targets"] if one["id"] in clause["targets"]]
    late = overdue(one for _, one in duties)
    own = [one for _, one in duties]
    text = (
        f"{name}牵头任务{len(led)}条、配合任务{len(joined)}条；交办事项{len(own)}件，"
        f"其中已办结{sum(1 for one in own if one['status'] == 'completed')}件、"
        f"办理中{sum(1 for one in own if is_open(one))}件、逾期{len(late)}件；牵头任务的目标{len(targets)}项。"
    )
    blocks: list[ReportBlock] = [
        HeadingBlock("一、总体"),
        ParagraphBlock(text),
        lights_bar("牵头任务的目标亮灯情况", targets),
        HeadingBlock("二、交办事项"),
        _duties("牵头事项", [one for one in duties if one[1]["role"] == "lead"]),
        _duties("配合事项", [one for one in duties if one[1]["role"] != "lead"]),
        HeadingBlock("三、规划条款"),
        _clauses("牵头任务", led),
        _clauses("配合任务", joined),
        HeadingBlock("四、目标"),
        ReportTable("牵头任务的目标", _TARGETS, [_target(*one) for one in enumerate(targets, 1)]),
    ]
    returns = [one for one in snapshot.content["returns"] if one["unit"] == unit]
    if returns:
        rows = [
            [one["period"], one["state"], {True: "按时", False: "逾期"}.get(one["on_time"], "未知")]
            for one in returns
        ]
        blocks += [HeadingBlock("五、进展填报"), ReportTable("进展填报情况", _RETURNS, rows)]
    return Report(
        f"单位任务单（{name}）",
        facts_of(snapshot),
        blocks,
        mark_of(snapshot),
        snapshot.taken,
        office_of(snapshot),
    )


def _has(clause: Item, unit: str, role: str) -> bool:
    return any(one["role"] == role and unit in one["ids"] for one in clause["units"])


def _duties(caption: str, found: Sequence[tuple[Item, Item]]) -> ReportTable:
    rows: list[list[ReportCell]] = []
    for number, (plan, duty) in enumerate(found, 1):
        clause = clauses_by_id(plan)[duty["clause"]]
        late = duty["overdue_days"] if is_open(duty) and duty["overdue_days"] else None
        others = units_text(clause, "cooperating") if duty["role"] == "lead" else units_text(clause, "lead")
        rows.append(
            [number, duty["number"], _matter(clause, duty), others, duty["due"], duty["state"]["zh"], late]
        )
    return ReportTable(caption, _DUTIES, rows)


def _matter(clause: Item, duty: Item) -> str:
    """Return what is asked: the clause, and what the list of duties says of the year, a line each."""
    said = duty.get("asked", {})
    lines = [f"{word}：{said[name]}" for name, word in _ASKED.items() if said.get(name)]
    return "\n".join([clause["title"], *lines])


def _clauses(caption: str, found: Sequence[tuple[Item, Item]]) -> ReportTable:
    rows = [
        [number, clause["title"], units_text(clause, "lead"), light_cell(clause["light"])]
        for number, (_, clause) in enumerate(found, 1)
    ]
    return ReportTable(caption, _CLAUSES, rows)


def _target(number: int, target: Item) -> list[ReportCell]:
    return [
        number, target["indicator"], target["asked"], due_text(target), actual_cell(target),
        target_light(target), target["why"]["zh"],
    ]  # fmt: skip
