"""A plan among plans: its earlier and later versions, and the higher plans that it carries out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.base.faults import Fault, NotFound
from kangshu.base.text import Text
from kangshu.web.visit import Visit, texts


@dataclass(frozen=True, slots=True)
class Row:
    """Another plan."""

    id: str
    title: str
    note: str
    address: str


async def relations(visit: Visit) -> Response:
    """Show the plans around one, and the forms that relate them."""
    return await _show(visit, 200, "")


async def relate(visit: Visit) -> Response:
    """Relate two plans: `succeed` (an earlier version), `under` (a higher plan), `apart` (no longer under it)."""
    id_, act = visit.path("id"), visit.path("act")
    form = texts(await visit.form())
    other = form.get("other", "")
    lineage = visit.platform.lineage
    try:
        if act == "succeed":
            await lineage.succeed(visit.grant, id_, other, carry=form.get("carry") == "true")
            return visit.go(f"/plans/{id_}/compare/{other}", said="succeeded")
        if act == "under":
            await lineage.place_under(visit.grant, id_, other)
            return visit.go(f"/plans/{id_}/higher/{other}", said="related")
        if act == "apart":
            await lineage.place_under(visit.grant, id_, other, linked=False)
            return visit.go(f"/plans/{id_}/relations", said="saved")
    except Fault as fault:
        if fault.code in ("forbidden", "exception", "transient", "not-found"):
            raise
        return await _show(visit, 422, Text(fault.zh, fault.text).in_language(visit.words.language))
    raise NotFound("no such act", zh="没有此操作")


async def _show(visit: Visit, status: int, error: str) -> Response:
    id_ = visit.path("id")
    found = await visit.platform.lineage.relations(visit.grant, id_)
    own = not found.plan.foreign
    return visit.render(
        "plan_relations.html",
        status,
        title=found.plan.title,
        address=f"/plans/{id_}",
        before=[_row(visit, one, f"/plans/{id_}/compare/{one.id}") for one in found.before],
        after=[_row(visit, one, f"/plans/{one.id}/compare/{id_}") for one in found.after],
        maybe=[_row(visit, one, f"/plans/{id_}/compare/{one.id}") for one in found.maybe_before],
        higher=[_row(visit, one, f"/plans/{id_}/higher/{one.id}") for one in found.higher],
        others=[_row(visit, one, f"/plans/{id_}/compare/{one.id}") for one in found.others],
        may_change=own and visit.grant.may("plan.link"),
        error=error,
    )


def _row(visit: Visit, row: Any, address: str) -> Row:
    words = visit.words
    note = words("导入于 {day}", day=words.day(row.imported))
    count = words("{tasks} 条任务、{targets} 个目标", tasks=row.clauses, targets=row.targets)
    return Row(row.id, row.title, f"{note} · {count}", address)
