"""Templates and tracing: what a view makes of a record is found by the view itself, or refused."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from kangshu.app.wiring import city_services
from kangshu.base.faults import Invalid
from kangshu.measures import Views
from kangshu.municipality import Template, Tracer, city_records
from kangshu.sdk import CityRecords, Text, ViewDeclaration

TITLE = Text("测试", "test")
RESOURCE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o{number}",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "{code}"}]},
    "subject": {"reference": "Patient/{resident}"},
    "effectivePeriod": {"start": "{starts}", "end": "{ends?}"},
    "performer": [{"reference": "Organization/{centre?}", "display": "somebody"}],
    "valueQuantity": {"value": "{value?}", "unit": "kg"},
}
COLUMNS = {
    "number": "BIGINT", "code": "VARCHAR", "resident": "VARCHAR", "starts": "DATE", "ends": "VARCHAR", "centre": "VARCHAR",
    "value": "DECIMAL(6,1)", "place": "VARCHAR",
}  # fmt: skip
FACTS = (
    (1, "a", "r1", date(2024, 2, 29), None, "c1", Decimal("3.0"), "990201001"),
    (2, "b", "r2", date(2025, 1, 1), "2025-12-31", None, Decimal("4.5"), "990201002"),
    (3, "a", "r-3", date(2025, 3, 1), None, None, None, "990201003"),
)


def records(**changed: Any) -> CityRecords:
    values = changed.pop("values", {"code": ("a", "b")})
    return CityRecords(
        "weights", "", TITLE, "resident", "SELECT * FROM facts", {**RESOURCE, **changed}, values
    )


def views(columns: str, where: str = "") -> Views:
    definition: dict[str, Any] = {
        "resourceType": "ViewDefinition",
        "name": "tried",
        "resource": "Observation",
        "select": [{"column": [_column(one) for one in columns.split(";")]}],
    }
    if where:
        definition["where"] = [{"path": where}]
    return Views([ViewDeclaration("tried", "", definition)])


def _column(text: str) -> dict[str, str]:
    """Return the column written `name: type = path`."""
    name, _, path = text.partition("=")
    name, _, kind = name.strip().partition(":")
    return {"name": name, "path": path.strip(), **({"type": kind} if kind else {})}


def both(made: Views, one: CityRecords) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the rows of the view as traced and as the view runner gives them, view columns only."""
    view, template = made["tried"], Template(one.resource)
    wanted = [
        tuple(row.values())
        for fact in FACTS
        for row in view.rows(template.fill(dict(zip(COLUMNS, fact, strict=True))))
    ]
    with duckdb.connect() as connection:
        shape = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE facts ({shape})")
        connection.executemany(f"INSERT INTO facts VALUES ({', '.join('?' * len(COLUMNS))})", FACTS)
        statement = Tracer(one, COLUMNS).statement(view, one.sql)
        listed = ", ".join(view.columns)
        found = connection.execute(f"SELECT {listed} FROM ({statement})").fetchall() if statement else []
    return sorted(found, key=repr), sorted(wanted, key=repr)


@pytest.mark.parametrize(
    ("columns", "where"),
    [
        ("who = subject.getReferenceKey(Patient); start = effective.ofType(Period).start; ended = effective.ofType(Period).end", ""),
        ("id = getResourceKey(); centre = performer.getReferenceKey(Organization).first()", ""),
        ("id = id; weighed:boolean = value.exists()", ""),
        ("id = id", "code.coding.code = 'b'"),
        ("id = id", "performer.exists() and code.coding.where(code = 'a').exists()"),
        ("id = id; kind = iif(code.coding.code = 'a', 'first', 'second'); name = performer.display.first()", ""),
        ("id = id", "code.coding.code = 'neither'"),
    ],
)  # fmt: skip
def test_the_traced_rows_are_the_views_rows(columns: str, where: str) -> None:
    found, wanted = both(views(columns, where), records())
    assert found == wanted
    assert wanted or "neither" in where


@pytest.mark.parametrize(
    "columns",
    [
        "id = id; young = effective.ofType(Period).start.toString() < 'B'",
        "id = id; much = value.ofType(Quantity).value < 800000",
    ],
)
def test_a_view_that_looks_into_an_unlisted_value_is_refused(columns: str) -> None:
    view = views(columns)["tried"]
    with pytest.raises(Invalid, match="list its `values`"):
        Tracer(records(), COLUMNS).statement(view, "SELECT * FROM facts")


def test_a_template_and_its_facts_must_fit() -> None:
    with pytest.raises(Invalid, match="no column 'weight'"):
        Tracer(records(valueInteger="{weight}"), COLUMNS)
    with pytest.raises(Invalid, match="optional in one place"):
        Template({"resourceType": "Basic", "id": "{number}", "created": "{number?}"})
    with pytest.raises(Invalid, match="text, date, number or boolean"):
        Tracer(records(), {**COLUMNS, "starts": "TIMESTAMP"})
    with pytest.raises(Invalid, match="is NULL in a record"):
        Template({"resourceType": "Basic", "id": "{number}"}).fill({"number": None})


def test_what_is_missing_takes_its_element_away() -> None:
    made = Template(RESOURCE).fill(dict(zip(COLUMNS, FACTS[2], strict=True)))
    assert made["effectivePeriod"] == {"start": "2025-03-01"}
    assert "performer" not in made
    assert "valueQuantity" not in made
    assert made["id"] == "o3"


_DRAWS = re.compile(r"(?:draw|bell|pick|bits|day_in)\([^()]*(?:\([^()]*\)[^()]*)*'([a-z-]+)'")


def test_no_two_draws_of_the_city_share_a_stream() -> None:
    texts = [one.sql for one in city_records(city_services())]
    names = sorted({name for text in texts for name in _DRAWS.findall(text)})
    assert len(names) > 5
    with duckdb.connect() as connection:
        listed = ", ".join(f"('{name}')" for name in names)
        salts = connection.execute(
            f"SELECT count(DISTINCT hash(name) & 1048575) FROM (VALUES {listed}) AS t(name)"
        )
        assert salts.fetchall() == [(len(names),)]


def test_the_engine_draws_as_it_did() -> None:
    """A new version of the engine that hashes otherwise would make other cities of the same seeds."""
    with duckdb.connect() as connection:
        found = connection.execute("SELECT hash(CAST(42 AS UBIGINT)), hash('age') & 1048575").fetchall()
    assert found == [HASHES]


HASHES = (7199933130570745587, 892121)
