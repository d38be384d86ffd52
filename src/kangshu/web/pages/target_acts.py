"""The forms of the target page as they come in: year, baseline, reported value, review."""

from __future__ import annotations

from starlette.responses import Response

from kangshu.base.clock import today
from kangshu.base.faults import Forbidden, Invalid, NotFound, TooLarge, Unprocessable, UnsupportedMedia
from kangshu.base.whole_numbers import whole_number
from kangshu.web.attachments import with_attachments
from kangshu.web.inputs import day_of, figure_of
from kangshu.web.pages import targets
from kangshu.web.pages.target_work import REPORT, may_report
from kangshu.web.visit import Visit, texts


async def act(visit: Visit) -> Response:
    """Take one of the forms of the target page; a refused one comes back with what is wrong."""
    id_, goal, name = visit.path("id"), visit.path("goal"), visit.path("act")
    sent = await visit.form()
    form, plans = texts(sent), visit.platform.plans
    try:
        match name:
            case "due":
                year = whole_number(form.get("year", ""), 4)
                if year is None:
                    raise Invalid(
                        "the year is a number such as 2027", zh="目标年份应为数字，如 2027", expression="year"
                    )
                await plans.set_due(visit.grant, id_, goal, year, form.get("source", ""))
            case "baseline":
                value, day = figure_of(form, "value"), day_of(form, "day")
                await plans.set_baseline(visit.grant, id_, goal, value, day, form.get("source", ""))
            case "report":
                value, day = figure_of(form, "value"), day_of(form, "day")
                await _may(visit, id_, goal)
                if not form.get("evidence") or day > today():  # no file is kept of what will be refused
                    await plans.report(visit.grant, id_, goal, value, day, form.get("evidence", ""))
                kept = await with_attachments(visit, REPORT, sent, {})
                files = [one.removeprefix("DocumentReference/") for one in kept.get("files", ())]
                await plans.report(visit.grant, id_, goal, value, day, form.get("evidence", ""), files)
            case _:
                raise NotFound("there is no such act", zh="没有这项操作")
    except (Invalid, Unprocessable, TooLarge, UnsupportedMedia) as fault:
        return await targets.page(visit, name, form, fault)
    return visit.go(f"/plans/{id_}/targets/{goal}", said="reported" if name == "report" else "saved")


async def _may(visit: Visit, plan_id: str, goal: str) -> None:
    """Raise before any file is kept unless the visitor may report the target."""
    plan = await visit.platform.plans.plan(visit.grant, plan_id)
    target = plan.target(goal)
    if target is None or not may_report(visit, plan, target):
        raise Forbidden("only a unit of the clause may report its value", zh="仅该条款的责任单位可以填报")


async def review(visit: Visit) -> Response:
    """Accept or return a reported value."""
    form, verdict = texts(await visit.form()), visit.path("verdict")
    if verdict not in ("accept", "return"):
        raise NotFound("there is no such act", zh="没有这项操作")
    comment = form.get("comment", "")
    try:
        await visit.platform.plans.review(visit.grant, visit.path("report"), verdict == "accept", comment)
    except Invalid as fault:
        return await targets.page(visit, "review", form, fault)
    if form.get("from") == "reports":
        return visit.go("/reports", said="reviewed")
    return visit.go(f"/plans/{visit.path('id')}/targets/{visit.path('goal')}", said="reviewed")
