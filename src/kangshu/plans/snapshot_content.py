"""What a frozen snapshot holds of plans, duties and returns, as plain JSON. Pure: the same facts, the same bytes.

Decimals are their lexemes (texts), instants and days ISO 8601, a range is a list of two lexemes. Of a duty it holds what
the unit is asked for and where it stands; what people wrote on it and who they are stay in the case.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from kangshu.base.canonical import ORGANISATION_KIND, structure
from kangshu.base.clock import CITY_ZONE
from kangshu.cases import deadline_of, events, inputs, number_of, organisation_of, state_of, urged_of
from kangshu.plans.model import ClauseView, DutyView, Figure, PlanView, TargetLight, TargetView, UnitView
from kangshu.sdk import Resource

Content = Mapping[str, Any]
TALLIES: Final[Mapping[str, str]] = {
    "returned": structure("times-returned"),
    "extensions": structure("times-extended"),
    "reports": structure("times-reported"),
}
"""What a kind that carries duties counts on its Task (effect `count: extension(…).valueInteger`), by name in the content."""
_SIGNS: Final = {
    ">=": "≥", "<=": "≤", ">": ">", "<": "<", "about": "约", "increase_to": "≥", "decrease_to": "≤", "increase_by": "+",
    "decrease_by": "-", "double": "×",
}  # fmt: skip
ASKED: Final = ("annual_target", "outcome_form", "completion_standard")
"""Form fields of a duty that are frozen with it: what the unit was asked for, as the list of duties (责任清单) says it."""
SLIPS: Final[Mapping[str, str]] = {one: structure(f"slips-{one}") for one in ("blue", "yellow", "red")}


def canonical_bytes(content: Content) -> bytes:
    """Return the one spelling of a content: sorted keys, no white space, UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(data: bytes) -> str:
    """Return the SHA-256 of a content's bytes, as it is shown beside the snapshot's number."""
    return hashlib.sha256(data).hexdigest()


def plan_content(plan: PlanView, tasks: Mapping[str, Resource]) -> dict[str, Any]:
    """Return one plan with its clauses, targets and duties; `tasks` are the duties' Tasks by id."""
    titles = {one.id: f"{one.label}{one.title}" for one in plan.sections}
    duties = [duty for clause in plan.clauses for duty in clause.duties if duty.task in tasks]
    return {
        "id": plan.id,
        "title": plan.title,
        "version": plan.version,
        "state": plan.state,
        "demo": plan.demo,
        "chapters": [{"id": one.id, "title": titles[one.id]} for one in plan.sections if not one.parent],
        "clauses": [_clause(one, titles, plan.unit_names) for one in plan.clauses],
        "targets": [_target(one, plan) for one in plan.targets],
        "duties": [_duty(one, tasks[one.task]) for one in sorted(duties, key=lambda one: one.task)],
    }


def unit_content(organisation: Resource) -> dict[str, str]:
    """Return a unit: id, name and the code of its kind."""
    kinds = (
        str(coding.get("code", ""))
        for concept in organisation.get("type", ())
        for coding in concept.get("coding", ())
        if coding.get("system") == ORGANISATION_KIND
    )
    return {
        "id": str(organisation["id"]),
        "name": str(organisation.get("name", "")),
        "kind": next(kinds, ""),
    }


def return_content(task: Resource) -> dict[str, Any]:
    """Return a progress return (月报, 季报) of a unit: its period, where it stands, whether it came in time (None: unknown)."""
    said = inputs(task)
    on_time = said.get("on_time")
    return {
        "task": str(task["id"]),
        "unit": organisation_of(task, "owner") or organisation_of(task, "requester"),
        "period": _text(said.get("period")),
        "state": state_of(task),
        "on_time": on_time if isinstance(on_time, bool) else None,
    }


