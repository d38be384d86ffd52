"""Consents, requests about personal information and applications to use data, in every important state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove, DemoResident
from kangshu_services.data_protection.demo import families

_CONSENT = "data_protection/consent"
_RIGHTS = "data_protection/rights"
_DATA_USE = "data_protection/data-use"
_FIRST = "hospital-yunxi-first"
_TEXTS: Mapping[str, Any] = {
    "kind": "provision",
    "purpose": "TREAT",
    "method": "接诊医生在本平台查看，不导出、不打印",
    "retention": "到期即关闭查看，病历按规定另行保存",
    "contact": "医务科 0990-8000000",
    "refusal": "不影响您挂号、就诊和签约，医生会当面询问病史",
    "notice_version": "2026-1",
}


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the cases."""
    yield from _consents(city)
    yield from _children(city)
    yield from _requests(city)
    yield from _applications(city)


def _consents(city: DemoCity) -> Iterator[DemoCase]:
    """Yield consents of older residents; the first is the one whose portal the demonstration shows."""
    elders = list(city.elders(68))
    shown, others = elders[0], elders[1:]
    yield _asked(
        city, shown, 0.5, "会诊前查看近一年的检查结果", _FIRST, ["Patient", "Observation", "Condition"]
    )
    yield _asked(
        city, shown, 30, "心内科随访", _FIRST, ["Patient", "Observation", "MedicationStatement"], "accept"
    )
    yield _asked(
        city, shown, 200, "康复评估", "hospital-xijiang-rehab", ["Patient", "Condition"], "accept", "withdraw"
    )
    stages = (("accept",), ("accept", "withdraw"), ("reject",), ())
    for number, one in enumerate(others[:24]):
        days = 3.0 + number * 4
        yield _asked(
            city,
            one,
            days,
            "转诊前了解病情",
            _FIRST,
            ["Patient", "Observation", "Condition"],
            *stages[number % 4],
        )
    yield DemoCase(
        _CONSENT,
        f"Patient/{shown.id}",
        12,
        {
            **_TEXTS,
            "recipient": "hospital-yunxi-tcm",
            "purpose_text": "本人主动授权：中医调理",
            "kinds": ["Patient", "Encounter", "Condition"],
            "until": city.day(170),
        },
        shown.id,
        (DemoMove("accept", f"Patient/{shown.id}", hours=0.1),),
    )


def _asked(
    city: DemoCity,
    resident: DemoResident,
    days: float,
    why: str,
    recipient: str,
    kinds: list[str],
    *moves: str,
) -> DemoCase:
    values = {
        **_TEXTS,
        "recipient": recipient,
        "purpose_text": why,
        "kinds": kinds,
        "until": city.day(180),
    }
    made = tuple(DemoMove(move, f"Patient/{resident.id}", hours=6.0) for move in moves)
    return DemoCase(_CONSENT, resident.centre, days, values, resident.id, made)


def _children(city: DemoCity) -> Iterator[DemoCase]:
    """Yield what parents were asked for their children: one decided, one waiting."""
    for number, (child, parent) in enumerate(families(city)):
        if number > 1:
            return
        values = {
            **_TEXTS,
            "kind": "sensitive",
            "recipient": child.centre,
            "purpose": "PUBHLTH",
            "purpose_text": "入托入学预防接种查验",
            "kinds": ["Patient", "Immunization"],
            "until": city.day(300),
        }
        yield DemoCase(_CONSENT, child.centre, 2, values, child.id)
        yield DemoCase(
            _CONSENT,
            child.centre,
            40,
            {**values, "purpose_text": "视力筛查结果查看", "kinds": ["Patient", "Observation"]},
            child.id,
            (DemoMove("accept", f"Patient/{parent.id}", hours=20),),
        )


