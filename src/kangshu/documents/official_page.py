"""The page of an official document in Word's own elements: grid, margins, lines, page numbers, the foot (版记)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import Table
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from kangshu.documents import official_layout as layout

_AFTER_BORDERS: Final = (
    "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:kinsoku", "w:wordWrap", "w:overflowPunct", "w:topLinePunct",
    "w:autoSpaceDE", "w:autoSpaceDN", "w:bidi", "w:adjustRightInd", "w:snapToGrid", "w:spacing", "w:ind",
    "w:contextualSpacing", "w:mirrorIndents", "w:suppressOverlap", "w:jc", "w:textDirection", "w:textAlignment",
    "w:textboxTightWrap", "w:outlineLvl", "w:divId", "w:cnfStyle", "w:rPr", "w:sectPr", "w:pPrChange",
)  # fmt: skip
_BEFORE_MIRROR: Final = ("writeProtection", "view", "zoom")
_NARROWER: Final = layout.CHARACTER_PITCH - layout.BODY_SIZE
"""Points by which characters stand closer than their size, so that 28 fit a line (5.2.3)."""


def set_up(written: WordDocument, *, letter: bool) -> None:
    """Set paper, margins, the grid of 22 lines × 28 characters and the ordinary type (5.1, 5.2)."""
    section = written.sections[0]
    section.page_width, section.page_height = Mm(layout.PAGE_WIDTH), Mm(layout.PAGE_HEIGHT)
    section.top_margin, section.bottom_margin = Mm(layout.TOP), Mm(layout.BOTTOM)
    section.left_margin, section.right_margin = Mm(layout.BINDING), Mm(layout.RIGHT)
    section.header_distance = Mm(layout.LETTER_LABEL_TOP)
    section.footer_distance = Mm(layout.LETTER_LINE_BOTTOM if letter else _number_foot())
    section.different_first_page_header_footer = letter
    grid = section._sectPr.find(qn("w:docGrid"))
    if grid is None:
        grid = OxmlElement("w:docGrid")
        section._sectPr.append(grid)
    grid.set(qn("w:type"), "lines")
    grid.set(qn("w:linePitch"), str(round(layout.LINE_PITCH * 20)))
    written.settings.odd_and_even_pages_header_footer = True
    _mirror(written)
    normal = written.styles["Normal"]
    normal.font.size = Pt(layout.BODY_SIZE)
    _name_fonts(normal.element.get_or_add_rPr(), layout.FANG_SONG)
    _closer(normal.element.get_or_add_rPr())
    form = normal.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.line_spacing = Pt(layout.LINE_PITCH)
    form.line_spacing_rule = WD_LINE_SPACING.EXACTLY
    form.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    form.widow_control = False  # or pages would hold 21 lines


def _number_foot() -> float:
    """Return the distance of the page number's foot from the lower edge of the page, in mm (7.5)."""
    height = layout.PAGE_NUMBER_SIZE / layout.POINTS_PER_MILLIMETRE
    return layout.BOTTOM - layout.PAGE_NUMBER_BELOW - height


def _mirror(written: WordDocument) -> None:
    """Printed on both sides, the binding edge of an even page is at its right."""
    settings = written.settings.element
    names = [qn(f"w:{name}") for name in _BEFORE_MIRROR]
    place = sum(1 for child in settings if child.tag in names)
    settings.insert(place, OxmlElement("w:mirrorMargins"))


def _closer(properties: Any) -> None:
    spacing = OxmlElement("w:spacing")
    spacing.set(qn("w:val"), str(int(_NARROWER * 20) - 1))
    properties.insert_element_before(
        spacing, "w:w", "w:kern", "w:position", "w:sz", "w:szCs", "w:highlight", "w:u", "w:effect", "w:bdr",
        "w:shd", "w:fitText", "w:vertAlign", "w:rtl", "w:cs", "w:em", "w:lang", "w:eastAsianLayout", "w:specVanish",
        "w:oMath",
    )  # fmt: skip


def fonts(run: Run, name: str) -> None:
    """Name the font of `run` for Chinese, Latin and digits alike."""
    _name_fonts(run._element.get_or_add_rPr(), name)


def _name_fonts(properties: Any, name: str) -> None:
    named = properties.get_or_add_rFonts()
    named.attrib.clear()
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        named.set(qn(f"w:{script}"), name)


def ruled(paragraph: Paragraph, side: Literal["top", "bottom"], style: str, distance: float) -> None:
    """Draw a red line of the form at one side of `paragraph`, `distance` mm away; a double one reaches 170 mm."""
    borders = OxmlElement("w:pBdr")
    line = OxmlElement(f"w:{side}")
    double = style != "single"
    attributes = (("val", style), ("sz", "24" if double else "16"), ("space", str(round(distance * layout.POINTS_PER_MILLIMETRE))))  # fmt: skip
    for name, value in (*attributes, ("color", layout.RED)):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    paragraph._p.get_or_add_pPr().insert_element_before(borders, *_AFTER_BORDERS)
    if double:
        reach = Mm((layout.TEXT_WIDTH - layout.LETTER_LINE_WIDTH) / 2)
        paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = reach


