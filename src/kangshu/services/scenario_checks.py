"""What must hold of a service's scenarios, and what no scenario acts out yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import CaseDeclaration, Move, ScenarioDeclaration, ScenarioStep
from kangshu.services.draft import Draft
from kangshu.services.findings import Finding

_SYSTEM = "system"
"""What the product does by itself needs no account."""
_CASE = "case"
"""`by: case` (ADR 0030): a move that only another case makes; nobody could be refused it."""
_PASSES = ("deadline", "tick")


def steps_of(scenario: ScenarioDeclaration) -> Iterator[ScenarioStep]:
    """Yield the steps with `of` filled in: the first case that the scenario names, where a step names none."""
    begun = (one.name or one.what for one in scenario.steps if one.verb in ("start", "signal"))
    first = next(begun, "")
    for step in scenario.steps:
        if step.verb in ("start", "signal"):
            yield replace(step, name=step.name or step.what)
        else:
            yield replace(
                step, of=step.of or first, name=step.name or (step.what if step.verb == "child" else "")
            )


def check_scenario(draft: Draft, scenario: ScenarioDeclaration) -> Iterator[Finding]:
    """Yield what is wrong with a scenario, given the case kinds of its service."""
    known = {one.id: one for one in draft.cases}
    signals = {one.id: one for one in draft.signals}
    accounts = {one.id for one in scenario.accounts}
    kinds: dict[str, CaseDeclaration] = {}
    finding = draft.places.finding
    for place, step in zip(scenario.steps, steps_of(scenario), strict=True):
        for who in {step.by, *step.refused} - accounts - {"", _SYSTEM}:
            yield finding(place, f"there is no account '{who}'", f"场景中没有账号“{who}”")
        if step.verb in ("start", "child"):
            # a case of another service may be opened too: it is acted out there
            if step.what in known:
                kinds[step.name] = known[step.what]
            elif "/" not in step.what:
                yield finding(place, f"there is no case '{step.what}'", f"本服务没有办件“{step.what}”")
        elif step.verb == "signal" and step.what not in signals:
            yield finding(place, f"there is no signal '{step.what}'", f"本服务没有信号接口“{step.what}”")
        elif step.verb == "signal" and signals[step.what].case in known:
            kinds[step.name] = known[signals[step.what].case]
        elif step.verb == "pass" and step.what not in _PASSES:
            yield finding(place, f"'pass' is one of {', '.join(_PASSES)}", f"pass 应为 {'、'.join(_PASSES)}")
        elif step.verb == "expect":
            try:
                compile_expression(step.what)
            except Fault as fault:
                yield finding(place, f"'expect': {fault.text}", f"“expect”：{fault.zh}")
        kind = kinds.get(step.name or step.of)
        if kind is None:
            continue
        if step.state and step.state not in {one.id for one in kind.states}:
            yield finding(
                place, f"'{kind.id}' has no state '{step.state}'", f"“{kind.id}”没有状态“{step.state}”"
            )
        if step.verb in ("move", "made") and step.what not in {one.id for one in kind.moves}:
            yield finding(
                place, f"'{kind.id}' has no move '{step.what}'", f"“{kind.id}”没有操作“{step.what}”"
            )


def acted_moves(draft: Draft) -> Mapping[str, frozenset[str]]:
    """Return, by case kind, the moves that the service's scenarios make or see made."""
    found: dict[str, set[str]] = {one.id: set() for one in draft.cases}
    signals = {one.id: one.case for one in draft.signals}
    for scenario in draft.scenarios:
        kinds: dict[str, str] = {}
        for step in steps_of(scenario):
            if step.verb in ("start", "child"):
                kinds[step.name] = step.what
            if step.verb == "signal":
                kinds[step.name] = signals.get(step.what, "")
            if step.verb in ("move", "made") and not step.fault:
                found.get(kinds.get(step.of, ""), set()).add(step.what)
            for name, move in step.makes:
                found.get(kinds.get(name, ""), set()).add(move)
    return {kind: frozenset(moves) for kind, moves in found.items()}


def check_coverage(draft: Draft) -> Iterator[Finding]:
    """Yield every move that no scenario of the service makes, and every kind of case of which nobody is refused."""
    acted = acted_moves(draft)
    for kind in draft.cases:
        for move in kind.moves:
            if move.id not in acted[kind.id] and not _made_elsewhere(draft, move):
                text = f"no scenario makes the move '{move.id}' of '{kind.id}'"
                zh = f"没有场景演练“{kind.title.zh}”的操作“{move.title.zh}”"
                yield replace(draft.places.finding(move, text, zh), severity="warning")
        if kind.moves and not _somebody_refused(draft, kind):
            text = f"no scenario shows who is refused a move of '{kind.id}'"
            zh = f"没有场景演练“{kind.title.zh}”中无权办理者被拒绝"
            yield replace(draft.places.finding(kind, text, zh), severity="warning")


def _made_elsewhere(draft: Draft, move: Move) -> bool:
    """Return whether only a case of another service makes the move, or nobody (it holds what the product reckons)."""
    effects = (one for case in draft.cases for each in case.moves for one in each.effects)
    return set(move.by) == {_CASE} and move.id not in {
        str(one.get("make") or one.get("children", "")) for one in effects
    }


def _somebody_refused(draft: Draft, kind: CaseDeclaration) -> bool:
    for scenario in draft.scenarios:
        kinds: dict[str, str] = {}
        for step in steps_of(scenario):
            if step.verb in ("start", "child"):
                kinds[step.name] = step.what
            if step.refused and kinds.get(step.name or step.of) == kind.id:
                return True
    return all(set(move.by) <= {_CASE, "system"} for move in kind.moves)
