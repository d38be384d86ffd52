"""The measures of contracts agree with their second computation over a drawn city, to the last person; lists too."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.access import system_grant
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource
from kangshu.services import read_folder
from kangshu.services.city import make_city
from tests.measures.city import service_of, snapshot_of

FOLDER = Path(kangshu_services.__path__[0])
SERVICE = service_of("family_doctor")
OTHERS = [read_folder(FOLDER / one) for one in ("residents", "institutions")]
EVERYTHING = system_grant("test")
DAY = date(2026, 6, 30)
_SD = "http://kangshu.org/fhir/StructureDefinition"
_CS = "http://kangshu.org/fhir/CodeSystem"


@pytest.fixture(scope="module")
def city() -> list[Resource]:
    """A drawn city of six hundred residents with this service's records alone, and a few by hand."""
    made = list(make_city(residents=600, years=2, services=[SERVICE], today=DAY))
    people = [one for one in made if one["resourceType"] == "Patient"]
    someone = people[0]
    refused = {
        "resourceType": "Contract",
        "id": "refused",
        "status": "rejected",
        "type": {"coding": [{"system": f"{_CS}/contract-kind", "code": "family-doctor"}]},
        "subject": [{"reference": f"Patient/{someone['id']}"}],
        "applies": {"start": "2026-02-01"},
    }
    sick = [
        {
            "resourceType": "Condition",
            "id": f"sick-{number}",
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]},
            "subject": {"reference": f"Patient/{people[number]['id']}"},
            "clinicalStatus": {"coding": [{"code": "resolved" if number % 7 == 0 else "active"}]},
            "onsetDateTime": "2024-05-01",
        }
        for number, code in enumerate(("I10", "E11.9", "J44.9") * 20)
    ]
    tagged = [
        {
            "resourceType": "Flag",
            "id": f"tag-{number}",
            "status": "active" if number % 5 else "inactive",
            "category": [{"coding": [{"system": f"{_CS}/flag-kind", "code": "key-group"}]}],
            "code": {"coding": [{"system": f"{_CS}/key-group", "code": group}]},
            "subject": {"reference": f"Patient/{people[number]['id']}"},
            "period": {"start": "2026-01-01", **({"end": "2026-03-01"} if number % 3 == 0 else {})},
        }
        for number, group in enumerate(("tuberculosis", "family-planning") * 10)
    ]
    return [*made, refused, *sick, *tagged]


