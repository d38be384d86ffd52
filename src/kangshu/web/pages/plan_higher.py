"""下级落实情况: each clause of a higher plan, the own clauses that carry it out with their lights, and those that may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from starlette.responses import Response

from kangshu.base.faults import Invalid
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.visit import Visit, texts

_LIGHTS: Final = ("red", "amber", "green", "grey")
_SHOWN: Final = {"": "全部", "open": "尚无落实条款", "carried": "已有落实条款"}


@dataclass(frozen=True, slots=True)
class Below:
    """An own clause that carries out a higher one, or may."""

    id: str
    title: str
    note: str
    address: str
    tone: str
    light: str


@dataclass(frozen=True, slots=True)
class Row:
    """A higher clause."""

    id: str
    title: str
    text: str
    address: str
    carriers: list[Below]
    offered: list[Below]


async def higher(visit: Visit) -> Response:
    """Show the coverage of a higher plan (`?show=open` or `carried` for a part)."""
    words, id_, other = visit.words, visit.path("id"), visit.path("other")
    found = await visit.platform.lineage.coverage(visit.grant, id_, other)
    shown = visit.query("show") if visit.query("show") in _SHOWN else ""
    rows = [
        _row(visit, found, one)
        for one in found.clauses
        if not shown or (shown == "carried") == bool(one.carriers)
    ]
    return visit.render(
        "plan_higher.html",
        title=found.own.title,
        higher=found.higher.title,
        address=f"/plans/{id_}",
        here=f"/plans/{id_}/higher/{other}",
        rows=rows,
        total=len(found.clauses),
        carried=found.carried,
        lights=[(light, words(LIGHT_WORDS[light]), found.lights[light]) for light in _LIGHTS],
        filters=[(key, words(text)) for key, text in _SHOWN.items()],
        shown=shown,
        above=[(one.clause.id, one.clause.title) for one in found.clauses],
        own=[(one.id, one.title) for one in found.own.clauses],
        may_change=visit.grant.may("plan.link") and not found.own.foreign,
    )


async def decide(visit: Visit) -> Response:
    """Confirm or refuse that an own clause carries out a higher one, or take the answer back."""
    id_, other = visit.path("id"), visit.path("other")
    form = texts(await visit.form())
    decision = form.get("decision", "")
    if decision not in ("confirmed", "refused", "open"):
        raise Invalid("say confirmed, refused or open", zh="请选择确认、否定或撤销")
    clause, above = form.get("clause", ""), form.get("higher", "")
    await visit.platform.lineage.carry_out(visit.grant, id_, clause, other, above, cast("Any", decision))
    show = form.get("show", "")
    tail = f"?show={show}" if show in _SHOWN and show else ""
    return visit.go(f"/plans/{id_}/higher/{other}{tail}#{above}")


def _row(visit: Visit, found: Any, one: Any) -> Row:
    return Row(
        one.clause.id,
        one.clause.title,
        one.clause.text,
        clause_address(found.higher.id, one.clause.id),
        [_below(visit, found, carrier) for carrier in one.carriers],
        [_below(visit, found, carrier) for carrier in one.offered],
    )


def _below(visit: Visit, found: Any, carrier: Any) -> Below:
    words, clause = visit.words, carrier.clause
    lead = "、".join(unit.written for unit in clause.of("lead"))
    shared = words("相同：{words}", words="、".join(carrier.shared)) if carrier.shared else ""
    by = words("{name} 确认", name=carrier.by) if carrier.by else ""
    light = "" if found.own.foreign else clause.light
    return Below(
        clause.id,
        clause.title,
        " · ".join(filter(None, (lead, by or shared))),
        clause_address(found.own.id, clause.id),
        light,
        words(LIGHT_WORDS[light]) if light else "",
    )
