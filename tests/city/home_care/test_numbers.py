"""Beds at home, visits and transfers counted by hand and by the check queries; who is due for rounds."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

SERVICE = service_of("home_care")
EVERYTHING = system_grant("test")
START, DAY = date(2026, 1, 1), date(2026, 6, 30)


def bed(id_: str, status: str, start: str, end: str = "", kind: str = "family-care-bed") -> Resource:
    return {
        "resourceType": "EpisodeOfCare", "id": id_, "status": status, "patient": {"reference": f"Patient/{id_}"},
        "type": [{"coding": [{"system": code_system("episode-kind"), "code": kind}]}],
        "period": {"start": start, **({"end": end} if end else {})},
    }  # fmt: skip


def visit(id_: str, day: str, of: str = "", planned: str = "", status: str = "finished") -> Resource:
    found: Resource = {
        "resourceType": "Encounter", "id": id_, "status": status, "class": {"code": "HH"},
        "type": [{"coding": [{"system": code_system("encounter-kind"), "code": "home-visit"}]}],
        "subject": {"reference": "Patient/x"}, "period": {"start": day},
    }  # fmt: skip
    if of:
        found["episodeOfCare"] = [{"reference": f"EpisodeOfCare/{of}"}]
    if planned:
        found["extension"] = [{"url": structure("planned-on"), "valueDate": planned}]
    return found


def transfer(id_: str, day: str, direction: str) -> Resource:
    return {
        "resourceType": "Basic", "id": id_, "subject": {"reference": "Patient/x"}, "created": day,
        "code": {"coding": [{"system": code_system("record-kind"), "code": "care-transfer"}]},
        "extension": [{"url": structure("transfer-direction"), "valueCode": direction}],
    }  # fmt: skip


RECORDS = [
    bed("b1", "active", "2026-01-10"),
    bed("b2", "active", "2025-01-10", kind="home-hospital-bed"),
    bed("b3", "onhold", "2026-01-10"),
    bed("b4", "finished", "2025-01-10", "2025-12-01"),
    bed("b5", "finished", "2025-01-10", "2026-02-01"),
    bed("b6", "planned", "2026-06-01"),
    bed("b7", "active", "2026-07-01"),
    bed("b8", "active", "2026-01-01", kind="elder-residence"),
    visit("v1", "2026-02-01", of="b1"),
    visit("v2", "2026-03-01", of="b1"),
    visit("v3", "2026-03-01", of="b2"),
    visit("v4", "2026-03-01", of="b5", status="cancelled"),
    visit("v5", "2025-03-01", of="b2"),
    visit("v6", "2026-04-01T16:30:00Z", planned="2026-04-02"),  # half past midnight of the second, here
    visit("v7", "2026-04-03", planned="2026-04-02"),
    visit("v8", "2026-04-03", planned="2026-04-04", status="in-progress"),
    transfer("t1", "2026-02-01", "institution"),
    transfer("t2", "2026-03-01", "home"),
    transfer("t3", "2025-03-01", "home"),
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return snapshot_of(tmp_path_factory.mktemp("views"), RECORDS, SERVICE.views)


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("home-beds-in-use", (2, 2)),  # b1 b2
        ("home-visits-per-bed", (3, 4)),  # v1 v2 v3 for b1 b2 b3 b5
        ("care-transfers", (2, 2)),
        ("home-visits-on-time", (1, 2)),  # v6 of v6 v7
    ],
)
def test_numbers(snapshot: Snapshot, id_: str, expected: tuple[int, int]) -> None:
    values: dict[str, Any] = {one.id: one.value for one in SERVICE.parameters}
    measure = next(one for one in SERVICE.measures if one.id == id_)
    result = snapshot.evaluate(EVERYTHING, measure, values, START, DAY)
    assert (result.numerator, result.denominator) == expected
    assert SERVICE.checks[id_](RECORDS, START, DAY, values) == expected


def agreed(id_: str, times: int, period: str, since: str, status: str = "active") -> Resource:
    found = bed(id_, status, "2026-01-10")
    found["extension"] = [
        {"url": structure("visit-times"), "valueInteger": times},
        {"url": structure("visit-period"), "valueCode": period},
        {"url": structure("visit-since"), "valueDate": since},
    ]
    return found


def test_visits_due_and_missed(tmp_path: Path) -> None:
    """Three a week fall due on the third day, the fifth and the seventh after the last; a month has thirty days."""
    records = [
        agreed("today", 3, "week", "2026-01-10"),
        visit("v-today", "2026-06-27", of="today"),
        agreed("missed", 3, "week", "2026-01-10"),
        visit("v-missed", "2026-06-24", of="missed"),
        visit("v-cancelled", "2026-06-29", of="missed", status="cancelled"),
        agreed("early", 3, "week", "2026-01-10"),
        visit("v-early", "2026-06-28", of="early"),
        agreed("back", 2, "month", "2026-06-14"),  # came home sixteen days ago, and nobody has called
        agreed("away", 3, "week", "2026-01-10", status="onhold"),
        bed("text", "active", "2026-01-10"),
    ]
    snapshot = snapshot_of(tmp_path, records, SERVICE.views)
    declared = next(one for one in SERVICE.lists if one.id == "visits-due")
    page = snapshot.listed(EVERYTHING, declared, {}, DAY, ListAsked(limit=100))
    assert {one.subject: one.values["missed"] for one in page.rows} == {
        "EpisodeOfCare/today": 0, "EpisodeOfCare/missed": 2, "EpisodeOfCare/back": 1,
    }  # fmt: skip
