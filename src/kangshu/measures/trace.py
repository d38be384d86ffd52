"""Whose copy a leaked file is: what is kept of each extract to recognise it by, and how a file is compared with it.

Three marks, from the surest: pseudonyms (keyed per extract, so one row tells), the rows' values (which people were left
out and how dates were shifted differs by copy), and the words printed on every row (which anybody can type).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kangshu.measures.extract import Extract

_LETTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Evidence:
    """How far a file agrees with one extract. `rows` are the file's; the rest are how many of them agree."""

    rows: int
    people: int
    """Rows with a pseudonym of the extract."""
    values: int
    """Rows whose values the extract has, each of its rows counted once."""
    marks: int
    """Rows that name the extract in words."""

    @property
    def score(self) -> tuple[float, float, float]:
        """Return the shares, the surest evidence first, to compare copies by."""
        rows = max(self.rows, 1)
        return self.people / rows, self.values / rows, self.marks / rows


def fingerprint(made: Extract, mark: str) -> dict[str, Any]:
    """Return what an extract is recognised by: digests of its pseudonyms and of its rows, and the words on it."""
    keys = [place for place, one in enumerate(made.columns) if one.role == "identifier"]
    others = [place for place in range(len(made.columns)) if place not in keys]
    return {
        "mark": mark,
        "columns": [[one.id, one.title.zh, one.title.en] for one in made.columns if one.role != "identifier"],
        "people": sorted({_digest(row[place]) for row in made.rows for place in keys}),
        "values": dict(Counter(_digest(*(row[place] for place in others)) for row in made.rows)),
    }


def compared(table: Sequence[Sequence[str]], known: Mapping[str, Any]) -> Evidence:
    """Return how far a leaked table (a line of column names somewhere above its rows) agrees with an extract.

    Columns may be in another order, and the pseudonyms or the printed words gone; rows may be some of them.
    """
    names = [set(one) for one in known["columns"]]
    head, places = _head(table, names)
    rows = [
        [str(cell) for cell in row] for row in table[head + 1 :] if any(str(cell).strip() for cell in row)
    ]
    people = frozenset(known["people"])
    left = Counter(known["values"])
    with_person = with_values = with_mark = 0
    for row in rows:
        with_person += any(len(cell) == _LETTERS and _digest(cell) in people for cell in row)
        with_mark += any(known["mark"] in cell for cell in row)
        if places is not None and max(places, default=0) < len(row):
            digest = _digest(*(row[place] for place in places))
            if left[digest] > 0:
                left[digest] -= 1
                with_values += 1
    return Evidence(len(rows), with_person, with_values, with_mark)


def _head(table: Sequence[Sequence[str]], names: Sequence[set[str]]) -> tuple[int, list[int] | None]:
    """Return the line of the column names and where the extract's columns stand; -1 and None where there is none."""
    for number, row in enumerate(table[:50]):
        cells = [str(cell).strip() for cell in row]
        places = [next((place for place, cell in enumerate(cells) if cell in one), -1) for one in names]
        if places and -1 not in places:
            return number, places
    return -1, None


def _digest(*texts: str) -> str:
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()[:16]
