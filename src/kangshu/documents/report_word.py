"""docx: a report as an office expects it: title in 小标宋, text in 仿宋, tables whose heading line is on every page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import docx
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from kangshu.documents import official_layout as layout
from kangshu.documents.official_page import field, fonts
from kangshu.documents.report import (
    FILL,
    HEAD_FILL,
    INK,
    Report,
    ReportBar,
    ReportCell,
    ReportTable,
    Toned,
    cell_text,
)
from kangshu.documents.stable_archive import stable
from kangshu.documents.word_writer import HeadingBlock, ParagraphBlock, clean

_TABLE_SIZE: Final = 10.5
_LEAST_TITLE: Final = 15
"""Points below which a long title is broken rather than set smaller still."""
_NARROW: Final = 18.0
"""Margin of a landscape page at its sides, in mm."""


def write_report_docx(report: Report) -> bytes:
    """Return `report` as docx. Text is plain: nothing in it is read as markup."""
    written = docx.Document()
    properties = written.core_properties
    properties.title, properties.comments = clean(report.name), ""
    properties.author = properties.last_modified_by = clean(report.author)
    properties.created = properties.modified = report.made
    width = _page(written, report)
    widest = max(len(line) for line in report.title.split("\n")) or 1
    size = max(_LEAST_TITLE, min(layout.TITLE_SIZE, int(width * layout.POINTS_PER_MILLIMETRE / widest)))
    _line(written, report.title, layout.SONG_TITLE, size, WD_ALIGN_PARAGRAPH.CENTER, after=8)
    facts = "　　".join(f"{name}：{value}" for name, value in report.facts)
    _line(written, facts, layout.KAI, 12, WD_ALIGN_PARAGRAPH.CENTER, after=10)
    for block in report.blocks:
        if isinstance(block, ReportTable):
            _table(written, block, width)
        elif isinstance(block, ReportBar):
            _bar(written, block, width)
        elif isinstance(block, HeadingBlock):
            _heading(written, block)
        else:
            _paragraph(written, block)
    stream = io.BytesIO()
    written.save(stream)
    return stable(stream.getvalue())


def _page(written: WordDocument, report: Report) -> float:
    """Set the page up and write its foot; return the width of the text in mm."""
    section = written.sections[0]
    if report.landscape:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(layout.PAGE_HEIGHT), Mm(layout.PAGE_WIDTH)
        section.left_margin = section.right_margin = Mm(_NARROW)
        section.top_margin = section.bottom_margin = Mm(_NARROW + 2)
        width = layout.PAGE_HEIGHT - 2 * _NARROW
    else:
        section.page_width, section.page_height = Mm(layout.PAGE_WIDTH), Mm(layout.PAGE_HEIGHT)
        section.left_margin, section.right_margin = Mm(layout.BINDING), Mm(layout.RIGHT)
        section.top_margin, section.bottom_margin = Mm(layout.TOP), Mm(layout.BOTTOM)
        width = layout.TEXT_WIDTH
    normal = written.styles["Normal"]
    normal.font.name, normal.font.size = layout.FANG_SONG, Pt(12)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), layout.FANG_SONG)
    foot = section.footer.paragraphs[0]
    foot.paragraph_format.tab_stops.add_tab_stop(Mm(width), docx.enum.text.WD_TAB_ALIGNMENT.RIGHT)
    for text, code in ((f"{clean(report.mark)}\t第 ", ""), ("", "PAGE"), (" 页 共 ", ""), ("", "NUMPAGES"), (" 页", "")):  # fmt: skip
        for run in field(foot, code) if code else (foot.add_run(text),):
            fonts(run, layout.SONG)
            run.font.size = Pt(9)
    return width


def _line(
    written: WordDocument, text: str, font: str, size: float, align: WD_ALIGN_PARAGRAPH, *, after: float
) -> Paragraph:
    paragraph = written.add_paragraph()
    paragraph.alignment = align
    paragraph.paragraph_format.space_after = Pt(after)
    run = paragraph.add_run(clean(text))
    fonts(run, font)
    run.font.size = Pt(size)
    return paragraph


def _heading(written: WordDocument, block: HeadingBlock) -> None:
    paragraph = written.add_heading(level=min(9, max(1, block.level)))
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(12), Pt(6)
    run = paragraph.add_run(clean(block.text))
    fonts(run, layout.HEI if block.level == 1 else layout.KAI)
    run.font.size, run.font.bold = Pt(16 if block.level == 1 else 14), False
    run.font.color.rgb = RGBColor(0, 0, 0)


def _paragraph(written: WordDocument, block: ParagraphBlock) -> None:
    paragraph = written.add_paragraph(style="List Bullet" if block.bullet else None)
    form = paragraph.paragraph_format
    form.line_spacing, form.space_after = 1.5, Pt(3)
    if not block.bullet:
        form.first_line_indent = Pt(28)
    run = paragraph.add_run(clean(block.text))
    fonts(run, layout.HEI if block.bold else layout.FANG_SONG)
    run.font.size = Pt(14)


def _table(written: WordDocument, block: ReportTable, width: float) -> None:
    caption = _line(written, block.caption, layout.HEI, 12, WD_ALIGN_PARAGRAPH.CENTER, after=4)
    caption.paragraph_format.space_before = Pt(8)
    caption.paragraph_format.keep_with_next = True
    if not block.rows:
        _line(written, block.empty, layout.FANG_SONG, 12, WD_ALIGN_PARAGRAPH.CENTER, after=6)
        return
    table = written.add_table(rows=1 + len(block.rows), cols=len(block.columns))
    table.style, table.autofit = "Table Grid", False
    total = sum(one.share for one in block.columns)
    widths = [Mm(width * one.share / total) for one in block.columns]
    for column, one in zip(table.columns, widths, strict=True):
        column.width = one
    lines: list[Sequence[ReportCell]] = [[one.title for one in block.columns], *block.rows]
    for number, (row, values) in enumerate(zip(table.rows, lines, strict=True)):
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if number == 0:
            properties.append(OxmlElement("w:tblHeader"))
        for cell, value, column, one in zip(row.cells, values, block.columns, widths, strict=True):
            cell.width = one
            figures = column.figures and number > 0
            _write(cell, value, head=number == 0, align="right" if figures else "left")
    written.add_paragraph().paragraph_format.space_after = Pt(0)


def _write(cell: _Cell, value: ReportCell, *, head: bool, align: str) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if head else WD_ALIGN_PARAGRAPH[align.upper()]
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(clean(cell_text(value)))
    fonts(run, layout.HEI if head else layout.FANG_SONG)
    run.font.size = Pt(_TABLE_SIZE)
    if isinstance(value, Toned):
        run.font.color.rgb = RGBColor.from_string(INK[value.tone])
    if head:
        _shade(cell, HEAD_FILL)


def _shade(cell: _Cell, colour: str) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
        shade.set(qn(f"w:{name}"), value)
    cell._tc.get_or_add_tcPr().append(shade)


def _bar(written: WordDocument, block: ReportBar, width: float) -> None:
    words = "　".join(f"{word} {number}" for word, number, _ in block.parts)
    _line(written, f"{block.caption}：{words}", layout.HEI, 11, WD_ALIGN_PARAGRAPH.LEFT, after=3)
    shown = [(number, tone) for _, number, tone in block.parts if number]
    if not shown:
        return
    table: Table = written.add_table(rows=1, cols=len(shown))
    table.autofit = False
    total = sum(number for number, _ in shown)
    for column, cell, (number, tone) in zip(table.columns, table.rows[0].cells, shown, strict=True):
        column.width = cell.width = Mm(width * number / total)
        _shade(cell, FILL[tone])
    written.add_paragraph().paragraph_format.space_after = Pt(0)
