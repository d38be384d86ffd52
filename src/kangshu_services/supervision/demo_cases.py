"""Duties of the demo city's plan: assigned, signed for, in progress, overdue, returned, finished."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCase, DemoCity, DemoMove

_SIGN = DemoMove("accept", "", {"contact": "科室经办人"}, 20)
_BEGIN = DemoMove("begin", "", {"work_plan": "已成立工作专班，按月调度。"}, 30)
_REPORT = DemoMove("report", "", {"result": "已按要求完成，佐证材料另附。"}, 300)
_APPROVE = DemoMove("approve", "*", {"comment": "材料齐全，同意。"}, 20)
_COMPLETE = DemoMove("complete", "*", {}, 4)
_RETURN = DemoMove("return", "*", {"comment": "请补充分区县数据和佐证材料。"}, 20)


def _progress(percent: int, text: str) -> DemoMove:
    return DemoMove("progress", "", {"progress": text, "percent": percent}, 200)


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
    (13, 45, "", (_SIGN, _BEGIN)),
    (17, 200, "", (_SIGN, _BEGIN)),
    (19, 210, "请把号源使用情况按医院逐周公布。", (_SIGN, _BEGIN)),
    (20, 40, "", (_SIGN, _BEGIN, _REPORT)),
    (18, 70, "", (_SIGN, _BEGIN, _REPORT, _RETURN)),
    (21, 90, "", (_SIGN, _BEGIN, _REPORT, _APPROVE, _COMPLETE)),
    (23, 25, "", (_SIGN,)),
)
"""(number of the clause, days since 交办, instruction, moves)."""
_LATE_CO_UNITS = (7, 11)
"""Clauses whose co-units have not signed yet."""


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the duties; the reform commission assigns them as the conference's office."""
    office = city.unit("development-reform").id
    for clause, days, instruction, moves in _PLANS:
        values = {"instruction": instruction} if instruction else {}
        children = () if clause in _LATE_CO_UNITS else _COSIGNED if _BEGIN in moves else (_CHILD_SIGN,)
        yield DemoCase(
            "supervision/duty", office, days, values, moves=moves, clause=clause, child_moves=children
        )
