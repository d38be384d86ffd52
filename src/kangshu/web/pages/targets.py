"""One target: its number, light and reasons, districts, the clause it comes from, its duties and its measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from kangshu.base.clock import quarter_ends, today
from kangshu.base.faults import Fault, NotFound
from kangshu.sdk import MeasureDeclaration
from kangshu.web import charts, figures
from kangshu.web.lookup import divisions
from kangshu.web.pages.board import due_text, target_text, value_text
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.hints import missing_for
from kangshu.web.pages.instructing import instructions_of
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.pages.target_work import acts, reported, reported_chart, said
from kangshu.web.parts import Fact
from kangshu.web.rows import work_rows
from kangshu.web.visit import Visit, texts


@dataclass(frozen=True, slots=True)
class DistrictLine:
    """One district's value beside the target."""

    title: str
    value: str
    bar: Markup
    tone: str
    light: str


async def target(visit: Visit) -> Response:
    """Show one target of a plan."""
    return await page(visit)


async def page(
    visit: Visit, tried: str = "", sent: Mapping[str, str] | None = None, fault: Fault | None = None
) -> Response:
    """Return the page of a target; with a fault, the form `tried` comes back with what was sent."""
    words, id_, goal = visit.words, visit.path("id"), visit.path("goal")
    plan = await visit.platform.plans.plan(visit.grant, id_)
    found = plan.target(goal)
    if found is None:
        raise NotFound("there is no such target in this plan", zh="该规划中没有这个目标")
    light = found.light
    clause = plan.clause(found.clause) if found.clause else None
    measured = figures.all_measures(visit).get(found.measure) if found.measure and not plan.foreign else None
    lines, chart = (
        await _numbers(visit, measured, found) if measured else ([], await reported_chart(visit, plan, found))
    )
    gap = "—"
    if light.value is not None and light.final is not None:
        gap = value_text(light.final - light.value)
    return visit.render(
        "target.html",
        422 if fault else 200,
        title=found.indicator,
        plan_title=plan.title,
        plan_address=f"/plans/{id_}",
        address=f"/plans/{id_}/targets/{goal}",
        tone=light.light,
        light_text=words(LIGHT_WORDS[light.light]),
        why=words.of(light.explanation),
        value=value_text(light.value),
        unit=found.unit if light.value is not None else "",
        as_of=words("数据截至 {moment}", moment=words.moment(light.as_of)) if light.as_of else "",
        target=target_text(found),
        due=due_text(visit, found),
        gap=gap,
        chart=chart,
        yearly=measured is not None and measured.period == "year",
        districts=lines,
        duties=await _duties(visit, clause),
        quote=_quote(plan.text, clause.anchor if clause else found.anchor, found.anchor),
        clause_address=clause_address(id_, found.id),
        reasons=_reasons(visit, light),
        measure_id=found.measure,
        measure_title=words.of(measured.title) if measured else "",
        measure_address=f"/measures/{measured.id}" if measured and visit.grant.may("measure.read") else "",
        subjects_address=f"/measures/{measured.id}/subjects"
        if measured and visit.grant.may("measure.subjects")
        else "",
        may_link=visit.grant.may("plan.link") and not plan.foreign,
        foreign=plan.foreign,
        missing=await missing_for(visit, found) if not plan.foreign else [],
        acts=acts(visit, plan, found, tried, sent, fault),
        issues=said(visit, fault),
        instructions=await instructions_of(visit, plan.id, found.id) if not plan.foreign else [],
        instruct_address=f"/plans/{id_}/targets/{goal}/instruct"
        if not plan.foreign and visit.platform.plans.may_instruct(visit.grant)
        else "",
        reports=await reported(visit, plan, found),
        suggestions=await _suggestions(visit, plan.id, found),
    )


