"""Reads txt, docx, pdf, html and xlsx into one text with offsets; writes docx, xlsx and pdf.

The only room that imports document libraries (lxml, python-docx, pypdfium2, openpyxl, typst).
"""

from __future__ import annotations

from kangshu.documents.apart import read_apart
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
from kangshu.documents.portable_writer import (
    portable_data,
    set_apart,
    write_report_pdf,
    write_report_pdf_apart,
)
from kangshu.documents.previewing import FilePreview, PreviewBlock, preview_file
from kangshu.documents.reader import MAXIMUM_BYTES, read_document
from kangshu.documents.report import (
    Report,
    ReportBar,
    ReportBlock,
    ReportCell,
    ReportColumn,
    ReportTable,
    Tone,
    Toned,
)
from kangshu.documents.report_sheets import write_report_xlsx
from kangshu.documents.report_word import write_report_docx
from kangshu.documents.sheets import Value, read_csv, read_xlsx, write_csv, write_xlsx
from kangshu.documents.square_code import square_code
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
    "FilePreview",
    "HeadingBlock",
    "OfficialAnnex",
    "OfficialBlock",
    "OfficialDocument",
    "OfficialParagraph",
    "OfficialTable",
    "ParagraphBlock",
    "PreviewBlock",
    "Report",
    "ReportBar",
    "ReportBlock",
    "ReportCell",
    "ReportColumn",
    "ReportTable",
    "Table",
    "TableBlock",
    "TitleBlock",
    "Tone",
    "Toned",
    "Value",
    "WriteBlock",
    "document_number",
    "official_document",
    "portable_data",
    "preview_file",
    "read_apart",
    "read_csv",
    "read_document",
    "read_xlsx",
    "set_apart",
    "square_code",
    "write_csv",
    "write_docx",
    "write_report_docx",
    "write_report_pdf",
    "write_report_pdf_apart",
    "write_report_xlsx",
    "write_xlsx",
    "written_day",
]
