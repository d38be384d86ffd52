"""办件: where it stands, its material and history, and the moves that I may make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from string import Template
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from kangshu.api import name_of
from kangshu.base.canonical import CASE_KIND
from kangshu.base.faults import (
    Conflict,
    Fault,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unprocessable,
    UnsupportedMedia,
)
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import STAY, CaseDeclaration, Field, Resource
from kangshu.web.attachments import with_papers
from kangshu.web.clinical import said_in
from kangshu.web.forms import FormField, form_fields, sent_values, shown_value, told
from kangshu.web.lookup import choices_of, named, with_columns, with_residents
from kangshu.web.pages.calculations import calculations_of
from kangshu.web.pages.case_checks import checklists, related_cases
from kangshu.web.pages.case_papers import cites, papers_of
from kangshu.web.pages.clauses import clause_of
from kangshu.web.pages.instructing import instructions_on_case
from kangshu.web.parts import Fact, Link
from kangshu.web.proposals import names_for, proposals_of, with_proposals
from kangshu.web.rows import work_row, work_rows
from kangshu.web.visit import Visit, texts, within

_POINTERS: Final = frozenset({"organisation", "resident", "practitioner", "reference"})
"""Kinds of fields whose value is a reference to a record."""


@dataclass(frozen=True, slots=True)
class Step:
    """One state in the stepper: `past`, `now` or `next`."""

    title: str
    when: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history."""

    title: str
    by: str
    change: str
    note: str
    at: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ShownMove:
    """A move with its form; `blocked` says why it is not possible yet."""

    id: str
    title: str
    tone: str
    fields: Sequence[FormField]
    blocked: str = ""
    open: bool = False
    files: bool = False
    tables: tuple[str, ...] = ()
    """Ids of the tables in its form: they ask for room, and go out and in as workbooks."""


async def case(visit: Visit) -> Response:
    """Show one case."""
    return await case_page(visit, visit.path("id"))


async def move(visit: Visit) -> Response:
    """Make a move; a refused form comes back on the case page with what is wrong."""
    id_, move_id = visit.path("id"), visit.path("move")
    cases = visit.platform.cases
    sent = await visit.form()
    form = texts(sent)
    task = (await visit.platform.store.read(visit.grant, "Task", id_)).resource
    chosen = next((one for one in cases.declaration(case_kind(task)).moves if one.id == move_id), None)
    fields = chosen.form if chosen else ()
    values, version = sent_values(fields, form), form.get("_version", "")
    try:
        values = await with_residents(visit, fields, values)
        subject = str((task.get("for") or {}).get("reference", ""))
        values, papers = await with_papers(visit, fields, sent, values, subject)
        await cases.move(
            visit.grant,
            id_,
            move_id,
            values,
            if_match=whole_number(version),
            papers=papers,
        )
    except (Unprocessable, Conflict, PreconditionFailed, TooLarge, UnsupportedMedia) as fault:
        held = gathered_by(await cases.history(visit.grant, id_))
        return await case_page(
            visit, id_, move_id, _with_held(fields, sent_values(fields, form), held), fault
        )
    return visit.go(within(form["_back"]) if form.get("_back") else f"/cases/{id_}", said="moved")


