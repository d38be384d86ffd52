"""Files that people send: which kinds, how large, how many, scanned before anything is kept; a preview of each.

A file is a DocumentReference with its bytes. The limits are dated parameters of the operator.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import PurePath
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import structure
from kangshu.base.clock import instant, now, today
from kangshu.base.faults import NotFound, TooLarge, UnsupportedMedia
from kangshu.base.parameters import ParameterTable
from kangshu.documents import FilePreview, preview_file
from kangshu.outbound import NO_SCANNER, Scanner
from kangshu.sdk import ParameterDeclaration, Resource, unverified_parameter
from kangshu.store import Store

_declared = partial(unverified_parameter, source="运营单位的附件管理规定（待核实）", since=date(2021, 11, 1))

FILE_MEGABYTES: Final = _declared(
    "attachments.file-megabytes", "单个附件大小上限", "Greatest size of one attached file", 8, "MB"
)
FORM_FILES: Final = _declared(
    "attachments.form-files", "一次提交的附件个数上限", "Most files attached to one form", 20, "1"
)
FORM_MEGABYTES: Final = _declared(
    "attachments.form-megabytes",
    "一次提交的附件总大小上限",
    "Greatest size of all files of one form",
    40,
    "MB",
)
PARAMETERS: Final = (FILE_MEGABYTES, FORM_FILES, FORM_MEGABYTES)

SCANNED: Final = structure("scanned-by")
"""On DocumentReference: what looked at the file before it was kept. Without it nobody did."""
MEDIA: Final[Mapping[str, str]] = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".txt": "text/plain",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}
"""The kinds of files that are taken, by how their names end."""
_BEGINNINGS: Final[Mapping[str, tuple[bytes, ...]]] = {
    ".pdf": (b"%PDF-",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".docx": (b"PK\x03\x04",),
    ".xlsx": (b"PK\x03\x04",),
    ".zip": (b"PK\x03\x04", b"PK\x05\x06"),
}
"""How files of a kind begin: a name is no proof of what a file is."""
_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as it was sent. `scanned_by` is "" where nothing looked at it."""

    id: str
    name: str
    media_type: str
    data: bytes
    sent: str
    scanned_by: str


def is_of_kind(ending: str, data: bytes) -> bool:
    """Return whether `data` is what its name's ending says; text is what holds no NUL and begins as no other kind."""
    beginnings = _BEGINNINGS.get(ending)
    if beginnings is not None:
        return data.startswith(beginnings)
    others = tuple(one for listed in _BEGINNINGS.values() for one in listed)
    return b"\0" not in data and not data.startswith(others)


