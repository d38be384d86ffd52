"""Rates and lists of older people's health over a handful of residents, counted by hand and by the check queries."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.access import system_grant
from kangshu.base.canonical import DISTRICT
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource, code_system, structure
from kangshu.services import read_folder
from tests.measures.city import service_of, snapshot_of

FOLDER = Path(kangshu_services.__path__[0])
SERVICE = service_of("elder_health")
RESIDENTS = read_folder(FOLDER / "residents")
EVERYTHING = system_grant("test")
START, DAY = date(2026, 1, 1), date(2026, 6, 30)


def resident(id_: str, born: str, **more: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "id": id_,
        "birthDate": born,
        "managingOrganization": {"reference": "Organization/centre"},
        "extension": [{"url": DISTRICT, "valueCode": "990102001"}],
        **more,
    }


def managed(id_: str, who: str, day: str, *, complete: bool = True, assessed: bool = False) -> Resource:
    extensions: list[Resource] = [{"url": structure("complete-form"), "valueBoolean": complete}]
    if assessed:
        extensions.append(
            {"url": structure("health-assessment"), "valueReference": {"reference": "Observation/x"}}
        )
    return {
        "resourceType": "Encounter", "id": id_, "status": "finished", "class": {"code": "AMB"},
        "type": [{"coding": [{"system": code_system("encounter-kind"), "code": "elder-health-management"}]}],
        "subject": {"reference": f"Patient/{who}"}, "period": {"start": day}, "extension": extensions,
    }  # fmt: skip


def ability(id_: str, who: str, day: str, level: str = "2", status: str = "final") -> Resource:
    return {
        "resourceType": "Observation", "id": id_, "status": status, "subject": {"reference": f"Patient/{who}"},
        "code": {"coding": [{"system": code_system("assessment"), "code": "elder-ability"}]}, "effectiveDateTime": day,
        "interpretation": [{"coding": [{"system": code_system("ability-level"), "code": level}]}],
    }  # fmt: skip


def stay(id_: str, who: str, start: str, end: str = "", status: str = "active") -> Resource:
    return {
        "resourceType": "EpisodeOfCare", "id": id_, "status": status, "patient": {"reference": f"Patient/{who}"},
        "type": [{"coding": [{"system": code_system("episode-kind"), "code": "elder-residence"}]}],
        "period": {"start": start, **({"end": end} if end else {})},
    }  # fmt: skip


KNOWN = {
    "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "990102195001010011"}],
    "name": [{"text": "某人"}],
    "gender": "female",
    "telecom": [{"system": "phone", "value": "13900000000"}],
}
"""What the first sheet of a record asks for."""
SERVICE_DAY = {"elder_health_age_date": "service-day"}
COMPLETE = {"elder_record_complete_only": 1}
PEOPLE = [
    resident("a", "1950-01-01", **KNOWN),  # managed with a complete form and an assessment
    resident("b", "1955-01-01", **KNOWN),  # managed, incomplete
    resident("c", "1961-06-30", **KNOWN),  # 65 on the day itself; nothing
    resident("d", "1961-12-31"),  # 64, and 65 by the end of the year
    resident("e", "1948-01-01", deceasedDateTime="2026-03-01"),
    resident("f", "1940-01-01"),  # in a home, registered elsewhere
    {one: value for one, value in resident("g", "1941-01-01").items() if one != "managingOrganization"},
]
RECORDS = [
    managed("m1", "a", "2026-02-01", assessed=True),
    managed("m2", "b", "2026-02-01", complete=False),
    managed("m3", "e", "2026-02-01"),
    managed("m4", "f", "2025-02-01"),
    ability("o1", "f", "2025-06-30", "3"),  # a year ago to the day: it has ended
    ability("o2", "g", "2025-07-01", "4"),
    ability("o3", "b", "2026-05-01", "1", status="preliminary"),
    ability("o4", "c", "2026-05-01", "1"),
    ability("o5", "c", "2026-06-01", "2"),
    stay("s1", "f", "2024-01-01"),
    stay("s2", "g", "2024-01-01"),
    stay("s3", "c", "2026-01-01"),
    stay("s4", "a", "2024-01-01", "2025-01-01", "finished"),
    *(
        {
            "resourceType": "Observation", "id": f"p-{who}", "status": "final",
            "subject": {"reference": f"Patient/{who}"},
            "code": {"coding": [{"system": code_system("assessment"), "code": "elder-profile"}]},
            "extension": [{"url": structure("registered-here"), "valueBoolean": who == "a"}],
        }
        for who in ("a", "f")
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    views = [*RESIDENTS.views, *SERVICE.views]
    return snapshot_of(tmp_path_factory.mktemp("views"), [*PEOPLE, *RECORDS], views)


def values(**more: Any) -> dict[str, Any]:
    declared = {one.id: one.value for one in (*RESIDENTS.parameters, *SERVICE.parameters)}
    return declared | {name.replace("_", "-"): value for name, value in more.items()}


@pytest.mark.parametrize(
    ("id_", "figures", "expected"),
    [
        ("elder-management-rate-65", {}, (1, 6)),  # a of a b c d f g: d turns 65 on the year's last day
        ("elder-management-rate-65", SERVICE_DAY, (1, 5)),  # d is not yet 65
        ("elder-management-rate-65", {"elder_health_complete_only": 0}, (2, 6)),
        ("elder-management-rate-65", {"elder_health_registered_only": 1}, (1, 5)),
        ("elder-management-rate-60", {}, (1, 6)),
        ("elder-management-rate-60", SERVICE_DAY, (1, 6)),
        ("elder-assessment-65", {}, (2, 6)),  # a by the yearly service, c by the ability assessment
        ("elder-assessment-65", SERVICE_DAY, (1, 5)),  # c was 64 when assessed
        ("elder-health-records-65", {}, (4, 5)),  # nobody keeps g's
        (
            "elder-health-records-65",
            COMPLETE,
            (1, 5),
        ),  # a; b and c lack the profile and a complete form, f the telephone
        ("elder-health-records-65", COMPLETE | {"elder_record_parts": "identity,contact"}, (3, 5)),  # a b c
        ("elder-health-records-65", COMPLETE | {"elder_record_parts": "profile"}, (2, 5)),  # a f
        ("home-residents-assessed", {}, (1, 3)),  # c; f's has ended, g has no record
        ("ability-assessments-by-level", {}, (1, 1)),  # c once
        ("ability-reassessments-overdue", {}, (1, 1)),  # f
        ("ability-reassessments-overdue", {"elder_assessment_interval_months": 6}, (2, 2)),  # f g
    ],
)
def test_numbers(snapshot: Snapshot, id_: str, figures: dict[str, Any], expected: tuple[int, int]) -> None:
    measure = next(one for one in SERVICE.measures if one.id == id_)
    result = snapshot.evaluate(EVERYTHING, measure, values(**figures), START, DAY)
    assert (result.numerator, result.denominator) == expected
    assert SERVICE.checks[id_]([*PEOPLE, *RECORDS], START, DAY, values(**figures)) == expected


def listed(snapshot: Snapshot, name: str, **figures: Any) -> dict[str, dict[str, Any]]:
    declared = next(one for one in SERVICE.lists if one.id == name)
    page = snapshot.listed(EVERYTHING, declared, values(**figures), DAY, ListAsked(limit=100))
    return {one.subject: dict(one.values) for one in page.rows}


def test_who_is_not_examined(snapshot: Snapshot) -> None:
    found = listed(snapshot, "not-examined")
    # d turns 65 within the year; b's form is incomplete; the dead are not asked for
    assert set(found) == {"Patient/b", "Patient/c", "Patient/d", "Patient/f", "Patient/g"}
    assert found["Patient/f"]["last_one"] == "2025-02-01"
    assert found["Patient/d"]["age"] == 65
    assert set(listed(snapshot, "not-examined", elder_health_complete_only=0)) == {
        "Patient/c", "Patient/d", "Patient/f", "Patient/g",
    }  # fmt: skip
    # by the age on the day itself d is not due yet
    assert set(listed(snapshot, "not-examined", elder_health_age_date="service-day")) == set(found) - {
        "Patient/d"
    }


def test_whose_record_lacks_something(snapshot: Snapshot) -> None:
    found = listed(snapshot, "records-incomplete")
    lacking = {who: {part for part, value in row.items() if value == "lacks"} for who, row in found.items()}
    assert lacking == {
        "Patient/b": {"profile", "examination"},
        "Patient/c": {"profile", "examination"},
        "Patient/f": {"identity", "contact"},  # examined last year
        "Patient/g": {"kept", "identity", "contact", "profile", "examination"},
    }
    # what is not asked for is not missing
    assert set(listed(snapshot, "records-incomplete", elder_record_parts="profile")) == {
        "Patient/b", "Patient/c", "Patient/g",
    }  # fmt: skip


def test_whose_assessment_ends(snapshot: Snapshot) -> None:
    found = listed(snapshot, "reassessment-due")
    assert {who: row["state"] for who, row in found.items()} == {"Patient/f": "soon", "Patient/g": "soon"}
    assert set(listed(snapshot, "reassessment-due", elder_ability_due_days=0)) == {"Patient/f"}
