"""Written files can be read again, and no cell of a workbook becomes a formula."""

import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from kangshu.documents import (
    HeadingBlock,
    ParagraphBlock,
    TableBlock,
    TitleBlock,
    read_document,
    read_xlsx,
    write_docx,
    write_xlsx,
)


@pytest.mark.parametrize("text", ["=1+1", "+86", "-5", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1"])
def test_no_text_becomes_a_formula(text):
    data = write_xlsx({"表": [[text]]}, header=False)
    cell = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]["A1"]
    assert cell.data_type == "s"
    assert cell.value == text
    assert cell.quotePrefix
    assert read_xlsx(data)["表"][0][0] == text.strip()


def test_rows_come_back():
    rows = [
        ["姓名", "床位", "比例", "日期"],
        ["福寿院", 120, Decimal("0.5"), date(2025, 6, 1)],
        ["康宁院", None, True, "备注"],
    ]
    sheets = read_xlsx(write_xlsx({"机构/名册": rows, "机构:名册": []}))
    assert list(sheets) == ["机构 名册", "机构 名册 2"]
    first, second, third = sheets["机构 名册"]
    assert first == rows[0]
    assert (second[1], second[2]) == (120, 0.5)
    assert str(second[3]).startswith("2025-06-01")
    assert third == ["康宁院", None, True, "备注"]


def test_word_comes_back():
    data = write_docx(
        [
            TitleBlock("云汐市健康产业计划"),
            HeadingBlock("一、目标", 1),
            ParagraphBlock("到2025年，建成10家。\x0b"),
            ParagraphBlock("要点", bullet=True),
            TableBlock([["任务", "责任单位"], ["建设食堂", "市民政局"]]),
        ]
    )
    document = read_document(data, "plan.docx")
    assert document.text.splitlines()[:4] == [
        "云汐市健康产业计划",
        "一、目标",
        "到2025年，建成10家。",
        "要点",
    ]
    assert len(document.tables[0].cells) == 4
