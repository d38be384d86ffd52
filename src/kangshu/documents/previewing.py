"""What a file looks like: its pages drawn anew, or its paragraphs and tables. Made by a process of its own."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from kangshu.base.faults import Fault, Unprocessable
from kangshu.documents.apart import done_apart

_WIDTH: Final = 1000
_MOST_PIXELS: Final = 40_000_000
_MOST_BLOCKS: Final = 1_000
_MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class PreviewBlock:
    """A paragraph (`level` 0), a heading, or a table with its `rows` of cells."""

    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class FilePreview:
    """One page of a file: a PNG of it, or its paragraphs and tables. `pages` is how many there are."""

    pages: int
    picture: bytes = b""
    blocks: tuple[PreviewBlock, ...] = ()
    cut: bool = False
    """Whether more follows than is shown."""


@dataclass(frozen=True, slots=True)
class _Shown:
    pages: int = 1
    blocks: tuple[PreviewBlock, ...] = ()
    cut: bool = False


async def preview_file(data: bytes, name: str, media_type: str, page: int) -> FilePreview:
    """Return what page `page` (from 1) of a file looks like. Raises Unprocessable where it cannot be shown."""
    try:
        head, picture = await done_apart("preview", data, media_type, str(page), name.rpartition(".")[2])
    except Fault as fault:
        raise Unprocessable(
            "this file cannot be shown; open it after download", zh="该文件无法在线预览，请下载后打开"
        ) from fault
    shown = msgspec.json.decode(head, type=_Shown)
    return FilePreview(shown.pages, picture, shown.blocks, shown.cut)


def preview(data: bytes, media_type: str, page: int, ending: str) -> tuple[_Shown, bytes]:
    """Return what is shown of a file, and its picture. Runs in the process that may die of it; raises anything."""
    if media_type == "application/pdf":
        return _pdf(data, page)
    if media_type.startswith("image/"):
        return _image(data)
    return _text(data, ending), b""


def _pdf(data: bytes, page: int) -> tuple[_Shown, bytes]:
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    pages = len(document)
    drawn = document[min(max(page, 1), pages) - 1]
    width, height = drawn.get_size()
    scale = _WIDTH / max(width, 1)
    if width * height * scale * scale > _MOST_PIXELS:
        scale = (_MOST_PIXELS / (width * height)) ** 0.5
    return _Shown(pages), _png(drawn.render(scale=scale).to_pil())


def _image(data: bytes) -> tuple[_Shown, bytes]:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    picture = Image.open(io.BytesIO(data))
    picture.thumbnail((_WIDTH * 2, _WIDTH * 4))
    return _Shown(), _png(picture.convert("RGB"))


def _png(picture: Any) -> bytes:
    """Return a picture drawn anew: nothing of the sent file's own bytes reaches the browser."""
    made = io.BytesIO()
    picture.save(made, "PNG")
    return made.getvalue()


def _text(data: bytes, ending: str) -> _Shown:
    from kangshu.documents.reader import read_document

    document = read_document(data, f"file.{ending}")
    grids = {one.start: one.grid() for one in document.tables}
    blocks = []
    cut = len(document.blocks) > _MOST_BLOCKS
    for one in document.blocks[:_MOST_BLOCKS]:
        if one.kind != "table" or one.start not in grids:
            blocks.append(PreviewBlock(document.text[one.start : one.end], one.level))
            continue
        grid = grids[one.start]
        cut = cut or len(grid) > _MOST_ROWS
        rows = tuple(
            tuple("" if cell is None else document.text[cell.start : cell.end] for cell in row)
            for row in grid[:_MOST_ROWS]
        )
        blocks.append(PreviewBlock(rows=rows))
    return _Shown(1, tuple(blocks), cut)
