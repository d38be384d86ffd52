"""公文与引用: the official documents of a case, what they cite, and the draws of a case with their proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.base.faults import NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.sdk import CITED_FIELD, CaseDeclaration, Field, Resource
from kangshu.web.forms import told
from kangshu.web.visit import Visit, texts

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF: Final = "application/pdf"
_DISPUTE: Final = "conference-issue"
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class ShownPaper:
    """One document of a case: kept (with its number and day) or to be taken as a draft."""

    title: str
    address: str
    portable: str
    """Address of the same as pdf."""
    kept: bool
    number: str = ""
    made: str = ""
    digest: str = ""
    intact: bool = True
    facts: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class CasePapers:
    """What the case page shows of documents, citations and draws; addresses are "" where there is nothing to open."""

    papers: Sequence[ShownPaper]
    citations: str
    cited: int
    draws: str
    dispute: str
    """Where this case can be put to the conference."""


async def papers_of(visit: Visit, id_: str, task: Resource, declaration: CaseDeclaration) -> CasePapers:
    """Return the documents of a case and the pages that belong to it."""
    platform, grant = visit.platform, visit.grant
    shown = [
        ShownPaper(
            visit.words.of(one.title),
            f"/files/{one.file}" if one.reference else f"/cases/{id_}/papers/{one.document}.docx",
            f"/cases/{id_}/kept/{one.file}.pdf"
            if one.reference
            else f"/cases/{id_}/papers/{one.document}.pdf",
            bool(one.reference),
            one.number,
            one.made,
            one.sha256,
            one.intact,
            one.facts,
        )
        for one in await platform.papers.papers(grant, id_)
    ]
    citing = await _citing_move(visit, task) if platform.papers.cites(task) else ""
    held = platform.papers.keys(task)
    conference = platform.cases.carrying(_DISPUTE)
    disputable = (
        declaration.carries == "duty"
        and conference is not None
        and task.get("status") not in ("completed", "cancelled")
        and conference in platform.cases.startable(grant)
    )
    return CasePapers(
        shown,
        f"/cases/{id_}/citations" if citing or held else "",
        len(held),
        f"/cases/{id_}/draws" if await platform.cases.draws(grant, id_) else "",
        f"/cases/start/{conference.code}?about=Task/{id_}" if disputable and conference else "",
    )


def cites(form: Sequence[Field]) -> bool:
    """Return whether a move's form is the one that citations are chosen on, on a page of its own."""
    return any(one.id == CITED_FIELD for one in form)


async def _citing_move(visit: Visit, task: Resource) -> str:
    """Return the id of the move by which this account may choose what is cited now, "" for none."""
    found = (one for one in await visit.platform.cases.offers(visit.grant, task) if cites(one.move.form))
    return next((one.move.id for one in found if one.blocked is None), "")


async def draft(visit: Visit) -> Response:
    """Return a draft of a document as the case stands now."""
    name, data = await visit.platform.papers.draft(visit.grant, visit.path("id"), visit.path("document"))
    return visit.download(data, name, DOCX)


async def draft_pdf(visit: Visit) -> Response:
    """Return the same as pdf."""
    name, data = await visit.platform.papers.draft(
        visit.grant, visit.path("id"), visit.path("document"), "pdf"
    )
    return visit.download(data, name, PDF)


async def kept_pdf(visit: Visit) -> Response:
    """Return a kept document as pdf."""
    name, data = await visit.platform.papers.kept_pdf(visit.grant, visit.path("file"))
    return visit.download(data, name, PDF)


async def citations(visit: Visit) -> Response:
    """Show what may be cited, by words, and what is."""
    return await _citations(visit)


async def cite(visit: Visit) -> Response:
    """Keep what is cited: what was ticked, and what was cited already and is not on this page."""
    id_ = visit.path("id")
    task = (await visit.platform.store.read(visit.grant, "Task", id_)).resource
    move = await _citing_move(visit, task)
    if not move:
        raise NotFound("this case cites nothing now", zh="该办件当前不能选择引用")
    form = texts(await visit.form())
    ticked = [name.removeprefix("cite:") for name in form if name.startswith("cite:")]
    listed = {name.removeprefix("listed:") for name in form if name.startswith("listed:")}
    kept = [one for one in visit.platform.papers.keys(task) if one not in listed]
    try:
        await visit.platform.cases.move(visit.grant, id_, move, {CITED_FIELD: [*kept, *ticked]})
    except Unprocessable as fault:
        return await _citations(
            visit, "；".join(told(visit.words, fault)) or visit.words.of(Text(fault.zh, fault.text))
        )
    return visit.go(f"/cases/{id_}", said="moved")


async def _citations(visit: Visit, wrong: str = "") -> Response:
    id_, text = visit.path("id"), visit.query("text")[:60]
    task = (await visit.platform.store.read(visit.grant, "Task", id_)).resource
    if not visit.platform.papers.cites(task):
        raise NotFound("this case cites nothing", zh="该办件没有引用")
    held = set(visit.platform.papers.keys(task))
    found = await visit.platform.papers.citable(visit.grant, text)
    ordered = sorted(found, key=lambda one: (one.key not in held, one.what != "target"))
    return visit.render(
        "citations.html",
        422 if wrong else 200,
        id=id_,
        title=str(task.get("description", "")),
        text=text,
        rows=ordered[:_MOST],
        more=max(0, len(ordered) - _MOST),
        held=held,
        open=bool(await _citing_move(visit, task)),
        wrong=wrong,
    )


async def draws(visit: Visit) -> Response:
    """Show the draws of a case: candidates, those left out with the reason, the seed, the lots, and whether it holds."""
    id_ = visit.path("id")
    found = await visit.platform.cases.draws(visit.grant, id_)
    if not found:
        raise NotFound("this case has drawn nothing", zh="该办件没有抽取记录")
    row = await visit.platform.cases.row(visit.grant, id_)
    return visit.render("draws.html", id=id_, title=row.title, number=row.number, draws=found)
