"""Duties of the demo city's plan: assigned, signed for, in progress, overdue, returned, finished."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from kangshu.sdk import DemoCase, DemoCity, DemoMove
from kangshu_services.supervision.demo import EVALUATOR

SECTION = "section-sports-mass-sports"
"""Id of the section of the sports bureau that drafts."""
_SIGN = DemoMove("accept", "", {"contact": "科室经办人"}, 20)
_BEGIN = DemoMove("begin", "", {"work_plan": "已成立工作专班，按月调度。"}, 30)
_REPORT = DemoMove(
    "report", "", {"result": "已按要求完成，佐证材料另附。", "evidence_note": "见单位自查报告"}, 300
)
_APPROVE = DemoMove("approve", "*", {"comment": "材料齐全，同意。", "standard_met": True}, 20)
_COMPLETE = DemoMove("complete", "*", {}, 4)
_RETURN = DemoMove("return", "*", {"comment": "请补充分区县数据和佐证材料。"}, 20)


def _progress(percent: int, text: str) -> DemoMove:
    return DemoMove("progress", "", {"progress": text, "percent": percent}, 200)


def _node(quarter: int, text: str) -> DemoMove:
    return DemoMove("report-node", "", {"quarter": str(quarter), "node_result": text}, 60)


_SLIP = DemoMove(
    "issue-slip",
    "*",
    {
        "level": "yellow",
        "slip_reason": "签收后长期没有进展反馈。",
        "slip_request": "请分管负责同志牵头研究，书面说明原因和下一步安排。",
    },
    60,
)
_SLIP_ANSWERED = (
    DemoMove("sign", "", {}, 8),
    DemoMove(
        "answer",
        "",
        {
            "cause": "牵头科室人员调整，工作衔接不及时。",
            "result": "已明确专人，下月底前完成任务并补报节点。",
        },
        40,
    ),
)
_INSIDE = (
    DemoMove("propose", "*", {"proposal": "拟请群众体育科承办，办公室督促。"}, 4),
    DemoMove("decide", "*", {"decision": "同意，请抓紧。", "section": f"Organization/{SECTION}"}, 6),
    DemoMove("take", "", {}, 20),
    DemoMove(
        "draft",
        "",
        {"answer": "已印发运动处方技术规范，培训基层医生206人。", "evidence_note": "云体〔2026〕31号"},
        400,
    ),
)

_CHILD_SIGN = DemoMove("accept", "", {}, 16)
_CHILD_REPORT = DemoMove("report", "", {"opinion": "已按分工提供数据并安排专人对接。"}, 90)
_CHILD_CONFIRM = DemoMove("confirm", "*", {}, 10)
_COSIGNED = (_CHILD_SIGN, _CHILD_REPORT, _CHILD_CONFIRM)

_PLANS: tuple[tuple[int, float, str, tuple[DemoMove, ...]], ...] = (
    (1, 150, "", (_SIGN, _BEGIN, _progress(45, "已招录全科方向人员3名，规范化培训在训5名。"))),
    (2, 150, "", (_SIGN, _BEGIN, _progress(70, "重点人群签约服务推进顺利，松屏县进度偏慢。"))),
    (3, 120, "", (_SIGN, _BEGIN, _progress(55, "三级医院预留号源已上线，二级医院正在改造。"))),
    (4, 60, "", (_SIGN,)),
    (5, 150, "", (_SIGN, _BEGIN, _progress(60, "两家机构床位改造已开工。"))),
    (6, 90, "", (_SIGN, _BEGIN)),
    (7, 100, "", (_SIGN, _BEGIN, _progress(65, "体检进度总体正常，望川区、松屏县需加快。"))),
    (9, 3, "", ()),
    (11, 30, "", ()),  # nobody has signed: late
    (13, 45, "", (_SIGN, _BEGIN, _SLIP)),
    (17, 200, "", (_SIGN, _BEGIN)),
    (19, 210, "请把号源使用情况按医院逐周公布。", (_SIGN, _BEGIN)),
    (20, 40, "", (_SIGN, _BEGIN, _REPORT)),
    (18, 70, "", (_SIGN, _BEGIN, _REPORT, _RETURN)),
    (21, 90, "", (_SIGN, _BEGIN, _REPORT, _APPROVE, _COMPLETE)),
    (23, 25, "", (_SIGN,)),
    (24, 80, "", (_SIGN, _BEGIN)),
)
"""(number of the clause, days since 交办, instruction, moves)."""
_ABOUT: Mapping[int, Mapping[str, tuple[DemoMove, ...]]] = {
    13: {"supervision/slip": _SLIP_ANSWERED},
    24: {"unit_papers/document": _INSIDE},
}
"""Moves of the cases about a duty: 督办单 answered, the sports bureau's own papers."""
_LATE_CO_UNITS = (7, 11)
"""Clauses whose co-units have not signed yet."""


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the duties; the reform commission assigns them as the conference's office."""
    office = city.unit("development-reform").id
    for clause, days, instruction, moves in _PLANS:
        values = {"instruction": instruction} if instruction else {}
        children = () if clause in _LATE_CO_UNITS else _COSIGNED if _BEGIN in moves else (_CHILD_SIGN,)
        yield DemoCase(
            "supervision/duty",
            office,
            days,
            values,
            moves=moves,
            clause=clause,
            child_moves=children,
            about_moves=_ABOUT.get(clause, {}),
        )
    yield from _findings_and_visits(city, office)
    yield from _outside_and_remarks(city, office)


