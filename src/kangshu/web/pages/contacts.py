"""通知接收: where one wants to be told outside the product; and, for administrators, what was told there."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from kangshu.base.faults import Fault, NotFound
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.web.parts import Cell, Tab
from kangshu.web.visit import Visit, texts

_STATES: Final = {"waiting": "等待发送", "sent": "已发送", "failed": "发送失败", "dropped": "未发送"}
_TONES: Final = {"waiting": "amber", "sent": "green", "failed": "red", "dropped": "grey"}


async def contacts(visit: Visit) -> Response:
    """Show the channels with one's own addresses."""
    return await _shown(visit)


async def act(visit: Visit) -> Response:
    """Bind, confirm, try out or remove one's own address of a channel."""
    form = texts(await visit.form())
    notices, channel, grant = visit.platform.notices, visit.path("channel"), visit.grant
    try:
        match visit.path("act"):
            case "bind":
                await notices.bind(grant, channel, form.get("address", ""))
                return visit.go("/me/contacts", said="code-sent")
            case "confirm":
                await notices.confirm(grant, channel, form.get("code", ""))
                return visit.go("/me/contacts", said="saved")
            case "trial":
                await notices.try_out(grant, channel)
                return visit.go("/me/contacts", said="trial-sent")
            case "remove":
                await notices.remove(grant, channel)
                return visit.go("/me/contacts", said="saved")
    except NotFound:
        raise
    except Fault as fault:
        return await _shown(visit, channel, fault)
    raise NotFound("there is no such act", zh="没有此操作")


async def _shown(visit: Visit, channel: str = "", fault: Fault | None = None) -> Response:
    words = visit.words
    ways = await visit.platform.notices.ways(visit.grant)
    return visit.render(
        "contacts.html",
        422 if fault else 200,
        ways=[(one, words.of(one.title), words.of(one.help)) for one in ways],
        wrong=channel,
        error="" if fault is None else words.of(Text(fault.zh, fault.text)),
    )


async def deliveries(visit: Visit) -> Response:
    """Show what was told outside the product, and what could not be."""
    words, state = visit.words, visit.query("state")
    state = state if state in _STATES else ""
    found = await visit.platform.notices.deliveries.recent(visit.grant, state)
    titles = {id_: words.of(title) for id_, title in visit.platform.notices.channels}
    rows = []
    for one in found:
        rows.append(
            [
                Cell(words.moment(one.made)),
                Cell(titles.get(one.channel, one.channel)),
                Cell(one.account or "—", one.account and f"/admin/accounts/{one.account}"),
                Cell(_kind(visit, one.kind), sub=words("紧急") if one.urgent else ""),
                Cell(words(_STATES[one.state]), tone=_TONES[one.state], sub=one.fault),
                Cell(words("重新发送"), post=f"/admin/deliveries/{one.id}/again")
                if one.state == "failed"
                else Cell(""),
            ]
        )
    return visit.render(
        "deliveries.html",
        rows=rows,
        heads=[words(one) for one in ("时间", "渠道", "账号", "办件类型", "状态", "操作")],
        channels=titles,
        tabs=[
            Tab(words("全部"), "/admin/deliveries", not state),
            *(
                Tab(words(title), f"/admin/deliveries?state={id_}", state == id_)
                for id_, title in _STATES.items()
            ),
        ],
    )


async def again(visit: Visit) -> Response:
    """Let a failed delivery be tried again."""
    await visit.form()
    id_ = whole_number(visit.path("id"), 18)
    if id_ is None:
        raise NotFound("no failed delivery has this number", zh="没有此失败的通知")
    await visit.platform.notices.deliveries.again(visit.grant, id_)
    return visit.go("/admin/deliveries?state=waiting", said="saved")


def _kind(visit: Visit, code: str) -> str:
    try:
        return visit.words.of(visit.platform.cases.declaration(code).title) if code else visit.words("通知")
    except NotFound:
        return code
