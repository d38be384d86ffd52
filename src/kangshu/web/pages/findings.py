"""One finding of a plan's reading: confirm, correct, split, merge, put aside, undo; and the form that adds one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from starlette.responses import JSONResponse, Response

from kangshu.base.faults import Conflict, Fault, Invalid, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import Field
from kangshu.web.forms import FormField, form_fields
from kangshu.web.language import Words
from kangshu.web.pages.figures_text import number, short
from kangshu.web.pages.review import desk, quote
from kangshu.web.pages.workbench import KINDS, confirmed_text
from kangshu.web.visit import Visit, texts, within

_SENTENCE: Final = re.compile(r"(?<=[。；;，,])")
_COMPARATORS: Final = {
    ">=": "达到或超过（≥）",
    ">": "超过（>）",
    "<=": "不超过（≤）",
    "<": "低于（<）",
    "=": "等于",
    "about": "约",
    "increase_to": "提高到",
    "decrease_to": "降低到",
    "increase_by": "增加（增长）",
    "decrease_by": "减少（下降）",
    "double": "翻番",
}
_CLAUSE: Final = (
    Field("text", Text("条款内容", "Text of the clause"), "paragraph", required=True),
    Field(
        "lead",
        Text("牵头单位", "Lead units"),
        "paragraph",
        help=Text("每行一个，按文件写法", "one a line, as written"),
    ),
    Field("cooperating", Text("配合单位", "Co-units"), "paragraph", help=Text("每行一个", "one a line")),
)
_TARGET: Final = (
    Field("indicator", Text("指标", "Indicator"), required=True),
    Field("comparator", Text("比较方式", "Comparator"), "choice", required=True),
    Field(
        "value",
        Text("目标值", "Figure"),
        required=True,
        help=Text("数字；区间写作 3—5，比例写作 1:1.6", "a number; a range as 3—5, a ratio as 1:1.6"),
    ),
    Field("unit", Text("计量单位", "Unit of measure")),
    Field(
        "due", Text("完成年份", "Year"), help=Text("文件未写的留空", "empty where the document names none")
    ),
)
_MONEY: Final = (
    Field("amount", Text("金额（元）或比例", "Amount in yuan, or share"), required=True),
    Field("cap", Text("上限（元）", "Cap in yuan")),
    Field("per", Text("计发单位", "Per"), help=Text("如 每床、每人每月", "e.g. per bed")),
    Field("condition", Text("条件", "Condition")),
)
_FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {"clause": _CLAUSE, "target": _TARGET, "money": _MONEY}
_NEW: Final[tuple[tuple[Literal["clause", "target", "money"], str], ...]] = (
    ("clause", "任务条款"),
    ("target", "目标"),
    ("money", "资金规则"),
)
_BASIS: Final = Field("basis", Text("调整依据", "Basis"), help=Text("文件名与文号", "document and number"))
_WORDS: Final = Field(
    "words",
    Text("原文文字", "Words of the document"),
    "paragraph",
    required=True,
    help=Text(
        "照原文抄录；在文中不止一处时多抄几个字",
        "as the document has them; more of them where they stand twice",
    ),
)


@dataclass(frozen=True, slots=True)
class MendForm:
    """One form: what it does, where it goes, its fields; `places` are where a clause may be cut."""

    act: str
    title: str
    address: str
    button: str
    fields: Sequence[FormField] = ()
    hidden: Sequence[tuple[str, str]] = ()
    places: Sequence[tuple[int, str]] = ()
    hint: str = ""
    open: bool = False
    tone: str = "is-primary"


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
    for kind, title in _NEW:
        values = {**guess(kind, chosen), **(form if form.get("kind") == kind else {})}
        fields = _fields(words, kind, values, fault)
        if not placed:
            fields = [*form_fields(words, [_WORDS], values), *fields]
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
    kind, one = _one(plan, key)
    seen = await plans.desk.fingerprint(visit.grant, id_, key)
    carried = sum(not duty.final and not duty.parent for duty in one.duties) if kind == "clause" else 0
    basis = form_fields(words, [_BASIS], form or {}) if carried else []
    doing = visit.path("act") if form is not None else "correct"
    address = f"/plans/{id_}/findings/{key}"
    forms = [
        MendForm(
            "correct",
            words("更正"),
            f"{address}/correct",
            words("保存更正"),
            [
                *_fields(words, kind, form if doing == "correct" and form else _values(kind, one), fault),
                *basis,
            ],
            [("seen", seen)],
            open=doing == "correct",
        )
    ]
    if kind == "clause":
        forms += _clause_forms(words, plan, one, address, basis, doing)
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


def _clause_forms(
    words: Words, plan: Any, clause: Any, address: str, basis: Sequence[FormField], doing: str
) -> list[MendForm]:
    places = _places(plan.text, clause.anchor)
    where = Field("words", Text("或：第二条从这几个字起", "or: the second one begins with these words"))
    forms = [
        MendForm(
            "split",
            words("拆分为两条"),
            f"{address}/split",
            words("拆分"),
            [*form_fields(words, [where], {}), *basis],
            places=places,
            hint=words("两条的责任单位相同，拆分后可分别更正。"),
            open=doing == "split",
        )
    ]
    later = [one for one in plan.clauses if one.anchor.start > clause.anchor.start]
    if later:
        following = min(later, key=lambda one: one.anchor.start)
        forms.append(
            MendForm(
                "merge",
                words("与下一条合并"),
                f"{address}/merge",
                words("合并"),
                basis,
                hint=words("下一条：{text}", text=short(following.text, 60)),
                open=doing == "merge",
            )
        )
    return forms


def _places(text: str, anchor: Any) -> list[tuple[int, str]]:
    """Return where sentences begin within a clause, each with its first words; whole sentences before parts of them."""
    found, at = [], anchor.start
    for piece in _SENTENCE.split(text[anchor.start : anchor.end]):
        if at > anchor.start and piece.strip():
            whole = text[at - 1] in "。；;"
            found.append((not whole, at, short(piece, 36)))
        at += len(piece)
    return [(at, said) for _, at, said in sorted(found)][:24]


def _one(plan: Any, key: str) -> tuple[str, Any]:
    for kind, listed in (("clause", plan.clauses), ("target", plan.targets), ("money", plan.money)):
        for one in listed:
            if one.id == key:
                return kind, one
    raise NotFound("the plan has no such finding", zh="规划中没有这一项")


def _values(kind: str, one: Any) -> dict[str, str]:
    if kind == "clause":
        units = {role: "\n".join(unit.written for unit in one.of(role)) for role in ("lead", "cooperating")}
        return {"text": one.text, **units}
    if kind == "money":
        return {name: getattr(one, name) for name in ("amount", "cap", "per", "condition")}
    value = "—".join(map(number, one.value)) if isinstance(one.value, tuple) else number(one.value)
    said = {"indicator": one.indicator, "comparator": one.comparator, "unit": one.unit, "due": one.due}
    return {**said, "value": value}


def _fields(words: Words, kind: str, values: Mapping[str, str], fault: Fault | None) -> list[FormField]:
    choices = {"comparator": tuple((code, words(title)) for code, title in _COMPARATORS.items())}
    return form_fields(words, _FIELDS[kind], values, fault.issues if fault else (), choices)


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
