"""取数方式清单: every target of a plan with what proves it, to be confirmed or decided for many at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from starlette.responses import Response

from kangshu.base.faults import Invalid
from kangshu.web import figures
from kangshu.web.pages.figures_text import due_text, target_text
from kangshu.web.pages.target_evidence import TONES
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One target with what proves it."""

    id: str
    title: str
    figure: str
    due: str
    address: str
    kind: str
    tone: str
    reason: str
    decided: str
    offered: str
    """The title of the suggested measure that nobody has confirmed, "" for none."""
    matched: str
    worded: bool


async def listed(visit: Visit) -> Response:
    """Show the list."""
    return await _page(visit, "")


async def _page(visit: Visit, error: str) -> Response:
    words, id_ = visit.words, visit.path("id")
    plan = await visit.platform.plans.plan(visit.grant, id_)
    measures = figures.all_measures(visit)
    offered = {
        one.target: one
        for one in await visit.platform.plans.suggestions(visit.grant, id_)
        if one.measure in measures
    }
    lines = []
    for one in plan.targets:
        held, suggestion = one.evidence, offered.get(one.id)
        open_ = suggestion is not None and not (one.measure and one.confirmed) and not held.decided_by
        lines.append(
            EvidenceLine(
                one.id,
                one.indicator,
                target_text(one),
                due_text(visit, one),
                f"/plans/{id_}/targets/{one.id}",
                words("待确认关联") if open_ else words.of(held.title),
                "amber" if open_ else TONES.get(held.kind, "grey"),
                words.of(held.reason),
                held.decided_by,
                words.of(measures[suggestion.measure].title) if open_ and suggestion else "",
                suggestion.matched if open_ and suggestion else "、".join(held.matched),
                one.worded,
            )
        )
    return visit.render(
        "plan_evidence.html",
        422 if error else 200,
        error=error,
        title=plan.title,
        address=f"/plans/{id_}",
        lines=lines,
        counts=Counter((one.kind, one.tone) for one in lines).most_common(),
        suggested=sum(bool(one.offered) for one in lines),
        foreign=plan.foreign,
    )


async def decide(visit: Visit) -> Response:
    """Confirm suggested measures (all, or of the chosen targets), or say where the values of the chosen come from."""
    sent, id_ = await visit.form(), visit.path("id")
    act, chosen = str(sent.get("act", "")), [str(one) for one in sent.getlist("target")]
    if act == "confirm-all":
        await visit.platform.plans.link_all(visit.grant, id_)
        return visit.go(f"/plans/{id_}/evidence", said="linked")
    if not chosen:
        return await _page(visit, visit.words("请至少选择一个目标"))
    if act == "confirm":
        await visit.platform.plans.link_all(visit.grant, id_, chosen)
        return visit.go(f"/plans/{id_}/evidence", said="linked")
    try:
        await visit.platform.plans.targets.decide(visit.grant, id_, chosen, act)
    except Invalid as fault:
        return await _page(visit, fault.zh)
    return visit.go(f"/plans/{id_}/evidence", said="saved")
