"""A snapshot's content read for reports: counts, words of lights, who leads. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kangshu.documents import ReportBar, Toned
from kangshu.plans.model import LIGHT_TITLES, PLAN_STATE_TITLES, Light
from kangshu.plans.snapshot_model import FrozenSnapshot

Item = Mapping[str, Any]
LIGHTS: Final[Sequence[Light]] = ("red", "amber", "green", "grey")
"""The order in which a report tells of lights: what needs a hand first."""
CLOSED: Final = frozenset({"completed", "cancelled", "rejected", "failed", "entered-in-error"})
"""Codes of Task.status of a duty on which nobody works any more."""
_LONG_TITLE: Final = 16
"""Characters of a plan's title beside which 进展报告 finds no room on the line."""
SOURCES: Final[Mapping[str, str]] = {
    "measure": "系统指标",
    "reported": "单位填报",
    "statistics": "统计数据",
    "": "",
}


def light_cell(light: str, word: str = "") -> Toned:
    """Return a light as a cell: its word (the light's own, or 到期 of a plan that has ended), in its colour."""
    known: Light = next((one for one in LIGHTS if one == light), "grey")
    return Toned(word or LIGHT_TITLES[known].zh, known)


def target_light(target: Item) -> Toned:
    """Return a target's light as a cell."""
    return light_cell(target["light"], target["word"]["zh"])


def lights_of(targets: Iterable[Item]) -> dict[Light, int]:
    """Return how many targets show each light."""
    found = Counter(one["light"] for one in targets)
    return {light: found.get(light, 0) for light in LIGHTS}


def lights_bar(caption: str, targets: Iterable[Item]) -> ReportBar:
    """Return the targets' lights as a bar."""
    return ReportBar(
        caption, [(LIGHT_TITLES[light].zh, number, light) for light, number in lights_of(targets).items()]
    )


def plans_of(snapshot: FrozenSnapshot) -> list[dict[str, Any]]:
    """Return the plans of a snapshot."""
    return list(snapshot.content["plans"])


def lead_duties(plan: Item) -> list[dict[str, Any]]:
    """Return the duties of lead units; those of co-units are parts of them."""
    return [one for one in plan["duties"] if one["role"] == "lead"]


def is_open(duty: Item) -> bool:
    """Return whether somebody still works on a duty."""
    return duty["status"] not in CLOSED


def overdue(duties: Iterable[Item]) -> list[Item]:
    """Return the overdue duties, the longest overdue first."""
    late = [one for one in duties if is_open(one) and one["overdue_days"] > 0]
    return sorted(late, key=lambda one: (-one["overdue_days"], one["number"], one["task"]))


def unit_names(snapshot: FrozenSnapshot) -> dict[str, str]:
    """Return name by id of the organisations in the snapshot."""
    return {one["id"]: one["name"] for one in snapshot.content["units"]}


def units_text(clause: Item, role: str) -> str:
    """Return the units of a clause that have `role`: by the name in the register, else as the document writes them."""
    said = [
        "、".join(filter(None, one["names"])) or one["written"]
        for one in clause["units"]
        if one["role"] == role
    ]
    return "、".join(dict.fromkeys(said))


def chapter_titles(plan: Item) -> dict[str, str]:
    """Return title by id of the plan's chapters."""
    return {one["id"]: one["title"] for one in plan["chapters"]}


def clauses_by_id(plan: Item) -> dict[str, Item]:
    """Return the clauses by id."""
    return {one["id"]: one for one in plan["clauses"]}


def due_text(target: Item) -> str:
    """Return until when a target is to be reached; a masked or missing year is said to be unknown."""
    due = str(target["due"])
    return f"{due}年" if due.isdigit() else "未明确"


def figure(lexeme: object) -> Decimal | None:
    """Return a figure of the content to two places as reports print it; None for none, and for words."""
    try:
        value = Decimal(str(lexeme)) if isinstance(lexeme, str) else None
    except InvalidOperation:
        return None
    if value is None:
        return None
    short = round(value, 2).normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def actual_cell(target: Item) -> Decimal | str | None:
    """Return the value of a target; with its unit where that is another than the target's (a share of those that meet it)."""
    value = figure(target["actual"])
    same = value is None or target["actual_unit"] == target["unit"]
    return value if same else f"{value}{target['actual_unit']}"


def state_word(plan: Item) -> str:
    """Return the word of a plan's state."""
    found = next((title for state, title in PLAN_STATE_TITLES.items() if state == plan["state"]), None)
    return found.zh if found else str(plan["state"])


def office_of(snapshot: FrozenSnapshot) -> str:
    """Return who made the table: the unit that froze, else the system's calendar."""
    return str(snapshot.content["snapshot"].get("office") or "系统定时冻结")


def title_of(plans: Sequence[Item], kind: str) -> str:
    """Return a report's title: the plan's and what the report is, on a line of its own where the plan's is long."""
    if len(plans) != 1:
        return f"规划{kind}"
    title = str(plans[0]["title"])
    return "\n".join((title, kind)) if len(title) > _LONG_TITLE else title + kind


def facts_of(snapshot: FrozenSnapshot) -> tuple[tuple[str, str], ...]:
    """Return what stands below every report's title."""
    return (
        ("快照编号", snapshot.number),
        ("数据截至", snapshot.day.isoformat()),
        ("制表单位", office_of(snapshot)),
    )


def mark_of(snapshot: FrozenSnapshot) -> str:
    """Return what stands on every page: the number, as of when, the digest's beginning; that it is demonstration data."""
    demo = "　演示数据" if snapshot.demo else ""
    return f"{snapshot.number}　数据截至{snapshot.day.isoformat()}　校验 {snapshot.sha256[:12]}{demo}"


def named(plans: Sequence[Item]) -> str:
    """Return the plans' titles in quotation marks."""
    return "".join(f"《{one['title']}》" for one in plans)
