"""What the engine runs for the demo city's projects: admission, building, reports, issues, guarantees, lists, a meeting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove
from kangshu_services.projects.demo_table import PROJECTS, DemoProject, stages_of


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the cases in the order of time within each kind; the reform commission is the office."""
    office = city.unit("development-reform").id
    by_id = {one.id: one for one in PROJECTS}
    for one in PROJECTS:
        if one.built:
            yield _in_library(city, office, one)
    yield _applied(city, office, by_id["project-43"])
    yield from _lists(city, office)
    yield from _reports(city, office, by_id)
    yield from _issues(city, office, by_id)
    yield from _guarantees(city, by_id)
    yield _recommendation(city, office, by_id["project-01"])
    yield _meeting(city, office)


def _paper(unit: str) -> str:
    return f"DocumentReference/project-paper-{unit}"


def _started(city: DemoCity, office: str, one: DemoProject) -> dict[str, Any]:
    return {"project": f"Basic/{one.id}", "project_unit": one.owner_of(city), "receiver": office}


def _in_library(city: DemoCity, office: str, one: DemoProject) -> DemoCase:
    """Return the case of a project that was admitted before and has come as far as the table says."""
    owner, today = one.owner_of(city), city.today
    start, end = stages_of(one, today)
    admitted = min(start - timedelta(days=120), today - timedelta(days=60))
    tier = {"admitted_on": admitted.isoformat(), "tier": one.tier, "opinion_paper": _paper(office)}
    evidence = {"evidence": [_paper(owner)]}
    moves = [
        DemoMove("enroll", office, tier),
        DemoMove("prepare", owner, {**evidence, "comment": "成立专班，倒排前期手续。"}),
    ]
    if one.built != "preparing":
        begun = {
            "started_on": start.isoformat(),
            **evidence,
            "preparation_reason": "前期手续已办结。",
        }
        moves.append(DemoMove("build", owner, begun))
    if one.built == "in-operation":
        moves.append(DemoMove("operate", owner, {"operating_on": end.isoformat(), **evidence}))
    if one.id == "project-03":
        moves.append(DemoMove("close", office, {"comment": "现场核实，已投入使用。"}))
    return DemoCase("projects/project", office, 24, _started(city, office, one), moves=tuple(moves))


def _applied(city: DemoCity, office: str, one: DemoProject) -> DemoCase:
    owner = one.owner_of(city)
    values = {
        "statement": "填补区域康复医疗空白，用地已落实，资金方案可行。",
        "materials": [_paper(owner)],
        "experts_number": 3,
    }
    return DemoCase(
        "projects/project", office, 5, _started(city, office, one), moves=(DemoMove("apply", owner, values),)
    )


def _lists(city: DemoCity, office: str) -> Iterator[DemoCase]:
    government = city.unit("city-government").id
    rows = [
        {"project": f"Basic/project-{number}", "goal": goal, "leader": leader, "planned": planned}
        for number, goal, leader, planned in (
            ("01", "主体完工，启动招商运营", "林知远", 18000),
            ("04", "中试平台设备进场", "林知远", 12000),
            ("10", "主体封顶，设备招标", "沈若溪", 26000),
            ("14", "完成施工许可并开工", "林知远", 3000),
        )
    ]
    values = {"receiver": government, "year": city.today.year, "list": "dispatch", "projects": rows}
    approved = (DemoMove("submit", office, {}), DemoMove("approve", government, {"comment": "同意。"}, 20))
    yield DemoCase("projects/year-list", office, 16, values, moves=approved)


def _reports(city: DemoCity, office: str, projects: dict[str, DemoProject]) -> Iterator[DemoCase]:
    """Yield last month's reports: one accepted, one to be checked, one that is due today."""
    month = (city.today.replace(day=1) - timedelta(days=1)).replace(day=1)
    reported = {
        "month_planned": 900,
        "percent": 52,
        "text": "主体施工正常，完成二层结构。",
        "difference": "含上年结转。",
        "total": 30000,
    }
    for number, due in (("02", -3), ("05", -1), ("12", 0), ("16", 0)):
        one = projects[f"project-{number}"]
        owner = one.owner_of(city)
        values = {
            "project": f"Basic/{one.id}",
            "receiver": owner,
            "month": month.isoformat(),
            "due": _working(city, city.today + timedelta(days=due)).isoformat(),
        }
        moves: list[DemoMove] = []
        if number in ("02", "05"):
            told = {**reported, "month_investment": round(one.investment / 40)}
            if number == "02":
                told |= {
                    "coordination": "配套道路尚未接通，影响设备进场。",
                    "coordination_kind": "relocation",
                    "problems": "外部道路",
                }
            moves.append(DemoMove("submit", owner, told, 20))
        if number == "02":
            moves.append(DemoMove("accept", office, {"comment": "采用。"}, 20))
        yield DemoCase("projects/monthly-report", office, 6, values, moves=tuple(moves))


