"""Files of a form: kept as DocumentReferences, given back only under the reader's grant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from kangshu.sdk import Field, Resource
from kangshu.web.visit import Visit, all_uploaded


async def with_papers(
    visit: Visit, fields: Iterable[Field], form: FormData, values: dict[str, Any], subject: str = ""
) -> tuple[dict[str, Any], list[Resource]]:
    """Return `values` with each uploaded file replaced by its reference, and the records to keep.

    Whoever writes the form writes them in the same transaction: a refused form leaves no file behind. `subject` is
    the `Patient/id` that the files are about. Raises TooLarge, UnsupportedMedia, Unprocessable, Unavailable.
    """
    sent: list[tuple[str, bytes]] = []
    waiting: list[tuple[Field, dict[str, Any], int]] = []
    """Where the references go: the field, the values it stands in, how many files it got."""
    for field in fields:
        for number, row in enumerate(values.get(field.id) or () if field.columns else ()):
            for column in (one for one in field.columns if one.kind == "attachment" and not one.fixed):
                own = await all_uploaded(form, f"{field.id}.{number}.{column.id}")
                sent += own
                waiting.append((column, row, len(own)))
        if field.kind == "attachment":
            values.pop(field.id, None)
            own = await all_uploaded(form, field.id)
            sent += own
            waiting.append((field, values, len(own)))
    papers = await visit.platform.attachments.taken(visit.grant, sent, subject)
    references = iter([f"DocumentReference/{one['id']}" for one in papers])
    for field, held, count in waiting:
        new = [next(references) for _ in range(count)]
        if held is not values:
            held[field.id] = [*(held.get(field.id) or ()), *new]  # files of before whose box is still ticked
        elif new:
            held[field.id] = new if field.many else new[-1]
    return values, papers


async def with_attachments(
    visit: Visit, fields: Iterable[Field], form: FormData, values: dict[str, Any], subject: str = ""
) -> dict[str, Any]:
    """Return `values` with each uploaded file kept at once and replaced by its reference; see `with_papers`."""
    values, papers = await with_papers(visit, fields, form, values, subject)
    for paper in papers:
        await visit.platform.store.update(visit.grant, paper)
    return values


async def file(visit: Visit) -> Response:
    """Return an attached file, never shown within our own pages."""
    found = await visit.platform.attachments.file(visit.grant, visit.path("id"))
    return visit.download(found.data, found.name, found.media_type)
