"""What a plan's document lists besides its clauses: named things, cited documents, measures by type, contradictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import Response

from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.plan_document import place_address
from kangshu.web.visit import Visit

TABS: Final = {
    "named": "项目、企业与园区",
    "cited": "引用的文件",
    "measures": "政策措施",
    "conflicts": "互相矛盾之处",
}
_CONTRADICTIONS: Final = frozenset({"figure", "deadline", "role", "sum", "numbering", "bracket", "unit"})
_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the text with the clause that it lies in."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One line: what it is, what more is known of it, and where it stands."""

    title: str
    note: str
    places: list[Place]
    more: int = 0
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one kind."""

    id: str
    title: str
    lines: list[Listed] = field(default_factory=list)


async def contents(visit: Visit) -> Response:
    """Show one of the lists (`?tab=`)."""
    tab = visit.query("tab") if visit.query("tab") in TABS else "named"
    plan = await visit.platform.plans.plan(visit.grant, visit.path("id"))
    if tab == "conflicts":
        groups = await _conflicts(visit, plan)
    else:
        groups = {"named": _named, "cited": _cited, "measures": _measures}[tab](visit, plan)
    return visit.render(
        "plan_contents.html",
        title=plan.title,
        address=f"/plans/{plan.id}",
        tab=tab,
        tabs=[(key, visit.words(text)) for key, text in TABS.items()],
        groups=[one for one in groups if one.lines],
    )


def _named(visit: Visit, plan: Any) -> list[Group]:
    groups = {
        key: Group(key, visit.words.of(text)) for key, text in visit.platform.lineage.thing_titles.items()
    }
    units = visit.platform.lineage.figure_titles
    for one in plan.named:
        note = " · ".join(f"{visit.words.of(units[f.kind])} {f.value}{f.unit}" for f in one.figures)
        groups[one.kind].lines.append(_listed(plan, one.name, note, one.places))
    return list(groups.values())


def _cited(visit: Visit, plan: Any) -> list[Group]:
    lines = [
        _listed(
            plan,
            f"《{one.title}》" if one.title else one.number,
            " · ".join(filter(None, (one.title and one.number, one.date))),
            one.places,
        )
        for one in plan.citations
    ]
    return [Group("cited", visit.words("引用的文件"), lines)]


def _measures(visit: Visit, plan: Any) -> list[Group]:
    words = visit.words
    groups = {
        key: Group(key, words.of(text)) for key, text in visit.platform.lineage.instrument_titles.items()
    }
    for one in plan.clauses:
        lead = "、".join(unit.written for unit in one.of("lead"))
        tone = "amber" if one.soft and not one.targets else ""
        place = Place(words("看原文"), clause_address(plan.id, one.id))
        groups[one.instrument].lines.append(Listed(one.title, lead, [place], tone=tone))
    return list(groups.values())


async def _conflicts(visit: Visit, plan: Any) -> list[Group]:
    words = visit.words
    inner = [
        Listed(
            words.of(one.text),
            words("已核对：{name}", name=one.settled_by) if one.settled_by else "",
            [_place(plan, place) for place in (one.anchor, one.other) if place is not None],
        )
        for one in plan.doubts
        if one.kind in _CONTRADICTIONS
    ]
    across = [
        Listed(
            words.of(one.text),
            one.there.title,
            [
                Place(words("本规划"), clause_address(plan.id, one.here.finding)),
                Place(words("另一规划"), clause_address(one.there.plan, one.there.finding)),
            ],
        )
        for one in await visit.platform.lineage.conflicts(visit.grant, plan.id)
    ]
    return [
        Group("inner", words("文件内部"), inner),
        Group("across", words("与本市其他规划之间"), across),
        Group("unknown", words("机构名录中没有的单位"), _unknown_units(plan)),
    ]


def _unknown_units(plan: Any) -> list[Listed]:
    """Return the units of an own plan that the register of organisations does not know."""
    places: dict[str, list[Place]] = {one: [] for one in plan.unresolved}
    for clause in plan.clauses:
        for unit in clause.units:
            if unit.written in places:
                places[unit.written].append(Place(clause.title, clause_address(plan.id, clause.id)))
    return [
        Listed(written, "", found[:_PLACES], max(0, len(found) - _PLACES))
        for written, found in places.items()
    ]


def _listed(plan: Any, title: str, note: str, places: Any) -> Listed:
    return Listed(title, note, [_place(plan, one) for one in places[:_PLACES]], max(0, len(places) - _PLACES))


def _place(plan: Any, place: Any) -> Place:
    """Return the place by the clause that it lies in, else by the words around it."""
    clause = next((one for one in plan.clauses if one.anchor.start <= place.start < one.anchor.end), None)
    around = plan.text[max(plan.span[0], place.start - 6) : place.end + 12]
    text = clause.title if clause is not None else f"…{' '.join(around.split())}…"
    return Place(text if len(text) <= 30 else text[:29] + "…", place_address(plan.id, place))
