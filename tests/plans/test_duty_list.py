"""责任清单: out as a sheet and back in changes nothing; what a sheet says wrongly is named by its row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kangshu.base.faults import Invalid
from kangshu.documents import read_xlsx, write_xlsx
from kangshu.plans import COLUMNS, DutyEntry, QuarterNode, entries_of
from kangshu.plans.duty_list import (
    cleaned,
    is_vague,
    needs_standard,
    node_due,
    parse_nodes,
    put_entries,
    write_nodes,
)
from kangshu.plans.duty_sheets import read_due, read_sheet, sheet_row
from kangshu.plans.model import ClauseView, PlanView
from kangshu.plans.reading import Anchor
from kangshu.plans.shape import PLAN_ITEM
from kangshu.plans.units import ResolvedUnit

NAMES = {"civil": "云汐市民政局", "health": "云汐市卫生健康委员会", "finance": "云汐市财政局"}


def resolve(written: str) -> ResolvedUnit:
    """Return the one unit of that name."""
    return ResolvedUnit(written, tuple(id_ for id_, name in NAMES.items() if name == written))


def clause(number: int, title: str, text: str = "", targets: tuple[str, ...] = ()) -> ClauseView:
    """Return a clause without units."""
    words = text or f"{title}。本条的任务内容{number}。"
    return ClauseView(f"clause-{number:03d}", "", "", title, words, "", (), targets, Anchor(0, 1, ""), None)


CLAUSES = (clause(1, "增加床位"), clause(2, "培训人员"), clause(3, "同名任务"), clause(4, "同名任务"))


def plan(*clauses: ClauseView) -> PlanView:
    """Return a plan of these clauses."""
    listed = clauses or CLAUSES
    return PlanView(
        id="p", version=1, title="规划", jurisdiction="990100", foreign=False, demo=False, document="", text="",
        sections=(), clauses=listed, targets=(), money=(), doubts=(), unit_names=NAMES,
    )  # fmt: skip


def resource() -> dict[str, Any]:
    """Return a PlanDefinition with the four clauses."""
    coding = [{"coding": [{"system": PLAN_ITEM, "code": "clause"}]}]
    return {"resourceType": "PlanDefinition", "action": [{"id": one.id, "code": coding} for one in CLAUSES]}


# XML has no place for these two, and so a workbook has none
_words = st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff"), max_size=40)
_days = st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(date.isoformat) | st.just("")
_entries = st.builds(
    DutyEntry,
    clause=st.sampled_from([one.id for one in CLAUSES]),
    lead_unit=st.sampled_from(list(NAMES)),
    year=st.just(2027),
    annual_target=_words, outcome_form=_words, completion_standard=_words, lead_leader=_words,
    responsible_section=_words, liaison=_words, evidence=_words,
    co_units=st.lists(st.sampled_from(list(NAMES)), max_size=3).map(tuple),
    due=_days,
    quarter_nodes=st.lists(st.builds(QuarterNode, _words, _days), min_size=4, max_size=4).map(tuple),
)  # fmt: skip


def _back(entries: tuple[DutyEntry, ...], held: tuple[DutyEntry, ...]) -> Any:
    """Write entries as a workbook, read it back."""
    by_id = {one.id: one for one in CLAUSES}
    rows = [list(sheet_row(at, plan(), by_id[one.clause], one, NAMES)) for at, one in enumerate(entries, 1)]
    read = next(iter(read_xlsx(write_xlsx({"责任清单": [list(COLUMNS), *rows]})).values()))
    cells = [
        (at, dict(zip(COLUMNS, ["" if cell is None else str(cell) for cell in row], strict=True)))
        for at, row in enumerate(read[1:], 2)
    ]
    return read_sheet(cells, plan(), 2027, {one.key: one for one in held}, resolve)


@settings(max_examples=60, deadline=None)
@given(st.lists(_entries, max_size=5, unique_by=lambda one: one.key))
def test_out_as_a_workbook_and_back_in_is_a_fixed_point(listed: list[DutyEntry]) -> None:
    entries = tuple(map(cleaned, listed))
    reading = _back(entries, entries)
    assert reading.findings == ()
    assert tuple(one.entry for one in reading.entries) == entries
    assert {one.change for one in reading.entries} <= {"same"}
    held = resource()
    put_entries(held, entries)
    assert set(entries_of(held)) == set(entries), "kept on the plan, and read back the same"
    edited = tuple(replace(one, annual_target="年内完成") for one in entries)
    assert [one.change for one in _back(edited, entries).entries] == [
        "same" if before.annual_target == "年内完成" else "changed" for before in entries
    ]


def test_wrong_rows_are_named_with_their_column() -> None:
    right = {"任务": "增加床位", "牵头单位": "云汐市民政局"}
    rows = [
        (2, right),
        (3, {**right, "牵头单位": "市不存在局"}),
        (4, {**right, "任务": "没有的任务"}),
        (5, {**right, "任务": "同名任务"}),
        (6, {**right, "任务": "培训人员", "时限": "明年春天"}),
        (7, {**right, "任务": "培训人员", "季度节点": "先选址"}),
        (8, right),
        (
            9,
            {
                **right,
                "任务": CLAUSES[3].text,
                "时限": "2027年6月底",
                "季度节点": "Q2: 开工；Q4：建成（2027-12-20前）",
            },
        ),
    ]
    reading = read_sheet(rows, plan(), 2027, {}, resolve)
    assert [(one.row, one.column) for one in reading.findings] == [
        (3, "牵头单位"), (4, "任务"), (5, "任务"), (6, "时限"), (7, "季度节点"), (8, "任务"),
    ]  # fmt: skip
    assert [(one.row, one.entry.clause, one.change) for one in reading.entries] == [
        (2, "clause-001", "new"),
        (9, "clause-004", "new"),
    ]
    last = reading.entries[-1].entry
    assert last.due == "2027-06-30"
    assert last.quarter_nodes[1] == QuarterNode("开工")
    assert (node_due(last, 2), node_due(last, 4)) == (date(2027, 6, 30), date(2027, 12, 20))


@pytest.mark.parametrize(
    ("written", "day"),
    [("2027年底", "2027-12-31"), ("2027年2月", "2027-02-28"), ("2027年3月5日前", "2027-03-05"), ("2027/3/5", "2027-03-05"),
     ("", ""), ("2027年13月", None), ("2027-02-30", None), ("尽快", None)],
)  # fmt: skip
def test_days_as_people_write_them(written: str, day: str | None) -> None:
    assert read_due(written) == day


def test_nodes_of_a_cell() -> None:
    nodes = parse_nodes("第一季度：选址；二季度: 开工（2027-05-31前）\n4季度：验收")
    assert [one.text for one in nodes] == ["选址", "开工", "", "验收"]
    assert write_nodes(nodes) == "一季度：选址\n二季度：开工（2027-05-31前）\n四季度：验收"
    with pytest.raises(Invalid):
        parse_nodes("选址；二季度：开工")
    with pytest.raises(Invalid):
        cleaned(DutyEntry("clause-001", "civil", 2027, due="2027-02-31"))


def test_what_only_encourages_needs_a_standard() -> None:
    soft = clause(1, "发展银发经济", "（一）发展银发经济。鼓励社会力量兴办康养机构。")
    firm = clause(2, "建设平台", "（二）建设平台。建成统一平台，鼓励企业接入。")
    figure = clause(3, "培训", "支持院校每年培训300人。", ("target-001",))
    assert [needs_standard(one) for one in (soft, firm, figure)] == [True, False, False]
    entry = DutyEntry(soft.id, "civil", 2027)
    assert is_vague(soft, None)
    assert is_vague(soft, entry)
    assert not is_vague(soft, replace(entry, completion_standard="新增机构2家并备案"))


def test_the_sheet_has_exactly_the_columns_of_the_issue() -> None:
    book = openpyxl.load_workbook(BytesIO(write_xlsx({"责任清单": [list(COLUMNS)]})))
    assert [cell.value for cell in book.active[1]] == (
        [
            "序号",
            "任务",
            "年度目标",
            "成果形式",
            "完成标准",
            "牵头领导",
            "牵头单位",
            "责任科室",
            "联络员",
            "配合单位",
            "时限",
            "季度节点",
            "佐证",
        ]
    )
