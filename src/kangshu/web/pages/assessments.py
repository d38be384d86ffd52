"""考核评价: schemes, the ranking that each has come to, and one unit's sheet with a folder of evidence per item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from kangshu.base.faults import Conflict, Fault, Forbidden, Malformed, NotFound, TooLarge, Unprocessable
from kangshu.base.text import Text
from kangshu.documents import Value, write_xlsx
from kangshu.web.visit import Visit, texts, uploaded


@dataclass(frozen=True, slots=True)
class ShownItem:
    """One item of a unit's sheet: its score, why, and its folder of evidence."""

    row: dict[str, Any]
    score: str
    why: str
    own: str
    folder: Sequence[tuple[str, str]]


async def overview(visit: Visit) -> Response:
    """Show the schemes, and the assessments that the visitor sees."""
    return await _overview(visit)


async def _overview(visit: Visit, fault: Fault | None = None) -> Response:
    sheets = await visit.platform.assessments.sheets(visit.grant)
    schemes = await visit.platform.assessments.schemes(visit.grant)
    begun = {one.id: [sheet for sheet in sheets if sheet.scheme == one.id] for one in schemes}
    return visit.render(
        "assessments.html",
        422 if fault else 200,
        schemes=schemes,
        begun=begun,
        mine=[one for one in sheets if visit.grant.acts_for(one.unit)],
        states=_STATES,
        issues=_told(visit, fault),
        may_import=visit.grant.may("plan.assign"),
    )


_STATES = {
    "draft": (Text("草稿待批准", "Draft"), "amber"),
    "active": (Text("已生效", "In force"), "green"),
    "retired": (Text("已停用", "Retired"), ""),
}


def _told(visit: Visit, fault: Fault | None) -> list[str]:
    if fault is None:
        return []
    said = [Text(one.zh, one.text) for one in fault.issues] or [Text(fault.zh, fault.text)]
    return [visit.words.of(one) for one in said]


async def template(visit: Visit) -> Response:
    """Give the unverified example scheme of this year as a workbook to be filled in."""
    room = visit.platform.assessments
    scheme = await room.example(visit.grant)
    return visit.download(room.workbook(scheme), f"{visit.words('考核方案模板')}.xlsx")


async def import_scheme(visit: Visit) -> Response:
    """Keep the scheme of a workbook as a draft; one with findings comes back with all of them."""
    sent = await uploaded(await visit.form(), "file")
    room = visit.platform.assessments
    try:
        if sent is None:
            raise Unprocessable("choose a workbook", zh="请选择 xlsx 文件")
        made = await room.keep_scheme(visit.grant, await room.read_scheme(visit.grant, sent[1]))
    except (Unprocessable, Malformed, TooLarge) as fault:
        return await _overview(visit, fault)
    return visit.go(f"/assessments/schemes/{made.id}", said="imported-scheme")


async def scheme(visit: Visit) -> Response:
    """Show one scheme: its classes and items, and the ranking that it has come to."""
    return await _scheme(visit)


async def _scheme(visit: Visit, fault: Fault | None = None) -> Response:
    room, grant = visit.platform.assessments, visit.grant
    found = await room.scheme(grant, visit.path("id"))
    ranked = await room.ranked(grant, found.id)
    listed = [one for rows in ranked.values() for one in rows]
    published = (await room.published(grant, [found.id])).get(found.id)
    may_open = found.state == "active" and grant.may("plan.assign")
    snapshots = [
        one
        for one in (await visit.platform.snapshots.snapshots(grant) if may_open else ())
        if found.first_day <= one.day <= found.last_day
    ]
    units = sum(len(one.units) for one in found.classes)
    return visit.render(
        "assessment_scheme.html",
        409 if fault else 200,
        scheme=found,
        state=_STATES[found.state],
        ranked=ranked,
        whole=any(not grant.acts_for(one.sheet.unit) for one in listed),
        circular=published,
        snapshots=snapshots,
        unopened=units - len(listed),
        may_open=may_open,
        may_approve=found.state == "draft" and grant.may("plan.instruct") and grant.account != found.made_by,
        may_publish=may_open
        and bool(listed)
        and published is None
        and all(one.sheet.settled for one in listed),
        issues=_told(visit, fault),
    )


