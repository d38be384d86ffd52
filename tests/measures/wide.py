"""A city in which every view of the services has a row."""

from __future__ import annotations

from decimal import Decimal

from kangshu.app.wiring import city_services
from kangshu.sdk import Resource, code_system
from kangshu.services.city import make_city

from . import golden
from .golden_governance import governed


def wide_city() -> list[Resource]:
    """Return the small city, the services' own drawn city, and one of each that only running cases make."""
    services = city_services()
    kind = code_system("record-kind")
    made: list[Resource] = [
        *golden.CITY,
        *make_city(200, 1, 5, services),
        *(
            governed(f"case-{number}", f"{case.service}/{case.id}", case.initial)
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
        "care-transfer",
    ):
        code = {"coding": [{"system": kind, "code": name}]}
        made.append({"resourceType": "Basic", "id": name, "code": code})
    for kind_of, system, code in (
        ("EpisodeOfCare", "episode-kind", "family-care-bed"),
        ("Encounter", "encounter-kind", "home-visit"),
    ):
        concept = {"coding": [{"system": code_system(system), "code": code}]}
        made.append({"resourceType": kind_of, "id": code, "status": "finished", "type": [concept]})
    return made
