"""Hostile files, made here: bombs, damaged and lying containers, documents that hold nothing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from random import Random

_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def zipped(members: Mapping[str, bytes], *, level: int = 6) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def workbook(sheet: bytes, *, before: bytes = b"", **more: bytes) -> bytes:
    """Return an xlsx with one sheet whose XML within <worksheet> is `sheet`."""
    xml = b'<?xml version="1.0" encoding="UTF-8"?>'
    types = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    )
    root = (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    )
    book = f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
    parts = (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>'
    )
    whole = (
        xml + before + f'<worksheet xmlns="{_SHEET}" xmlns:r="{_OFFICE}">'.encode() + sheet + b"</worksheet>"
    )
    return zipped(
        {
            "[Content_Types].xml": types.encode(), "_rels/.rels": root.encode(), "xl/workbook.xml": book.encode(),
            "xl/_rels/workbook.xml.rels": parts.encode(), "xl/worksheets/sheet1.xml": whole, **more,
        }
    )  # fmt: skip


def word(body: bytes, *, before: bytes = b"", **more: bytes) -> bytes:
    """Return a docx whose body's XML is `body`."""
    types = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    document = (
        b'<?xml version="1.0" encoding="UTF-8"?>' + before
        + f'<w:document xmlns:w="{_WORD}"><w:body>'.encode() + body + b"</w:body></w:document>"
    )  # fmt: skip
    return zipped({"[Content_Types].xml": types.encode(), "word/document.xml": document, **more})


def paragraphs(*texts: str) -> bytes:
    return "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in texts).encode()


ENTITIES = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">'
    b'<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">'
    b'<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;">]>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
PADDING = b"<!-- " + b"x" * 5000 + b" -->"


def row(text: bytes) -> bytes:
    return (
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>' + text + b"</t></is></c></row></sheetData>"
    )


def many_cells(count: int) -> bytes:
    """Return rows of cells whose numbers differ, so that the container is no more packed than an honest one."""
    chance = Random(7)
    row = [
        b"<row>" + b"".join(b"<c><v>%d</v></c>" % chance.getrandbits(40) for _ in range(25)) + b"</row>"
        for _ in range(400)
    ]
    return b"<sheetData>" + b"".join(row) * (count // 10_000) + b"</sheetData>"


def scanned_pdf() -> bytes:
    """Return a pdf of one page without text."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>",
    ]  # fmt: skip
    data, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj" % number + one + b"endobj\n"
    start = len(data)
    data += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % one for one in places)
    return data + b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start


def _pages(count: int) -> bytes:
    return scanned_pdf().replace(
        b"/Kids[3 0 R]/Count 1", b"/Kids[" + b"3 0 R " * count + b"]/Count %d" % count
    )


PROSE = "今天天气很好，我们去公园散步。\n" * 20

PLANS: Mapping[str, tuple[str, bytes]] = {
    "empty": ("a.txt", b""),
    "white space": ("a.txt", b"  \n "),
    "no tasks": ("a.txt", PROSE.encode()),
    "no tasks in word": ("a.docx", word(paragraphs("你好", "世界"))),
    "zeros": ("a.txt", b"\x00" * 10_000),
    "noise": ("a.txt", bytes(range(256)) * 400),
    "noise as pdf": ("a.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 400),
    "scan": ("a.pdf", scanned_pdf()),
    "pages without end": ("a.pdf", _pages(100_000)),
    "cut pdf": ("a.pdf", scanned_pdf()[:60]),
    "pdf that is text": ("a.pdf", b"hello"),
    "docx that is text": ("a.docx", b"hello"),
    "cut docx": ("a.docx", word(paragraphs("你好") * 500)[:300]),
    "old word": ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 5000),
    "picture": ("a.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 5000),
    "program": ("a.exe", b"MZ" + b"\x00" * 5000),
    "zip": ("a.zip", zipped({"a.txt": b"x"})),
    "zip as docx": ("a.docx", zipped({"a.txt": b"x"})),
    "bomb": ("a.docx", word(paragraphs("你好"), **{"word/media/a.bin": b"\x00" * 190_000_000})),
    "bomb in the text": ("a.docx", word(b"<w:p>" + b" " * 95_000_000 + b"</w:p>")),
    "bomb of paragraphs": ("a.docx", word(b"<w:p/>" * 12_000_000)),
    "bomb of parts": ("a.docx", word(paragraphs("x"), **{f"a{n}": b"" for n in range(3000)})),
    "entities": ("a.docx", word(paragraphs("&h;"), before=ENTITIES)),
    "entities behind a comment": ("a.docx", word(paragraphs("&h;"), before=PADDING + ENTITIES)),
    "file from outside": ("a.docx", word(paragraphs("&a;"), before=OUTSIDE)),
    "deep": ("a.docx", word(b"<w:p>" * 5000 + b"</w:p>" * 5000)),
    "deep html": ("a.html", b"<html><body>" + b"<div>" * 100_000 + b"x"),
    "html without text": ("a.html", b"<html><script>alert(1)</script></html>"),
    "html of tables": ("a.html", b"<html><body>" + b"<table><tr><td colspan=999 rowspan=999>" * 300 + b"x"),
    "sheet that is none": ("a.xlsx", zipped({"xl/workbook.xml": b"<x/>"})),
    "small entity in a sheet": ("a.xlsx", workbook(row(b"&a;"), before=b'<!DOCTYPE x [<!ENTITY a "x">]>')),
    "wide merge": ("a.xlsx", workbook(row(b"x") + b'<mergeCells><mergeCell ref="A1:ZZ400"/></mergeCells>')),
    "empty sheet": ("a.xlsx", workbook(b"<sheetData/>")),
    "merged to the end": ("a.xlsx", workbook(row(b"x") + b'<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>')),
    "link to everywhere": ("a.xlsx", workbook(row(b"x") + b'<hyperlinks><hyperlink ref="A1:XFD1048576" location="a"/></hyperlinks>')),
    "far cell": ("a.xlsx", workbook(b'<sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')),
    "million cells": ("a.xlsx", workbook(many_cells(2_900_000))),
    "entities in a sheet": ("a.xlsx", workbook(row(b"&h;"), before=ENTITIES)),
    "entities in a sheet behind a comment": ("a.xlsx", workbook(row(b"&h;"), before=PADDING + ENTITIES)),
    "endless line": ("a.txt", "一、".encode() * 5_000_000),
}  # fmt: skip
"""File name and content by what is wrong with it."""

SHEETS = ("empty", "zeros", "noise", "docx that is text", "zip", "zip as docx", "cut docx", "no tasks in word", "scan",
          "sheet that is none", "empty sheet", "merged to the end", "link to everywhere", "far cell", "million cells",
          "entities in a sheet", "entities in a sheet behind a comment", "small entity in a sheet", "wide merge", "bomb")  # fmt: skip
"""What is given to an Excel import as well."""

REASONS: Mapping[str, str] = {
    "bomb": "超过", "bomb in the text": "炸弹", "bomb of paragraphs": "炸弹", "bomb of parts": "部件", "million cells": "超过",
    "file from outside": "实体", "small entity in a sheet": "实体", "wide merge": "超过", "merged to the end": "超过",
    "link to everywhere": "超过", "far cell": "超过",
}  # fmt: skip
"""What the answer says where one guard alone must have found it."""
