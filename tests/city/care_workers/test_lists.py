"""Training before the post (R46), wages by level, training and honours, and care workers per resident, by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.access import system_grant
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource, code_system, structure
from kangshu.services import read_folder
from tests.measures.city import service_of, snapshot_of

ROOT = Path(kangshu_services.__path__[0])
SERVICE = service_of("care_workers")
OTHERS = [read_folder(ROOT / name) for name in ("institutions", "residents")]
VALUES: dict[str, Any] = {one.id: one.value for one in SERVICE.parameters}
START, DAY = date(2026, 1, 1), date(2026, 6, 30)
EVERYTHING = system_grant("test")


def held(kind: str, code: str, start: str, end: str = "2030-01-01") -> Resource:
    coding = [{"system": code_system(kind), "code": code}]
    return {"code": {"coding": coding, "text": code}, "period": {"start": start, "end": end}}


def worker(
    id_: str, home: str, wage: int, *qualifications: Resource, kind: str = "frontline"
) -> list[Resource]:
    return [
        {
            "resourceType": "Practitioner", "id": id_, "active": True, "qualification": list(qualifications),
            "identifier": [{"system": "http://kangshu.org/fhir/sid/care-worker", "value": id_}],
        },
        {
            "resourceType": "PractitionerRole", "id": f"post-{id_}", "active": True, "period": {"start": "2026-02-01"},
            "practitioner": {"reference": f"Practitioner/{id_}"}, "organization": {"reference": f"Organization/{home}"},
            "code": [{"coding": [{"system": code_system("staff-role"), "code": "elder-care-worker"}]}],
            "extension": [
                {"url": structure("care-post"), "valueCode": kind},
                {"url": structure("monthly-wage"), "valueDecimal": wage},
            ],
        },
    ]  # fmt: skip


def home(id_: str, residents: int) -> list[Resource]:
    kind = [{"coding": [{"system": code_system("organisation-kind"), "code": "elder-institution"}]}]
    stays: list[Resource] = [
        {
            "resourceType": "EpisodeOfCare", "id": f"{id_}-{number}", "status": "active", "period": {"start": "2025-01-01"},
            "type": [{"coding": [{"system": code_system("episode-kind"), "code": "elder-residence"}]}],
            "patient": {"reference": f"Patient/{id_}-{number}"}, "managingOrganization": {"reference": f"Organization/{id_}"},
        }
        for number in range(residents)
    ]  # fmt: skip
    return [{"resourceType": "Organization", "id": id_, "active": True, "name": id_, "type": kind}, *stays]


TRAINED = held("care-training", "pre-job", "2026-01-31")
RECORDS = [
    *home("full", 5),
    *home("short", 6),
    *worker("level", "full", 3499, held("care-skill-level", "5", "2025-01-01", "2026-08-01")),
    *worker("trained", "short", 3599, TRAINED, held("care-skill-level", "5", "2025-01-01")),
    *worker("honoured", "short", 3400, held("care-honour", "city", "2025-01-01"), kind="support"),
    *worker("same-day", "short", 3300, held("care-training", "pre-job", "2026-02-01"), kind="management"),
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    views = [*SERVICE.views, *(view for other in OTHERS for view in other.views)]
    return snapshot_of(tmp_path_factory.mktemp("views"), RECORDS, views)


def listed(snapshot: Snapshot, id_: str, **other: Any) -> dict[str, dict[str, Any]]:
    declared = next(one for one in SERVICE.lists if one.id == id_)
    given = {name: VALUES[name] for name in declared.parameters} | other
    page = snapshot.listed(EVERYTHING, declared, given, DAY, ListAsked(limit=50))
    return {one.subject or "": dict(one.values) for one in page.rows}


def test_a_wage_is_held_against_level_training_and_honours(snapshot: Snapshot) -> None:
    found = {subject: one["standard"] for subject, one in listed(snapshot, "below-wage").items()}
    assert found == {"PractitionerRole/post-level": 3500, "PractitionerRole/post-trained": 3600}
    dearer = listed(snapshot, "below-wage", **{"care-wage-honour-addition": 201})
    assert dearer["PractitionerRole/post-honoured"]["standard"] == 3401


def test_homes_with_too_few_frontline_workers_are_listed(snapshot: Snapshot) -> None:
    found = listed(snapshot, "below-ratio")
    counted = {"residents": 6, "severe": 0, "unassessed": 6, "workers": 1, "needed": 2, "short": 1}
    assert found == {"Organization/short": counted}
    assert set(listed(snapshot, "below-ratio", **{"care-ratio": 0.21})) == {
        "Organization/full",
        "Organization/short",
    }


def test_how_many_a_home_needs_follows_how_disabled_its_residents_are(tmp_path: Path) -> None:
    def assessed(number: int, day: str, level: str) -> Resource:
        return {
            "resourceType": "Observation", "id": f"level-{number}-{day}", "status": "final", "effectiveDateTime": day,
            "code": {"coding": [{"system": code_system("assessment"), "code": "elder-ability"}]},
            "subject": {"reference": f"Patient/full-{number}"},
            "interpretation": [{"coding": [{"system": code_system("ability-level"), "code": level}]}],
        }  # fmt: skip

    views = [*SERVICE.views, *(view for one in OTHERS for view in one.views)]
    levels = [assessed(one, "2026-01-05", "4") for one in range(4)]
    later = [assessed(0, "2026-06-01", "0"), assessed(1, "2026-08-01", "0")]
    found = listed(snapshot_of(tmp_path, [*RECORDS, *levels, *later], views), "below-ratio")
    # 0.1 for the one who is able now, 0.34 for three, 0.2 for who is not assessed; the assessment to come counts for nothing
    assert found["Organization/full"]["severe"] == 3
    assert found["Organization/full"]["needed"] == 2


def test_training_on_the_first_day_comes_too_late(snapshot: Snapshot) -> None:
    measure = next(one for one in SERVICE.measures if one.id == "pre-job-training-rate")
    given = {name: VALUES[name] for name in measure.parameters}
    result = snapshot.evaluate(EVERYTHING, measure, given, START, DAY)
    assert (
        (result.numerator, result.denominator)
        == (1, 4)
        == SERVICE.checks[measure.id](RECORDS, START, DAY, given)
    )
    assert "Practitioner/same-day" in listed(snapshot, "untrained")


def test_certificates_that_end_soon_are_listed(snapshot: Snapshot) -> None:
    assert set(listed(snapshot, "certificates-ending")) == {"Practitioner/level"}
    assert listed(snapshot, "certificates-ending", **{"care-certificate-notice-days": 31}) == {}


def paid(id_: str, who: str, day: str, state: str = "settled") -> Resource:
    """Return a claim of the degree subsidy that was paid on the day, or stands in another state."""
    event = {
        "url": structure("case-event"),
        "extension": [{"url": "move", "valueCode": "pay"}],
    }
    values: dict[str, dict[str, Any]] = {
        "incentive": {"valueCode": "degree"},
        "worker": {"valueReference": {"reference": f"Practitioner/{who}"}},
        "account": {"valueString": "62170000900000001"},
        "bank": {"valueString": "农商行"},
    }
    return {
        "resourceType": "Task", "id": id_, "status": "in-progress", "intent": "order", "authoredOn": day,
        "code": {"coding": [{"system": code_system("case-kind"), "code": "care_workers/incentive"}]},
        "businessStatus": {"coding": [{"system": code_system("case-state"), "code": state}]},
        "owner": {"reference": "Organization/civil"},
        "note": [{"text": "pay", "time": f"{day}T09:00:00+08:00", "extension": [event]}] if state in ("paid", "settled") else [],
        "input": [
            {"type": {"coding": [{"system": code_system("case-field"), "code": name}]}, **value}
            for name, value in values.items()
        ],
    }  # fmt: skip


def test_the_next_instalment_falls_due_a_year_after_the_last(tmp_path: Path) -> None:
    records = [
        *worker("due", "full", 4000),
        paid("due-1", "due", "2025-06-30"),
        *worker("early", "full", 4000),
        paid("early-1", "early", "2025-07-01"),
        *worker("all", "full", 4000),
        *(paid(f"all-{year}", "all", f"{year}-01-10") for year in (2023, 2024, 2025)),
        *worker("asked", "full", 4000),
        paid("asked-1", "asked", "2025-01-10"),
        paid("asked-2", "asked", "2026-02-01", state="confirmed"),
        paid("gone-1", "gone", "2025-01-10"),  # in no post any more
    ]
    views = [*SERVICE.views, *(view for other in OTHERS for view in other.views)]
    snapshot = snapshot_of(tmp_path, records, views)
    found = listed(snapshot, "instalments-due")
    assert {subject: one["paid_before"] for subject, one in found.items()} == {"Practitioner/due": 1}
    assert listed(snapshot, "instalments-due", **{"degree-subsidy-schedule": "once"}) == {}
