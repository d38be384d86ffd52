"""A measure for those who may count people whom they may not read: the same numbers, less the small ones.

What an account may read it knows already. Protected is the rest: the counts under `may_count` less those under
`may_read`, in every table of the family that can be asked (`disclosure`).
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kangshu.access import division_prefix
from kangshu.base.faults import Invalid, TooLarge
from kangshu.measures.dimensions import DIVISIONS, place_dimension
from kangshu.measures.disclosure import Atom, Cell, Suppression, nodes_of, suppress
from kangshu.measures.result import MeasureResult, MeasureRow
from kangshu.measures.statement import Bound, child_level, dimension_sql
from kangshu.sdk import MeasureDeclaration

DEPTHS: Final = (12, 9, 6)
"""How close divisions are told apart, in digits: the first that does not give too many atoms."""
_MOST_ATOMS: Final = 20_000
_PREFIXES: Final = frozenset({0, 2, 4, 6, 9, 12})
Fetch = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Family:
    """The atoms of a measure in a period by some dimensions, and what must be hidden of their tables."""

    atoms: tuple[Atom, ...]
    hidden: Suppression
    depth: int


def family(
    measure: MeasureDeclaration,
    by: tuple[str, ...],
    counted: Bound,
    read: Bound | None,
    fetch: Fetch,
    threshold: int,
) -> Family:
    """Return the family of the measure by `by` (without divisions, of which it has all levels), as `counted` gives it.

    `read` gives the part that the account may read; None where it reads none of it.
    """
    for depth in DEPTHS:
        try:
            atoms = _atoms(measure, by, counted, fetch, depth)
            known = _atoms(measure, by, read, fetch, depth) if read is not None else ()
        except TooLarge:
            continue
        hidden = suppress(_less(atoms, known, measure.kind), len(by), threshold, measure.kind, depth)
        return Family(atoms, hidden, depth)
    raise TooLarge(
        f"measure '{measure.id}' by these dimensions has too many cells to protect; choose fewer",
        zh=f"指标“{measure.title.zh}”的细分单元过多，无法完成披露检查，请减少维度",
    )


def _atoms(
    measure: MeasureDeclaration, by: tuple[str, ...], query: Bound, fetch: Fetch, depth: int
) -> tuple[Atom, ...]:
    values = {**query.values, "depth": depth, "most": _MOST_ATOMS + 1}
    keys = [f'{dimension_sql(measure, one, "", values)} AS "key_{index}"' for index, one in enumerate(by)]
    columns = ", ".join(["left(coalesce(district, ''), CAST($depth AS INTEGER)) AS place", *keys])
    groups = ", ".join(str(number + 1) for number in range(len(by) + 1))
    sql = (
        f"{query.sql} SELECT {columns}, coalesce(sum(numerator), 0), coalesce(sum(denominator), 0) "
        f"FROM measured GROUP BY {groups} ORDER BY {groups} LIMIT CAST($most AS BIGINT)"
    )
    found = fetch(sql, values)
    if len(found) > _MOST_ATOMS:
        raise TooLarge("too many cells", zh="细分单元过多")
    return tuple(
        Atom(str(row[0]), tuple(str(one) for one in row[1:-2]), float(row[-2]), float(row[-1]))
        for row in found
    )


def _less(atoms: Iterable[Atom], known: Iterable[Atom], kind: str) -> list[Atom]:
    """Return what is left of the atoms without those known; a known part that does not fit counts as unknown."""
    parts = {(one.district, one.values): one for one in known}
    found = []
    for atom in atoms:
        part = parts.get((atom.district, atom.values))
        if part is not None:
            numerator, denominator = atom.numerator - part.numerator, atom.denominator - part.denominator
            if numerator >= 0 and denominator >= 0 and (kind != "proportion" or denominator >= numerator):
                atom = Atom(atom.district, atom.values, numerator, denominator)
        if atom.numerator or atom.denominator:
            found.append(atom)
    return found


# ---------------------------------------------------------------------- one table of the family


def table(
    blank: MeasureResult,
    measure: MeasureDeclaration,
    found: Family,
    value: Callable[[MeasureDeclaration, float, float], float | None],
) -> MeasureResult:
    """Return `blank` (place and dimensions are its own) with its numbers, those that must be hidden left out.

    Raises Invalid for a place that is no division, TooLarge for one closer than the family tells apart.
    """
    prefix = division_prefix(blank.district)
    if len(prefix) not in _PREFIXES:
        raise Invalid(
            "the place is a division code of 2, 4, 6, 9 or 12 digits", zh="区划代码须为2、4、6、9或12位"
        )
    if max(len(prefix), _level(blank)) > found.depth or (_level(blank) and len(prefix) >= found.depth):
        raise TooLarge(
            f"measure '{measure.id}' is not split further than {found.depth} digits of the division here",
            zh=f"指标“{measure.title.zh}”在此不再细分区划",
        )
    others = tuple(one for one in blank.by if one != place_dimension(blank.by))
    shown = tuple(range(len(others)))
    inside = [atom for atom in found.atoms if atom.district.startswith(prefix)]
    whole = (None,) * len(others)
    total = _Line(measure, found.hidden, value)
    for atom in inside:
        total.add(atom)
    total.hide([(prefix, whole)])
    if () in found.hidden.withheld:
        total.numerator_hidden = total.denominator_hidden = True
    numbers = total.row(())
    if not blank.by or any(one in found.hidden.withheld for one in ((), shown)):
        rows: tuple[MeasureRow, ...] = ()
    else:
        rows = _rows(blank, measure, found, inside, others, value)
    return MeasureResult(
        measure=blank.measure, value=numbers.value, numerator=numbers.numerator, denominator=numbers.denominator,
        period_start=blank.period_start, period_end=blank.period_end, position=blank.position,
        instant=blank.instant, district=blank.district, by=blank.by, rows=rows, parameters=blank.parameters,
        suppressed=numbers.suppressed,
        withheld=bool(blank.by) and any(one in found.hidden.withheld for one in ((), shown)),
    )  # fmt: skip


def _level(blank: MeasureResult) -> int:
    """Return how many digits the divisions have by which it is split; 0 where it is not."""
    named = place_dimension(blank.by)
    return DIVISIONS.get(named, child_level(blank.district)) if named else 0


class _Line:
    """One row being summed."""

    def __init__(
        self,
        measure: MeasureDeclaration,
        hidden: Suppression,
        value: Callable[[MeasureDeclaration, float, float], float | None],
    ) -> None:
        self._measure, self._hidden, self._value = measure, hidden, value
        self.numerator = self.denominator = 0.0
        self.numerator_hidden = self.denominator_hidden = False

    def add(self, atom: Atom) -> None:
        self.numerator += atom.numerator
        self.denominator += atom.denominator

    def hide(self, cells: Iterable[Cell]) -> None:
        for cell in cells:
            self.numerator_hidden = self.numerator_hidden or cell in self._hidden.numerators
            self.denominator_hidden = self.denominator_hidden or cell in self._hidden.denominators

    def row(self, keys: tuple[str, ...]) -> MeasureRow:
        any_hidden = self.numerator_hidden or self.denominator_hidden
        return MeasureRow(
            keys,
            None if any_hidden else self._value(self._measure, self.numerator, self.denominator),
            None if self.numerator_hidden else self.numerator,
            None if self.denominator_hidden else self.denominator,
            suppressed=any_hidden,
        )


def _rows(
    blank: MeasureResult,
    measure: MeasureDeclaration,
    found: Family,
    inside: list[Atom],
    others: tuple[str, ...],
    value: Callable[[MeasureDeclaration, float, float], float | None],
) -> tuple[MeasureRow, ...]:
    prefix = division_prefix(blank.district)
    level = _level(blank)
    place = blank.by.index(place_dimension(blank.by)) if level else None
    lines: dict[tuple[str, ...], _Line] = {}

    def line(code: str, values: tuple[str, ...]) -> _Line:
        keys = values if place is None else (*values[:place], code, *values[place:])
        return lines.setdefault(keys, _Line(measure, found.hidden, value))

    for atom in inside:
        code = ""
        if place is not None:
            code = atom.district[:level] if len(atom.district) >= level else ""
        one = line(code, atom.values)
        one.add(atom)
        if place is None:
            one.hide([(prefix, atom.values)])
        elif code:
            one.hide([(code, atom.values)])
        else:
            one.hide([(nodes_of(atom.district, found.depth)[-1], atom.values)])
    # empty cells that are hidden are told as hidden: else they would be known to be empty
    for node, values in found.hidden.numerators | found.hidden.denominators:
        if any(one is None for one in values):
            continue
        full = tuple(str(one) for one in values)
        if place is None and node == prefix:
            line("", full).hide([(node, values)])
        elif place is not None and len(node) == level and "~" not in node and node.startswith(prefix):
            line(node, full).hide([(node, values)])
    return tuple(sorted((one.row(keys) for keys, one in lines.items()), key=lambda row: row.keys))
