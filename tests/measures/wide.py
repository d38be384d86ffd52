"""A city in which every view of the services has a row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kangshu.app.wiring import city_services
from kangshu.cases import all_fields
from kangshu.sdk import CaseDeclaration, Resource, code_system, structure
from kangshu.services.city import make_city

from . import golden
from .golden_governance import governed


def _tables(case: CaseDeclaration) -> dict[str, Any]:
    """Return a row of each table that the case's forms gather, by field."""
    cell = [{"url": "column", "valueCode": "counted"}, {"url": "value", "valueInteger": 3}]
    row = {"url": structure("table-row"), "extension": [{"url": "cell", "extension": cell}]}
    return {one.id: {"extension": [row]} for one in all_fields(case).values() if one.kind == "table"}


def wide_city() -> list[Resource]:
    """Return the small city, the services' own drawn city, and one of each that only running cases make."""
    services = city_services()
    kind = code_system("record-kind")
    made: list[Resource] = [
        *golden.CITY,
        *make_city(200, 1, 5, services),
        *(
            governed(
                f"case-{number}",
                f"{case.service}/{case.id}",
                case.initial,
                **_tables(case),
            )
            for number, case in enumerate(case for one in services for case in one.cases)
        ),
        {"resourceType": "Encounter", "id": "stay-1", "status": "finished", "class": {"code": "IMP"}},
    ]
    place = "http://hl7.org/fhir/StructureDefinition/geolocation"
    parts = [{"url": name, "valueDecimal": Decimal("1.5")} for name in ("latitude", "longitude")]
    home = {"extension": [{"url": place, "extension": parts}]}
    made.append({"resourceType": "Patient", "id": "at-home", "address": [home]})
    for name in (
        "investment-agreement",
        "investment-arrival",
        "investment-promise",
        "project-listing",
        "project-tier",
        "care-transfer",
        "industry-account-group",
    ):
        made.append(
            {"resourceType": "Basic", "id": name, "code": {"coding": [{"system": kind, "code": name}]}}
        )
    for kind_of, system, code in (
        ("EpisodeOfCare", "episode-kind", "family-care-bed"),
        ("Encounter", "encounter-kind", "home-visit"),
        ("EpisodeOfCare", "episode-kind", "pregnancy"),
        ("Encounter", "encounter-kind", "delivery"),
        ("Encounter", "encounter-kind", "antenatal-check"),
        ("Encounter", "encounter-kind", "child-check"),
        ("Encounter", "encounter-kind", "child-tcm"),
    ):
        concept = {"coding": [{"system": code_system(system), "code": code}]}
        made.append({"resourceType": kind_of, "id": code, "status": "finished", "type": [concept]})
    made.append(
        {
            "resourceType": "Invoice",
            "id": "invoice",
            "status": "issued",
            "type": {"coding": [{"system": code_system("invoice-kind"), "code": "order"}]},
        }
    )
    return made
