"""评估量表: what may be filled in, one form for a resident, and what came of it; all made from the declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import Filled, blank_questionnaire, filled_questionnaire, points_of, sent_answers
from kangshu.base.clock import today
from kangshu.base.faults import Conflict, Fault, Invalid, NotFound, PreconditionFailed, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import Field, QuestionnaireDeclaration, QuestionnaireItem
from kangshu.web.forms import FormField, form_fields, told
from kangshu.web.lookup import choices_of, with_residents
from kangshu.web.pages.questionnaire_sheets import names_of, sheet_line, shown_sheet, typed
from kangshu.web.visit import Visit, texts, within

_SUBJECT: Final = "_subject"
_DAY: Final = "_day"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to tick: what it counts stands behind it."""

    code: str
    title: str
    score: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One item of the form."""

    id: str
    number: str
    title: str
    kind: str
    required: bool
    help: str
    unit: str
    value: str
    choices: tuple[Choice, ...]
    error: str
    scores: str
    """Ids of the scores that it counts towards, for the running score; `-id` where it counts from the other end."""
    span: str
    """Lowest and highest score."""


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the form."""

    id: str
    title: str
    help: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class RunningScore:
    """A score that the page adds up as one fills in."""

    id: str
    title: str
    most: str
    count: int
    value: str
    cut_offs: str
    """`least=title` of the levels that go by it, the highest first, parted by `|`."""


async def overview(visit: Visit) -> Response:
    """Show what may be filled in, one's drafts, what waits for a second signature, and the newest results."""
    words, grant = visit.words, visit.grant
    room = visit.platform.questionnaires
    subject, code = visit.query("subject"), visit.query("code")
    found = await room.listed(grant, subject=subject, code=code)
    names = await names_of(visit, found)
    waiting = [
        one for one in found if one.waits and grant.account not in {by.account for by in one.signatures}
    ]
    drafts = [one for one in found if one.status == "in-progress"]
    rest = [one for one in found if one not in waiting and one not in drafts]
    return visit.render(
        "questionnaires.html",
        offered=[
            (
                words.of(one.title),
                words.of(one.help),
                f"/questionnaires/{one.code}/new" + (f"?subject={subject}" if subject else ""),
                f"/questionnaires/{one.code}/blank",
                sum(1 for _ in one.items),
            )
            for one in room.offered(grant)
        ],
        groups=[
            (
                words("待签名"),
                [sheet_line(visit, one, names) for one in waiting],
                words("没有等待您签名的评估"),
            ),
            (
                words("未完成的草稿"),
                [sheet_line(visit, one, names) for one in drafts],
                words("没有未完成的草稿"),
            ),
            (words("最近完成"), [sheet_line(visit, one, names) for one in rest], words("还没有已完成的评估")),
        ],
        subject=names.get(subject, ""),
    )


async def new(visit: Visit) -> Response:
    """Show the empty form; the address may say for whom, and for which case."""
    return await _form(visit, _declared(visit), {}, visit.query("subject"), today().isoformat())


async def create(visit: Visit) -> Response:
    """Keep a new form as a draft, or complete and sign it."""
    return await _save(visit, _declared(visit), None)


async def edit(visit: Visit) -> Response:
    """Show a draft to go on with; what is signed is shown as it is."""
    filled = await visit.platform.questionnaires.read(visit.grant, visit.path("id"))
    if filled.status != "in-progress":
        return await shown_sheet(visit, filled)
    return await _form(visit, filled.declaration, filled.answers, filled.subject, filled.day, filled=filled)


async def update(visit: Visit) -> Response:
    """Keep a draft, or complete and sign it."""
    filled = await visit.platform.questionnaires.read(visit.grant, visit.path("id"))
    return await _save(visit, filled.declaration, filled)


async def response(visit: Visit) -> Response:
    """Show one filled-in questionnaire: result first, then every answer."""
    filled = await visit.platform.questionnaires.read(visit.grant, visit.path("id"))
    return await shown_sheet(visit, filled)