def _requests(city: DemoCity) -> Iterator[DemoCase]:
    people = [one for one in city.elders(60) if one.conditions][:3]
    details = (
        ("correct", "现住址登记有误，请更正"),
        ("access", "请告知哪些机构看过我的检查结果"),
        ("copy", "需要一份本人健康档案"),
    )
    for number, (person, (right, detail)) in enumerate(zip(people, details, strict=False)):
        values = {"receiver": person.centre, "right": right, "detail": detail, "as_relative": "self"}
        moves = (
            DemoMove("accept", person.centre, {"identity_checked": True}, 20),
            DemoMove("fulfil", person.centre, {"answer": "已按申请办理，可在“我的健康”查看。"}, 30),
        )
        yield DemoCase(
            _RIGHTS,
            f"Patient/{person.id}",
            4 + number * 5,
            values,
            person.id,
            moves[:number] if number < 3 else (),
        )


def _applications(city: DemoCity) -> Iterator[DemoCase]:
    """Yield applications: a draft, one under review, one returned, one approved, one rejected, one destroyed."""
    office, clerk = "unit-data", "unit-health-commission"
    asked = _application(city)
    review = (DemoMove("submit", clerk), DemoMove("accept", office, hours=20))
    granted = {
        "granted_columns": ["age", "place", "level", "managed"],
        "granted_district": "990100",
        "granted_start": asked["period_start"],
        "granted_end": asked["period_end"],
        "sensitive": "no",
        "struck": "删去性别：统计目的不需要。",
    }
    struck = (*review, DemoMove("minimise", office, granted, 10))
    single = (*review, DemoMove("minimise", office, {**granted, "sensitive": "yes"}, 10))
    approved = (*struck, DemoMove("approve", office, hours=20))
    closed = (
        *approved,
        DemoMove(
            "declare",
            clerk,
            {"destroyed_on": city.day(-60), "destroyed_how": "覆写删除，两人在场（演示）"},
            24 * 60,
        ),
    )
    yield DemoCase(_DATA_USE, clerk, 1, {**asked, "project": "养老服务需求预测"})
    yield DemoCase(_DATA_USE, clerk, 4, {**asked, "project": "失能老人分布分析"}, moves=review)
    yield DemoCase(
        _DATA_USE,
        clerk,
        9,
        {**asked, "project": "慢病管理逐条样本分析", "level": "de-identified"},
        moves=(*single, DemoMove("forward", office, hours=10)),
    )
    yield DemoCase(
        _DATA_USE,
        clerk,
        8,
        {**asked, "project": "社区老龄化指数"},
        moves=(*review, DemoMove("return", office, {"comment": "请写明各字段为何必需。"}, 8)),
    )
    yield DemoCase(_DATA_USE, clerk, 25, {**asked, "project": "老年人能力评估统计年报"}, moves=approved)
    yield DemoCase(
        _DATA_USE,
        clerk,
        30,
        {**asked, "project": "港澳合作养老研究", "recipient": "澳门某大学", "place": "macao"},
        moves=(
            *struck,
            DemoMove(
                "reject",
                office,
                {"comment": "未取得单独同意，无出境合规文件（个人信息保护法第三十八至四十条）。"},
                12,
            ),
        ),
    )
    yield DemoCase(_DATA_USE, clerk, 120, {**asked, "project": "上年度评估质量核查"}, moves=closed)


def _application(city: DemoCity) -> dict[str, Any]:
    year = city.today.year - 1
    return {
        "receiver": "unit-data",
        "purpose": "编制统计年报，评价政策效果",
        "legal_basis": "statutory",
        "basis_text": "统计法第七条、本市统计调查制度（演示）",
        "recipient": "云汐市卫生健康委员会老龄科",
        "place": "mainland",
        "responsible": "周以宁 0990-8000001",
        "level": "aggregate",
        "extract": "elder-health",
        "columns": ["age", "gender", "place", "level", "managed"],
        "district": "990100",
        "period_start": f"{year}-01-01",
        "period_end": f"{year}-12-31",
        "expiry": city.day(90),
        "measures": "专用计算机，不联网，专人保管",
    }
