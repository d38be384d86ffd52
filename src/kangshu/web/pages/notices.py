"""待阅: notices to the visitor's organisation, or to a resident."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
            Cell(said(visit, one.text), address, sub=words.moment(one.sent)),
            Cell(words("已阅"), post=f"/notices/{one.id}"),
        ]
        for one, address in zip(found, await addresses(visit, found), strict=True)
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


async def addresses(visit: Visit, found: Sequence[Any]) -> list[str]:
    """Return the page of what each notice is about, "" for none.

    A case that has gone on to others since is not led to. A resident reads no registers: what a notice tells of one
    stands behind the entrance.
    """
    asked = {one.task for one in found if one.task}
    cases = (
        await visit.platform.store.search_all(visit.grant, "Task", f"_id={','.join(sorted(asked))}")
        if asked
        else []
    )
    seen = {one["id"] for one in cases}
    elsewhere = "/my" if visit.grant.patient else ""
    reads = visit.grant.may("register.read")

    def address(notice: Any) -> str:
        if notice.task:
            return f"/cases/{notice.task}" if notice.task in seen else ""
        if not notice.record:
            return ""
        return f"/registers/{notice.record}" if reads else elsewhere

    return [address(one) for one in found]


async def notices(visit: Visit) -> Response:
    """Show the notices, unread ones or all."""
    words, every = visit.words, visit.query("box") == "all"
    found = await visit.platform.cases.notices(visit.grant, unread=not every, limit=_MOST)
    return visit.render(
        "notices.html",
        rows=[
            (one, said(visit, one.text), words.moment(one.sent), address)
            for one, address in zip(found, await addresses(visit, found), strict=True)
        ],
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
