"""What people add to a target: the masked year, its start, milestones, values and their review, released statistics (填报、审核)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.sdk import Field, Option
from kangshu.web.forms import FormField, form_fields, told
from kangshu.web.pages.figures_text import number
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
MILESTONE: Final = (
    Field("year", Text("年份", "Year"), "integer", required=True),
    Field(
        "value",
        Text("阶段目标值", "Value to be reached"),
        "decimal",
        help=Text("留空则删除该年的阶段目标", "empty: takes that year's milestone away"),
    ),
    Field("source", Text("来源", "Source"), help=Text("文件名称、文号", "document and its number")),
)
_EVIDENCE: Final = Field(
    "evidence",
    Text("依据说明", "Evidence"),
    "paragraph",
    required=True,
    help=Text("数据出处、统计口径、联系人", "where it comes from, how it was counted, whom to ask"),
)
REPORT: Final = (
    Field("value", Text("实际值", "Value"), "decimal", required=True),
    Field("day", Text("数据日期", "As of"), "date", required=True),
    _EVIDENCE,
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
STATISTICS: Final = (
    Field("value", Text("发布值", "Released value"), "decimal", required=True),
    Field("day", Text("数据期末", "Last day it is for"), "date", required=True),
    Field("bulletin", Text("公报或年鉴名称", "Bulletin"), required=True),
    Field("number", Text("文号或期号", "Number")),
    Field("released", Text("发布日期", "Released on"), "date", required=True),
    Field(
        "kind",
        Text("数据性质", "How final"),
        "choice",
        required=True,
        options=(
            Option("preliminary", Text("初步数", "Preliminary")),
            Option("final", Text("最终数", "Final")),
            Option("revised", Text("修订数", "Revised")),
        ),
    ),
)
STATES: Final = {
    "submitted": ("待审核", "amber"),
    "checked": ("牵头单位已核对", "blue"),
    "published": ("已发布", "green"),
    "returned": ("已退回", "red"),
    "corrected": ("已更正", "grey"),
}
RELEASES: Final = {"preliminary": "初步数", "final": "最终数", "revised": "修订数"}


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
    """One value with what became of it."""

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
    release: str
    correction: str
    """By whom, when and why it no longer stands; "" where it does."""
    corrects: str
    """Why it takes the place of another; "" where it does not."""
    may_check: bool
    may_review: bool
    may_correct: bool
    counts: bool
    """Whether it is the value that lights the target."""


def may_report(visit: Visit, plan: Any, target: Any) -> bool:
    """Return whether the visitor reports this target: its unit does, where no measure proves it."""
    return _is_of(visit, plan, target, "lead", "cooperating") and not (target.measure and target.confirmed)


def _is_of(visit: Visit, plan: Any, target: Any, *roles: str) -> bool:
    """Return whether the visitor acts for a unit of the target's clause."""
    clause = plan.clause(target.clause) if target.clause else None
    own = visit.grant.organisation
    return bool(
        own and clause and any(own in unit.organisations for unit in clause.units if unit.role in roles)
    )


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
    if grant.may("plan.statistics"):
        add("statistics", words("录入统计发布值"), STATISTICS, {"kind": "final"}, target.unit)
    if grant.may("plan.link"):
        if not target.due.isdigit() or target.due_written:
            entered = {"year": target.due, "source": target.due_source} if target.due.isdigit() else {}
            add("due", words("更正目标年份") if entered else words("录入目标年份"), DUE, entered)
        held = target.baseline
        values = {"value": held.value, "day": held.day.isoformat(), "source": held.source} if held else {}
        add("baseline", words("更正基期值") if held else words("录入基期值"), BASELINE, values, target.unit)
        add("milestone", words("录入阶段目标"), MILESTONE, {}, target.unit)
    return found


async def reported(visit: Visit, plan: Any, target: Any) -> list[Reported]:
    """Return the values of this target that were reported or released, the newest day first."""
    if plan.foreign:
        return []
    listed = await visit.platform.plans.targets.values(visit.grant, plan.id, target.id)
    counts = {target.light.as_of} if target.light.source in ("reported", "statistics") else set()
    waiting = {one.corrects for one in listed if one.waits}
    may_correct = may_report(visit, plan, target)
    return [
        _reported(visit, plan, target, one, may_correct and one.id not in waiting, counts) for one in listed
    ]


def _reported(
    visit: Visit, plan: Any, target: Any, one: Any, may_correct: bool, counts: set[str]
) -> Reported:
    words, grant = visit.words, visit.grant
    others = one.waits and one.submitted_by != grant.account
    released, held = one.release, one.correction
    release = ""
    if released:
        release = words(
            "{bulletin} · {day} 发布 · {kind}",
            bulletin=" ".join(filter(None, (released.bulletin, released.number))),
            day=released.day.isoformat(),
            kind=words(RELEASES.get(released.kind, released.kind)),
        )
    correction = ""
    if held:
        correction = words("{name} 于 {day} 更正：{reason}", name=held.by, day=held.on, reason=held.reason)
    return Reported(
        one.id,
        f"{number(one.value)}{target.unit}",
        one.day.isoformat(),
        plan.unit_names.get(one.unit, one.unit),
        one.evidence,
        [(f"/files/{id_}/preview", words("材料 {number}", number=at)) for at, id_ in enumerate(one.files, 1)],
        words(STATES[one.state][0]) if one.state in STATES else one.state,
        STATES.get(one.state, ("", "grey"))[1],
        one.comment,
        one.submitted_by,
        one.sent.isoformat() if one.sent else "",
        release,
        correction,
        one.reason,
        others and one.state == "submitted" and _is_of(visit, plan, target, "lead"),
        others and grant.may("plan.report"),
        may_correct and one.state == "published" and not released,
        one.state == "published" and one.day.isoformat() in counts,
    )


def said(visit: Visit, fault: Fault | None) -> list[str]:
    """Return what a refused form of the target page is told."""
    return told(visit.words, fault, (*DUE, *BASELINE, *MILESTONE, *STATISTICS, *REPORT)) if fault else []
