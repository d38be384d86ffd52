"""The forms of the target page as they come in: year, baseline, milestones, quotas, values, their checks and reviews."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.datastructures import FormData
from starlette.responses import Response

from kangshu.base.clock import today
from kangshu.base.faults import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unprocessable,
    UnsupportedMedia,
)
from kangshu.base.whole_numbers import whole_number
from kangshu.web.attachments import with_attachments
from kangshu.web.inputs import day_of, figure_of
from kangshu.web.pages import targets
from kangshu.web.pages.target_work import REPORT, may_report
from kangshu.web.visit import Visit, texts

Form = Mapping[str, str]
QUOTA: Final = "quota."
"""How the fields of the districts' quotas are named: `quota.<division code>`."""


async def act(visit: Visit) -> Response:
    """Take one of the forms of the target page; a refused one comes back with what is wrong."""
    name = visit.path("act")
    taken = _ACTS.get(name)
    if taken is None:
        raise NotFound("there is no such act", zh="没有这项操作")
    sent = await visit.form()
    form = texts(sent)
    try:
        await taken(visit, form, sent)
    except (Invalid, Unprocessable, Conflict, TooLarge, UnsupportedMedia) as fault:
        return await targets.page(visit, name, form, fault)
    said = "reported" if name in ("report", "correct") else "saved"
    return visit.go(f"/plans/{visit.path('id')}/targets/{visit.path('goal')}", said=said)


async def _due(visit: Visit, form: Form, sent: FormData) -> None:
    await visit.platform.plans.set_due(
        visit.grant, visit.path("id"), visit.path("goal"), _year(form), form.get("source", "")
    )


async def _baseline(visit: Visit, form: Form, sent: FormData) -> None:
    value, day = figure_of(form, "value"), day_of(form, "day")
    await visit.platform.plans.set_baseline(
        visit.grant, visit.path("id"), visit.path("goal"), value, day, form.get("source", "")
    )


async def _milestone(visit: Visit, form: Form, sent: FormData) -> None:
    value = figure_of(form, "value") if form.get("value") else None
    await visit.platform.plans.targets.set_milestone(
        visit.grant, visit.path("id"), visit.path("goal"), _year(form), value, form.get("source", "")
    )


async def _quotas(visit: Visit, form: Form, sent: FormData) -> None:
    quotas = {
        name.removeprefix(QUOTA): figure_of(form, name)
        for name, value in form.items()
        if name.startswith(QUOTA) and value
    }
    await visit.platform.plans.targets.set_quotas(
        visit.grant, visit.path("id"), visit.path("goal"), quotas, form.get("source", "")
    )


async def _evidence(visit: Visit, form: Form, sent: FormData) -> None:
    await visit.platform.plans.targets.decide(
        visit.grant, visit.path("id"), [visit.path("goal")], form.get("kind", ""), form.get("note", "")
    )


async def _refuse(visit: Visit, form: Form, sent: FormData) -> None:
    await visit.platform.plans.refuse_link(
        visit.grant,
        visit.path("id"),
        visit.path("goal"),
        form.get("measure", ""),
        refused=form.get("undo") != "1",
    )


async def _statistics(visit: Visit, form: Form, sent: FormData) -> None:
    await visit.platform.plans.targets.enter_statistics(
        visit.grant,
        visit.path("id"),
        visit.path("goal"),
        figure_of(form, "value"),
        day_of(form, "day"),
        bulletin=form.get("bulletin", ""),
        number=form.get("number", ""),
        released=day_of(form, "released"),
        kind=form.get("kind", "final"),
    )


async def _report(visit: Visit, form: Form, sent: FormData) -> None:
    """Take a value, or a correction of one (`corrects`, `reason`); no file is kept of what will be refused."""
    value, day = figure_of(form, "value"), day_of(form, "day")
    id_, goal, plans = visit.path("id"), visit.path("goal"), visit.platform.plans
    await _may(visit, id_, goal)
    evidence, corrects, reason = (form.get(one, "") for one in ("evidence", "corrects", "reason"))
    files: list[str] = []
    if evidence and day <= today() and (reason or not corrects):
        kept = await with_attachments(visit, REPORT, sent, {})
        files = [one.removeprefix("DocumentReference/") for one in kept.get("files", ())]
    await plans.report(visit.grant, id_, goal, value, day, evidence, files, corrects=corrects, reason=reason)


async def _may(visit: Visit, plan_id: str, goal: str) -> None:
    """Raise before any file is kept unless the visitor may report the target."""
    plan = await visit.platform.plans.plan(visit.grant, plan_id)
    target = plan.target(goal)
    if target is None or not may_report(visit, plan, target):
        raise Forbidden("only a unit of the clause may report its value", zh="仅该条款的责任单位可以填报")


def _year(form: Form) -> int:
    year = whole_number(form.get("year", ""), 4)
    if year is None:
        raise Invalid("the year is a number such as 2027", zh="目标年份应为数字，如 2027", expression="year")
    return year


_ACTS: Final[Mapping[str, Callable[[Visit, Form, FormData], Awaitable[None]]]] = {
    "due": _due,
    "baseline": _baseline,
    "milestone": _milestone,
    "quotas": _quotas,
    "evidence": _evidence,
    "refuse": _refuse,
    "statistics": _statistics,
    "report": _report,
    "correct": _report,
}


async def review(visit: Visit) -> Response:
    """Check a value as the lead unit, publish it, or return it."""
    form, verdict = texts(await visit.form()), visit.path("verdict")
    report, plans = visit.path("report"), visit.platform.plans
    try:
        match verdict:
            case "check":
                await plans.targets.check(visit.grant, report)
            case "accept" | "return":
                await plans.review(visit.grant, report, verdict == "accept", form.get("comment", ""))
            case _:
                raise NotFound("there is no such act", zh="没有这项操作")
    except Invalid as fault:
        return await targets.page(visit, "review", form, fault)
    if form.get("from") == "reports":
        return visit.go("/reports", said="reviewed")
    return visit.go(f"/plans/{visit.path('id')}/targets/{visit.path('goal')}", said="reviewed")
