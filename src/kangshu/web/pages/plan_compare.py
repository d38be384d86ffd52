"""Two plans clause by clause: side by side, words that changed marked, duties that carry what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.web.pages.clauses import clause_address
from kangshu.web.visit import Visit

KINDS: Final = {"changed": "修改", "added": "新增", "removed": "删去", "same": "未变"}
TONES: Final = {"changed": "amber", "added": "green", "removed": "red", "same": ""}


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty that carries the clause of the old version."""

    title: str
    state: str
    address: str


@dataclass(frozen=True, slots=True)
class Change:
    """One clause side by side."""

    kind: str
    word: str
    tone: str
    moved: bool
    old: list[Any]
    new: list[Any]
    old_address: str
    new_address: str
    facts: list[str]
    duties: list[Duty]


async def compare(visit: Visit) -> Response:
    """Show what changed from the plan `other` to this one; `?all=true` also what did not."""
    words, id_, other = visit.words, visit.path("id"), visit.path("other")
    found = await visit.platform.lineage.compare(visit.grant, id_, other)
    everything = visit.query("all") == "true"
    changes = [
        _change(visit, found, one) for one in found.clauses if everything or one.kind != "same" or one.moved
    ]
    around = await visit.platform.lineage.relations(visit.grant, id_)
    return visit.render(
        "plan_compare.html",
        title=found.new.title,
        address=f"/plans/{id_}",
        here=f"/plans/{id_}/compare/{other}",
        old=found.old,
        new=found.new,
        counts=[
            (words(text), sum(one.kind == key for one in found.clauses), TONES[key])
            for key, text in KINDS.items()
        ],
        moved=found.moved,
        facts=[words.of(one.text) for one in found.facts],
        changes=changes,
        duties=sum(len(one.duties) for one in changes),
        everything=everything,
        linked=any(one.id == other for one in around.before),
        may_change=visit.grant.may("plan.link") and not found.new.foreign,
    )


def _change(visit: Visit, found: Any, one: Any) -> Change:
    gone = one.old is not None and one.kind in ("changed", "removed")
    carried = [duty for duty in one.old.duties if not duty.parent] if gone else []
    return Change(
        one.kind,
        visit.words(KINDS[one.kind]),
        TONES[one.kind],
        one.moved,
        [piece for piece in one.pieces if piece.kind != "inserted"],
        [piece for piece in one.pieces if piece.kind != "deleted"],
        clause_address(found.old.id, one.old.id) if one.old is not None else "",
        clause_address(found.new.id, one.new.id) if one.new is not None else "",
        [visit.words.of(fact.text) for fact in one.facts],
        [
            Duty(duty.unit_name or duty.unit, visit.words.of(duty.state), f"/cases/{duty.task}")
            for duty in carried
        ],
    )
