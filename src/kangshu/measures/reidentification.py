"""The attacker: tries to tell people from an extract with what a neighbour knows, to measure what an extract withstands.

GB/T 42460-2023 evaluates de-identification by such an attempt. Attacks: linkage (who is this row), homogeneity (what all
candidates share), two copies laid over each other, and sums that give suppressed numbers back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from kangshu.measures.generalisation import ALL, LEVELS


@dataclass(frozen=True, slots=True)
class Target:
    """A person of whom somebody knows something: values by column, as close as the person's papers have them."""

    person: str
    known: Mapping[str, str]
    secret: str
    """What the attacker wants to learn: the sensitive value. It is here to judge the attack, not to make it."""


@dataclass(frozen=True, slots=True)
class Published:
    """A table as its recipient has it, with the truth of whose row each is, to judge the attack by.

    `kinds` and `levels` say how each quasi-identifier was generalised; a recipient knows them from the report.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    people: tuple[str, ...]
    kinds: Mapping[str, str]
    levels: Mapping[str, str]
    sensitive: str
    shifted: frozenset[str] = frozenset()
    """Columns that differ from copy to copy, so that nobody joins by them."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attack went, over `targets` people."""

    targets: int
    success: float
    """Chance to pick the right row, averaged: one in so many candidates where the person is among them, else 0."""
    exact: int
    """People with one candidate row only, and it is theirs."""
    learnt: int
    """People all of whose candidates have one sensitive value, and it is theirs."""


def linked(published: Published, targets: Sequence[Target]) -> Attempt:
    """Return how far rows are told by what is known of each target."""
    success, exact, learnt = 0.0, 0, 0
    index = _index(published)
    secret = published.columns.index(published.sensitive)
    for one in targets:
        found = index.get(_key(published, one), [])
        values = {published.rows[place][secret] for place in found}
        if any(published.people[place] == one.person for place in found):
            success += 1 / len(found)
            exact += len(found) == 1
            learnt += values == {one.secret}
    return Attempt(len(targets), success / max(len(targets), 1), exact, learnt)


def overlaid(first: Published, second: Published, targets: Sequence[Target]) -> Attempt:
    """Return how far two copies tell more than one: rows joined where all that both have alike agrees.

    A person is told exactly when one pair of rows remains and both are theirs; a value is learnt when the two sets of
    values have one in common.
    """
    success, exact, learnt = 0.0, 0, 0
    indexes = [_index(first), _index(second)]
    moved = first.shifted | second.shifted
    shared = [name for name in first.columns if name in second.columns and name not in {*first.kinds, *moved}]
    places = [[one.columns.index(name) for name in shared] for one in (first, second)]
    for one in targets:
        mine, theirs = (
            index.get(_key(table, one), []) for index, table in zip(indexes, (first, second), strict=True)
        )
        pairs = [
            (left, right)
            for left in mine
            for right in theirs
            if all(
                first.rows[left][here] == second.rows[right][there]
                for here, there in zip(places[0], places[1], strict=True)
            )
        ]
        right_pairs = [
            pair for pair in pairs if first.people[pair[0]] == second.people[pair[1]] == one.person
        ]
        values = _values(first, mine) & _values(second, theirs)
        if right_pairs:
            success += 1 / len(pairs)
            exact += len(pairs) == 1
            learnt += values == {one.secret}
    return Attempt(len(targets), success / max(len(targets), 1), exact, learnt)


def recovered(rows: Sequence[Sequence[str]], hidden: str) -> int:
    """Return how many hidden numbers of an aggregate follow from what is shown, solving all its sums together.

    The last column is the number; `*` in another is the sum over it.
    """
    shown = {tuple(row[:-1]): None if row[-1] == hidden else int(row[-1]) for row in rows}
    unknown = [cell for cell, number in shown.items() if number is None]
    place = {cell: number for number, cell in enumerate(unknown)}
    finest = [cell for cell in shown if ALL not in cell]
    rules: list[list[Fraction]] = []
    for total, number in shown.items():
        if ALL not in total:
            continue
        rule = [Fraction(0)] * (len(unknown) + 1)
        rule[-1] = Fraction(number or 0)
        if number is None:
            rule[place[total]] -= 1
        for cell in finest:
            if all(ALL in (want, has) or want == has for want, has in zip(total, cell, strict=True)):
                part = shown[cell]
                if part is None:
                    rule[place[cell]] += 1
                else:
                    rule[-1] -= part
        rules.append(rule)
    return sum(1 for rule in _reduced(rules, len(unknown)) if sum(1 for one in rule[:-1] if one) == 1)


def _reduced(rules: list[list[Fraction]], width: int) -> list[list[Fraction]]:
    """Return the equations in reduced form (Gauss and Jordan): an unknown that stands alone is told."""
    done = 0
    for column in range(width):
        pivot = next((row for row in range(done, len(rules)) if rules[row][column]), None)
        if pivot is None:
            continue
        rules[done], rules[pivot] = rules[pivot], rules[done]
        first = rules[done][column]
        rules[done] = [one / first for one in rules[done]]
        for row in range(len(rules)):
            factor = rules[row][column]
            if row != done and factor:
                rules[row] = [one - factor * two for one, two in zip(rules[row], rules[done], strict=True)]
        done += 1
    return rules[:done]


def _values(published: Published, places: Sequence[int]) -> set[str]:
    secret = published.columns.index(published.sensitive)
    return {published.rows[place][secret] for place in places}


def _index(published: Published) -> dict[tuple[str, ...], list[int]]:
    places = [published.columns.index(name) for name in published.kinds]
    found: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(published.rows):
        found.setdefault(tuple(row[place] for place in places), []).append(number)
    return found


def _key(published: Published, target: Target) -> tuple[str, ...]:
    return tuple(
        LEVELS[kind][published.levels[name]](target.known[name]) for name, kind in published.kinds.items()
    )
