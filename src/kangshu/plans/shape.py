"""A reading as PlanDefinition, DocumentReference and Binary: how a plan stands in the records. Pure.

    PlanDefinition.action[]           one per heading (code `section`), nested as in the document;
                 .action[]            one per clause (code `clause`): text, units, mode, anchors, goalId
    PlanDefinition.goal[]             one per target: indicator, figure, comparator, due year, anchor
    PlanDefinition.type               plan, or reply to a proposal
    PlanDefinition.extension          district, source-document (with the part of it), foreign, money-rule, doubt, adopted-from

R4's action.participant knows no organisations, so units are extensions of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kangshu.base.canonical import BASE, DEMO_TAG, DISTRICT, code_system, structure
from kangshu.plans.model import Role
from kangshu.plans.reading import (
    Anchor,
    Heading,
    MoneyFinding,
    Reading,
    TargetFinding,
    TaskFinding,
    instrument_of,
)
from kangshu.plans.units import ResolvedUnit
from kangshu.sdk import Resource

DOCUMENT_HASH: Final = f"{BASE}/sid/document-sha256"
PLAN_ITEM: Final = code_system("plan-item")
PLAN_KIND: Final = code_system("plan-kind")
PLAN_KINDS: Final = {"plan": "规划", "reply": "复函"}
PLAN_CLAUSE: Final = code_system("plan-clause")
"""meta.tag of what carries a clause: code `<plan id>.<clause id>`."""
PLAN_TARGET: Final = code_system("plan-target")
"""meta.tag of what is about a target: code `<plan id>.<target id>`."""
MEASURE: Final = f"{BASE}/Measure"
ANCHOR, UNITS_ANCHOR = structure("anchor"), structure("units-anchor")
UNIT, MODE, SPAN = structure("responsible-unit"), structure("responsibility-mode"), structure("span")
COMPARATOR, DUE, LINK = structure("target-comparator"), structure("target-due"), structure("measure-link")
BASELINE, MONEY, DOUBT = structure("target-baseline"), structure("money-rule"), structure("doubt")
WORDED = structure("target-worded")
"""The document prints no number for it: the figure is how its words (全覆盖, 七大…) are understood."""
EVIDENCE, MILESTONE, QUOTA = (
    structure("target-evidence"),
    structure("target-milestone"),
    structure("target-quota"),
)
DUE_SOURCE, REFUSED = structure("target-due-source"), structure("measure-refused")
SOURCE, FOREIGN = structure("source-document"), structure("foreign-plan")
INSTRUMENT: Final = structure("policy-instrument")
PART: Final = structure("document-part")
"""Which of several plans of one document it is: number, and where it starts and ends in the text."""
ADOPTED_FROM, ADOPTED_AS = structure("adopted-from"), structure("adopted-as")
JURISDICTION: Final = "http://kangshu.org/fhir/sid/division"
ANNEX: Final = re.compile(r"^\s*附\s*件", re.MULTILINE)
_FHIR_COMPARATORS: Final = frozenset({"<", "<=", ">=", ">"})
_MASKED: Final = re.compile(r"[xX×]{2,}|[0-9]{2}[xX×]{2}")

Resolve = Callable[[str], ResolvedUnit]


@dataclass(frozen=True, slots=True)
class Part:
    """Where in its document a plan stands. `number` is 0 for a plan that is the whole document."""

    number: int = 0
    start: int = 0
    end: int = 0
    kind: str = "plan"


@dataclass(frozen=True, slots=True)
class Source:
    """The document that a plan comes from."""

    name: str
    media_type: str
    sha256: str
    title: str
    jurisdiction: str
    foreign: bool
    demo: bool
    part: Part = Part()

    @property
    def key(self) -> str:
        """Return what ids are made of: the start of the document's hash."""
        return self.sha256[:16]


def plan_id(sha256: str, number: int = 0) -> str:
    """Return the id of the plan that the document with this hash is, or of its plan `number` of several."""
    return f"plan-{sha256[:16]}" + (f"-{number}" if number else "")


@dataclass(slots=True)
class _Node:
    level: int
    start: int
    action: Resource


def anchor_extension(url: str, anchor: Anchor) -> Resource:
    """Return the extension that holds an anchor."""
    return {
        "url": url,
        "extension": [
            {"url": "start", "valueInteger": anchor.start},
            {"url": "end", "valueInteger": anchor.end},
            {"url": "hash", "valueString": anchor.hash},
        ],
    }


