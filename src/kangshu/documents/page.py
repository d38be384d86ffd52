"""html: the main text with its tables; scripts, styles, navigation and forms are left out."""

from __future__ import annotations

import re

from lxml import etree
from lxml import html as lxml_html

from kangshu.base.faults import Malformed, Unprocessable
from kangshu.documents.model import Document
from kangshu.documents.plain import decode, normal_newlines
from kangshu.documents.text_builder import PendingCell, TextBuilder

MEDIA_TYPE = "text/html"
_DROPPED = {"script", "style", "noscript", "template", "nav", "footer", "aside", "form", "iframe", "object", "embed", "svg", "button", "select", "textarea", "input", "head"}  # fmt: skip
_BLOCKS = {"p", "div", "li", "ul", "ol", "section", "article", "main", "header", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "dt", "dd", "dl", "blockquote", "pre", "center", "figcaption", "hr", "title"}  # fmt: skip
_MAIN = ("//*[@id='UCAP-CONTENT' or @id='zoom' or @id='Zoom' or @id='content' or @id='Content' or @id='article' or @id='artibody' or @id='js_content']", "//article", "//main", "//*[contains(concat(' ', @class, ' '), ' TRS_Editor ') or contains(concat(' ', @class, ' '), ' TRS_UEDITOR ') or contains(concat(' ', @class, ' '), ' article-content ') or contains(concat(' ', @class, ' '), ' pages_content ') or contains(concat(' ', @class, ' '), ' content ')]")  # fmt: skip
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
_DEPTH = 200


def read_html(data: bytes, name: str) -> Document:
    """Return the main text of a page. Raises Malformed, Unprocessable (no text). Nothing is fetched."""
    text = _decoded(data)
    parser = lxml_html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    try:
        root = lxml_html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as fault:
        raise Malformed("The page cannot be read as HTML.", zh="网页内容无法解析。") from fault
    builder = TextBuilder()
    title = root.findtext(".//title")
    if title and title.strip():
        builder.block("heading", " ".join(title.split()), level=1)
    _walk(_main_part(root), _Flow(builder), 0)
    document = builder.document(data, name, MEDIA_TYPE)
    if not document.text.strip():
        raise Unprocessable("The page has no text.", zh="网页中没有文字内容。")
    return document


def _decoded(data: bytes) -> str:
    declared = _CHARSET.search(data[:4096])
    if declared and not _is_utf8(data):
        encoding = declared.group(1).decode("ascii").lower()
        encoding = "gb18030" if encoding in ("gb2312", "gbk") else encoding
        try:
            return normal_newlines(data.decode(encoding))
        except (LookupError, UnicodeDecodeError):
            pass  # a page that lies about its encoding is found out below
    return normal_newlines(decode(data)[0])


def _is_utf8(data: bytes) -> bool:
    """Return whether the bytes are UTF-8 beyond ASCII, whatever the page says of itself."""
    try:
        return not data.decode("utf-8").isascii()
    except UnicodeDecodeError:
        return False


def _main_part(root: etree._Element) -> etree._Element:
    """Return the element that holds most of the text among the places where pages keep it; else the body."""
    body = root.find("body")
    whole = body if body is not None else root
    length = len(_plain(whole))
    for path in _MAIN:
        found = root.xpath(path)
        parts = (
            [part for part in found if isinstance(part, etree._Element)] if isinstance(found, list) else []
        )
        best = max(parts, key=lambda part: len(_plain(part)), default=None)
        if best is not None and len(_plain(best)) * 2 > length:
            return best
    return whole


def _plain(node: etree._Element) -> str:
    if node.tag in _DROPPED or not isinstance(node.tag, str):
        return ""
    return "".join(str(part).strip() for part in node.itertext())


class _Flow:
    """Collects inline text and writes it as a block when a block element begins or ends."""

    def __init__(self, builder: TextBuilder) -> None:
        self.builder = builder
        self.pending: list[str] = []

    def text(self, piece: str | None) -> None:
        if piece:
            self.pending.append(re.sub(r"[ \t\n\u00a0]+", " ", piece))

    def end_block(self, level: int = 0) -> None:
        text = "".join(self.pending).strip()
        self.pending.clear()
        if text:
            self.builder.block("heading" if level else "paragraph", text, level)


def _walk(node: etree._Element, flow: _Flow, depth: int) -> None:
    tag = node.tag
    if not isinstance(tag, str) or tag in _DROPPED or depth > _DEPTH:
        flow.text(node.tail)
        return
    if _hidden(node) or _list_of_links(node):
        flow.end_block()
        flow.text(node.tail)
        return
    if tag == "table" and not node.xpath(".//table"):
        flow.end_block()
        cells = _cells(node)
        columns = max((cell.column + cell.column_span for cell in cells), default=0)
        if columns > 1:
            flow.builder.table(cells)
        else:  # a layout table
            for cell in cells:
                for line in cell.text.split("\n"):
                    flow.builder.block("paragraph", line)
    elif tag == "br":
        flow.end_block()
    else:
        is_block = tag in _BLOCKS or tag in ("table", "tbody", "td", "th")
        if is_block:
            flow.end_block()
        flow.text(node.text)
        for child in node:
            _walk(child, flow, depth + 1)
        if is_block:
            flow.end_block(int(tag[1]) if re.fullmatch("h[1-6]", tag) else 0)
    flow.text(node.tail)


def _hidden(node: etree._Element) -> bool:
    return "display:none" in str(node.get("style", "")).replace(" ", "").lower()


def _list_of_links(node: etree._Element) -> bool:
    """Return whether a part of a page is navigation: nearly all of it links, without a sentence."""
    if node.tag not in ("ul", "ol", "dl", "div", "section") or len(node.findall(".//a")) < 3:
        return False
    text = "".join("".join(map(str, node.itertext())).split())
    linked = sum(len("".join("".join(map(str, link.itertext())).split())) for link in node.iter("a"))
    return len(text) < 2_000 and linked * 10 >= len(text) * 8 and "。" not in text


def _cells(table: etree._Element) -> list[PendingCell]:
    """Return the cells of a table; `rowspan` and `colspan` are kept."""
    cells: list[PendingCell] = []
    occupied: set[tuple[int, int]] = set()
    for row_number, row in enumerate(table.iter("tr")):
        column = 0
        for node in row:
            if node.tag not in ("td", "th"):
                continue
            while (row_number, column) in occupied:
                column += 1
            height, width = _span(node, "rowspan"), _span(node, "colspan")
            occupied.update(
                (row_number + down, column + right) for down in range(height) for right in range(width)
            )
            cells.append(PendingCell(row_number, column, _cell_text(node), height, width))
            column += width
    return cells


def _span(node: etree._Element, name: str) -> int:
    text = str(node.get(name, "1")).strip()
    return min(max(1, int(text)), 200) if text.isdigit() else 1


def _cell_text(node: etree._Element) -> str:
    flow = _Flow(TextBuilder())
    flow.text(node.text)
    for child in node:
        _walk(child, flow, 1)
    flow.end_block()
    return "".join(flow.builder.pieces).strip()
