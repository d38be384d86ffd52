"""附件预览: what an attached file looks like, drawn anew on the server: nothing of the file itself runs in the browser."""

from __future__ import annotations

from starlette.responses import Response

from kangshu.base.faults import NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.web.parts import Paging
from kangshu.web.visit import Visit

_KILOBYTE = 1024


async def preview(visit: Visit) -> Response:
    """Show a file: a page of it as a picture, or its paragraphs and tables."""
    words, id_ = visit.words, visit.path("id")
    page = whole_number(visit.query("page") or "1", 4) or 1
    try:
        file, found = await visit.platform.attachments.preview(visit.grant, id_, page)
        error = ""
    except Unprocessable as fault:
        file, found = await visit.platform.attachments.file(visit.grant, id_), None
        error = words.of(Text(fault.zh, fault.text))
    pages = found.pages if found else 1
    page = min(page, pages)
    return visit.render(
        "preview.html",
        id=id_,
        name=file.name,
        size=f"{max(1, len(file.data) // _KILOBYTE):,} KB",
        sent=words.moment(file.sent),
        scanned=file.scanned_by,
        error=error,
        picture=bool(found and found.picture),
        blocks=found.blocks if found else (),
        cut=bool(found and found.cut),
        page=page,
        pages=pages,
        paging=Paging(
            f"/files/{id_}/preview?page={page - 1}" if page > 1 else "",
            f"/files/{id_}/preview?page={page + 1}" if page < pages else "",
            f"{page} / {pages}",
        ),
    )


async def picture(visit: Visit) -> Response:
    """Return the picture of one page of a file."""
    page = whole_number(visit.query("page") or "1", 4) or 1
    _, found = await visit.platform.attachments.preview(visit.grant, visit.path("id"), page)
    if not found.picture:
        raise NotFound("this file has no picture", zh="该文件没有图像预览")
    return Response(found.picture, media_type="image/png", headers={"cache-control": "private, no-store"})
