"""A year of supervision: 41 duties of 20 units with delays, to the same scores each time, as reckoned a second way."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.databases import beside, execute
from tests.plans_year import reckoning, script

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def played(postgres_url: str, template_database: str) -> list[dict[str, Any]]:
    """Return what two plays came to: two databases, two processes with other hash seeds, at the same time."""
    running = []
    for seed in ("1", "2"):
        name = f"{template_database}_year_{seed}"
        asyncio.run(execute(postgres_url, f"create database {name} template {template_database}"))
        address = beside(postgres_url, name)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.plans_year.play", address],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append((name, process))
    found = []
    for name, process in running:
        said, wrong = process.communicate(timeout=300)
        assert process.returncode == 0, wrong[-4000:]
        found.append(json.loads(said))
        asyncio.run(execute(postgres_url, f"drop database {name} with (force)"))
    return found


def test_the_scores_are_those_reckoned_from_the_script_alone(played: list[dict[str, Any]]) -> None:
    assert played[0]["scores"] == reckoning.scores()
    assert len(played[0]["scores"]) == script.UNITS
    assert len(set(played[0]["scores"].values())) > 10, "the year tells units apart"


def test_two_plays_end_the_same(played: list[dict[str, Any]]) -> None:
    first, second = played
    assert first == second


def test_what_comes_after_the_freeze_moves_no_score(played: list[dict[str, Any]]) -> None:
    late = [one for one in script.duties() if any(day > script.FREEZE for day, _ in one.steps())]
    assert late, "some duties are completed after the freeze"
    assert played[0]["moved"] == []
    assert played[0]["states"] == ["announced"]


def test_the_snapshot_holds_the_year_as_the_script_tells_it(played: list[dict[str, Any]]) -> None:
    held = {one["task"]: one for one in played[0]["snapshot"]["duties"] if one["role"] == "lead"}
    assert len(held) == script.DUTIES
    for duty in script.duties():
        said, course = held[f"duty-{duty.number}"], reckoning.course(duty)
        slips = tuple(said["slips"][colour] for colour in ("blue", "yellow", "red"))
        told = (said["completed"], said["urged"], slips)
        assert told == (str(course.completed or ""), course.urged, course.slips), duty
    sent = {(one["unit"], one["period"]): one["on_time"] for one in played[0]["snapshot"]["returns"]}
    expected = {
        (f"unit-{unit:02d}", period): on_time
        for unit in range(script.UNITS)
        for period, on_time in reckoning.returns_of(unit)
    }
    assert sent == expected


def test_values_of_returns_became_reported_values(played: list[dict[str, Any]]) -> None:
    values = played[0]["values"]
    assert "complete 12" in values, "accepted with the return"
    assert "error 12" in values, "sent back with the return"
