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
from kangshu.web.lookup import choices_of, name_of, with_residents
from kangshu.web.parts import Cell, Fact
from kangshu.web.visit import Visit, texts, within

_SUBJECT: Final = "_subject"
_DAY: Final = "_day"
_STATUS: Final = {
    "in-progress": ("草稿", "amber"),
    "completed": ("已完成", "green"),
    "entered-in-error": ("已作废", "red"),
}


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


@dataclass(frozen=True, slots=True)
class Sheet:
    """One filled-in questionnaire in a list."""

    address: str
    title: str
    name: str
    day: str
    state: Cell
    result: str


async def overview(visit: Visit) -> Response:
    """Show what may be filled in, one's drafts, what waits for a second signature, and the newest results."""
    words, grant = visit.words, visit.grant
    room = visit.platform.questionnaires
    subject, code = visit.query("subject"), visit.query("code")
    found = await room.listed(grant, subject=subject, code=code)
    names = await _names(visit, found)
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
            (words("待签名"), [_sheet(visit, one, names) for one in waiting], words("没有等待您签名的评估")),
            (words("未完成的草稿"), [_sheet(visit, one, names) for one in drafts], words("没有未完成的草稿")),
            (words("最近完成"), [_sheet(visit, one, names) for one in rest], words("还没有已完成的评估")),
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
        return await _shown(visit, filled)
    return await _form(visit, filled.declaration, filled.answers, filled.subject, filled.day, filled=filled)


async def update(visit: Visit) -> Response:
    """Keep a draft, or complete and sign it."""
    filled = await visit.platform.questionnaires.read(visit.grant, visit.path("id"))
    return await _save(visit, filled.declaration, filled)


async def response(visit: Visit) -> Response:
    """Show one filled-in questionnaire: result first, then every answer."""
    filled = await visit.platform.questionnaires.read(visit.grant, visit.path("id"))
    return await _shown(visit, filled)


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
        _typed(held) if held is not None else sent.get(item.id, ""),
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


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else "" if isinstance(value, list) else str(value)


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


async def _shown(visit: Visit, filled: Filled) -> Response:
    words, grant, declared = visit.words, visit.grant, filled.declaration
    names = await _names(visit, [filled])
    outcome = filled.outcome
    signed = grant.account in {one.account for one in filled.signatures}
    may = grant.may("register.write")
    author = str(filled.response.get("author", {}).get("reference", "")).removeprefix("Organization/")
    own = grant.acts_for(author)
    text, tone = _STATUS.get(filled.status, (filled.status, ""))
    return visit.render(
        "response.html",
        title=words.of(declared.title),
        name=names.get(filled.subject, ""),
        subject=f"/residents/{filled.subject[8:]}" if filled.subject.startswith("Patient/") else "",
        state=Cell(
            words("待第二人签名") if filled.waits else words(text), tone="amber" if filled.waits else tone
        ),
        levels=[
            (
                words.of(one.level.title),
                words.of(one.option.title),
                words.of(one.preliminary.title) if one.changes else "",
                [words.of(change.title) for change in one.changes],
            )
            for one in outcome.levels.values()
        ],
        scores=[
            (words.of(one.title), f"{outcome.scores[one.id]:f}", "" if one.most is None else f"{one.most:f}")
            for one in declared.scores
            if one.id in outcome.scores
        ],
        unverified=[(words.of(one.title), one.value, one.source) for one in outcome.unverified],
        used=[
            (words.of(one.title), one.value, one.unit, one.valid_from.isoformat(), one.source, one.verified)
            for one in outcome.used
        ],
        missing=[words.of(one.title) for one in outcome.missing],
        facts=[
            Fact(words("评估日期"), filled.day),
            Fact(words("评估机构"), names.get(f"Organization/{author}", "")),
            Fact(
                words("评估人员"),
                "、".join(f"{one.name} {words.moment(one.when)}" for one in filled.signatures),
            ),
            Fact(words("有效期至"), _until(filled)),
            Fact(words("依据"), declared.source, wide=True),
        ],
        parts=[
            (
                words.of(section.title),
                [
                    (
                        one.number,
                        words.of(one.title),
                        _answer(visit, one, filled.answers.get(one.id)),
                        _points(one, filled.answers.get(one.id)),
                    )
                    for one in section.items
                ],
            )
            for section in declared.sections
        ],
        case=f"/cases/{filled.about[5:]}" if filled.about.startswith("Task/") else "",
        edit=f"/responses/{filled.id}/edit" if may and own and filled.status == "in-progress" else "",
        sign=f"/responses/{filled.id}/sign" if may and own and filled.waits and not signed else "",
        withdraw=f"/responses/{filled.id}/withdraw"
        if may and own and filled.status != "entered-in-error"
        else "",
        needed=filled.needed - len(filled.signatures),
        waits=filled.waits,
        printed=f"/responses/{filled.id}/print",
    )


def _answer(visit: Visit, item: QuestionnaireItem, value: Any) -> str:
    if value in (None, "", []):
        return ""
    if isinstance(value, bool):
        return visit.words("是") if value else visit.words("否")
    if item.options:
        codes = value if isinstance(value, list) else [value]
        return "、".join(visit.words.of(one.title) for one in item.options if one.code in codes)
    return f"{_typed(value)} {item.unit}".strip()


def _points(item: QuestionnaireItem, value: Any) -> str:
    points = points_of(item, value)
    return "" if points is None else f"{points:f}"


def _until(filled: Filled) -> str:
    for one in (filled.observation or {}).get("extension", ()):
        if str(one.get("url", "")).endswith("/valid-until"):
            return str(one.get("valueDate", ""))
    return ""


def _sheet(visit: Visit, filled: Filled, names: Mapping[str, str]) -> Sheet:
    words = visit.words
    text, tone = _STATUS.get(filled.status, (filled.status, ""))
    result = "、".join(words.of(one.option.title) for one in list(filled.outcome.levels.values())[-1:])
    return Sheet(
        f"/responses/{filled.id}/edit" if filled.status == "in-progress" else f"/responses/{filled.id}",
        words.of(filled.declaration.title),
        names.get(filled.subject, "—"),
        filled.day,
        Cell(words("待第二人签名") if filled.waits else words(text), tone="amber" if filled.waits else tone),
        result if filled.status == "completed" else "",
    )


async def _names(visit: Visit, filled: list[Filled] | Any) -> dict[str, str]:
    """Return names of whom these are about, and of the bodies that filled them in."""
    names: dict[str, str] = {}
    asked = {one.subject for one in filled}
    asked |= {str(one.response.get("author", {}).get("reference", "")) for one in filled}
    for reference in sorted(asked):
        kind, _, id_ = reference.partition("/")
        if not id_:
            continue
        try:
            names[reference] = name_of((await visit.platform.store.read(visit.grant, kind, id_)).resource)
        except Fault:
            continue
    return names
