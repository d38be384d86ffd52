"""The grant compiled to DuckDB admits what `access.admits` admits."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kangshu.access import (
    AllOf,
    AnyOf,
    DistrictUnder,
    Everything,
    InCare,
    LabelsWithin,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    Scope,
    admits,
)
from kangshu.measures.engine import bound, connect
from kangshu.measures.scope_sql import scope_condition

codes = st.sampled_from(["", "99", "9901", "990102", "990102001", "990103", "it's", "%", "_"])
names = st.sampled_from(["", "a", "b", "c'; DROP TABLE x", "甲"])
leaves = st.one_of(
    st.just(Everything()),
    st.just(Nothing()),
    st.just(NoPatient()),
    codes.map(DistrictUnder),
    st.frozensets(names, max_size=3).map(OrganisationIn),
    st.frozensets(names, max_size=3).map(PatientIn),
    st.frozensets(names, max_size=3).map(LabelsWithin),
    # in care is who `Store.resolve_care` has named: without it nobody
    st.just(InCare(frozenset({"a"}), frozenset({"managed"}), "TREAT")),
)
predicates = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
    ),
    max_leaves=6,
)
listed = st.lists(names, max_size=3).map(tuple)
scopes = st.builds(Scope, codes, listed, names, listed)
CONNECTION = connect()


@settings(max_examples=150, deadline=None)
@given(predicate=predicates, listed=st.lists(scopes, min_size=1, max_size=8))
def test_sql_admits_what_the_predicate_admits(predicate: Predicate, listed: list[Scope]) -> None:
    values: dict[str, Any] = {}
    rows = []
    for index, scope in enumerate(listed):
        values |= {
            f"d{index}": scope.district, f"o{index}": list(scope.organisations), f"p{index}": scope.patient,
            f"l{index}": list(scope.labels),
        }  # fmt: skip
        rows.append(
            f"SELECT {index} AS n, CAST($d{index} AS VARCHAR) AS scope_district, "
            f"CAST($o{index} AS VARCHAR[]) AS scope_organisations, CAST($p{index} AS VARCHAR) AS scope_patient, "
            f"CAST($l{index} AS VARCHAR[]) AS scope_labels"
        )
    condition = scope_condition(predicate, values)
    sql = f"SELECT n FROM ({' UNION ALL '.join(rows)}) WHERE {condition}"
    admitted = {row[0] for row in CONNECTION.execute(sql, bound(sql, values)).fetchall()}
    assert admitted == {index for index, scope in enumerate(listed) if admits(predicate, scope)}
