"""Reports as docx, xlsx and pdf: the same report gives the same bytes, and every form can be opened and read."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import docx
import openpyxl
import pypdfium2
import pytest

from kangshu.documents import (
    HeadingBlock,
    ParagraphBlock,
    Report,
    ReportBar,
    ReportColumn,
    ReportTable,
    Toned,
    read_document,
    write_report_docx,
    write_report_pdf,
    write_report_xlsx,
)

WRITERS = {"docx": write_report_docx, "pdf": write_report_pdf, "xlsx": write_report_xlsx}
MARK = "快〔2026〕0001号"


def sample(rows: int = 90) -> Report:
    """Return a report of all that a report can hold, with text that a careless writer would take for markup."""
    return Report(
        title="云汐市大健康产业发展进展报告",
        facts=(("快照编号", MARK), ("数据截至", "2026-06-30"), ("制表单位", "云汐市规划推进办")),
        blocks=(
            HeadingBlock("一、总体情况"),
            ParagraphBlock("共有任务#eval(1)项，*完成*_若干_项 <b>$x$ @a \\ \x07。"),
            ParagraphBlock("=1+1", bullet=True),
            ReportBar("目标红黄绿灯", (("正常", 3, "green"), ("预警", 1, "amber"), ("滞后", 0, "red"), ("未知", 2, "grey"))),
            ReportTable(
                "任务台账",
                (ReportColumn("序号", 0.5, figures=True), ReportColumn("任务", 4), ReportColumn("当前值", 1, figures=True), ReportColumn("灯", 1)),
                [[number, "=推进医养结合，" * 3, Decimal("51.20"), Toned("滞后", "red")] for number in range(1, rows + 1)],
            ),
            ReportTable("逾期事项", (ReportColumn("任务"), ReportColumn("期限")), [[None, date(2026, 6, 30)]]),
            ReportTable("空表", (ReportColumn("任务"),), ()),
        ),
        mark=f"{MARK}　数据截至2026-06-30",
        made=datetime(2026, 6, 30, 15, 59, 58, tzinfo=UTC),
        author="云汐市规划推进办",
    )  # fmt: skip


@pytest.mark.parametrize("form", list(WRITERS))
def test_the_same_report_gives_the_same_bytes_in_any_surroundings(form: str) -> None:
    """Two other processes with another hash seed, time zone, language and folder write what this one does."""
    here = hashlib.sha256(WRITERS[form](sample())).hexdigest()
    source = (
        "import hashlib; from tests.documents.test_report import WRITERS, sample; "
        f"print(hashlib.sha256(WRITERS['{form}'](sample())).hexdigest())"
    )
    root = Path(__file__).resolve().parents[2]
    for seed, zone, language in (("1", "America/New_York", "C"), ("77", "Asia/Shanghai", "zh_CN.UTF-8")):
        surroundings = {
            **os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language, "PYTHONPATH": str(root), "LANG": language
        }  # fmt: skip
        told = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", source], env=surroundings, check=True, capture_output=True, text=True, cwd="/"
        ).stdout  # fmt: skip
        assert told.strip() == here


def test_every_page_of_the_pdf_bears_the_number_and_repeats_the_heading_line() -> None:
    data = write_report_pdf(sample())
    assert data == write_report_pdf(sample())
    pdf = pypdfium2.PdfDocument(data)
    pages = [page.get_textpage().get_text_bounded() for page in pdf]
    assert len(pages) > 2
    for number, text in enumerate(pages, 1):
        assert MARK in text
        assert f"第 {number} 页 共 {len(pages)} 页" in text
    assert all("当前值" in text for text in pages[:2])
    assert "#eval(1)" in pages[0]
    assert b"pdfaid:part>2<" in data
    assert pdf.get_metadata_dict()["CreationDate"] == "D:20260630155958Z"
    pdf.close()


def test_the_pdf_needs_no_font_of_the_machine() -> None:
    data = write_report_pdf(sample(1))
    pdf = pypdfium2.PdfDocument(data)
    image = pdf[0].render(scale=1).to_pil().convert("L")
    pdf.close()
    assert data.count(b"/FontFile3") >= 2
    # the title is drawn: dark points where it stands
    box = image.crop((0, 60, image.width, 130))
    assert sum(1 for point in box.get_flattened_data() if point < 90) > 300


def test_word_opens_it_and_the_reader_reads_it_back() -> None:
    data = write_report_docx(sample())
    opened = docx.Document(io.BytesIO(data))
    assert opened.paragraphs[0].text == "云汐市大健康产业发展进展报告"
    header = opened.tables[1].rows[0]._tr
    assert header.xpath("./w:trPr/w:tblHeader")
    assert header.xpath("./w:trPr/w:cantSplit")
    foot = opened.sections[0].footer._element.xml
    assert MARK in foot
    assert "NUMPAGES" in foot
    assert opened.core_properties.modified == datetime(2026, 6, 30, 15, 59, 58, tzinfo=UTC)
    read = read_document(data, "进展报告.docx")
    assert "推进医养结合" in read.text
    assert "51.20" in read.text


def test_the_workbook_prints_with_its_heading_and_holds_numbers_as_numbers() -> None:
    data = write_report_xlsx(sample())
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["说明", "任务台账", "逾期事项", "空表"]
    sheet = book["任务台账"]
    assert sheet.print_title_rows == "$3:$3"
    assert sheet.freeze_panes == "A4"
    assert [cell.value for cell in sheet[4]][2:] == [51.2, "滞后"]
    assert sheet["B4"].data_type == "s"
    assert sheet["B4"].quotePrefix
    assert MARK in sheet.oddFooter.left.text
    assert book.properties.modified == datetime.fromisoformat("2026-06-30T15:59:58")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
