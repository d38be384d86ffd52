"""核对: what of a plan waits for a person's answer, one queue at a time, each question with its place in the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.clock import today
from kangshu.base.faults import Fault, Invalid, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import Field
from kangshu.web import figures
from kangshu.web.forms import FormField, form_fields
from kangshu.web.inputs import day_of, figure_of
from kangshu.web.lookup import organisations
from kangshu.web.pages import workbench
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.figures_text import due_text, short, target_text
from kangshu.web.parts import Tab
from kangshu.web.visit import Visit, texts

QUEUES: Final = ("doubts", "units", "years", "links", "baselines")
_TITLES: Final = {
    "doubts": "读文存疑",
    "units": "责任单位",
    "years": "隐去的年份",
    "links": "指标关联",
    "baselines": "基期值",
}
_LEADS: Final = {
    "doubts": "读文时拿不准的地方：看一眼原文，写下结论即可。",
    "units": "文件写的单位对应到哪个机构；牵头单位未确认的条款不能交办。",
    "years": "文件隐去（xxxx）的目标年份：按正式公布的文件补录，并注明来源。未补录前按最终目标值比较。",
    "links": "系统按指标口径推荐的关联：确认后目标亮灯；不合适的请拒绝，不再推荐。",
    "baselines": "有基期值的目标按时序比较，没有的按最终目标值比较。",
}
_NONE: Final = {
    "doubts": "没有存疑之处",
    "units": "责任单位都已对应到机构",
    "years": "没有隐去的年份",
    "links": "没有可推荐的指标关联",
    "baselines": "没有需要基期值的目标",
}
_AROUND: Final = 70


@dataclass(frozen=True, slots=True)
class Button:
    """One answer to a question."""

    value: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question with the words it is about and the answers to choose from."""

    id: str
    title: str
    note: str
    quote: tuple[str, str, str] | None
    address: str
    fields: Sequence[FormField]
    buttons: Sequence[Button]
    open: bool
    said: str = ""
    hidden: Sequence[tuple[str, str]] = ()
    error: str = ""
    more: Sequence[FormField] = ()
    """Fields that few answers need."""


async def review(visit: Visit) -> Response:
    """Show the desk with all that was read, or one queue of questions (`?queue=`)."""
    if visit.query("queue"):
        return await _page(visit, visit.query("queue"))
    return await desk(visit)


async def desk(visit: Visit, fault: Fault | None = None) -> Response:
    """Show the desk, with what stood in the way of the last act."""
    found = await visit.platform.plans.review_of(visit.grant, visit.path("id"))
    return await workbench.show(visit, found, [] if found.plan.foreign else _tabs(visit, found, ""), fault)


def _tabs(visit: Visit, found: Any, queue: str) -> list[Tab]:
    """Return the desk and the queues, each with what is left in it."""
    words, address, progress = visit.words, f"/plans/{found.plan.id}/review", found.plan.progress
    left = progress.total - progress.confirmed
    desk = Tab(words("逐条核对"), address, not queue, f"{left}/{progress.total}", left > 0)
    queues = [
        Tab(
            words(_TITLES[one]),
            f"{address}?queue={one}",
            one == queue,
            f"{found.left(one)}/{found.total(one)}",
            found.left(one) > 0,
        )
        for one in QUEUES
    ]
    return [desk, *queues]


async def answer(visit: Visit) -> Response:
    """Take one answer and lead to the next open question of the queue."""
    id_, queue, form = visit.path("id"), visit.path("act"), texts(await visit.form())
    if queue not in QUEUES:
        raise NotFound("there is no such queue", zh="没有这个核对队列")
    try:
        await _take(visit, id_, queue, form)
    except (Invalid, Unprocessable) as fault:
        return await _page(visit, queue, form, fault)
    return visit.go(f"/plans/{id_}/review?queue={queue}&said=saved#next")


async def _take(visit: Visit, plan: str, queue: str, form: Mapping[str, str]) -> None:
    grant, plans, key, said = visit.grant, visit.platform.plans, form.get("id", ""), form.get("answer", "")
    match queue, said:
        case "doubts", "settle" | "reopen":
            await plans.settle(grant, plan, key, form.get("note", ""), settled=said == "settle")
        case "units", "resolve":
            chosen = [form.get(f"organisation{number}", "") for number in ("", "2", "3")]
            meant = list(dict.fromkeys(one.removeprefix("Organization/") for one in chosen if one))
            if not meant:
                raise Invalid("choose an organisation", zh="请选择对应的机构", expression="organisation")
            await plans.resolve_unit(grant, plan, key, meant)
        case "units", "outside" | "reopen":
            await plans.resolve_unit(grant, plan, key, [], outside=said == "outside")
        case "years", "enter":
            year = whole_number(form.get("year", ""), 4)
            if year is None:
                raise Invalid(
                    "the year is a number such as 2027", zh="目标年份应为数字，如 2027", expression="year"
                )
            await plans.set_due(grant, plan, key, year, form.get("source", ""))
        case "links", "confirm":
            await plans.link(grant, plan, key, figures.measure_of(visit, form.get("measure", "")).id)
        case "links", "refuse" | "restore":
            measure = form.get("measure", "")
            await plans.refuse_link(grant, plan, key, measure, refused=said == "refuse")
        case "links", "undo":
            await plans.link(grant, plan, key, "")
        case "baselines", "enter":
            value, day = figure_of(form, "value"), day_of(form, "day")
            await plans.set_baseline(grant, plan, key, value, day, form.get("source", ""))
        case "baselines", "measure":
            of_year = whole_number(form.get("year", ""), 4) or today().year - 1
            if not await plans.baselines_from_measures(grant, plan, of_year):
                raise Unprocessable(
                    f"no measure has a value for {of_year}", zh=f"没有可用的{of_year}年指标数值，请逐项录入"
                )
        case _:
            raise NotFound("there is no such answer", zh="没有这项操作")


