"""The one door for documents: finds the kind by content, then by name, and reads it."""

from __future__ import annotations

import re
from pathlib import PurePath

from kangshu.base.faults import Malformed, TooLarge, Unprocessable
from kangshu.documents.archive import ArchiveLimits, open_archive
from kangshu.documents.model import Document
from kangshu.documents.page import read_html
from kangshu.documents.plain import read_plain
from kangshu.documents.portable import read_pdf
from kangshu.documents.sheets import read_workbook
from kangshu.documents.unread import refuse_container, refuse_unread
from kangshu.documents.word import read_word

MAXIMUM_BYTES = 50 * 1024 * 1024
_HTML = re.compile(
    rb"^\s*(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)


def read_document(
    data: bytes, name: str, *, maximum_bytes: int = MAXIMUM_BYTES, limits: ArchiveLimits | None = None
) -> Document:
    """Return the text, tables and blocks of a txt, docx, pdf, html or xlsx file.

    `name` is the file's name, used for its ending only. Raises TooLarge (over `maximum_bytes`, or an
    archive over `limits`), Malformed (damaged), Unprocessable (no text in it, encrypted, a compression
    bomb), UnsupportedMedia (another kind of file).
    """
    if len(data) > maximum_bytes:
        raise TooLarge(
            f"The file has {len(data) / 1e6:.0f} MB; at most {maximum_bytes / 1e6:.0f} MB are read.",
            zh=f"文件大小 {len(data) / 1e6:.0f} MB，超过上限 {maximum_bytes / 1e6:.0f} MB。",
        )
    if not data.strip():
        raise Unprocessable("The file is empty.", zh="文件是空的。")
    ending = PurePath(name).suffix.lower()
    if data[:4] == b"PK\x03\x04":
        members = set(open_archive(data, limits).namelist())
        if "word/document.xml" in members:
            return read_word(data, name, limits)
        if "xl/workbook.xml" in members:
            return read_workbook(data, name, limits)
        raise refuse_container(members)
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return read_pdf(data, name)
    refuse_unread(data, ending)
    if ending in (".docx", ".xlsx", ".pdf"):
        raise Malformed(f"The file is no {ending[1:]} file.", zh=f"文件不是有效的 {ending[1:]} 文件。")
    if ending in (".html", ".htm", ".xhtml") or _HTML.match(data[:2048]):
        return read_html(data, name)
    return read_plain(data, name)
