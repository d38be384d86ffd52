"""Reads txt, docx, pdf, html and xlsx into one text with offsets; writes docx and xlsx.

The only room that imports document libraries (lxml, python-docx, pypdfium2, openpyxl).
"""

from __future__ import annotations

from kangshu.documents.model import Block, Cell, Document, Table

__all__ = ["Block", "Cell", "Document", "Table"]
