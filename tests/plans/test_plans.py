"""Documents in, accountable work out: on a real database, through the front door."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from kangshu.access import Grant, system_grant
from kangshu.accounts import PARAMETERS as ACCOUNT_PARAMETERS
from kangshu.accounts import Account, Accounts
from kangshu.base.faults import Conflict, Forbidden, Invalid, Malformed, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.plans import PARAMETERS, PlanView, sample_plan
from kangshu.validate import validate
from tests.plans.conftest import CITY, Room

SHARED = Path(__file__).resolve().parents[3] / "shared"
FOREIGN = "绿岛市养老服务实施方案\n\n一、主要任务\n\n（一）增加床位。到2027年，养老机构护理型床位占比达到60%。（牵头单位：市民政局；配合单位：市财政局）\n\n（二）培训人员。每年培训护理员200人。（牵头单位：市人社局）\n"


async def imported(room: Room, form: str = "docx") -> str:
    name, data = sample_plan(form)
    return (await room.plans.import_plan(room.grant, data, name)).plan


@pytest.mark.parametrize("form", ["docx", "txt"])
async def test_the_sample_plan_is_our_own_and_all_its_units_are_known(room: Room, form: str) -> None:
    name, data = sample_plan(form)
    made = await room.plans.import_plan(room.grant, data, name, demo=True)
    assert made.title == "云汐市大健康产业发展行动计划（2025—2027年）"
    assert (made.jurisdiction, made.foreign, made.already) == (CITY, False, False)
    assert made.clauses >= 24
    assert made.targets >= 40
    assert made.money >= 6
    assert made.unresolved == ()
    plan = await room.plans.plan(room.grant, made.plan)
    assert plan.demo
    assert [section.label for section in plan.sections if not section.parent and section.label][:6] == [
        "一、", "二、", "三、", "四、", "五、", "六、",
    ]  # fmt: skip
    beds = next(one for one in plan.clauses if "优化养老床位结构" in one.text)
    assert [unit.written for unit in beds.of("lead")] == ["市民政局"]
    assert beds.of("lead")[0].organisations == ("unit-civil-affairs",)
    assert plan.unit_names["unit-civil-affairs"] == "云汐市民政局"
    assert plan.text[beds.anchor.start : beds.anchor.end].startswith("优化养老床位结构")
    for target in plan.targets:
        assert target.anchor.holds(plan.text)
    masked = [one for one in plan.targets if one.masked]
    assert masked
    assert all(one.light.light == "grey" for one in masked)


async def test_what_is_written_is_valid_fhir(room: Room) -> None:
    plan_id = await imported(room)
    foreign = await room.plans.import_plan(room.grant, FOREIGN.encode(), "绿岛.txt")
    plan = await room.plans.plan(room.grant, foreign.plan)
    await room.plans.adopt(room.grant, foreign.plan, [plan.clauses[0].id])
    await room.plans.link_all(room.grant, plan_id)
    for kind, count in (("PlanDefinition", 3), ("Binary", 4), ("DocumentReference", 2)):
        found = await room.store.search_all(room.grant, kind, "")
        assert len(found) == count
        for resource in found:
            assert validate(resource) == ()


async def test_the_same_document_again_changes_nothing(room: Room) -> None:
    first = await imported(room)
    before = (await room.store.read(room.grant, "PlanDefinition", first)).version
    _, data = sample_plan()
    again = await room.plans.import_plan(room.grant, data, "other-name.docx")
    assert again.already
    assert again.plan == first
    assert again.findings[0].code == "duplicate"
    assert (await room.store.read(room.grant, "PlanDefinition", first)).version == before
    assert len(await room.plans.plans(room.grant)) == 1


@pytest.mark.parametrize(
    ("data", "name", "fault"),
    [
        (b"PK\x03\x04 not a zip", "plan.docx", Malformed),
        ("今天天气很好，我们去公园散步。".encode(), "walk.txt", Unprocessable),
        (b"%PDF-1.4 broken", "plan.pdf", (Malformed, Unprocessable)),
    ],
)
async def test_what_is_no_plan_is_refused_and_leaves_nothing(
    room: Room, data: bytes, name: str, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        await room.plans.import_plan(room.grant, data, name)
    assert await room.plans.plans(room.grant) == ()
    assert await room.store.search_all(room.grant, "Binary", "") == []


async def test_importing_needs_leave(room: Room) -> None:
    nobody = Grant("nobody", "nobody")
    name, data = sample_plan()
    with pytest.raises(Forbidden):
        await room.plans.import_plan(nobody, data, name)
    with pytest.raises(Forbidden):
        await room.plans.plans(nobody)


async def test_links_are_suggested_confirmed_and_light_the_target(room: Room) -> None:
    plan_id = await imported(room)
    offered = {one.target: one.measure for one in await room.plans.suggestions(room.grant, plan_id)}
    plan = await room.plans.plan(room.grant, plan_id)
    named = {plan.target(target).indicator: measure for target, measure in offered.items()}  # type: ignore[union-attr]
    assert any("签约" in name and measure == "signed" for name, measure in named.items())
    assert not any("三级" in name and measure == "secondary" for name, measure in named.items())
    assert await room.plans.link_all(room.grant, plan_id) == len(offered)

    room.numbers["beds"] = 51.0
    plan = await room.plans.plan(room.grant, plan_id)
    by_value = {one.value: one for one in plan.targets if one.measure == "beds"}
    assert by_value[Decimal(50)].light.light == "green"
    final = by_value[Decimal(55)]
    assert [(one.year, one.value) for one in final.milestones] == [(2026, Decimal(50))]
    assert final.light.light == "green"  # 55 in 2027 over 50 in 2026, which the plan itself asks for
    assert "51" in final.light.explanation.zh
    assert "2026年阶段目标50%" in final.light.explanation.zh
    room.numbers["beds"] = 46.0
    plan = await room.plans.plan(room.grant, plan_id)
    assert {one.light.light for one in plan.targets if one.measure == "beds"} == {"amber"}
    room.numbers["beds"] = 40.0
    plan = await room.plans.plan(room.grant, plan_id)
    assert {one.light.light for one in plan.targets if one.measure == "beds"} == {"red"}
    signed = [one for one in plan.targets if one.measure == "signed"]
    assert signed
    assert {one.light.light for one in signed} == {"grey"}  # no number yet

    target = by_value[Decimal(50)].id
    await room.plans.link(room.grant, plan_id, target, "")
    assert (await room.plans.plan(room.grant, plan_id)).target(target).light.light == "grey"  # type: ignore[union-attr]
    with pytest.raises(NotFound):
        await room.plans.link(room.grant, plan_id, target, "no-such-measure")
    with pytest.raises(NotFound):
        await room.plans.link(room.grant, plan_id, "target-999", "beds")


async def test_a_baseline_makes_a_trajectory_and_a_masked_year_can_be_entered(room: Room) -> None:
    plan_id = await imported(room)
    await room.plans.link_all(room.grant, plan_id)
    room.numbers["beds"] = 51.0
    plan = await room.plans.plan(room.grant, plan_id)
    target = next(one for one in plan.targets if one.measure == "beds" and one.value == 55)
    await room.plans.set_due(room.grant, plan_id, target.id, 2090, "test")
    await room.plans.set_baseline(
        room.grant, plan_id, target.id, Decimal("44.5"), date(2025, 1, 1), "2024年统计年报"
    )
    light = (await room.plans.plan(room.grant, plan_id)).target(target.id).light  # type: ignore[union-attr]
    assert light.light == "green"
    assert light.expected is not None
    assert Decimal("44.5") <= light.expected < 51
    masked = next(one for one in plan.targets if one.masked)
    await room.plans.set_due(room.grant, plan_id, masked.id, 2028, "test")
    after = (await room.plans.plan(room.grant, plan_id)).target(masked.id)
    assert after is not None
    assert (after.due, after.masked) == ("2028", False)
    with pytest.raises(Invalid):
        await room.plans.set_baseline(room.grant, plan_id, target.id, Decimal(1), date(2025, 1, 1), " ")


async def test_assigning_starts_a_duty_per_lead_and_children_for_the_others(room: Room) -> None:
    plan_id = await imported(room)
    plan = await room.plans.plan(room.grant, plan_id)
    joint = next(one for one in plan.clauses if len(one.of("lead")) == 2)
    led = next(one for one in plan.clauses if "优化养老床位结构" in one.text)
    made = await room.plans.assign(room.grant, plan_id, [joint.id, led.id])
    assert [one.clause for one in made.duties] == [joint.id, joint.id, led.id]
    assert made.duties[2].unit == "unit-civil-affairs"
    assert made.duties[2].co_units == ("unit-health-commission", "unit-development-reform", "unit-finance")
    children = await room.cases.children(room.grant, made.duties[2].task)
    assert {one.owner for one in children} == set(made.duties[2].co_units)

    plan = await room.plans.plan(room.grant, plan_id)
    duties = plan.clause(led.id).duties  # type: ignore[union-attr]
    assert {one.unit for one in duties if not one.parent} == {"unit-civil-affairs"}
    assert len(duties) == 4
    again = await room.plans.assign(room.grant, plan_id, [led.id])
    assert again.duties == ()
    assert again.findings[0].code == "duplicate"
    civil = room.acting_for("unit-civil-affairs")
    await room.cases.move(civil, made.duties[2].task, "finish", {})
    assert len((await room.plans.assign(room.grant, plan_id, [led.id])).duties) == 1
    with pytest.raises(NotFound):
        await room.plans.assign(room.grant, plan_id, ["clause-999"])


async def test_a_foreign_plan_is_never_lit_until_a_clause_is_adopted(room: Room) -> None:
    room.numbers["beds"] = 70.0
    made = await room.plans.import_plan(room.grant, FOREIGN.encode(), "绿岛.txt")
    assert (made.foreign, made.jurisdiction, made.unresolved) == (True, "", ())
    plan = await room.plans.plan(room.grant, made.plan)
    assert all(not unit.resolved for clause in plan.clauses for unit in clause.units)
    assert {one.light.light for one in plan.targets} == {"grey"}
    with pytest.raises(Unprocessable):
        await room.plans.link(room.grant, made.plan, plan.targets[0].id, "beds")
    with pytest.raises(Unprocessable):
        await room.plans.assign(room.grant, made.plan, [plan.clauses[0].id])

    adopted = await room.plans.adopt(room.grant, made.plan, [plan.clauses[0].id])
    ours = await room.plans.plan(room.grant, adopted.plan)
    assert not ours.foreign
    assert ours.jurisdiction == CITY
    assert [clause.units[0].organisations for clause in ours.clauses] == [("unit-civil-affairs",)]
    assert ours.text == plan.text
    await room.plans.link_all(room.grant, adopted.plan)
    ours = await room.plans.plan(room.grant, adopted.plan)
    assert [one.light.light for one in ours.targets] == ["green"]
    theirs = await room.plans.plan(room.grant, made.plan)
    assert theirs.clauses[0].adopted_as == adopted.plan
    assert {one.light.light for one in theirs.targets} == {"grey"}
    second = await room.plans.adopt(room.grant, made.plan, [plan.clauses[1].id])
    assert second.plan == adopted.plan
    assert len((await room.plans.plan(room.grant, adopted.plan)).clauses) == 2
    with pytest.raises(Unprocessable):
        await room.plans.adopt(room.grant, adopted.plan, [plan.clauses[0].id])


async def test_the_board_counts_each_lead_units_lights(room: Room) -> None:
    plan_id = await imported(room)
    await room.plans.link_all(room.grant, plan_id)
    room.numbers["beds"] = 40.0
    board = await room.plans.board(room.grant, plan_id)
    names = dict(board.units)
    assert names["unit-health-commission"] == "云汐市卫生健康委员会"
    plan = board.plan
    beds = next(one for one in plan.clauses if "优化养老床位结构" in one.text)
    cell = board.cells[(beds.chapter, "unit-civil-affairs")]
    assert beds.id in cell.clauses
    assert cell.lights["red"] == 2
    assert cell.light == "red"
    assert sum(board.lights.values()) == len(plan.targets)


async def test_an_unknown_unit_is_an_open_question_until_a_person_answers(room: Room) -> None:
    text = "云汐市试点方案\n\n一、任务\n\n（一）建设园区。到2027年建成园区2个。（牵头单位：市康养产业专班；配合单位：市商务局）\n"
    made = await room.plans.import_plan(room.grant, text.encode(), "试点.txt")
    assert made.unresolved == ("市康养产业专班",)
    clause = (await room.plans.plan(room.grant, made.plan)).clauses[0].id
    asked = await room.plans.assign(room.grant, made.plan, [clause])
    assert asked.duties == ()
    assert asked.findings[0].severity == "error"
    changed = await room.plans.resolve_unit(
        room.grant, made.plan, "市康养产业专班", ["unit-development-reform"]
    )
    assert changed == 1
    assert len((await room.plans.assign(room.grant, made.plan, [clause])).duties) == 1
    with pytest.raises(NotFound):
        await room.plans.resolve_unit(room.grant, made.plan, "市康养产业专班", ["no-such-unit"])


async def test_a_reported_value_counts_when_somebody_else_has_accepted_it(room: Room) -> None:
    plan_id = await imported(room)
    plan = await room.plans.plan(room.grant, plan_id)
    clause = next(one for one in plan.clauses if "做优康养旅游" in one.text)
    target = clause.targets[0]
    tourism = room.acting_for("unit-culture-tourism", "tourism-clerk")
    today = date.today()  # noqa: DTZ011
    sent = await room.plans.report(tourism, plan_id, target, Decimal(6), today, "认定文件3份")
    assert sent.state == "submitted"
    assert (await room.plans.plan(room.grant, plan_id)).target(target).light.light == "grey"  # type: ignore[union-attr]
    with pytest.raises(Forbidden):
        await room.plans.review(tourism, sent.id, True)
    accepted = await room.plans.review(room.grant, sent.id, True, "属实")
    assert accepted.state == "published"
    light = (await room.plans.plan(room.grant, plan_id)).target(target).light  # type: ignore[union-attr]
    assert (light.light, light.source, light.value) == ("green", "reported", Decimal(6))
    with pytest.raises(Conflict):
        await room.plans.review(room.grant, sent.id, False)
    stranger = Grant(
        "x", "x", organisation="unit-sports", read=room.grant.read, operations=frozenset({"plan.read"})
    )
    with pytest.raises(Forbidden):
        await room.plans.report(stranger, plan_id, target, Decimal(6), today, "依据")
    with pytest.raises(Invalid):
        await room.plans.report(tourism, plan_id, target, Decimal(6), today, "")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public documents lie beside the project, in ../shared")
@pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])
async def test_documents_of_other_cities_come_in_as_foreign_plans(room: Room, number: str) -> None:
    data = (SHARED / "documents" / f"{number}.txt").read_bytes()
    made = await room.plans.import_plan(room.grant, data, f"{number}.txt")
    assert made.foreign
    plan = await room.plans.plan(room.grant, made.plan)
    assert {one.light.light for one in plan.targets} <= {"grey"}
    assert len(plan.clauses) == made.clauses


async def test_the_ready_made_roles_can_do_their_part(room: Room) -> None:
    accounts = Accounts(room.store, ParameterTable([*PARAMETERS, *ACCOUNT_PARAMETERS]), CITY)
    posts = {
        "office": ("plan-office", "unit-health-commission"),
        "leader": ("commission-leader", "unit-health-commission"),
        "civil": ("unit-clerk", "unit-civil-affairs"),
        "sports": ("unit-clerk", "unit-sports"),
    }
    for name, (role, organisation) in posts.items():
        await accounts.create_account(
            system_grant("test"), Account(name, name, (role,), organisation=organisation, district="9901")
        )
    office, leader, civil, sports = [await accounts.open_grant(name) for name in posts]

    name, data = sample_plan()
    with pytest.raises(Forbidden):
        await room.plans.import_plan(civil, data, name)
    made = await room.plans.import_plan(office, data, name)
    await room.plans.link_all(office, made.plan)
    plan = await room.plans.plan(office, made.plan)
    beds = next(one for one in plan.clauses if "优化养老床位结构" in one.text)
    duty = (await room.plans.assign(office, made.plan, [beds.id])).duties[0]
    with pytest.raises(Forbidden):
        await room.plans.assign(civil, made.plan, [beds.id])

    def duties(view: PlanView) -> int:
        return sum(len(clause.duties) for clause in view.clauses)

    assert duties(await room.plans.plan(leader, made.plan)) == 4
    assert duties(await room.plans.plan(sports, made.plan)) == 0
    seen = await room.plans.plan(civil, made.plan)
    assert duties(seen) >= 1
    assert seen.text.startswith("云汐市")
    assert (await room.cases.worklist(civil, "todo"))[0].id == duty.task
    reported = await room.plans.report(
        civil, made.plan, beds.targets[0], Decimal(51), date(2026, 6, 30), "统计表"
    )
    assert (await room.plans.review(office, reported.id, True)).state == "published"
    foreign = await room.plans.import_plan(office, FOREIGN.encode(), "绿岛.txt")
    assert (await room.plans.adopt(office, foreign.plan, ["clause-001"])).clauses == ("clause-001",)
