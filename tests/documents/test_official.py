"""Official documents hold the figures of GB/T 9704-2012, in Word's own order of elements, with steady bytes."""

import io
from datetime import date

import docx
import pytest
from docx.oxml.ns import qn
from docx.shared import Emu, Pt

from kangshu.documents import (
    OfficialAnnex,
    OfficialDocument,
    OfficialParagraph,
    OfficialTable,
    document_number,
    official_document,
    read_document,
)
from kangshu.documents.official_writer import numeral, signature_indents

_LETTER = OfficialDocument(
    agency="云汐市卫生健康委员会",
    title="关于市政协五届一次会议第21号提案的\n答复函",
    form="letter",
    number=document_number("云卫函", 2026, 12),
    mark="A类",
    receivers=("李明华委员",),
    body=(
        OfficialParagraph("您提出的提案收悉。经会同市体育局研究，现答复如下："),
        OfficialParagraph(level=1, heading="已做的工作"),
        OfficialParagraph("全市已建成站点。\x0b", level=2, heading="建设站点。"),
        OfficialParagraph("培训人员。", level=2, heading="充实队伍。"),
        OfficialParagraph(level=1, heading="下一步工作"),
        OfficialParagraph("一批。", level=3),
        OfficialParagraph("两批。", level=4),
    ),
    annexes=("任务进展表", "答复意见征询表"),
    annexed=(OfficialAnnex("任务进展表", (OfficialTable((("任务", "进展"), ("站点", "八成"))),)),),
    day=date(2026, 1, 5),
    notes=("联系人：王芳，电话：0000-1234567", "此件主动公开"),
    copies=("市政协提案委员会", "市政府督查室"),
)
_NOTICE = OfficialDocument(
    agency="云汐市发展和改革委员会",
    title="关于通报健康产业任务进展的通知",
    number="云发改〔2026〕7号",
    urgency="加急",
    receivers=("各县（区）人民政府", "市直有关部门"),
    body=(OfficialParagraph("现将进展通报如下。"),),
    day=date(2026, 11, 22),
    copies=("市委办公室",),
    issuer="云汐市发展和改革委员会办公室",
    issued=date(2026, 11, 23),
)
_MINUTES = OfficialDocument(
    agency="云汐市健康产业发展部门联席会议",
    title="第一次全体会议纪要",
    form="minutes",
    label="健康产业发展联席会议纪要",
    number="第1期",
    body=(OfficialParagraph("会议听取了汇报。"),),
    present=("市发展改革委 陈立", "市卫生健康委 赵宁"),
    excused=("市财政局 孙浩",),
)
_ORDER = {
    "pPr": "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs "
    "suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd "
    "snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc outlineLvl rPr sectPr",
    "rPr": "rStyle rFonts b bCs i iCs caps color spacing w kern position sz szCs highlight u lang",
    "sectPr": "reference type pgSz pgMar paperSrc pgBorders lnNumType pgNumType cols vAlign "
    "noEndnote titlePg textDirection bidi rtlGutter docGrid printerSettings",
    "tblPr": "tblStyle tblpPr tblOverlap tblStyleRowBandSize tblStyleColBandSize tblW jc tblCellSpacing tblInd "
    "tblBorders shd tblLayout tblCellMar tblLook",
}


def _opened(document):
    return docx.Document(io.BytesIO(official_document(document)))


def _paragraph(written, start):
    return next(one for one in written.paragraphs if one.text.startswith(start))


def test_the_page_holds_22_lines_of_28_characters():
    section = _opened(_NOTICE).sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert (section.top_margin.mm, section.left_margin.mm) == (
        pytest.approx(37, abs=0.1),
        pytest.approx(28, abs=0.1),
    )
    width = section.page_width - section.left_margin - section.right_margin
    height = section.page_height - section.top_margin - section.bottom_margin
    assert (Emu(width).mm, Emu(height).mm) == (pytest.approx(156, abs=0.1), pytest.approx(225, abs=0.1))
    normal = _opened(_NOTICE).styles["Normal"]
    assert int(Emu(height).pt / normal.paragraph_format.line_spacing.pt) == 22
    closer = int(normal.element.rPr.find(qn("w:spacing")).get(qn("w:val"))) / 20
    assert int(Emu(width).pt / (normal.font.size.pt + closer)) == 28


