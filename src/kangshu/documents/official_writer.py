"""Writes an official document (公文) as docx in the form of GB/T 9704-2012; the figures are in `official_layout`.

Fonts are named and not embedded: an office that has 方正小标宋 and 仿宋_GB2312 shows the standard's faces, any other
what it puts in their place. The bytes depend on the document alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time

import docx
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from kangshu.documents import official_layout as layout
from kangshu.documents.numbering import chinese_number
from kangshu.documents.official import (
    OfficialBlock,
    OfficialDocument,
    OfficialParagraph,
    OfficialTable,
    written_day,
)
from kangshu.documents.official_page import (
    bordered,
    floating_at_foot,
    fonts,
    page_number,
    ruled,
    set_up,
)
from kangshu.documents.stable_archive import stable
from kangshu.documents.word_writer import clean

_RED = RGBColor.from_string(layout.RED)
_LEVEL_FONTS = {1: layout.HEI, 2: layout.KAI, 3: layout.FANG_SONG, 4: layout.FANG_SONG}
_LABEL_ENDS = {"document": "文件", "letter": "", "minutes": "纪要"}
IN_FORCE = date(2012, 7, 1)
"""What a document without a date says it was made on: the day on which the standard came into force."""


def official_document(document: OfficialDocument) -> bytes:
    """Return `document` as docx. Text is plain: nothing in it is read as markup."""
    written = docx.Document()
    _properties(written, document)
    set_up(written, letter=document.form == "letter")
    page_number(written, letter=document.form == "letter")
    _head(written, document)
    _title(written, document)
    if document.receivers:
        _paragraph(written, "、".join(document.receivers) + "：", before=layout.LINE_PITCH)
    _blocks(written, document.body)
    _annex_note(written, document.annexes)
    for word, people in (
        ("出席", document.present),
        ("请假", document.excused),
        ("列席", document.observers),
    ):
        _people(written, word, people)
    _signature(written, document)
    for note in document.notes:
        _paragraph(written, f"（{note}）", indent=2)
    for number, annex in enumerate(document.annexed, 1):
        _annex_title(written, annex.title, number if len(document.annexed) > 1 else 0)
        _blocks(written, annex.blocks)
    _imprint(written, document)
    stream = io.BytesIO()
    written.save(stream)
    return stable(stream.getvalue())


def _properties(written: WordDocument, document: OfficialDocument) -> None:
    made = datetime.combine(document.day or IN_FORCE, time(), UTC)
    properties = written.core_properties
    properties.title = clean(document.title)
    properties.author = properties.last_modified_by = clean(document.agency)
    properties.comments = ""
    properties.created = properties.modified = made


def _head(written: WordDocument, document: OfficialDocument) -> None:
    """Write 版头: urgency, the agency's name in red, the document number and the red line (7.2, 10.1)."""
    label = clean(label_of(document))
    if document.form == "letter":
        first = written.sections[0].first_page_header.paragraphs[0]
        _label(first, label)
        ruled(first, "bottom", "thickThinSmallGap", layout.LETTER_LINE_BELOW)
        number = _paragraph(written, document.number)
        number.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        number.paragraph_format.space_before = Pt(layout.BODY_SIZE * layout.LETTER_NUMBER_BELOW)
        for word in filter(None, (document.urgency, document.mark)):
            _paragraph(written, word, font=layout.HEI).alignment = WD_ALIGN_PARAGRAPH.RIGHT
        return
    for word in filter(None, (document.urgency, document.mark)):
        _paragraph(written, word, font=layout.HEI)
    top = _paragraph(written, "")
    _label(top, label)
    # what stands above the label in the 版心 is of the 35 mm that the standard leaves there
    above = sum(1 for word in (document.urgency, document.mark) if word)
    points = layout.LABEL_TOP * layout.POINTS_PER_MILLIMETRE - above * layout.LINE_PITCH
    top.paragraph_format.space_before = Pt(max(0.0, points))
    number = _paragraph(written, document.number, before=2 * layout.LINE_PITCH)
    number.alignment = WD_ALIGN_PARAGRAPH.CENTER
    ruled(number, "bottom", "single", layout.LINE_BELOW_NUMBER)


