"""One finding of a plan's reading: confirm, correct, split, merge, put aside, undo; and the form that adds one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response

from kangshu.base.faults import Conflict, Fault, Invalid, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import Field
from kangshu.web.forms import form_fields
from kangshu.web.pages.finding_forms import (
    BASIS,
    KINDS_TO_ADD,
    WORDS,
    MendForm,
    clause_forms,
    finding_fields,
    found_in,
    values_of,
)
from kangshu.web.pages.review import desk, quote
from kangshu.web.pages.workbench import KINDS, confirmed_text
from kangshu.web.visit import Visit, texts, within


async def act(visit: Visit) -> Response:
    """Take what a button of the desk says: accept, all, merge, reject or undo. A script is answered with figures."""
    form, id_ = texts(await visit.form()), visit.path("id")
    if form.get("accept") and "application/json" in visit.request.headers.get("accept", ""):
        return _figures(visit, await visit.platform.plans.desk.accept(visit.grant, id_, [form["accept"]]))
    try:
        finding, said = await _done(visit, id_, form)
    except (Invalid, Unprocessable, Conflict) as fault:
        return await desk(visit, fault)
    return _back(visit, id_, form, finding, said)


async def _done(visit: Visit, plan: str, form: Mapping[str, str]) -> tuple[str, str]:
    """Do what the form says; return the finding to look at next and what to say."""
    plans = visit.platform.plans
    match next((name for name in ("undo", "accept", "all", "merge", "reject") if form.get(name)), ""):
        case "undo":
            await plans.history.undo(visit.grant, plan, seen=whole_number(form["undo"], 9) or 0)
            return form.get("finding", ""), "undone"
        case "accept" | "all" as name:
            made = await plans.desk.accept(visit.grant, plan, list(filter(None, form[name].split(","))))
            return made.finding, "confirmed"
        case "merge":
            made = await plans.desk.merge(visit.grant, plan, form["merge"])
            return form["merge"], _said(made)
        case "reject":
            made = await plans.desk.reject(visit.grant, plan, form["reject"], form.get("note", ""))
            return form.get("next", ""), _said(made)
    raise NotFound("there is no such act", zh="没有这项操作")


def _figures(visit: Visit, done: Any) -> Response:
    progress = done.progress
    return JSONResponse(
        {
            "version": done.version,
            "confirmed": progress.confirmed,
            "total": progress.total,
            "doubts": progress.doubts,
            "approved": progress.approved,
            "said": f"{visit.grant.display} {visit.words('确认')}".strip(),
        }
    )


def _said(made: Any) -> str:
    return "untold" if made.issues else "told" if made.told else "saved"


def _back(visit: Visit, plan: str, form: Mapping[str, str], finding: str, said: str) -> Response:
    back = within(form.get("back", "")) if form.get("back") else f"/plans/{plan}/review"
    joined = "&" if "?" in back else "?"
    lit = f"finding={finding}&" if finding else ""
    return visit.go(f"{back}{joined}{lit}said={said}" + (f"#{finding}" if finding else ""))


async def finding(visit: Visit) -> Response:
    """Show the forms of one finding: a page, or with `?part=` the panel of the desk."""
    return await _finding(visit)


async def mend(visit: Visit) -> Response:
    """Take a form: correct, split, merge or reject."""
    id_, found, doing = visit.path("id"), visit.path("finding"), visit.path("act")
    form, mending = texts(await visit.form()), visit.platform.plans.desk
    basis = form.get("basis", "")
    try:
        match doing:
            case "correct":
                made = await mending.correct(
                    visit.grant, id_, found, form, seen=form.get("seen", ""), basis=basis
                )
            case "split":
                at = await _cut(visit, id_, found, form)
                made = await mending.split(visit.grant, id_, found, at, basis=basis)
            case "merge":
                made = await mending.merge(visit.grant, id_, found, basis=basis)
            case "reject":
                made = await mending.reject(visit.grant, id_, found, form.get("note", ""))
            case _:
                raise NotFound("there is no such act", zh="没有这项操作")
    except (Invalid, Unprocessable, Conflict) as fault:
        return await _finding(visit, form, fault)
    return _back(visit, id_, form, made.finding, _said(made))


async def _cut(visit: Visit, plan: str, found: str, form: Mapping[str, str]) -> int:
    if form.get("words"):
        start, _ = await visit.platform.plans.desk.place(visit.grant, plan, form["words"], found)
        return start
    at = whole_number(form.get("at", ""), 9)
    if at is None:
        raise Invalid("choose where to cut", zh="请选择从哪里拆分", expression="at")
    return at


async def new(visit: Visit) -> Response:
    """Show the form that adds what the reader missed, at `?start=`…`?end=` of the text or by its words."""
    return await _new(visit, {})


async def add(visit: Visit) -> Response:
    """Add a finding."""
    id_, form = visit.path("id"), texts(await visit.form())
    adding, kind = visit.platform.plans.desk, form.get("kind", "")
    try:
        start, end = (whole_number(form.get(name, ""), 9) for name in ("start", "end"))
        if start is None or end is None:
            start, end = await adding.place(visit.grant, id_, form.get("words", ""))
        made = await adding.add(visit.grant, id_, start, end, kind, form)  # type: ignore[arg-type]
    except (Invalid, Unprocessable) as fault:
        return await _new(visit, form, fault)
    return _back(visit, id_, form, made.finding, _said(made))


async def _new(visit: Visit, form: Mapping[str, str], fault: Fault | None = None) -> Response:
    words, id_ = visit.words, visit.path("id")
    plan = (await visit.platform.plans.review_of(visit.grant, id_)).plan
    start, end = (whole_number(form.get(name) or visit.query(name), 9) for name in ("start", "end"))
    placed = start is not None and end is not None and 0 <= start < end <= len(plan.text)
    chosen = plan.text[start:end] if placed else form.get("words", "")
    hidden = [("start", str(start)), ("end", str(end))] if placed else []
    forms, guess = [], visit.platform.plans.desk.guess
    for kind, title in KINDS_TO_ADD:
        values = {**guess(kind, chosen), **(form if form.get("kind") == kind else {})}
        fields = finding_fields(words, kind, values, fault)
        if not placed:
            fields = [*form_fields(words, [WORDS], values), *fields]
        forms.append(
            MendForm(
                kind,
                words("补充为{kind}", kind=words(title)),
                f"/plans/{id_}/findings/new",
                words("补充"),
                [
                    replace(one, required=False) if kind == "clause" and one.name == "text" else one
                    for one in fields
                ],
                (*hidden, ("kind", kind)),
                open=kind == (form.get("kind") or "clause"),
            )
        )
    mark = (
        (plan.text[max(0, start - 40) : start].rpartition("\n")[2], chosen[:200], "")
        if placed and start is not None
        else None
    )
    return _page(visit, plan, "", words("补充遗漏"), forms, fault, quoted=mark)


async def _finding(
    visit: Visit, form: Mapping[str, str] | None = None, fault: Fault | None = None
) -> Response:
    words, id_, key = visit.words, visit.path("id"), visit.path("finding")
    plans = visit.platform.plans
    plan = await plans.plan(visit.grant, id_)
    kind, one = found_in(plan, key)
    seen = await plans.desk.fingerprint(visit.grant, id_, key)
    carried = sum(not duty.final and not duty.parent for duty in one.duties) if kind == "clause" else 0
    basis = form_fields(words, [BASIS], form or {}) if carried else []
    doing = visit.path("act") if form is not None else "correct"
    address = f"/plans/{id_}/findings/{key}"
    forms = [
        MendForm(
            "correct",
            words("更正"),
            f"{address}/correct",
            words("保存更正"),
            [
                *finding_fields(
                    words, kind, form if doing == "correct" and form else values_of(kind, one), fault
                ),
                *basis,
            ],
            [("seen", seen)],
            open=doing == "correct",
        )
    ]
    if kind == "clause":
        forms += clause_forms(words, plan, one, address, basis, doing)
    forms.append(
        MendForm(
            "reject",
            words("剔除"),
            f"{address}/reject",
            words("剔除"),
            form_fields(words, [Field("note", Text("理由（可不填）", "Reason (optional)"))], form or {}),
            hint=words("不是任务、目标或资金规则的，剔除后不再列出；可在修订记录中恢复。"),
            open=doing == "reject",
            tone="is-danger",
        )
    )
    heading = f"{words(KINDS[kind])} {key.rpartition('-')[2].lstrip('0')}"
    return _page(
        visit, plan, key, heading, forms, fault,
        quoted=quote(plan.text, one.anchor), said=confirmed_text(visit, one.reviewed), carried=carried,
    )  # fmt: skip


def _page(
    visit: Visit,
    plan: Any,
    key: str,
    heading: str,
    forms: Sequence[MendForm],
    fault: Fault | None,
    *,
    quoted: tuple[str, str, str] | None,
    said: str = "",
    carried: int = 0,
) -> Response:
    error = Text(fault.zh, fault.text).in_language(visit.words.language) if fault else ""
    status = 200 if fault is None else 409 if isinstance(fault, Conflict) else 422
    return visit.render(
        "plan_finding_forms.html" if visit.query("part") else "plan_finding.html",
        status,
        title=plan.title,
        address=f"/plans/{plan.id}",
        finding=key,
        heading=heading,
        forms=forms,
        error=error,
        quote=quoted,
        said=said,
        carried=carried,
    )
