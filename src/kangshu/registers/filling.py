"""Templates filled in with names as people read them: `${name}`, rows, blocks that come of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from kangshu.documents import HeadingBlock, ParagraphBlock, ReportBlock, ReportColumn, ReportTable
from kangshu.sdk import DocumentBlock

_NAME: Final = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_.\-]*)\}")
BLANK: Final = "＿＿＿＿＿＿"
"""What stands in a print form where nothing is known: a line to write on."""
Names = Mapping[str, Any]


def filled(template: str, names: Names, missing: str = "") -> str:
    """Return `template` with its names in place; `missing` stands for what has no value yet."""
    return _NAME.sub(lambda found: _text(names.get(found[1])) or missing, template)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(_text(one) for one in value)
    return "" if value is None else str(value)


def item_names(row: Names) -> dict[str, Any]:
    """Return the names of one row of `each` as its templates write them: `item.<column>`."""
    return {f"item.{name}": value for name, value in row.items()}


def sheet_blocks(
    blocks: Sequence[DocumentBlock],
    names: Names,
    rows: Mapping[str, Sequence[Names]],
    holds: Callable[[str], bool],
) -> Iterator[ReportBlock]:
    """Yield the blocks of a print form; `holds` tells whether a block's `when` is true of what is printed."""
    for block in blocks:
        if block.when and not holds(block.when):
            continue
        if block.columns:
            columns = tuple(ReportColumn(one.title) for one in block.columns)
            cells = [
                [filled(one.text, {**names, **item_names(row)}) for one in block.columns]
                for row in rows.get(block.each, ())
            ]
            yield ReportTable(filled(block.heading, names), columns, cells)
            continue
        for row in rows.get(block.each, ()) if block.each else ({},):
            said = {**names, **item_names(row)}
            if heading := filled(block.heading, said, BLANK):
                yield HeadingBlock(heading, min(max(block.level, 1), 3))
            for line in filled(block.text, said, BLANK).split("\n"):
                if line.strip():
                    yield ParagraphBlock(line.strip())
