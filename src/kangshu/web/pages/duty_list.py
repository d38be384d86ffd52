"""责任清单 of a plan: one year's entries, by unit, by quarter; one entry edited; key points of a year chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import duty_sheet
from kangshu.base.faults import Fault, Invalid, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import Field
from kangshu.web.forms import form_fields, sent_values, told
from kangshu.web.lookup import choices_of
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.figures_text import short
from kangshu.web.visit import Visit, texts

_QUARTERS: Final = ("一季度", "二季度", "三季度", "四季度")


def _nodes() -> list[Field]:
    found = []
    for number, zh in enumerate(_QUARTERS, 1):
        en = ("First quarter", "Second quarter", "Third quarter", "Fourth quarter")[number - 1]
        found.append(Field(f"quarter_{number}", Text(f"{zh}节点", en), "text"))
        until = Text("不填则为季度末", "Empty: the last day of the quarter")
        found.append(Field(f"quarter_{number}_due", Text(f"{zh}节点期限", f"{en} by"), "date", help=until))
    return found


FIELDS: Final = (
    Field("annual_target", Text("年度目标", "Target of the year"), "paragraph"),
    Field("completion_standard", Text("完成标准", "Standard of completion"), "paragraph"),
    Field("outcome_form", Text("成果形式", "Form of the outcome")),
    Field("due", Text("时限", "Due"), "date"),
    Field("lead_leader", Text("牵头领导", "Leader in charge")),
    Field("responsible_section", Text("责任科室", "Responsible section")),
    Field("liaison", Text("联络员", "Liaison officer")),
    Field("co_units", Text("配合单位", "Co-units"), "organisation", many=True),
    *_nodes(),
    Field("evidence", Text("佐证", "Evidence"), "paragraph"),
)
"""What of an entry is edited; its clause, lead unit and year are its key."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the list shows it."""

    number: int
    title: str
    clause_address: str
    address: str
    annual_target: str
    outcome_form: str
    standard: str
    leader: str
    lead: str
    section: str
    liaison: str
    co_units: str
    due: str
    nodes: Sequence[str]
    evidence: str
    duty: str
    """Address of the duty that carries it, "" for none."""
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a quarter."""

    title: str
    lead: str
    text: str
    due: str
    state: str
    tone: str
    address: str


async def duty_list(visit: Visit) -> Response:
    """Show the list of a year, or what is due in one of its quarters."""
    words, id_ = visit.words, visit.path("id")
    lists, year = visit.platform.duty_lists, _year(visit)
    found = await lists.of_year(visit.grant, id_, year)
    unit, quarter = visit.query("unit"), visit.number("quarter", 0, 0, 4)
    units = {one.entry.lead_unit: one.lead_name for one in found.lines}
    nodes = await lists.quarter(visit.grant, id_, found.year, quarter) if quarter else ()
    may_edit = visit.grant.may("plan.assign") and not found.plan.foreign
    shown = [one for one in found.lines if unit in ("", one.entry.lead_unit)]
    return visit.render(
        "duty_list.html",
        plan=found.plan.title,
        address=f"/plans/{id_}/duties",
        plan_address=f"/plans/{id_}",
        year=found.year,
        years=[*found.years, found.years[-1] + 1] if may_edit else found.years,
        unit=unit,
        units=sorted(units.items(), key=lambda pair: pair[1]),
        quarter=quarter,
        quarters=[
            (number, words(title), sum(bool(one.entry.quarter_nodes[number - 1].text) for one in shown))
            for number, title in enumerate(_QUARTERS, 1)
        ],
        lines=[_line(visit, found, at, one) for at, one in enumerate(shown, 1)],
        nodes=[_node(visit, one) for one in nodes if unit in ("", one.line.entry.lead_unit)],
        vague=sum(one.vague for one in shown),
        assigned=sum(one.duty is not None for one in shown),
        open_clauses=[
            (one.id, short(one.title or one.text, 60), "、".join(unit.written for unit in one.of("lead")))
            for one in found.open_clauses
        ],
        may_edit=may_edit,
    )


def _line(visit: Visit, found: Any, number: int, line: Any) -> Line:
    words, entry, duty = visit.words, line.entry, line.duty
    plan = f"/plans/{found.plan.id}"
    if line.vague:
        state, tone = words("待明确"), "amber"
    elif duty is None:
        state, tone = words("未交办"), "plain"
    else:
        late = duty.overdue_days > 0
        state, tone = words.of(duty.state), "green" if duty.final else "red" if late else "blue"
    return Line(
        number,
        short(line.clause.title or line.clause.text, 60),
        clause_address(found.plan.id, line.clause.id),
        f"{plan}/duties/{line.clause.id}/{entry.lead_unit}?year={entry.year}",
        entry.annual_target,
        entry.outcome_form,
        entry.completion_standard,
        entry.lead_leader,
        line.lead_name,
        entry.responsible_section,
        entry.liaison,
        "、".join(line.co_names),
        entry.due,
        [
            f"{words(title)}：{node.text}"
            for title, node in zip(_QUARTERS, entry.quarter_nodes, strict=True)
            if node.text
        ],
        entry.evidence,
        f"/cases/{duty.task}" if duty is not None else "",
        state,
        tone,
    )


def _node(visit: Visit, node: Any) -> Node:
    words, duty = visit.words, node.line.duty
    if node.reported:
        state, tone = words("已上报 {day}", day=node.reported), "green"
    elif duty is None:
        state, tone = words("未交办"), "plain"
    else:
        state, tone = (words("逾期未报"), "red") if node.late else (words("未到期"), "blue")
    return Node(
        short(node.line.clause.title or node.line.clause.text, 60),
        node.line.lead_name,
        node.text,
        node.due.isoformat(),
        state,
        tone,
        f"/cases/{duty.task}" if duty is not None else "",
    )


def _year(visit: Visit) -> int:
    """Return the year that is asked for, 0 for this one."""
    year = whole_number(visit.query("year"), 4)
    return year if year is not None and 2000 <= year <= 2100 else 0


async def choose(visit: Visit) -> Response:
    """年度要点: put the chosen clauses on the list of a year."""
    id_, form = visit.path("id"), texts(await visit.form())
    year = whole_number(form.get("year", ""), 4) or 0
    chosen = list(filter(None, form.get("clause", "").split(",")))
    if not chosen:
        raise Unprocessable("choose at least one clause", zh="请至少选择一条条款")
    await visit.platform.duty_lists.choose(visit.grant, id_, year, chosen)
    return visit.go(f"/plans/{id_}/duties?year={year}", said="saved")


async def _entry(visit: Visit) -> tuple[Any, Any]:
    """Return the list of the year in the address, and its line of the clause and unit. Raises NotFound."""
    found = await visit.platform.duty_lists.of_year(visit.grant, visit.path("id"), _year(visit))
    key = (visit.path("clause"), visit.path("unit"), found.year)
    line = next((one for one in found.lines if one.entry.key == key), None)
    if line is None:
        raise NotFound("the list has no such entry", zh="责任清单中没有该项")
    return found, line


async def entry(visit: Visit) -> Response:
    """Show the form of one entry."""
    found, line = await _entry(visit)
    return await _form(visit, found, line, _values(line.entry))


async def save(visit: Visit) -> Response:
    """Save one entry; a refused form comes back with what is wrong."""
    found, line = await _entry(visit)
    values = sent_values(FIELDS, texts(await visit.form()))
    try:
        await visit.platform.duty_lists.save(visit.grant, found.plan.id, _changed(line.entry, values))
    except (Invalid, Unprocessable, NotFound) as fault:
        return await _form(visit, found, line, values, fault)
    return visit.go(f"/plans/{found.plan.id}/duties?year={found.year}", said="saved")


async def remove(visit: Visit) -> Response:
    """Take one entry off the list."""
    await visit.form()
    found, line = await _entry(visit)
    await visit.platform.duty_lists.remove(visit.grant, found.plan.id, line.entry.key)
    return visit.go(f"/plans/{found.plan.id}/duties?year={found.year}", said="changed")


def _values(entry: Any) -> dict[str, Any]:
    values = {one.id: getattr(entry, one.id) for one in FIELDS if not one.id.startswith("quarter_")}
    values["co_units"] = [f"Organization/{one}" for one in entry.co_units]
    for number, node in enumerate(entry.quarter_nodes, 1):
        values[f"quarter_{number}"], values[f"quarter_{number}_due"] = node.text, node.due
    return values


def _changed(entry: Any, values: Mapping[str, Any]) -> Any:
    """Return the entry with what the form says."""
    said = {one.id: str(values.get(one.id) or "").strip() for one in FIELDS if one.id != "co_units"}
    for one in FIELDS:
        if one.kind == "date" and said[one.id] and not _is_day(said[one.id]):
            raise Invalid("a day is written as 2027-12-31", zh="日期应写作 2027-12-31", expression=one.id)
    units = values.get("co_units") or ()
    listed = units if isinstance(units, list | tuple) else [units]
    nodes = tuple(
        replace(node, text=said[f"quarter_{number}"], due=said[f"quarter_{number}_due"])
        for number, node in enumerate(entry.quarter_nodes, 1)
    )
    plain = {name: text for name, text in said.items() if not name.startswith("quarter_")}
    ids = tuple(str(one).removeprefix("Organization/") for one in listed)
    return replace(entry, **plain, co_units=ids, quarter_nodes=nodes)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


async def _form(
    visit: Visit, found: Any, line: Any, values: dict[str, Any], fault: Fault | None = None
) -> Response:
    words = visit.words
    choices = await choices_of(visit, FIELDS, values)
    home = f"/plans/{found.plan.id}/duties"
    return visit.render(
        "duty_entry.html",
        422 if fault else 200,
        title=short(line.clause.title or line.clause.text, 60),
        lead=words("{year} 年度 · 牵头单位 {unit}", year=found.year, unit=line.lead_name),
        quote=line.clause.text,
        vague=line.vague,
        plan=found.plan.title,
        plan_address=f"/plans/{found.plan.id}",
        home=f"{home}?year={found.year}",
        action=f"{home}/{line.clause.id}/{line.entry.lead_unit}",
        year=found.year,
        issues=told(words, fault, FIELDS) if fault else [],
        fields=form_fields(words, FIELDS, values, fault.issues if fault else (), choices),
        may_edit=visit.grant.may("plan.assign") and not found.plan.foreign,
    )


async def export(visit: Visit) -> Response:
    """Return the list of a year as a workbook."""
    id_, lists = visit.path("id"), visit.platform.duty_lists
    year = _year(visit) or lists.today().year
    rows = await lists.rows(visit.grant, id_, year, visit.query("unit"))
    return visit.download(duty_sheet(rows), f"{year}年度责任清单.xlsx")