async def workbook(visit: Visit) -> Response:
    """Give one scheme as a workbook."""
    room = visit.platform.assessments
    found = await room.scheme(visit.grant, visit.path("id"))
    return visit.download(room.workbook(found), f"{found.title}_{found.version}.xlsx")


async def result(visit: Visit) -> Response:
    """Give the ranking of a scheme and every item of every unit as a workbook."""
    room, words = visit.platform.assessments, visit.words
    found = await room.scheme(visit.grant, visit.path("id"))
    heads = ("类别", "名次", "单位", "指标得分", "加分", "扣分", "容错", "总分", "环节")
    table: list[list[Value]] = [[words(head) for head in heads]]
    item_heads = ("单位", "条款", "指标", "分值", "得分", "依据", "自评分", "核验意见", "佐证份数")
    items: list[list[Value]] = [[words(head) for head in item_heads]]
    for title, rows in (await room.ranked(visit.grant, found.id)).items():
        for one in rows:
            total, sheet = one.sheet.total, one.sheet
            figures = (total.items, total.additions, total.deductions, total.waived, total.points)
            table.append([title, one.rank, sheet.unit_name, *figures, words.of(sheet.state_title)])
            for row, score, why in sheet.scored:
                said = (row["clause"], row["indicator"], row["points"], score, why)
                own = (row.get("self_score"), row.get("note"), len(_files(row)))
                items.append([sheet.unit_name, *said, *own])
    data = write_xlsx({words("考核结果"): table, words("分项得分"): items})
    return visit.download(data, f"{words('考核结果')}_{found.year}.xlsx")


async def act(visit: Visit) -> Response:
    """Approve a scheme, begin its assessments on a snapshot, or publish its results."""
    room, grant, id_, chosen = visit.platform.assessments, visit.grant, visit.path("id"), visit.path("act")
    form = texts(await visit.form())
    try:
        if chosen == "approve":
            await room.approve_scheme(grant, id_)
        elif chosen == "open":
            await room.open(grant, id_, form.get("snapshot", ""))
        elif chosen == "publish":
            await room.publish(grant, id_)
        else:
            raise NotFound("there is no such act", zh="没有该操作")
    except (Conflict, Unprocessable) as fault:
        return await _scheme(visit, fault)
    except Forbidden as fault:
        if chosen != "approve" or not grant.may("plan.instruct"):
            raise
        return await _scheme(visit, fault)
    return visit.go(f"/assessments/schemes/{id_}", said=_SAID[chosen])


_SAID = {"approve": "approved", "open": "assessing", "publish": "circulated"}


async def sheet(visit: Visit) -> Response:
    """Show one unit's sheet: every point with its formula, inputs and clause, and its folder of evidence."""
    room = visit.platform.assessments
    found = await room.sheet(visit.grant, visit.path("id"))
    groups: dict[str, list[ShownItem]] = {}
    for row, score, why in found.scored:
        groups.setdefault(str(row.get("group") or ""), []).append(
            ShownItem(row, _figure(score), why, _figure(row.get("self_score")), await _folder(visit, row))
        )
    return visit.render(
        "assessment_sheet.html",
        sheet=found,
        groups=groups,
        shown=_figure,
        whole=sum((Decimal(str(row["points"])) for row in found.items), Decimal(0)),
    )


def _figure(value: Any) -> str:
    """Return points without trailing noughts, "" for none."""
    return "" if value is None else f"{Decimal(str(value)).normalize():f}"


def _files(row: dict[str, Any]) -> list[str]:
    files = row.get("evidence") or []
    return [str(one) for one in (files if isinstance(files, list) else [files])]


async def _folder(visit: Visit, row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the evidence of an item: the address of each file and what it is called."""
    found = []
    for reference in _files(row):
        id_ = reference.removeprefix("DocumentReference/")
        try:
            resource = (await visit.platform.store.read(visit.grant, "DocumentReference", id_)).resource
        except Fault:
            found.append(("", visit.words("无权查看")))
            continue
        titles = [str(one.get("attachment", {}).get("title", "")) for one in resource.get("content", ())]
        found.append((f"/files/{id_}", next(filter(None, titles), id_)))
    return found
