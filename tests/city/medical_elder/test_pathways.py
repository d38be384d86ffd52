"""Care pathways by stage and hand-overs in time, counted by hand and by the check queries."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

SERVICE = service_of("medical_elder")
START, DAY = date(2026, 1, 1), date(2026, 6, 30)


def task(id_: str, kind: str, state: str, begun: str, *moves: tuple[str, str]) -> Resource:
    return {
        "resourceType": "Task", "id": id_, "status": "in-progress", "intent": "order", "authoredOn": begun,
        "code": {"coding": [{"system": code_system("case-kind"), "code": f"medical_elder/{kind}"}]},
        "businessStatus": {"coding": [{"system": code_system("case-state"), "code": state}]},
        "note": [
            {
                "text": move, "time": time,
                "extension": [
                    {"url": structure("case-event"), "extension": [{"url": "move", "valueCode": move}]}
                ],
            }
            for move, time in moves
        ],
    }  # fmt: skip


MORNING = "2026-03-02T08:00:00+08:00"
RECORDS = [
    task("p1", "pathway", "hospital", MORNING),
    task("p2", "pathway", "hospice", "2025-01-10T08:00:00+08:00"),
    task("p3", "pathway", "closed", MORNING),
    task("p4", "pathway", "opened", MORNING),
    task("p5", "pathway", "living-care", "2026-07-01T08:00:00+08:00"),
    task("h1", "handover", "accepted", MORNING, ("accept", "2026-03-03T08:00:00+08:00")),
    task("h2", "handover", "declined", MORNING, ("decline", "2026-03-03T08:00:01+08:00")),
    task("h3", "handover", "offered", MORNING),
    task("h4", "handover", "withdrawn", MORNING, ("withdraw", "2026-03-02T09:00:00+08:00")),
    task("h5", "handover", "accepted", "2025-12-31T12:00:00+08:00", ("accept", "2026-01-01T08:00:00+08:00")),
]


@pytest.mark.parametrize(("id_", "expected"), [("pathway-people", (2, 2)), ("handovers-in-time", (1, 2))])
def test_pathways(tmp_path: Path, id_: str, expected: tuple[int, int]) -> None:
    values: dict[str, Any] = {one.id: one.value for one in SERVICE.parameters}
    snapshot = snapshot_of(tmp_path, RECORDS, SERVICE.views)
    measure = next(one for one in SERVICE.measures if one.id == id_)
    result = snapshot.evaluate(system_grant("test"), measure, values, START, DAY)
    assert (result.numerator, result.denominator) == expected
    assert SERVICE.checks[id_](RECORDS, START, DAY, values) == expected