async def _page(
    visit: Visit, queue: str, sent: Mapping[str, str] | None = None, fault: Fault | None = None
) -> Response:
    words, id_ = visit.words, visit.path("id")
    found = await visit.platform.plans.review_of(visit.grant, id_)
    if found.plan.foreign:
        raise Unprocessable(
            "another city's plan is not reviewed here; adopt clauses first",
            zh="外地规划无需核对，请先采纳条款",
        )
    left = {one: found.left(one) for one in QUEUES}
    total = {one: found.total(one) for one in QUEUES}
    if queue not in QUEUES:
        queue = next((one for one in QUEUES if left[one]), QUEUES[0])
    questions = await _questions(visit, found, queue)
    error = Text(fault.zh, fault.text).in_language(words.language) if fault else ""
    if fault and sent:
        questions = [_refused(one, sent, error) if one.id == sent.get("id") else one for one in questions]
    waiting = [one for one in questions if one.open]
    done = sum(total.values()) - sum(left.values())
    return visit.render(
        "plan_review.html",
        422 if fault else 200,
        title=found.plan.title,
        address=f"/plans/{id_}",
        queue=queue,
        tabs=_tabs(visit, found, queue),
        queue_title=words(_TITLES[queue]),
        lead=words(_LEADS[queue]),
        absent=words(_NONE[queue]),
        done=done,
        total=sum(total.values()),
        share=round(100 * done / sum(total.values())) if sum(total.values()) else 100,
        waiting=waiting,
        answered=[one for one in questions if not one.open],
        error="" if fault and sent and sent.get("id") else error,
        years=[str(today().year - back) for back in (1, 2, 3)]
        if queue == "baselines" and any(one.baseline is None and one.confirmed for one in found.baselines)
        else [],
        unmatched=len(found.unmatched),
        without_year=[
            (f"/plans/{id_}/targets/{one.id}", short(one.indicator, 40), target_text(one))
            for one in found.without_year
        ],
    )


def _refused(question: Question, sent: Mapping[str, str], error: str) -> Question:
    """Return the question with what was sent and what is wrong with it."""
    fields = [replace(one, value=sent.get(one.name, one.value)) for one in question.fields]
    return replace(question, fields=fields, error=error)


def quote(text: str, anchor: Any) -> tuple[str, str, str] | None:
    """Return the words before, of and after a place in the document; None where it is not in the text."""
    start, end = anchor.start, max(anchor.end, anchor.start + 1)
    if not 0 <= start < end <= len(text):
        return None
    inside = text[start : min(end, start + 160)]
    before = text[max(0, start - _AROUND) : start].rpartition("\n")[2]
    after = text[end : end + _AROUND].partition("\n")[0] if end - start <= 160 else "…"
    return before, " ".join(inside.split()), after


async def _questions(visit: Visit, found: Any, queue: str) -> list[Question]:
    match queue:
        case "doubts":
            return [_doubt(visit, found.plan, one) for one in found.doubts]
        case "units":
            names = await organisations(visit)
            return [_unit(visit, found.plan, one, names) for one in found.units]
        case "years":
            return [_year(visit, found.plan, one) for one in found.years]
        case "links":
            return [await _link(visit, found.plan, one) for one in found.links]
        case _:
            return [_baseline(visit, found.plan, one) for one in found.baselines]


def _doubt(visit: Visit, plan: Any, one: Any) -> Question:
    words = visit.words
    note = Field("note", Text("核对结论（可不填）", "What you found (optional)"))
    if one.settled_by:
        fields, buttons = [], [Button("reopen", words("重新核对"))]
    else:
        fields, buttons = form_fields(words, [note], {}), [Button("settle", words("已核对"), "primary")]
    return Question(
        one.id,
        words.of(one.text),
        words(workbench.DOUBTS.get(one.kind, one.kind)),
        quote(plan.text, one.anchor),
        clause_address(plan.id, one.id),
        fields,
        buttons,
        not one.settled_by,
        " · ".join(filter(None, (one.note, one.settled_by, one.settled_on))),
    )


