"""交办预览: what assigning each clause would do, and why some cannot be assigned yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from kangshu.base.faults import Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.figures_text import short
from kangshu.web.visit import Visit, texts


@dataclass(frozen=True, slots=True)
class Assignable:
    """One clause: who would get a duty and until when; what is in the way."""

    id: str
    title: str
    address: str
    leads: str
    due: str
    target: str
    standard: str
    listed: bool
    why: Sequence[str]


async def preview(visit: Visit) -> Response:
    """Show what 交办 would do, clause by clause."""
    words, id_ = visit.words, visit.path("id")
    lists = visit.platform.duty_lists
    year = whole_number(visit.query("year"), 4) or lists.today().year
    plan = await visit.platform.plans.plan(visit.grant, id_)
    found = await lists.before_assigning(visit.grant, id_, year)
    rows = [
        Assignable(
            one.clause.id,
            short(one.clause.title or one.clause.text, 60),
            clause_address(id_, one.clause.id),
            "、".join(name for _, name in one.leads),
            one.due.isoformat() if one.due else "",
            one.entry.annual_target if one.entry else "",
            one.entry.completion_standard if one.entry else "",
            one.entry is not None,
            [
                Text(issue.zh, issue.text).in_language(words.language)
                for issue in one.findings
                if issue.code != "duplicate"
            ],
        )
        for one in found
    ]
    return visit.render(
        "assign.html",
        plan=plan.title,
        foreign=plan.foreign,
        plan_address=f"/plans/{id_}",
        year=year,
        ready=[one for one in rows if one.leads],
        hindered=[one for one in rows if not one.leads and one.why],
        done=sum(1 for one in plan.clauses if one.duties),
    )


async def assign(visit: Visit) -> Response:
    """交办: start the duties of the chosen clauses."""
    id_, form = visit.path("id"), texts(await visit.form())
    chosen = list(filter(None, form.get("action", "").split(",")))
    if not chosen:
        raise Unprocessable("choose at least one clause", zh="请至少选择一条条款")
    year = whole_number(form.get("year", ""), 4) or 0
    made = await visit.platform.plans.assign(
        visit.grant, id_, chosen, note=form.get("note", "")[:500], year=year
    )
    if not made.duties and made.findings:
        raise Unprocessable(made.findings[0].text, zh=made.findings[0].zh, issues=made.findings)
    return visit.go(f"/plans/{id_}", said="assigned")
