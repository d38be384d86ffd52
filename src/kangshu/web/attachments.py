"""Files of a form: kept as DocumentReferences, given back only under the reader's grant."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.responses import Response

from kangshu.base.clock import instant, now
from kangshu.base.faults import NotFound, TooLarge, UnsupportedMedia
from kangshu.sdk import Field, Resource
from kangshu.web.visit import Visit, all_uploaded

MOST_BYTES: Final = 8 * 1024 * 1024
_MEDIA: Final = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".txt": "text/plain",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


_BEGINNINGS: Final = {
    ".pdf": (b"%PDF-",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".docx": (b"PK\x03\x04",),
    ".xlsx": (b"PK\x03\x04",),
    ".zip": (b"PK\x03\x04", b"PK\x05\x06"),
}
"""How files of a kind begin: a name is no proof of what a file is."""


def is_of_kind(ending: str, data: bytes) -> bool:
    """Return whether `data` is what its name's ending says; text is what holds no NUL and begins as no other kind."""
    beginnings = _BEGINNINGS.get(ending)
    if beginnings is not None:
        return data.startswith(beginnings)
    others = tuple(one for listed in _BEGINNINGS.values() for one in listed)
    return b"\0" not in data and not data.startswith(others)


async def with_papers(
    visit: Visit, fields: Iterable[Field], form: FormData, values: dict[str, Any], subject: str = ""
) -> tuple[dict[str, Any], list[Resource]]:
    """Return `values` with each uploaded file replaced by its reference, and the records to keep.

    Whoever writes the form writes them in the same transaction: a refused form leaves no file behind. `subject` is
    the `Patient/id` that the files are about. Raises TooLarge, UnsupportedMedia.
    """
    papers: list[Resource] = []
    for field in fields:
        if field.kind != "attachment":
            continue
        values.pop(field.id, None)
        kept = [_document(visit, name, data, subject) for name, data in await all_uploaded(form, field.id)]
        papers.extend(kept)
        references = [f"DocumentReference/{one['id']}" for one in kept]
        if references:
            values[field.id] = references if field.many else references[-1]
    return values, papers


async def with_attachments(
    visit: Visit, fields: Iterable[Field], form: FormData, values: dict[str, Any], subject: str = ""
) -> dict[str, Any]:
    """Return `values` with each uploaded file kept at once and replaced by its reference; see `with_papers`."""
    values, papers = await with_papers(visit, fields, form, values, subject)
    for paper in papers:
        await visit.platform.store.update(visit.grant, paper)
    return values


def _document(visit: Visit, name: str, data: bytes, subject: str) -> Resource:
    media = _MEDIA.get(PurePath(name).suffix.lower())
    if media is None:
        raise UnsupportedMedia(
            f"files of this kind are not taken; use {', '.join(_MEDIA)}",
            zh=f"不支持该类型的文件，可上传：{'、'.join(_MEDIA)}",
        )
    if not is_of_kind(PurePath(name).suffix.lower(), data):
        raise UnsupportedMedia(
            "the file is not what its name says; save it in its own format and send it again",
            zh="文件内容与扩展名不符，请按实际格式另存后重新上传",
        )
    if len(data) > MOST_BYTES:
        raise TooLarge("an attachment has at most 8 MB", zh="单个附件不超过 8 MB，请压缩后再上传")
    attachment = {
        "contentType": media,
        "title": PurePath(name).name[:120],
        "size": len(data),
        "data": base64.b64encode(data).decode(),
        "creation": instant(now()),
    }
    document: Resource = {
        "resourceType": "DocumentReference",
        "id": secrets.token_hex(13),
        "status": "current",
        "date": instant(now()),
        "content": [{"attachment": attachment}],
    }
    if subject:
        document["subject"] = {"reference": subject}
    if visit.grant.organisation:
        document["custodian"] = {"reference": f"Organization/{visit.grant.organisation}"}
    return document


async def file(visit: Visit) -> Response:
    """Return an attached file, never shown within our own pages."""
    stored = await visit.platform.store.read(visit.grant, "DocumentReference", visit.path("id"))
    for content in stored.resource.get("content", ()):
        attachment = content.get("attachment", {})
        if attachment.get("data"):
            # a record may come from elsewhere: only the kinds that are taken here are named as such
            media = str(attachment.get("contentType"))
            try:
                data = base64.b64decode(attachment["data"])
            except ValueError:
                break
            return visit.download(
                data,
                str(attachment.get("title") or "file"),
                media if media in _MEDIA.values() else "application/octet-stream",
            )
    raise NotFound("this record holds no file", zh="该记录没有附件")
