"""统计发布值: the targets that statistics prove, what has been released of them, and a workbook in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from kangshu.api import import_statistics, statistics_template
from kangshu.base.faults import Fault, Malformed, TooLarge, Unprocessable
from kangshu.base.text import Text
from kangshu.web.pages.figures_text import due_text, number, target_text
from kangshu.web.pages.target_work import RELEASES
from kangshu.web.visit import Visit, uploaded


@dataclass(frozen=True, slots=True)
class StatisticLine:
    """One target that statistics prove."""

    title: str
    plan: str
    figure: str
    due: str
    address: str
    act: str
    value: str
    release: str


async def listed(visit: Visit) -> Response:
    """Show the targets and what has been released."""
    return await _page(visit, [])


async def _page(visit: Visit, findings: Sequence[tuple[int, str]]) -> Response:
    words = visit.words
    lines = []
    for one in await visit.platform.plans.to_release(visit.grant):
        address = f"/plans/{one.plan.id}/targets/{one.target.id}"
        last, release, value = one.last, "", ""
        if last is not None and last.release is not None:
            value = words(
                "{value}（{day}）", value=f"{number(last.value)}{one.target.unit}", day=last.day.isoformat()
            )
            release = f"{last.release.bulletin} · {words(RELEASES.get(last.release.kind, ''))}"
        lines.append(
            StatisticLine(
                one.target.indicator,
                one.plan.title,
                target_text(one.target),
                due_text(visit, one.target),
                address,
                f"{address}?act=statistics#work",
                value,
                release,
            )
        )
    return visit.render(
        "statistics.html",
        422 if findings else 200,
        lines=lines,
        waiting=sum(not one.value for one in lines),
        findings=findings,
    )


async def template(visit: Visit) -> Response:
    """Return the workbook to fill in."""
    data = await statistics_template(visit.platform, visit.grant, visit.words.language)
    return visit.download(data, f"{visit.words('统计发布值')}.xlsx")


async def take(visit: Visit) -> Response:
    """Take a filled workbook; what is wrong comes back row by row and nothing is written."""
    file = await uploaded(await visit.form(), "file")
    if file is None or not file[1]:
        return await _page(visit, [(0, visit.words("请选择填好的模板文件"))])
    try:
        outcome = await import_statistics(visit.platform, visit.grant, file[1])
    except (Malformed, TooLarge, Unprocessable) as fault:
        return await _page(visit, [(0, _said(visit, fault))])
    if outcome.findings:
        language = visit.words.language
        return await _page(
            visit,
            [(row, Text(issue.zh, issue.text).in_language(language)) for row, issue in outcome.findings],
        )
    return visit.go("/statistics", said="saved")


def _said(visit: Visit, fault: Fault) -> str:
    return Text(fault.zh, fault.text).in_language(visit.words.language)
