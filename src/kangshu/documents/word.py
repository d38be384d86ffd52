"""docx: paragraphs, generated numbering, tables with merged cells, text boxes, in reading order.

Read from the XML directly: python-docx gives neither generated labels nor text boxes.
Inserted text of tracked changes is kept, deleted text is left out.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field

from lxml import etree

from kangshu.base.faults import Malformed, Unprocessable
from kangshu.documents.archive import ArchiveLimits, open_archive, parse_xml, read_member
from kangshu.documents.model import Document
from kangshu.documents.numbering import Numbering, W
from kangshu.documents.plain import normal_newlines
from kangshu.documents.text_builder import PendingCell, TextBuilder

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_BREAKS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    based_on: str
    number_id: str
    number_level: int
    outline: int


@dataclass(slots=True)
class _Context:
    builder: TextBuilder
    numbering: Numbering
    styles: dict[str, _Style] = field(default_factory=dict)


def read_word(data: bytes, name: str, limits: ArchiveLimits | None = None) -> Document:
    """Return the document of a docx. Raises Malformed, Unprocessable (no text), TooLarge."""
    archive = open_archive(data, limits)
    content = read_member(archive, "word/document.xml")
    if content is None:
        raise Malformed("The file is no Word document (docx).", zh="文件不是有效的 Word 文档（docx）。")
    body = parse_xml(content).find(f"{W}body")
    if body is None:
        raise Malformed("The Word document has no body.", zh="Word 文档没有正文。")
    numbers = read_member(archive, "word/numbering.xml")
    styles = read_member(archive, "word/styles.xml")
    context = _Context(
        TextBuilder(),
        Numbering.of(parse_xml(numbers) if numbers else None),
        _styles(parse_xml(styles)) if styles else {},
    )
    _blocks(body, context)
    _footnotes(archive, context)
    if body.find(f".//{W}del") is not None:
        context.builder.notes.append("含修订痕迹，已略去删除的文字 / tracked changes: deleted text left out")
    document = context.builder.document(data, name, MEDIA_TYPE)
    if not document.text.strip():
        raise Unprocessable(
            "The Word document has no text (only pictures?). Send a version with text.",
            zh="Word 文档中没有文字（可能只有图片），请上传含文字的版本。",
        )
    return document


def _footnotes(archive: zipfile.ZipFile, context: _Context) -> None:
    """Write foot- and endnotes behind the text, so that no sentence is broken by them."""
    for part in ("word/footnotes.xml", "word/endnotes.xml"):
        content = read_member(archive, part)
        notes = list(parse_xml(content)) if content else []
        texts = [
            "".join(_text(paragraph) for paragraph in note.iter(f"{W}p")).strip()
            for note in notes
            if note.get(f"{W}type") is None  # separators have a type
        ]
        for number, text in enumerate(filter(None, texts), start=1):
            context.builder.block("paragraph", normal_newlines(f"注{number}：{text}"))


def _styles(root: etree._Element) -> dict[str, _Style]:
    styles: dict[str, _Style] = {}
    for node in root.iter(f"{W}style"):
        paragraph = node.find(f"{W}pPr")
        number_id, level, outline = "", 0, -1
        if paragraph is not None:
            number_id, level = _number_reference(paragraph)
            outline = _integer_value(paragraph.find(f"{W}outlineLvl"), -1)
        styles[str(node.get(f"{W}styleId"))] = _Style(
            _attribute(node.find(f"{W}name")), _attribute(node.find(f"{W}basedOn")), number_id, level, outline
        )
    return styles


def _attribute(node: etree._Element | None) -> str:
    return str(node.get(f"{W}val", "")) if node is not None else ""


def _integer_value(node: etree._Element | None, default: int = 0) -> int:
    text = _attribute(node)
    return int(text) if text.lstrip("-").isdigit() else default


def _number_reference(properties: etree._Element) -> tuple[str, int]:
    reference = properties.find(f"{W}numPr")
    if reference is None:
        return "", 0
    return _attribute(reference.find(f"{W}numId")), _integer_value(reference.find(f"{W}ilvl"))


def _blocks(parent: etree._Element, context: _Context) -> None:
    for child in parent:
        if child.tag == f"{W}p":
            _paragraph(child, context)
        elif child.tag == f"{W}tbl":
            context.builder.table(_cells(child, context))
            for box in child.iter(f"{W}txbxContent"):
                _text_box(box, context)
        elif child.tag in (f"{W}sdt", f"{W}sdtContent", f"{W}ins", f"{W}customXml", f"{W}smartTag"):
            _blocks(child, context)


def _paragraph(node: etree._Element, context: _Context) -> None:
    label, level = _label_and_level(node, context)
    text = normal_newlines(label + _text(node))
    context.builder.block("heading" if level else "paragraph", text, level)
    for box in node.iter(f"{W}txbxContent"):
        if not any(ancestor.tag == _FALLBACK for ancestor in box.iterancestors()):
            _text_box(box, context)


def _text_box(box: etree._Element, context: _Context) -> None:
    for paragraph in box.iter(f"{W}p"):
        text = _label_and_level(paragraph, context)[0] + _text(paragraph)
        if text.strip():
            context.builder.block("text-box", normal_newlines(text))


def _label_and_level(node: etree._Element, context: _Context) -> tuple[str, int]:
    """Return the generated label ("" for none) and the heading level 1…9 (0 for none) of a paragraph."""
    properties = node.find(f"{W}pPr")
    number_id, number_level, outline, style_id = "", 0, -1, ""
    if properties is not None:
        number_id, number_level = _number_reference(properties)
        outline = _integer_value(properties.find(f"{W}outlineLvl"), -1)
        style_id = _attribute(properties.find(f"{W}pStyle"))
    for _ in range(10):  # style chains are short; a cycle ends here
        style = context.styles.get(style_id)
        if style is None:
            break
        if not number_id:
            number_id, number_level = style.number_id, style.number_level
        if outline < 0:
            named = re.fullmatch(r"(?:heading|标题) ?([1-9])", style.name, re.IGNORECASE)
            outline = style.outline if style.outline >= 0 else int(named.group(1)) - 1 if named else -1
        style_id = style.based_on
    label = context.numbering.label(number_id, number_level) if number_id and number_id != "0" else ""
    return label, outline + 1 if 0 <= outline < 9 else 0


def _text(node: etree._Element) -> str:
    """Return the visible text of a paragraph; text boxes and deleted runs are not part of it."""
    pieces: list[str] = []
    for child in node:
        if child.tag == f"{W}t":
            pieces.append(child.text or "")
        elif child.tag in _BREAKS:
            pieces.append(_BREAKS[child.tag])
        elif child.tag == f"{W}sym":
            pieces.append("·")
        elif child.tag == f"{W}r" and child.find(f"{W}rPr/{W}vanish") is not None:
            continue  # hidden text
        elif child.tag in (f"{W}del", f"{W}moveFrom", f"{W}pPr", f"{W}rPr", f"{W}instrText", f"{W}txbxContent", f"{W}drawing", f"{W}pict", f"{W}object") or (isinstance(child.tag, str) and child.tag.endswith("AlternateContent")):  # fmt: skip
            continue
        else:
            pieces.append(_text(child))
    return "".join(pieces)


def _cells(table: etree._Element, context: _Context) -> list[PendingCell]:
    """Return the cells of a table: a vertical merge continues the cell above, a grid span widens."""
    cells: list[PendingCell] = []
    open_above: dict[int, PendingCell] = {}
    rows = [
        row
        for row in table.iter(f"{W}tr")
        if next(row.iterancestors(f"{W}tbl")) is table and row.find(f"{W}trPr/{W}del") is None
    ]
    for row_number, row in enumerate(rows):
        column = _integer_value(row.find(f"{W}trPr/{W}gridBefore"))
        for node in row.iter(f"{W}tc"):
            if next(node.iterancestors(f"{W}tr")) is not row:
                continue
            properties = node.find(f"{W}tcPr")
            span = max(1, _integer_value(properties.find(f"{W}gridSpan"), 1)) if properties is not None else 1
            merge = properties.find(f"{W}vMerge") if properties is not None else None
            if merge is not None and _attribute(merge) != "restart" and column in open_above:
                open_above[column].row_span = row_number - open_above[column].row + 1
            else:
                text = "\n".join(
                    (_label_and_level(paragraph, context)[0] + _text(paragraph)).strip()
                    for paragraph in node.iter(f"{W}p")
                )
                cell = PendingCell(row_number, column, normal_newlines(text).strip("\n"), 1, min(span, 64))
                cells.append(cell)
                if merge is not None:
                    open_above[column] = cell
                else:
                    open_above.pop(column, None)
            column += span
    return cells
