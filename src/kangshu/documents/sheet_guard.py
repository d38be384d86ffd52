"""Looks through a workbook before openpyxl does: some of its elements stand for billions of cells in a few bytes."""

from __future__ import annotations

import io
import zipfile

from lxml import etree
from openpyxl.utils.cell import range_boundaries

from kangshu.base.faults import Malformed, TooLarge
from kangshu.documents.archive import check_tags, declares_entities, read_member

MAXIMUM_FILLED = 600_000
"""How many cells and rows a workbook may write out; each takes about a kilobyte once it is read."""
MAXIMUM_SPANNED = 200_000
"""How many cells merged areas and links may span: openpyxl makes every one of them."""
_WATCHED = ("{*}c", "{*}row", "{*}mergeCell", "{*}hyperlink")


def check_workbook(archive: zipfile.ZipFile) -> None:
    """Raise TooLarge, Malformed or Unprocessable (entities) unless the parts of `archive` are safe to be read."""
    filled = spanned = 0
    for name in archive.namelist():
        if name.endswith((".xml", ".rels", ".vml")):
            cells, area = _count(read_member(archive, name) or b"")
            filled, spanned = filled + cells, spanned + area
        if filled > MAXIMUM_FILLED or spanned > MAXIMUM_SPANNED:
            raise TooLarge(
                f"The workbook has more than {MAXIMUM_FILLED} cells, or merges or links more than {MAXIMUM_SPANNED}.",
                zh=f"工作簿单元格超过 {MAXIMUM_FILLED} 个，或合并、链接的区域超过 {MAXIMUM_SPANNED} 格，请拆分后再上传。",
            )


def _count(content: bytes) -> tuple[int, int]:
    """Return how many cells and rows the XML writes out, and how many cells its areas span."""
    check_tags(content)
    filled = spanned = 0
    if not content.strip():
        return 0, 0
    walk = etree.iterparse(
        io.BytesIO(content),
        tag=_WATCHED,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        for _, element in walk:
            if element.tag.endswith(("}c", "}row")):
                filled += 1
            else:
                spanned += _area(str(element.get("ref", "")))
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as fault:
        raise Malformed("The file's XML is not well-formed.", zh="文件内部结构（XML）有误。") from fault
    if walk.root is not None and walk.root.getroottree().docinfo.internalDTD is not None:
        raise declares_entities()
    return filled, spanned


def _area(reference: str) -> int:
    """Return how many cells `A1:C3` spans; what is no reference spans none."""
    try:
        left, top, right, bottom = (int(one or 0) for one in range_boundaries(reference[:40]))
    except (ValueError, TypeError):
        return 0
    return max(0, right - left + 1) * max(0, bottom - top + 1)
