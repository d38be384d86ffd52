"""A measure's result as MeasureReport.

Source: FHIR R4 measurereport.html; codes of http://terminology.hl7.org/CodeSystem/measure-population.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from kangshu.base.canonical import BASE, structure
from kangshu.sdk import MeasureDeclaration, Resource

if TYPE_CHECKING:
    from kangshu.measures import MeasureResult, MeasureRow

_POPULATION: Final = "http://terminology.hl7.org/CodeSystem/measure-population"
_PLACES: Final = 6
_MASKED: Final = [
    {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
]
"""In place of a number below the threshold, or that would tell one."""
POPULATION_VALUE: Final = structure("population-value")
"""Extension (valueDecimal) of a population whose size is no whole number, as R4 counts in integers."""
FEED_POSITION: Final = structure("feed-position")
"""Extension (valueDecimal) of a MeasureReport: as of which position of the change feed it answers."""


def measure_report(measure: MeasureDeclaration, result: MeasureResult) -> Resource:
    """Return the MeasureReport (type summary) of `result`: one group, one stratifier for its dimensions."""
    group: dict[str, Any] = {
        "code": {"text": measure.title.zh},
        **_numbers(measure, result),
    }
    if result.by:
        group["stratifier"] = [
            {
                "code": [{"text": _dimension(measure, one)} for one in result.by],
                "stratum": [_stratum(measure, result.by, row) for row in result.rows],
            }
        ]
    return {
        "resourceType": "MeasureReport",
        "extension": [{"url": FEED_POSITION, "valueDecimal": Decimal(result.position)}],
        "status": "complete",
        "type": "summary",
        "measure": f"{BASE}/Measure/{measure.id}",
        "date": result.instant,
        "period": {"start": result.period_start.isoformat(), "end": result.period_end.isoformat()},
        "improvementNotation": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/measure-improvement-notation",
                    "code": measure.direction,
                }
            ]
        },
        "group": [group],
    }


def _numbers(measure: MeasureDeclaration, shown: MeasureResult | MeasureRow) -> dict[str, Any]:
    found: dict[str, Any] = {"population": [_population("numerator", shown.numerator)]}
    if measure.kind != "count":
        found["population"].append(_population("denominator", shown.denominator))
    if shown.value is not None:
        found["measureScore"] = {"value": _decimal(shown.value), "unit": measure.unit}
    elif shown.suppressed:
        found["measureScore"] = {"extension": _MASKED, "unit": measure.unit}
    return found


def _population(code: str, size: float | None) -> dict[str, Any]:
    population: dict[str, Any] = {"code": {"coding": [{"system": _POPULATION, "code": code}]}}
    if size is None:
        population["_count"] = {"extension": _MASKED}
    elif size == int(size):
        population["count"] = int(size)
    else:
        population["extension"] = [{"url": POPULATION_VALUE, "valueDecimal": _decimal(size)}]
    return population


def _stratum(measure: MeasureDeclaration, by: tuple[str, ...], row: MeasureRow) -> dict[str, Any]:
    numbers = _numbers(measure, row)
    if len(by) == 1:
        return {"value": {"text": row.keys[0] or "unknown"}, **numbers}
    component = [
        {"code": {"text": _dimension(measure, name)}, "value": {"text": key or "unknown"}}
        for name, key in zip(by, row.keys, strict=True)
    ]
    return {"component": component, **numbers}


def _dimension(measure: MeasureDeclaration, name: str) -> str:
    return next((one.title.zh for one in measure.dimensions if one.id == name), name)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, _PLACES)))
