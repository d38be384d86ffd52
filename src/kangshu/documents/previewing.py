"""What a file looks like, made by a process of its own: a hostile file can end that process and nothing else.

`python -m kangshu.documents.previewing` reads one file from its input and writes one answer: a line of JSON, then the
bytes of a picture where there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import resource
import sys
from dataclasses import dataclass
from typing import Any, Final

from kangshu.base.faults import Fault, Unprocessable

_MOST_BYTES: Final = 1_500 * 1024 * 1024
_MOST_SECONDS: Final = 20
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


async def preview_file(data: bytes, name: str, media_type: str, page: int) -> FilePreview:
    """Return what page `page` (from 1) of a file looks like. Raises Unprocessable where it cannot be shown."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", __name__, media_type, str(page), name.rpartition(".")[2],
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_MOST_SECONDS + 5):
            answer, _ = await process.communicate(data)
    except TimeoutError as error:
        raise _not_shown() from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    head, _, picture = answer.partition(b"\n")
    if process.returncode != 0 or not head:
        raise _not_shown()
    said = json.loads(head)
    blocks = tuple(
        PreviewBlock(one["text"], one["level"], tuple(tuple(row) for row in one["rows"]))
        for one in said.get("blocks", ())
    )
    return FilePreview(said["pages"], picture, blocks, said.get("cut", False))


def _not_shown() -> Unprocessable:
    return Unprocessable(
        "this file cannot be shown; open it after download", zh="该文件无法在线预览，请下载后打开"
    )


def _pdf(data: bytes, page: int) -> tuple[dict[str, Any], bytes]:
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    pages = len(document)
    shown = document[min(max(page, 1), pages) - 1]
    width, height = shown.get_size()
    scale = _WIDTH / max(width, 1)
    if width * height * scale * scale > _MOST_PIXELS:
        scale = (_MOST_PIXELS / (width * height)) ** 0.5
    return {"pages": pages}, _png(shown.render(scale=scale).to_pil())


def _image(data: bytes) -> tuple[dict[str, Any], bytes]:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    picture = Image.open(io.BytesIO(data))
    picture.thumbnail((_WIDTH * 2, _WIDTH * 4))
    return {"pages": 1}, _png(picture.convert("RGB"))


def _png(picture: Any) -> bytes:
    """Return a picture drawn anew: nothing of the sent file's own bytes reaches the browser."""
    made = io.BytesIO()
    picture.save(made, "PNG")
    return made.getvalue()


def _text(data: bytes, ending: str) -> tuple[dict[str, Any], bytes]:
    from kangshu.documents.reader import read_document

    document = read_document(data, f"file.{ending}")
    tables = {one.start: one.grid() for one in document.tables}
    shown = document.blocks[:_MOST_BLOCKS]
    cut = len(shown) < len(document.blocks) or any(len(grid) > _MOST_ROWS for grid in tables.values())
    blocks = [
        {
            "text": "" if one.start in tables and one.kind == "table" else document.text[one.start : one.end],
            "level": one.level,
            "rows": [
                ["" if cell is None else document.text[cell.start : cell.end] for cell in row]
                for row in (tables.get(one.start, []) if one.kind == "table" else [])[:_MOST_ROWS]
            ],
        }
        for one in shown
    ]
    return {"pages": 1, "blocks": blocks, "cut": cut}, b""


def main() -> None:
    """Show one file within bounded memory and time."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS, _MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    media_type, page, ending = sys.argv[1:4]
    data = sys.stdin.buffer.read()
    try:
        if media_type == "application/pdf":
            said, picture = _pdf(data, int(page))
        elif media_type.startswith("image/"):
            said, picture = _image(data)
        else:
            said, picture = _text(data, ending)
    except (Fault, OSError, ValueError, RuntimeError, MemoryError):
        raise SystemExit(3) from None
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + picture)


if __name__ == "__main__":
    main()