def unit_ids(plans: Iterable[Content], returns: Iterable[Content]) -> tuple[str, ...]:
    """Return the ids of every organisation that the content names, sorted."""
    found = {
        unit for plan in plans for clause in plan["clauses"] for one in clause["units"] for unit in one["ids"]
    }
    found |= {duty["unit"] for plan in plans for duty in plan["duties"]}
    found |= {one["unit"] for one in returns}
    return tuple(sorted(found - {""}))


def _clause(clause: ClauseView, titles: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": clause.id,
        "chapter": clause.chapter,
        "section": titles.get(clause.section, ""),
        "title": clause.title,
        "text": clause.text,
        "light": clause.light,
        "targets": list(clause.targets),
        "units": [_unit(one, names) for one in clause.units],
    }


def _unit(unit: UnitView, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "role": unit.role,
        "written": unit.written,
        "ids": list(unit.organisations),
        "names": [names.get(one, "") for one in unit.organisations],
    }


def _target(target: TargetView, plan: PlanView) -> dict[str, Any]:
    clause = plan.clause(target.clause)
    light = target.light
    reasons = light.explanation
    return {
        "id": target.id,
        "clause": target.clause,
        "chapter": target.chapter,
        "indicator": target.indicator,
        "span": target.span,
        "asked": asked_text(target),
        "comparator": target.comparator,
        "value": _figure(target.value),
        "unit": target.unit,
        "due": target.due,
        "baseline": _lexeme(target.baseline.value) if target.baseline else None,
        "actual": _lexeme(light.value),
        "actual_unit": light.unit or target.unit,
        "expected": _lexeme(light.expected),
        "forecast": _lexeme(light.forecast.value) if light.forecast else None,
        "light": light.light,
        "word": {"zh": light.title.zh, "en": light.title.en},
        "reasons": {"zh": reasons.zh, "en": reasons.en},
        "why": _why(light),
        "source": light.source,
        "evidence": target.evidence.kind,
        "measure": target.measure if target.confirmed else "",
        "as_of": light.as_of,
        "units": [one for unit in (clause.of("lead") if clause else ()) for one in unit.organisations],
    }


def _why(light: TargetLight) -> dict[str, str]:
    """Return the reasons that alone make the light what it is."""
    parts = [part.text for part in light.parts if part.light == light.light]
    return {"zh": "；".join(one.zh for one in parts), "en": "; ".join(one.en for one in parts)}


def asked_text(target: TargetView) -> str:
    """Return what a target asks for as people read it: ≥55%, 40–60张."""
    value = target.value
    figure = "–".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"{_SIGNS.get(target.comparator, '')}{figure}{target.unit}"


def _figure(value: Figure) -> str | list[str]:
    return [str(one) for one in value] if isinstance(value, tuple) else str(value)


def _lexeme(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _duty(duty: DutyView, task: Resource) -> dict[str, Any]:
    said = inputs(task)
    history = events(task)
    done = duty.final and task.get("status") == "completed"
    deadline = deadline_of(task)
    due = _text(said.get("due")) or (_day(deadline) if deadline else "")
    return {
        "task": duty.task,
        "number": number_of(task),
        "clause": duty.clause,
        "unit": duty.unit,
        "role": "cooperating" if duty.parent else "lead",
        "state": {"id": state_of(task), "zh": duty.state.zh, "en": duty.state.en},
        "status": str(task.get("status", "")),
        "due": due,
        "asked": {name: _text(said.get(name)) for name in ASKED},
        "overdue_days": duty.overdue_days,
        "urged": urged_of(task),
        **{name: _tally(task, url) for name, url in TALLIES.items()},
        "slips": {name: _tally(task, url) for name, url in SLIPS.items()},
        "opened": _day(datetime.fromisoformat(task["authoredOn"])) if task.get("authoredOn") else "",
        "completed": _day(history[-1].when) if done and history else "",
    }


def _tally(task: Resource, url: str) -> int:
    found = (one.get("valueInteger", 0) for one in task.get("extension", ()) if one.get("url") == url)
    return int(next(found, 0))


def _day(moment: datetime) -> str:
    return moment.astimezone(CITY_ZONE).date().isoformat()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")
