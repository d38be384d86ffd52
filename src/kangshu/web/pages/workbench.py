"""核对台: the document on the left, what was read of it on the right, in the order of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from kangshu.base.faults import Conflict, Fault
from kangshu.base.text import Text
from kangshu.web.pages.figures_text import due_text, short, target_text
from kangshu.web.pages.plan_document import marks_of, paragraphs
from kangshu.web.pages.standing import approved_text
from kangshu.web.visit import Visit

KINDS: Final = {"clause": "任务", "target": "目标", "money": "资金", "doubt": "存疑"}
DOUBTS: Final = {
    "bracket": "括号",
    "numbering": "编号",
    "unit": "单位名称",
    "figure": "数值",
    "deadline": "期限",
    "role": "职责",
    "sum": "合计",
    "money": "金额",
    "unit-of-measure": "计量单位",
    "garbled": "乱码",
    "truncated": "内容不全",
}
"""What the reader doubts, by kind; a kind that is not listed is shown by its code."""
HOW: Final = {"accepted": "确认", "corrected": "更正", "split": "拆分", "merged": "合并", "added": "补充"}
_STATES: Final = {"open": "待确认", "doubtful": "存疑", "confirmed": "已确认"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding in the list: what it says, what is doubtful about it, who confirmed it."""

    id: str
    kind: str
    number: str
    title: str
    note: str
    doubts: Sequence[str]
    confirmed: str
    section: str
    start: int


async def show(visit: Visit, found: Any, tabs: Sequence[Any], fault: Fault | None = None) -> Response:
    """Show the desk of a plan; `?kind=`, `?state=` and `?section=` choose what is listed, `?finding=` what is lit."""
    words, plan = visit.words, found.plan
    kind, state, section = visit.query("kind"), visit.query("state"), visit.query("section")
    entries = sorted(_entries(visit, plan), key=lambda one: (one.start, one.kind == "doubt"))
    inside = _within(plan)
    shown = [
        one
        for one in entries
        if (not kind or one.kind == kind)
        and (not section or section in inside.get(one.section, ()))
        and (not state or state in _states(one))
    ]
    chosen = visit.query("finding") or next((one.id for one in shown if not one.confirmed), "")
    progress = plan.progress
    address = f"/plans/{plan.id}"
    kept = {name: value for name, value in (("kind", kind), ("state", state), ("section", section)) if value}
    return visit.render(
        "plan_workbench.html",
        200 if fault is None else 409 if isinstance(fault, Conflict) else 422,
        error=Text(fault.zh, fault.text).in_language(words.language) if fault else "",
        title=plan.title,
        address=address,
        tabs=tabs,
        version=plan.version,
        foreign=plan.foreign,
        progress=progress,
        share=round(100 * progress.confirmed / progress.total) if progress.total else 0,
        approved=approved_text(visit, progress),
        paragraphs=paragraphs(plan.text, marks_of(plan), chosen, plan.span),
        entries=shown,
        everything=len(entries),
        chosen=chosen,
        kinds=[(one, words(title), sum(e.kind == one for e in entries)) for one, title in KINDS.items()],
        states=[(one, words(title)) for one, title in _STATES.items()],
        sections=[
            (one.id, "　" * (one.level - 1) + f"{one.label}{short(one.title, 24)}") for one in plan.sections
        ],
        kind=kind,
        state=state,
        section=section,
        back=f"{address}/review" + (f"?{urlencode(kept)}" if kept else ""),
    )


def confirmed_text(visit: Visit, reviewed: Any) -> str:
    """Return who confirmed a finding, when and how; "" for nobody yet."""
    if reviewed is None:
        return ""
    return f"{reviewed.by} {visit.words.moment(reviewed.on)} {visit.words(HOW[reviewed.how])}"


def _states(entry: Entry) -> Iterator[str]:
    yield "confirmed" if entry.confirmed else "open"
    if entry.doubts and not entry.confirmed:
        yield "doubtful"


def _within(plan: Any) -> Mapping[str, frozenset[str]]:
    """Return, for each section, itself and the sections around it."""
    parents = {one.id: one.parent for one in plan.sections}
    found: dict[str, frozenset[str]] = {}
    for one in parents:
        around, at = {one}, parents[one]
        while at and at not in around:
            around.add(at)
            at = parents.get(at, "")
        found[one] = frozenset(around)
    return found


def _entries(visit: Visit, plan: Any) -> Iterator[Entry]:
    words = visit.words
    asked = [one for one in plan.doubts if one.kind != "masked-year"]
    doubts = [one for one in asked if not one.settled_by]
    for one in plan.clauses:
        leads, co = ("、".join(unit.written for unit in one.of(role)) for role in ("lead", "cooperating"))
        note = " · ".join(filter(None, (words("牵头 {units}", units=leads) if leads else "", co)))
        doubtful = _doubts_in(visit, doubts, one.anchor)
        if not leads:
            doubtful.append(words("没有牵头单位"))
        if not plan.foreign:
            doubtful += [words("“{unit}”未对应到机构", unit=u.written) for u in one.units if not u.resolved]
        yield _entry(visit, one, "clause", one.text, note, doubtful, one.section)
    for one in plan.targets:
        note = " · ".join(filter(None, (target_text(one), due_text(visit, one))))
        doubtful = _doubts_in(visit, doubts, one.anchor)
        if one.masked:
            doubtful.append(words("文件隐去了年份，需补录"))
        if not plan.foreign and not one.measure:
            doubtful.append(words("没有关联指标"))
        yield _entry(visit, one, "target", one.indicator, note, doubtful, one.section)
    sections = {one.id: one.section for one in plan.clauses}
    for one in plan.money:
        cap = words("上限 {amount}", amount=one.cap) if one.cap else ""
        note = " · ".join(filter(None, (one.amount, one.per, cap, one.condition)))
        held = _doubts_in(visit, doubts, one.anchor)
        yield _entry(visit, one, "money", one.span, note, held, sections.get(one.clause, ""))
    for one in asked:
        said = " · ".join(filter(None, (one.settled_by, one.settled_on, one.note)))
        entry = _entry(visit, one, "doubt", words.of(one.text), words(DOUBTS.get(one.kind, one.kind)), (), "")
        yield replace(entry, confirmed=said, section=_section_at(plan, one.anchor.start))


def _entry(
    visit: Visit, one: Any, kind: str, title: str, note: str, doubts: Sequence[str], section: str
) -> Entry:
    number = one.id.rpartition("-")[2].lstrip("0") or "0"
    said = confirmed_text(visit, getattr(one, "reviewed", None))
    return Entry(
        one.id, kind, number, short(title, 64), short(note, 90), doubts, said, section, one.anchor.start
    )


def _doubts_in(visit: Visit, doubts: Sequence[Any], place: Any) -> list[str]:
    return [
        visit.words.of(one.text)
        for one in doubts
        if place.start <= one.anchor.start < max(place.end, place.start + 1)
    ]


def _section_at(plan: Any, start: int) -> str:
    before = [one for one in plan.sections if one.anchor is not None and one.anchor.start <= start]
    return str(max(before, key=lambda one: one.anchor.start).id) if before else ""
