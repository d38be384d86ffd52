"""销号条件 of a case as a list of ticks, and the cases that belong with it: what it is about, and what is about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kangshu.base.canonical import CASE_KIND
from kangshu.base.faults import Fault
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.web.rows import WorkRow, work_rows
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Tick:
    """One item: whether it is met, what proves it, and the field whose words would meet it too."""

    title: str
    met: bool
    state: str
    evidence: Sequence[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """The conditions of one move."""

    title: str
    items: Sequence[Tick]

    @property
    def met(self) -> int:
        """Return how many items are met."""
        return sum(one.met for one in self.items)

    @property
    def missing(self) -> int:
        """Return how many are not."""
        return len(self.items) - self.met


async def checklists(visit: Visit, task: Resource, declaration: CaseDeclaration) -> list[Checklist]:
    """Return the conditions under which the case may be ended, and those of the moves that the visitor may make, as they
    stand now."""
    words, cases = visit.words, visit.platform.cases
    listed = {one.move.id: one for one in await cases.conditions(visit.grant, task)}
    if any(one.checklist and one.id not in listed for one in declaration.moves):
        offered = await cases.offers(visit.grant, task)
        listed |= {one.move.id: one for one in offered if one.checklist and one.move.id not in listed}
    found = []
    for offer in listed.values():
        fields = {one.id: words.of(one.title) for one in offer.move.form}
        ticks = [
            Tick(
                words.of(one.item.title),
                one.met,
                words("已具备") if one.met else words("未具备"),
                one.evidence,
                fields.get(one.item.reason, ""),
            )
            for one in offer.checklist
        ]
        found.append(Checklist(words("“{move}”的条件", move=words.of(offer.move.title)), ticks))
    return found


async def related_cases(visit: Visit, id_: str, task: Resource) -> list[WorkRow]:
    """Return the case that this one is about and the cases about this one, as far as the visitor sees them."""
    store, cases = visit.platform.store, visit.platform.cases
    listed = await store.search_all(visit.grant, "Task", f"focus=Task/{id_}")
    focus = str((task.get("focus") or {}).get("reference", ""))
    if focus.startswith("Task/"):
        try:
            listed.insert(0, (await store.read(visit.grant, "Task", focus.removeprefix("Task/"))).resource)
        except Fault:
            listed = list(listed)
    rows = []
    for one in listed:
        if any(coding.get("system") == CASE_KIND for coding in one.get("code", {}).get("coding", ())):
            rows.append(await cases.row(visit.grant, str(one["id"])))
    return work_rows(visit.words, rows)
