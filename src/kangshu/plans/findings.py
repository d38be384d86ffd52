"""What a person does to a reading: confirm, correct, split, merge, add, put aside. Pure.

Every finding keeps its anchor (offsets and hash) in the source text, also one that was corrected, split or added.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Final

from kangshu.base.faults import Invalid, NotFound
from kangshu.plans import shape
from kangshu.plans.elements import extension_value, extensions, replace_extension
from kangshu.plans.finding_words import ClauseWords, MoneyWords, TargetWords, Words, target_finding
from kangshu.plans.marks import Hand, Located, is_clause, locate, mark, next_number, retire, walk
from kangshu.plans.reading import Anchor, MoneyFinding, TaskFinding
from kangshu.plans.units import ResolvedUnit
from kangshu.plans.view import anchor_of, units_of
from kangshu.sdk import Resource

_EDGES: Final = "；;，,、 \t\n　"
Resolve = Callable[[str], ResolvedUnit]


def accept(plan: Resource, findings: Sequence[str], hand: Hand) -> None:
    """Confirm findings as they were read. Raises NotFound."""
    for finding in findings:
        mark(locate(plan, finding).element, "accepted", hand)


def correct(plan: Resource, finding: str, words: Words, resolve: Resolve, hand: Hand) -> None:
    """Put what a person says in the place of what was read; the anchor stays. Raises NotFound, Invalid."""
    found = locate(plan, finding)
    match found.kind, words:
        case "clause", ClauseWords():
            _write_clause(found.element, words, resolve)
        case "target", TargetWords():
            _write_target(found.element, words)
        case "money", MoneyWords():
            _write_money(found.element, words)
        case _:
            raise Invalid(f"'{finding[:60]}' is of another kind", zh="提交的内容与该项的类型不符")
    mark(found.element, "corrected", hand)


def split(plan: Resource, text: str, finding: str, at: int, hand: Hand) -> str:
    """Cut a clause in two before offset `at` of the source; return the id of the second half.

    Both halves have the clause's units; its targets go to the half in which they stand. Raises NotFound, Invalid.
    """
    found = locate(plan, finding)
    anchor = anchor_of(found.element, shape.ANCHOR)
    if found.kind != "clause" or anchor is None or not anchor.start < at < anchor.end:
        raise Invalid(
            "the place to cut lies within the clause", zh="请在该条款的原文中间选择拆分处", expression="at"
        )
    first, second = _anchor(text, anchor.start, at), _anchor(text, at, anchor.end)
    if first is None or second is None:
        raise Invalid(
            "one of the halves would be empty", zh="拆分后有一半没有文字，请另选位置", expression="at"
        )
    other = deepcopy(found.element)
    other["id"] = f"clause-{next_number(plan, 'clause'):03d}"
    kept = (shape.UNITS_ANCHOR, shape.MODE, shape.UNIT)
    other["extension"] = [deepcopy(one) for one in other["extension"] if one.get("url") in kept]
    goals = {str(goal["id"]): goal for goal in plan.get("goal", ())}
    later = [one for one in found.element.get("goalId", ()) if _start(goals.get(str(one))) >= second.start]
    _set_goals(found.element, [one for one in found.element.get("goalId", ()) if one not in later])
    _set_goals(other, later)
    for half, place in ((found.element, first), (other, second)):
        _set_text(half, words_at(text, place))
        replace_extension(half, shape.ANCHOR, shape.anchor_extension(shape.ANCHOR, place))
        mark(half, "split", hand)
    found.among.insert(found.among.index(found.element) + 1, other)
    return str(other["id"])


def following(plan: Resource, finding: str) -> Resource | None:
    """Return the clause that follows a clause in the document, None after the last. Raises NotFound."""
    found = locate(plan, finding)
    later = [
        action for action, _ in walk(plan) if is_clause(action) and _start(action) > _start(found.element)
    ]
    return min(later, key=_start, default=None) if found.kind == "clause" else None


def merge(plan: Resource, text: str, finding: str, hand: Hand) -> str:
    """Join a clause with the one that follows it in the document; return the id that is gone. Raises NotFound."""
    one, other = locate(plan, finding).element, following(plan, finding)
    if other is None:
        raise NotFound("no clause follows this one", zh="后面没有条款了，无法合并")
    places = [place for place in (anchor_of(one, shape.ANCHOR), anchor_of(other, shape.ANCHOR)) if place]
    said = str(one.get("description", ""))
    gap = "" if said.endswith(("。", "；", ";", "，", "：", ":")) else "；"
    _set_text(one, f"{said}{gap}{other.get('description', '')}")
    known = {unit.written for unit in units_of(one) if unit.role == "lead"}
    leads = [unit for unit in extensions(other, shape.UNIT) if extension_value(unit, "role") == "lead"]
    known.update(str(extension_value(unit, "written")) for unit in leads)
    own = [
        unit
        for unit in extensions(one, shape.UNIT)
        if extension_value(unit, "role") == "lead" or extension_value(unit, "written") not in known
    ]
    for unit in extensions(other, shape.UNIT):
        written = extension_value(unit, "written")
        lead = extension_value(unit, "role") == "lead"
        if not any(extension_value(held, "written") == written for held in own) and (
            lead or written not in known
        ):
            own.append(unit)
    _set_units(one, own)
    _set_goals(one, [*one.get("goalId", ()), *other.get("goalId", ())])
    if places:
        whole = Anchor.at(text, min(place.start for place in places), max(place.end for place in places))
        replace_extension(one, shape.ANCHOR, shape.anchor_extension(shape.ANCHOR, whole))
    mark(one, "merged", hand)
    gone = str(other["id"])
    _remove(locate(plan, gone))
    retire(plan, gone, "clause", str(other.get("description", "")), "merged", f"→ {finding}", hand)
    return gone


def add(plan: Resource, text: str, start: int, end: int, words: Words, resolve: Resolve, hand: Hand) -> str:
    """Add what the reader missed at `text[start:end]`; return its id. Raises Invalid."""
    place = _anchor(text, start, end)
    if place is None:
        raise Invalid("choose the words in the document", zh="请先在原文中选中对应的文字", expression="words")
    match words:
        case ClauseWords():
            return _add_clause(plan, text, place, words, resolve, hand)
        case TargetWords():
            return _add_target(plan, text, place, words, hand)
        case MoneyWords():
            number = next_number(plan, "money")
            rule = shape.money_extension(
                number,
                MoneyFinding(text[place.start : place.end], words.amount, None, "CNY", None, None, place),
            )
            _write_money(rule, words)
            mark(rule, "added", hand)
            plan.setdefault("extension", []).append(rule)
            return f"money-{number:03d}"


def reject(plan: Resource, finding: str, note: str, hand: Hand) -> None:
    """Put aside what is no finding; the targets of such a clause stay with its section. Raises NotFound."""
    found = locate(plan, finding)
    if found.kind == "clause":
        text = str(found.element.get("description", ""))
        if found.element.get("goalId"):
            found.section["goalId"] = [*found.section.get("goalId", ()), *found.element["goalId"]]
    elif found.kind == "target":
        text = str(extension_value(found.element, shape.SPAN) or found.element["description"]["text"])
        for action, _ in walk(plan):
            _set_goals(action, [one for one in action.get("goalId", ()) if one != finding])
    else:
        text = str(extension_value(found.element, "span") or "")
    _remove(found)
    retire(plan, finding, found.kind, text, "rejected", note.strip()[:300], hand)


def words_at(text: str, place: Anchor) -> str:
    """Return the words of a place, without the line breaks of the page."""
    return re.sub(r"\s*\n\s*", "", text[place.start : place.end]).strip(_EDGES)


def _anchor(text: str, start: int, end: int) -> Anchor | None:
    """Return the anchor of a place without blanks and separators at its edges, None where nothing is left."""
    if not 0 <= start < end <= len(text):
        return None
    piece = text[start:end]
    first = start + len(piece) - len(piece.lstrip(_EDGES))
    last = end - (len(piece) - len(piece.rstrip(" \t\n　")))
    return Anchor.at(text, first, last) if first < last else None


def _remove(found: Located) -> None:
    found.among.remove(found.element)
    if not found.among:  # FHIR knows no empty list
        del found.section["goal" if found.kind == "target" else "action"]


def _start(element: Resource | None) -> int:
    place = anchor_of(element, shape.ANCHOR) if element else None
    return place.start if place else -1


def _set_text(action: Resource, text: str) -> None:
    action["description"], action["title"] = text, shape.title_of(text)


def _set_goals(action: Resource, goals: Sequence[object]) -> None:
    if goals:
        action["goalId"] = list(dict.fromkeys(goals))
    else:
        action.pop("goalId", None)


def _set_units(action: Resource, units: Sequence[Resource]) -> None:
    kept = [one for one in action.get("extension", ()) if one.get("url") != shape.UNIT]
    action["extension"] = [*kept, *units]


def _write_clause(action: Resource, words: ClauseWords, resolve: Resolve) -> None:
    if not words.text.strip():
        raise Invalid("a clause has a text", zh="请填写条款内容", expression="text")
    held = {str(extension_value(one, "written")): one for one in extensions(action, shape.UNIT)}
    units: list[Resource] = []
    for role, names in (("lead", words.lead), ("cooperating", words.cooperating)):
        for name in dict.fromkeys(names):
            before = held.get(name)
            if before is None:
                units.append(shape.unit_extension("lead" if role == "lead" else "cooperating", resolve(name)))
                continue
            unit = deepcopy(before)
            next(part for part in unit["extension"] if part["url"] == "role")["valueCode"] = role
            units.append(unit)
    _set_text(action, words.text.strip())
    _set_units(action, units)


def _write_target(goal: Resource, words: TargetWords) -> None:
    place = anchor_of(goal, shape.ANCHOR) or Anchor(0, 0, "")
    due = str(extension_value(goal, shape.DUE) or "")
    new = shape.goal_element(0, target_finding(words, str(extension_value(goal, shape.SPAN) or ""), place))
    if shape.is_masked(due) and words.due.strip() not in (due, ""):
        raise Invalid(
            "a year that the document masks is entered with its source",
            zh="文件隐去的年份请在“隐去的年份”或“补录”中录入并注明来源",
            expression="due",
        )
    goal["description"], goal["target"][:1] = new["description"], new["target"]
    replace_extension(goal, shape.COMPARATOR, next(extensions(new, shape.COMPARATOR)))
    if words.due.strip() != due:
        replace_extension(goal, shape.DUE, next(extensions(new, shape.DUE), None))
        replace_extension(goal, shape.DUE_SOURCE, None)


def _write_money(rule: Resource, words: MoneyWords) -> None:
    if not words.amount.strip():
        raise Invalid("a money rule has an amount", zh="请填写金额或比例", expression="amount")
    for name in ("amount", "cap", "per", "condition"):
        value = str(getattr(words, name)).strip()
        replace_extension(rule, name, {"url": name, "valueString": value} if value else None)


def _add_clause(
    plan: Resource, text: str, place: Anchor, words: ClauseWords, resolve: Resolve, hand: Hand
) -> str:
    if not words.text.strip():
        words = ClauseWords(words_at(text, place), words.lead, words.cooperating)
    section = _section_at(plan, place.start)
    number = next_number(plan, "clause")
    task = TaskFinding("", words.text[:20], words.text, (), (), "unspecified", place, place)
    action = shape.clause_action(number, task, resolve)
    _write_clause(action, words, resolve)
    goals = {str(goal["id"]): goal for goal in plan.get("goal", ())}
    within = [
        one for one in section.get("goalId", ()) if place.start <= _start(goals.get(str(one))) < place.end
    ]
    _set_goals(section, [one for one in section.get("goalId", ()) if one not in within])
    _set_goals(action, within)
    mark(action, "added", hand)
    listed: list[Resource] = section.setdefault("action", [])
    before = [at for at, one in enumerate(listed) if not is_clause(one) or _start(one) <= place.start]
    listed.insert(before[-1] + 1 if before else 0, action)
    return str(action["id"])


def _add_target(plan: Resource, text: str, place: Anchor, words: TargetWords, hand: Hand) -> str:
    number = next_number(plan, "target")
    goal = shape.goal_element(number, target_finding(words, text[place.start : place.end], place))
    mark(goal, "added", hand)
    plan.setdefault("goal", []).append(goal)
    owner = next(
        (
            action
            for action, _ in walk(plan)
            if is_clause(action)
            and (held := anchor_of(action, shape.ANCHOR)) is not None
            and held.start <= place.start < held.end
        ),
        None,
    ) or _section_at(plan, place.start)
    _set_goals(owner, [*owner.get("goalId", ()), goal["id"]])
    return str(goal["id"])


def _section_at(plan: Resource, start: int) -> Resource:
    """Return the innermost heading that stands at or before an offset."""
    sections = [action for action, _ in walk(plan) if not is_clause(action)]
    before = [one for one in sections if _start(one) <= start]
    return max(before, key=_start) if before else sections[0]
