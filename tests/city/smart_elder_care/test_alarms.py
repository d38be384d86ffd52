"""Alarms that come all at once while a web worker, the background worker and the other web worker are killed (-9).

200 here; 1,000 in bench/alarms_bench.py.
"""

from __future__ import annotations

from pathlib import Path

from tests.app.product import remove

from .alarms import RANKS, storm

ALARMS = 200


def test_every_acknowledged_alarm_is_there_once_in_order_of_urgency(tmp_path: Path) -> None:
    folder = tmp_path / "line"
    try:
        found = storm(folder, ALARMS)
    finally:
        remove(folder)
    assert found.killed == 3
    assert not found.sent.refused
    assert found.sent.outcomes["unanswered"] == 0
    assert sum(found.sent.outcomes.values()) == ALARMS
    taken = found.times_taken()
    assert taken.keys() == found.sent.taken.keys()
    assert set(taken.values()) == {1}
    assert len(found.tasks) == ALARMS
    assert {f"{task['id']}" for task in found.tasks} == set(found.sent.taken.values())
    assert len(found.rows) == ALARMS
    ranks = [RANKS.index(row.case.priority) for row in found.rows]
    assert ranks == sorted(ranks)
    assert {row.case.priority for row in found.rows} >= {"stat"}
