"""pdf: the text layer page by page. Scanned pages have none; they are named, and a pdf of scans is refused."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import pypdfium2

from kangshu.base.faults import Malformed, TooLarge, Unprocessable
from kangshu.documents.model import Document
from kangshu.documents.plain import normal_newlines
from kangshu.documents.ruled_tables import RuledTable, ruled_tables
from kangshu.documents.text_builder import PendingCell, TextBuilder

MEDIA_TYPE = "application/pdf"
MAXIMUM_PAGES = 2_000
_PAGE_NUMBER = re.compile(
    r"\s*[-—－–]*\s*(?:第\s*)?\d{1,4}(?:\s*页)?(?:\s*[/／共]\s*\d{1,4}\s*页?)?\s*[-—－–]*\s*"
)


def read_pdf(data: bytes, name: str, *, maximum_pages: int = MAXIMUM_PAGES) -> Document:
    """Return the document of a pdf with a text layer.

    Raises Malformed (damaged), Unprocessable (a password, or no text: pictures of pages), TooLarge.
    """
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as fault:
        if "assword" in str(fault):
            raise Unprocessable(
                "The PDF is protected by a password. Remove it and send the file again.",
                zh="PDF 已加密，请去除密码后重新上传。",
            ) from fault
        raise Malformed("The PDF is damaged.", zh="PDF 文件已损坏，无法打开。") from fault
    try:
        if len(pdf) > maximum_pages:
            raise TooLarge(
                f"The PDF has {len(pdf)} pages; at most {maximum_pages} are read.",
                zh=f"PDF 共 {len(pdf)} 页，超过上限 {maximum_pages} 页。",
            )
        pages = [_page(pdf, number) for number in range(len(pdf))]
    finally:
        pdf.close()
    return _document(pages, data, name)


@dataclass(frozen=True, slots=True)
class _Page:
    """What stands on a page: its lines without those of tables, and each table with the line it stands before."""

    lines: list[str]
    tables: list[tuple[int, RuledTable]]


def _page(pdf: pypdfium2.PdfDocument, number: int) -> _Page:
    try:
        page = pdf[number]
        text_page = page.get_textpage()
        read = _lines_and_tables(text_page, ruled_tables(page))
        text_page.close()
        page.close()
    except pypdfium2.PdfiumError:
        return _Page([], [])  # an unreadable page is reported with the scanned ones
    return read


def _clean(text: str) -> str:
    return normal_newlines(text).replace("\ufffe", "").replace("￾", "")


def _lines_and_tables(page: pypdfium2.PdfTextPage, tables: list[RuledTable]) -> _Page:
    """Return the lines of a page, with the characters within drawn tables put into their cells."""
    text, paired = _laid_out(page)
    if not tables or not paired:
        return _Page(_clean(text).split("\n"), [])
    outside: list[str] = []
    placed: dict[int, int] = {}  # table → how much text stood before it
    cells: dict[int, list[str]] = {}
    last: PendingCell | None = None
    for number, character in enumerate(text):
        if character.isspace():
            if last is None:
                outside.append(character)
            continue
        left, lower, right, upper = page.get_charbox(number)
        middle = ((left + right) / 2, (lower + upper) / 2)
        last = None
        for order, table in enumerate(tables):
            last = table.cell_at(*middle)
            if last is not None:
                placed.setdefault(order, len(outside))
                cells.setdefault(id(last), []).append(character)
                break
        if last is None:
            outside.append(character)
    lines_before: list[tuple[int, RuledTable]] = []
    for order, at in sorted(placed.items(), key=lambda entry: entry[1]):
        for _, cell in tables[order].cells:
            cell.text = _clean("".join(cells.get(id(cell), [])))
        lines_before.append(
            (_clean("".join(outside[:at])).rstrip("\n").count("\n") + (at > 0), tables[order])
        )
    return _Page(_clean("".join(outside)).split("\n"), lines_before)


def _laid_out(page: pypdfium2.PdfTextPage) -> tuple[str, bool]:
    """Return the text of a page, and whether its characters are those that have places.

    A space that stands for a gap between cells is a tab, one that stands for a new line a newline.
    """
    text = str(page.get_text_range())
    if len(text) != page.count_chars():
        return str(page.get_text_bounded()), False
    pieces = list(text)
    for found in re.finditer(r"(?<=\S) (?=\S)", text):
        left, lower, right, upper = page.get_charbox(found.start() - 1)
        following_left, _, _, following_upper = page.get_charbox(found.end())
        height = max(upper - lower, right - left, 1.0)
        if following_upper <= lower - 0.2 * height:
            pieces[found.start()] = "\n"
        elif following_left - right > 1.6 * height:
            pieces[found.start()] = "\t"
    return "".join(pieces), True


def _document(pages: list[_Page], data: bytes, name: str) -> Document:
    without = [
        number
        for number, page in enumerate(pages, start=1)
        if not page.tables and len(re.sub(r"\s", "", "".join(page.lines))) < 5
    ]
    if len(without) == len(pages):
        raise Unprocessable(
            "The PDF has no text: its pages are pictures (a scan). Recognise the text first (OCR), or send the Word or text version.",
            zh="PDF 中没有文字，页面均为图片（扫描件）。请先做文字识别（OCR），或上传 Word、文本版本。",
        )
    builder = TextBuilder()
    repeated = _repeated_lines(pages)
    pending = _PendingTable()
    for number, page in enumerate(pages, start=1):
        kept = [line.rstrip() for line in page.lines]
        filled = [place for place, line in enumerate(kept) if line.strip()]
        edges = {*filled[:1], *filled[-1:]}
        waiting = list(page.tables)
        for place in range(len(kept) + 1):
            while waiting and (waiting[0][0] <= place or place == len(kept)):
                pending.add(waiting.pop(0)[1], number, builder)
            line = kept[place] if place < len(kept) else ""
            if (
                line.strip()
                and line.strip() not in repeated
                and not (place in edges and _PAGE_NUMBER.fullmatch(line))
            ):
                pending.write(builder)
                builder.block("paragraph", line, page=number)
    pending.write(builder)
    if without:
        listed = "、".join(map(str, without[:50]))
        builder.notes.append(
            f"第 {listed} 页没有文字（可能是扫描页） / no text on pages {', '.join(map(str, without[:50]))}"
        )
    return builder.document(data, name, MEDIA_TYPE)


class _PendingTable:
    """A table that may go on over the page: with the same columns and nothing written in between."""

    def __init__(self) -> None:
        self._cells: list[PendingCell] = []
        self._columns: tuple[float, ...] = ()
        self._page = 0

    def add(self, table: RuledTable, page: int, builder: TextBuilder) -> None:
        """Join `table` to the one before it, or write that one and keep this."""
        cells = [cell for _, cell in table.cells]
        same = len(self._columns) == len(table.columns) and all(
            abs(one - other) < 6 for one, other in zip(self._columns, table.columns, strict=True)
        )
        if not (self._cells and same and page > self._page):
            self.write(builder)
            self._cells, self._columns, self._page = cells, table.columns, page
            return
        if _first_row(cells) == _first_row(self._cells):  # the header printed again
            cells = [cell for cell in cells if cell.row > 0]
        below = max(cell.row + cell.row_span for cell in self._cells) - min(cell.row for cell in cells)
        self._cells += [replace(cell, row=cell.row + below) for cell in cells]
        self._page = page

    def write(self, builder: TextBuilder) -> None:
        """Write the table that waits, if any."""
        if self._cells:
            builder.table(self._cells, self._page)
        self._cells = []


def _first_row(cells: list[PendingCell]) -> list[str]:
    return [cell.text for cell in cells if cell.row == 0]


def _repeated_lines(pages: list[_Page]) -> set[str]:
    """Return running heads and feet: lines at the edge of most pages; those that count pages may differ."""
    if len(pages) < 3:
        return set()
    edges: Counter[str] = Counter()
    written: dict[str, set[str]] = {}
    for page in pages:
        lines = [line.strip() for line in page.lines if line.strip() and not _PAGE_NUMBER.fullmatch(line)]
        here = lines[:1] + lines[-1:]
        for line in here:
            written.setdefault(_without_numbers(line), set()).add(line)
        edges.update({_without_numbers(line) for line in here})
    common = {line for line, count in edges.items() if count * 2 > len(pages)}
    return {line for shape in common for line in written[shape]}


def _without_numbers(line: str) -> str:
    return re.sub(r"\d+", "0", line) if re.search("页|[Pp]age", line) else line