async def act(visit: Visit) -> Response:
    """Sign what another has completed (`sign`), or mark it as entered in error (`withdraw`)."""
    form, id_ = texts(await visit.form()), visit.path("id")
    room = visit.platform.questionnaires
    match visit.path("act"):
        case "sign":
            await room.sign(visit.grant, id_)
            return visit.go(f"/responses/{id_}", said="countersigned")
        case "withdraw":
            await room.withdraw(visit.grant, id_, form.get("reason", ""))
            return visit.go(f"/responses/{id_}", said="withdrawn")
    raise NotFound("there is no such page", zh="没有此页面")


async def blank(visit: Visit) -> Response:
    """Return the empty paper form."""
    code = f"{visit.path('service')}/{visit.path('questionnaire')}"
    data, name, media = await blank_questionnaire(visit.platform, visit.grant, code, visit.path("form"))
    return visit.download(data, name, media)


async def file(visit: Visit) -> Response:
    """Return a filled-in questionnaire to print."""
    data, name, media = await filled_questionnaire(
        visit.platform, visit.grant, visit.path("id"), visit.path("form")
    )
    return visit.download(data, name, media)


def _declared(visit: Visit) -> QuestionnaireDeclaration:
    return visit.platform.questionnaires.declaration(f"{visit.path('service')}/{visit.path('questionnaire')}")


async def _save(visit: Visit, declared: QuestionnaireDeclaration, filled: Filled | None) -> Response:
    form = texts(await visit.form())
    answers, issues = sent_answers(declared, form)
    complete = form.get("act") == "complete"
    subject, day = form.get(_SUBJECT, ""), form.get(_DAY, "")
    try:
        head = await with_residents(visit, [_subject_field(declared)], {_SUBJECT: subject})
        subject = str(head[_SUBJECT])
        if issues:
            raise Unprocessable("some answers are not right", zh="有填写不正确的内容", issues=issues)
        if not subject:
            raise Unprocessable("say for whom", zh="请选择被评估的对象")
        stored = await visit.platform.questionnaires.save(
            visit.grant,
            declared.code,
            subject,
            answers,
            day=_day_of(day),
            complete=complete,
            id=filled.id if filled else "",
            if_match=whole_number(form.get("_version", "")),
            about=form.get("_about", "") if filled is None else "",
        )
    except (Unprocessable, Conflict, PreconditionFailed, Invalid) as fault:
        return await _form(visit, declared, answers, subject, day, filled=filled, fault=fault, sent=form)
    if complete:
        back = within(form.get("_back", "/"))
        return visit.go(back if back != "/" else f"/responses/{stored.id}", said="signed")
    return visit.go(f"/responses/{stored.id}/edit", said="drafted")


def _day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Unprocessable("a date is written as 2026-03-01", zh="评估日期格式应为 2026-03-01") from error


def _subject_field(declared: QuestionnaireDeclaration) -> Field:
    if declared.subject_type == "Patient":
        return Field(_SUBJECT, Text("被评估人", "Resident"), "resident", required=True)
    return Field(
        _SUBJECT,
        Text("评定对象", "Subject"),
        "organisation" if declared.subject_type == "Organization" else "reference",
        required=True,
        reference_type=declared.subject_type,
    )


async def _form(
    visit: Visit,
    declared: QuestionnaireDeclaration,
    answers: Mapping[str, Any],
    subject: str,
    day: str,
    *,
    filled: Filled | None = None,
    fault: Fault | None = None,
    sent: Mapping[str, str] | None = None,
) -> Response:
    words = visit.words
    wrong = {
        place: Text(one.zh, one.text) for one in (fault.issues if fault else ()) for place in one.expression
    }
    when = date.fromisoformat(day) if day and len(day) == 10 and day[4] == "-" else today()
    field = _subject_field(declared)
    choices = await choices_of(visit, [field], {_SUBJECT: subject})
    head: list[FormField] = form_fields(
        words,
        [field, Field(_DAY, Text("评估日期", "Date"), "date", required=True)],
        {_SUBJECT: subject, _DAY: day},
        fault.issues if fault else (),
        choices,
    )
    address = f"/responses/{filled.id}/edit" if filled else f"/questionnaires/{declared.code}/new"
    stacking = visit.platform.questionnaires.stacking(declared, when)
    return visit.render(
        "questionnaire.html",
        422 if fault else 200,
        title=words.of(declared.title),
        help=words.of(declared.help),
        note=words.of(declared.note),
        source=declared.source,
        stacking=stacking,
        stacking_text=_stacking(visit, stacking.value) if stacking else "",
        changes=[(words.of(one.title), words.of(one.note)) for one in declared.changes],
        issues=told(words, fault) if fault else [],
        head=head,
        parts=[_part(visit, declared, section, answers, wrong, sent or {}) for section in declared.sections],
        scores=_running(visit, declared, answers, when),
        action=address,
        version=filled.version if filled else "",
        about=visit.query("about") if not sent else sent.get("_about", ""),
        back=visit.query("back") if not sent else sent.get("_back", ""),
        needed=visit.platform.questionnaires.needed(declared, when),
        cancel=f"/responses/{filled.id}" if filled else "/questionnaires",
        blank=f"/questionnaires/{declared.code}/blank",
    )


