"""Assessments: formulas over a constructed snapshot, lint, workbooks, totals with caps and waivers, ranks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.base.faults import Conflict, Forbidden, Unprocessable
from kangshu.plans import Scheme, SchemeItem, UnitClass, example_scheme, scheme_sheets
from kangshu.plans.assessment import schemes
from kangshu.plans.assessment.formulas import FORMULAS, facts_of
from kangshu.plans.assessment.scheme import as_data, from_data, lint
from kangshu.plans.assessment.scoring import Caps, ranking, total_of
from kangshu.plans.assessment.sheets import read_scheme
from kangshu.store import Store

DAY = date(2026, 12, 31)


def duty(due: str, completed: str = "", status: str = "", **more: Any) -> dict[str, Any]:
    counts = {"urged": 0, "returned": 0, "extensions": 0, "slips": {"blue": 0, "yellow": 0, "red": 0}}
    status = status or ("completed" if completed else "in-progress")
    return {
        "unit": "a",
        "role": "lead",
        "due": due,
        "completed": completed,
        "status": status,
        **counts,
        **more,
    }


CONTENT = {
    "snapshot": {"day": DAY.isoformat()},
    "plans": [
        {
            "duties": [
                duty("2026-03-31", "2026-03-20", urged=1),
                duty("2026-06-30", "2026-07-10", returned=2, slips={"blue": 1, "yellow": 1, "red": 0}),
                duty("2026-12-11", extensions=1),
                duty("2027-02-28"),
                duty("2026-01-31", status="cancelled"),
                {**duty("2026-01-01"), "role": "cooperating"},
                {**duty("2026-01-01"), "unit": "b"},
            ],
            "targets": [
                {"units": ["a"], "light": light} for light in ("green", "amber", "red", "grey", "grey")
            ],
        }
    ],
    "returns": [
        {"unit": "a", "state": "accepted", "on_time": True},
        {"unit": "a", "state": "accepted", "on_time": False},
        {"unit": "a", "state": "late", "on_time": False},
        {"unit": "a", "state": "cancelled", "on_time": None},
    ],
}


@pytest.mark.parametrize(
    ("formula", "figures", "points"),
    [
        ("duties-completed", {}, "6.67"),  # 2 of 3 due
        ("duties-on-time", {}, "3.33"),  # 1 of 3
        ("overdue-days", {"each": "0.1"}, "7.00"),  # 10 + 20 days
        ("targets-light", {"amber": "0.5"}, "5.00"),  # 1.5 of 3 known
        ("returns-on-time", {}, "3.33"),
        ("returns-sent", {}, "6.67"),
        ("slips", {"blue": "1", "yellow": "2", "red": "5"}, "7.00"),
        ("urged", {"each": "0.5"}, "9.50"),
        ("returned", {"each": "6"}, "0.00"),  # never below nothing
        ("extensions", {"each": "1"}, "9.00"),
    ],
)
def test_formulas(formula: str, figures: dict[str, str], points: str) -> None:
    given = {name: Decimal(value) for name, value in figures.items()}
    reckoned = FORMULAS[formula].reckon(facts_of(CONTENT, "a"), given, Decimal(10))
    assert str(reckoned.points) == points
    assert reckoned.inputs.zh
    assert set(FORMULAS[formula].figures) == set(figures)


def test_what_cannot_be_known_is_no_full_marks() -> None:
    nothing = facts_of({**CONTENT, "plans": [], "returns": []}, "a")
    for name in ("duties-completed", "duties-on-time", "targets-light", "returns-on-time", "returns-sent"):
        figures = dict.fromkeys(FORMULAS[name].figures, Decimal(1))
        assert FORMULAS[name].reckon(nothing, figures, Decimal(10)).points is None, name


def test_totals_have_caps_and_waivers_give_back_what_was_lost() -> None:
    items = [
        {"clause": "1", "points": 60, "computed": Decimal(50), "judged": None},
        {"clause": "2", "points": 40, "judged": Decimal(30), "decided": Decimal(35)},
    ]
    more = [{"kind": "addition", "points": 9}, {"kind": "deduction", "points": 4}]
    caps = Caps(Decimal(5), Decimal(10))
    total = total_of(items, more, [{"points": 3}], caps)
    assert (total.items, total.additions, total.deductions, total.waived) == (85, 5, 4, 3)
    assert (total.points, total.open) == (Decimal(89), ())
    assert total_of(items, more, [{"points": 50}], caps).waived == 19, "15 short and 4 taken"
    assert total_of([{"clause": "3", "points": 10}], [], [], caps).open == ("3",)


def test_equal_points_share_a_rank() -> None:
    ranks = ranking({"a": Decimal(90), "b": Decimal(95), "c": Decimal(90), "d": Decimal(80)})
    assert [(one.unit, one.rank) for one in ranks] == [("b", 1), ("a", 2), ("c", 2), ("d", 4)]


ITEM = SchemeItem("1.1", "任务", "办结", Decimal(60), "按比例", "computed", "duties-completed")
JUDGED = SchemeItem("1.2", "质效", "成效", Decimal(40), "评审", "judged")
SCHEME = Scheme(
    "考核方案", 2026, DAY, date(2027, 3, 31), "云考〔2026〕1号", True,
    (UnitClass("产业", Decimal(100), (("a", "甲局"),), (ITEM, JUDGED)),),
)  # fmt: skip


def with_class(**changes: Any) -> Scheme:
    return replace(SCHEME, classes=(replace(SCHEME.classes[0], **changes),))


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        (with_class(total=Decimal(90)), "合计 100 分，与总分 90 分不符"),
        (with_class(units=()), "没有被考核单位"),
        (with_class(units=(("", "乙局"),)), "没有机构“乙局”"),
        (replace(SCHEME, classes=SCHEME.classes * 2), "同时列入"),
        (with_class(items=(replace(ITEM, formula="magic"), JUDGED)), "没有公式“magic”"),
        (with_class(items=(replace(ITEM, formula="urged"), JUDGED)), "缺少“每次（天）扣分”"),
        (with_class(items=(replace(ITEM, figures={"each": Decimal(1)}), JUDGED)), "公式不需要"),
        (with_class(items=(ITEM, replace(JUDGED, standard=""))), "没有评分标准"),
        (with_class(items=(ITEM, replace(JUDGED, clause="1.1"))), "条款编号有重复"),
        (replace(SCHEME, source=""), "没有注明依据文件"),
    ],
)
def test_a_scheme_is_linted_in_words(scheme: Scheme, said: str) -> None:
    assert any(said in one.zh for one in lint(scheme)), [one.zh for one in lint(scheme)]


def test_a_scheme_goes_out_and_in_unchanged() -> None:
    assert lint(SCHEME) == ()
    assert read_scheme(scheme_sheets(SCHEME), {"甲局": "a"}) == SCHEME
    assert from_data(as_data(SCHEME)) == SCHEME
    example = example_scheme(2026, {"civil-affairs": ("x", "民政局"), "finance": ("y", "财政局")}, DAY, DAY)
    assert lint(example) == ()
    assert not example.verified


async def test_a_second_person_approves_and_the_older_one_retires(store: Store) -> None:
    office, leader = (replace(system_grant(name), account=name) for name in ("office", "leader"))
    with pytest.raises(Unprocessable):
        await schemes.keep(store, office, with_class(total=Decimal(90)), "990100", "2026-12-01")
    first = await schemes.keep(store, office, SCHEME, "990100", "2026-12-01")
    with pytest.raises(Forbidden):
        await schemes.approve(store, office, first.id, "2026-12-02")
    await schemes.approve(store, leader, first.id, "2026-12-02")
    second = await schemes.keep(store, office, SCHEME, "990100", "2026-12-03")
    await schemes.approve(store, leader, second.id, "2026-12-04")
    with pytest.raises(Conflict):
        await schemes.approve(store, leader, second.id, "2026-12-05")
    states = {one.version: one.state for one in await schemes.schemes(store, office)}
    assert states == {1: "retired", 2: "active"}