def label_of(document: OfficialDocument) -> str:
    """Return 发文机关标志: as given, or the agency with what its form adds (7.2.4, 10.1, 10.3)."""
    return document.label or document.agency + _LABEL_ENDS[document.form]


def _label(paragraph: Paragraph, text: str) -> None:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
    run = paragraph.add_run(text)
    fonts(run, layout.SONG_TITLE)
    run.font.size = Pt(layout.label_size(text))
    run.font.color.rgb = _RED


def _title(written: WordDocument, document: OfficialDocument) -> None:
    for number, line in enumerate(document.title.split("\n")):
        title = _paragraph(written, line, font=layout.SONG_TITLE, size=layout.TITLE_SIZE)
        title.alignment = WD_ALIGN_PARAGRAPH.CENTER
        title.paragraph_format.space_before = Pt(0 if number else 2 * layout.LINE_PITCH)
        title.paragraph_format.line_spacing = Pt(layout.LINE_PITCH + 4)
    if not document.receivers:  # 主送机关 brings its own empty line
        title.paragraph_format.space_after = Pt(layout.LINE_PITCH)


def _blocks(written: WordDocument, blocks: Iterable[OfficialBlock]) -> None:
    for block, number in numbered(blocks):
        if isinstance(block, OfficialTable):
            _table(written, block)
            continue
        paragraph = _paragraph(written, "", first_line=2)
        _run(paragraph, number + block.heading, _LEVEL_FONTS.get(block.level, layout.FANG_SONG))
        _run(paragraph, block.text)


def numbered(blocks: Iterable[OfficialBlock]) -> Iterator[tuple[OfficialBlock, str]]:
    """Yield each block with the number of its level (7.3.3), "" for plain text; a higher level restarts the lower."""
    counts = [0, 0, 0, 0, 0]
    for block in blocks:
        if isinstance(block, OfficialParagraph) and block.level:
            counts[block.level] += 1
            counts[block.level + 1 :] = [0] * (4 - block.level)
            yield block, numeral(block.level, counts[block.level])
        else:
            yield block, ""


def numeral(level: int, number: int) -> str:
    """Return what a paragraph of `level` 1…4 begins with (7.3.3): 一、 （一） 1. （1）."""
    if level == 1:
        return f"{chinese_number(number)}、"
    if level == 2:
        return f"（{chinese_number(number)}）"
    return f"{number}." if level == 3 else f"（{number}）"


def _annex_note(written: WordDocument, names: Sequence[str]) -> None:
    """Write 附件说明 (7.3.4): names without a stop, continued lines under the name's first character."""
    for number, name in enumerate(names):
        counted = f"{number + 1}." if len(names) > 1 else ""
        lead = "附件：" if not number else ""
        width = 5 + bool(counted)
        paragraph = _paragraph(written, lead + counted + name, indent=width)
        paragraph.paragraph_format.first_line_indent = _characters(-(len(lead) + bool(counted)))
        paragraph.paragraph_format.space_before = Pt(0 if number else layout.LINE_PITCH)


def _people(written: WordDocument, word: str, people: Sequence[str]) -> None:
    if not people:
        return
    paragraph = _paragraph(written, "", indent=5, before=layout.LINE_PITCH if word == "出席" else 0)
    paragraph.paragraph_format.first_line_indent = _characters(-3)
    _run(paragraph, f"{word}：", layout.HEI)
    _run(paragraph, "、".join(people))


