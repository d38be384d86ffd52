"""挂图作战: chapters down, units across, each cell counted by light. Pure."""

from __future__ import annotations

from collections import Counter

from kangshu.plans.model import Light, LightPart, PlanView, worst
from kangshu.plans.outcomes import Board, BoardCell


def board_of(plan: PlanView) -> Board:
    """Return the board of a plan whose clauses and targets carry their lights.

    A unit stands on the board where it leads. What nobody known leads stands under the unit "".
    """
    targets = {one.id: one for one in plan.targets}
    clauses: dict[tuple[str, str], list[str]] = {}
    overdue: Counter[tuple[str, str]] = Counter()
    weight: Counter[str] = Counter()
    for clause in plan.clauses:
        leads = {one for unit in clause.of("lead") for one in unit.organisations} or {""}
        for lead in leads:
            key = (clause.chapter, lead)
            clauses.setdefault(key, []).append(clause.id)
            weight[lead] += 1 + len(clause.targets)
            overdue[key] += sum(1 for duty in clause.duties if duty.overdue_days and duty.unit == lead)
    cells = {}
    by_id = {one.id: one for one in plan.clauses}
    for key, listed in clauses.items():
        held = [target for identifier in listed for target in by_id[identifier].targets]
        lights: Counter[Light] = Counter(targets[one].light.light for one in held if one in targets)
        for identifier in listed:  # a clause without figures shows by its duties
            if not by_id[identifier].targets:
                lights[by_id[identifier].light] += 1
        cells[key] = BoardCell(key[1], key[0], tuple(listed), tuple(held), dict(lights), overdue[key])
    loose: dict[str, list[str]] = {}
    for target in plan.targets:
        if not target.clause:
            loose.setdefault(target.chapter, []).append(target.id)
    for chapter, held in loose.items():
        key = (chapter, "")
        before = cells.get(key, BoardCell("", chapter, (), (), {}, 0))
        lights = Counter(before.lights)
        lights.update(targets[one].light.light for one in held)
        cells[key] = BoardCell(
            "", chapter, before.clauses, (*before.targets, *held), dict(lights), before.overdue
        )
        weight[""] += 0
    used = {chapter for chapter, _ in cells}
    order = sorted(weight, key=lambda unit: (unit == "", -weight[unit], unit))
    return Board(
        plan,
        tuple(section for section in plan.sections if not section.parent and section.id in used),
        tuple((unit, plan.unit_names.get(unit, unit)) for unit in order),
        cells,
        dict(Counter(target.light.light for target in plan.targets)),
    )


def clause_light(target_lights: list[Light], duties: LightPart | None) -> Light:
    """Return a clause's light: the worst of its targets and its duties; grey where nothing is known."""
    return worst([*target_lights, *([duties.light] if duties else [])])
