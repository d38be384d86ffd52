"""Tables in a case's forms: rows that are the case's own, rows that grow, moves on other cases, a natural key."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from kangshu.access import Grant, system_grant
from kangshu.base.faults import Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.cases import Cases, inputs, number_of, state_of
from kangshu.registers import questionnaire
from kangshu.sdk import CaseDeclaration, Field, Move, State
from kangshu.store import Store
from kangshu.validate import validate
from tests.cases.conftest import organisation


def text(zh: str) -> Text:
    return Text(zh, zh)


COLUMNS = (
    Field("matter", text("事项")),
    Field("points", text("分值"), "decimal"),
    Field("said", text("说明"), "paragraph"),
    Field("other", text("关联"), "reference", reference_type="Task", hidden=True),
)
ROWS = Field("rows", text("明细"), "table", columns=COLUMNS)
OPENED = replace(
    ROWS, columns=tuple(one if one.id == "said" else replace(one, fixed=True) for one in COLUMNS)
)
MORE = Field(
    "more", text("加扣分"), "table", columns=(Field("why", text("理由"), required=True),), grows=True
)
SHEET = CaseDeclaration(
    id="sheet",
    service="toy",
    title=text("表"),
    systems=(),
    initial="open",
    start_by=("any",),
    form=(Field("receiver", text("单位"), "organisation"), ROWS),
    states=(State("open", text("待填"), "requested"), State("done", text("已填"), "completed", final=True)),
    moves=(
        Move(
            "fill",
            text("填写"),
            ("open",),
            "stay",
            ("owner",),
            form=(OPENED, MORE),
            guard="%form.rows.all(said.exists())",
            guard_text=text("每行须写说明"),
            effects=(
                {
                    "on": "${item.other}",
                    "make": "note",
                    "each": "${rows}",
                    "where": "points > 1",
                    "values": {"word": "${item.said}"},
                },
            ),
        ),
    ),
    numbering="表{year}{sequence}",
)
NOTED = CaseDeclaration(
    id="noted",
    service="toy",
    title=text("事"),
    systems=(),
    initial="open",
    start_by=("any",),
    form=(Field("receiver", text("单位"), "organisation"),),
    states=(State("open", text("在办"), "in-progress"), State("over", text("已办"), "completed", final=True)),
    moves=(
        Move(
            "note",
            text("记录"),
            ("open",),
            "stay",
            ("owner",),
            form=(Field("word", text("话"), required=True),),
        ),
        Move("end", text("办结"), ("open",), "over", ("owner",)),
    ),
)


@pytest.fixture
async def cases(store: Store) -> Cases:
    for one in ("health", "finance"):
        await store.update(system_grant("tests"), organisation(one, one, "government", "990100"))
    return Cases(store, (SHEET, NOTED), ParameterTable(), jurisdiction="990100")


def acting(one: str) -> Grant:
    return replace(system_grant(one), account=one, organisation=one, organisations=frozenset({one}))


async def started(cases: Cases, *others: str) -> str:
    rows = [
        {"matter": f"第{at}项", "points": at, "other": other or None} for at, other in enumerate(others, 1)
    ]
    values = {"receiver": "Organization/health", "rows": rows}
    return (await cases.start(acting("finance"), "toy/sheet", values, title="考核")).id


async def test_a_move_changes_the_open_columns_of_the_rows_and_nothing_else(cases: Cases) -> None:
    task = await started(cases, "", "")
    sent = [{"said": "甲", "points": 99, "matter": "改"}, {"said": "乙"}]
    moved = await cases.move(
        acting("health"), task, "fill", {"rows": sent, "more": [{"why": "表扬"}, {"why": ""}]}
    )
    rows = inputs(moved.resource)["rows"]
    assert [(row["matter"], row["points"], row["said"]) for row in rows] == [
        ("第1项", Decimal(1), "甲"),
        ("第2项", Decimal(2), "乙"),
    ]
    assert inputs(moved.resource)["more"] == [{"why": "表扬"}], "an empty row of a table that grows is none"
    told = (await cases.history(acting("health"), task))[-1].values
    assert told["rows"][1] == {"matter": "第2项", "points": Decimal(2), "said": "乙"}
    assert [one for one in validate(moved.resource) if one.severity == "error"] == []


async def test_rows_that_do_not_fit_are_told_at_their_place(cases: Cases) -> None:
    task = await started(cases, "", "")
    with pytest.raises(Unprocessable) as caught:
        await cases.move(acting("health"), task, "fill", {"rows": [{"said": "甲"}]})
    assert "应有 2 行" in caught.value.issues[0].zh
    with pytest.raises(Unprocessable) as caught:
        await cases.move(acting("health"), task, "fill", {"rows": [{"said": "甲"}, {}]})
    assert caught.value.zh == "每行须写说明"
    values = {"receiver": "Organization/health", "rows": [{"matter": "x", "points": "多"}]}
    with pytest.raises(Unprocessable) as caught:
        await cases.start(acting("finance"), "toy/sheet", values)
    assert caught.value.issues[0].expression == ("rows.0.points",)


async def test_a_row_moves_the_case_it_names_where_it_may(cases: Cases) -> None:
    one = (await cases.start(acting("finance"), "toy/noted", {"receiver": "health"})).id
    over = (await cases.start(acting("finance"), "toy/noted", {"receiver": "health"})).id
    await cases.move(acting("health"), over, "end", {})
    task = await started(cases, "", f"Task/{one}", f"Task/{over}")
    await cases.move(acting("health"), task, "fill", {"rows": [{"said": word} for word in "甲乙丙"]})
    events = await cases.history(acting("health"), one)
    assert [(event.move, event.values) for event in events[1:]] == [("note", {"word": "乙"})]
    assert len(await cases.history(acting("health"), over)) == 2, "it is in no state for the move"


async def test_of_a_key_there_is_one_case_however_many_ask(cases: Cases) -> None:
    asked = [
        cases.start(acting("finance"), "toy/sheet", {"receiver": "health"}, key="health/2026-03")
        for _ in range(6)
    ]
    made = await asyncio.gather(*asked)
    assert len({one.id for one in made}) == 1
    assert number_of(made[0].resource).endswith("1")
    assert state_of(made[0].resource) == "open"


def test_a_table_is_a_repeated_group_of_the_questionnaire() -> None:
    (item,) = questionnaire("toy/sheet", text("表"), (ROWS,))["item"]
    assert (item["type"], item["repeats"]) == ("group", True)
    assert [one["linkId"] for one in item["item"]] == [
        "rows.matter",
        "rows.points",
        "rows.said",
        "rows.other",
    ]
