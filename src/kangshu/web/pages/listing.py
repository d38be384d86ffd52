"""One page with one table, as the 系统管理 pages share it."""

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
    """Return a page with one table; `more` may hold buttons (text, address, primary), a Paging, a total and the place in the menu."""
    values: dict[str, Any] = {
        "buttons": (),
        "page": None,
        "total_text": "",
        "place": visit.words("系统管理"),
        **more,
    }
    return visit.render(
        "admin_list.html", title=title, lead=lead, heads=heads, rows=rows, absent=none, **values
    )
