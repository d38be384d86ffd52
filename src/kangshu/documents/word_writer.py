"""Writes docx: headings, paragraphs, tables, bullet lists, in the fonts that Chinese offices use."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import docx
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class TitleBlock:
    """The document's title, centred."""

    text: str


@dataclass(frozen=True, slots=True)
class HeadingBlock:
    """A heading of level 1…9."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class ParagraphBlock:
    """A paragraph; `bullet` makes it a list item, `bold` the whole of it bold."""

    text: str
    bullet: bool = False
    bold: bool = False


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table of text; the first row is its header."""

    rows: Sequence[Sequence[str]]


WriteBlock = TitleBlock | HeadingBlock | ParagraphBlock | TableBlock


def write_docx(blocks: Iterable[WriteBlock]) -> bytes:
    """Return a Word document of `blocks` in order. Plain text only: nothing in it is read as markup."""
    document = docx.Document()
    normal = document.styles["Normal"]
    normal.font.name = "Times New Roman"
    normal.font.size = Pt(12)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "仿宋")
    for block in blocks:
        if isinstance(block, TitleBlock):
            paragraph = document.add_paragraph()
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            run = paragraph.add_run(clean(block.text))
            run.bold = True
            run.font.size = Pt(20)
            _east_asian(run, "宋体")
        elif isinstance(block, HeadingBlock):
            paragraph = document.add_heading(level=min(9, max(1, block.level)))
            _east_asian(paragraph.add_run(clean(block.text)), "黑体")
        elif isinstance(block, ParagraphBlock):
            paragraph = document.add_paragraph(style="List Bullet" if block.bullet else None)
            paragraph.add_run(clean(block.text)).bold = block.bold or None
        else:
            _table(document, block)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def clean(text: str) -> str:
    """Return `text` without the characters that XML cannot hold."""
    return _ILLEGAL.sub("", text)


def _east_asian(run: docx.text.run.Run, font: str) -> None:
    run.font.name = "Times New Roman"
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)


def _table(document: WordDocument, block: TableBlock) -> None:
    width = max((len(row) for row in block.rows), default=0)
    if not width:
        return
    table = document.add_table(rows=len(block.rows), cols=width)
    table.style = "Table Grid"
    for row_number, (row, cells) in enumerate(
        zip(block.rows, (row.cells for row in table.rows), strict=True)
    ):
        for cell, text in zip(cells, row, strict=False):
            run = cell.paragraphs[0].add_run(clean(str(text)))
            run.bold = row_number == 0 or None
            run.font.size = Pt(10.5)
    document.add_paragraph()
