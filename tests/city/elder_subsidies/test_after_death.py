"""Who has died and is still registered or paid for: found by the office that may not read residents."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

import pytest

from kangshu.access import Everything, system_grant
from kangshu.base.faults import Forbidden
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

SERVICE = service_of("elder_subsidies")
OTHERS = [service_of(name) for name in ("institutions", "residents")]
DAY = date(2026, 6, 30)
CIVIL = replace(
    system_grant("civil affairs"),
    read=MappingProxyType({name: Everything() for name in ("EpisodeOfCare", "Task")}),
    aggregate=MappingProxyType({"*": Everything()}),
)
"""Reads stays and claims, counts everybody, reads no resident."""


def resident(name: str, died: str = "") -> Resource:
    return {
        "resourceType": "Patient",
        "id": name,
        "active": True,
        **({"deceasedDateTime": died} if died else {}),
    }


def stay(name: str, person: str, end: str = "") -> Resource:
    return {
        "resourceType": "EpisodeOfCare",
        "id": name,
        "status": "active",
        "type": [{"coding": [{"system": code_system("episode-kind"), "code": "elder-residence"}]}],
        "patient": {"reference": f"Patient/{person}"},
        "managingOrganization": {"reference": "Organization/home"},
        "period": {"start": "2025-01-01", **({"end": end} if end else {})},
    }


def claim(*rows: dict[str, Any]) -> Resource:
    def cell(name: str, value: dict[str, Any]) -> dict[str, Any]:
        return {"url": "cell", "extension": [{"url": "column", "valueCode": name}, {"url": "value", **value}]}

    def row(one: dict[str, Any]) -> dict[str, Any]:
        cells = [
            cell("stay", {"valueString": one["stay"]}),
            cell("from", {"valueDate": one["from"]}),
            cell("until", {"valueDate": one["until"]}),
            cell("counted", {"valueInteger": one["counted"]}),
        ]
        return {
            "type": {"coding": [{"system": code_system("case-field"), "code": "roster"}]},
            "extension": [{"url": structure("table-row"), "extension": cells}],
            "valueString": "—",
        }

    return {
        "resourceType": "Task",
        "id": "claim",
        "status": "in-progress",
        "intent": "order",
        "code": {"coding": [{"system": code_system("case-kind"), "code": "elder_subsidies/claim"}]},
        "businessStatus": {"coding": [{"system": code_system("case-state"), "code": "paid"}]},
        "requester": {"reference": "Organization/home"},
        "input": [row(one) for one in rows],
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    roster = {"from": "2026-01-01", "until": "2026-03-31", "counted": 90}
    records = (
        resident("alive"),
        resident("gone", "2026-02-10T08:00:00+08:00"),
        resident("ended", "2026-02-10"),
        stay("one", "alive"),
        stay("two", "gone"),
        stay("three", "ended", "2026-02-10"),
        claim(
            {"stay": "EpisodeOfCare/one", **roster},
            {"stay": "EpisodeOfCare/two", **roster},
            # reckoned after the death was known: nothing too much
            {"stay": "EpisodeOfCare/three", **roster, "until": "2026-03-31", "counted": 41},
        ),
    )
    views = [*SERVICE.views, *(view for one in OTHERS for view in one.views)]
    return snapshot_of(tmp_path_factory.mktemp("views"), records, views)


def rows(published: Snapshot, name: str) -> list[tuple[str, Any]]:
    declared = next(one for one in SERVICE.lists if one.id == name)
    page = published.listed(CIVIL, declared, {}, DAY, ListAsked())
    return [(one.subject, one.values["days"]) for one in page.rows]


def test_an_open_stay_of_somebody_who_died_is_work(published: Snapshot) -> None:
    assert rows(published, "stays-after-death") == [("EpisodeOfCare/two", 140)]


def test_days_paid_beyond_a_death_are_found(published: Snapshot) -> None:
    # 1 January to 10 February are 41 days; 90 were counted
    assert rows(published, "paid-after-death") == [("Task/claim", 49)]


def test_what_is_not_declared_as_counted_stays_closed(published: Snapshot) -> None:
    declared = next(one for one in SERVICE.lists if one.id == "stays-after-death")
    with pytest.raises(Forbidden):
        published.listed(CIVIL, replace(declared, counted=()), {}, DAY, ListAsked())
