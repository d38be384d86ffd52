"""批量办理: several cases marked in a list, one move that all of them offer and that asks for nothing but an opinion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.web.rows import WorkRow, work_row
from kangshu.web.visit import Visit, texts
from kangshu.web.waiting import forget

_MOST: Final = 50


@dataclass(slots=True)
class Act:
    """One move with the cases on which it may be made now. `moves` are `case id.version`, as the form sends them."""

    id: str
    title: str
    tone: str
    rows: list[WorkRow] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)
    opinion: str = ""
    """Title of the opinion (field `comment`) that the move asks for, one for all; "" for none."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one case."""

    title: str
    address: str
    fault: str
    state: str


async def preview(visit: Visit) -> Response:
    """Show what could be done with the marked cases, and on which of them."""
    ids = list(dict.fromkeys(visit.request.query_params.getlist("id")))[:_MOST]
    wanted = visit.query("move")
    acts: dict[tuple[str, str], Act] = {}
    alone: list[WorkRow] = []
    for id_ in ids:
        try:
            row = await visit.platform.cases.row(visit.grant, id_)
            offers = [one for one in await visit.platform.cases.offers(visit.grant, id_) if _simple(one)]
            offers = [one for one in offers if wanted in ("", one.move.id)]
        except Fault:
            continue
        shown = work_row(visit.words, row)
        for offer in offers:
            move = offer.move
            act = acts.setdefault(
                (row.code, move.id),
                Act(move.id, visit.words.of(move.title), move.tone, opinion=_opinion(visit, move)),
            )
            act.rows.append(shown)
            act.moves.append(f"{row.id}.{row.version}")
        if not offers:
            alone.append(shown)
    ordered = sorted(acts.values(), key=lambda one: (one.tone != "primary", -len(one.rows)))
    return visit.render("batch.html", acts=ordered, alone=alone, asked=len(ids), done=())


def _simple(offer: Any) -> bool:
    """Return whether a move can be made now without filling in anything but an opinion."""
    return (
        offer.blocked is None
        and all(one.id == "comment" for one in offer.move.form if one.required)
        and all(one.met for one in offer.checklist)
    )


def _opinion(visit: Visit, move: Any) -> str:
    return next((visit.words.of(one.title) for one in move.form if one.required), "")


async def move(visit: Visit) -> Response:
    """Make one move on each of the chosen cases; each stands or falls alone, and the page tells which."""
    form, words, cases = texts(await visit.form()), visit.words, visit.platform.cases
    done: list[Done] = []
    for one in list(filter(None, form.get("case", "").split(",")))[:_MOST]:
        id_, _, version = one.rpartition(".")
        title, fault, state = id_, "", ""
        try:
            title = work_row(words, await cases.row(visit.grant, id_)).title
            await cases.move(
                visit.grant,
                id_,
                form.get("move", ""),
                {"comment": form["comment"]} if form.get("comment") else {},
                if_match=whole_number(version),
            )
            state = work_row(words, await cases.row(visit.grant, id_)).state
        except Fault as refused:
            fault = Text(refused.zh, refused.text).in_language(words.language)
        done.append(Done(title, f"/cases/{id_}", fault, state))
    forget(visit.grant)
    return visit.render("batch.html", acts=(), alone=(), asked=len(done), done=done)
