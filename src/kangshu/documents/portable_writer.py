"""pdf: a report set by Typst, as PDF/A-2a (ISO 19005-2) with its fonts within (docs/adr/0028).

The faces are Noto Serif SC and Noto Sans SC (OFL) of a package, so the file shows on a machine without Chinese fonts;
the machine's own fonts are not looked at. Nothing of the surroundings enters: not the clock, the place or the language.
"""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from typing import Any, cast

from kangshu.documents.apart import done_apart
from kangshu.documents.official import OfficialDocument
from kangshu.documents.official_portable import official_data
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


def write_report_pdf(report: Report) -> bytes:
    """Return `report` as pdf, set in this process, which keeps some 130 MB for it; its dates are the report's instant."""
    return set_in_type(portable_data(report))


async def write_report_pdf_apart(report: Report) -> bytes:
    """Return `report` as pdf, set by a process of its own: a web worker stays small. Raises as `done_apart` does."""
    return await set_apart(portable_data(report))


def portable_data(document: Report | OfficialDocument) -> bytes:
    """Return what is set in type: it can be kept beside a document and set later, and gives the same pdf then."""
    data = official_data(document) if isinstance(document, OfficialDocument) else _data(document)
    return json.dumps(data, ensure_ascii=False).encode()


async def set_apart(data: bytes) -> bytes:
    """Return the pdf of `portable_data`, set by a process of its own. Raises as `done_apart` does."""
    _, written = await done_apart("set", data)
    return written


def set_in_type(data: bytes) -> bytes:
    """Return the pdf of `portable_data`."""
    import typst  # 84 MB that only the process that sets takes up

    name = "official.typ" if json.loads(data).get("template") == "official" else "report.typ"
    with as_file(files(__package__).joinpath(name)) as template, as_file(files(_FONTS)) as faces:
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(faces)])
        compiler = typst.Compiler(
            str(template),
            root=str(template.parent),
            font_paths=fonts,
            ignore_system_fonts=True,
            sys_inputs={"report": data.decode()},
        )
        written = compiler.compile(
            format="pdf", pdf_standards="a-2a", timestamp=int(json.loads(data)["moment"])
        )
    return cast("bytes", written)  # one pdf is one file: only pictures come as a list


def _data(report: Report) -> dict[str, Any]:
    return {
        "title": clean(report.title),
        "name": clean(report.name),
        "author": clean(report.author),
        "facts": [[clean(name), clean(value)] for name, value in report.facts],
        "mark": clean(report.mark),
        "landscape": report.landscape,
        "moment": int(report.made.timestamp()),
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