def _stacking(visit: Visit, value: object) -> str:
    return (
        visit.words("两项以上同时成立时只升一级")
        if value == "once"
        else visit.words("每成立一项升一级，可以累加")
    )


def _part(
    visit: Visit,
    declared: QuestionnaireDeclaration,
    section: Any,
    answers: Mapping[str, Any],
    wrong: Mapping[str, Text],
    sent: Mapping[str, str],
) -> Part:
    words = visit.words
    return Part(
        section.id,
        words.of(section.title),
        words.of(section.help),
        tuple(_question(visit, declared, item, answers, wrong, sent) for item in section.items),
    )


def _question(
    visit: Visit,
    declared: QuestionnaireDeclaration,
    item: QuestionnaireItem,
    answers: Mapping[str, Any],
    wrong: Mapping[str, Text],
    sent: Mapping[str, str],
) -> Question:
    words, held = visit.words, answers.get(item.id)
    chosen = held if isinstance(held, list) else [held]
    scores = [one.score for one in item.options if one.score is not None]
    return Question(
        item.id,
        item.number,
        words.of(item.title),
        item.kind,
        item.required,
        words.of(item.help),
        item.unit,
        typed(held) if held is not None else sent.get(item.id, ""),
        tuple(
            Choice(
                one.code,
                words.of(one.title),
                "" if one.score is None else f"{one.score:f}",
                one.code in chosen,
            )
            for one in item.options
        ),
        words.of(wrong[item.id]) if item.id in wrong else "",
        " ".join(
            f"{'-' if item.id in one.reverse else ''}{one.id}"
            for one in declared.scores
            if item.id in one.items
        ),
        f"{min(scores):f} {max(scores):f}" if scores else "",
    )


def _running(
    visit: Visit, declared: QuestionnaireDeclaration, answers: Mapping[str, Any], day: date
) -> list[RunningScore]:
    """Return the sums that the page shows; those by an expression are told when the form is complete."""
    words = visit.words
    figures = visit.platform.questionnaires.cut_offs(declared, day)
    items = {one.id: one for one in declared.items}
    found = []
    for score in declared.scores:
        if not score.items:
            continue
        steps: list[tuple[Decimal, str]] = []
        for level in declared.levels:
            if level.score == score.id:
                steps = [
                    (
                        Decimal(str(figures[one.least].value)) if one.least else Decimal(-1),
                        words.of(one.title),
                    )
                    for one in level.options
                    if not one.least or one.least in figures
                ]
        held = [points_of(items[name], answers.get(name)) for name in score.items]
        found.append(
            RunningScore(
                score.id,
                words.of(score.title),
                "" if score.most is None else f"{score.most:f}",
                len(score.items),
                "",
                "|".join(f"{least:f}={title}" for least, title in sorted(steps, reverse=True)),
            )
            if None in held or score.reverse
            else RunningScore(
                score.id,
                words.of(score.title),
                "" if score.most is None else f"{score.most:f}",
                len(score.items),
                f"{sum((one for one in held if one is not None), Decimal(0)):f}",
                "|".join(f"{least:f}={title}" for least, title in sorted(steps, reverse=True)),
            )
        )
    return found
