"""A filled-in questionnaire as pages show it: its line in a list, and the whole of it with the result first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import Filled, name_of, points_of
from kangshu.base.faults import Fault
from kangshu.sdk import QuestionnaireItem
from kangshu.web.parts import Cell, Fact
from kangshu.web.visit import Visit

STATUS: Final = {
    "in-progress": ("草稿", "amber"),
    "completed": ("已完成", "green"),
    "entered-in-error": ("已作废", "red"),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One filled-in questionnaire in a list."""

    address: str
    title: str
    name: str
    day: str
    state: Cell
    result: str


def typed(value: Any) -> str:
    """Return an answer as its input holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else "" if isinstance(value, list) else str(value)


async def shown_sheet(visit: Visit, filled: Filled) -> Response:
    """Return the page of one filled-in questionnaire."""
    words, grant, declared = visit.words, visit.grant, filled.declaration
    names = await names_of(visit, [filled])
    outcome = filled.outcome
    signed = grant.account in {one.account for one in filled.signatures}
    may = grant.may("register.write")
    author = str(filled.response.get("author", {}).get("reference", "")).removeprefix("Organization/")
    own = grant.acts_for(author)
    text, tone = STATUS.get(filled.status, (filled.status, ""))
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
    return f"{typed(value)} {item.unit}".strip()


def _points(item: QuestionnaireItem, value: Any) -> str:
    points = points_of(item, value)
    return "" if points is None else f"{points:f}"


def _until(filled: Filled) -> str:
    for one in (filled.observation or {}).get("extension", ()):
        if str(one.get("url", "")).endswith("/valid-until"):
            return str(one.get("valueDate", ""))
    return ""


def sheet_line(visit: Visit, filled: Filled, names: Mapping[str, str]) -> Sheet:
    """Return its line in a list."""
    words = visit.words
    text, tone = STATUS.get(filled.status, (filled.status, ""))
    result = "、".join(words.of(one.option.title) for one in list(filled.outcome.levels.values())[-1:])
    return Sheet(
        f"/responses/{filled.id}/edit" if filled.status == "in-progress" else f"/responses/{filled.id}",
        words.of(filled.declaration.title),
        names.get(filled.subject, "—"),
        filled.day,
        Cell(words("待第二人签名") if filled.waits else words(text), tone="amber" if filled.waits else tone),
        result if filled.status == "completed" else "",
    )


async def names_of(visit: Visit, filled: Iterable[Filled]) -> dict[str, str]:
    """Return names of whom these are about, and of the bodies that filled them in."""
    names: dict[str, str] = {}
    asked: set[str] = set()
    for one in filled:
        asked |= {one.subject, str(one.response.get("author", {}).get("reference", ""))}
    for reference in sorted(asked):
        kind, _, id_ = reference.partition("/")
        if not id_:
            continue
        try:
            names[reference] = name_of((await visit.platform.store.read(visit.grant, kind, id_)).resource)
        except Fault:
            continue
    return names
