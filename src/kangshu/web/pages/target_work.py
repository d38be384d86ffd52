"""What people add to a target: the masked year, where it started from, a reported value and its review (填报、审核)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.clock import today
from kangshu.base.faults import Invalid, NotFound
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web.forms import FormField, form_fields
from kangshu.web.pages.board import number
from kangshu.web.visit import Visit, texts

_DUE: Final = (Field("year", Text("目标年份", "Year"), "integer", required=True),)
_BASELINE: Final = (
    Field("value", Text("基期值", "Value at the start"), "decimal", required=True),
    Field("day", Text("基期日期", "Day"), "date", required=True),
    Field("source", Text("来源", "Source"), required=True),
)
_REPORT: Final = (
    Field("value", Text("实际值", "Value"), "decimal", required=True),
    Field("day", Text("数据日期", "As of"), "date", required=True),
    Field("evidence", Text("依据材料", "Evidence"), "paragraph", required=True),
)
STATES: Final = {
    "submitted": ("待审核", "amber"),
    "accepted": ("已通过", "green"),
    "returned": ("已退回", "red"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """One form on the target page."""

    id: str
    title: str
    fields: Sequence[FormField]


@dataclass(frozen=True, slots=True)
class Reported:
    """One reported value with its review."""

    id: str
    value: str
    day: str
    unit: str
    evidence: str
    state: str
    tone: str
    comment: str
    may_review: bool


def acts(visit: Visit, plan: Any, target: Any) -> list[Act]:
    """Return the forms that the visitor may send for this target; none for another city's plan."""
    if plan.foreign:
        return []
    words, grant, day = visit.words, visit.grant, {"day": today().isoformat()}
    found = []
    if grant.may("plan.link"):
        if not target.due.isdigit():
            found.append(Act("due", words("录入目标年份"), form_fields(words, _DUE, {})))
        if target.baseline is None:
            found.append(Act("baseline", words("录入基期值"), form_fields(words, _BASELINE, {})))
    clause = plan.clause(target.clause) if target.clause else None
    mine = clause is not None and any(
        grant.acts_for(one) for unit in clause.units for one in unit.organisations
    )
    if mine and not target.measure:
        found.append(Act("report", words("填报实际值"), form_fields(words, _REPORT, day)))
    return found


async def reported(visit: Visit, plan: Any, target: Any) -> list[Reported]:
    """Return the values reported for this target, the newest day first."""
    if plan.foreign:
        return []
    words, review = visit.words, visit.grant.may("plan.report")
    return [
        Reported(
            one.id,
            f"{number(one.value)}{target.unit}",
            one.day.isoformat(),
            plan.unit_names.get(one.unit, one.unit),
            one.evidence,
            words(STATES[one.state][0]) if one.state in STATES else one.state,
            STATES.get(one.state, ("", "grey"))[1],
            one.comment,
            review and one.state == "submitted",
        )
        for one in await visit.platform.plans.reported(visit.grant, plan.id)
        if one.target == target.id
    ]


async def act(visit: Visit) -> Response:
    """Take one of the forms of the target page."""
    id_, goal = visit.path("id"), visit.path("goal")
    form, plans = texts(await visit.form()), visit.platform.plans
    match visit.path("act"):
        case "due":
            year = form.get("year", "")
            if not year.isdecimal():
                raise Invalid("the year is a number such as 2027", zh="目标年份应为数字，如 2027")
            await plans.set_due(visit.grant, id_, goal, int(year))
        case "baseline":
            source = form.get("source", "")
            await plans.set_baseline(visit.grant, id_, goal, _figure(form), _day(form), source)
        case "report":
            await plans.report(visit.grant, id_, goal, _figure(form), _day(form), form.get("evidence", ""))
        case _:
            raise NotFound("there is no such act", zh="没有这项操作")
    return visit.go(f"/plans/{id_}/targets/{goal}", said="saved")


async def review(visit: Visit) -> Response:
    """Accept or return a reported value."""
    form, verdict = texts(await visit.form()), visit.path("verdict")
    if verdict not in ("accept", "return"):
        raise NotFound("there is no such act", zh="没有这项操作")
    comment = form.get("comment", "")
    await visit.platform.plans.review(visit.grant, visit.path("report"), verdict == "accept", comment)
    return visit.go(f"/plans/{visit.path('id')}/targets/{visit.path('goal')}", said="saved")


def _figure(form: Mapping[str, str]) -> Decimal:
    try:
        figure = Decimal(form.get("value", "").replace(",", ""))
    except InvalidOperation as error:
        raise Invalid("the value must be a number", zh="数值应为数字") from error
    if not figure.is_finite():
        raise Invalid("the value must be a number", zh="数值应为数字")
    return figure


def _day(form: Mapping[str, str]) -> date:
    try:
        return date.fromisoformat(form.get("day", ""))
    except ValueError as error:
        raise Invalid("a date is written as 2026-03-01", zh="日期格式应为 2026-03-01") from error
