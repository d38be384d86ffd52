"""Files as offices really make them: numbering, notes and tracked changes of Word, drawn tables of a pdf, pages of the web."""

import io
import zipfile

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

from kangshu.base.faults import UnsupportedMedia
from kangshu.documents import read_document

ROWS = [
    ["序号", "工作任务", "牵头单位", "配合单位"],
    ["1", "建设社区养老服务中心10所", "市民政局", "市财政局、市住建局"],
    ["2", "建设体育公园3个", "市体育局", "各区政府"],
]


def grids(document):
    return [
        [[document.text[cell.start : cell.end] if cell else "" for cell in row] for row in table.grid()]
        for table in document.tables
    ]


def saved(document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def numbered(document, levels: list[tuple[str, str, str]]) -> str:
    """Add a multi-level list of (format, text, more XML) to a Word document and return its number."""
    numbering = document.part.numbering_part.element
    xml = "".join(
        f'<w:lvl w:ilvl="{place}"><w:start w:val="1"/><w:numFmt w:val="{style}"/>{more}<w:lvlText w:val="{text}"/></w:lvl>'
        for place, (style, text, more) in enumerate(levels)
    )
    abstract = parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">{xml}</w:abstractNum>')
    numbering.insert(0, abstract)
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    return "90"


def paragraph(document, text: str, number: str, level: int) -> None:
    properties = document.add_paragraph(text)._p.get_or_add_pPr()
    properties.append(
        parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')
    )


def test_word_numbering_of_many_levels():
    document = docx.Document()
    number = numbered(
        document,
        [
            ("chineseCountingThousand", "第%1章 ", ""),
            ("chineseCounting", "（%2）", ""),
            ("decimal", "%3．", '<w:lvlRestart w:val="0"/>'),
            ("decimalEnclosedCircleChinese", "%4", ""),
        ],
    )
    for text, level in [
        ("总则", 0),
        ("目标", 1),
        ("甲", 2),
        ("任务", 1),
        ("乙", 2),
        ("细目", 3),
        ("保障", 0),
        ("组织", 1),
    ]:
        paragraph(document, text, number, level)
    read = read_document(saved(document), "plan.docx").text.split()
    assert read == [
        "第一章",
        "总则",
        "（一）目标",
        "1．甲",
        "（二）任务",
        "2．乙",
        "①细目",
        "第二章",
        "保障",
        "（一）组织",
    ]


def with_part(data: bytes, name: str, content: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w") as target:
        for member in source.infolist():
            target.writestr(member, source.read(member))
        target.writestr(name, content)
    return stream.getvalue()


def test_word_notes_hidden_text_and_running_heads():
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "内部资料"
    document.sections[0].footer.paragraphs[0].text = "第1页"
    clause = document.add_paragraph("护理型床位占比")
    clause.add_run("（含改造床位）").font.hidden = True
    clause._p.append(parse_xml(f'<w:r {nsdecls("w")}><w:footnoteReference w:id="2"/></w:r>'))
    clause.add_run("达到60%。")
    notes = (
        f'<w:footnotes {nsdecls("w")}><w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:t>按户籍人口计算。</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    read = read_document(with_part(saved(document), "word/footnotes.xml", notes), "plan.docx")
    assert read.text == "护理型床位占比达到60%。\n注1：按户籍人口计算。\n"


def test_word_rows_and_moves_that_were_tracked():
    document = docx.Document()
    table = document.add_table(rows=3, cols=2)
    for row, texts in zip(
        table.rows, [("任务", "单位"), ("旧任务", "市民政局"), ("新任务", "市体育局")], strict=True
    ):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.rows[1]._tr.get_or_add_trPr().append(parse_xml(f'<w:del {nsdecls("w")} w:id="1" w:author="甲"/>'))
    moved = document.add_paragraph("")
    for tag, text in (("moveFrom", "移走"), ("moveTo", "移来"), ("ins", "新增")):
        moved._p.append(
            parse_xml(
                f'<w:{tag} {nsdecls("w")} w:id="3" w:author="甲"><w:r><w:t>{text}</w:t></w:r></w:{tag}>'
            )
        )
    read = read_document(saved(document), "plan.docx")
    assert grids(read) == [[["任务", "单位"], ["新任务", "市体育局"]]]
    assert read.text.endswith("移来新增\n")
    assert "修订" in read.notes[0]


@pytest.fixture(scope="module")
def song():
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    return ParagraphStyle("song", fontName="STSong-Light", wordWrap="CJK", fontSize=10)


def pdf_of(song, *parts) -> bytes:
    stream = io.BytesIO()
    SimpleDocTemplate(stream).build(
        [Paragraph(part, song) if isinstance(part, str) else part for part in parts]
    )
    return stream.getvalue()


def drawn(song, rows, **more) -> Table:
    cells = [[Paragraph(text, song) for text in row] for row in rows]
    return Table(
        cells, colWidths=[40, 110, 80, 80], style=[("GRID", (0, 0), (-1, -1), 0.5, colors.black)], **more
    )


def test_pdf_drawn_table_goes_on_over_the_page(song):
    data = pdf_of(
        song,
        "一、任务分工",
        drawn(song, ROWS[:2]),
        PageBreak(),
        drawn(song, [ROWS[0], ROWS[2]]),
        "二、保障措施",
    )
    read = read_document(data, "plan.pdf")
    assert grids(read) == [ROWS]
    assert [line for line in read.text.split("\n") if line][::4] == ["一、任务分工", "二、保障措施"]


def test_pdf_gaps_are_tabs_and_page_numbers_go(song):
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    for number in (1, 2, 3):
        page.setFont("STSong-Light", 12)
        page.drawString(60, 800, "云汐市人民政府公报")
        for row, texts in enumerate([["指标", "单位", "2025年"], [f"床位{number}", "张", str(number)]]):
            for column, text in enumerate(texts):
                page.drawString(60 + column * 120, 700 - 20 * row, text)
        page.drawString(280, 40, f"— {number} —")
        page.showPage()
    page.save()
    lines = [line for line in read_document(stream.getvalue(), "plan.pdf").text.split("\n") if line]
    assert lines == [
        line for number in (1, 2, 3) for line in ("指标\t单位\t2025年", f"床位{number}\t张\t{number}")
    ]


@pytest.mark.parametrize("encoding", ["gb2312", "gb18030", "big5", "utf-8"])
def test_html_encodings_and_navigation(encoding):
    text = "養老服務體系" if encoding == "big5" else "养老服务体系"
    page = (
        f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={encoding}"></head><body>'
        '<div class="menu"><a href="/a">首頁</a> <a href="/b">要聞</a> <a href="/c">公開</a></div>'
        f'<p>{text}。</p><p style="display: none">浮窗</p></body></html>'
    ).encode(encoding, "xmlcharrefreplace")
    assert read_document(page, "page.html").text == f"{text}。\n"


def test_html_that_names_a_wrong_encoding():
    page = '<html><meta charset="gb2312"><body><p>养老服务体系。</p></body></html>'.encode()
    assert read_document(page, "page.html").text == "养老服务体系。\n"


def test_workbook_of_several_sheets_with_titles_above_the_header():
    workbook = openpyxl.Workbook()
    first, second = workbook.active, workbook.create_sheet("指标")
    first.title = "任务"
    first["A1"] = "附件1 重点任务分工表"
    first.merge_cells("A1:D1")
    for number, row in enumerate(ROWS, start=3):
        for column, text in enumerate(row, start=1):
            first.cell(row=number, column=column, value=text)
    first.merge_cells("C4:C5")
    second.append(["指标", "2025年目标"])
    second.append(["入住率", 0.5])
    second["B2"].number_format = "0%"
    read = read_document(saved(workbook), "tasks.xlsx")
    assert len(read.tables) == 2
    assert read.text.startswith("任务\n附件1 重点任务分工表\n")
    assert grids(read)[0][4][2] == "市民政局"  # a merged cell stands in every row
    assert grids(read)[1] == [["指标", "2025年目标"], ["入住率", "50%"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_text_in_utf_16_without_a_mark(encoding):
    text = "一、总体目标\n到2025年，护理型床位占比不低于60%。\n"
    assert read_document(text.encode(encoding), "plan.txt").text == text


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def zipped(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "x")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "advice"),
    [
        (OLE, "规划.doc", "另存为 docx"),
        (OLE, "规划.wps", "WPS 中另存为 docx"),
        (OLE, "任务.et", "另存为 xlsx"),
        (OLE, "任务.xls", "另存为 xlsx"),
        (zipped("OFD.xml"), "规划.ofd", "导出为 PDF"),
        (zipped("ppt/presentation.xml"), "汇报.pptx", "Word 或 PDF"),
        (b"{\\rtf1\\ansi text}", "规划.rtf", "另存为 docx"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "规划.png", "文字识别"),
        (b"Rar!\x1a\x07" + b"\0" * 50, "规划.rar", "解压"),
    ],
    ids=lambda value: value.rpartition(".")[2] if isinstance(value, str) and "." in value else "",
)
def test_files_that_are_not_read_say_what_to_do(data, name, advice):
    with pytest.raises(UnsupportedMedia) as fault:
        read_document(data, name)
    assert advice in fault.value.zh
