"""A declaration as FHIR R4: the Measure, and the Library with its SQL for each engine.

The Library follows SQL on FHIR's SQLQuery profile (https://sql-on-fhir.org/ig/StructureDefinition-SQLQuery.html): the views
as `depends-on`, the values to bind as parameters, one attachment per dialect.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kangshu.base.canonical import BASE
from kangshu.measures.definition import View
from kangshu.measures.dimensions import DISTRICT, subject_type
from kangshu.measures.report import POPULATION, measure_canonical, notation
from kangshu.measures.spark_measure import spark_measure
from kangshu.measures.statement import parameter_name
from kangshu.sdk import MeasureDeclaration, Resource

_SCORING: Final = "http://terminology.hl7.org/CodeSystem/measure-scoring"
_LIBRARY_TYPE: Final = "https://sql-on-fhir.org/ig/CodeSystem/LibraryTypesCodes"
_RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"


def library_canonical(measure: MeasureDeclaration) -> str:
    """Return the canonical URL of the Library that holds the measure's SQL."""
    return f"{BASE}/Library/{measure.id}"


def view_canonical(name: str) -> str:
    """Return the canonical URL of a ViewDefinition."""
    return f"{BASE}/ViewDefinition/{name}"


def measure_resource(measure: MeasureDeclaration, views: Mapping[str, View] | None = None) -> Resource:
    """Return the FHIR Measure that publishes the declaration: columns of its SQL as criteria, dimensions as stratifiers.

    `views` tell what its subjects are.
    """
    scoring = {"proportion": "proportion", "ratio": "ratio", "count": "cohort"}[measure.kind]
    made: Resource = {
        "resourceType": "Measure",
        "id": measure.id,
        "url": measure_canonical(measure),
        "name": "".join(part.capitalize() for part in measure.id.split("-")),
        "title": str(measure.title),
        "subtitle": measure.title.en,
        "status": "active",
        "description": f"{measure.definition.zh}\n\n{measure.definition.en}",
        "purpose": measure.source,
        "relatedArtifact": [{"type": "citation", "citation": measure.source}],
        "library": [library_canonical(measure)],
        "scoring": {"coding": [{"system": _SCORING, "code": scoring}]},
        "improvementNotation": notation(measure),
        "group": [{"population": list(_populations(measure)), "stratifier": list(_stratifiers(measure))}],
    }
    kind = subject_type(measure, views) if views is not None else measure.subject
    if kind:
        made["subjectCodeableConcept"] = {"coding": [{"system": _RESOURCE_TYPES, "code": kind}]}
    if measure.sample:
        made["rateAggregation"] = "The denominator is a sample: every score has confidence limits."
    return made


def library_resource(
    measure: MeasureDeclaration,
    views: Mapping[str, View] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Resource:
    """Return the Library of the measure: its SQL for DuckDB and for Spark, its views and the values to bind.

    `values` hold a value of each parameter by id, for their types.
    """
    attachments = [("application/sql;dialect=duckdb", measure.sql.strip())]
    spark = spark_measure(measure.sql)
    if spark:
        attachments.append(("application/sql;dialect=spark", spark))
    made: Resource = {
        "resourceType": "Library",
        "id": measure.id,
        "url": library_canonical(measure),
        "name": "".join(part.capitalize() for part in measure.id.split("-")) + "Query",
        "title": str(measure.title),
        "status": "active",
        "type": {"coding": [{"system": _LIBRARY_TYPE, "code": "sql-query"}]},
        "description": measure.definition.zh,
        "relatedArtifact": [
            {"type": "depends-on", "label": name, "resource": view_canonical(name)} for name in measure.views
        ],
        "parameter": list(_parameters(measure, values or {})),
        "content": [
            {"contentType": kind, "title": measure.id, "data": base64.b64encode(sql.encode()).decode()}
            for kind, sql in attachments
        ],
    }
    types = dict.fromkeys(views[name].resource for name in measure.views if name in views) if views else {}
    if types:
        made["dataRequirement"] = [{"type": one} for one in types]
    return made


def _populations(measure: MeasureDeclaration) -> Iterable[dict[str, Any]]:
    codes = ["numerator"] if measure.kind == "count" else ["numerator", "denominator"]
    if measure.kind == "count":
        codes = ["initial-population"]
    for code in codes:
        column = "numerator" if code == "initial-population" else code
        yield {
            "code": {"coding": [{"system": POPULATION, "code": code}]},
            "description": f"sum({column})",
            "criteria": {
                "language": "text/sql",
                "expression": f"{column} > 0",
                "reference": library_canonical(measure),
            },
        }
    for one in measure.exclusions:
        yield {
            "code": {
                "coding": [{"system": POPULATION, "code": "denominator-exclusion"}],
                "text": str(one.title),
            },
            "criteria": {
                "language": "text/sql",
                "expression": f"exclusion = '{one.id}'",
                "reference": library_canonical(measure),
            },
        }


def _stratifiers(measure: MeasureDeclaration) -> Iterable[dict[str, Any]]:
    yield {
        "code": {"coding": [{"code": DISTRICT}], "text": "区划 District"},
        "criteria": {"language": "text/sql", "expression": DISTRICT},
    }
    for one in measure.dimensions:
        yield {
            "code": {"coding": [{"code": one.id}], "text": str(one.title)},
            "criteria": {"language": "text/sql", "expression": one.expression or one.column},
        }


def _parameters(measure: MeasureDeclaration, values: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for name in ("period_start", "period_end"):
        yield {"name": name, "use": "in", "min": 1, "max": "1", "type": "date"}
    for one in measure.parameters:
        yield {
            "name": parameter_name(one),
            "use": "in",
            "min": 1,
            "max": "1",
            "documentation": one,
            "type": _type(values.get(one)),
        }


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "string" if isinstance(value, str) else "decimal"
