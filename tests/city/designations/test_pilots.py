"""T021 and T129: what a pilot needs is read from the registers, on the day that is asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

SERVICE, AGREEMENTS = service_of("designations"), service_of("medical_elder")
EVERYTHING = system_grant("test")
DAY = date(2026, 6, 30)
VALUES: dict[str, Any] = {one.id: one.value for one in (*AGREEMENTS.parameters, *SERVICE.parameters)}


def record(kind: str, id_: str, day: str = "2026-01-01", subject: str = "", **held: Any) -> Resource:
    """Return a record; of `held` each is an extension by its name with underscores for hyphens: (type, value)."""
    listed = {"record_day": ("Date", day), **held}
    made: Resource = {
        "resourceType": "Basic",
        "id": id_,
        "code": {"coding": [{"system": code_system("record-kind"), "code": kind}], "text": id_},
        "extension": [
            {"url": structure(name.replace("_", "-")), f"value{type_}": value}
            for name, (type_, value) in listed.items()
        ],
    }
    return {**made, **({"subject": {"reference": subject}} if subject else {})}


def pilot(
    id_: str, kind: str, county: str, agreement: str = "", state: str = "running", **held: Any
) -> Resource:
    named: dict[str, Any] = (
        {"agreement": ("Reference", {"reference": f"Contract/{agreement}"})} if agreement else {}
    )
    fixed: dict[str, Any] = {
        "record_class": ("Code", kind),
        "record_state": ("Code", state),
        "district": ("Code", county),
    }
    return record("pilot", id_, **fixed, **named, **held)


def agreement(id_: str, home: str, start: str, end: str, status: str = "executed") -> Resource:
    return {
        "resourceType": "Contract",
        "id": id_,
        "status": status,
        "type": {"coding": [{"system": code_system("contract-kind"), "code": "medical-elder"}]},
        "applies": {"start": start, "end": end},
        "subject": [{"reference": f"Organization/{home}"}],
        "authority": [{"reference": "Organization/hospital"}],
    }


def of(
    pilot_id: str, kind: str, id_: str, day: str = "2026-01-01", expert: str = "", **held: Any
) -> Resource:
    to = ("Reference", {"reference": f"Basic/{pilot_id}"})
    return record(kind, id_, day, f"Practitioner/{expert}" if expert else "", record_of=to, **held)


PAIR, COUNTY = "medical-elder-cooperation", "health-management-county"
RECORDS = [
    agreement("now", "home-1", "2026-01-01", "2026-12-31"),
    agreement("again", "home-1", "2026-01-01", "2026-12-31"),
    agreement("over", "home-2", "2025-01-01", "2026-06-29"),
    agreement("broken", "home-3", "2026-01-01", "2026-12-31", "terminated"),
    pilot("p1", PAIR, "990102", "now"),
    pilot("p2", PAIR, "990102", "again"),
    pilot("p3", PAIR, "990103", "over"),
    pilot("p4", PAIR, "990103", "broken"),
    pilot("p5", PAIR, "990104"),
    pilot("p6", PAIR, "990104", "now", state="stopped"),
    # two pilots of one county are one; the next lacks an expert, the next its office, the last was stopped in July
    pilot("c1", COUNTY, "990102"), pilot("c2", COUNTY, "990102"),
    pilot("c3", COUNTY, "990103"), pilot("c4", COUNTY, "990104"),
    pilot("c5", COUNTY, "990105", state="stopped", record_ended=("Date", "2026-07-01")),
    *(of(one, "pilot-office", f"o-{one}") for one in ("c1", "c2", "c3", "c5")),
    of("c4", "pilot-office", "o-c4", record_ended=("Date", "2026-06-30")),
    *(of(one, "pilot-expert", f"{one}-{place}", expert=f"e{place}") for one in ("c1", "c2", "c4", "c5") for place in (1, 2, 3)),
    # the same expert twice is one
    *(of("c3", "pilot-expert", f"c3-{place}", expert=f"e{min(place, 2)}") for place in (1, 2, 3)),
]  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return snapshot_of(tmp_path_factory.mktemp("views"), RECORDS, (*SERVICE.views, *AGREEMENTS.views))


@pytest.mark.parametrize(
    ("id_", "day", "changed", "expected"),
    [
        ("pilots-medical-elder", DAY, {}, 2),
        ("pilots-medical-elder", DAY, {"pilot-count-basis": "institutions"}, 1),
        ("pilots-medical-elder", date(2026, 6, 29), {}, 3),
        ("pilots-medical-elder", DAY, {"agreement-grace-days": 1}, 3),
        ("pilots-health-management", DAY, {}, 2),  # c1 or c2, c5
        ("pilots-health-management", date(2026, 6, 29), {}, 3),  # c4 had its office
        ("pilots-health-management", date(2026, 7, 1), {}, 1),
        ("pilots-health-management", DAY, {"pilot-experts-least": 2}, 3),
        ("pilots-running", DAY, {}, 10),
    ],
)
def test_pilots_count_by_the_registers(
    snapshot: Snapshot, id_: str, day: date, changed: dict[str, Any], expected: int
) -> None:
    values = {**VALUES, "pilot-count-basis": "pairs", "agreement-grace-days": 0, **changed}
    measure = next(one for one in SERVICE.measures if one.id == id_)
    assert snapshot.evaluate(EVERYTHING, measure, values, day, day).numerator == expected
    assert SERVICE.checks[id_](RECORDS, day, day, values) == (expected, expected)


def test_the_list_says_what_each_pilot_lacks(snapshot: Snapshot) -> None:
    declared = next(one for one in SERVICE.lists if one.id == "pilots-incomplete")
    values = {**VALUES, "agreement-grace-days": 0}
    page = snapshot.listed(EVERYTHING, declared, values, DAY, ListAsked(limit=50))
    assert {row.subject: row.values["lacking"] for row in page.rows} == {
        "Basic/p3": "agreement-ended",
        "Basic/p4": "agreement-ended",
        "Basic/p5": "no-agreement",
        "Basic/c3": "few-experts",
        "Basic/c4": "no-office",
    }
