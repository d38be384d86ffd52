"""Versions of a plan, plans of a higher level, plans that contradict each other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from kangshu.access import Grant
from kangshu.base.faults import Forbidden, Invalid, NotFound, Unprocessable
from kangshu.plans import Lineage
from kangshu.plans.comparing import compare, word_changes
from kangshu.plans.similarity import Likeness, dice

from .conftest import CITY, Room

FIRST = """云汐市康养行动方案（2026年）

一、总体目标

到2027年，全市养老床位总数达到5000张。

二、重点任务

（一）推进医养结合。到2027年，养老机构护理型床位占比达到58%。（牵头单位：市民政局；配合单位：市财政局）

（二）发展旅居康养。建设康养旅居基地，引导景区增设无障碍设施。（牵头单位：市旅居专班）

（三）培训护理人员。每年培训护理员800人次，校企共建实训课程。（牵头单位：市卫生健康委）

（四）完善助餐服务。在社区增设助餐点，鼓励餐饮企业参与。（牵头单位：市民政局）
"""
SECOND = """云汐市康养行动方案（2027年修订）

一、总体目标

到2028年，全市养老床位总数达到6000张。

二、重点任务

（一）培训护理人员。每年培训护理员800人次，校企共建实训课程。（牵头单位：市卫生健康委）

（二）推进医养结合。到2028年，养老机构护理型床位占比达到60%。（牵头单位：市民政局；配合单位：市财政局、市医保局）

（三）发展旅居康养。建设康养旅居基地，引导景区增设无障碍设施。（牵头单位：市旅居专班）

（四）建设认知症照护专区。在每个区建成照护专区。（牵头单位：市卫生健康委）
"""
HIGHER = """滨海省康养产业发展规划

一、主要任务

（一）提高护理能力。推进医养结合，提高养老机构护理型床位占比。（牵头单位：省民政厅）

（二）培养护理人才。校企共建护理员实训课程，大规模培训护理员。（牵头单位：省卫生健康委）

（三）发展中医药种植。建设道地药材规范化种植基地。（牵头单位：省农业农村厅）
"""
OTHER = """云汐市养老服务方案

一、任务

（一）到2027年，养老机构护理型床位占比达到65%。（牵头单位：市民政局）