def _with_held(fields: Sequence[Field], values: dict[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form sent, the rows of its tables with the columns that the case holds, to be shown again."""
    for field in fields:
        if field.kind == "table" and not field.grows and field.id in values:
            rows = zip(held.get(field.id, ()), values[field.id], strict=False)
            values[field.id] = [{**before, **sent} for before, sent in rows]
    return values


async def case_page(
    visit: Visit,
    id_: str,
    tried: str = "",
    values: Mapping[str, Any] | None = None,
    fault: Fault | None = None,
    read_in: str = "",
) -> Response:
    """Return the page of one case; see `case_view`."""
    view = await case_view(visit, id_, tried, values, fault, read_in)
    return visit.render("case.html", 422 if fault else 200, **view)


async def case_view(
    visit: Visit,
    id_: str,
    tried: str = "",
    values: Mapping[str, Any] | None = None,
    fault: Fault | None = None,
    read_in: str = "",
) -> dict[str, Any]:
    """Return what the page of one case shows; `tried` is the move whose form stands open with `values` in it.

    `fault` is why the move was refused, `read_in` says that the values come from a workbook and wait to be sent.
    """
    words, cases = visit.words, visit.platform.cases
    stored = await visit.platform.store.read(visit.grant, "Task", id_)
    task = stored.resource
    declaration = cases.declaration(case_kind(task))
    row = work_row(words, await cases.row(visit.grant, id_))
    history = await cases.history(visit.grant, id_)
    titles = {state.id: words.of(state.title) for state in declaration.states}
    visited = [event.target for event in history if event.target]
    gathered = gathered_by(history)
    known = {**gathered, **cases.held_values(task)}
    asked = {field.id for field in declaration.form}
    held = {key: value for key, value in gathered.items() if key in asked}
    moves: list[ShownMove] = []
    for offer in await cases.offers(visit.grant, task):
        if cites(offer.move.form):
            continue  # chosen on a page of its own
        mine = offer.move.id == tried
        rows = await cases.first_rows(visit.grant, task, offer.move)
        first = {one.id: known[one.prefill] for one in offer.move.form if one.prefill in known}
        choices = await _choices(visit, id_, offer.move.id, offer.move.form)
        # what the start form draws stands as it was chosen there; else all is ticked at first
        fresh = (one.id for one in offer.move.form if one.draws and one.id not in {*asked, *gathered})
        first |= {name: [reference for reference, _ in choices.get(name, ())] for name in fresh}
        moves.append(
            ShownMove(
                offer.move.id,
                words.of(offer.move.title),
                offer.move.tone,
                with_proposals(
                    with_questionnaires(
                        visit,
                        offer.move.form,
                        form_fields(
                            words,
                            offer.move.form,
                            values if mine and values else {**first, **held, **rows},
                            fault.issues if mine and fault else (),
                            choices,
                        ),
                        task,
                    ),
                    await proposals_of(
                        visit,
                        offer.move.form,
                        names_for(visit, task, **gathered) if offer.blocked is None else {},
                    ),
                ),
                words.of(offer.blocked) if offer.blocked is not None else "",
                mine or (not tried and offer.blocked is None and _first_primary(offer.move.tone, moves)),
                any(
                    one.kind == "attachment"
                    for field in offer.move.form
                    for one in (field, *(column for column in field.columns if not column.fixed))
                ),
                tuple(field.id for field in offer.move.form if field.kind == "table"),
            )
        )
    return {
        "row": row,
        "address": f"/cases/{id_}",
        "version": stored.version,
        "desks": desk_links(visit, declaration.code, id_),
        "steps": _steps(declaration, visited, row.state_id, titles),
        "facts": await _facts(visit, declaration, task, gathered),
        "clause": await clause_of(visit, task),
        "instructions": await instructions_on_case(visit, id_),
        "instruct_address": f"/cases/{id_}/instruct"
        if row.open
        and declaration.carries != "instruction"
        and visit.platform.plans.may_instruct(visit.grant)
        else "",
        "children": work_rows(words, await cases.children(visit.grant, id_)),
        "related": await related_cases(visit, id_, task),
        "checklists": await checklists(visit, task, declaration),
        "papers": await papers_of(visit, id_, task, declaration),
        "calculations": await calculations_of(visit, id_),
        "codes": await cases.codes(visit.grant, id_),
        "events": [
            Event(
                _move_title(visit, declaration, event.move, event.title),
                " · ".join(filter(None, (event.organisation_name, event.who or event.account))),
                _change(titles, event.source, event.target),
                event.comment if event.comment != event.title else "",
                event.when.isoformat(),
                "red" if _danger(declaration, event.move) else "",
            )
            for event in reversed(history)
        ],
        "moves": moves,
        "issues": told(words, fault) if fault else [],
        "read_in": read_in,
        "closed_text": words("办件已办结，没有后续操作。")
        if not row.open
        else words("当前环节由“{unit}”办理，您可以查看进展。", unit=row.owner or row.requester or "—"),
    }


def case_kind(task: Resource) -> str:
    """Return the case kind of a Task. Raises NotFound for a Task that is no case."""
    for coding in task.get("code", {}).get("coding", ()):
        if coding.get("system") == CASE_KIND:
            return str(coding["code"])
    raise NotFound("this task is no case", zh="这不是办件")


def desk_links(visit: Visit, code: str, id_: str) -> list[Link]:
    """Return the way from a case to its card, none where its kind has no desk."""
    found = [one for one in visit.platform.cases.desks.declarations if f"{one.service}/{one.case}" == code]
    return [Link(visit.words("办理卡片"), f"/cases/{id_}/card") for _ in found]


def _steps(
    declaration: CaseDeclaration, visited: Sequence[str], now: str, titles: Mapping[str, str]
) -> list[Step]:
    """Return the way so far, the present state, and the straightest way on to an end."""
    past = list(dict.fromkeys(state for state in visited if state != now))
    ahead: list[str] = []
    final = {state.id for state in declaration.states if state.final}
    here = now
    while here not in final and len(ahead) < 8:
        onward = next(
            (
                one.target
                for one in declaration.moves
                if here in one.sources
                and one.tone == "primary"
                and one.target not in (*past, *ahead, now, STAY)
            ),
            None,
        )
        if onward is None:
            break
        ahead.append(onward)
        here = onward
    steps = [Step(titles.get(state, state), "past") for state in past]
    steps.append(Step(titles.get(now, now), "now"))
    return steps + [Step(titles.get(state, state), "next") for state in ahead]


def gathered_by(history: Iterable[Any]) -> dict[str, Any]:
    """Return the last value of each field that the forms of this case have gathered."""
    found: dict[str, Any] = {}
    for event in history:
        found.update({key: value for key, value in event.values.items() if value is not None})
    return found


def _first_primary(tone: str, before: Iterable[ShownMove]) -> bool:
    """Return whether this is the first move that leads on: its form stands open."""
    return tone == "primary" and not any(one.open for one in before)


def with_questionnaires(
    visit: Visit, fields: Sequence[Field], shown: Sequence[FormField], task: Resource
) -> list[FormField]:
    """Return a move's form in which each field that a questionnaire gives leads to filling it in for this case."""
    held = visit.platform.cases.held_values(task)
    named = {
        field.id: Template(field.questionnaire).safe_substitute(held)
        for field in fields
        if field.questionnaire
    }
    subject = str((task.get("for") or {}).get("reference", ""))
    here = {"subject": subject, "about": f"Task/{task['id']}", "back": f"/cases/{task['id']}"}
    return [
        replace(
            one,
            link=(visit.words("填写量表"), f"/questionnaires/{named[one.name]}/new?{urlencode(here)}"),
        )
        if one.name in named
        else one
        for one in shown
    ]


async def _choices(
    visit: Visit, id_: str, move: str, fields: Sequence[Field]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return what may be chosen in a move's form; fields bound to the case ask the engine."""
    asked = with_columns(fields)
    found = await choices_of(visit, asked)
    for field in asked:
        if field.kind == "reference" or field.criteria:
            records = await visit.platform.cases.candidates(visit.grant, id_, move, field.id)
            found[field.id] = await named(visit, records)
    return found


async def _facts(
    visit: Visit, declaration: CaseDeclaration, task: Resource, gathered: Mapping[str, Any]
) -> list[Fact]:
    """Return what the forms of this case have gathered, in the order of the declaration."""
    words = visit.words
    facts: list[Fact] = []
    reference = str((task.get("for") or {}).get("reference", ""))
    if reference.startswith("Patient/"):
        try:
            patient = await visit.platform.store.read(visit.grant, "Patient", reference[8:])
        except Fault:
            facts.append(Fact(words("居民"), words("无权查看")))
        else:
            facts.append(Fact(words("居民"), name_of(patient.resource), f"/residents/{reference[8:]}"))
    seen: set[str] = set()
    gathered = {**gathered, **visit.platform.cases.kept_values(task)}
    fields = [
        *declaration.form,
        *declaration.kept,
        *(field for one in declaration.moves for field in one.form),
    ]
    choices = await choices_of(visit, [field for field in fields if field.id in gathered])
    for field in fields:
        if field.id in seen or field.id not in gathered or field.id == "comment" or field.hidden:
            continue
        seen.add(field.id)
        value = gathered[field.id]
        if field.kind == "table":
            facts.append(_table_fact(visit, field, value))
            continue
        if field.kind == "attachment":
            held = value if isinstance(value, list) else [value]
            links = [(await _name(visit, str(one)), f"/files/{str(one)[18:]}/preview") for one in held if one]
            facts.append(Fact(words.of(field.title), "", wide=True, links=tuple(links)))
            continue
        if field.draws:
            if not _gathered(declaration, field) & gathered.keys():  # else the table tells it as it was
                facts.append(Fact(words.of(field.title), await _names(visit, value), wide=True))
            continue
        text = shown_value(words, field, value, choices)
        if isinstance(value, str) and field.kind in _POINTERS and text == value:
            text = await _name(visit, value)
            if address := _address_of(value):
                facts.append(Fact(words.of(field.title), "", links=((text, address),)))
                continue
        facts.append(Fact(words.of(field.title), text, wide=field.kind == "paragraph" or len(text) > 40))
    return facts


def _address_of(reference: str) -> str:
    """Return the page of a paper or a case that a field points to, "" for other records."""
    kind, _, id_ = reference.partition("/")
    return {"DocumentReference": f"/files/{id_}", "Task": f"/cases/{id_}"}.get(kind, "")


def _table_fact(visit: Visit, field: Field, rows: Any) -> Fact:
    """Return a table of the case as people read it: the columns in which something stands."""
    words = visit.words
    listed = (one for one in field.columns if not one.hidden)
    used = [one for one in listed if any(row.get(one.id) not in (None, "", []) for row in rows)]
    cells = tuple(tuple(_cell_text(visit, one, row.get(one.id)) for one in used) for row in rows)
    return Fact(words.of(field.title), "", heads=tuple(words.of(one.title) for one in used), rows=cells)


def _cell_text(visit: Visit, column: Field, value: Any) -> str:
    if column.kind == "attachment":
        count = len(value) if isinstance(value, list) else int(value is not None)
        return visit.words("{count} 份", count=count) if count else ""
    return shown_value(visit.words, column, value)


def _gathered(declaration: CaseDeclaration, field: Field) -> set[str]:
    """Return the tables that effects fill with what stands in the records that this field has chosen."""
    chosen = {f"%{one.id}" for one in declaration.records if f"${{{field.id}.id}}" in one.criteria}
    effects = (one for move in declaration.moves for one in move.effects)
    return {str(one["gather"]) for one in effects if one.get("of") in chosen}


async def _names(visit: Visit, references: Any) -> str:
    listed = references if isinstance(references, list) else [references]
    return "；".join([await _name(visit, str(one)) for one in listed])


async def _name(visit: Visit, reference: str) -> str:
    kind, _, id_ = reference.partition("/")
    try:
        record = (await visit.platform.store.read(visit.grant, kind, id_)).resource
        return said_in(record) or name_of(record)
    except Fault:
        return visit.words("无权查看")


def _move_title(visit: Visit, declaration: CaseDeclaration, move: str, title: str) -> str:
    found = next((one.title for one in declaration.moves if one.id == move), None)
    return visit.words.of(found) if found else visit.words(title) if move == "start" else title


def _danger(declaration: CaseDeclaration, move: str) -> bool:
    return any(one.id == move and one.tone == "danger" for one in declaration.moves)


def _change(titles: Mapping[str, str], source: str, target: str) -> str:
    if not source or source == target:
        return titles.get(target, target)
    return f"{titles.get(source, source)} → {titles.get(target, target)}"