def _quote(text: str, around: Any, inside: Any) -> tuple[str, str, str] | None:
    """Return the words before, of and after the target within its clause."""
    if not (0 <= inside.start < inside.end <= len(text)):
        return None
    start = around.start if around.start <= inside.start else max(0, inside.start - 60)
    end = around.end if around.end >= inside.end else min(len(text), inside.end + 60)
    if end - start > 500:
        start, end = max(start, inside.start - 200), min(end, inside.end + 200)
    return text[start : inside.start].strip(), text[inside.start : inside.end], text[inside.end : end].strip()


def _reasons(visit: Visit, light: Any) -> list[Fact]:
    words = visit.words
    titles = {"value": words("数值与时序"), "duties": words("任务办理"), "age": words("数据时效")}
    facts = [
        Fact(f"{titles.get(part.kind, part.kind)} · {words(LIGHT_WORDS[part.light])}", words.of(part.text))
        for part in light.parts
    ]
    if light.numerator is not None and light.denominator is not None:
        facts.append(
            Fact(words("分子 / 分母"), f"{value_text(light.numerator)} / {value_text(light.denominator)}")
        )
    facts.append(
        Fact(words("规则"), words("取数值、任务办理、数据时效三项中最差的一项；未知为灰，从不算作正常"))
    )
    return facts


async def _numbers(
    visit: Visit, measured: MeasureDeclaration, found: Any
) -> tuple[list[DistrictLine], Markup]:
    """Return the districts' values and the chart of the last eight quarters."""
    words = visit.words
    ends = quarter_ends(today())
    try:
        result = await figures.evaluated(visit, measured)
        past = await figures.past(visit, measured, ends)
    except Fault:
        return [], Markup()
    final = float(found.light.final) if found.light.final is not None else None
    names = await divisions(visit)
    top = max([row.value or 0.0 for row in result.rows] + ([final] if final is not None else []), default=1.0)
    lower = measured.direction == "decrease"
    lines = []
    for _, name, row in figures.by_district(result.rows, names):
        tone, light = "grey", words("未知")
        if row.value is not None and final is not None:
            met = row.value <= final if lower else row.value >= final
            tone, light = ("green", words("达到")) if met else ("red", words("未达到"))
        text = figures.value_text(words, measured, row.value)
        lines.append(
            DistrictLine(name, text, charts.bar(row.value, top * 1.05, tone, final, title=text), tone, light)
        )
    points = [charts.Point(day.strftime("%Y-%m"), one.value) for day, one in zip(ends, past, strict=True)]
    if sum(1 for point in points if point.value is not None) < 2:
        return lines, Markup("")
    chart = charts.trend(
        points,
        title=words.of(measured.title),
        unit=figures.unit_text(words, measured.unit),
        target=final,
        target_text=words("目标 {value}", value=target_text(found)),
    )
    return lines, chart


async def _duties(visit: Visit, clause: Any) -> Sequence[Any]:
    if clause is None:
        return []
    found = []
    for duty in clause.duties:
        try:
            found.append(await visit.platform.cases.row(visit.grant, duty.task))
        except Fault:
            continue
    return work_rows(visit.words, found)


async def _suggestions(visit: Visit, plan: str, found: Any) -> list[tuple[str, str, str]]:
    """Return the measures that a target may be linked to: those whose words match first, then all others."""
    if not visit.grant.may("plan.link"):
        return []
    words = visit.words
    try:
        offered = await visit.platform.plans.suggestions(visit.grant, plan)
    except Fault:
        offered = ()
    fitting = {one.measure: one.matched for one in offered if one.target == found.id}
    measures = figures.all_measures(visit)
    ordered = [*(one for one in measures if one in fitting), *(one for one in measures if one not in fitting)]
    return [(one, words.of(measures[one].title), words("推荐") if one in fitting else "") for one in ordered]


async def link(visit: Visit) -> Response:
    """Confirm which measure proves a target."""
    id_, goal, form = visit.path("id"), visit.path("goal"), texts(await visit.form())
    measured = figures.measure_of(visit, form.get("measure", ""))
    await visit.platform.plans.link(visit.grant, id_, goal, measured.id)
    return visit.go(f"/plans/{id_}/targets/{goal}", said="linked")
