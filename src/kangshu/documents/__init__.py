"""Reads txt, docx, pdf, html and xlsx into one text with offsets; writes docx and xlsx.

The only room that imports document libraries (lxml, python-docx, pypdfium2, openpyxl).
"""

from __future__ import annotations

from kangshu.documents.archive import ArchiveLimits
from kangshu.documents.model import Block, Cell, Document, Table
from kangshu.documents.reader import read_document

__all__ = ["ArchiveLimits", "Block", "Cell", "Document", "Table", "read_document"]