def is_masked(due: str | None) -> bool:
    """Return whether a due year is masked in the document (xxxx, 20xx)."""
    return bool(due) and bool(_MASKED.search(due or ""))


def plan_definition(reading: Reading, text: str, source: Source, resolve: Resolve, today: str) -> Resource:
    """Return the PlanDefinition of a reading of `text`, which is the whole document or the part that `source` names.

    The anchors of the plan stand in the whole document.
    """
    headings = [*reading.outline]
    annex = _annex(reading, text)
    if annex is not None:
        headings.append(annex)
    roots, nodes = _sections(headings, source.title, text)
    clause_spans: list[tuple[int, int, Resource]] = []
    for number, task in enumerate(reading.tasks, 1):
        action = clause_action(number, task, resolve)
        clause_spans.append((task.anchor.start, max(task.anchor.end, task.units_anchor.end), action))
        _around(nodes, task.anchor.start).setdefault("action", []).append(action)
    goals = []
    numbered = [(number, one, False) for number, one in enumerate(reading.targets, 1)]
    numbered += [(number, one, True) for number, one in enumerate(reading.worded, 1)]
    for number, target, worded in numbered:
        goal = goal_element(number, target, worded=worded)
        goals.append(goal)
        owner = _owner(clause_spans, target.anchor.start) or _around(nodes, target.anchor.start)
        owner.setdefault("goalId", []).append(goal["id"])
    extensions: list[Resource] = []
    if source.jurisdiction:
        extensions.append({"url": DISTRICT, "valueCode": source.jurisdiction})
    extensions += [
        {"url": SOURCE, "valueReference": {"reference": f"DocumentReference/document-{source.key}"}},
        {"url": FOREIGN, "valueBoolean": source.foreign},
    ]
    if source.part.number:
        extensions.append(_part_extension(source.part))
    extensions += [money_extension(number, rule) for number, rule in enumerate(reading.money, 1)]
    extensions += [_doubt(doubt) for doubt in reading.doubts]
    identifier = plan_id(source.sha256, source.part.number)
    plan: Resource = {
        "resourceType": "PlanDefinition",
        "id": identifier,
        "extension": extensions,
        "url": f"{BASE}/PlanDefinition/{identifier}",
        "identifier": [{"system": DOCUMENT_HASH, "value": source.sha256}],
        "name": identifier.capitalize().replace("-", "_"),
        "title": source.title,
        "type": {
            "coding": [
                {"system": PLAN_KIND, "code": source.part.kind, "display": PLAN_KINDS[source.part.kind]}
            ]
        },
        "status": "active",
        "date": today,
        "action": [node.action for node in roots],
    }
    if source.jurisdiction:
        plan["jurisdiction"] = [{"coding": [{"system": JURISDICTION, "code": source.jurisdiction}]}]
    if goals:
        plan["goal"] = goals
    _shift(plan, source.part.start)
    return tagged(plan, source.demo)


def _part_extension(part: Part) -> Resource:
    return {
        "url": PART,
        "extension": [
            {"url": "number", "valueInteger": part.number},
            {"url": "start", "valueInteger": part.start},
            {"url": "end", "valueInteger": part.end},
        ],
    }


def _shift(element: Resource, by: int) -> None:
    """Move every anchor of `element` from offsets in a part to offsets in the whole document."""
    if not by:
        return
    for extension in element.get("extension", ()):
        parts = {one.get("url"): one for one in extension.get("extension", ())}
        if parts.keys() == {"start", "end", "hash"}:
            parts["start"]["valueInteger"] += by
            parts["end"]["valueInteger"] += by
        else:
            _shift(extension, by)
    for inner in (*element.get("action", ()), *element.get("goal", ())):
        _shift(inner, by)