（二）培训护理人员。每年培训护理员800人次，校企共建实训课程。（牵头单位：市人社局）
"""


async def made(room: Room, text: str, name: str, place: str = CITY) -> str:
    return (await room.plans.import_plan(room.grant, text.encode(), f"{name}.txt", place)).plan


def lineage(room: Room) -> Lineage:
    return Lineage(room.store, room.plans)


def test_words_that_changed_are_told_and_numbers_are_not_torn() -> None:
    pieces = word_changes("到2027年，床位达到5000张。", "到2028年，床位数达到6000张。")
    assert [(one.kind, one.text) for one in pieces if one.kind != "same"] == [
        ("deleted", "2027"),
        ("inserted", "2028"),
        ("inserted", "数"),
        ("deleted", "5000"),
        ("inserted", "6000"),
    ]
    assert "".join(one.text for one in pieces if one.kind != "inserted") == "到2027年，床位达到5000张。"
    assert "".join(one.text for one in pieces if one.kind != "deleted") == "到2028年，床位数达到6000张。"


def test_likeness_is_one_for_the_same_words_and_rare_words_say_more() -> None:
    texts = {"a": "推进医养结合建设护理站", "b": "推进产业发展建设园区", "c": "推进旅游发展建设景区"}
    found = dict(Likeness(texts).like(texts["a"]))
    assert found["a"] == pytest.approx(1)
    assert found["a"] > found["b"]
    assert dict(Likeness(texts).like("护理站"))["a"] > 0.3
    assert dice("", "") == 1
    assert dice("床位总数", "床位总量") == pytest.approx(2 / 3)


async def test_two_versions_are_compared_clause_by_clause(room: Room) -> None:
    old, new = await made(room, FIRST, "first"), await made(room, SECOND, "second")
    found = await lineage(room).compare(room.grant, new, old)
    told = {(one.new or one.old).title[:6]: one for one in found.clauses}  # type: ignore[union-attr]
    kinds = {title: (one.kind, one.moved) for title, one in told.items()}
    assert kinds == {
        "培训护理人员": ("same", True),
        "推进医养结合": ("changed", False),
        "发展旅居康养": ("same", False),
        "建设认知症照": ("added", False),
        "完善助餐服务": ("removed", False),
    }
    facts = [one.text.zh for one in told["推进医养结合"].facts]
    assert any("58% → 60%" in one for one in facts)
    assert any("2027 → 2028" in one for one in facts)
    assert "配合单位：增 市医保局" in facts
    assert any("5000张 → 6000张" in one.text.zh for one in found.facts)
    same = compare(found.old, found.old)
    assert {one.kind for one in same.clauses} == {"same"}
    assert not same.moved
    assert not same.facts
    with pytest.raises(Invalid):
        await lineage(room).compare(room.grant, new, new)


async def test_a_new_version_is_offered_linked_and_takes_over_what_was_settled(room: Room) -> None:
    old = await made(room, FIRST, "first")
    plan = await room.plans.plan(room.grant, old)
    training = next(one for one in plan.targets if "培训" in one.indicator)
    await room.plans.set_baseline(room.grant, old, training.id, Decimal(500), date(2025, 12, 31), "年报")
    await room.plans.resolve_unit(room.grant, old, "市旅居专班", ["unit-sports"])
    new = await made(room, SECOND, "second")
    around = await lineage(room).relations(room.grant, new)
    assert [one.id for one in around.maybe_before] == [old]
    carried = await lineage(room).succeed(room.grant, new, old, carry=True)
    assert (carried.targets, carried.units) == (1, 1)
    after = await room.plans.plan(room.grant, new)
    baselines = {one.indicator: one.baseline for one in after.targets if one.baseline}
    assert [one.value for one in baselines.values()] == [Decimal(500)]
    resort = next(one for one in after.clauses if one.title.startswith("发展旅居"))
    assert resort.units[0].organisations == ("unit-sports",)
    around = await lineage(room).relations(room.grant, new)
    assert [one.id for one in around.before] == [old]
    assert around.maybe_before == ()
    assert [one.id for one in (await lineage(room).relations(room.grant, old)).after] == [new]
    with pytest.raises(Invalid):
        await lineage(room).succeed(room.grant, old, new, carry=False)


async def test_duties_of_changed_clauses_are_shown(room: Room) -> None:
    old = await made(room, FIRST, "first")
    plan = await room.plans.plan(room.grant, old)
    await room.plans.assign(room.grant, old, [plan.clauses[0].id])
    new = await made(room, SECOND, "second")
    found = await lineage(room).compare(room.grant, new, old)
    (changed,) = [one for one in found.clauses if one.old is not None and one.old.id == plan.clauses[0].id]
    assert changed.old is not None
    assert [one.unit for one in changed.old.duties if not one.parent] == ["unit-civil-affairs"]


async def test_a_higher_plan_is_carried_out_by_clauses_that_a_person_confirms(room: Room) -> None:
    own, higher = await made(room, FIRST, "own"), await made(room, HIGHER, "higher", "")
    with pytest.raises(NotFound):
        await lineage(room).coverage(room.grant, own, higher)
    await lineage(room).place_under(room.grant, own, higher)
    found = await lineage(room).coverage(room.grant, own, higher)
    nursing, training, herbs = found.clauses
    assert nursing.offered[0].clause.title.startswith("推进医养结合")
    assert training.offered[0].clause.title.startswith("培训护理人员")
    assert "校企共建" in "".join(training.offered[0].shared)
    assert herbs.offered == ()
    assert found.carried == 0
    first, second = nursing.offered[0].clause.id, training.offered[0].clause.id
    await lineage(room).carry_out(room.grant, own, first, higher, nursing.clause.id, "confirmed")
    await lineage(room).carry_out(room.grant, own, second, higher, training.clause.id, "refused")
    found = await lineage(room).coverage(room.grant, own, higher)
    assert found.carried == 1
    assert found.clauses[0].carriers[0].clause.id == first
    assert found.clauses[0].light == "grey"
    assert second not in {one.clause.id for one in found.clauses[1].offered}
    await lineage(room).carry_out(room.grant, own, first, higher, nursing.clause.id, "open")
    assert (await lineage(room).coverage(room.grant, own, higher)).carried == 0
    for clause, above in (("clause-999", nursing.clause.id), (first, "clause-999")):
        with pytest.raises(NotFound):
            await lineage(room).carry_out(room.grant, own, clause, higher, above, "confirmed")
    with pytest.raises(Unprocessable):
        await lineage(room).place_under(room.grant, higher, own)
    await lineage(room).place_under(room.grant, own, higher, linked=False)
    assert (await lineage(room).relations(room.grant, own)).higher == ()


async def test_plans_that_contradict_each_other_are_told_with_both_places(room: Room) -> None:
    own, other = await made(room, FIRST, "own"), await made(room, OTHER, "other")
    found = await lineage(room).conflicts(room.grant, own)
    assert {one.kind for one in found} == {"figure", "lead"}
    figure = next(one for one in found if one.kind == "figure")
    assert "58%" in figure.text.zh
    assert "65%" in figure.text.zh
    assert (figure.here.plan, figure.there.plan) == (own, other)
    lead = next(one for one in found if one.kind == "lead")
    assert "市卫生健康委" in lead.text.zh
    assert "市人社局" in lead.text.zh
    assert len(await lineage(room).conflicts(room.grant, other)) == len(found)
    foreign = await made(room, OTHER.replace("云汐", "绿岛"), "foreign", "")
    assert await lineage(room).conflicts(room.grant, foreign) == ()


async def test_without_the_operation_nothing_is_related(room: Room) -> None:
    old, new = await made(room, FIRST, "first"), await made(room, SECOND, "second")
    reader = Grant("reader", "reader", read=room.grant.read, operations=frozenset({"plan.read"}))
    assert (await lineage(room).compare(reader, new, old)).clauses
    for act in (
        lineage(room).succeed(reader, new, old, carry=False),
        lineage(room).place_under(reader, new, old),
        lineage(room).carry_out(reader, new, "clause-001", old, "clause-001", "confirmed"),
    ):
        with pytest.raises(Forbidden):
            await act
    with pytest.raises(Forbidden):
        await lineage(room).relations(Grant("nobody", "nobody"), new)
