"""A result as FHIR R4: MeasureReport of type summary, subject-list, individual or data-collection.

Source: FHIR R4 measurereport.html; codes of http://terminology.hl7.org/CodeSystem/measure-population.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from kangshu.base.canonical import BASE, structure
from kangshu.base.clock import instant, now
from kangshu.measures.dimensions import DISTRICT, DIVISIONS
from kangshu.measures.result import MeasureResult, MeasureRow, SubjectPage
from kangshu.sdk import AwaitedMeasure, MeasureDeclaration, Resource

POPULATION: Final = "http://terminology.hl7.org/CodeSystem/measure-population"
_IMPROVEMENT: Final = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
_ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
POPULATION_VALUE: Final = structure("population-value")
"""Extension (valueDecimal) of a population whose size is no whole number, as R4 counts in integers."""
FEED_POSITION: Final = structure("feed-position")
"""Extension (valueDecimal) of a MeasureReport: as of which position of the change feed it answers."""
LIMITS: Final = structure("confidence-limits")
"""Extension (valueRange) of a measureScore: its confidence limits; `level` beside it in percent."""
LISTED: Final = structure("subjects-listed")
"""Extension (valueInteger) of a List of subjects: how many there are in all, of which it may hold the first."""
_PLACES: Final = 6
_TITLES: Final = {DISTRICT: "区划", "county": "县（市、区）", "town": "乡镇（街道）", "village": "村（社区）"}


@dataclass(frozen=True, slots=True)
class Individual:
    """What one subject adds to a measure; `excluded` is the reason, "" for none."""

    subject: str
    numerator: float
    denominator: float
    excluded: str = ""


def measure_canonical(measure: MeasureDeclaration | AwaitedMeasure) -> str:
    """Return the canonical URL of the measure."""
    return f"{BASE}/Measure/{measure.id}"


def measure_report(
    measure: MeasureDeclaration,
    result: MeasureResult,
    *,
    subjects: Mapping[str, SubjectPage] | None = None,
    reporter: str = "",
) -> Resource:
    """Return the FHIR R4 MeasureReport of a result.

    It is of type `summary`, or `subject-list` where the `subjects` of populations are given by their code. An unknown
    value stands as a data-absent-reason, never as 0. `reporter` is the id of an Organization, "" for none.
    """
    group: dict[str, Any] = {
        "code": {"text": str(measure.title)},
        **_numbers(measure, result),
    }
    _add_excluded(measure, result, group)
    kind = "summary" if subjects is None else "subject-list"
    period = result.period_start, result.period_end
    report = _report(measure, kind, period, result.position, result.instant, group)
    if reporter:
        report["reporter"] = {"reference": f"Organization/{reporter}"}
    if subjects is not None:
        report["contained"] = [_list(code, page) for code, page in subjects.items()]
        for population in group["population"]:
            code = population["code"]["coding"][0]["code"]
            if code in subjects:
                population["subjectResults"] = {"reference": f"#{code}"}
    if result.by:
        group["stratifier"] = [
            {
                "code": [{"coding": [{"code": one}], "text": _title(measure, one)} for one in result.by],
                **(
                    {"stratum": [_stratum(measure, result, row) for row in result.rows]}
                    if result.rows
                    else {}
                ),
            }
        ]
    return report


def individual_report(
    measure: MeasureDeclaration,
    found: Individual,
    period: tuple[date, date],
    as_of: tuple[int, str],
    evaluated: Sequence[str] | None = None,
) -> Resource:
    """Return the MeasureReport of one subject; with the records `evaluated` ("Type/id"), of type data-collection."""
    group: dict[str, Any] = {"code": {"text": str(measure.title)}}
    group["population"] = [
        _population("numerator", found.numerator),
        *([] if measure.kind == "count" else [_population("denominator", found.denominator)]),
    ]
    if measure.exclusions:
        group["population"].append(_population("denominator-exclusion", float(bool(found.excluded))))
    if found.excluded:
        title = next((str(one.title) for one in measure.exclusions if one.id == found.excluded), "")
        group["population"][-1]["code"]["text"] = title or found.excluded
    kind = "individual" if evaluated is None else "data-collection"
    report = _report(measure, kind, period, *as_of, group if evaluated is None else {})
    report["subject"] = {"reference": found.subject}
    if evaluated:
        report["evaluatedResource"] = [{"reference": one} for one in evaluated]
    return report


def masked_count() -> dict[str, Any]:
    """Return what stands in place of a population's count that is not shown: why it is absent."""
    return {"_count": {"extension": [{"url": _ABSENT, "valueCode": "masked"}]}}