class Attachments:
    """The files of an installation."""

    def __init__(
        self, store: Store, parameters: ParameterTable, jurisdiction: str, scanner: Scanner = NO_SCANNER
    ) -> None:
        self._store, self._parameters, self._jurisdiction = store, parameters, jurisdiction
        self._scanner = scanner

    @property
    def scanned_by(self) -> str:
        """Return what looks at files before they are kept, "" for nothing."""
        return self._scanner.name

    def figure(self, declared: ParameterDeclaration) -> int:
        """Return a limit in force today."""
        return int(self._parameters.figure(declared, self._jurisdiction, today()))

    async def taken(
        self, grant: Grant, files: Sequence[tuple[str, bytes]], subject: str = ""
    ) -> list[Resource]:
        """Return the records of the files that one form sends, checked and scanned; nothing is written.

        Whoever writes the form writes them in the same transaction: a refused form leaves no file behind. `subject` is
        the `Patient/id` that the files are about.
        Raises TooLarge, UnsupportedMedia, Unprocessable (the scan found something), Unavailable (it could not look).
        """
        most = self.figure(FORM_FILES)
        if len(files) > most:
            raise TooLarge(
                f"one form takes at most {most} files", zh=f"一次最多上传 {most} 个附件，请分次提交"
            )
        whole = self.figure(FORM_MEGABYTES)
        if sum(len(data) for _, data in files) > whole * _MEGABYTE:
            raise TooLarge(
                f"the files of one form have at most {whole} MB together",
                zh=f"一次上传的附件合计不超过 {whole} MB，请压缩或分次提交",
            )
        for name, data in files:
            self._check(name, data)
        for _, data in files:
            await self._scanner.scan(data)
        return [self._record(grant, name, data, subject) for name, data in files]

    async def scan(self, resource: Any) -> None:
        """Look at every file within a resource or Bundle that comes from another system. Raises as `taken`."""
        if self._scanner.name:
            for data in _files_in(resource):
                await self._scanner.scan(data)

    async def file(self, grant: Grant, id_: str) -> AttachedFile:
        """Return a file that the grant may read. Raises NotFound, also for a record without a file."""
        stored = await self._store.read(grant, "DocumentReference", id_)
        record = stored.resource
        scanned = next(
            (
                str(one.get("valueString", ""))
                for one in record.get("extension", ())
                if one.get("url") == SCANNED
            ),
            "",
        )
        for content in record.get("content", ()):
            attachment = content.get("attachment", {})
            if not attachment.get("data"):
                continue
            try:
                data = base64.b64decode(attachment["data"])
            except ValueError:
                break
            media = str(attachment.get("contentType"))
            # a record may come from elsewhere: only the kinds that are taken here are named as such
            known = media if media in MEDIA.values() else "application/octet-stream"
            title = str(attachment.get("title") or "file")
            return AttachedFile(id_, title, known, data, str(attachment.get("creation", "")), scanned)
        raise NotFound("this record holds no file", zh="该记录没有附件")

    async def preview(self, grant: Grant, id_: str, page: int = 1) -> tuple[AttachedFile, FilePreview]:
        """Return a file and what its page `page` looks like, made by a process of its own with bounded means.

        Raises NotFound, Unprocessable (the file cannot be shown).
        """
        file = await self.file(grant, id_)
        return file, await preview_file(file.data, file.name, file.media_type, page)

    def _check(self, name: str, data: bytes) -> None:
        ending = PurePath(name).suffix.lower()
        if ending not in MEDIA:
            raise UnsupportedMedia(
                f"files of this kind are not taken; use {', '.join(MEDIA)}",
                zh=f"不支持该类型的文件，可上传：{'、'.join(MEDIA)}",
            )
        if not is_of_kind(ending, data):
            raise UnsupportedMedia(
                "the file is not what its name says; save it in its own format and send it again",
                zh="文件内容与扩展名不符，请按实际格式另存后重新上传",
            )
        most = self.figure(FILE_MEGABYTES)
        if len(data) > most * _MEGABYTE:
            raise TooLarge(
                f"an attachment has at most {most} MB", zh=f"单个附件不超过 {most} MB，请压缩后再上传"
            )

    def _record(self, grant: Grant, name: str, data: bytes, subject: str) -> Resource:
        attachment = {
            "contentType": MEDIA[PurePath(name).suffix.lower()],
            "title": PurePath(name).name[:120],
            "size": len(data),
            "data": base64.b64encode(data).decode(),
            "creation": instant(now()),
        }
        record: Resource = {
            "resourceType": "DocumentReference",
            "id": secrets.token_hex(13),
            "status": "current",
            "date": instant(now()),
            "content": [{"attachment": attachment}],
        }
        if self._scanner.name:
            record["extension"] = [{"url": SCANNED, "valueString": self._scanner.name}]
        if subject:
            record["subject"] = {"reference": subject}
        if grant.organisation:
            record["custodian"] = {"reference": f"Organization/{grant.organisation}"}
        return record


def _files_in(element: Any) -> Iterator[bytes]:
    """Yield the bytes of every Attachment and Binary in an element: what stands under `data` in base64."""
    if isinstance(element, dict):
        for name, value in element.items():
            if name == "data" and isinstance(value, str):
                with contextlib.suppress(
                    ValueError
                ):  # other elements are called so too, such as SampledData's
                    yield base64.b64decode(value, validate=True)
            else:
                yield from _files_in(value)
    elif isinstance(element, list):
        for one in element:
            yield from _files_in(one)
