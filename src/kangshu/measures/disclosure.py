"""Small cells of a family of tables are hidden, and with them the cells that would give them back.

A family is every table that can be asked of the same records: all divisions of the tree, by every subset of some
dimensions. Where a count is small, a *transfer* is looked for: an exchange of single persons between atoms (the
finest cells) that changes the small count, and changes no other published number. What it does change is hidden
too. A transfer is the proof that the published numbers fit two different cities, so none can be told from them.
This is the hypercube method of statistical disclosure control (secondary suppression; τ-ARGUS GHMITER), carried to
trees of divisions. What it protects against, and what not: docs/adr/0017-extracts.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Final, Literal

Kind = Literal["proportion", "ratio", "count"]
Side = Literal["numerator", "denominator"]
Values = tuple[str | None, ...]
"""One value per dimension; None stands for all of them together."""
Cell = tuple[str, Values]
"""A division (a prefix, "" for everything; `…~` for what is known no closer) and the values of the dimensions."""

_LEVELS: Final = (2, 4, 6, 9, 12)
_CLOSE: Final = 6
_AROUND: Final = 12
_MOST_TRIED: Final = 20_000
_WHOLE: Final = 1 - 1e-9
_DENOMINATOR_WEIGHT: Final = 3.0
_TRANSFERS: Final[Mapping[Kind, tuple[tuple[int, int], ...]]] = {
    # (numerator, rest) of the persons who change places; (1, -1) changes whether they count, and not where they are
    "proportion": ((1, -1), (0, 1), (1, 0)),
    "ratio": ((1, 0), (0, 1)),
    "count": ((1, 0),),
}
_QUANTITIES: Final[Mapping[Kind, tuple[tuple[int, int], ...]]] = {
    # denominator, numerator, rest: as sums of those who count and of the rest
    "proportion": ((1, 1), (1, 0), (0, 1)),
    "ratio": ((0, 1), (1, 0)),
    "count": ((1, 0),),
}


@dataclass(frozen=True, slots=True)
class Atom:
    """A finest cell: the division of its subjects (a code), its values, and its two sums."""

    district: str
    values: tuple[str, ...]
    numerator: float
    denominator: float


@dataclass(frozen=True, slots=True)
class Suppression:
    """What of a family must not be shown.

    `withheld` are the sets of dimensions (their numbers) whose tables cannot be shown at all.
    """

    numerators: frozenset[Cell] = frozenset()
    denominators: frozenset[Cell] = frozenset()
    withheld: frozenset[tuple[int, ...]] = frozenset()


def nodes_of(district: str, depth: int = 12) -> tuple[str, ...]:
    """Return the divisions that a code lies in, from everything ("") to the closest of `depth` digits.

    `990102~` is the part of 990102 of which no closer division is known.
    """
    found = [""]
    for digits in _LEVELS:
        if digits > depth:
            break
        if len(district) < digits:
            found.append(f"{found[-1]}~")
            break
        found.append(district[:digits])
    return tuple(found)


def suppress(
    atoms: Iterable[Atom],
    dimensions: int,
    threshold: int,
    kind: Kind,
    depth: int = 12,
    named: Mapping[Cell, float] | None = None,
) -> Suppression:
    """Return what must be hidden so that no count from 1 to `threshold` - 1 can be told from what is shown.

    Counts are the numerator, the denominator and, of a proportion, their difference. Zeros are shown. Tables of
    fewer dimensions are decided first; what they show is never taken back by one of more. With `named` the sums are
    amounts: these cells are to be hidden and no others, each so that it could be larger or smaller by its value.
    """
    numerators: set[Cell] = set()
    denominators: set[Cell] = set()
    withheld: set[tuple[int, ...]] = set()
    known = tuple(atoms)
    for size in range(dimensions + 1):
        for shown in combinations(range(dimensions), size):
            if any(set(one) <= set(shown) for one in withheld):
                withheld.add(shown)
                continue
            family = _Family(known, shown, dimensions, kind, depth, numerators, denominators, named)
            if not family.protect(threshold):
                withheld.add(shown)
                continue
            numerators, denominators = family.hidden["numerator"], family.hidden["denominator"]
    return Suppression(frozenset(numerators), frozenset(denominators), frozenset(withheld))


@dataclass(slots=True)
class _Sums:
    counted: float = 0.0
    rest: float = 0.0

    def of(self, quantity: tuple[int, int]) -> float:
        return quantity[0] * self.counted + quantity[1] * self.rest


_Axis = tuple[str | None, ...]
_Leaf = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Corners:
    """The signed values of an exchange, and those of the cells that it changes: decided by smaller tables, and here."""

    signed: list[tuple[int, tuple[str, ...]]]
    decided: list[Values]
    here: list[Values]


@dataclass(frozen=True, slots=True)
class _Move:
    """Signed atoms, and the cells whose sums they change: the first leaf with the signs of the corners, the second against."""

    leaves: tuple[_Leaf, ...]
    nodes: list[str]
    corners: _Corners

    def cells(self) -> Iterator[Cell]:
        """Yield the cells."""
        for node in self.nodes:
            for values in (*self.corners.decided, *self.corners.here):
                yield node, values

    def atoms(self) -> Iterator[tuple[int, _Leaf, tuple[str, ...]]]:
        """Yield the sign, the leaf and the values of each atom."""
        for way, leaf in zip((1, -1), self.leaves, strict=False):
            for sign, values in self.corners.signed:
                yield way * sign, leaf, values


@dataclass(slots=True)
class _Family:
    """The tables of one set of dimensions; those of its subsets are decided already."""

    known: Sequence[Atom]
    shown: tuple[int, ...]
    dimensions: int
    kind: Kind
    depth: int
    before: set[Cell]
    before_denominators: set[Cell]
    named: Mapping[Cell, float] | None = None
    atoms: dict[_Leaf, dict[tuple[str, ...], _Sums]] = field(default_factory=dict)
    cells: dict[Cell, _Sums] = field(default_factory=dict)
    values: list[list[str]] = field(default_factory=list)
    hidden: dict[Side, set[Cell]] = field(default_factory=dict)
    sizes: dict[_Leaf, float] = field(default_factory=dict)
    parted: dict[str, tuple[list[_Leaf], list[_Leaf]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hidden = {"numerator": set(self.before), "denominator": set(self.before_denominators)}
        for atom in self.known:
            rest = atom.denominator - atom.numerator if self.kind == "proportion" else atom.denominator
            leaf = nodes_of(atom.district, self.depth)
            values = tuple(atom.values[one] for one in self.shown)
            sums = self.atoms.setdefault(leaf, {}).setdefault(values, _Sums())
            sums.counted, sums.rest = sums.counted + atom.numerator, sums.rest + rest
        for leaf, by_values in self.atoms.items():
            for values, sums in by_values.items():
                for cell in self._cells_of(leaf, [(one, None) for one in values]):
                    total = self.cells.setdefault(cell, _Sums())
                    total.counted, total.rest = total.counted + sums.counted, total.rest + sums.rest
        self.sizes = {
            leaf: sum(sums.counted + sums.rest for sums in found.values())
            for leaf, found in self.atoms.items()
        }
        self.values = [
            sorted({values[one] for found in self.atoms.values() for values in found})
            for one in range(len(self.shown))
        ]

    def _cells_of(self, nodes: Iterable[str], axes: Sequence[_Axis]) -> Iterator[Cell]:
        full = self._full(axes)
        return ((node, values) for node in nodes for values in full)

    def _full(self, axes: Sequence[_Axis]) -> list[Values]:
        """Return the values of all dimensions for each corner of the axes, which are those of the dimensions shown."""
        found = []
        for chosen in product(*axes):
            full: list[str | None] = [None] * self.dimensions
            for place, value in zip(self.shown, chosen, strict=True):
                full[place] = value
            found.append(tuple(full))
        return found

    # ------------------------------------------------------------------ what is small, and what hides it

    def protect(self, threshold: int) -> bool:
        """Hide what must be hidden; return False where the tables of these dimensions cannot be protected."""
        small: list[tuple[int, Cell, tuple[int, int]]] = []
        for cell, sums in self.cells.items():
            small.extend(
                (order, cell, quantity)
                for order, quantity in enumerate(self._quantities())
                if (0 < sums.of(quantity) < threshold if self.named is None else cell in self.named)
            )
        # denominators first: what hides them hides the rest as well; large divisions before small ones
        small.sort(key=lambda one: (one[0], len(one[1][0]), one[1][0], str(one[1][1])))
        for _, cell, quantity in small:
            for side, changed in self._sides(quantity).items():
                if changed and self._decided_here(cell):
                    self._hide(side, cell)
        return all(self._cover(cell, quantity) for _, cell, quantity in small)

    def _quantities(self) -> tuple[tuple[int, int], ...]:
        return _QUANTITIES[self.kind]

    def _sides(self, quantity: tuple[int, int]) -> dict[Side, bool]:
        """Return which numbers must be hidden for `quantity`; the rest of a proportion is told by both of them."""
        if self.kind == "proportion":
            return {"numerator": True, "denominator": quantity == (1, 1)}
        return {"numerator": quantity == (1, 0), "denominator": quantity == (0, 1)}

    def _changes(self, transfer: tuple[int, int]) -> dict[Side, bool]:
        if self.kind == "proportion":
            # a denominator that is hidden hides the numerator: together they would tell
            moved = transfer != (1, -1)
            return {"numerator": True, "denominator": moved}
        return {"numerator": transfer[0] != 0, "denominator": transfer[1] != 0}

    def _hide(self, side: Side, cell: Cell) -> None:
        self.hidden[side].add(cell)
        if side == "denominator" and self.kind == "proportion":
            self.hidden["numerator"].add(cell)

    def _decided_here(self, cell: Cell) -> bool:
        return all(cell[1][one] is not None for one in self.shown)

    def _cover(self, cell: Cell, quantity: tuple[int, int]) -> bool:
        """Find the cheapest transfer that changes the quantity of `cell`, and hide what else it changes."""
        best: tuple[float, _Move, tuple[int, int]] | None = None
        for wide in (False, True):
            for tried, move in enumerate(self._moves(cell, quantity, wide=wide)):
                if tried > _MOST_TRIED:
                    break
                costs: dict[tuple[bool, ...], float | None] = {}
                for transfer in _TRANSFERS[self.kind]:
                    if quantity[0] * transfer[0] + quantity[1] * transfer[1] == 0:
                        continue
                    sides = tuple(self._changes(transfer).values())
                    if sides not in costs:
                        costs[sides] = self._cost(move, transfer, float("inf") if best is None else best[0])
                    cost = costs[sides]
                    if cost is None or (best is not None and cost >= best[0]):
                        continue
                    if self._possible(move, transfer, 1.0 if self.named is None else self.named[cell]):
                        best = (cost, move, transfer)
                if best is not None and best[0] == 0:
                    break
            if best is not None:
                break
        if best is None:
            return False
        _, move, transfer = best
        for side, changed in self._changes(transfer).items():
            if changed:
                for one in move.cells():
                    self._hide(side, one)
        return True

    def _cost(self, move: _Move, transfer: tuple[int, int], most: float) -> float | None:
        """Return how much more would be hidden; None where something shown by a smaller table would change, or it costs
        `most` or more."""
        sides = [side for side, changed in self._changes(transfer).items() if changed]
        for side in sides:
            hidden = self.hidden[side]
            if any((node, values) not in hidden for values in move.corners.decided for node in move.nodes):
                return None
        cost = 0.0
        for side in sides:
            hidden = self.hidden[side]
            weight = _DENOMINATOR_WEIGHT if side == "denominator" else 1.0
            for node in move.nodes:
                for values in move.corners.here:
                    cell = (node, values)
                    if cell in hidden:
                        continue
                    sums = self.cells.get(cell)
                    size = sums.counted + sums.rest if sums is not None else 0.0
                    # an empty cell that is hidden shows that someone might be there: better one that has people
                    cost += weight * (10.0 if size == 0 else 1.0 + min(size, 10_000.0) / 10_000.0)
                    if cost >= most:
                        return None
        return cost

    def _possible(self, move: _Move, transfer: tuple[int, int], size: float) -> bool:
        """Return whether no atom falls below nothing, one way or the other, where so much changes places."""
        least = size * _WHOLE
        for way in (1, -1):
            for sign, leaf, values in move.atoms():
                sums = self.atoms[leaf].get(values) or _Sums()
                step = way * sign
                if (step * transfer[0] < 0 and sums.counted < least) or (
                    step * transfer[1] < 0 and sums.rest < least
                ):
                    break
            else:
                return True
        return False

    # ------------------------------------------------------------------ transfers

    def _moves(self, cell: Cell, quantity: tuple[int, int], *, wide: bool) -> Iterator[_Move]:
        node, full = cell
        wanted = [full[one] for one in self.shown]
        inside, outside = self._parted(node)
        if not wide:
            inside = self._nearest(inside, node, wanted, quantity)[:_CLOSE]
        choices = [self._choices(place, value) for place, value in enumerate(wanted)]
        corners = [self._corners(values) for values in product(*choices)]
        for here in inside:
            around = outside if wide else self._around(here, outside)[:_AROUND]
            pairs: list[tuple[_Leaf, ...]] = [*((here, there) for there in around), (here,)]
            for leaves in pairs:
                nodes = sorted(
                    set(leaves[0]).symmetric_difference(leaves[1]) if len(leaves) == 2 else leaves[0]
                )
                for one in corners:
                    yield _Move(leaves, nodes, one)

    def _parted(self, node: str) -> tuple[list[_Leaf], list[_Leaf]]:
        """Return the leaves in a division, and those outside of it."""
        if node not in self.parted:
            self.parted[node] = (
                [leaf for leaf in self.atoms if node in leaf],
                [leaf for leaf in self.atoms if node not in leaf],
            )
        return self.parted[node]

    def _choices(self, place: int, value: str | None) -> list[tuple[str, ...]]:
        """Return the values that one dimension of a transfer may take: an exchange of two, or one alone."""
        if value is None:
            return [(one,) for one in self.values[place]]
        return [*((value, one) for one in self.values[place] if one != value), (value,)]

    def _nearest(
        self, leaves: list[_Leaf], node: str, wanted: Sequence[str | None], quantity: tuple[int, int]
    ) -> list[_Leaf]:
        """Return `leaves`, first those in which someone could leave, with most of their cells hidden already."""

        one_cell = None if None in wanted else tuple(str(one) for one in wanted)

        def key(leaf: _Leaf) -> tuple[bool, int, float]:
            if one_cell is not None:
                held = (self.atoms[leaf].get(one_cell) or _Sums()).of(quantity)
                return held < _WHOLE, -self._hidden_on(leaf), held
            held = sum(
                sums.of(quantity)
                for values, sums in self.atoms[leaf].items()
                if all(one is None or one == two for one, two in zip(wanted, values, strict=True))
            )
            return held < _WHOLE, -self._hidden_on(leaf), held

        return sorted(leaves, key=key)

    def _around(self, leaf: _Leaf, others: list[_Leaf]) -> list[_Leaf]:
        def key(other: _Leaf) -> tuple[int, int, float]:
            shared = sum(1 for one, two in zip(leaf, other, strict=False) if one == two)
            return -shared, -self._hidden_on(other), self.sizes[other]

        return sorted(others, key=key)

    def _hidden_on(self, leaf: _Leaf) -> int:
        none: Values = (None,) * self.dimensions
        return sum(1 for node in leaf if (node, none) in self.hidden["numerator"])

    def _corners(self, values: Sequence[tuple[str, ...]]) -> _Corners:
        """Return the corners of an exchange of these values."""
        signed = [[(1 if index == 0 else -1, one) for index, one in enumerate(chosen)] for chosen in values]
        corners = []
        for corner in product(*signed):
            sign = 1
            for step, _ in corner:
                sign *= step
            corners.append((sign, tuple(one for _, one in corner)))
        # an exchange of two values leaves their sum as it is; one alone changes it
        axes: list[_Axis] = [chosen if len(chosen) == 2 else (chosen[0], None) for chosen in values]
        full = self._full(axes)
        here = [one for one in full if all(one[place] is not None for place in self.shown)]
        return _Corners(corners, [one for one in full if one not in here], here)
