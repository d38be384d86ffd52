"""A result as FHIR R4: MeasureReport, and the Measure that it reports on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from kangshu.base.canonical import BASE
from kangshu.base.clock import instant, now
from kangshu.measures.dimensions import DISTRICT
from kangshu.measures.result import MeasureResult, MeasureRow, SubjectPage
from kangshu.sdk import MeasureDeclaration, Resource

_POPULATION: Final = "http://terminology.hl7.org/CodeSystem/measure-population"
_SCORING: Final = "http://terminology.hl7.org/CodeSystem/measure-scoring"
_IMPROVEMENT: Final = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
_ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def measure_canonical(measure: MeasureDeclaration) -> str:
    """Return the canonical URL of the measure."""
    return f"{BASE}/Measure/{measure.id}"


def measure_resource(measure: MeasureDeclaration) -> Resource:
    """Return the FHIR Measure that publishes the declaration: SQL as criteria, dimensions as stratifiers."""
    scoring = {"proportion": "proportion", "ratio": "ratio", "count": "cohort"}[measure.kind]
    populations = ["numerator", "denominator"] if measure.kind != "count" else ["initial-population"]
    return {
        "resourceType": "Measure",
        "id": measure.id,
        "url": measure_canonical(measure),
        "name": "".join(part.capitalize() for part in measure.id.split("-")),
        "title": str(measure.title),
        "subtitle": measure.title.en,
        "status": "active",
        "description": f"{measure.definition.zh}\n\n{measure.definition.en}",
        "purpose": measure.source,
        "scoring": {"coding": [{"system": _SCORING, "code": scoring}]},
        "improvementNotation": _notation(measure),
        "group": [
            {
                "population": [
                    {
                        "code": {"coding": [{"system": _POPULATION, "code": code}]},
                        "criteria": {"language": "text/sql", "expression": measure.sql},
                    }
                    for code in populations
                ],
                **_stratifiers(measure),
            }
        ],
    }


def _stratifiers(measure: MeasureDeclaration) -> dict[str, Any]:
    made = [
        {
            "code": {"coding": [{"code": one.id}], "text": str(one.title)},
            "criteria": {"language": "text/sql", "expression": one.column},
        }
        for one in measure.dimensions
    ]
    return {"stratifier": made} if made else {}


def measure_report(
    measure: MeasureDeclaration,
    result: MeasureResult,
    *,
    subjects: SubjectPage | None = None,
    reporter: str = "",
) -> Resource:
    """Return the FHIR R4 MeasureReport of a result.

    It is of type `summary`, or `subject-list` where the numerator's `subjects` are given. An unknown value stands
    as a data-absent-reason, never as 0. `reporter` is the id of an Organization, "" for none.
    """
    group: dict[str, Any] = {
        "population": _populations(measure, result.numerator, result.denominator),
        "measureScore": _score(measure, result.value, suppressed=result.suppressed),
    }
    report: Resource = {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "subject-list" if subjects is not None else "summary",
        "measure": measure_canonical(measure),
        "date": result.instant or instant(now()),
        "period": {"start": result.period_start.isoformat(), "end": result.period_end.isoformat()},
        "improvementNotation": _notation(measure),
        "group": [group],
    }
    if reporter:
        report["reporter"] = {"reference": f"Organization/{reporter}"}
    if subjects is not None:
        report["contained"] = [
            {
                "resourceType": "List",
                "id": "subjects",
                "status": "current",
                "mode": "snapshot",
                "entry": [{"item": {"reference": one}} for one in subjects.subjects],
            }
        ]
        if not subjects.subjects:
            del report["contained"][0]["entry"]
        group["population"][0]["subjectResults"] = {"reference": "#subjects"}
    if result.by:
        group["stratifier"] = [
            {
                "code": [{"coding": [{"code": one}], "text": _title(measure, one)} for one in result.by],
                "stratum": [_stratum(measure, result, row) for row in result.rows],
            }
        ]
        if not result.rows:
            del group["stratifier"][0]["stratum"]
    return report


def _stratum(measure: MeasureDeclaration, result: MeasureResult, row: MeasureRow) -> dict[str, Any]:
    parts = [
        {
            "code": {"coding": [{"code": name}]},
            "value": {"coding": [{"code": key}], "text": _label(measure, name, key)}
            if key
            else {"text": "未知"},
        }
        for name, key in zip(result.by, row.keys, strict=True)
    ]
    stratum: dict[str, Any] = {
        "population": _populations(measure, row.numerator, row.denominator),
        "measureScore": _score(measure, row.value, suppressed=row.suppressed),
    }
    if len(parts) == 1:
        stratum["value"] = parts[0]["value"]
    else:
        stratum["component"] = parts
    return stratum


def _populations(
    measure: MeasureDeclaration, numerator: float | None, denominator: float | None
) -> list[dict[str, Any]]:
    counts: dict[str, float | None] = {"numerator": numerator, "denominator": denominator}
    if measure.kind == "count":
        counts = {"initial-population": numerator}
    return [
        {
            "code": {"coding": [{"system": _POPULATION, "code": code}]},
            **(masked_count() if count is None else {"count": round(count)}),
        }
        for code, count in counts.items()
    ]


def masked_count() -> dict[str, Any]:
    """Return what stands in place of a population's count that is not shown: why it is absent."""
    return {"_count": {"extension": [{"url": _ABSENT, "valueCode": "masked"}]}}


def _score(measure: MeasureDeclaration, value: float | None, *, suppressed: bool = False) -> dict[str, Any]:
    if value is None:
        why = "masked" if suppressed else "unknown"
        return {"extension": [{"url": _ABSENT, "valueCode": why}], "unit": measure.unit}
    return {"value": Decimal(str(round(value, max(measure.decimals, 4)))), "unit": measure.unit}


def _notation(measure: MeasureDeclaration) -> dict[str, Any]:
    return {"coding": [{"system": _IMPROVEMENT, "code": measure.direction}]}


def _title(measure: MeasureDeclaration, by: str) -> str:
    if by == DISTRICT:
        return "区划"
    return next((str(one.title) for one in measure.dimensions if one.id == by), by)


def _label(measure: MeasureDeclaration, by: str, key: str) -> str:
    for one in measure.dimensions:
        if one.id == by and key in one.labels:
            return str(one.labels[key])
    return key
