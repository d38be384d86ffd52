"""批示: a leader's instruction on a target or on a case, and what has become of those given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.faults import Fault, Invalid, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web.forms import form_fields, told
from kangshu.web.inputs import day_or_none
from kangshu.web.lookup import organisations
from kangshu.web.pages.figures_text import target_text
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.visit import Visit, texts

_FORM: Final = (
    Field("instruction", Text("批示意见", "Instruction"), "paragraph", required=True),
    Field(
        "receiver",
        Text("承办单位", "Responsible organisation"),
        "organisation",
        required=True,
        help=Text("默认为规划推进办所在单位", "by default the plan office's organisation"),
    ),
    Field(
        "due",
        Text("要求报告期限", "To be reported by"),
        "date",
        help=Text("不填则按规定时限", "empty: the usual time limit"),
    ),
)


@dataclass(frozen=True, slots=True)
class GivenInstruction:
    """One instruction with its state."""

    text: str
    address: str
    state: str
    tone: str
    unit: str
    issued: str


async def instructions_of(visit: Visit, plan: str, target: str) -> list[GivenInstruction]:
    """Return the instructions on one target, the newest first."""
    found = await visit.platform.plans.instructions(visit.grant, f"PlanDefinition/{plan}")
    return [_given(visit, one) for one in found if one.target == target]


async def instructions_on_case(visit: Visit, task: str) -> list[GivenInstruction]:
    """Return the instructions on one case, the newest first."""
    return [
        _given(visit, one) for one in await visit.platform.plans.instructions(visit.grant, f"Task/{task}")
    ]


def _given(visit: Visit, one: Any) -> GivenInstruction:
    return GivenInstruction(
        one.text,
        f"/cases/{one.task}",
        visit.words.of(one.state),
        "green" if one.final else "blue",
        one.unit_name,
        one.issued,
    )


async def on_target(visit: Visit) -> Response:
    """Show the form of an instruction on a target."""
    return await _target(visit, {"receiver": await _office(visit)})


async def instruct_on_target(visit: Visit) -> Response:
    """Give an instruction on a target; it is then in the office's worklist."""
    form = texts(await visit.form())
    try:
        made = await visit.platform.plans.instruct(
            visit.grant,
            visit.path("id"),
            visit.path("goal"),
            form.get("instruction", ""),
            _receiver(form),
            due=day_or_none(form, "due"),
        )
    except (Invalid, Unprocessable) as fault:
        return await _target(visit, form, fault)
    return visit.go(f"/cases/{made}", said="instructed")


async def on_case(visit: Visit) -> Response:
    """Show the form of an instruction on a case."""
    return await _case(visit, {"receiver": await _asker(visit)})


async def instruct_on_case(visit: Visit) -> Response:
    """Give an instruction on a case, e.g. an overdue duty."""
    form = texts(await visit.form())
    try:
        made = await visit.platform.plans.instruct_case(
            visit.grant,
            visit.path("id"),
            form.get("instruction", ""),
            _receiver(form),
            due=day_or_none(form, "due"),
        )
    except (Invalid, Unprocessable) as fault:
        return await _case(visit, form, fault)
    return visit.go(f"/cases/{made}", said="instructed")


def _receiver(form: Mapping[str, str]) -> str:
    receiver = form.get("receiver", "").removeprefix("Organization/")
    if not receiver:
        raise Invalid("choose an organisation", zh="请选择承办单位", expression="receiver")
    return receiver


async def _office(visit: Visit) -> str:
    """Return the organisation that instructions go to unless the leader chooses another: who assigns duties."""
    found = await visit.platform.accounts.organisations_that_may("plan.assign")
    return f"Organization/{found[0]}" if found else ""


async def _asker(visit: Visit) -> str:
    """Return the organisation that started the case, which supervises it; else the plan office's."""
    row = await visit.platform.cases.row(visit.grant, visit.path("id"))
    return f"Organization/{row.requester}" if row.requester else await _office(visit)


async def _target(visit: Visit, values: Mapping[str, str], fault: Fault | None = None) -> Response:
    words, id_, goal = visit.words, visit.path("id"), visit.path("goal")
    plan = await visit.platform.plans.plan(visit.grant, id_)
    found = plan.target(goal)
    if found is None or plan.foreign:
        raise NotFound("there is no such target in this plan", zh="该规划中没有这个目标")
    light = words(LIGHT_WORDS[found.light.light])
    lead = f"{light} · {found.indicator} {target_text(found)}：{words.of(found.light.explanation)}"
    address = f"/plans/{id_}/targets/{goal}"
    trail = [
        (words("规划与挂图作战"), "/plans"),
        (plan.title, f"/plans/{id_}"),
        (found.indicator, address),
        (words("批示"), ""),
    ]
    return await _form(visit, address, lead, trail, values, fault)


async def _case(visit: Visit, values: Mapping[str, str], fault: Fault | None = None) -> Response:
    words, id_ = visit.words, visit.path("id")
    row = await visit.platform.cases.row(visit.grant, id_)
    late = (
        words("超期 {days} 天", days=-row.days_left)
        if row.days_left is not None and row.days_left < 0
        else ""
    )
    lead = " · ".join(
        filter(None, (words.of(row.kind), row.number, words.of(row.state_title), late, row.owner_name))
    )
    address = f"/cases/{id_}"
    trail = [(words("工作台"), "/"), (row.title, address), (words("批示"), "")]
    return await _form(visit, address, f"{row.title}：{lead}", trail, values, fault)


async def _form(
    visit: Visit,
    address: str,
    lead: str,
    trail: list[tuple[str, str]],
    values: Mapping[str, str],
    fault: Fault | None,
) -> Response:
    words = visit.words
    if not visit.platform.plans.may_instruct(visit.grant):
        visit.grant.require("plan.instruct")
        raise NotFound("no service carries instructions", zh="当前系统没有可承接批示的服务")
    names = await organisations(visit)
    choices = {"receiver": tuple((f"Organization/{id_}", name) for id_, name in names.items())}
    return visit.render(
        "form.html",
        422 if fault else 200,
        title=words("批示"),
        lead=lead,
        trail=trail,
        issues=told(words, fault, _FORM) if fault else [],
        action=f"{address}/instruct",
        hidden=(),
        fields=form_fields(words, _FORM, values, fault.issues if fault else (), choices),
        files=False,
        submit=words("发出批示"),
        cancel=address,
    )
