"""Tables of a pdf page, found by the lines that are drawn around their cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pypdfium2

from kangshu.documents.text_builder import PendingCell

Box = tuple[float, float, float, float]  # left, lower, right, upper in points
_PATH = 2  # FPDF_PAGEOBJ_PATH
_THIN = 2.5  # points: what is thinner is a line
_NEAR = 3.0  # points: lines nearer than this are one
_MOST_LINES = 4_000  # a drawing, no table


@dataclass(frozen=True, slots=True)
class RuledTable:
    """A table: the area that it takes, its columns' borders, and its cells without text yet."""

    area: Box
    columns: tuple[float, ...]
    cells: tuple[tuple[Box, PendingCell], ...]

    def cell_at(self, horizontal: float, vertical: float) -> PendingCell | None:
        """Return the cell around a point, None between the cells."""
        for (left, lower, right, upper), cell in self.cells:
            if left <= horizontal <= right and lower <= vertical <= upper:
                return cell
        return None


def ruled_tables(page: pypdfium2.PdfPage) -> list[RuledTable]:
    """Return the tables of a page with at least two rows and two columns, from top to bottom."""
    upright: list[Box] = []
    level: list[Box] = []
    for drawn in page.get_objects(filter=[_PATH], max_depth=3):
        left, lower, right, upper = drawn.get_bounds()
        wide, high = right - left, upper - lower
        if wide <= _THIN < high:
            upright.append((left, lower, right, upper))
        elif high <= _THIN < wide:
            level.append((left, lower, right, upper))
        elif wide > 8 and high > 8:  # a rectangle: its four edges
            upright += [(left, lower, left, upper), (right, lower, right, upper)]
            level += [(left, lower, right, lower), (left, upper, right, upper)]
        if len(upright) + len(level) > _MOST_LINES:
            return []
    tables = [_table(*group) for group in _groups(upright, level)]
    found = [table for table in tables if table is not None]
    return sorted(found, key=lambda table: -table.area[3])


def _groups(upright: list[Box], level: list[Box]) -> Iterable[tuple[list[Box], list[Box]]]:
    """Yield the lines that belong together: they stand in the same stretch of the page, from top to bottom."""
    both = sorted(
        [*((box, True) for box in upright), *((box, False) for box in level)], key=lambda one: -one[0][3]
    )
    here: list[tuple[Box, bool]] = []
    lowest = 0.0
    for box, is_upright in both:
        if here and box[3] < lowest - _NEAR:
            yield [one for one, kind in here if kind], [one for one, kind in here if not kind]
            here = []
        lowest = min(lowest, box[1]) if here else box[1]
        here.append((box, is_upright))
    yield [one for one, kind in here if kind], [one for one, kind in here if not kind]


def _borders(places: Iterable[float]) -> list[float]:
    borders: list[float] = []
    for place in sorted(places):
        if not borders or place - borders[-1] > _NEAR:
            borders.append(place)
    return borders


def _table(upright: list[Box], level: list[Box]) -> RuledTable | None:
    columns = _borders((left + right) / 2 for left, _, right, _ in upright)
    rows = _borders((lower + upper) / 2 for _, lower, _, upper in level)[::-1]
    if len(columns) < 3 or len(rows) < 3:
        return None

    def parts_columns(border: int, row: int) -> bool:
        middle = (rows[row] + rows[row + 1]) / 2
        return any(
            abs((left + right) / 2 - columns[border]) <= _NEAR and lower - _NEAR <= middle <= upper + _NEAR
            for left, lower, right, upper in upright
        )

    def parts_rows(border: int, column: int) -> bool:
        middle = (columns[column] + columns[column + 1]) / 2
        return any(
            abs((lower + upper) / 2 - rows[border]) <= _NEAR and left - _NEAR <= middle <= right + _NEAR
            for left, lower, right, upper in level
        )

    taken: set[tuple[int, int]] = set()
    cells: list[tuple[Box, PendingCell]] = []
    for row in range(len(rows) - 1):
        for column in range(len(columns) - 1):
            if (row, column) in taken:
                continue
            right, below = column + 1, row + 1
            while right < len(columns) - 1 and not parts_columns(right, row):
                right += 1
            while below < len(rows) - 1 and not parts_rows(below, column):
                below += 1
            taken.update((down, across) for down in range(row, below) for across in range(column, right))
            box = (columns[column], rows[below], columns[right], rows[row])
            cells.append((box, PendingCell(row, column, "", below - row, right - column)))
    return RuledTable((columns[0], rows[-1], columns[-1], rows[0]), tuple(columns), tuple(cells))
