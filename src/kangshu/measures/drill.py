"""The statements that go from a number to its subjects, and from a subject to its records."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kangshu.access import Predicate
from kangshu.measures.layout import PATIENT_KEY, key_of, key_sql
from kangshu.measures.scope_sql import scope_condition
from kangshu.measures.statement import Bound, dimension_sql, place_condition
from kangshu.sdk import MeasureDeclaration

KEYS: Final = 1 << 63
"""One above the greatest key."""
SLICED: Final = 20_000
"""Of so many subjects of a measure per person, a page is looked for among a slice of the residents."""
_CONDITIONS: Final[Mapping[str, str]] = {
    "numerator": "numerator > 0",
    "denominator": "denominator > 0",
    "gap": "denominator > 0 AND coalesce(numerator, 0) = 0",
    "exclusion": "true",
}


@dataclass(frozen=True, slots=True)
class Drilled:
    """What is asked of the subjects behind a number: the part, the cell (dimension id → value), the division, the page."""

    part: str
    cell: Mapping[str, str]
    district: str
    offset: int
    limit: int


def page_of_subjects(measure: MeasureDeclaration, query: Bound, asked: Drilled) -> Bound:
    """Return the statement of one page, by id. Its rows are of the subject alone: who counts them asks `count_of`.

    A page takes the first of the ids (DuckDB keeps no more than it shows), so it costs a scan and no sort of them all.
    """
    chosen = chosen_of(measure, query, asked)
    values = {**chosen.values, "offset": asked.offset, "limit": asked.limit}
    sql = (
        f"{query.sql} SELECT subject FROM (SELECT DISTINCT subject FROM {chosen.sql}) "
        "ORDER BY subject LIMIT CAST($limit AS BIGINT) OFFSET CAST($offset AS BIGINT)"
    )
    return Bound(sql, values)


def count_of_subjects(measure: MeasureDeclaration, query: Bound, asked: Drilled) -> Bound:
    """Return the statement of how many subjects there are in all."""
    chosen = chosen_of(measure, query, asked)
    return Bound(f"{query.sql} SELECT count(DISTINCT subject) FROM {chosen.sql}", chosen.values)


def slice_of(wanted: int, total: int, tries: int) -> int:
    """Return the bound of keys below which `wanted` of `total` subjects probably lie; KEYS for all.

    Keys are hashes, so residents lie evenly among them; each try takes four times as many.
    """
    share = (wanted * 1.2 + 30) / max(total, 1) * 4**tries
    return KEYS if share >= 1 else int(KEYS * share)


def sliced(relation: str, bound: int) -> str:
    """Return the SELECT of the rows of `relation` whose resident's key is below `bound`."""
    return relation if bound >= KEYS else f"SELECT * FROM ({relation}) WHERE {PATIENT_KEY} < {bound}"


def page_by_key(measure: MeasureDeclaration, query: Bound, asked: Drilled) -> Bound:
    """Return the statement of the first subjects by key, as many as the page and those before it."""
    chosen = chosen_of(measure, query, asked)
    values = {**chosen.values, "most": asked.offset + asked.limit}
    sql = (
        f"{query.sql} SELECT subject FROM (SELECT DISTINCT subject FROM {chosen.sql}) "
        f"ORDER BY {key_sql('subject')} LIMIT CAST($most AS BIGINT)"
    )
    return Bound(sql, values)


def individual(measure: MeasureDeclaration, query: Bound, subject: str) -> Bound:
    """Return the statement of what one subject adds: how many rows, the two sums, the reason of an exclusion."""
    parts = ["SELECT numerator, denominator, '' AS excluded FROM measured WHERE subject = $subject"]
    if measure.exclusions:
        parts.append("SELECT 0, 0, exclusion FROM excluded WHERE subject = $subject")
    sql = (
        f"{query.sql} SELECT count(*), coalesce(sum(numerator), 0), coalesce(sum(denominator), 0), "
        f"coalesce(max(excluded), '') FROM ({' UNION ALL '.join(parts)})"
    )
    return Bound(sql, {**query.values, "subject": subject})


def records_of(relations: Iterable[tuple[str, Predicate]], patient: str) -> Bound:
    """Return the statement of the type and id of a resident's records in views (SELECT and predicate of each)."""
    values: dict[str, Any] = {"patient": patient, "patient_key": key_of(f"Patient/{patient}")}
    parts = [
        f"SELECT resource_type, resource_id FROM ({relation}) WHERE {PATIENT_KEY} = $patient_key "
        f"AND scope_patient = $patient AND {scope_condition(predicate, values)}"
        for relation, predicate in relations
    ]
    return Bound(" UNION ".join(parts) + " ORDER BY ALL", values)


def chosen_of(measure: MeasureDeclaration, query: Bound, asked: Drilled) -> Bound:
    """Return the rows that are asked for, `clause WHERE …`."""
    values = dict(query.values)
    conditions = [_CONDITIONS[asked.part], place_condition(asked.district, values)]
    for index, (name, wanted) in enumerate(asked.cell.items()):
        values[f"cell_{index}"] = wanted
        expression = dimension_sql(measure, name, asked.district, values)
        if name == "district" and wanted:
            expression = f"left(coalesce(district, ''), length(CAST($cell_{index} AS VARCHAR)))"
        conditions.append(f"{expression} = CAST($cell_{index} AS VARCHAR)")
    clause = "excluded" if asked.part == "exclusion" else "measured"
    return Bound(f"{clause} WHERE {' AND '.join(conditions)}", values)
