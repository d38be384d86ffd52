"""What must hold of the states of a case kind: all are reached, none that is open is a dead end, none waits for nobody."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import STAY, CaseDeclaration, State
from kangshu.services.draft import Draft
from kangshu.services.findings import Finding


def check_states(draft: Draft, case: CaseDeclaration) -> Iterator[Finding]:
    """Yield what is wrong with the states of a case kind."""
    finding = draft.places.finding
    states = {state.id: state for state in case.states}
    if len(states) < len(case.states):
        yield finding(case, "a state is declared twice", "有状态重复声明")
    if case.initial not in states:
        yield finding(
            case, f"the initial state '{case.initial}' is not declared", f"初始状态“{case.initial}”未声明"
        )
        return
    reached = {case.initial}
    while True:
        more = {
            target for move in case.moves if reached & set(move.sources) for target in move.targets
        } - reached
        if not more:
            break
        reached |= more
    for state in case.states:
        leaving = [
            move
            for move in case.moves
            if state.id in move.sources and not set(move.targets) <= {state.id, STAY}
        ]
        if state.id not in reached:
            yield finding(state, f"state '{state.id}' cannot be reached", f"状态“{state.title.zh}”无法到达")
        if not state.final and not leaving:
            yield finding(
                state,
                f"state '{state.id}' has no way out and is not final",
                f"状态“{state.title.zh}”没有出口且不是终态",
            )
        if state.final and leaving:
            yield finding(
                state, f"final state '{state.id}' has a move out", f"终态“{state.title.zh}”不应有后续操作"
            )
        if state.final and state.deadline:
            yield finding(
                state, f"final state '{state.id}' has a deadline", f"终态“{state.title.zh}”不应有时限"
            )
        if state.overdue:
            yield from _overdue(draft, case, state)
        if not state.final and state.box == "none" and not any("system" in move.by for move in leaving):
            yield finding(
                state, f"state '{state.id}' is in nobody's worklist", f"状态“{state.title.zh}”不在任何待办中"
            )


def _overdue(draft: Draft, case: CaseDeclaration, state: State) -> Iterator[Finding]:
    move = next((one for one in case.moves if one.id == state.overdue), None)
    finding = draft.places.finding
    if move is None or state.id not in move.sources:
        text = f"'overdue: {state.overdue}' is no move from '{state.id}'"
        yield finding(state, text, f"“overdue: {state.overdue}”不是状态“{state.title.zh}”的操作")
    elif "system" not in move.by or any(field.required for field in move.form):
        text = f"the system cannot make '{move.id}': it needs `by: system` and no required field"
        yield finding(state, text, f"系统不能执行“{move.title.zh}”：须允许 system 且表单无必填项")
