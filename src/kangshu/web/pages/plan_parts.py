"""A document that holds several plans: the parts found, and whether they come in one by one or as one plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.web.visit import Visit, texts

TITLE: Final = "title-"
TAKE: Final = "take-"
KINDS: Final = {"plan": "规划", "reply": "复函"}


@dataclass(frozen=True, slots=True)
class Row:
    """One part in the form."""

    number: int
    title: str
    kind: str
    opening: str
    note: str
    plan: str
    """Address of the plan that it has become, "" for none."""


async def parts(visit: Visit) -> Response:
    """Show the plans that a received document holds, to be chosen and named."""
    return await _show(visit, 200, "")


async def import_parts(visit: Visit) -> Response:
    """Import the chosen parts, each as a plan, or the whole document as one."""
    form = texts(await visit.form())
    place = visit.platform.settings.jurisdiction if form.get("own") == "true" else ""
    chosen = {
        int(name.removeprefix(TAKE)): form.get(TITLE + name.removeprefix(TAKE), "")
        for name in form
        if name.startswith(TAKE) and name.removeprefix(TAKE).isdigit()
    }
    whole = form.get("act") == "whole"
    try:
        made = await visit.platform.plans.import_received(
            visit.grant, visit.path("id"), place, whole=whole, chosen=None if whole else chosen
        )
    except Fault as fault:
        if fault.code in ("forbidden", "exception", "transient", "not-found"):
            raise
        return await _show(visit, 422, Text(fault.zh, fault.text).in_language(visit.words.language))
    if len(made) == 1:
        return visit.go(f"/plans/{made[0].plan}/document", said="imported")
    return visit.go("/plans", said="imported")


async def _show(visit: Visit, status: int, error: str) -> Response:
    words, id_ = visit.words, visit.path("id")
    found = await visit.platform.plans.received(visit.grant, id_)
    rows = [
        Row(
            one.part.number,
            one.part.title,
            words(KINDS[one.part.kind]),
            one.opening,
            words("{tasks} 条任务、{targets} 个目标", tasks=one.clauses, targets=one.targets),
            f"/plans/{one.plan}" if one.plan else "",
        )
        for one in found.parts
    ]
    return visit.render(
        "plan_parts.html",
        status,
        title=found.title,
        name=found.name,
        rows=rows,
        whole=f"/plans/{found.whole_plan}" if found.whole_plan else "",
        address=f"/plans/import/{id_}",
        own=visit.query("own") == "true",
        error=error,
    )
