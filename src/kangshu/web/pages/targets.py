"""One target: its number, light and reasons, districts, the clause it comes from, its duties and its measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from kangshu.base.faults import Fault, NotFound
from kangshu.web import figures
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.figures_text import due_text, reckoned_text, target_text, unit_text, value_text
from kangshu.web.pages.hints import missing_for
from kangshu.web.pages.instructing import instructions_of
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.pages.target_districts import districts_of, quota_fields
from kangshu.web.pages.target_evidence import evidence_of
from kangshu.web.pages.target_way import way_of
from kangshu.web.pages.target_work import acts, reported, said
from kangshu.web.parts import Fact
from kangshu.web.rows import work_rows
from kangshu.web.visit import Visit, texts


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
    gap = "—"
    if light.value is not None and light.final is not None:
        gap = value_text(light.final - light.value)
    own = not plan.foreign
    return visit.render(
        "target.html",
        422 if fault else 200,
        title=found.indicator,
        plan_title=plan.title,
        plan_address=f"/plans/{id_}",
        address=f"/plans/{id_}/targets/{goal}",
        tone=light.light,
        light_text=words.of(light.title),
        why=words.of(light.explanation),
        value=value_text(light.value),
        unit=unit_text(found),
        as_of=words("数据截至 {moment}", moment=words.moment(light.as_of)) if light.as_of else "",
        expected=reckoned_text(light.expected),
        target=target_text(found),
        due=due_text(visit, found),
        gap=gap,
        forecast=reckoned_text(light.forecast.value) if light.forecast else "",
        forecast_note=_forecast_note(visit, light),
        way=way_of(visit, found) if own else None,
        yearly=measured is not None and measured.period == "year",
        districts=await districts_of(visit, measured, found) if own else None,
        quotas=await quota_fields(visit, found) if own and visit.grant.may("plan.link") else [],
        quota_open=tried == "quotas",
        evidence=await evidence_of(visit, plan, found) if own else None,
        state=words.of(found.state_title),
        duties=await _duties(visit, clause),
        quote=_quote(plan.text, clause.anchor if clause else found.anchor, found.anchor),
        clause_address=clause_address(id_, found.id),
        reasons=_reasons(visit, light),
        measure_id=found.measure,
        confirmed=found.confirmed,
        measure_title=words.of(measured.title) if measured else "",
        definition=words.of(measured.definition) if measured else "",
        measure_address=f"/measures/{measured.id}" if measured and visit.grant.may("measure.read") else "",
        subjects_address=f"/measures/{measured.id}/subjects"
        if measured and visit.grant.may("measure.subjects")
        else "",
        foreign=plan.foreign,
        missing=await missing_for(visit, found) if own else [],
        acts=acts(visit, plan, found, tried, sent, fault),
        issues=said(visit, fault),
        instructions=await instructions_of(visit, plan.id, found.id) if own else [],
        instruct_address=f"/plans/{id_}/targets/{goal}/instruct"
        if own and visit.platform.plans.may_instruct(visit.grant)
        else "",
        reports=await reported(visit, plan, found),
    )


def _forecast_note(visit: Visit, light: Any) -> str:
    found = light.forecast
    if found is None:
        return ""
    if found.value is None:
        return visit.words.of(found.text)
    return visit.words(
        "区间 {low}—{high}，至 {day}",
        low=reckoned_text(found.low),
        high=reckoned_text(found.high),
        day=found.at.isoformat(),
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
    titles = {
        "value": words("数值与时序"),
        "forecast": words("走势预测"),
        "duties": words("任务办理"),
        "age": words("数据时效"),
        "period": words("规划状态"),
    }
    facts = [
        Fact(f"{titles.get(part.kind, part.kind)} · {words(LIGHT_WORDS[part.light])}", words.of(part.text))
        for part in light.parts
    ]
    if light.numerator is not None and light.denominator is not None:
        facts.append(
            Fact(words("分子 / 分母"), f"{value_text(light.numerator)} / {value_text(light.denominator)}")
        )
    facts.append(
        Fact(
            words("规则"),
            words(
                "取数值、预测、任务办理、数据时效中最差的一项；预测只预警不亮红灯；未知为灰，从不算作正常；规划到期后显示到期"
            ),
        )
    )
    return facts


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


async def link(visit: Visit) -> Response:
    """Confirm which measure proves a target."""
    id_, goal, form = visit.path("id"), visit.path("goal"), texts(await visit.form())
    measured = figures.measure_of(visit, form.get("measure", ""))
    await visit.platform.plans.link(visit.grant, id_, goal, measured.id)
    return visit.go(f"/plans/{id_}/targets/{goal}", said="linked")
