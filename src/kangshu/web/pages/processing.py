"""处理活动记录: what personal information this installation handles, on what ground, for how long, and who sees it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from kangshu.api import Activity, processing_activities
from kangshu.web.lookup import kind_title
from kangshu.web.pages.listing import listing
from kangshu.web.parts import Cell
from kangshu.web.visit import Visit

_KINDS: Final = {
    "exchange": "开放档案",
    "register": "台账",
    "case": "办件",
    "measure": "指标",
    "extract": "数据提取",
}
_BASES: Final = {
    "consent": "个人同意",
    "contract": "订立、履行合同",
    "statutory": "法定职责或义务",
    "emergency": "紧急情况",
    "public-interest": "公共利益",
}
_FEW: Final = 4


async def activities(visit: Visit) -> Response:
    """Show the record of processing."""
    words = visit.words
    found = processing_activities(visit.platform)
    grounded = sum(1 for one in found if one.basis)
    lead = words(
        "由服务声明、照护关系和角色自动生成（个人信息保护法第五十五条、第五十六条）。共 {count} 项，已登记依据 {grounded} 项。",
        count=len(found),
        grounded=grounded,
    )
    return listing(
        visit,
        words("个人信息处理活动记录"),
        lead,
        [
            words("处理活动"),
            words("信息"),
            words("目的"),
            words("合法性依据"),
            words("保存期限"),
            words("谁可以看"),
        ],
        [_row(visit, one) for one in found],
        words("没有处理活动"),
        place=words("信息保护"),
    )


def _row(visit: Visit, one: Activity) -> list[Cell]:
    words = visit.words
    who = [words.of(title) for title in one.recipients]
    more = words("等 {count} 类岗位", count=len(who)) if len(who) > _FEW else ""
    years = words("{years} 年", years=one.retention) if one.retention else ""
    kept = (
        Cell(years, sub="" if one.verified else words("未核实"))
        if years
        else Cell(words("未定"), tone="amber")
    )
    ground = (
        Cell(words(_BASES[one.basis]), sub=one.clause) if one.basis else Cell(words("未登记依据"), tone="red")
    )
    return [
        Cell(words.of(one.title), sub=f"{words(_KINDS[one.kind])} · {words.of(one.service)}"),
        Cell(_data(visit, one)),
        Cell(words.of(one.purpose)),
        ground,
        kept if one.kind != "exchange" else Cell(words("关系存续期间")),
        Cell("、".join(who[:_FEW]), sub=more),
    ]


def _data(visit: Visit, one: Activity) -> str:
    """Return what is handled, in words."""
    if one.kind == "measure":
        return visit.words("汇总数，不到个人")
    if one.kind == "extract":
        return visit.words("去标识化数据")
    return "、".join(kind_title(visit, kind) for kind in one.data)
