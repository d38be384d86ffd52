"""Small cells: what is shown of a family of tables never tells a count below the threshold, whatever is linked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kangshu.measures.disclosure import Atom, Cell, Kind, Suppression, nodes_of, suppress

TOWNS = ("990102001", "990102002", "990103001", "990103002", "990104")
VALUES = (("a", "b", "c"), ("x", "y", "z"))
Unknown = tuple[str, tuple[str, ...], int]
"""A leaf, its values and which of the two parts of an atom."""


# ---------------------------------------------------------------------- the attacker


class Attacker:
    """Knows every number that is shown, that counts are whole and not negative, and links all the tables.

    It does not use the code under test: it looks for another city that fits what is shown.
    """

    def __init__(self, atoms: Sequence[Atom], dimensions: int, kind: Kind, shown: Suppression) -> None:
        self.kind, self.dimensions = kind, dimensions
        values = [sorted({atom.values[one] for atom in atoms}) for one in range(dimensions)]
        self.axes = [(*one, None) for one in values]
        self.leaves = sorted({nodes_of(atom.district)[-1] for atom in atoms})
        self.nodes = {nodes_of(atom.district)[-1]: nodes_of(atom.district) for atom in atoms}
        self.truth: dict[Unknown, int] = {
            (leaf, chosen, part): 0 for leaf in self.leaves for chosen in product(*values) for part in (0, 1)
        }
        for atom in atoms:
            leaf = nodes_of(atom.district)[-1]
            rest = atom.denominator - atom.numerator if kind == "proportion" else atom.denominator
            self.truth[leaf, atom.values, 0] += int(atom.numerator)
            self.truth[leaf, atom.values, 1] += int(rest)
        self.shown: list[tuple[frozenset[Unknown], int]] = []
        for cell in self.cells():
            for side, hidden in (("numerator", shown.numerators), ("denominator", shown.denominators)):
                if cell not in hidden and not (side == "denominator" and kind == "count"):
                    if self.withheld(cell, shown):
                        continue
                    members = self.members(cell, side)
                    self.shown.append((members, self.sum(members)))

    def withheld(self, cell: Cell, shown: Suppression) -> bool:
        used = {place for place, value in enumerate(cell[1]) if value is not None}
        return any(set(one) <= used for one in shown.withheld)

    def cells(self) -> Iterator[Cell]:
        nodes = sorted({node for found in self.nodes.values() for node in found})
        for node in nodes:
            for chosen in product(*self.axes):
                yield node, tuple(chosen)

    def members(self, cell: Cell, side: str) -> frozenset[Unknown]:
        parts = {
            "numerator": (0,),
            "denominator": (0, 1) if self.kind == "proportion" else (1,),
            "rest": (1,),
        }
        node, wanted = cell
        return frozenset(
            one
            for one in self.truth
            if node in self.nodes[one[0]]
            and one[2] in parts[side]
            and all(want is None or want == has for want, has in zip(wanted, one[1], strict=True))
        )

    def sum(self, members: frozenset[Unknown]) -> int:
        return sum(self.truth[one] for one in members)

    def can_tell(self, cell: Cell, side: str) -> bool:
        """Return whether every city that fits what is shown has the same count here."""
        members = self.members(cell, side)
        true = self.sum(members)
        return not any(
            self.fits(members, other) for other in (true - 1, true + 1, true - 2, true + 2) if other >= 0
        )

    def fits(self, members: frozenset[Unknown], wanted: int) -> bool:
        """Return whether some city, not far from the true one, shows the same and has `wanted` in `members`."""
        return any(_Search(self, members, wanted).go(0, budget) for budget in (2, 4, 8, 12, 16))


class _Search:
    """Looks for a change of the city: what is shown must stay, `members` must come to `wanted`."""

    def __init__(self, attacker: Attacker, members: frozenset[Unknown], wanted: int) -> None:
        self.truth = attacker.truth
        rules = [(members, wanted - attacker.sum(members)), *((found, 0) for found, _ in attacker.shown)]
        # what nothing that is shown holds together with the wanted sum may stay as it is
        self.rules: dict[Unknown, list[int]] = {one: [] for one in self.truth}
        for number, (found, _) in enumerate(rules):
            for one in found:
                self.rules[one].append(number)
        self.due = [change for _, change in rules]
        self.open = [len(found) for found, _ in rules]
        fixed = {one for found, _ in attacker.shown for one in found if len(found) == 1}
        self.order = sorted(
            self.truth, key=lambda one: (one not in fixed, one not in members, one[1:], one[0])
        )
        self.steps = 0

    def go(self, index: int, budget: int) -> bool:
        """Return whether the rest of the atoms can be changed, by at most `budget` persons, to fit."""
        self.steps += 1
        if self.steps > 20_000:
            return False
        if index == len(self.order):
            return True
        one = self.order[index]
        mine = self.rules[one]
        last = {self.due[rule] for rule in mine if self.open[rule] == 1}
        if len(last) > 1:
            return False
        steps = sorted(last) if last else [0, *(way * far for far in range(1, budget + 1) for way in (1, -1))]
        for step in steps:
            if abs(step) > budget or self.truth[one] + step < 0:
                continue
            for rule in mine:
                self.due[rule] -= step
                self.open[rule] -= 1
            left = budget - abs(step)
            if all(abs(self.due[rule]) <= left for rule in mine) and self.go(index + 1, left):
                return True
            for rule in mine:
                self.due[rule] += step
                self.open[rule] += 1
        return False


def small(atoms: Sequence[Atom], dimensions: int, threshold: int, kind: Kind) -> Iterator[tuple[Cell, str]]:
    """Yield every count of every table that is below the threshold, counted anew."""
    attacker = Attacker(atoms, dimensions, kind, Suppression())
    sides = {"proportion": ("numerator", "denominator", "rest"), "ratio": ("numerator", "denominator")}
    for cell in attacker.cells():
        for side in sides.get(kind, ("numerator",)):
            if 0 < attacker.sum(attacker.members(cell, side)) < threshold:
                yield cell, side


# ---------------------------------------------------------------------- cities


@st.composite
def cities(draw: st.DrawFn, dimensions: int) -> list[Atom]:
    # with two dimensions the attacker's search is kept to what it can go through
    most = 4 if dimensions < 2 else 2
    towns = draw(st.lists(st.sampled_from(TOWNS), min_size=1, max_size=most, unique=True))
    counts = st.sampled_from((0, 0, 1, 2, 3, 4, 5, 6, 9, 15))
    found = []
    for town in towns:
        for values in product(*(one[: 4 - dimensions] for one in VALUES[:dimensions])):
            counted, rest = draw(counts), draw(counts)
            if counted + rest:
                found.append(Atom(town, values, counted, counted + rest))
    return found


@pytest.mark.parametrize("kind", ["proportion", "ratio", "count"])
@pytest.mark.parametrize("dimensions", [0, 1, 2])
@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_what_is_shown_never_tells_a_small_count(kind: Kind, dimensions: int, data: st.DataObject) -> None:
    atoms = data.draw(cities(dimensions))
    shown = suppress(atoms, dimensions, 5, kind)
    attacker = Attacker(atoms, dimensions, kind, shown)
    for cell, side in small(atoms, dimensions, 5, kind):
        assert not attacker.can_tell(cell, side), (cell, side)


TOWN = [
    Atom("990102001", ("male",), 20, 50),
    Atom("990102001", ("female",), 22, 55),
    Atom("990102002", ("male",), 3, 30),
    Atom("990102002", ("female",), 18, 31),
    Atom("990103001", ("male",), 20, 50),
    Atom("990103001", ("female",), 22, 55),
]
SMALL: Cell = ("990102002", ("male",))


def test_hiding_the_small_cells_alone_is_not_enough_and_the_attacker_shows_it() -> None:
    """The planted hole: without the second step the total, or the district less its other towns, gives it back."""
    alone = Suppression(frozenset({SMALL, ("990102002~", ("male",))}))
    assert Attacker(TOWN, 1, "proportion", alone).can_tell(SMALL, "numerator")
    row = frozenset((f"990102002{end}", (sex,)) for end in ("", "~") for sex in ("male", "female"))
    assert Attacker(TOWN, 1, "proportion", Suppression(row)).can_tell(SMALL, "numerator")


def test_a_small_cell_takes_a_sibling_and_another_value_with_it() -> None:
    shown = suppress(TOWN, 1, 5, "proportion")
    assert SMALL in shown.numerators
    assert ("990102001", ("male",)) in shown.numerators
    assert ("990102002", ("female",)) in shown.numerators
    # districts and totals, and how many people there are, can stay
    assert ("990102", ("male",)) not in shown.numerators
    assert ("990102002", (None,)) not in shown.numerators
    assert not shown.denominators
    assert not Attacker(TOWN, 1, "proportion", shown).can_tell(SMALL, "numerator")


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    assert suppress(TOWN[:2] + TOWN[4:], 1, 5, "proportion") == Suppression()


def test_zero_is_shown() -> None:
    atoms = [Atom("990102001", ("male",), 0, 50), Atom("990102002", ("male",), 40, 50)]
    assert suppress(atoms, 1, 5, "proportion") == Suppression()


def test_a_city_of_three_people_shows_nothing() -> None:
    shown = suppress([Atom("990102001", ("male",), 1, 3)], 1, 5, "proportion")
    assert ("", (None,)) in shown.numerators
    assert ("", (None,)) in shown.denominators
    assert ("990102", ("male",)) in shown.denominators or (0,) in shown.withheld


def test_what_is_known_no_closer_than_a_district_is_a_part_of_it() -> None:
    assert nodes_of("990102") == ("", "99", "9901", "990102", "990102~")
    assert nodes_of("990102001001") == ("", "99", "9901", "990102", "990102001", "990102001001")
    assert nodes_of("990102001001", 9)[-1] == "990102001"
    assert nodes_of("") == ("", "~")
