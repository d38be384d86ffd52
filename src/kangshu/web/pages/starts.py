"""发起办件: which cases I may start, and the form of each, made from its declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from kangshu.base.faults import Conflict, Fault, Issue, NotFound, TooLarge, Unprocessable, UnsupportedMedia
from kangshu.base.text import Text
from kangshu.sdk import CaseDeclaration, Field, Resource
from kangshu.web.attachments import with_papers
from kangshu.web.forms import form_fields, sent_values, told
from kangshu.web.lookup import choices_of, named, with_residents
from kangshu.web.people import acted_for, choice_of_people
from kangshu.web.proposals import names_for, proposals_of, with_proposals
from kangshu.web.visit import Visit, texts

_RECEIVER = Field("_receiver", Text("承办单位", "Responsible organisation"), "organisation", required=True)
_SUBJECT = Field("_subject", Text("居民", "Resident"), "resident", required=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of case that may be started."""

    title: str
    help: str
    address: str


@dataclass(frozen=True, slots=True)
class Group:
    """The kinds of one service; `daily` where the service is the visitor's daily work."""

    title: str
    daily: bool
    kinds: list[Kind]


async def kinds(visit: Visit) -> Response:
    """Show the kinds of cases that the visitor may start: by service, those of daily work first, or those named."""
    words, typed = visit.words, visit.query("name").strip()
    subject = f"?subject={visit.query('subject')}" if visit.query("subject") else ""
    may = visit.platform.cases.startable(visit.grant)
    groups = []
    for service in visit.platform.services:
        title = words.of(service.title)
        found = [
            Kind(words.of(one.title), words.of(one.help), f"/cases/start/{one.code}{subject}")
            for one in may
            if one.service == service.id and _named(typed, one.title, one.help, service.title)
        ]
        if found:
            groups.append(Group(title, service.is_used_by(visit.grant.roles), found))
    groups.sort(key=lambda group: not group.daily)
    return visit.render(
        "case_kinds.html", groups=groups, typed=typed, subject=visit.query("subject"), all=len(may)
    )


def _named(typed: str, *texts: Text) -> bool:
    """Return whether any of the texts holds every word that was typed."""
    said = " ".join(f"{one.zh} {one.en}" for one in texts).casefold()
    return all(word in said for word in typed.casefold().split())


def _declaration(visit: Visit) -> CaseDeclaration:
    return visit.platform.cases.declaration(f"{visit.path('service')}/{visit.path('case')}")


async def _all_fields(visit: Visit, declaration: CaseDeclaration) -> tuple[Field, ...]:
    """Return what is asked at the start: the subject, the declared form, and a receiver where nothing else names one."""
    fields = list(declaration.form)
    if declaration.subject_type == "Patient":
        fields.insert(0, await _subject(visit, declaration))
    handed = any("owner" in effect for effect in declaration.effects)
    if not handed and not any(field.id == "receiver" for field in declaration.form):
        fields.append(_RECEIVER)
    return tuple(fields)


def _chosen_for(field: Field, subject: str) -> Field:
    """Return a field whose choices depend on whom the case is about, once that is known."""
    return replace(field, criteria=field.criteria.replace("${subject}", subject)) if "/" in subject else field


async def _subject(visit: Visit, declaration: CaseDeclaration) -> Field:
    """Return the field that asks whom the case is about; a resident chooses among those for whom it may be started."""
    people = [
        one for one in acted_for(visit) if declaration in visit.platform.cases.startable(visit.grant, one)
    ]
    return await choice_of_people(visit, _SUBJECT, people)


async def form(visit: Visit) -> Response:
    """Show the form that starts a case."""
    declaration = _declaration(visit)
    if declaration not in visit.platform.cases.startable(visit.grant):
        visit.grant.require(f"case.start:{declaration.code}")
    values: dict[str, Any] = {}
    subject = visit.query("subject")
    if subject:
        values["_subject"] = subject if "/" in subject else f"Patient/{subject}"
    elif people := acted_for(visit):
        values["_subject"] = f"Patient/{people[0]}"
    about = await _about(visit, visit.query("about"))
    if about is not None:
        values.update(subject=str(about.get("description", "")), _about=f"Task/{about['id']}")
    return await start_form(visit, declaration, values)