def _signature(written: WordDocument, document: OfficialDocument) -> None:
    """Write 发文机关署名 and 成文日期 without a seal (7.3.5.2)."""
    if document.form == "minutes" and not document.signers:
        return  # minutes are not signed (10.3)
    signers = document.signers or (document.agency,)
    day = written_day(document.day) if document.day else ""
    left, right = signature_indents(max(map(width_in_characters, signers)), width_in_characters(day))
    for number, signer in enumerate(signers):
        _right(written, signer, left, before=layout.LINE_PITCH if number == 0 else 0)
    if day:
        _right(written, day, right)


def signature_indents(signer: float, day: float) -> tuple[float, float]:
    """Return how many characters stay empty at the right of the signer and of the date, given their widths (7.3.5.2).

    The signer leaves two; the date begins two characters right of it. A date longer than the signer leaves two itself
    and the signer as many more.
    """
    if day > signer:
        return day - signer + 4, 2.0
    return 2.0, signer - day


def _right(written: WordDocument, text: str, empty: float, before: float = 0) -> None:
    paragraph = _paragraph(written, text, before=before)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    paragraph.paragraph_format.right_indent = _characters(empty)


def _annex_title(written: WordDocument, title: str, number: int) -> None:
    """Write the head of an annex on a new page (7.3.7): 附件 at the left, its title centred on the third line."""
    mark = _paragraph(written, f"附件{number or ''}", font=layout.HEI)
    mark.paragraph_format.page_break_before = True
    heading = _paragraph(
        written, title, font=layout.SONG_TITLE, size=layout.TITLE_SIZE, before=layout.LINE_PITCH
    )
    heading.alignment = WD_ALIGN_PARAGRAPH.CENTER
    heading.paragraph_format.space_after = Pt(layout.LINE_PITCH)


def _imprint(written: WordDocument, document: OfficialDocument) -> None:
    """Write 版记 at the foot of the last page (7.4); a letter has neither lines nor issuer (10.1)."""
    letter = document.form == "letter"
    rows: list[tuple[str, str]] = []
    if document.copies:
        rows.append(("抄送：" + "，".join(document.copies) + "。", ""))
    issued = document.issued or document.day
    if document.issuer and not letter:
        rows.append((document.issuer, f"{written_day(issued)}印发" if issued else ""))
    if rows:
        floating_at_foot(written, [(clean(left), clean(right)) for left, right in rows], lined=not letter)


def _table(written: WordDocument, block: OfficialTable) -> None:
    width = max((len(row) for row in block.rows), default=0)
    if not width:
        return
    table = written.add_table(rows=len(block.rows), cols=width)
    bordered(table, block.widths or (1.0,) * width)
    for number, (cells, row) in enumerate(zip(block.rows, table.rows, strict=True)):
        for cell, text in zip(row.cells, cells, strict=False):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
            run = paragraph.add_run(clean(text))
            fonts(run, layout.FANG_SONG if number else layout.HEI)
            run.font.size = Pt(12)


def _paragraph(
    written: WordDocument,
    text: str,
    *,
    font: str = layout.FANG_SONG,
    size: float = layout.BODY_SIZE,
    before: float = 0,
    indent: float = 0,
    first_line: float = 0,
) -> Paragraph:
    paragraph = written.add_paragraph()
    form = paragraph.paragraph_format
    form.space_before = Pt(before)
    if indent:
        form.left_indent = _characters(indent)
    if first_line:
        form.first_line_indent = _characters(first_line)
    _run(paragraph, text, font, size)
    return paragraph


def _run(
    paragraph: Paragraph, text: str, font: str = layout.FANG_SONG, size: float = layout.BODY_SIZE
) -> Run | None:
    if not text:
        return None
    run = paragraph.add_run(clean(text))
    fonts(run, font)
    run.font.size = Pt(size)
    return run


def width_in_characters(text: str) -> float:
    """Return the width of `text` in characters: digits and Latin letters take half of one."""
    return sum(0.5 if character.isascii() else 1.0 for character in text)


def _characters(count: float) -> Mm:
    return Mm(count * layout.TEXT_WIDTH / layout.CHARACTERS)
