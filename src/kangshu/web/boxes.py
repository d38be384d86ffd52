"""Boxes of the worklist for one page: each is asked once, and those that a page needs are asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from kangshu.web.rows import CaseLine
from kangshu.web.visit import Visit

Box = Literal["todo", "started", "overdue", "all"]


def ask(visit: Visit, *names: Box) -> None:
    """Begin to read boxes that this page will need."""
    for name in names:
        if name not in visit.boxes:
            work = visit.platform.cases.worklist(visit.grant, name)
            visit.boxes[name] = asyncio.ensure_future(work)


async def box(visit: Visit, name: Box) -> Sequence[CaseLine]:
    """Return one box, urgent and near deadlines first."""
    ask(visit, name)
    found: Sequence[CaseLine] = await visit.boxes[name]
    return found
