"""待阅: notices to the visitor's organisation, or to a resident."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.text import Text
from kangshu.web.blocks import Block
from kangshu.web.parts import Cell, Tab
from kangshu.web.visit import Visit, texts, within
from kangshu.web.waiting import forget

_FEW: Final = 6
_MOST: Final = 100
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def said(visit: Visit, text: Text) -> str:
    """Return a notice as people read it: instants as the city's date and time."""
    return _INSTANT.sub(lambda found: visit.words.moment(found[0]), visit.words.of(text))


async def block(visit: Visit) -> Block:
    """Return the unread notices as a block of a first screen."""
    words = visit.words
    found = await visit.platform.cases.notices(visit.grant, unread=True, limit=_FEW)
    rows = [
        [
            Cell(said(visit, one.text), address_of(one), sub=words.moment(one.sent)),
            Cell(words("已阅"), post=f"/notices/{one.id}"),
        ]
        for one in found
    ]
    return Block(
        words("待阅通知"),
        "table",
        rows,
        words("没有未读通知"),
        icon="info",
        heads=(words("内容"), words("操作")),
        more="/notices",
    )


def address_of(notice: Any) -> str:
    """Return the page of what a notice is about, "" for none."""
    if notice.task:
        return f"/cases/{notice.task}"
    return f"/registers/{notice.record}" if notice.record else ""


async def notices(visit: Visit) -> Response:
    """Show the notices, unread ones or all."""
    words, every = visit.words, visit.query("box") == "all"
    found = await visit.platform.cases.notices(visit.grant, unread=not every, limit=_MOST)
    return visit.render(
        "notices.html",
        rows=[(one, said(visit, one.text), words.moment(one.sent), address_of(one)) for one in found],
        tabs=[
            Tab(words("待阅"), "/notices", not every, "" if every else len(found)),
            Tab(words("全部通知"), "/notices?box=all", every, len(found) if every else ""),
        ],
        unread=[one.id for one in found if not one.read],
    )


async def read_one(visit: Visit) -> Response:
    """Mark one notice as read."""
    form = texts(await visit.form())
    await visit.platform.cases.mark_read(visit.grant, visit.path("id"))
    forget(visit.grant)
    return visit.go(within(form.get("back") or "/notices"), said="read")


async def read_all(visit: Visit) -> Response:
    """Mark every notice that was shown as read."""
    form = texts(await visit.form())
    for id_ in filter(None, form.get("id", "").split(",")[:_MOST]):
        await visit.platform.cases.mark_read(visit.grant, id_)
    forget(visit.grant)
    return visit.go("/notices", said="read")