async def _about(visit: Visit, reference: str) -> Resource | None:
    """Return the case that a new one is to be about, None where none is named. Raises NotFound."""
    if not reference.startswith("Task/"):
        return None
    return (await visit.platform.store.read(visit.grant, "Task", reference.removeprefix("Task/"))).resource


async def start(visit: Visit) -> Response:
    """Start the case and lead to its page; a refused form comes back with what is wrong."""
    declaration = _declaration(visit)
    fields = await _all_fields(visit, declaration)
    sent = await visit.form()
    values = sent_values(fields, texts(sent))
    try:
        values = await with_residents(visit, fields, values)
        if texts(sent).get("_draw"):
            again = {**_undrawn(declaration, values), "_about": texts(sent).get("_about", "")}
            return await start_form(visit, declaration, again)
        subject = str(values.pop("_subject", "") or "")
        values, papers = await with_papers(visit, fields, sent, values, subject)
        about = await _about(visit, texts(sent).get("_about", ""))
        receiver = str(values.pop("_receiver", "") or "").removeprefix("Organization/")
        stored = await visit.platform.cases.start(
            visit.grant,
            declaration.code,
            values,
            subject=subject or None,
            receiver=receiver or None,
            papers=papers,
            focus=f"Task/{about['id']}" if about else None,
        )
    except (Unprocessable, Conflict, NotFound, TooLarge, UnsupportedMedia) as fault:
        again = {**sent_values(fields, texts(sent)), "_about": texts(sent).get("_about", "")}
        return await start_form(visit, declaration, again, fault)
    return visit.go(f"/cases/{stored.id}", said="started")


def _undrawn(declaration: CaseDeclaration, values: dict[str, Any]) -> dict[str, Any]:
    """Return values without what was drawn from a record: it is drawn anew."""
    drawn = {one.id for one in declaration.form if one.draws}
    return {name: value for name, value in values.items() if name not in drawn}


async def start_form(
    visit: Visit, declaration: CaseDeclaration, values: dict[str, Any], fault: Fault | None = None
) -> Response:
    """Show the form that starts a case, filled in with `values`, and with what `fault` says is wrong."""
    words, subject = visit.words, str(values.get("_subject", ""))
    fields = [_chosen_for(one, subject) for one in await _all_fields(visit, declaration)]
    choices = await choices_of(visit, fields, values)
    if "/" in subject:
        for name, records in (
            await visit.platform.cases.drawn(visit.grant, declaration.code, subject)
        ).items():
            choices[name] = await named(visit, records)
            if fault is None:  # all stand ticked at first; a refused form comes back as it was sent
                values = {**values, name: [reference for reference, _ in choices[name]]}
    issues: Sequence[Issue] = fault.issues if fault else ()
    proposals = await proposals_of(visit, fields, names_for(visit, **{**values, "subject": subject}))
    shown = with_proposals(form_fields(words, fields, values, issues, choices), proposals)
    if "/" not in subject:
        first = words("尚未带入")
        shown = [replace(one, empty=first) if one.draws else one for one in shown]
    lead = words.of(declaration.help)
    return visit.render(
        "form.html",
        422 if fault else 200,
        title=words("发起") + ("" if words.language == "zh" else " ") + words.of(declaration.title),
        lead=lead,
        trail=[
            (words("工作台"), "/"),
            (words("发起办件"), "/cases/start"),
            (words.of(declaration.title), ""),
        ],
        issues=told(words, fault, fields) if fault else [],
        action=f"/cases/start/{declaration.code}",
        hidden=(("_about", values["_about"]),) if values.get("_about") else (),
        fields=shown,
        files=any(field.kind == "attachment" for field in fields),
        submit=words("发起"),
        cancel="/cases/start",
    )
