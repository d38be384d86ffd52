"""Reads txt, docx, pdf, html and xlsx into one text with offsets; writes docx and xlsx.

The only room that imports document libraries (lxml, python-docx, pypdfium2, openpyxl).
"""

from __future__ import annotations

from kangshu.documents.archive import ArchiveLimits
from kangshu.documents.model import Block, Cell, Document, Table
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
    "ParagraphBlock",
    "Table",
    "TableBlock",
    "TitleBlock",
    "Value",
    "WriteBlock",
    "read_document",
    "read_xlsx",
    "write_docx",
    "write_xlsx",
]
