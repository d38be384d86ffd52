"""Numbers over statistical returns, for those who may not read them: none tells the figure of a single unit.

A number is hidden where it has fewer units than the rule asks for, or where the second largest could tell the largest
unit's figure too closely (p% rule: total less the two largest is less than p percent of the largest). What would give a
hidden number back is hidden with it, by transfers of amounts (`disclosure`).
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from kangshu.base.faults import TooLarge
from kangshu.measures.disclosure import Atom, Cell, Suppression, nodes_of, suppress
from kangshu.measures.guarded import DEPTHS, Family, Fetch
from kangshu.measures.limits import Secrecy
from kangshu.measures.statement import Bound, dimension_sql
from kangshu.sdk import MeasureDeclaration

_MOST_UNITS: Final = 19_000
_LEAST_PROTECTION: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one unit adds to an atom: both sums, of a division (a code) and the values of the dimensions."""

    unit: str
    district: str
    values: tuple[str, ...]
    numerator: float
    denominator: float


Amount = tuple[Contribution, float]


def unit_family(
    measure: MeasureDeclaration,
    by: tuple[str, ...],
    counted: Bound,
    read: Bound | None,
    fetch: Fetch,
    rule: Secrecy,
) -> Family:
    """Return the family of the measure by `by` (without the district), as `counted` gives it, under the rule of secrecy.

    `read` gives the units that the account may read: what consists of them alone is shown. Raises TooLarge where there
    are too many units to look at one by one.
    """
    added = _contributions(measure, by, counted, fetch)
    known = (
        frozenset(one.unit for one in _contributions(measure, by, read, fetch))
        if read is not None
        else frozenset()
    )
    depth = DEPTHS[0]
    sides = [_hidden(amounts, len(by), known, rule, depth) for amounts in _sides(measure.kind, added)]
    withheld = frozenset(shown for one in sides for shown in one.withheld)
    hidden = Suppression(
        sides[0].numerators, sides[-1].numerators if len(sides) > 1 else frozenset(), withheld
    )
    if measure.kind == "proportion":
        hidden = Suppression(hidden.numerators, hidden.numerators, withheld)
    return Family(tuple(_atoms(added)), hidden, depth)


def _sides(kind: str, added: Sequence[Contribution]) -> Iterator[list[Amount]]:
    """Yield the amounts by which a unit is told: its place among those asked, what it has, or (of a ratio) both.

    In a ratio to something that is open (the gross domestic product) the records of the denominator are no units: their type
    is none that counts in the numerator.
    """
    if kind == "proportion":
        yield [(one, one.denominator) for one in added]
        return
    yield [(one, one.numerator) for one in added]
    units = {_type(one) for one in added if one.numerator}
    if kind == "ratio" and any(one.denominator and _type(one) in units for one in added):
        yield [(one, one.denominator if _type(one) in units else 0.0) for one in added]


def _type(one: Contribution) -> str:
    return one.unit.partition("/")[0]


def _hidden(
    amounts: Sequence[Amount], dimensions: int, known: frozenset[str], rule: Secrecy, depth: int
) -> Suppression:
    named = secret_cells(amounts, known, rule, depth)
    atoms = [Atom(one.district, one.values, abs(amount), 0.0) for one, amount in amounts if amount]
    return suppress(atoms, dimensions, 0, "count", depth, named)


def secret_cells(
    amounts: Iterable[Amount], known: frozenset[str], rule: Secrecy, depth: int
) -> Mapping[Cell, float]:
    """Return the cells that tell too much of a unit that is not `known`, each with how far it must stay unknown."""
    units: dict[Cell, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for one, amount in amounts:
        if amount:
            for node in nodes_of(one.district, depth):
                for values in product(*((None, value) for value in one.values)):
                    units[node, values][one.unit] += amount
    found = {}
    for cell, of_units in units.items():
        if known.issuperset(of_units):
            continue
        sizes = sorted((abs(one) for one in of_units.values()), reverse=True)
        wanted = sizes[0] * rule.dominance / 100
        others = sum(sizes[2:])
        if len(sizes) < rule.least_units or others < wanted:
            found[cell] = max(wanted, _LEAST_PROTECTION)
    return found


def _contributions(
    measure: MeasureDeclaration, by: tuple[str, ...], query: Bound, fetch: Fetch
) -> tuple[Contribution, ...]:
    values = {**query.values, "most": _MOST_UNITS + 1}
    keys = [f'{dimension_sql(measure, one, "", values)} AS "key_{index}"' for index, one in enumerate(by)]
    columns = ", ".join(["subject", "coalesce(district, '') AS place", *keys])
    groups = ", ".join(str(number + 1) for number in range(len(by) + 2))
    sql = (
        f"{query.sql} SELECT {columns}, coalesce(sum(numerator), 0), coalesce(sum(denominator), 0) "
        f"FROM measured GROUP BY {groups} ORDER BY {groups} LIMIT CAST($most AS BIGINT)"
    )
    found = fetch(sql, values)
    if len(found) > _MOST_UNITS:
        raise TooLarge(
            f"measure '{measure.id}' has more than {_MOST_UNITS} units to protect; ask for a smaller place",
            zh=f"指标“{measure.title.zh}”涉及的调查对象过多，无法完成保密检查",
        )
    return tuple(
        Contribution(
            str(row[0]), str(row[1]), tuple(str(one) for one in row[2:-2]), float(row[-2]), float(row[-1])
        )
        for row in found
    )


def _atoms(added: Iterable[Contribution]) -> Iterator[Atom]:
    sums: dict[tuple[str, tuple[str, ...]], tuple[float, float]] = {}
    for one in added:
        numerator, denominator = sums.get((one.district, one.values), (0.0, 0.0))
        sums[one.district, one.values] = (numerator + one.numerator, denominator + one.denominator)
    for (district, values), (numerator, denominator) in sums.items():
        yield Atom(district, values, numerator, denominator)
