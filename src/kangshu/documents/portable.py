"""pdf: the text layer page by page. Scanned pages have none; they are named, and a pdf of scans is refused."""

from __future__ import annotations

import re
from collections import Counter

import pypdfium2

from kangshu.base.faults import Malformed, TooLarge, Unprocessable
from kangshu.documents.model import Document
from kangshu.documents.plain import normal_newlines
from kangshu.documents.text_builder import TextBuilder

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
        pages = [_page_text(pdf, number) for number in range(len(pdf))]
    finally:
        pdf.close()
    return _document(pages, data, name)


def _page_text(pdf: pypdfium2.PdfDocument, number: int) -> str:
    try:
        page = pdf[number]
        text_page = page.get_textpage()
        text = str(text_page.get_text_bounded())
        text_page.close()
        page.close()
    except pypdfium2.PdfiumError:
        return ""  # an unreadable page is reported with the scanned ones
    return normal_newlines(text).replace("\ufffe", "").replace("￾", "")


def _document(pages: list[str], data: bytes, name: str) -> Document:
    without = [number + 1 for number, text in enumerate(pages) if len(re.sub(r"\s", "", text)) < 5]
    if len(without) == len(pages):
        raise Unprocessable(
            "The PDF has no text: its pages are pictures (a scan). Recognise the text first (OCR), or send the Word or text version.",
            zh="PDF 中没有文字，页面均为图片（扫描件）。请先做文字识别（OCR），或上传 Word、文本版本。",
        )
    builder = TextBuilder()
    repeated = _repeated_lines(pages)
    for number, text in enumerate(pages):
        for line in text.split("\n"):
            if line.strip() and (line.strip() in repeated or _PAGE_NUMBER.fullmatch(line)):
                continue
            builder.block("paragraph", line.rstrip(), page=number + 1)
    if without:
        listed = "、".join(map(str, without[:50]))
        builder.notes.append(
            f"第 {listed} 页没有文字（可能是扫描页） / no text on pages {', '.join(map(str, without[:50]))}"
        )
    return builder.document(data, name, MEDIA_TYPE)


def _repeated_lines(pages: list[str]) -> set[str]:
    """Return running heads and feet: first or last lines that stand on most pages of a longer document."""
    if len(pages) < 4:
        return set()
    edges: Counter[str] = Counter()
    for text in pages:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        edges.update(set(lines[:1] + lines[-1:]))
    return {line for line, count in edges.items() if count * 2 > len(pages)}
