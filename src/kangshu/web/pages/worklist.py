"""待办中心: what waits for my organisation, what is late, what we started and what we have done."""

from __future__ import annotations

from typing import Final, Literal

from starlette.responses import Response

from kangshu.web.menu import may_start
from kangshu.web.parts import Tab
from kangshu.web.rows import work_rows
from kangshu.web.visit import Visit

Box = Literal["todo", "overdue", "started", "done", "all"]
_TABS: Final[tuple[tuple[Box, str], ...]] = (
    ("todo", "待办"),
    ("overdue", "超期"),
    ("started", "我发起"),
    ("done", "已办"),
    ("all", "全部在办"),
)


async def worklist(visit: Visit) -> Response:
    """Show one box of the worklist, the nearest deadline first."""
    asked = visit.query("box", "todo")
    box: Box = next((one for one, _ in _TABS if one == asked), "todo")
    cases, kind = visit.platform.cases, visit.query("kind")
    kinds = [(one.code, visit.words.of(one.title)) for one in cases.declarations]
    if kind and kind not in dict(kinds):
        kind = ""
    found = await cases.worklist(visit.grant, box, kind or None)
    counts = visit.shared["counts"]
    tabs = [
        Tab(
            visit.words(title),
            f"/worklist?box={one}",
            one == box,
            len(found) if one == box and not kind else counts.get(one, ""),
            one == "overdue",
        )
        for one, title in _TABS
    ]
    return visit.render(
        "worklist.html",
        box=box,
        kind=kind,
        kinds=kinds,
        tabs=tabs,
        rows=work_rows(visit.words, found),
        may_start=may_start(visit.platform, visit.grant),
    )
