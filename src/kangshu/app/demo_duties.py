"""The demo city's list of duties (责任清单) of this year: our own words for some clauses of the sample plan."""

from __future__ import annotations

from datetime import date
from typing import Final

from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.plans import DutyEntry, DutyList, QuarterNode
from kangshu.sdk import DemoCity

_ROWS: Final[tuple[tuple[int, str, str, str, str, str, str, tuple[str, str, str, str], str], ...]] = (
    (1, "全科方向人员年内净增5名", "人员名册", "每个中心至少2名全科医生在岗", "分管副市长", "基层卫生健康科", "基层科经办岗",
     ("摸清缺口", "发布招录公告", "完成招录", "到岗并签订协议"), "招录文件、在岗名册"),
    (2, "重点人群签约率比上年提高3个百分点", "签约台账", "签约率达到年度目标且履约记录完整", "分管副市长", "基层卫生健康科", "签约服务专岗",
     ("核对重点人群底数", "完成半年签约", "补签偏慢县区", "全年核查"), "签约台账、抽查记录"),
    (3, "三级医院预留号源全部上线", "平台功能", "转诊预约全部走平台", "分管副市长", "医政科", "医政科经办岗",
     ("", "三级医院上线", "二级医院改造", "运行评估"), "上线清单"),
    (5, "护理型床位占比达到年度目标", "床位建设", "床位验收合格并入住登记", "分管副市长", "养老服务科", "养老科经办岗",
     ("确定改造机构", "开工", "完成主体改造", "验收"), "验收单、照片"),
    (7, "65岁以上老年人健康管理率达到年度目标", "体检档案", "体检结果录入档案并反馈本人", "分管副市长", "老龄健康科", "老龄科经办岗",
     ("制定计划", "完成四成", "完成八成", "补检扫尾"), "体检汇总表"),
    (13, "全民健康信息平台二期上线", "信息平台", "通过第三方测试并验收", "分管副市长", "数据资源科", "平台专班",
     ("方案评审", "招标", "部署", "验收"), "验收报告"),
    (17, "考核办法印发并兑现一次", "制度文件", "办法印发且绩效与签约结果挂钩", "卫健委主任", "基层卫生健康科", "基层科经办岗",
     ("", "起草征求意见", "印发", "兑现"), "印发文件"),
    (20, "合作情况排查一遍并形成清单", "排查清单", "两类机构全部排查，问题销号", "民政局局长", "养老服务科", "养老科经办岗",
     ("", "", "完成排查", "问题整改"), "排查清单、整改记录"),
    (24, "印发规范，培训基层医生200人", "技术规范、培训班", "规范印发，培训考核合格200人", "体育局局长", "群众体育科", "群体科经办岗",
     ("成立专家组", "规范征求意见", "印发规范", "完成培训"), "规范文本、培训名册"),
)  # fmt: skip
"""Number of the clause, target of the year, outcome, standard, leader, section, liaison, four nodes, evidence."""


async def list_duties(platform: Platform, grant: Grant, city: DemoCity, plan: str) -> None:
    """Put the clauses on this year's list as the plan says them, then say more of each."""
    year = city.today.year
    lists = platform.duty_lists
    await lists.choose(grant, plan, year, [f"clause-{row[0]:03d}" for row in _ROWS])
    found = await lists.of_year(grant, plan, year)
    await lists.save_all(grant, plan, [_entry(found, row, year) for row in _ROWS])


def _entry(
    found: DutyList,
    row: tuple[int, str, str, str, str, str, str, tuple[str, str, str, str], str],
    year: int,
) -> DutyEntry:
    number, target, outcome, standard, leader, section, liaison, nodes, evidence = row
    held = next(one.entry for one in found.lines if one.entry.clause == f"clause-{number:03d}")
    return DutyEntry(
        held.clause,
        held.lead_unit,
        year,
        target,
        outcome,
        standard,
        leader,
        section,
        liaison,
        held.co_units,
        date(year, 12, 31).isoformat(),
        tuple(QuarterNode(one) for one in nodes),
        evidence,
    )
