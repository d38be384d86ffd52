"""Investment promotion counted by hand, by the measures and by the check queries; what its lists find."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

SERVICE, LIBRARY = service_of("investment"), service_of("enterprises")
EVERYTHING = system_grant("test")
START, DAY = date(2026, 1, 1), date(2026, 6, 30)


def lead(id_: str, state: str, day: str, target: str = "") -> Resource:
    found: Resource = {
        "resourceType": "Task", "id": id_, "status": "in-progress", "intent": "order", "authoredOn": day,
        "code": {"coding": [{"system": code_system("case-kind"), "code": "investment/lead"}]},
        "businessStatus": {"coding": [{"system": code_system("case-state"), "code": state}]},
        "input": [],
    }  # fmt: skip
    if target:
        field = {"coding": [{"system": code_system("case-field"), "code": "target"}]}
        found["input"].append({"type": field, "valueReference": {"reference": f"Basic/{target}"}})
    return found


def record(kind: str, id_: str, of: str, **held: Any) -> Resource:
    extensions = [
        {"url": structure(name.replace("_", "-")), f"value{t}": value} for name, (t, value) in held.items()
    ]
    if of:
        extensions.append({"url": structure("record-of"), "valueReference": {"reference": of}})
    code = {"coding": [{"system": code_system("record-kind"), "code": kind}], "text": id_}
    return {"resourceType": "Basic", "id": id_, "code": code, "extension": extensions}


def stage(id_: str, wanted: int | None = None) -> Resource:
    more = [{"url": structure("wanted"), "valueInteger": wanted}] if wanted is not None else []
    return {
        "resourceType": "ActivityDefinition", "id": id_, "status": "active", "title": id_,
        "topic": [{"coding": [{"system": code_system("definition-kind"), "code": "chain-stage"}]}],
        "extension": [{"url": structure("chain"), "valueCode": "tcm"}, *more],
    }  # fmt: skip


def place(firm: str, stage_id: str, **held: Any) -> Resource:
    made = record("chain-place", f"{firm}-{stage_id}", f"ActivityDefinition/{stage_id}", **held)
    return {**made, "subject": {"reference": f"Organization/{firm}"}}


def gap(id_: str, stage_id: str, state: str) -> Resource:
    return record("investment-chain-gap", id_, f"ActivityDefinition/{stage_id}", record_state=("Code", state))


RECORDS = [
    # s1 wants two and has two, one of them twice; s2 lost its last on the day; s3 wants none yet has none; s4 is thin
    stage("s1", 2), stage("s2"), stage("s3", 0), stage("s4", 3), stage("s5", 1),
    place("f1", "s1"), place("f2", "s1"), place("f2", "s4"), place("f2", "s4", record_day=("Date", "2026-01-01")),
    place("f3", "s2", record_ended=("Date", "2026-06-30")), place("f4", "s5", record_ended=("Date", "2026-07-01")),
    gap("h2", "s2", "open"), gap("h4", "s4", "filled"),
    record("investment-target", "t3", "Basic/h2"), lead("d", "contacted", "2025-05-01T10:00:00+08:00", "t3"),
    lead("a", "signed", "2026-02-01T10:00:00+08:00", "t1"),
    lead("b", "dropped", "2026-03-01T10:00:00+08:00"),
    lead("c", "in-talks", "2025-03-01T10:00:00+08:00"),
    record("investment-target", "t1", ""),
    record("investment-target", "t2", ""),
    record("investment-agreement", "g1", "Task/a", record_class=("Code", "contract"), record_day=("Date", "2026-03-01"), amount=("Decimal", 500)),
    record("investment-agreement", "g2", "Task/a", record_class=("Code", "memorandum"), record_day=("Date", "2026-03-01"), amount=("Decimal", 900)),
    record("investment-agreement", "g3", "Task/c", record_class=("Code", "contract"), record_day=("Date", "2025-03-01"), amount=("Decimal", 70)),
    record("investment-arrival", "r1", "Task/a", record_day=("Date", "2026-04-01"), amount=("Decimal", 30.5)),
    record("investment-arrival", "r2", "Task/c", record_day=("Date", "2026-06-30"), amount=("Decimal", 10)),
    record("investment-promise", "p1", "Task/a", record_day=("Date", "2026-04-01"), done_on=("Date", "2026-04-01")),
    record("investment-promise", "p2", "Task/a", record_day=("Date", "2026-04-01"), done_on=("Date", "2026-04-02")),
    record("investment-promise", "p3", "Task/a", record_day=("Date", "2026-05-01")),
    record("investment-promise", "p4", "Task/b", record_day=("Date", "2026-05-01")),
    record("investment-promise", "p5", "Task/a", record_day=("Date", "2026-07-01")),
]  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return snapshot_of(tmp_path_factory.mktemp("views"), RECORDS, (*SERVICE.views, *LIBRARY.views))


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("investment-leads", (2, 2)),
        ("investment-contracts", (500, 1)),  # no memorandum
        ("investment-arrived", (40.5, 2)),
        ("investment-promises-kept", (1, 4)),  # p1 of p1 p2 p3 p4
    ],
)
def test_numbers(snapshot: Snapshot, id_: str, expected: tuple[float, float]) -> None:
    measure = next(one for one in SERVICE.measures if one.id == id_)
    result = snapshot.evaluate(EVERYTHING, measure, {}, START, DAY)
    assert (result.numerator, result.denominator) == expected
    assert SERVICE.checks[id_](RECORDS, START, DAY, {}) == expected


def test_lists(snapshot: Snapshot) -> None:
    found = {
        one.id: [row.subject for row in snapshot.listed(EVERYTHING, one, {}, DAY, ListAsked()).rows]
        for one in SERVICE.lists
    }
    # what was dropped promises nothing any more
    assert found.pop("gaps-in-chains")
    assert found == {"untouched-targets": ["Basic/t2"], "promises-due": ["Basic/p3"]}


def test_gaps_are_reckoned_from_the_library_and_held_against_the_register(snapshot: Snapshot) -> None:
    declared = next(one for one in SERVICE.lists if one.id == "gaps-in-chains")
    asked = ("firms", "short", "standing", "targets", "leads")
    rows = snapshot.listed(EVERYTHING, declared, {}, DAY, ListAsked()).rows
    assert {row.subject: tuple(row.values[name] for name in asked) for row in rows} == {
        "ActivityDefinition/s2": (0, 1, "open", 1, 1),
        "ActivityDefinition/s3": (0, 1, "not-entered", 0, 0),
        "ActivityDefinition/s4": (1, 2, "filled", 0, 0),
    }