def documents(
    source: Source, data: str, text: str, now: str, *, preliminary: bool = False
) -> tuple[Resource, Resource, Resource]:
    """Return the Binary of the source, the Binary of its text and the DocumentReference over both.

    `data` and `text` are base64. A document is `preliminary` until a person has said which plans it holds.
    """
    original: Resource = {
        "resourceType": "Binary",
        "id": f"source-{source.key}",
        "contentType": source.media_type,
        "data": data,
    }
    plain: Resource = {
        "resourceType": "Binary",
        "id": f"text-{source.key}",
        "contentType": "text/plain",
        "data": text,
    }
    extensions = [{"url": DISTRICT, "valueCode": source.jurisdiction}] if source.jurisdiction else []
    for binary in (original, plain):  # a Binary takes no extensions; who may see it follows the document
        binary["securityContext"] = {"reference": f"DocumentReference/document-{source.key}"}
    reference: Resource = {
        "resourceType": "DocumentReference",
        "id": f"document-{source.key}",
        "identifier": [{"system": DOCUMENT_HASH, "value": source.sha256}],
        "status": "current",
        "docStatus": "preliminary" if preliminary else "final",
        "type": {"coding": [{"system": PLAN_ITEM, "code": "plan-document", "display": "规划文件"}]},
        "date": now,
        "description": source.title,
        "content": [
            {
                "attachment": {
                    "contentType": source.media_type,
                    "url": f"Binary/source-{source.key}",
                    "title": source.name,
                }
            },
            {
                "attachment": {
                    "contentType": "text/plain",
                    "url": f"Binary/text-{source.key}",
                    "title": "text",
                }
            },
        ],
    }
    if extensions:
        reference["extension"] = list(extensions)
    return tagged(original, source.demo), tagged(plain, source.demo), tagged(reference, source.demo)


def tagged(resource: Resource, demo: bool) -> Resource:
    """Return `resource`, marked as demonstration data where `demo`."""
    if demo:
        resource["meta"] = {"tag": [{"system": DEMO_TAG, "code": "demo", "display": "演示数据"}]}
    return resource


def unit_extension(role: Role, unit: ResolvedUnit, *, by: str = "", outside: bool = False) -> Resource:
    """Return the extension of one responsible unit. `by` is who said it; `outside` says that it is none of ours."""
    parts: list[Resource] = [
        {"url": "role", "valueCode": role},
        {"url": "written", "valueString": unit.written},
    ]
    parts += [
        {"url": "organisation", "valueReference": {"reference": f"Organization/{one}"}}
        for one in unit.organisations
    ]
    if outside or unit.outside:
        parts.append({"url": "outside", "valueBoolean": True})
    if by or unit.by:
        parts.append({"url": "by", "valueString": by or unit.by})
    return {"url": UNIT, "extension": parts}


