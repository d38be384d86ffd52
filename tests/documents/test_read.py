"""Documents come in through one door: the text, its tables and what was odd about the source."""

import io
import zipfile

import docx
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

from kangshu.base.faults import Malformed, TooLarge, Unprocessable, UnsupportedMedia
from kangshu.documents import ArchiveLimits, Document, read_document, write_xlsx

SENTENCE = "一、总体目标\n到2025年，云汐市护理型床位占比不低于60%。\n"
TRADITIONAL = "一、總體目標\n到2025年，護理型床位占比不低於百分之六十，醫養結合服務全面覆蓋。\n"


def cell_texts(document: Document) -> list[list[str]]:
    return [
        [document.text[cell.start : cell.end] if cell else "" for cell in row]
        for row in document.tables[0].grid()
    ]


def word(build) -> bytes:
    document = docx.Document()
    build(document)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", SENTENCE),
        ("utf-8-sig", SENTENCE),
        ("gb18030", SENTENCE),
        ("utf-16", SENTENCE),
        ("big5", TRADITIONAL),
    ],
)
def test_text_encodings(encoding, text):
    document = read_document(text.replace("\n", "\r\n").encode(encoding), "plan.txt")
    assert document.text == text
    assert document.text[document.blocks[0].start : document.blocks[0].end] in text
    assert len(document.sha256) == 64


def test_text_with_damage_stays_utf8():
    data = (SENTENCE * 30).encode() + b"\xe5\x8c"
    document = read_document(data, "plan.txt")
    assert document.text.startswith(SENTENCE)
    assert "无法识别" in document.notes[0]


def test_word_paragraphs_headings_and_generated_numbers():
    def build(document):
        document.add_heading("总体要求", 1)
        document.add_paragraph("第一项", style="List Number")
        document.add_paragraph("第二项", style="List Number")

    document = read_document(word(build), "plan.docx")
    assert document.text.splitlines() == ["总体要求", "1.第一项", "2.第二项"]
    assert (document.blocks[0].kind, document.blocks[0].level) == ("heading", 1)


def test_word_chinese_numbering_restarts_below():
    def build(document):
        numbering = document.part.numbering_part.element
        numbering.insert(
            0,
            parse_xml(
                f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">'
                '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="%1、"/></w:lvl>'
                '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="（%2）"/></w:lvl>'
                '<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%3."/></w:lvl>'
                "</w:abstractNum>"
            ),
        )
        numbering.append(
            parse_xml(f'<w:num {nsdecls("w")} w:numId="77"><w:abstractNumId w:val="77"/></w:num>')
        )
        for text, level in [("甲", 0), ("乙", 1), ("丙", 1), ("丁", 2), ("戊", 0), ("己", 1)]:
            paragraph = document.add_paragraph(text)
            properties = paragraph._p.get_or_add_pPr()
            reference = OxmlElement("w:numPr")
            for tag, value in (("w:ilvl", str(level)), ("w:numId", "77")):
                child = OxmlElement(tag)
                child.set(qn("w:val"), value)
                reference.append(child)
            properties.append(reference)

    text = read_document(word(build), "plan.docx").text
    assert text.splitlines() == ["一、甲", "（一）乙", "（二）丙", "1.丁", "二、戊", "（一）己"]


def test_word_table_with_merged_cells():
    def build(document):
        table = document.add_table(3, 3)
        for column, text in enumerate(("类别", "任务", "责任单位")):
            table.cell(0, column).text = text
        table.cell(1, 0).merge(table.cell(2, 0)).text = "服务"
        table.cell(1, 1).text = "任务甲"
        table.cell(2, 1).merge(table.cell(2, 2)).text = "任务乙"

    document = read_document(word(build), "plan.docx")
    assert cell_texts(document) == [
        ["类别", "任务", "责任单位"],
        ["服务", "任务甲", ""],
        ["服务", "任务乙", "任务乙"],
    ]