def _findings_and_visits(city: DemoCity, office: str) -> Iterator[DemoCase]:
    """Yield a finding being corrected, a visit that was made and one that is planned."""
    today = city.today
    ordered = {
        "order": "限期完成消防年检并举一反三排查。",
        "correct_by": (today + timedelta(days=12)).isoformat(),
    }
    yield DemoCase(
        "supervision/finding",
        office,
        40,
        {
            "receiver": f"Organization/{city.unit('civil-affairs').id}",
            "finding": "抽查发现两家养老机构消防设施年检过期。",
            "found_on": (today - timedelta(days=41)).isoformat(),
        },
        moves=(
            DemoMove("order", "*", ordered, 20),
            DemoMove("correct", "", {"measures": "已约谈机构负责人，委托检测单位进场。"}, 60),
        ),
    )
    made = today - timedelta(days=20)
    seen = {
        "visited_on": made.isoformat(),
        "facts": "查看签约机构4家，随访老人12名。",
        "obstacles": "医务室医保结算尚未开通。",
    }
    visits = (
        ("health-commission", "医养结合", made, (DemoMove("record", "*", seen, 24 * 41),)),
        ("culture-tourism", "康养旅游", today + timedelta(days=15), ()),
    )
    for unit, subject, day, moves in visits:
        values = {
            "receiver": f"Organization/{city.unit(unit).id}",
            "field": subject,
            "planned_on": day.isoformat(),
            "content": f"{subject}任务推进、资金使用和群众反映。",
            "team": "督查一组",
        }
        yield DemoCase("supervision/visit", office, 60, values, moves=moves)


def _outside_and_remarks(city: DemoCity, office: str) -> Iterator[DemoCase]:
    """Yield an evaluation by an outside organisation, praise and criticism."""
    asked = {
        "receiver": f"Organization/{EVALUATOR}",
        "subject": "健康产业培育成效",
        "scope": "抽样企业30家、园区2个，查阅资料与实地走访相结合。",
        "due": city.day(25),
    }
    accepted = (DemoMove("accept", "", {"independence": True}, 30),)
    yield DemoCase("supervision/evaluation", office, 50, asked, moves=accepted)
    for unit, tone, reason in (
        ("market-regulation", "praise", "社区食堂食品安全专项检查提前完成，做法在全市推广。"),
        ("industry", "criticism", "健康制造任务连续两期未报进展。"),
    ):
        values = {"receiver": f"Organization/{city.unit(unit).id}", "tone": tone, "reason": reason}
        published = (DemoMove("publish", "*", {"comment": "同意通报。"}, 30),)
        yield DemoCase("supervision/remark", office, 18, values, moves=published)
