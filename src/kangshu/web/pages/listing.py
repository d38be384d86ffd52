"""The list that the 系统管理 pages share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from kangshu.web.parts import Cell
from kangshu.web.visit import Visit


def listing(
    visit: Visit,
    title: str,
    lead: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    none: str,
    **more: Any,
) -> Response:
    """Return a page with one table; `more` may hold buttons (text, address, primary), a Paging and a total."""
    values: dict[str, Any] = {"buttons": (), "page": None, "total_text": "", **more}
    return visit.render(
        "admin_list.html", title=title, lead=lead, heads=heads, rows=rows, none=none, **values
    )
