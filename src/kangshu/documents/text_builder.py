"""Collects the text of a document piece by piece and remembers where blocks and cells stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from kangshu.documents.model import Block, BlockKind, Cell, Document, Table


@dataclass(slots=True)
class PendingCell:
    """A table cell before it has a place in the text."""

    row: int
    column: int
    text: str
    row_span: int = 1
    column_span: int = 1


@dataclass(slots=True)
class TextBuilder:
    """Appends blocks line by line; `document()` gives the result."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0
    blocks: list[Block] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def write(self, piece: str) -> int:
        """Append `piece` and return where it starts."""
        start = self.length
        self.pieces.append(piece)
        self.length += len(piece)
        return start

    def block(self, kind: BlockKind, text: str, level: int = 0, page: int = 0) -> None:
        """Append one block and a newline. An empty one leaves an empty line."""
        start = self.write(text)
        if text.strip():
            self.blocks.append(Block(kind, start, self.length, level, page))
        self.write("\n")

    def table(self, cells: list[PendingCell], page: int = 0) -> None:
        """Append a table: a tab between the cells of a row, a newline after each row."""
        if not any(cell.text.strip() for cell in cells):
            return
        start = self.length
        placed: list[Cell] = []
        row = None
        for cell in sorted(cells, key=lambda cell: (cell.row, cell.column)):
            if row is not None:
                self.write("\n" if cell.row != row else "\t")
            row = cell.row
            at = self.write(cell.text)
            placed.append(Cell(cell.row, cell.column, at, self.length, cell.row_span, cell.column_span))
        self.tables.append(Table(start, self.length, tuple(placed)))
        self.blocks.append(Block("table", start, self.length, 0, page))
        self.write("\n")

    def document(self, data: bytes, name: str, media_type: str) -> Document:
        """Return the document that was collected from `data`."""
        return Document(
            text="".join(self.pieces),
            name=name,
            media_type=media_type,
            sha256=sha256(data).hexdigest(),
            blocks=tuple(self.blocks),
            tables=tuple(self.tables),
            notes=tuple(self.notes),
        )
