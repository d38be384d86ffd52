"""The plan's document: its text with what was read from it, each finding one click from its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from starlette.responses import Response

from kangshu.web.pages.figures_text import due_text, short, target_text
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.visit import Visit


class Place(Protocol):
    """Offsets in the text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """One finding and where it stands. Later kinds lie above earlier ones."""

    id: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text under the same findings, and where it stands. `first` is set where the uppermost finding begins."""

    text: str
    start: int
    finding: str = ""
    kind: str = ""
    all: str = ""
    first: bool = False
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One finding in the list on the right."""

    id: str
    title: str
    note: str
    tone: str = ""
    light: str = ""


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one kind."""

    title: str
    items: list[Item]


def paragraphs(
    text: str, marks: Iterable[Mark], chosen: str = "", span: tuple[int, int] | None = None
) -> list[list[Run]]:
    """Return the text's paragraphs within `span` cut into runs, so that every finding, also one within another, can be lit."""
    first, last = span or (0, len(text))
    ordered = sorted(
        (one for one in marks if first <= one.start < one.end <= last), key=lambda m: (m.start, -m.end)
    )
    cuts = {first, last}
    for one in ordered:
        cuts.update((one.start, one.end))
    breaks = [index for index in range(first, last) if text[index] == "\n"]
    cuts.update(breaks)
    cuts.update(index + 1 for index in breaks)
    bounds = sorted(cuts)
    found: list[list[Run]] = [[]]
    seen: set[str] = set()
    open_marks: list[Mark] = []
    upcoming = 0
    for start, end in pairwise(bounds):
        while upcoming < len(ordered) and ordered[upcoming].start <= start:
            open_marks.append(ordered[upcoming])
            upcoming += 1
        open_marks = [one for one in open_marks if one.end > start]
        piece = text[start:end]
        if piece == "\n":
            if found[-1]:
                found.append([])
            continue
        found[-1].append(_run(piece, start, open_marks, seen, chosen))
    return [one for one in found if any(run.text.strip() for run in one)]


def _run(piece: str, start: int, over: Sequence[Mark], seen: set[str], chosen: str) -> Run:
    if not over:
        return Run(piece, start)
    top = min(over, key=lambda one: one.end - one.start)
    fresh = next((one for one in (top, *over) if one.id not in seen), None)
    seen.update(one.id for one in over)
    ids = [one.id for one in over]
    return Run(piece, start, (fresh or top).id, top.kind, " ".join(ids), fresh is not None, chosen in ids)


def marks_of(plan: Any) -> list[Mark]:
    """Return where everything stands that was read of a plan; what lies within another comes later."""
    listed = (("task", plan.clauses), ("target", plan.targets), ("money", plan.money), ("doubt", plan.doubts))
    return [Mark(one.id, kind, one.anchor.start, one.anchor.end) for kind, found in listed for one in found]


def place_address(plan: str, place: Place) -> str:
    """Return the page of the document with one place of its text lit, whether it is a finding or not."""
    return f"/plans/{plan}/document?clause=place&at={place.start}-{place.end}#place"


def _asked(visit: Visit) -> list[Mark]:
    """Return the place that the address names (`at=120-140`)."""
    start, _, end = visit.query("at").partition("-")
    return [Mark("place", "named", int(start), int(end))] if start.isdecimal() and end.isdecimal() else []


async def document(visit: Visit) -> Response:
    """Show the document with one finding lit (`?clause=`)."""
    return shown(visit, await visit.platform.plans.plan(visit.grant, visit.path("id")))


def shown(visit: Visit, plan: Any, notice: str = "", restore: str = "", seen: int = 0) -> Response:
    """Show the document of a plan with what was read of it.

    `notice` says which version it is, `restore` is where the form goes that brings it back in the place of version `seen`.
    """
    words, chosen = visit.words, visit.query("clause")
    groups = [
        FindingGroup(words("目标"), [_target(visit, plan, one) for one in plan.targets]),
        FindingGroup(words("任务条款"), [_clause(one) for one in plan.clauses]),
        FindingGroup(
            words("资金规则"),
            [
                Item(one.id, short(one.span, 40), " ".join(filter(None, (one.amount, one.per))))
                for one in plan.money
            ],
        ),
        FindingGroup(words("待人工核对"), [Item(one.id, words.of(one.text), "") for one in plan.doubts]),
    ]
    return visit.render(
        "document.html",
        title=plan.title,
        address=f"/plans/{plan.id}",
        paragraphs=paragraphs(plan.text, [*marks_of(plan), *_asked(visit)], chosen, plan.span),
        chosen=chosen,
        findings=[group for group in groups if group.items],
        notice=notice,
        restore=restore,
        seen=seen,
    )


def _target(visit: Visit, plan: Any, target: Any) -> Item:
    light = target.light.light
    note = " · ".join(filter(None, (target_text(target), due_text(visit, target))))
    if plan.foreign:
        return Item(target.id, short(target.indicator, 40), note)
    return Item(target.id, short(target.indicator, 40), note, light, visit.words(LIGHT_WORDS[light]))


def _clause(clause: Any) -> Item:
    return Item(
        clause.id, short(clause.title or clause.text, 40), "、".join(one.written for one in clause.of("lead"))
    )
