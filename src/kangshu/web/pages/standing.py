"""规划状态: 执行中、到期、终期评估、废止, with the approving document of each step, and the period over which a plan holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from starlette.responses import Response

from kangshu.base.faults import Conflict, Fault, Invalid, NotFound
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web.forms import FormField, form_fields
from kangshu.web.inputs import day_or_none
from kangshu.web.visit import Visit, texts

_SOURCE: Final = Field(
    "source",
    Text("批准文件", "Approving document"),
    required=True,
    help=Text("文件名与文号", "title and number"),
)
_REPLACED: Final = (
    Field("replaced_by_plan", Text("由哪份规划替代", "Replaced by"), "choice"),
    Field(
        "replaced_by",
        Text("或：替代文件名称", "or: name of the document"),
        help=Text("没有替代文件的写“无”", "write “none” where there is none"),
    ),
)
_PERIOD: Final = (
    Field("start", Text("起始日期", "From"), "date"),
    Field("end", Text("截止日期", "Until"), "date"),
    Field("source", Text("来源文件", "Source"), required=True, help=Text("文件名与文号", "title and number")),
)
STATE_TONES: Final = {
    "in-force": "accent",
    "expired": "plain",
    "final-evaluation": "amber",
    "repealed": "red",
}
_HINTS: Final = {
    "evaluate": "规划期满或临近期满，开展终期评估。",
    "conclude": "终期评估报告已审定，规划转为到期。",
    "repeal": "规划不再执行；未办结的交办事项须逐件办结或撤销。",
    "reinstate": "继续执行；已过截止日期的仍显示到期，请同时调整有效期。",
}


@dataclass(frozen=True, slots=True)
class StepForm:
    """One step that may be taken."""

    step: str
    title: str
    hint: str
    fields: Sequence[FormField]
    open: bool


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a plan is, for its other pages: its word, until when it holds, and what a reader must know (`notice`)."""

    title: str
    tone: str
    until: str
    notice: str


def stands(visit: Visit, plan: Any) -> Stands:
    """Return where a plan is; a repealed one says what takes its place and how many duties it leaves open."""
    words, now = visit.words, plan.standing
    notice = ""
    if now.state == "repealed":
        open_duties = sum(not duty.final and not duty.parent for one in plan.clauses for duty in one.duties)
        notice = words(
            "本规划已废止（{basis}），仍有 {count} 件交办事项未办结。", basis=now.basis, count=open_duties
        )
    title = words.of(visit.platform.plans.state_title(now.state))
    return Stands(
        title, STATE_TONES[now.state], words.day(now.valid_until) if now.valid_until else "", notice
    )


def approved_text(visit: Visit, progress: Any) -> str:
    """Return who approved a plan's reading and when; "" until every finding is confirmed."""
    if not progress.approved:
        return ""
    return visit.words(
        "已核定：{by}，{on}", by="、".join(progress.by[:3]), on=visit.words.moment(progress.on)
    )


async def standing(visit: Visit) -> Response:
    """Show where a plan is, the steps that lead on, and the duties that a repealed one leaves open."""
    return await _page(visit)


async def step(visit: Visit) -> Response:
    """Take a step, or enter the period."""
    id_, doing, form = visit.path("id"), visit.path("step"), texts(await visit.form())
    plans = visit.platform.plans
    try:
        if doing == "period":
            start, end = day_or_none(form, "start"), day_or_none(form, "end")
            await plans.enter_period(visit.grant, id_, start, end, form.get("source", ""))
        elif doing in _HINTS:
            await plans.take_step(
                visit.grant,
                id_,
                cast("Any", doing),
                form.get("source", ""),
                replaced_by=form.get("replaced_by", ""),
                replaced_by_plan=form.get("replaced_by_plan", ""),
            )
        else:
            raise NotFound("there is no such step", zh="没有这项操作")
    except (Invalid, Conflict) as fault:
        return await _page(visit, doing, form, fault)
    return visit.go(f"/plans/{id_}/standing", said="saved")


async def _page(
    visit: Visit, doing: str = "", form: Mapping[str, str] | None = None, fault: Fault | None = None
) -> Response:
    words, id_, plans = visit.words, visit.path("id"), visit.platform.plans
    plan = await plans.plan(visit.grant, id_)
    now, listed = plan.standing, await plans.plans(visit.grant)
    others = tuple((row.id, row.title) for row in listed if row.id != id_ and row.foreign == plan.foreign)
    issues = fault.issues if fault else ()
    period = {
        "start": now.valid_from.isoformat() if now.valid_from else "",
        "end": now.valid_until.isoformat() if now.valid_until else "",
        "source": now.period_source,
    }
    steps = []
    for one, title in plans.steps(now.state):
        fields = (_SOURCE, *(_REPLACED if one == "repeal" else ()))
        held = form if form is not None and doing == one else {}
        shown = form_fields(words, fields, held, issues if doing == one else (), {"replaced_by_plan": others})
        steps.append(StepForm(one, words.of(title), words(_HINTS[one]), shown, doing == one))
    open_duties = [
        duty for clause in plan.clauses for duty in clause.duties if not duty.final and not duty.parent
    ]
    return visit.render(
        "plan_standing.html",
        200 if fault is None else 409 if isinstance(fault, Conflict) else 422,
        title=plan.title,
        address=f"/plans/{id_}",
        state=words.of(plans.state_title(now.state)),
        tone=STATE_TONES[now.state],
        now=now,
        replaced=next((row.title for row in listed if row.id == now.replaced_by_plan), ""),
        steps=steps,
        period=form_fields(
            words,
            _PERIOD,
            form if form is not None and doing == "period" else period,
            issues if doing == "period" else (),
        ),
        duties=open_duties if now.state == "repealed" else [],
        error=Text(fault.zh, fault.text).in_language(words.language) if fault else "",
    )