def number_or_none(value: object) -> Decimal | None:
    """Return a figure as Decimal; None for ratios and other words."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _annex(reading: Reading, text: str) -> Heading | None:
    """Return a heading for the annex that a task table stands in, when the outline has none there."""
    last = max((heading.anchor.start for heading in reading.outline), default=-1)
    matches = [match for match in ANNEX.finditer(text) if match.start() > last]
    if not matches:
        return None
    found = matches[-1] if len(matches) == 1 else matches[0]
    end = text.find("\n", found.end())
    end = len(text) if end < 0 else end
    line = text[found.start() : end].strip()
    if not any(task.anchor.start > found.start() for task in reading.tasks):
        return None
    label, _, title = line.partition("：") if "：" in line else ("附件", "", line)
    return Heading(1, label, re.sub(r"[（(].*$", "", title) or line, Anchor.at(text, found.start(), end))


def _sections(headings: Iterable[Heading], title: str, text: str) -> tuple[list[_Node], list[_Node]]:
    roots: list[_Node] = []
    nodes: list[_Node] = []
    stack: list[_Node] = []
    for heading in sorted(headings, key=lambda one: one.anchor.start):
        node = _Node(heading.level, heading.anchor.start, _section(len(nodes) + 1, heading))
        while stack and stack[-1].level >= heading.level:
            stack.pop()
        if stack:
            stack[-1].action.setdefault("action", []).append(node.action)
        else:
            roots.append(node)
        stack.append(node)
        nodes.append(node)
    if not nodes or nodes[0].start > 0:  # what stands before the first heading
        opening = Heading(1, "", title or "正文", Anchor.at(text, 0, 0))
        node = _Node(1, -1, _section(0, opening))
        roots.insert(0, node)
        nodes.insert(0, node)
    return roots, nodes


def _section(number: int, heading: Heading) -> Resource:
    return {
        "id": f"section-{number:03d}",
        "extension": [anchor_extension(ANCHOR, heading.anchor)],
        "prefix": heading.label or "—",
        "title": heading.title or heading.label or "—",
        "code": [{"coding": [{"system": PLAN_ITEM, "code": "section"}]}],
    }


def _around(nodes: list[_Node], start: int) -> Resource:
    """Return the action of the innermost section that starts at or before `start`."""
    found = nodes[0]
    for node in nodes:
        if node.start <= start + 8:  # a run-in heading's label stands just before its clause
            found = node
    return found.action


def _owner(spans: list[tuple[int, int, Resource]], start: int) -> Resource | None:
    return next((action for first, last, action in spans if first <= start < last), None)


def clause_action(number: int, task: TaskFinding, resolve: Resolve) -> Resource:
    """Return the action of a clause."""
    extensions = [
        anchor_extension(ANCHOR, task.anchor),
        anchor_extension(UNITS_ANCHOR, task.units_anchor),
        {"url": MODE, "valueCode": task.mode},
        {"url": INSTRUMENT, "valueCode": instrument_of(task.text)},
    ]
    extensions += [unit_extension("lead", resolve(unit)) for unit in task.lead]
    extensions += [unit_extension("cooperating", resolve(unit)) for unit in task.cooperating]
    text = task.text.strip() or task.text_start
    return {
        "id": f"clause-{number:03d}",
        "extension": extensions,
        "title": title_of(text),
        "description": text,
        "code": [{"coding": [{"system": PLAN_ITEM, "code": "clause"}]}],
    }


def title_of(text: str) -> str:
    """Return what a clause is called: the beginning of its text."""
    head = re.split(r"[。；;\n]", text, maxsplit=1)[0].strip()
    return head if len(head) <= 40 else head[:39] + "…"


def goal_element(number: int, target: TargetFinding, *, worded: bool = False) -> Resource:
    """Return the goal of a target; `worded` marks a figure that is said in words and numbers it apart."""
    extensions: list[Resource] = [
        anchor_extension(ANCHOR, target.anchor),
        {"url": SPAN, "valueString": target.span},
        {"url": COMPARATOR, "valueCode": target.comparator},
    ]
    if target.deadline:
        extensions.append({"url": DUE, "valueString": target.deadline})
    if worded:
        extensions.append({"url": WORDED, "valueBoolean": True})
    indicator = target.indicator.strip() or target.span
    return {
        "id": f"target-w{number:02d}" if worded else f"target-{number:03d}",
        "extension": extensions,
        "description": {"text": indicator},
        "target": [{"measure": {"text": indicator}, **_figure(target)}],
    }


def _figure(target: TargetFinding) -> dict[str, Any]:
    value = target.value
    unit = {"unit": target.unit} if target.unit else {}
    if isinstance(value, tuple):
        low, high = (Decimal(str(one)) for one in value[:2])
        return {"detailRange": {"low": {"value": low, **unit}, "high": {"value": high, **unit}}}
    number = number_or_none(value)
    if number is None:
        return {"detailCodeableConcept": {"text": f"{value}{target.unit}"}}
    quantity: dict[str, Any] = {"value": number, **unit}
    if target.comparator in _FHIR_COMPARATORS:
        quantity["comparator"] = target.comparator
    return {"detailQuantity": quantity}


def money_extension(number: int, rule: MoneyFinding) -> Resource:
    """Return the extension of a money rule."""
    parts: list[Resource] = [
        {"url": "id", "valueString": f"money-{number:03d}"},
        {"url": "span", "valueString": rule.span},
        {"url": "amount", "valueString": written(rule.amount)},
        anchor_extension("anchor", rule.anchor),
    ]
    for name, value in (("cap", rule.cap), ("per", rule.per), ("condition", rule.condition)):
        if value is not None and written(value):
            parts.append({"url": name, "valueString": written(value)})
    return {"url": MONEY, "extension": parts}


def written(value: object) -> str:
    """Return a figure as it is kept in words; a range with a dash."""
    return "—".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _doubt(doubt: Any) -> Resource:
    return {
        "url": DOUBT,
        "extension": [
            {"url": "kind", "valueCode": doubt.kind},
            {"url": "zh", "valueString": doubt.text.zh},
            {"url": "en", "valueString": doubt.text.en},
            anchor_extension("anchor", doubt.anchor),
            *([anchor_extension("other", doubt.other)] if doubt.other else []),
        ],
    }