def page_number(written: WordDocument, *, letter: bool) -> None:
    """Write — 1 — below the text: at the right on odd pages, at the left on even ones (7.5).

    The first page of a letter has none (10.1) and its second red double line instead.
    """
    section = written.sections[0]
    for footer, odd in ((section.footer, True), (section.even_page_footer, False)):
        footer.is_linked_to_previous = False
        paragraph = footer.paragraphs[0]
        paragraph.style = written.styles["Normal"]
        form = paragraph.paragraph_format
        form.alignment = WD_ALIGN_PARAGRAPH.RIGHT if odd else WD_ALIGN_PARAGRAPH.LEFT
        empty = Pt(layout.BODY_SIZE)
        form.right_indent, form.left_indent = (empty, None) if odd else (None, empty)
        form.line_spacing = Pt(layout.PAGE_NUMBER_SIZE)
        form.space_after = Mm(_number_foot() - layout.LETTER_LINE_BOTTOM if letter else 0)
        _field(paragraph)
    if letter:
        first = section.first_page_footer.paragraphs[0]
        first.style = written.styles["Normal"]
        first.paragraph_format.line_spacing = Pt(1)
        ruled(first, "top", "thinThickSmallGap", 0)
        section.first_page_header.paragraphs[0].style = written.styles["Normal"]


def _field(paragraph: Paragraph) -> None:
    for run in (paragraph.add_run("— "), *field(paragraph, "PAGE"), paragraph.add_run(" —")):
        fonts(run, layout.SONG)
        run.font.size = Pt(layout.PAGE_NUMBER_SIZE)


def field(paragraph: Paragraph, code: str) -> list[Run]:
    """Append a field that Word reckons (`PAGE`, `NUMPAGES`) and return its runs, for their type."""
    runs = []
    for text, kind in (("", "begin"), (f" {code} ", "code"), ("", "separate"), ("1", ""), ("", "end")):
        run = paragraph.add_run(text if kind == "" else "")
        if kind == "code":
            instruction = OxmlElement("w:instrText")
            instruction.set(qn("xml:space"), "preserve")
            instruction.text = text
            run._element.append(instruction)
        elif kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._element.append(mark)
        runs.append(run)
    return runs


def bordered(table: Table, widths: Sequence[float]) -> None:
    """Give `table` the width of the text, columns in these shares, and thin lines round every cell."""
    table.style = "Table Grid"
    table.autofit = False
    total = sum(widths)
    for column, share in zip(table.columns, widths, strict=False):
        column.width = Mm(layout.TEXT_WIDTH * share / total)
        for cell in column.cells:
            cell.width = column.width


def floating_at_foot(written: WordDocument, rows: Sequence[tuple[str, str]], *, lined: bool) -> None:
    """Write 版记: rows of (left, right) text that end at the lower edge of the last page's text (7.4.1)."""
    table = written.add_table(rows=len(rows), cols=1)
    table.autofit = False
    properties = table._tbl.tblPr
    place = OxmlElement("w:tblpPr")
    for name, value in (("vertAnchor", "margin"), ("horzAnchor", "margin"), ("tblpXSpec", "center"), ("tblpYSpec", "bottom")):  # fmt: skip
        place.set(qn(f"w:{name}"), value)
    properties.insert(1 if properties.find(qn("w:tblStyle")) is not None else 0, place)
    if lined:
        _lines(properties)
    for (left, right), row in zip(rows, table.rows, strict=True):
        cell = row.cells[0]
        cell.width = Mm(layout.TEXT_WIDTH)
        _imprint_line(cell.paragraphs[0], left, right)
    # Word wants a paragraph after the table, and anchors the table to it
    anchor = written.add_paragraph()
    anchor.paragraph_format.line_spacing = Pt(1)


def _lines(properties: Any) -> None:
    borders = OxmlElement("w:tblBorders")
    for side, width in (("top", layout.THICK), ("bottom", layout.THICK), ("insideH", layout.THIN)):
        line = OxmlElement(f"w:{side}")
        eighths = round(width * layout.POINTS_PER_MILLIMETRE * 8)
        for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    followers = ("w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:tblCaption", "w:tblDescription")
    properties.insert_element_before(borders, *followers)


def _imprint_line(paragraph: Paragraph, left: str, right: str) -> None:
    one = layout.IMPRINT_SIZE
    form = paragraph.paragraph_format
    form.right_indent = Pt(one)
    hanging = 3 * one if left.startswith("抄送：") else 0
    form.left_indent, form.first_line_indent = Pt(one + hanging), Pt(-hanging)
    run = paragraph.add_run(left)
    if right:
        form.tab_stops.add_tab_stop(Mm(layout.TEXT_WIDTH) - Pt(one) - Mm(4), WD_TAB_ALIGNMENT.RIGHT)
        run.add_text("\t" + right)
    fonts(run, layout.FANG_SONG)
    run.font.size = Pt(layout.IMPRINT_SIZE)
