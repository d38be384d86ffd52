"""Reads txt, docx, pdf, html and xlsx into one text with offsets; writes docx and xlsx.

The only room that imports document libraries (lxml, python-docx, pypdfium2, openpyxl).
"""

from __future__ import annotations

from kangshu.documents.archive import ArchiveLimits
from kangshu.documents.model import Block, Cell, Document, Table
from kangshu.documents.official import (
    OfficialAnnex,
    OfficialBlock,
    OfficialDocument,
    OfficialParagraph,
    OfficialTable,
    document_number,
    written_day,
)
from kangshu.documents.official_writer import official_document
from kangshu.documents.reader import MAXIMUM_BYTES, read_document
from kangshu.documents.sheets import Value, read_xlsx, write_xlsx
from kangshu.documents.word_writer import (
    HeadingBlock,
    ParagraphBlock,
    TableBlock,
    TitleBlock,
    WriteBlock,
    write_docx,
)

__all__ = [
    "MAXIMUM_BYTES",
    "ArchiveLimits",
    "Block",
    "Cell",
    "Document",
    "HeadingBlock",
    "OfficialAnnex",
    "OfficialBlock",
    "OfficialDocument",
    "OfficialParagraph",
    "OfficialTable",
    "ParagraphBlock",
    "Table",
    "TableBlock",
    "TitleBlock",
    "Value",
    "WriteBlock",
    "document_number",
    "official_document",
    "read_document",
    "read_xlsx",
    "write_docx",
    "write_xlsx",
    "written_day",
]
