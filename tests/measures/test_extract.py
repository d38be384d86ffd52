"""De-identified and aggregate extracts: nobody can be told from fewer than k people, and what cannot be met is refused."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kangshu.base.faults import Invalid, Unprocessable
from kangshu.base.text import Text
from kangshu.measures import Demand, Extract, Terms, aggregated, deidentified
from kangshu.measures.anonymity import Person, Quasi, anonymous
from kangshu.measures.generalisation import ALL, LEVELS, generalised, levels
from kangshu.sdk import ExtractColumn, ExtractDeclaration

T = Text("字段", "Column")
DECLARED = ExtractDeclaration(
    id="test",
    service="test",
    title=T,
    definition=T,
    views=(),
    parameters=(),
    sql="",
    source="",
    columns=(
        ExtractColumn("person", T, "subject", "identifier"),
        ExtractColumn("age", T, "age", "quasi", "age", "5"),
        ExtractColumn("gender", T, "gender", "quasi"),
        ExtractColumn("place", T, "district", "quasi", "place", "town"),
        ExtractColumn("level", T, "level", "sensitive"),
        ExtractColumn("seen", T, "seen", "other", "date"),
    ),
)
EVERY = tuple(one.id for one in DECLARED.columns)
DEMAND = Demand(k=5, l=2, t=0.9, left_out=0.1)
TERMS = Terms(EVERY, "990100", DEMAND, shift_days=30, mark_share=0.01)


def people(count: int, seed: int = 1) -> list[dict[str, Any]]:
    made = random.Random(seed)
    return [
        {
            "subject": f"Patient/{number}",
            "district": made.choice(("990102001", "990102002", "990103001")),
            "age": made.randint(65, 99),
            "gender": made.choice(("male", "female")),
            "level": made.choice(("0", "0", "0", "1", "2")),
            "seen": "2025-03-15",
        }
        for number in range(count)
    ]


def classes(made: Extract, names: tuple[str, ...] = ("age", "gender", "place")) -> Counter[tuple[str, ...]]:
    places = [index for index, one in enumerate(made.columns) if one.id in names]
    return Counter(tuple(row[place] for place in places) for row in made.rows)


def test_every_row_has_four_like_it_and_two_sensitive_values() -> None:
    made = deidentified(DECLARED, people(2000), TERMS, b"secret")
    sizes = classes(made)
    assert min(sizes.values()) >= 5
    assert made.risk.k == min(sizes.values())
    assert made.risk.classes == len(sizes)
    assert made.risk.rows + made.risk.left_out + made.risk.sampled_out == 2000
    assert made.risk.prosecutor_most == 1 / made.risk.k
    assert (
        min(len({row[4] for row in made.rows if row[1:4] == one}) for one in sizes)
        == made.risk.diversity
        >= 2
    )


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 120), seed=st.integers(0, 10_000), k=st.integers(2, 12), l_=st.integers(1, 3))
def test_what_comes_out_always_meets_the_demand(count: int, seed: int, k: int, l_: int) -> None:
    rows = people(count, seed)
    terms = replace(TERMS, demand=Demand(k, l_, 0.8, 0.2), mark_share=0.0)
    try:
        made = deidentified(DECLARED, rows, terms, b"secret")
    except Unprocessable:
        return
    for one, size in classes(made).items():
        assert size >= k
        assert len({row[4] for row in made.rows if row[1:4] == one}) >= l_
    assert made.risk.left_out <= 0.2 * count
    assert made.risk.distance <= 0.8


def test_too_few_people_are_refused() -> None:
    with pytest.raises(Unprocessable, match="leaving out"):
        deidentified(DECLARED, people(4), TERMS, b"secret")


def test_a_class_of_one_sensitive_value_is_left_out_or_widened() -> None:
    """Homogeneity: five people alike, all of one level, tell the level of each."""
    rows = people(500)
    for row in rows:
        if row["district"] == "990103001":
            row["level"] = "4"
    made = deidentified(DECLARED, rows, replace(TERMS, demand=Demand(5, 2, 0.6, 0.1)), b"secret")
    for one in classes(made):
        assert len({row[4] for row in made.rows if row[1:4] == one}) >= 2


def test_no_identifier_is_in_the_table_and_two_copies_share_no_pseudonym() -> None:
    rows = people(600)
    one, two = (deidentified(DECLARED, rows, TERMS, secret) for secret in (b"one", b"two"))
    text = repr(one.rows)
    assert "Patient/" not in text
    assert not {row[0] for row in one.rows} & {row[0] for row in two.rows}
    assert len({row[0] for row in one.rows}) == len(one.rows)


def test_the_rows_of_two_copies_differ_by_who_is_left_out() -> None:
    rows = people(2000)
    plain = replace(TERMS, shift_days=0, columns=("age", "gender", "place", "level"))
    one, two = (deidentified(DECLARED, rows, plain, secret) for secret in (b"one", b"two"))
    assert one.risk.sampled_out > 0
    assert Counter(one.rows) != Counter(two.rows)


def test_the_dates_of_a_person_move_together_and_never_stay() -> None:
    twice = ExtractDeclaration(
        **{
            **{name: getattr(DECLARED, name) for name in DECLARED.__slots__},
            "columns": (*DECLARED.columns, ExtractColumn("again", T, "again", "other", "date")),
        }
    )
    rows = [{**row, "again": "2025-04-14"} for row in people(400)]
    made = deidentified(twice, rows, replace(TERMS, columns=(*EVERY, "again")), b"secret")
    from datetime import date

    apart = {(date.fromisoformat(row[6]) - date.fromisoformat(row[5])).days for row in made.rows}
    moved = {(date.fromisoformat(row[5]) - date(2025, 3, 15)).days for row in made.rows}
    assert apart == {30}
    assert 0 not in moved
    assert min(moved) >= -30
    assert max(moved) <= 30


def test_a_second_extract_for_the_same_recipient_is_never_across_the_first() -> None:
    columns = (Quasi("age", "age", levels("age", "5")), Quasi("place", "place", levels("place", "town")))
    rows = [Person((str(row["age"]), row["district"]), (row["level"],)) for row in people(400)]
    demand = Demand(5, 1, 1.0, 0.1)
    free = anonymous(rows, columns, demand)
    assert free is not None
    held = {"age": "older", "place": "town"}
    bound = anonymous(rows, columns, demand, [held])
    assert bound is not None
    steps = {one.id: list(LEVELS[one.kind]) for one in columns}
    apart = [
        steps[one.id].index(level) - steps[one.id].index(held[one.id])
        for one, level in zip(columns, bound.levels, strict=True)
    ]
    assert all(step <= 0 for step in apart) or all(step >= 0 for step in apart)


def test_a_column_left_out_the_second_time_is_one_step_too_many_to_bring_another_closer() -> None:
    """Ages by ten years in districts, then towns without ages: the two laid over each other were neither's class."""
    columns = (Quasi("place", "place", levels("place", "community")),)
    rows = [Person((row["district"],), (row["level"],)) for row in people(400)]
    demand = Demand(5, 1, 1.0, 0.1)
    free = anonymous(rows, columns, demand)
    assert free is not None
    steps = list(LEVELS["place"])
    held = {"age": "10", "place": steps[steps.index(free.levels[0]) + 1]}
    bound = anonymous(rows, columns, demand, [held])
    assert bound is not None
    assert steps.index(bound.levels[0]) >= steps.index(held["place"])
    alone = anonymous(rows, columns, demand, [{"age": "*", "place": held["place"]}])
    assert alone is not None
    assert alone.levels == free.levels