@pytest.fixture(scope="module")
def snapshot(city: list[Resource], tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    views = [*(view for one in OTHERS for view in one.views), *SERVICE.views]
    return snapshot_of(tmp_path_factory.mktemp("views"), city, views)


def values(**more: Any) -> dict[str, Any]:
    declared = {one.id: one.value for folder in (*OTHERS, SERVICE) for one in folder.parameters}
    return declared | {name.replace("_", "-"): value for name, value in more.items()}


@pytest.mark.parametrize(
    ("id_", "figures"),
    [
        *((id_, {}) for id_ in SERVICE.checks),
        # R48: what counts as covered, and who is in the denominator
        ("family-doctor-coverage-60", {"contract_coverage_served": 1}),
        ("family-doctor-coverage-all", {"contract_refusals_counted": 0}),
        ("family-doctor-coverage-all", {"contract_coverage_served": 1, "contract_refusals_counted": 0}),
        # R20: whether a township centre counts
        ("family-doctor-one-plus-one", {"contract_rural_township": 0}),
        ("family-doctor-satisfaction", {"contract_satisfied_least": 5}),
        ("family-doctor-renewal", {"contract_renewal_window_days": 5}),
    ],
)
def test_a_measure_agrees_with_its_second_computation(
    snapshot: Snapshot, city: list[Resource], id_: str, figures: dict[str, Any]
) -> None:
    measure = next(one for one in SERVICE.measures if one.id == id_)
    given = values(**figures)
    for end in (DAY, DAY - timedelta(days=100)):
        start = date(end.year, 1, 1) if measure.period == "year" else end
        result = snapshot.evaluate(EVERYTHING, measure, given, start, end)
        numerator, denominator = SERVICE.checks[id_](city, start, end, given)
        assert denominator > 0 or end != DAY, "nothing is counted: the test would show nothing"
        assert (result.numerator, result.denominator) == (pytest.approx(numerator), denominator)


def test_a_choice_of_r48_and_r20_changes_the_number(snapshot: Snapshot) -> None:
    def counted(id_: str, **figures: Any) -> tuple[float, float]:
        measure = next(one for one in SERVICE.measures if one.id == id_)
        found = snapshot.evaluate(EVERYTHING, measure, values(**figures), DAY, DAY)
        return found.numerator, found.denominator

    plain = counted("family-doctor-coverage-all")
    assert counted("family-doctor-coverage-all", contract_coverage_served=1)[0] < plain[0]
    assert counted("family-doctor-coverage-all", contract_refusals_counted=0)[1] in (plain[1], plain[1] - 1)
    whole = counted("family-doctor-one-plus-one")
    assert counted("family-doctor-one-plus-one", contract_rural_township=0)[0] < whole[0]


def test_overlapping_shifts_count_once(tmp_path: Path) -> None:
    """R20: of a day the union of the intervals on call, per team; a team without shifts has none."""

    def team(id_: str) -> Resource:
        category = {"coding": [{"system": f"{_CS}/team-kind", "code": "family-doctor"}]}
        return {"resourceType": "CareTeam", "id": id_, "status": "active", "category": [category]}

    def shift(id_: str, start: str, end: str) -> Resource:
        post = {"coding": [{"system": f"{_CS}/duty-post", "code": "family-doctor"}]}
        reference = {"url": f"{_SD}/care-team", "valueReference": {"reference": "CareTeam/a"}}
        horizon = {"start": start, "end": end}
        return {
            "resourceType": "Schedule", "id": id_, "active": True, "extension": [reference], "serviceType": [post],
            "planningHorizon": horizon,
        }  # fmt: skip

    records = [
        team("a"),
        team("b"),
        shift("1", "2026-06-29T20:00:00+08:00", "2026-06-30T06:00:00+08:00"),
        shift("2", "2026-06-30T04:00:00+08:00", "2026-06-30T08:30:00+08:00"),
        shift("3", "2026-06-30T22:00:00+08:00", "2026-07-01T08:00:00+08:00"),
    ]
    measure = next(one for one in SERVICE.measures if one.id == "family-doctor-on-call-hours")
    result = snapshot_of(tmp_path, records, SERVICE.views).evaluate(EVERYTHING, measure, values(), DAY, DAY)
    assert (result.numerator, result.denominator) == (10.5, 2)
    assert SERVICE.checks[measure.id](records, DAY, DAY, values()) == (10.5, 2)


@pytest.mark.parametrize("name", [one.id for one in SERVICE.lists])
def test_a_list_holds_what_is_to_do(snapshot: Snapshot, name: str) -> None:
    declared = next(one for one in SERVICE.lists if one.id == name)
    page = snapshot.listed(EVERYTHING, declared, values(), DAY, ListAsked(limit=50))
    assert page.rows, "the drawn city leaves something to do"
    assert len({one.subject for one in page.rows}) == len(page.rows), "each subject once"


def test_who_has_a_contract_is_on_no_list_of_the_uncovered(snapshot: Snapshot, city: list[Resource]) -> None:
    declared = next(one for one in SERVICE.lists if one.id == "uncovered-key-groups")
    page = snapshot.listed(EVERYTHING, declared, values(), DAY, ListAsked(limit=500))
    covered = {
        one["subject"][0]["reference"]
        for one in city
        if one["resourceType"] == "Contract"
        and one["status"] == "executed"
        and one["applies"]["start"] <= DAY.isoformat() <= one["applies"]["end"]
    }
    assert covered
    assert not covered & {one.subject for one in page.rows}
