"""What people add to a target: the masked year, where it started from, a reported value and its review (填报、审核)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from markupsafe import Markup

from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web import charts
from kangshu.web.forms import FormField, form_fields, told
from kangshu.web.pages.board import number, target_text
from kangshu.web.visit import Visit

DUE: Final = (
    Field("year", Text("目标年份", "Year"), "integer", required=True),
    Field("source", Text("来源", "Source"), required=True),
)
BASELINE: Final = (
    Field("value", Text("基期值", "Value at the start"), "decimal", required=True),
    Field("day", Text("基期日期", "Day"), "date", required=True),
    Field("source", Text("来源", "Source"), required=True),
)
REPORT: Final = (
    Field("value", Text("实际值", "Value"), "decimal", required=True),
    Field("day", Text("数据日期", "As of"), "date", required=True),
    Field(
        "evidence",
        Text("依据说明", "Evidence"),
        "paragraph",
        required=True,
        help=Text("数据出处、统计口径、联系人", "where it comes from, how it was counted, whom to ask"),
    ),
    Field(
        "files",
        Text("依据材料", "Files"),
        "attachment",
        many=True,
        help=Text(
            "可上传 pdf、图片、Word、Excel，单个不超过 8 MB", "pdf, pictures, Word, Excel; at most 8 MB each"
        ),
    ),
)
STATES: Final = {
    "submitted": ("待审核", "amber"),
    "checked": ("牵头单位已核对", "blue"),
    "published": ("已发布", "green"),
    "corrected": ("已更正", "grey"),
    "returned": ("已退回", "red"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """One form on the target page."""

    id: str
    title: str
    fields: Sequence[FormField]
    open: bool = False
    files: bool = False


@dataclass(frozen=True, slots=True)
class Reported:
    """One reported value with its review."""

    id: str
    value: str
    day: str
    unit: str
    evidence: str
    files: Sequence[tuple[str, str]]
    state: str
    tone: str
    comment: str
    by: str
    sent: str
    may_review: bool
    counts: bool
    """Whether it is the value that lights the target."""


def may_report(visit: Visit, plan: Any, target: Any) -> bool:
    """Return whether the visitor reports this target: its unit does, where no measure proves it."""
    clause = plan.clause(target.clause) if target.clause else None
    own = visit.grant.organisation
    mine = clause is not None and any(own in unit.organisations for unit in clause.units)
    return bool(own and mine and not (target.measure and target.confirmed))


def acts(
    visit: Visit,
    plan: Any,
    target: Any,
    tried: str = "",
    sent: Mapping[str, str] | None = None,
    fault: Fault | None = None,
) -> list[Act]:
    """Return the forms that the visitor may send for this target; none for another city's plan."""
    if plan.foreign:
        return []
    words, grant = visit.words, visit.grant
    asked = tried or visit.query("act")
    found: list[Act] = []

    def add(id_: str, title: str, fields: Sequence[Field], values: Mapping[str, Any], unit: str = "") -> None:
        mine = id_ == tried
        shown = form_fields(
            words, fields, sent or {} if mine else values, fault.issues if mine and fault else ()
        )
        shown = [replace(one, unit=unit) if one.name == "value" else one for one in shown]
        files = any(field.kind == "attachment" for field in fields)
        found.append(Act(id_, title, shown, id_ == asked, files))

    if may_report(visit, plan, target):
        add("report", words("填报实际值"), REPORT, {"day": today().isoformat()}, target.unit)
    if grant.may("plan.link"):
        if not target.due.isdigit() or target.due_written:
            entered = {"year": target.due, "source": target.due_source} if target.due.isdigit() else {}
            add("due", words("更正目标年份") if entered else words("录入目标年份"), DUE, entered)
        held = target.baseline
        values = {"value": held.value, "day": held.day.isoformat(), "source": held.source} if held else {}
        add("baseline", words("更正基期值") if held else words("录入基期值"), BASELINE, values, target.unit)
    return found


async def reported(visit: Visit, plan: Any, target: Any) -> list[Reported]:
    """Return the values reported for this target, the newest day first."""
    if plan.foreign:
        return []
    words, review = visit.words, visit.grant.may("plan.report")
    listed = [
        one for one in await visit.platform.plans.reported(visit.grant, plan.id) if one.target == target.id
    ]
    accepted = next((one.id for one in listed if one.state == "published"), "")
    return [
        Reported(
            one.id,
            f"{number(one.value)}{target.unit}",
            one.day.isoformat(),
            plan.unit_names.get(one.unit, one.unit),
            one.evidence,
            [
                (f"/files/{id_}/preview", words("材料 {number}", number=at))
                for at, id_ in enumerate(one.files, 1)
            ],
            words(STATES[one.state][0]) if one.state in STATES else one.state,
            STATES.get(one.state, ("", "grey"))[1],
            one.comment,
            one.submitted_by,
            one.sent.isoformat() if one.sent else "",
            review and one.state == "submitted" and one.submitted_by != visit.grant.account,
            one.id == accepted and target.light.source == "reported",
        )
        for one in listed
    ]


async def reported_chart(visit: Visit, plan: Any, target: Any) -> Markup:
    """Return the accepted values of a target over time; empty before there are two, and for another city's plan."""
    if plan.foreign:
        return Markup("")
    listed = await visit.platform.plans.reported(visit.grant, plan.id)
    accepted = sorted(
        (one for one in listed if one.target == target.id and one.state == "published"),
        key=lambda one: one.day,
    )
    if len(accepted) < 2:
        return Markup("")
    final = target.light.final
    return charts.trend(
        [charts.Point(one.day.isoformat(), float(one.value)) for one in accepted],
        title=target.indicator,
        unit=target.unit,
        target=float(final) if final is not None else None,
        target_text=visit.words("目标 {value}", value=target_text(target)),
    )


def said(visit: Visit, fault: Fault | None) -> list[str]:
    """Return what a refused form of the target page is told."""
    return told(visit.words, fault, (*DUE, *BASELINE, *REPORT)) if fault else []
