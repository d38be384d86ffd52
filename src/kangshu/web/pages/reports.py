"""填报与审核: what my organisation has to report, and what waits for my review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.web.blocks import Block
from kangshu.web.lookup import organisations
from kangshu.web.pages.figures_text import due_text, number, target_text
from kangshu.web.parts import Cell
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class ToReport:
    """One target that my organisation has to report."""

    title: str
    plan: str
    figure: str
    due: str
    address: str
    act: str
    last: str
    returned: bool
    comment: str


@dataclass(frozen=True, slots=True)
class ToReview:
    """One submitted value that waits for my review."""

    title: str
    plan: str
    figure: str
    address: str
    review: str
    value: str
    day: str
    unit: str
    evidence: str
    files: Sequence[tuple[str, str]]


async def to_report(visit: Visit) -> list[ToReport]:
    """Return what the visitor's organisation has to report, returned ones first."""
    if not visit.grant.organisation or not visit.grant.may("plan.read"):
        return []
    found = [_to_report(visit, one) for one in await visit.platform.plans.to_report(visit.grant)]
    return sorted(found, key=lambda one: not one.returned)


def _to_report(visit: Visit, one: Any) -> ToReport:
    words, target, last = visit.words, one.target, one.last
    address = f"/plans/{one.plan}/targets/{target.id}"
    said = ""
    if last is not None:
        said = words("{value}（{day}）", value=f"{number(last.value)}{target.unit}", day=last.day.isoformat())
    return ToReport(
        target.indicator,
        one.plan_title,
        target_text(target),
        due_text(visit, target),
        address,
        f"{address}?act=report#work",
        said,
        one.returned,
        last.comment if one.returned and last is not None else "",
    )


async def to_review(visit: Visit) -> list[ToReview]:
    """Return the submitted values that the visitor may review."""
    if not visit.grant.may("plan.report"):
        return []
    words, names, found = visit.words, await organisations(visit), []
    for plan, one in await visit.platform.plans.to_review(visit.grant):
        target = plan.target(one.target)
        if target is None:
            continue
        address = f"/plans/{plan.id}/targets/{target.id}"
        found.append(
            ToReview(
                target.indicator,
                plan.title,
                target_text(target),
                address,
                f"{address}/reports/{one.id}",
                f"{number(one.value)}{target.unit}",
                one.day.isoformat(),
                names.get(one.unit, one.unit),
                one.evidence,
                [
                    (f"/files/{id_}/preview", words("材料 {number}", number=at))
                    for at, id_ in enumerate(one.files, 1)
                ],
            )
        )
    return found


async def reports(visit: Visit) -> Response:
    """Show both lists."""
    return visit.render(
        "reports.html",
        due=await to_report(visit),
        review=await to_review(visit),
        may_review=visit.grant.may("plan.report"),
    )


def due_block(visit: Visit, due: Sequence[ToReport], few: int) -> Block:
    """Return the block of a first screen: targets to report this month."""
    words = visit.words
    rows = [
        [
            Cell(one.title, one.act, sub=one.comment or one.plan),
            Cell(words("退回重报"), tone="red") if one.returned else Cell(words("待填报"), tone="amber"),
            Cell(one.figure),
            Cell(one.last or "—"),
        ]
        for one in due[:few]
    ]
    return Block(
        words("本月应填报的目标"),
        "table",
        rows,
        words("本月没有要填报的目标"),
        words("没有关联指标的目标，由牵头单位按月填报"),
        "paper",
        "/reports",
        heads=(words("目标"), words("状态"), words("目标值"), words("上次填报")),
    )


def review_block(visit: Visit, review: Sequence[ToReview], few: int) -> Block:
    """Return the block of a first screen: reported values to review."""
    words = visit.words
    rows = [
        [Cell(one.title, "/reports#review", sub=one.unit), Cell(one.value), Cell(one.day)]
        for one in review[:few]
    ]
    return Block(
        words("待审核的填报"),
        "table",
        rows,
        words("没有待审核的填报"),
        icon="paper",
        more="/reports#review",
        heads=(words("目标"), words("值"), words("数据日期")),
    )
