"""Returns of the demo city: one just sent, one due, one that is late, one explained, one that the system checks."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCase, DemoCity, DemoMove

_REASON = ("visit-reason-present", "缺诊断或就诊原因", "诊断", "在本院系统补录诊断后重新报送。")
_LATE = (
    "visit-in-time",
    "超过规定天数才报送",
    "报送时间",
    "查明迟报原因，调整接口或报送频次；本条不需要改数据，请说明。",
)
_PHONE = (
    "resident-phone-present",
    "缺联系电话",
    "联系电话",
    "联系居民或家属补登；没有电话的登记家属或村（社区）的。",
)
_BED = ("bed-once", "同一机构床号重复", "床号", "核对实际床位，删去重复的或改正床号。")
_EXPLAINED = {"reason": "cannot", "explanation": "十月院内接口升级，三天的就诊记录延后补传，已恢复每日报送。"}


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the returns; the data office sends them, each institution answers its own."""
    centre = city.of_kind("community-health-centre", "township-health-centre")[0].id
    yield _return(city, "hospital-yunxi-first", _LATE, 9, 0.4)
    yield _return(city, centre, _REASON, 2, 6.9)
    yield _return(city, "hospital-yunhu", _LATE, 4, 20)
    yield _return(city, "hospital-qinglan", _LATE, 5, 4, DemoMove("explain", "", _EXPLAINED))
    yield _return(
        city,
        "elder-yunxi-welfare",
        _BED,
        2,
        3,
        DemoMove("correct", "", {"done": "已核对，改正两张床的床号。"}),
    )
    yield _return(
        city,
        "hospital-songping",
        _PHONE,
        1,
        12,
        DemoMove("explain", "", {"reason": "other-sender", "explanation": "该居民由镇卫生院建档管理。"}),
        DemoMove("accept", "*", {"comment": "属实，另退回建档机构。"}),
    )


def _return(
    city: DemoCity, sender: str, what: tuple[str, str, str, str], found: int, days: float, *moves: DemoMove
) -> DemoCase:
    rule, problem, element, advice = what
    values = {
        "receiver": f"Organization/{sender}",
        "rule": rule,
        "record": "*",
        "problem": problem,
        "element": element,
        "advice": advice,
        "found": found,
    }
    return DemoCase("data_quality/return", city.unit("data").id, days, values, moves=moves)
