"""Records of the demo city with faults to be found: typed in millimetres, without a unit, sent twice, without a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from kangshu.sdk import DemoCity, DemoResident, Resource, at, code_system, concept, structure

_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the faulty records, each of somebody else, of the health centre that manages them."""
    grown = [one for one in city.residents if one.age(city.today) >= 30]
    people = grown[: len(grown) // 2 : max(1, len(grown) // 50)][:16]
    for number, one in enumerate(people):
        kind = number % 4
        if kind == 0:
            yield _result(city, one, f"height-{number}", ("8302-2", "身高"), Decimal(1680), "cm")
        elif kind == 1:
            yield _result(city, one, f"waist-{number}", ("8280-0", "腰围"), Decimal(86), "")
        elif kind == 2:
            for copy in ("a", "b"):
                yield _result(
                    city, one, f"twice-{number}{copy}", ("14647-2", "总胆固醇"), Decimal("4.8"), "mmol/L"
                )
        else:
            yield _visit(city, one, number)


def _result(
    city: DemoCity, resident: DemoResident, name: str, what: tuple[str, str], value: Decimal, unit: str
) -> Resource:
    quantity: dict[str, Any] = {"value": value}
    if unit:
        quantity |= {"unit": unit, "system": _UCUM, "code": unit}
    return {
        "resourceType": "Observation",
        "id": f"quality-{name}",
        "status": "final",
        "code": concept(_LOINC, *what),
        "subject": resident.reference,
        "effectiveDateTime": at(_day(city), 9, 30),
        "performer": [city.organisation(resident.centre).reference],
        "valueQuantity": quantity,
    }


def _visit(city: DemoCity, resident: DemoResident, number: int) -> Resource:
    day = _day(city)
    begun, ended = at(day, 10, 20), at(day, 9 if number % 8 == 3 else 10, 40)
    return {
        "resourceType": "Encounter",
        "id": f"quality-visit-{number}",
        "extension": [{"url": structure("received-at"), "valueInstant": at(day + timedelta(days=1), 20)}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [concept(code_system("encounter-kind"), "outpatient", "门诊")],
        "subject": resident.reference,
        "period": {"start": begun, "end": ended},
        "serviceProvider": city.organisation(resident.centre).reference,
    }


def _day(city: DemoCity) -> date:
    """Return a day of this year a few weeks back."""
    return max(city.today.replace(month=1, day=1), city.today - timedelta(days=24))