def test_word_text_box_and_deleted_text():
    def build(document):
        paragraph = document.add_paragraph("正文")
        paragraph._p.append(
            parse_xml(
                f'<w:r {nsdecls("w")}><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><w:txbxContent>'
                "<w:p><w:r><w:t>框内文字</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
            )
        )
        paragraph._p.append(
            parse_xml(f"<w:del {nsdecls('w')}><w:r><w:delText>删去</w:delText></w:r></w:del>")
        )

    document = read_document(word(build), "plan.docx")
    assert document.text.splitlines() == ["正文", "框内文字"]
    assert document.blocks[1].kind == "text-box"
    assert "修订" in document.notes[0]


def test_pdf_text_and_scanned_page():
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    page.setFont("STSong-Light", 12)
    page.drawString(72, 700, "到2025年，建成10家社区食堂。")
    page.showPage()
    page.rect(10, 10, 50, 50)
    page.showPage()
    page.save()
    document = read_document(stream.getvalue(), "plan.pdf")
    assert "到2025年，建成10家社区食堂。" in document.text
    assert document.blocks[0].page == 1
    assert "第 2 页没有文字" in document.notes[0]


def test_pdf_of_pictures_says_what_to_do():
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    page.rect(10, 10, 50, 50)
    page.save()
    with pytest.raises(Unprocessable) as caught:
        read_document(stream.getvalue(), "scan.pdf")
    assert "OCR" in caught.value.zh


def test_html_main_text_and_table():
    source = """<html><head><title>云汐市方案</title><script>alert('x')</script></head><body>
    <nav><a href="/">首页</a></nav><div id="zoom"><p>一、目标</p><p>建设<b>10</b>家<br>社区食堂</p>
    <table><tr><th>任务</th><th>责任单位</th></tr><tr><td rowspan="2">合并</td><td>市民政局</td></tr><tr><td>市体育局</td></tr></table></div></body></html>"""
    document = read_document(source.encode("gb18030"), "page.html")
    assert document.text.splitlines()[:4] == ["云汐市方案", "一、目标", "建设10家", "社区食堂"]
    assert "alert" not in document.text
    assert "首页" not in document.text
    assert cell_texts(document) == [["任务", "责任单位"], ["合并", "市民政局"], ["合并", "市体育局"]]


def test_workbook_is_a_document_with_tables():
    document = read_document(
        write_xlsx({"任务": [["任务", "责任单位"], ["建设食堂", "市民政局"]]}), "plan.xlsx"
    )
    assert cell_texts(document) == [["任务", "责任单位"], ["建设食堂", "市民政局"]]
    assert document.text.startswith("任务\n")


@pytest.mark.parametrize(
    ("data", "name", "fault"),
    [
        (b"", "a.txt", Unprocessable),
        (b"   \n", "a.txt", Unprocessable),
        (b"PK\x03\x04broken", "a.docx", Malformed),
        (b"not word", "a.docx", Malformed),
        (b"%PDF-1.7 broken", "a.pdf", Malformed),
        (b"\x00\x01\x02\x03" * 20, "a.txt", Unprocessable),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "a.doc", UnsupportedMedia),
        (b"<html><body><script>x</script></body></html>", "a.html", Unprocessable),
    ],
)
def test_bad_files(data, name, fault):
    with pytest.raises(fault) as caught:
        read_document(data, name)
    assert caught.value.zh


def archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return stream.getvalue()


def test_compression_bomb_is_not_unpacked():
    bomb = archive({"word/document.xml": b"<a>" + b" " * 30_000_000})
    with pytest.raises(Unprocessable):
        read_document(bomb, "bomb.docx")
    with pytest.raises(TooLarge):
        read_document(bomb, "bomb.docx", limits=ArchiveLimits(unpacked=1_000_000))
    with pytest.raises(TooLarge):
        read_document(
            archive({f"part{n}": b"x" for n in range(30)}), "many.docx", limits=ArchiveLimits(members=20)
        )


def test_entities_are_refused():
    text = '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/hostname">]><w>&x;</w>'
    with pytest.raises((Unprocessable, Malformed)):
        read_document(archive({"word/document.xml": text.encode()}), "entity.docx")


def test_input_limit_is_an_argument():
    with pytest.raises(TooLarge):
        read_document(b"x" * 1001, "a.txt", maximum_bytes=1000)


def test_other_archives_are_named():
    with pytest.raises(UnsupportedMedia):
        read_document(archive({"readme.txt": b"hello"}), "a.zip")
