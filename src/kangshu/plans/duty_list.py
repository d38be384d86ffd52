"""责任清单: what is asked of a unit for a clause in a year, kept on the clause of the plan. Pure.

    PlanDefinition.action.extension[duty-entry]   one per lead unit and year: lead-unit, year, annual-target, …,
                                                  co-unit*, due, quarter* (number, text, due), evidence

An entry makes its clause a key point of that year (年度要点). 交办 copies it into the duty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final

from kangshu.base.canonical import structure
from kangshu.base.faults import Invalid, NotFound
from kangshu.plans.elements import extension_value, extensions
from kangshu.plans.model import ClauseView
from kangshu.plans.view import clauses_of
from kangshu.sdk import Resource

DUTY_ENTRY: Final = structure("duty-entry")
QUARTERS: Final = ("一季度", "二季度", "三季度", "四季度")
_LONGEST: Final = 2000
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_NODE: Final = re.compile(
    r"(?:^|[；;\n])\s*(?:第)?([一二三四1-4])季度\s*[:：]|(?:^|[；;\n])\s*Q([1-4])\s*[:：]"
)
_NODE_DAY: Final = re.compile(r"[（(]\s*(\d{4}-\d{2}-\d{2})\s*前[）)]\s*\Z")
_NUMBERS: Final = {"一": 1, "二": 2, "三": 3, "四": 4}
_LABEL: Final = re.compile(r"[（(]?[\d一二三四五六七八九十]+[)）、.．]\s*")
_SENTENCE: Final = re.compile(r"[。；;\n]+")
_ENCOURAGES: Final = ("鼓励", "支持")


@dataclass(frozen=True, slots=True)
class QuarterNode:
    """What is to be done in one quarter; `due` is a day within it (ISO), "" for its last."""

    text: str = ""
    due: str = ""


NO_NODES: Final = (QuarterNode(), QuarterNode(), QuarterNode(), QuarterNode())


@dataclass(frozen=True, slots=True)
class DutyEntry:
    """One line of the list of duties. Units are ids of organisations, days are ISO, "" stands for not said."""

    clause: str
    lead_unit: str
    year: int
    annual_target: str = ""
    outcome_form: str = ""
    completion_standard: str = ""
    lead_leader: str = ""
    responsible_section: str = ""
    liaison: str = ""
    co_units: tuple[str, ...] = ()
    due: str = ""
    quarter_nodes: tuple[QuarterNode, ...] = NO_NODES
    evidence: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what there is one entry of: clause, lead unit, year."""
        return self.clause, self.lead_unit, self.year


TEXTS: Final = (
    "annual_target", "outcome_form", "completion_standard", "lead_leader", "responsible_section", "liaison",
    "evidence",
)  # fmt: skip
"""The fields of an entry that are plain words."""


def clean(text: str) -> str:
    """Return text as it is kept: trimmed lines, without signs that a workbook cannot hold."""
    lines = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return "\n".join(filter(None, (line.strip() for line in lines)))[:_LONGEST].strip()


def cleaned(entry: DutyEntry) -> DutyEntry:
    """Return the entry in the form in which it is kept. Raises Invalid for a day that is none."""
    for day in (entry.due, *(node.due for node in entry.quarter_nodes)):
        if day and not is_day(day):
            raise Invalid(f"'{day[:20]}' is no day", zh=f"“{day[:20]}”不是有效日期", expression="due")
    texts: dict[str, Any] = {name: clean(getattr(entry, name)) for name in TEXTS}
    nodes = parse_nodes(write_nodes(entry.quarter_nodes))
    units = tuple(dict.fromkeys(one for one in entry.co_units if one and one != entry.lead_unit))
    return replace(entry, **texts, quarter_nodes=nodes, co_units=units)


