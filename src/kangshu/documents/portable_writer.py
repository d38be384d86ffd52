"""pdf: a report set by Typst, as PDF/A-2a (ISO 19005-2) with its fonts within (docs/adr/0028).

The faces are Noto Serif SC and Noto Sans SC (OFL) of a package, so the file shows on a machine without Chinese fonts;
the machine's own fonts are not looked at. Nothing of the surroundings enters: not the clock, the place or the language.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import as_file, files
from typing import Any, cast

import typst

from kangshu.documents.report import (
    FILL,
    HEAD_FILL,
    INK,
    Report,
    ReportBar,
    ReportBlock,
    ReportCell,
    ReportTable,
    Toned,
    cell_text,
)
from kangshu.documents.word_writer import HeadingBlock, clean

_FONTS = "pylopdf_fonts_zh_cn"


@cache
def _fonts() -> typst.Fonts:
    with as_file(files(_FONTS)) as folder:
        return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])


def write_report_pdf(report: Report) -> bytes:
    """Return `report` as pdf; its dates are the report's instant."""
    with as_file(files(__package__).joinpath("report.typ")) as template:
        compiler = typst.Compiler(
            str(template),
            root=str(template.parent),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"report": json.dumps(_data(report), ensure_ascii=False)},
        )
        written = compiler.compile(format="pdf", pdf_standards="a-2a", timestamp=int(report.made.timestamp()))
    return cast("bytes", written)  # one pdf is one file: only pictures come as a list


def _data(report: Report) -> dict[str, Any]:
    return {
        "title": clean(report.title),
        "name": clean(report.name),
        "author": clean(report.author),
        "facts": [[clean(name), clean(value)] for name, value in report.facts],
        "mark": clean(report.mark),
        "landscape": report.landscape,
        "ink": dict(INK),
        "fill": dict(FILL),
        "head": HEAD_FILL,
        "blocks": [_block(one) for one in report.blocks],
    }


def _block(block: ReportBlock) -> dict[str, Any]:
    if isinstance(block, ReportTable):
        columns = [
            {"title": clean(one.title), "share": one.share, "figures": one.figures} for one in block.columns
        ]
        rows = [[_cell(value) for value in row] for row in block.rows]
        return {
            "kind": "table",
            "caption": clean(block.caption),
            "columns": columns,
            "rows": rows,
            "empty": block.empty,
        }
    if isinstance(block, ReportBar):
        return {"kind": "bar", "caption": clean(block.caption), "parts": [list(one) for one in block.parts]}
    if isinstance(block, HeadingBlock):
        return {"kind": "heading", "text": clean(block.text), "level": block.level}
    return {"kind": "paragraph", "text": clean(block.text), "bullet": block.bullet, "bold": block.bold}


def _cell(value: ReportCell) -> str | dict[str, str]:
    if isinstance(value, Toned):
        return {"text": clean(value.text), "tone": value.tone}
    return clean(cell_text(value))
