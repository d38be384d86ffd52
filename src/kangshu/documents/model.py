"""What a document is after reading: one text, and where its blocks and table cells stand in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

BlockKind = Literal["paragraph", "heading", "table", "text-box", "page"]


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, table or text box; `start`/`end` are offsets in `Document.text`."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0  # heading level 1…9, 0 where the source names none
    page: int = 0  # page number from 1 (pdf), 0 where the source has no pages


@dataclass(frozen=True, slots=True)
class Cell:
    """One table cell. A merged cell appears once, with the rows and columns that it covers."""

    row: int
    column: int
    start: int
    end: int
    row_span: int = 1
    column_span: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """One table: where it stands and its cells in reading order."""

    start: int
    end: int
    cells: tuple[Cell, ...]

    def grid(self) -> list[list[Cell | None]]:
        """Return rows of cells; a merged cell stands in every place that it covers."""
        height = max((cell.row + cell.row_span for cell in self.cells), default=0)
        width = max((cell.column + cell.column_span for cell in self.cells), default=0)
        rows: list[list[Cell | None]] = [[None] * width for _ in range(height)]
        for cell in self.cells:
            for row in range(cell.row, cell.row + cell.row_span):
                for column in range(cell.column, cell.column + cell.column_span):
                    rows[row][column] = cell
        return rows


@dataclass(frozen=True, slots=True)
class Document:
    """A document as read. Every offset anywhere refers to `text` (newlines are `\\n`).

    `sha256` is the hex digest of the bytes that were read; `notes` says, Chinese first, what was
    odd about the source (encoding guessed, pages without text, tracked changes …).
    """

    text: str
    name: str = ""
    media_type: str = "text/plain"
    sha256: str = ""
    blocks: tuple[Block, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of_text(cls, text: str, name: str = "") -> Document:
        """Return a document of plain text: each non-empty line is a block."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        blocks: list[Block] = []
        position = 0
        for line in text.split("\n"):
            if line.strip():
                blocks.append(Block("paragraph", position, position + len(line)))
            position += len(line) + 1
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return cls(text=text, name=name, sha256=digest, blocks=tuple(blocks))