def _unit(visit: Visit, plan: Any, one: Any, names: Mapping[str, str]) -> Question:
    words = visit.words
    first = plan.clause(one.clauses[0])
    options = tuple(
        (id_, name) for id_, name in sorted(names.items(), key=lambda pair: _far(one.written, pair[1]))
    )
    fields = [FormField("organisation", words("对应机构"), "choice", options=options)]
    more = [
        FormField(name, words("还包括（可选）"), "choice", options=options)
        for name in ("organisation2", "organisation3")
    ]
    count = words("出现在 {count} 条任务中", count=len(one.clauses))
    said = (
        words("不是本市机构") if one.outside else "、".join(names.get(id_, id_) for id_ in one.organisations)
    )
    return Question(
        one.written,
        one.written,
        f"{words('牵头单位') if one.lead else words('配合单位')} · {count}",
        quote(plan.text, first.units_anchor or first.anchor) if first else None,
        clause_address(plan.id, one.clauses[0]),
        fields if one.open else [],
        [Button("resolve", words("确认对应"), "primary"), Button("outside", words("不是本市机构"))]
        if one.open
        else [Button("reopen", words("重新选择"))],
        one.open,
        " · ".join(filter(None, (said, one.answered_by))),
        more=more if one.open else (),
    )


def _far(written: str, name: str) -> tuple[int, str]:
    """Return how far a name is from a unit as written: the more characters in common, the nearer."""
    return (-len(set(written) & set(name)), name)


def _year(visit: Visit, plan: Any, one: Any) -> Question:
    words = visit.words
    fields = form_fields(
        words,
        (
            Field("year", Text("目标年份", "Year"), "integer", required=True),
            Field(
                "source",
                Text("来源", "Source"),
                required=True,
                help=Text("公布该年份的文件", "the document that says it"),
            ),
        ),
        {"year": one.due if one.due.isdigit() else "", "source": one.due_source},
    )
    said = words("{year}（原文 {written}）", year=one.due, written=one.due_written) if one.due_written else ""
    return Question(
        one.id,
        f"{one.indicator} {target_text(one)}",
        due_text(visit, one),
        quote(plan.text, one.anchor),
        clause_address(plan.id, one.id),
        fields,
        [
            Button(
                "enter", words("录入年份") if one.masked else words("更正"), "primary" if one.masked else ""
            )
        ],
        one.masked,
        " · ".join(filter(None, (said, one.due_source))),
    )


async def _link(visit: Visit, plan: Any, one: Any) -> Question:
    words, measured = visit.words, figures.all_measures(visit).get(one.measure)
    title = words.of(measured.title) if measured else one.measure
    facts = [title]
    if measured is not None:
        facts.append(words.of(measured.definition).rstrip("。."))
        if one.matched:
            facts.append(words("依据文字“{matched}”", matched=one.matched))
    match one.state:
        case "open":
            buttons = [
                Button("confirm", words("确认关联"), "primary"),
                Button("refuse", words("不是这个指标")),
            ]
        case "confirmed":
            buttons = [Button("undo", words("取消关联"))]
        case _:
            buttons = [Button("restore", words("恢复推荐"))]
    said = {
        "open": "",
        "confirmed": words("已关联：{title}", title=title),
        "refused": words("已拒绝：{title}", title=title),
    }
    return Question(
        one.target.id,
        f"{one.target.indicator} {target_text(one.target)}",
        "；".join(facts) if one.state == "open" else "",
        quote(plan.text, one.target.anchor),
        clause_address(plan.id, one.target.id),
        [],
        buttons,
        one.state == "open",
        said[one.state],
        (("measure", one.measure),),
    )


BASELINE: Final = (
    Field("value", Text("基期值", "Value at the start"), "decimal", required=True),
    Field("day", Text("基期日期", "Day"), "date", required=True),
    Field("source", Text("来源", "Source"), required=True),
)


def _baseline(visit: Visit, plan: Any, one: Any) -> Question:
    words, held = visit.words, one.baseline
    values = {"value": held.value, "day": held.day.isoformat(), "source": held.source} if held else {}
    said = ""
    if held:
        said = f"{held.day.isoformat()} {held.value.normalize():f}{one.unit} · {held.source}"
    return Question(
        one.id,
        f"{one.indicator} {target_text(one)}",
        due_text(visit, one),
        quote(plan.text, one.anchor),
        clause_address(plan.id, one.id),
        [
            replace(field, unit=one.unit if field.name == "value" else "")
            for field in form_fields(words, BASELINE, values)
        ],
        [
            Button(
                "enter",
                words("录入基期") if held is None else words("更正"),
                "primary" if held is None else "",
            )
        ],
        held is None,
        said,
    )
