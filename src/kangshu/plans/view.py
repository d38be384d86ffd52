"""A PlanDefinition read back as sections, clauses, targets, money rules and doubts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, cast

from kangshu.base.canonical import DEMO_TAG, DISTRICT
from kangshu.base.clock import today as city_today
from kangshu.base.text import Text
from kangshu.plans import shape
from kangshu.plans.elements import anchor_from
from kangshu.plans.elements import extension_value as extension_value
from kangshu.plans.elements import extensions as extensions
from kangshu.plans.elements import kind_of as kind_of
from kangshu.plans.evidence import read_evidence
from kangshu.plans.marks import reviewed_of
from kangshu.plans.mentions import citations_of, named_of
from kangshu.plans.model import (
    Baseline,
    ClauseView,
    DoubtView,
    Figure,
    MoneyView,
    PlanView,
    Role,
    SectionView,
    TargetView,
    UnitView,
)
from kangshu.plans.outcomes import PlanRow
from kangshu.plans.quotas import read_quotas
from kangshu.plans.reading import Anchor, Instrument
from kangshu.plans.states import standing_of
from kangshu.plans.trajectory import read_milestones, with_milestones
from kangshu.sdk import Resource


def anchor_of(element: Resource, url: str) -> Anchor | None:
    """Return the anchor that an extension of `element` holds."""
    found = next(extensions(element, url), None)
    return None if found is None else anchor_from(found)


def organisation_ids(element: Resource) -> tuple[str, ...]:
    """Return the ids of the organisations that a responsible unit means."""
    return tuple(
        str(one.get("valueReference", {}).get("reference", "")).removeprefix("Organization/")
        for one in extensions(element, "organisation")
    )


def clauses_of(plan: Resource) -> Iterator[tuple[Resource, Resource, Resource]]:
    """Yield (clause action, its section's action, its chapter's action) in the order of the document."""

    def walk(actions: list[Resource], section: Resource, chapter: Resource) -> Iterator[Any]:
        for action in actions:
            if kind_of(action) == "clause":
                yield action, section, chapter
            else:
                yield from walk(action.get("action", []), action, chapter or action)

    return walk(plan.get("action", []), {}, {})


def units_of(action: Resource) -> tuple[UnitView, ...]:
    """Return the units of a clause, leads first."""
    return tuple(
        UnitView(
            str(extension_value(one, "written") or ""),
            cast("Role", extension_value(one, "role")),
            organisation_ids(one),
            bool(extension_value(one, "outside")),
            str(extension_value(one, "by") or ""),
        )
        for one in extensions(action, shape.UNIT)
    )


def loose_goals(plan: Resource) -> Iterator[tuple[str, Resource]]:
    """Yield (goal id, its chapter's action) of the goals that stand in no clause: those of a section, of the whole plan."""

    def walk(actions: list[Resource], chapter: Resource) -> Iterator[tuple[str, Resource]]:
        for action in actions:
            if kind_of(action) == "section":
                yield from ((str(one), chapter or action) for one in action.get("goalId", ()))
                yield from walk(action.get("action", []), chapter or action)

    return walk(plan.get("action", []), {})


def is_demo(resource: Resource) -> bool:
    """Return whether the resource is demonstration data."""
    tags = resource.get("meta", {}).get("tag", ())
    return any(tag.get("system") == DEMO_TAG and tag.get("code") == "demo" for tag in tags)


def is_plan(plan: Resource) -> bool:
    """Return whether a PlanDefinition was made here from a document; others may stand beside it (order sets, …)."""
    return any(extensions(plan, shape.FOREIGN))


def is_foreign(plan: Resource) -> bool:
    """Return whether the plan is another city's."""
    return bool(extension_value(plan, shape.FOREIGN))


def kind_of_plan(plan: Resource) -> str:
    """Return `plan`, or `reply` for what answers a proposal."""
    codings = plan.get("type", {}).get("coding", ())
    return next((str(one["code"]) for one in codings if one.get("system") == shape.PLAN_KIND), "plan")


def span_of(plan: Resource, text: str) -> tuple[int, int]:
    """Return where in its document's `text` the plan stands."""
    part = next(extensions(plan, shape.PART), None)
    if part is None:
        return 0, len(text)
    return int(extension_value(part, "start") or 0), int(extension_value(part, "end") or 0)


def jurisdiction_of(plan: Resource) -> str:
    """Return the division code of the plan's city, "" where unknown."""
    return str(extension_value(plan, DISTRICT) or "")


def dues_of(plan: Resource) -> tuple[str, ...]:
    """Return the years of the plan's targets as they stand, masked ones and "" among them."""
    return tuple(str(extension_value(goal, shape.DUE) or "") for goal in plan.get("goal", ()))


def plan_row(plan: Resource, today: date | None = None) -> PlanRow:
    """Return the plan's line in a list; its state is that of `today`."""
    clauses = [action for action, _, _ in clauses_of(plan)]
    unresolved = {unit.written for action in clauses for unit in units_of(action) if not unit.resolved}
    return PlanRow(
        str(plan["id"]),
        str(plan.get("title", "")),
        jurisdiction_of(plan),
        is_foreign(plan),
        str(plan.get("date", "")),
        len(clauses),
        len(plan.get("goal", ())),
        len(unresolved),
        is_demo(plan),
        standing_of(plan, dues_of(plan), today or city_today()).state,
        kind_of_plan(plan),
    )


def plan_view(plan: Resource, text: str, unit_names: dict[str, str], today: date | None = None) -> PlanView:
    """Return the plan whole, without duties and lights; its state is that of `today`."""
    sections: list[SectionView] = []
    home: dict[str, tuple[str, str, str]] = {}
    _walk_sections(plan.get("action", []), "", "", sections, home, 1)
    clauses = []
    for action, section, chapter in clauses_of(plan):
        clauses.append(_clause(action, str(section.get("id", "")), str(chapter.get("id", ""))))
        for goal in action.get("goalId", ()):
            home[str(goal)] = (str(action["id"]), str(section.get("id", "")), str(chapter.get("id", "")))
    source = extension_value(plan, shape.SOURCE) or {}
    return PlanView(
        id=str(plan["id"]),
        version=int(plan.get("meta", {}).get("versionId", 0) or 0),
        title=str(plan.get("title", "")),
        jurisdiction=jurisdiction_of(plan),
        foreign=is_foreign(plan),
        demo=is_demo(plan),
        document=str(source.get("reference", "")).removeprefix("DocumentReference/"),
        text=text,
        sections=tuple(sections),
        clauses=tuple(clauses),
        targets=with_milestones(
            [_target(goal, home.get(str(goal["id"]), ("", "", ""))) for goal in plan.get("goal", ())]
        ),
        money=tuple(_money(one, clauses) for one in extensions(plan, shape.MONEY)),
        doubts=tuple(_doubt(number, one) for number, one in enumerate(extensions(plan, shape.DOUBT))),
        unit_names=unit_names,
        standing=standing_of(plan, dues_of(plan), today or city_today()),
        kind=kind_of_plan(plan),
        span=span_of(plan, text),
        named=named_of(plan),
        citations=citations_of(plan),
    )


def _walk_sections(
    actions: list[Resource],
    parent: str,
    chapter: str,
    found: list[SectionView],
    home: dict[str, tuple[str, str, str]],
    level: int,
) -> None:
    for action in actions:
        if kind_of(action) != "section":
            continue
        identifier = str(action["id"])
        label = str(action.get("prefix", ""))
        found.append(
            SectionView(
                identifier,
                level,
                "" if label == "—" else label,
                str(action.get("title", "")),
                parent,
                anchor_of(action, shape.ANCHOR),
            )
        )
        for goal in action.get("goalId", ()):
            home[str(goal)] = ("", identifier, chapter or identifier)
        _walk_sections(action.get("action", []), identifier, chapter or identifier, found, home, level + 1)


def _clause(action: Resource, section: str, chapter: str) -> ClauseView:
    return ClauseView(
        id=str(action["id"]),
        section=section,
        chapter=chapter,
        title=str(action.get("title", "")),
        text=str(action.get("description", "")),
        mode=str(extension_value(action, shape.MODE) or ""),
        units=units_of(action),
        targets=tuple(map(str, action.get("goalId", ()))),
        anchor=anchor_of(action, shape.ANCHOR) or Anchor(0, 0, ""),
        units_anchor=anchor_of(action, shape.UNITS_ANCHOR),
        instrument=cast("Instrument", extension_value(action, shape.INSTRUMENT) or "carry-out"),
        adopted_as=_adopted_as(action),
        reviewed=reviewed_of(action),
    )


def _adopted_as(element: Resource) -> str:
    held = extension_value(element, shape.ADOPTED_AS) or {}
    return str(held.get("reference", "")).removeprefix("PlanDefinition/")


def _target(goal: Resource, home: tuple[str, str, str]) -> TargetView:
    detail = (goal.get("target") or [{}])[0]
    value, unit = _figure(detail)
    link = next(extensions(goal, shape.LINK), None)
    entered = next(extensions(goal, shape.DUE_SOURCE), None)
    due = str(extension_value(goal, shape.DUE) or "")
    return TargetView(
        id=str(goal["id"]),
        clause=home[0],
        section=home[1],
        chapter=home[2],
        indicator=str(goal.get("description", {}).get("text", "")),
        span=str(extension_value(goal, shape.SPAN) or ""),
        comparator=str(extension_value(goal, shape.COMPARATOR) or "="),
        value=value,
        unit=unit,
        due=due,
        masked=shape.is_masked(due),
        anchor=anchor_of(goal, shape.ANCHOR) or Anchor(0, 0, ""),
        measure=str(extension_value(link, "measure") or "").rsplit("/", 1)[-1] if link else "",
        confirmed=bool(link and extension_value(link, "confirmed")),
        baseline=_baseline(goal),
        refused=tuple(
            str(one.get("valueCanonical", "")).rsplit("/", 1)[-1] for one in extensions(goal, shape.REFUSED)
        ),
        due_written=str(extension_value(entered, "written") or "") if entered else "",
        due_source=str(extension_value(entered, "source") or "") if entered else "",
        adopted_as=_adopted_as(goal),
        worded=bool(extension_value(goal, shape.WORDED)),
        linked_by=str(extension_value(link, "by") or "") if link else "",
        milestones=read_milestones(goal),
        quotas=read_quotas(goal),
        evidence=read_evidence(goal),
        reviewed=reviewed_of(goal),
    )


def _figure(detail: Resource) -> tuple[Figure, str]:
    if "detailQuantity" in detail:
        quantity = detail["detailQuantity"]
        return Decimal(str(quantity["value"])), str(quantity.get("unit", ""))
    if "detailRange" in detail:
        low, high = detail["detailRange"]["low"], detail["detailRange"]["high"]
        return (Decimal(str(low["value"])), Decimal(str(high["value"]))), str(low.get("unit", ""))
    return str(detail.get("detailCodeableConcept", {}).get("text", "")), ""


def _baseline(goal: Resource) -> Baseline | None:
    found = next(extensions(goal, shape.BASELINE), None)
    if found is None:
        return None
    return Baseline(
        Decimal(str(extension_value(found, "value"))),
        date.fromisoformat(str(extension_value(found, "day"))),
        str(extension_value(found, "source") or ""),
    )


def _money(rule: Resource, clauses: list[ClauseView]) -> MoneyView:
    anchor = anchor_of(rule, "anchor") or Anchor(0, 0, "")
    clause = next(
        (
            one.id
            for one in clauses
            if one.anchor.start <= anchor.start < max(one.anchor.end, one.anchor.start + 1)
        ),
        "",
    )

    def part(name: str) -> str:
        return str(extension_value(rule, name) or "")

    return MoneyView(
        part("id"),
        clause,
        part("span"),
        part("amount"),
        part("cap"),
        part("per"),
        part("condition"),
        anchor,
        reviewed_of(rule),
    )


def _doubt(number: int, doubt: Resource) -> DoubtView:
    def part(name: str) -> str:
        return str(extension_value(doubt, name) or "")

    return DoubtView(
        part("kind"),
        Text(part("zh"), part("en")),
        anchor_of(doubt, "anchor") or Anchor(0, 0, ""),
        f"doubt-{number}",
        part("settled-by"),
        part("settled-on"),
        part("note"),
        anchor_of(doubt, "other"),
    )
