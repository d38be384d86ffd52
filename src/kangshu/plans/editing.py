"""Changes that a person makes to a plan: links, baselines, masked years, who a unit is, adoption. Pure."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from kangshu.base.canonical import BASE, DISTRICT
from kangshu.base.faults import NotFound
from kangshu.plans import shape
from kangshu.plans.elements import replace_extension as replace_extension
from kangshu.plans.model import Baseline
from kangshu.plans.units import ResolvedUnit, UnitDirectory
from kangshu.plans.view import clauses_of, extension_value, extensions, is_demo, loose_goals, units_of
from kangshu.sdk import Resource


def goal_of(plan: Resource, target: str) -> Resource:
    """Return the goal with this id. Raises NotFound."""
    found: Resource | None = next((one for one in plan.get("goal", ()) if one.get("id") == target), None)
    if found is None:
        raise NotFound(f"the plan has no target '{target[:60]}'", zh=f"规划中没有目标“{target[:60]}”")
    return found


def link(goal: Resource, measure: str, confirmed: bool, by: str) -> None:
    """Link a target to a measure; "" takes the link away."""
    new = None
    if measure:
        new = {
            "url": shape.LINK,
            "extension": [
                {"url": "measure", "valueCanonical": f"{shape.MEASURE}/{measure}"},
                {"url": "confirmed", "valueBoolean": confirmed},
                {"url": "by", "valueString": by},
            ],
        }
    replace_extension(goal, shape.LINK, new)


def set_baseline(goal: Resource, baseline: Baseline | None) -> None:
    """Enter where a target started from; None takes it away."""
    new = None
    if baseline is not None:
        new = {
            "url": shape.BASELINE,
            "extension": [
                {"url": "value", "valueDecimal": baseline.value},
                {"url": "day", "valueDate": baseline.day.isoformat()},
                {"url": "source", "valueString": baseline.source},
            ],
        }
    replace_extension(goal, shape.BASELINE, new)


def refuse(goal: Resource, measure: str) -> None:
    """Say that a measure does not prove a target: it is not suggested again."""
    canonical = f"{shape.MEASURE}/{measure}"
    if not any(one.get("valueCanonical") == canonical for one in extensions(goal, shape.REFUSED)):
        goal.setdefault("extension", []).append({"url": shape.REFUSED, "valueCanonical": canonical})
    held = next(extensions(goal, shape.LINK), None)
    if held is not None and extension_value(held, "measure") == canonical:
        replace_extension(goal, shape.LINK, None)


def allow(goal: Resource, measure: str) -> None:
    """Take the refusal of a measure back."""
    canonical = f"{shape.MEASURE}/{measure}"
    kept = [
        one
        for one in goal.get("extension", ())
        if one.get("url") != shape.REFUSED or one.get("valueCanonical") != canonical
    ]
    goal["extension"] = kept


def set_due(goal: Resource, year: int, source: str, by: str) -> None:
    """Enter the year that the document masks or leaves out; what is written stays beside it."""
    entered = next(extensions(goal, shape.DUE_SOURCE), None)
    written = extension_value(entered, "written") if entered else extension_value(goal, shape.DUE)
    replace_extension(goal, shape.DUE, {"url": shape.DUE, "valueString": f"{year:04d}"})
    parts: list[Resource] = [
        {"url": "source", "valueString": source},
        {"url": "by", "valueString": by},
    ]
    if written:
        parts.insert(0, {"url": "written", "valueString": str(written)})
    replace_extension(goal, shape.DUE_SOURCE, {"url": shape.DUE_SOURCE, "extension": parts})


def settle(plan: Resource, doubt: str, note: str, by: str, day: str) -> None:
    """Say that a person has looked at a doubt, and what they found; without `by` it is open again. Raises NotFound."""
    found = {f"doubt-{number}": one for number, one in enumerate(extensions(plan, shape.DOUBT))}.get(doubt)
    if found is None:
        raise NotFound("the plan has no such doubt", zh="规划中没有该待核对项")
    for name, value in (("settled-by", by), ("settled-on", day if by else ""), ("note", note if by else "")):
        new = {"url": name, "valueString": value} if value else None
        replace_extension(found, name, new)


def resolve_unit(
    plan: Resource, written: str, organisations: Collection[str], by: str = "", outside: bool = False
) -> int:
    """Say who is meant by a unit as written, wherever it stands; return in how many clauses."""
    changed = 0
    for action, _, _ in clauses_of(plan):
        listed = action.get("extension", [])
        for place, one in enumerate(listed):
            if one.get("url") != shape.UNIT:
                continue
            unit = next(view for view in units_of({"extension": [one]}))
            if unit.written == written:
                meant = ResolvedUnit(written, () if outside else tuple(organisations))
                listed[place] = shape.unit_extension(unit.role, meant, by=by, outside=outside)
                changed += 1
    return changed


def adopt(
    plan: Resource,
    clauses: Collection[str],
    own: Resource | None,
    jurisdiction: str,
    units: UnitDirectory,
    today: str,
) -> tuple[Resource, Resource, tuple[str, ...], tuple[str, ...]]:
    """Copy clauses of another city's plan, with their targets, into our own plan of adopted clauses.

    `clauses` may name targets too that stand in no clause, such as the goals of the whole plan. Returns (the other
    plan with the copies noted, our plan, clause ids there, target ids there).
    """
    theirs = deepcopy(plan)
    ours = deepcopy(own) if own is not None else _adopted(plan, jurisdiction, today)
    taken = {str(action["id"]) for action, _, _ in clauses_of(ours)}
    known = {str(goal["id"]) for goal in ours.get("goal", ())}
    goals = {str(goal["id"]): goal for goal in theirs.get("goal", ())}
    made_clauses: list[str] = []
    made_targets: list[str] = []
    wanted = set(clauses)
    for action, section, chapter in clauses_of(theirs):
        identifier = str(action["id"])
        if identifier not in wanted:
            continue
        wanted.discard(identifier)
        made_clauses.append(identifier)
        if identifier in taken:
            continue
        copy = deepcopy(action)
        _resolve_all(copy, units)
        _chapter(ours, chapter or section).setdefault("action", []).append(copy)
        _note_adopted(action, ours)
        for target in map(str, action.get("goalId", ())):
            made_targets.append(target)
            if target not in known and target in goals:
                known.add(target)
                ours.setdefault("goal", []).append(deepcopy(goals[target]))
    for target, chapter in loose_goals(theirs):
        if target not in wanted or target not in goals:
            continue
        wanted.discard(target)
        made_targets.append(target)
        if target not in known:
            ours.setdefault("goal", []).append(deepcopy(goals[target]))
            _chapter(ours, chapter).setdefault("goalId", []).append(target)
            _note_adopted(goals[target], ours)
    if wanted:
        raise NotFound("the plan has no such clause", zh="规划中没有所选条款")
    return theirs, ours, tuple(made_clauses), tuple(made_targets)


def _note_adopted(element: Resource, ours: Resource) -> None:
    """Note on a clause or a goal of another city's plan which plan of ours has taken it over."""
    reference = {"reference": f"PlanDefinition/{ours['id']}"}
    replace_extension(element, shape.ADOPTED_AS, {"url": shape.ADOPTED_AS, "valueReference": reference})