def test_head_of_a_document_and_its_imprint():
    written = _opened(_NOTICE)
    label = _paragraph(written, "云汐市发展和改革委员会文件")
    assert str(label.runs[0].font.color.rgb) == "FF0000"
    assert label.runs[0].font.size.pt * len(label.text) <= 156 / 25.4 * 72
    number = _paragraph(written, "云发改〔2026〕7号")
    assert number._p.pPr.find(qn("w:pBdr")).find(qn("w:bottom")).get(qn("w:color")) == "FF0000"
    title = _paragraph(written, "关于通报")
    assert (title.runs[0].font.size, title.runs[0].font.name) == (Pt(22), "方正小标宋简体")
    assert "各县（区）人民政府、市直有关部门：" in [one.text for one in written.paragraphs]
    cells = [row.cells[0].text for row in written.tables[-1].rows]
    assert cells == ["抄送：市委办公室。", "云汐市发展和改革委员会办公室\t2026年11月23日印发"]
    lines = written.tables[-1]._tbl.tblPr.find(qn("w:tblBorders"))
    assert {one.tag.split("}")[1]: int(one.get(qn("w:sz"))) for one in lines} == {
        "top": 8,
        "bottom": 8,
        "insideH": 6,
    }
    odd, even = written.sections[0].footer, written.sections[0].even_page_footer
    assert "PAGE" in odd._element.xml
    assert (odd.paragraphs[0].text, even.paragraphs[0].text) == ("— 1 —", "— 1 —")


def test_letter_has_double_lines_and_no_number_on_its_first_page():
    written = _opened(_LETTER)
    section = written.sections[0]
    first = section.first_page_header.paragraphs[0]
    assert first.text == "云汐市卫生健康委员会"
    assert first._p.pPr.find(qn("w:pBdr"))[0].get(qn("w:val")) == "thickThinSmallGap"
    foot = section.first_page_footer.paragraphs[0]
    assert foot.text == ""
    assert foot._p.pPr.find(qn("w:pBdr"))[0].get(qn("w:val")) == "thinThickSmallGap"
    assert section.different_first_page_header_footer
    assert [row.cells[0].text for row in written.tables[-1].rows] == [
        "抄送：市政协提案委员会，市政府督查室。"
    ]
    assert written.tables[-1]._tbl.tblPr.find(qn("w:tblBorders")) is None


def test_levels_are_numbered_in_their_faces():
    written = _opened(_LETTER)
    texts = [one.text for one in written.paragraphs]
    assert [one for one in texts if one[:1] in "一二（1"][:6] == [
        "一、已做的工作", "（一）建设站点。全市已建成站点。", "（二）充实队伍。培训人员。", "二、下一步工作", "1.一批。", "（1）两批。",
    ]  # fmt: skip
    assert _paragraph(written, "一、").runs[0].font.name == "黑体"
    second = _paragraph(written, "（一）")
    assert [run.font.name for run in second.runs] == ["楷体_GB2312", "仿宋_GB2312"]
    assert [numeral(level, 12) for level in (1, 2, 3, 4)] == ["十二、", "（十二）", "12.", "（12）"]


def test_signature_date_and_notes_stand_where_the_standard_says():
    written = _opened(_LETTER)
    texts = [one.text for one in written.paragraphs]
    day = texts.index("2026年1月5日")
    assert texts[day - 1] == "云汐市卫生健康委员会"
    assert texts[day + 1 : day + 3] == ["（联系人：王芳，电话：0000-1234567）", "（此件主动公开）"]
    assert [one for one in texts if "附件：" in one or one.startswith("2.")] == [
        "附件：1.任务进展表",
        "2.答复意见征询表",
    ]
    assert signature_indents(10, 6) == (2, 4)
    assert signature_indents(4, 7) == (7, 2)


def test_minutes_name_those_present():
    texts = [one.text for one in _opened(_MINUTES).paragraphs]
    assert "健康产业发展联席会议纪要" in texts
    assert texts[-2:] == ["出席：市发展改革委 陈立、市卫生健康委 赵宁", "请假：市财政局 孙浩"]


@pytest.mark.parametrize("document", [_LETTER, _NOTICE, _MINUTES], ids=["letter", "document", "minutes"])
def test_elements_stand_in_the_order_of_the_schema(document):
    data = official_document(document)
    written = docx.Document(io.BytesIO(data))
    section = written.sections[0]
    parts = [
        written.element,
        written.styles["Normal"].element,
        section.footer._element,
        section.first_page_header._element,
    ]
    for part in parts:
        for name, order in _ORDER.items():
            for holder in part.iter(qn(f"w:{name}")):
                names = [child.tag.split("}")[1] for child in holder]
                # references to headers and footers are a choice, in any order
                names = ["reference" if one.endswith("Reference") else one for one in names]
                places = [order.split().index(one) for one in names]
                assert places == sorted(places), holder.xml
    assert official_document(document) == data
    assert document.body[0].text in read_document(data, "x.docx").text
