"""Write src/kangshu/plans/samples/yunxi-plan.docx from yunxi-plan.txt: headings, paragraphs and a real table.

    python tools/sample_plan.py [--check]

The text is the source; `--check` says whether the docx still says the same.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt

FOLDER = Path(__file__).parents[1] / "src/kangshu/plans/samples"
SOURCE, TARGET = FOLDER / "yunxi-plan.txt", FOLDER / "yunxi-plan.docx"
_CHAPTER = re.compile(r"[一二三四五六七八九十]+、")
_WRITTEN = datetime(2025, 3, 1, tzinfo=UTC)


def write() -> None:
    """Write the docx."""
    document = Document()
    document.core_properties.title = "云汐市大健康产业发展行动计划（2025—2027年）"
    document.core_properties.author = "Kangshu"
    document.core_properties.comments = "演示文件，内容均为虚构"
    document.core_properties.created = document.core_properties.modified = _WRITTEN
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "FangSong", Pt(14)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "仿宋")
    rows: list[list[str]] = []
    for number, line in enumerate(line for line in SOURCE.read_text("utf-8").splitlines() if line.strip()):
        if "\t" in line:
            rows.append(line.split("\t"))
        elif number == 0:
            document.add_paragraph(line, style="Title").alignment = WD_ALIGN_PARAGRAPH.CENTER
        elif _CHAPTER.match(line):
            document.add_heading(line, 1)
        else:
            document.add_paragraph(line)
    table = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.save(str(TARGET))


def same() -> bool:
    """Return whether the docx says what the text says."""
    if not TARGET.is_file():
        return False
    document = Document(str(TARGET))
    said = [paragraph.text for paragraph in document.paragraphs]
    said += ["\t".join(cell.text for cell in row.cells) for table in document.tables for row in table.rows]
    return [line for line in said if line] == [
        line for line in SOURCE.read_text("utf-8").splitlines() if line
    ]


if __name__ == "__main__":
    if "--check" not in sys.argv:
        write()
    print("fresh" if same() else "stale: run python tools/sample_plan.py")
    sys.exit(0 if same() else 1)
