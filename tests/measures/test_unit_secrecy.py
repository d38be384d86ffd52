"""Statistical secrecy: from the numbers that are shown, no figure of a single unit can be reckoned."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kangshu.measures.disclosure import Atom, Cell, nodes_of, suppress
from kangshu.measures.limits import Secrecy
from kangshu.measures.unit_secrecy import Contribution, secret_cells

PLACES = ("990102001", "990102002", "990103001", "990104")
GROUPS = ("01", "09")
RULE = Secrecy(3, 10.0)

units = st.lists(
    st.builds(
        lambda number, place, group, amount: Contribution(
            f"Task/{number}", place, (group,), float(amount), 1.0
        ),
        st.integers(0, 10_000),
        st.sampled_from(PLACES),
        st.sampled_from(GROUPS),
        st.sampled_from((1, 3, 40, 500, 9000)),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one.unit,
)


def secret(added: Sequence[Contribution], known: frozenset[str] = frozenset()) -> dict[Cell, float]:
    return dict(secret_cells([(one, one.numerator) for one in added], known, RULE, 12))


def told(cell: Cell, shown: Sequence[Cell], leaves: Sequence[tuple[str, str]]) -> bool:
    """Return whether the sum of `cell` follows from the sums that are shown, whatever the finest cells hold."""

    def row(one: Cell) -> list[Fraction]:
        node, (group,) = one
        return [Fraction(node in nodes_of(place) and group in (None, value)) for place, value in leaves]

    rows = [row(one) for one in shown]
    wanted, rank = row(cell), 0
    for column in range(len(leaves)):
        pivot = next((one for one in rows[rank:] if one[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(rank, pivot)
        for one in (*rows[:rank], *rows[rank + 1 :], wanted):
            if factor := one[column] / pivot[column]:
                one[:] = [left - factor * right for left, right in zip(one, pivot, strict=True)]
        rank += 1
    return not any(wanted)


def cells() -> list[Cell]:
    nodes = sorted({node for place in PLACES for node in nodes_of(place)})
    return [(node, (group,)) for node, group in product(nodes, (None, *GROUPS))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(units)
def test_no_secret_sum_follows_from_what_is_shown(added: list[Contribution]) -> None:
    named = secret(added)
    atoms = [Atom(one.district, one.values, one.numerator, 0.0) for one in added]
    hidden = suppress(atoms, 1, 0, "count", 12, named)
    shown = [
        one
        for one in cells()
        if one not in hidden.numerators
        and not any(set(drop) <= ({0} if one[1] != (None,) else set()) for drop in hidden.withheld)
    ]
    leaves = list(product(PLACES, GROUPS))
    for cell in named:
        assert cell not in shown, cell
        assert not told(cell, shown, leaves), cell


def test_hiding_the_secret_numbers_alone_gives_them_back() -> None:
    """The hole that secondary suppression closes: the group of two units is the total less the other group."""
    added = [Contribution(f"Task/{n}", "990104", ("09",), 100.0, 1.0) for n in range(2)]
    added += [Contribution(f"Task/{n}", "990104", ("01",), 100.0, 1.0) for n in range(2, 8)]
    named = secret(added)
    shown = [one for one in cells() if one not in named]
    assert told(("990104~", ("09",)), shown, list(product(PLACES, GROUPS)))


def test_two_units_a_ruling_one_and_what_one_knows_already() -> None:
    three = [Contribution(f"Task/{n}", "990104", ("01",), 100.0, 1.0) for n in range(3)]
    assert secret(three) == {}
    assert ("", ("01",)) in secret(three[:2])
    # 9,000, 500 and 1: the second tells the first to within 1 of 9,000
    ruled = [
        Contribution(f"Task/{n}", "990104", ("01",), amount, 1.0) for n, amount in enumerate((9000, 500, 1))
    ]
    assert secret(ruled)["", ("01",)] == 900.0
    # the statistics office has read them all; a unit has read its own and no more
    assert secret(three[:2], frozenset({"Task/0", "Task/1"})) == {}
    assert secret(three[:2], frozenset({"Task/0"})) != {}
