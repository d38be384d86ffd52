"""One plan: the board of our own, the clauses of another city's."""

from __future__ import annotations

from starlette.responses import Response

from kangshu.web.pages import adoption, board
from kangshu.web.visit import Visit


async def plan(visit: Visit) -> Response:
    """Show one plan."""
    found = await visit.platform.plans.board(visit.grant, visit.path("id"))
    if found.plan.foreign:
        return await adoption.show(visit, found.plan)
    return await board.show(visit, found)