def _working(city: DemoCity, day: date) -> date:
    while not city.calendar.is_working_day(day):
        day -= timedelta(days=1)
    return day


def _issues(city: DemoCity, office: str, projects: dict[str, DemoProject]) -> Iterator[DemoCase]:
    table = (
        ("04", "land", "二期用地指标缺口约60亩，影响整体规划报批。", "natural-resources", 18, ""),
        ("06", "funds", "专项债到位慢，施工单位垫资压力大。", "finance", 15, "solved"),
        ("10", "approval", "消防设计审查周期长。", "housing", 9, ""),
        ("14", "relocation", "红线内尚有3户未签约。", "", 2, ""),
    )
    for number, kind, content, unit, days, end in table:
        one = projects[f"project-{number}"]
        owner = one.owner_of(city)
        moves: list[DemoMove] = []
        if unit:
            by = city.day(14 if end else 6)
            asked = {"unit": city.unit(unit).id, "solve_by": by, "comment": "请会同属地政府提出解决方案。"}
            moves.append(DemoMove("assign", office, asked, 10))
        if end:
            moves.append(DemoMove("solve", city.unit(unit).id, {"result": "资金已拨付到项目单位账户。"}, 90))
            moves.append(DemoMove("confirm", owner, {"comment": "已解决。"}, 20))
        values = {"project": f"Basic/{one.id}", "kind": kind, "content": content, "receiver": office}
        yield DemoCase("projects/issue", owner, days, values, moves=tuple(moves))


def _guarantees(city: DemoCity, projects: dict[str, DemoProject]) -> Iterator[DemoCase]:
    table = (
        ("01", "land", 42, "亩", "康复医院用地42亩", "natural-resources", "met"),
        ("09", "approval", 1, "件", "林地使用审批", "natural-resources", "promised"),
        ("13", "funds", 5000, "万元", "产业引导基金出资", "finance", ""),
    )
    for number, kind, amount, measured, content, unit, end in table:
        one = projects[f"project-{number}"]
        owner, answers = one.owner_of(city), city.unit(unit).id
        values = {
            "project": f"Basic/{one.id}", "kind": kind, "amount": amount, "amount_unit": measured, "content": content,
            "needed_by": city.day(60), "receiver": answers,
        }  # fmt: skip
        promised = {
            "promised_by": city.day(45),
            "comment": "列入年度计划优先保障。",
        }
        moves = [DemoMove("promise", answers, promised, 30)] if end else []
        if end == "met":
            provided = {
                "result": "已挂牌供地。",
                "provided_amount": amount,
                "evidence": [_paper(city.unit("development-reform").id)],
            }
            moves += [DemoMove("provide", answers, provided, 90), DemoMove("confirm", owner, {}, 20)]
        yield DemoCase("projects/guarantee", owner, 17, values, moves=tuple(moves))


def _recommendation(city: DemoCity, office: str, one: DemoProject) -> DemoCase:
    values = {
        "project": f"Basic/{one.id}",
        "receiver": office,
        "level": "provincial",
        "ground": "总投资超过1亿元，带动康养产业链。",
    }
    day = city.day(-14)
    moves = (DemoMove("report", office, {"reported_on": day, "paper": _paper(office)}, 20),)
    return DemoCase("projects/recommendation", office, 14, values, moves=moves)


def _meeting(city: DemoCity, office: str) -> DemoCase:
    day = city.today - timedelta(days=6)
    units = [city.unit(one).id for one in ("natural-resources", "finance", "housing")]
    values = {
        "receiver": office, "subject": "重点项目调度会（第八次）", "meeting_day": day.isoformat(), "place": "市政府第一会议室",
        "chair": "林知远", "units": units,
    }  # fmt: skip
    decisions = {
        "opening": "会议听取了重点项目进展和问题清单汇报，逐项研究了用地、资金等问题。",
        "decisions": [
            {"issue": ANY, "decision": "二期用地指标在全市统筹解决", "unit": units[0], "due": city.day(30)},
            {"decision": "建立专项债资金拨付绿色通道", "unit": units[1], "due": city.day(20)},
        ],
    }  # fmt: skip
    return DemoCase(
        "projects/meeting",
        office,
        9,
        values,
        moves=(
            DemoMove("hold", office, {"present": ["林知远", "沈若溪", "韩书远"]}, 76),
            DemoMove("minute", office, decisions, 20),
        ),
    )