def test_two_rows_of_one_person_and_unknown_columns_are_refused() -> None:
    with pytest.raises(Invalid, match="more than one row"):
        deidentified(DECLARED, [*people(50), people(50)[0]], TERMS, b"secret")
    with pytest.raises(Invalid, match="no column"):
        deidentified(DECLARED, people(50), replace(TERMS, columns=("name",)), b"secret")


@pytest.mark.parametrize("kind", ["age", "date", "place", "code"])
def test_the_bins_of_a_level_are_made_of_whole_bins_of_the_level_below(kind: str) -> None:
    values = {
        "age": [str(age) for age in range(120)],
        "date": [
            f"202{year}-{month:02d}-{day:02d}" for year in (4, 5) for month in range(1, 13) for day in (1, 28)
        ],
        "place": ["990102001001", "990102001002", "990102002001", "990103001001"],
        "code": ["I10", "I11.9", "I11.0", "E11.9", "E90.1", "D48.0", "D50.1", "T98.1", "S00"],
    }[kind]
    names = list(LEVELS[kind])
    for lower, upper in itertools.pairwise(names):
        above: dict[str, set[str]] = {}
        for value in values:
            above.setdefault(generalised(kind, lower, value), set()).add(generalised(kind, upper, value))
        assert all(len(found) == 1 for found in above.values()), (lower, upper)
    assert names[-1] == ALL


def test_an_aggregate_counts_people_and_suppresses_small_numbers() -> None:
    rows = people(300)
    terms = replace(TERMS, columns=("place", "gender", "level"), threshold=15)
    made = aggregated(DECLARED, rows, terms)
    assert [one.id for one in made.columns] == ["place", "gender", "level", "count"]
    counted = Counter((row["district"], row["gender"], row["level"]) for row in rows)
    assert min(counted.values()) < 15
    for *keys, number in made.rows:
        if ALL not in keys and number != "已抑制":
            assert int(number) == counted[tuple(keys)] >= 15
    hidden = [row for row in made.rows if row[-1] == "已抑制"]
    assert len(hidden) > sum(1 for count in counted.values() if count < 15) or len(hidden) >= 2
    assert (ALL, ALL, ALL, "300") in made.rows


def test_an_aggregate_of_identifiers_is_refused() -> None:
    with pytest.raises(Invalid):
        aggregated(DECLARED, people(300), replace(TERMS, columns=("person", "level")))
