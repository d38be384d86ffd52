"""卷宗: the papers of a case in order, to look through and to take away as one file."""

from __future__ import annotations

from starlette.responses import Response

from kangshu.api import dossier, dossier_zip
from kangshu.web.visit import Visit


async def index(visit: Visit) -> Response:
    """Show the papers of a case."""
    id_ = visit.path("id")
    found = await dossier(visit.platform, visit.grant, id_)
    return visit.render(
        "dossier.html",
        title=found.title,
        number=found.number,
        address=f"/cases/{id_}",
        papers=[
            (
                one.number,
                one.title,
                one.kind,
                one.day,
                f"/files/{one.file}" if one.file else f"/cases/{one.case}",
            )
            for one in found.papers
        ],
    )


async def download(visit: Visit) -> Response:
    """Return the dossier as a zip."""
    id_ = visit.path("id")
    found = await dossier(visit.platform, visit.grant, id_)
    data = await dossier_zip(visit.platform, visit.grant, id_)
    return visit.download(data, f"{found.number or found.title[:40]}卷宗.zip", "application/zip")
