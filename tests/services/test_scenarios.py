"""Scenarios are read whole, wrong names are found at their lines, and what nobody acts out is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kangshu.services import Finding, check, discover, load, steps_of

TOYS = Path(__file__).resolve().parent.parent / "fixtures" / "services"
LENT = """id: lent
title: {zh: 借出, en: Lent}
accounts:
  - {id: desk, role: section-clerk, organisation: unit-a}
  - {id: other, role: section-clerk, organisation: unit-b}
steps:
  - {start: KIND, as: loan, by: desk, values: {subject: x}, state: FIRST}
  - {move: MOVE, by: desk, refused: [other], state: NEXT}
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A copy of the toy service without scenarios."""
    folder = tmp_path / "toy"
    shutil.copytree(TOYS / "toy", folder)
    return folder


def found(folder: Path) -> list[Finding]:
    return [
        one
        for one in check(discover(folder.parent))
        if "scenario" in one.text or "scenarios" in str(one.file)
    ]


def scenario(folder: Path, **changes: str) -> str:
    """Write the scenario of the toy's first case kind; return its text."""
    (draft,) = discover(folder.parent)
    kind = draft.cases[0]
    move = next(one for one in kind.moves if kind.initial in one.sources)
    state = kind.initial if move.target == "stay" else move.target
    names = {"KIND": kind.id, "FIRST": kind.initial, "MOVE": move.id, "NEXT": state, **changes}
    text = LENT
    for name, value in names.items():
        text = text.replace(name, value)
    (folder / "scenarios").mkdir(exist_ok=True)
    (folder / "scenarios" / "lent.yaml").write_text(text, "utf-8")
    return text


def test_what_no_scenario_makes_is_a_warning_and_loads(toy: Path) -> None:
    before = found(toy)
    assert before
    assert {one.severity for one in before} == {"warning"}
    assert load(toy.parent)
    scenario(toy)
    after = found(toy)
    made = {one.text for one in before} - {one.text for one in after}
    assert len(made) == 2, "one move is made, and somebody is refused"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"KIND": "nothing"}, "there is no case 'nothing'"),
        ({"MOVE": "fly"}, "has no move 'fly'"),
        ({"NEXT": "gone"}, "has no state 'gone'"),
        ({"[other]": "[stranger]"}, "there is no account 'stranger'"),
    ],
    ids=["case", "move", "state", "account"],
)
def test_a_wrong_name_is_found_at_its_line(toy: Path, change: dict[str, str], says: str) -> None:
    text = scenario(toy, **change)
    (wrong,) = [one for one in found(toy) if one.severity == "error"]
    assert says in wrong.text
    assert wrong.file.name == "lent.yaml"
    word = next(iter(change.values())).strip("[]")
    assert word in text.splitlines()[wrong.line - 1]


def test_a_step_names_the_first_case_where_it_names_none(toy: Path) -> None:
    scenario(toy)
    (service,) = load(toy.parent)
    start, move = steps_of(service.scenarios[0])
    assert (start.name, move.of) == ("loan", "loan")