def notation(measure: MeasureDeclaration | AwaitedMeasure) -> dict[str, Any]:
    """Return whether more or less is better."""
    return {"coding": [{"system": _IMPROVEMENT, "code": measure.direction}]}


# ---------------------------------------------------------------------- parts


def _report(
    measure: MeasureDeclaration,
    kind: str,
    period: tuple[date, date],
    position: int,
    moment: str,
    group: dict[str, Any],
) -> Resource:
    report: Resource = {
        "resourceType": "MeasureReport",
        "extension": [{"url": FEED_POSITION, "valueDecimal": Decimal(position)}],
        "status": "complete",
        "type": kind,
        "measure": measure_canonical(measure),
        "date": moment or instant(now()),
        "period": {"start": period[0].isoformat(), "end": period[1].isoformat()},
        "improvementNotation": notation(measure),
    }
    return report | ({"group": [group]} if group else {})


def _list(code: str, page: SubjectPage) -> Resource:
    made: Resource = {
        "resourceType": "List",
        "id": code,
        "extension": [{"url": LISTED, "valueInteger": page.total}],
        "status": "current",
        "mode": "snapshot",
    }
    if page.subjects:
        made["entry"] = [{"item": {"reference": one}} for one in page.subjects]
    return made


def _numbers(measure: MeasureDeclaration, shown: MeasureResult | MeasureRow) -> dict[str, Any]:
    found: dict[str, Any] = {"population": [_population("numerator", shown.numerator)]}
    if measure.kind != "count":
        found["population"].append(_population("denominator", shown.denominator))
    found["measureScore"] = _score(measure, shown)
    return found


def _add_excluded(measure: MeasureDeclaration, result: MeasureResult, group: dict[str, Any]) -> None:
    for one in measure.exclusions:
        if one.id in result.excluded:
            population = _population("denominator-exclusion", result.excluded[one.id])
            population["code"]["text"] = str(one.title)
            group["population"].append(population)


def _population(code: str, size: float | None) -> dict[str, Any]:
    population: dict[str, Any] = {"code": {"coding": [{"system": POPULATION, "code": code}]}}
    if size is None:
        population.update(masked_count())
    elif size == int(size):
        population["count"] = int(size)
    else:
        population["extension"] = [{"url": POPULATION_VALUE, "valueDecimal": _decimal(size)}]
    return population


def _score(measure: MeasureDeclaration, shown: MeasureResult | MeasureRow) -> dict[str, Any]:
    if shown.value is None:
        why = "masked" if shown.suppressed else "unknown"
        return {"extension": [{"url": _ABSENT, "valueCode": why}], "unit": measure.unit}
    score: dict[str, Any] = {"value": _decimal(shown.value), "unit": measure.unit}
    if shown.limits is not None:
        low, high = ({"value": _decimal(one), "unit": measure.unit} for one in shown.limits)
        score["extension"] = [{"url": LIMITS, "valueRange": {"low": low, "high": high}}]
    return score


def _stratum(measure: MeasureDeclaration, result: MeasureResult, row: MeasureRow) -> dict[str, Any]:
    parts = [
        {
            "code": {"coding": [{"code": name}], "text": _title(measure, name)},
            "value": {"coding": [{"code": key}], "text": _label(measure, name, key)}
            if key
            else {"text": "未知 unknown"},
        }
        for name, key in zip(result.by, row.keys, strict=True)
    ]
    stratum = _numbers(measure, row)
    if len(parts) == 1:
        return {"value": parts[0]["value"], **stratum}
    return {"component": parts, **stratum}


def _title(measure: MeasureDeclaration, by: str) -> str:
    if by == DISTRICT or by in DIVISIONS:
        return _TITLES[by]
    return next((str(one.title) for one in measure.dimensions if one.id == by), by)


def _label(measure: MeasureDeclaration, by: str, key: str) -> str:
    for one in measure.dimensions:
        if one.id == by and key in one.labels:
            return str(one.labels[key])
    return key


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, _PLACES)))
