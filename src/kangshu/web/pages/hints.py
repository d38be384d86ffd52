"""What is missing where a target has no light: the link, the value, the register behind it, the parameter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from kangshu.access import Nothing
from kangshu.base.clock import today
from kangshu.sdk import MeasureDeclaration
from kangshu.web import figures
from kangshu.web.visit import Visit

_WAITING: Final = {
    "awaiting-report": "{count} 个目标由责任单位填报后亮灯",
    "awaiting-statistics": "{count} 个目标等待统计部门发布",
    "register-missing": "{count} 个目标的台账尚未建设",
}
"""What a plan waits for where no measure is suggested, by the targets' state."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing to do, and the page where it is done ("" where this account cannot)."""

    text: str
    address: str = ""
    act: str = ""


async def missing_for(visit: Visit, target: Any) -> list[Hint]:
    """Return what one target needs before it has a light; empty where it has one."""
    words = visit.words
    if target.light.value is not None:
        return []
    measured = figures.all_measures(visit).get(target.measure) if target.confirmed else None
    if measured is not None:
        return await _of_measure(visit, measured)
    found = []
    if target.measure:
        found.append(Hint(words("已推荐指标，等待规划推进办确认关联")))
    else:
        found.append(Hint(words.of(target.evidence.reason)))
    if target.evidence.kind == "register-missing":
        found.append(Hint(words("台账建成前，可在“取数方式”处改为由责任单位填报")))
    return found


async def _of_measure(visit: Visit, measured: MeasureDeclaration) -> list[Hint]:
    """Return why a linked measure has no value: a parameter or the records of its registers."""
    words, found = visit.words, []
    place = visit.platform.settings.jurisdiction
    for name in measured.parameters:
        if visit.platform.parameters.find(name, place, today()) is None:
            versions = visit.platform.parameters.versions(name)
            address = f"/admin/parameters/{name}" if visit.grant.may("parameter.read") else ""
            shown = words.of(versions[0].title) if versions else name
            found.append(Hint(words("缺参数：{title}", title=shown), address, words("去录入")))
    for title, address in await empty_registers(visit, measured):
        text = words(
            "指标“{measure}”没有可计算的记录：请在“{register}”录入或导入",
            measure=words.of(measured.title),
            register=title,
        )
        found.append(Hint(text, address, words("去台账")))
    if not found:
        found.append(Hint(words("指标“{measure}”还没有可计算的记录", measure=words.of(measured.title))))
    return found


async def empty_registers(visit: Visit, measured: MeasureDeclaration) -> list[tuple[str, str]]:
    """Return (title, address) of the registers that a measure counts and that hold nothing, as far as can be seen."""
    kinds = {
        str(view.definition.get("resource", ""))
        for service in visit.platform.services
        for view in service.views
        if view.name in measured.views
    }
    listed = [one for one in visit.platform.registers.declarations if one.resource_type in kinds]
    own = [one for one in listed if one.service == measured.service] or listed[:2]
    found = []
    for one in own:
        title = visit.words.of(one.title)
        if not visit.grant.may("register.read") or isinstance(
            visit.grant.may_read(one.resource_type), Nothing
        ):
            found.append((title, ""))
            continue
        page = await visit.platform.registers.list(visit.grant, one.code, count=1)
        if not page.total:
            found.append((title, f"/registers/{one.code}"))
    return found


async def missing(visit: Visit, plan: Any) -> list[Hint]:
    """Return what a whole plan needs before its lights tell something, the greatest number first."""
    words, grant = visit.words, visit.grant
    if plan.foreign:
        return []
    address, measures = f"/plans/{plan.id}", figures.all_measures(visit)
    found: list[Hint] = []
    may_review = grant.may("plan.link")
    dark = [one for one in plan.targets if one.light.value is None]
    without = [one for one in dark if not (one.measure and one.confirmed)]
    if plan.unresolved:
        text = words("{count} 个责任单位还没有对应到机构，相应条款不能交办", count=len(plan.unresolved))
        found.append(Hint(text, f"{address}/review?queue=units" if may_review else "", words("去核对")))
    if without:
        offered = {one.target for one in await visit.platform.plans.suggestions(grant, plan.id)}
        fitting = sum(one.id in offered for one in without)
        if fitting:
            text = words("{count} 个目标有推荐的指标等待确认", count=fitting)
            found.append(Hint(text, f"{address}/review?queue=links" if may_review else "", words("去核对")))
        states = Counter(one.state for one in without if one.id not in offered)
        for state, said in _WAITING.items():
            if states[state]:
                text = words(said, count=states[state])
                found.append(Hint(text, f"{address}?shows={state}#targets", words("看目标")))
    silent = Counter(one.measure for one in dark if one.measure and one.confirmed and one.measure in measures)
    registers: Counter[tuple[str, str]] = Counter()
    for measure, count in silent.items():
        for register in await empty_registers(visit, measures[measure]):
            registers[register] += count
    for (title, place), count in registers.most_common(5):
        text = words(
            "{count} 个已关联指标的目标没有数值：请先在“{register}”录入或导入", count=count, register=title
        )
        found.append(Hint(text, place, words("去台账")))
    return found