def is_day(text: str) -> bool:
    """Return whether `text` is an ISO day."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def write_nodes(nodes: Iterable[QuarterNode]) -> str:
    """Return the four nodes as one cell: a line per quarter that has one."""
    lines = []
    for title, node in zip(QUARTERS, nodes, strict=True):
        text = " ".join(clean(node.text).split())
        if text:
            lines.append(f"{title}：{text}" + (f"（{node.due}前）" if node.due else ""))
    return "\n".join(lines)


def parse_nodes(text: str) -> tuple[QuarterNode, ...]:
    """Return the four nodes of a cell: 一季度：…（2027-03-31前）, in lines or between semicolons; Q1: … too.

    Raises Invalid for words before the first quarter's name.
    """
    text = clean(text)
    found = list(_NODE.finditer(text))
    if text and (not found or text[: found[0].start()].strip()):
        raise Invalid(
            "quarter nodes are written as 一季度：…",
            zh="季度节点应写作“一季度：…；二季度：…”",
            expression="quarter_nodes",
        )
    nodes: list[QuarterNode] = list(NO_NODES)
    for place, match in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        said = " ".join(text[match.end() : end].split()).rstrip("；; ")
        day = _NODE_DAY.search(said)
        due = day[1] if day and is_day(day[1]) else ""
        if day and due:
            said = said[: day.start()].rstrip("；; ")
        number = _NUMBERS.get(match[1] or match[2]) or int(match[1] or match[2])
        held = nodes[number - 1]
        nodes[number - 1] = QuarterNode("；".join(filter(None, (held.text, said))), due or held.due)
    return tuple(node if node.text else QuarterNode() for node in nodes)


def node_due(entry: DutyEntry, quarter: int) -> date:
    """Return the day by which the node of a quarter (1–4) is due: its own, else the last of the quarter."""
    own = entry.quarter_nodes[quarter - 1].due
    if own:
        return date.fromisoformat(own)
    return date(entry.year, quarter * 3, 31 if quarter in (1, 4) else 30)


def needs_standard(clause: ClauseView) -> bool:
    """Return whether a clause encourages or supports (its first sentence after the heading) and names no figure."""
    sentences = [_LABEL.sub("", one.strip(), count=1) for one in _SENTENCE.split(clause.text) if one.strip()]
    body = sentences[1:] if len(sentences) > 1 and sentences[0] in clause.title else sentences
    return not clause.targets and bool(body) and body[0].startswith(_ENCOURAGES)


def is_vague(clause: ClauseView, entry: DutyEntry | None) -> bool:
    """Return whether the clause is 待明确: it encourages, and nobody has said when it counts as done."""
    return needs_standard(clause) and not (entry is not None and entry.completion_standard)


def entries_of(plan: Resource) -> tuple[DutyEntry, ...]:
    """Return every entry of the plan, in the order of its clauses."""
    return tuple(
        _read(str(action["id"]), one)
        for action, _, _ in clauses_of(plan)
        for one in extensions(action, DUTY_ENTRY)
    )


def entry_for(entries: Iterable[DutyEntry], clause: str, lead: str, year: int) -> DutyEntry | None:
    """Return the entry of a clause and lead unit for `year`; the latest before it where that year has none."""
    found = [one for one in entries if one.clause == clause and one.lead_unit == lead and one.year <= year]
    return max(found, key=lambda one: one.year, default=None)


def put_entries(plan: Resource, entries: Iterable[DutyEntry]) -> None:
    """Put entries on their clauses, in place of those with the same clause, lead unit and year. Raises NotFound."""
    actions = {str(action["id"]): action for action, _, _ in clauses_of(plan)}
    for entry in entries:
        if entry.clause not in actions:
            raise NotFound("the plan has no such clause", zh="规划中没有该条款")
        action = actions[entry.clause]
        kept = list(_others(action, entry.key))
        action["extension"] = [*kept, _written(cleaned(entry))]


def take_entry(plan: Resource, key: tuple[str, str, int]) -> None:
    """Take an entry away. Raises NotFound."""
    for action, _, _ in clauses_of(plan):
        kept = list(_others(action, key))
        if len(kept) < len(action.get("extension", ())):
            action["extension"] = kept
            if not kept:
                del action["extension"]
            return
    raise NotFound("the list has no such entry", zh="责任清单中没有该项")


def _others(action: Resource, key: tuple[str, str, int]) -> Iterator[Resource]:
    for one in action.get("extension", ()):
        if one.get("url") != DUTY_ENTRY or _read(str(action["id"]), one).key != key:
            yield one


def _read(clause: str, extension: Resource) -> DutyEntry:
    nodes = list(NO_NODES)
    for one in extensions(extension, "quarter"):
        number = int(extension_value(one, "number"))
        nodes[number - 1] = QuarterNode(
            str(extension_value(one, "text") or ""), str(extension_value(one, "due") or "")
        )
    texts = {name: str(extension_value(extension, name.replace("_", "-")) or "") for name in TEXTS}
    return DutyEntry(
        clause,
        _unit(extension_value(extension, "lead-unit")),
        int(extension_value(extension, "year") or 0),
        co_units=tuple(_unit(one.get("valueReference")) for one in extensions(extension, "co-unit")),
        due=str(extension_value(extension, "due") or ""),
        quarter_nodes=tuple(nodes),
        **texts,
    )


def _unit(reference: Any) -> str:
    return str((reference or {}).get("reference", "")).removeprefix("Organization/")


def _written(entry: DutyEntry) -> Resource:
    parts: list[Resource] = [
        _pointer("lead-unit", entry.lead_unit),
        {"url": "year", "valueInteger": entry.year},
    ]
    for name in TEXTS:
        if value := getattr(entry, name):
            parts.append({"url": name.replace("_", "-"), "valueString": value})
    parts += [_pointer("co-unit", one) for one in entry.co_units]
    if entry.due:
        parts.append({"url": "due", "valueDate": entry.due})
    for number, node in enumerate(entry.quarter_nodes, 1):
        if node.text:
            inner: list[Resource] = [
                {"url": "number", "valueInteger": number},
                {"url": "text", "valueString": node.text},
            ]
            if node.due:
                inner.append({"url": "due", "valueDate": node.due})
            parts.append({"url": "quarter", "extension": inner})
    return {"url": DUTY_ENTRY, "extension": parts}


def _pointer(url: str, organisation: str) -> Resource:
    return {"url": url, "valueReference": {"reference": f"Organization/{organisation}"}}


def form_values(entry: DutyEntry) -> dict[str, Any]:
    """Return what 交办 copies into the duty, by the names of its form's fields."""
    said: dict[str, Any] = {name: getattr(entry, name) for name in TEXTS if name != "evidence"}
    said |= {"year": entry.year, "asked_evidence": entry.evidence}
    for number, node in enumerate(entry.quarter_nodes, 1):
        if node.text:
            said[f"quarter_{number}"] = node.text
            said[f"quarter_{number}_due"] = node_due(entry, number).isoformat()
    return {name: value for name, value in said.items() if value}


FIELDS: Final = tuple(one.name for one in fields(DutyEntry))
"""The names of an entry's fields."""