def _adopted(plan: Resource, jurisdiction: str, today: str) -> Resource:
    identifier = f"adopted-{plan['id']}"
    kept = [one for one in plan.get("extension", ()) if one.get("url") in (shape.SOURCE, shape.PART)]
    adopted: Resource = {
        "resourceType": "PlanDefinition",
        "id": identifier,
        "extension": [
            {"url": DISTRICT, "valueCode": jurisdiction},
            *deepcopy(kept),
            {"url": shape.FOREIGN, "valueBoolean": False},
            {
                "url": shape.ADOPTED_FROM,
                "valueReference": {
                    "reference": f"PlanDefinition/{plan['id']}",
                    "display": plan.get("title", ""),
                },
            },
        ],
        "url": f"{BASE}/PlanDefinition/{identifier}",
        "name": f"Adopted_{str(plan['id']).replace('-', '_')}",
        "title": f"采纳条款：{plan.get('title', '')}",
        "status": "active",
        "date": today,
        "jurisdiction": [{"coding": [{"system": shape.JURISDICTION, "code": jurisdiction}]}],
        "action": [],
    }
    return shape.tagged(adopted, is_demo(plan))


def _chapter(ours: Resource, chapter: Resource) -> Resource:
    actions: list[Resource] = ours.setdefault("action", [])
    found = next((one for one in actions if one.get("id") == chapter.get("id")), None)
    if found is None:
        found = {key: deepcopy(value) for key, value in chapter.items() if key not in ("action", "goalId")}
        actions.append(found)
    return found


def _resolve_all(action: Resource, units: UnitDirectory) -> None:
    """Find our own units for another city's: another district's 区民政局 is our civil affairs bureau, read without its place."""
    fresh: list[Any] = []
    for one in action.get("extension", ()):
        if one.get("url") == shape.UNIT:
            unit = next(view for view in units_of({"extension": [one]}))
            fresh.append(shape.unit_extension(unit.role, units.resolve_elsewhere(unit.written)))
        else:
            fresh.append(one)
    action["extension"] = fresh


def source_text_id(plan: Resource) -> str:
    """Return the id of the Binary that holds the document's text."""
    for one in extensions(plan, shape.SOURCE):
        reference = str(one.get("valueReference", {}).get("reference", ""))
        return reference.replace("DocumentReference/document-", "text-")
    return ""
