"""Indicators of smart elder care: counted by the measure and by the check query over a small demo city, cases added by
hand; and by hand over the cases alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.access import system_grant
from kangshu.base.canonical import CASE_KIND, CASE_STATE
from kangshu.base.parameters import ParameterTable
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource
from kangshu.services import freeze, make_city, read_folder
from tests.measures.city import snapshot_of

FOLDER = Path(kangshu_services.__path__[0])
DRAFTS = [
    read_folder(FOLDER / one, f"kangshu_services.{one}")
    for one in ("residents", "institutions", "smart_elder_care")
]
SERVICES = tuple(freeze(one) for one in DRAFTS)
SERVICE = SERVICES[-1]
EVERYTHING = system_grant("test")
START, DAY = date(2026, 1, 1), date(2026, 6, 30)
TABLE = ParameterTable(one for each in SERVICES for one in each.parameters)


def case(
    kind: str, id_: str, state: str, begun: str, events: Mapping[str, str] | None = None, **values: Any
) -> Resource:
    def note(move: str, at: str) -> Resource:
        parts = [{"url": "move", "valueCode": move}, {"url": "to", "valueCode": "x"}]
        return {
            "text": move,
            "time": at,
            "extension": [
                {"url": "http://kangshu.org/fhir/StructureDefinition/case-event", "extension": parts}
            ],
        }

    return {
        "resourceType": "Task", "id": id_, "status": "completed", "intent": "order", "authoredOn": begun,
        "code": {"coding": [{"system": CASE_KIND, "code": f"smart_elder_care/{kind}"}]},
        "businessStatus": {"coding": [{"system": CASE_STATE, "code": state}]},
        "input": [
            {"type": {"coding": [{"system": "http://kangshu.org/fhir/CodeSystem/case-field", "code": name}]}, **value}
            for name, value in values.items()
        ],
        "note": [note(move, at) for move, at in (events or {}).items()],
    }  # fmt: skip


CASES = [
    case("call", "c1", "closed", "2026-03-01T08:00:00+08:00", {"answer": "2026-03-01T08:00:59+08:00"}),
    case("call", "c2", "closed", "2026-03-01T08:00:00+08:00", {"answer": "2026-03-01T08:01:01+08:00"}),
    case("call", "c3", "received", "2026-03-01T08:00:00+08:00"),
    case("call", "c4", "closed", "2025-12-31T23:59:00+08:00", {"answer": "2026-01-01T00:00:00+08:00"}),
    case("order", "o1", "confirmed", "2026-02-01T08:00:00+08:00", payer={"valueCode": "self"}, rating={"valueCode": "4"}),
    case("order", "o2", "done", "2026-02-01T08:00:00+08:00", payer={"valueCode": "government"}),
    case("order", "o3", "cancelled", "2026-02-01T08:00:00+08:00"),
    case("order", "o4", "ordered", "2026-02-01T08:00:00+08:00"),
    case("order", "o5", "confirmed", "2025-02-01T08:00:00+08:00"),
    case("complaint", "p1", "closed", "2026-02-03T08:00:00+08:00", order={"valueReference": {"reference": "Task/o1"}}),
    case("complaint", "p2", "withdrawn", "2026-02-03T08:00:00+08:00", order={"valueReference": {"reference": "Task/o2"}}),
]  # fmt: skip


@pytest.fixture(scope="module")
def records() -> list[Resource]:
    return [*make_city(300, 1, 7, SERVICES, DAY), *CASES]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory, records: list[Resource]) -> Snapshot:
    views = [one for each in SERVICES for one in each.views]
    return snapshot_of(tmp_path_factory.mktemp("views"), records, views)


def measured(snapshot: Snapshot, id_: str, **other: Any) -> tuple[float, float]:
    measure = next(one for one in SERVICE.measures if one.id == id_)
    result = snapshot.evaluate(EVERYTHING, measure, {**values(measure.parameters), **other}, START, DAY)
    return result.numerator, result.denominator


def values(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: TABLE.value(name, "990100", DAY) for name in names}


@pytest.mark.parametrize("id_", sorted(SERVICE.checks))
def test_each_measure_agrees_with_its_check_query(
    snapshot: Snapshot, records: list[Resource], id_: str
) -> None:
    measure = next(one for one in SERVICE.measures if one.id == id_)
    found = measured(snapshot, id_)
    assert found == SERVICE.checks[id_](records, START, DAY, values(measure.parameters))
    assert found[1] > 0


def test_calls_orders_and_complaints_by_hand(snapshot: Snapshot) -> None:
    assert measured(snapshot, "call-answer-in-time") == (1, 3)
    assert measured(snapshot, "elder-orders") == (3, 3)
    assert measured(snapshot, "elder-complaint-rate") == (1, 2)
    assert measured(snapshot, "call-answer-seconds") == (120, 2)
    assert measured(snapshot, "elder-order-rating") == (4, 1)


def test_devices_and_insurance_on_offer_are_no_home_care(snapshot: Snapshot) -> None:
    """The wheelchairs of the demo city are for hire everywhere; two of its six counties have nobody who comes home."""
    served, communities = measured(snapshot, "home-care-coverage")
    assert 0 < served < communities
    assert measured(snapshot, "home-care-coverage", **{"home-care-kinds": ["assistive-device"]}) == (
        communities,
        communities,
    )


def test_what_a_special_family_is_and_how_it_counts_are_parameters(
    snapshot: Snapshot, records: list[Resource]
) -> None:
    every = measured(snapshot, "special-families-online")
    one_kind = measured(snapshot, "special-families-online", **{"special-family-kinds": "living-alone"})
    assert 0 < one_kind[1] < every[1]
    by_person = {"special-family-counted-by": "person"}
    people = measured(snapshot, "special-families-online", **by_person)
    assert people[1] >= every[1]
    given = {**values(("special-family-kinds", "special-family-counted-by")), **by_person}
    assert people == SERVICE.checks["special-families-online"](records, START, DAY, given)


def listed(snapshot: Snapshot, id_: str, **other: Any) -> list[dict[str, Any]]:
    declared = next(one for one in SERVICE.lists if one.id == id_)
    given = {**values(declared.parameters), **other}
    page = snapshot.listed(EVERYTHING, declared, given, DAY, ListAsked(limit=500))
    return [{"subject": one.subject, **one.values} for one in page.rows]


def test_lists_find_what_is_to_be_done(snapshot: Snapshot) -> None:
    by_person = {"special-family-counted-by": "person"}
    online, people = measured(snapshot, "special-families-online", **by_person)
    assert len(listed(snapshot, "families-not-online")) == people - online
    assert [one["person"] for one in listed(snapshot, "workers-out-of-date")] == ["Practitioner/worker-05"]
    silent = {one["number"] for one in listed(snapshot, "silent-devices")}
    assert silent == set(silent_devices())
    assert len(listed(snapshot, "silent-devices", **{"device-silent-hours": 24 * 30})) == 0
    assert {one["number"] for one in listed(snapshot, "orders-to-settle")} == set()
    assert listed(snapshot, "far-check-ins") == []
    assert listed(snapshot, "demand-matches") == []
    assert len(listed(snapshot, "visits-due")) > 0
    assert {one["subject"] for one in listed(snapshot, "provider-assessment")} >= {
        "Organization/provider-lelin"
    }


def silent_devices() -> list[str]:
    """Return the numbers of the demo devices whose last heartbeat lies nine days back."""
    found = []
    for one in make_city(300, 1, 7, SERVICES, DAY):
        if one["resourceType"] == "Device":
            beat = next(e["valueDateTime"] for e in one["extension"] if e["url"].endswith("/heartbeat"))
            if (DAY - date.fromisoformat(beat[:10])).days > 2:
                found.append(one["identifier"][0]["value"])
    return found
