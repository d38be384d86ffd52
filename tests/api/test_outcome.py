"""The table from faults to HTTP holds the whole tree, and the shape is FHIR's."""

from __future__ import annotations

import pytest

from kangshu.api import ANSWERS, outcome, status_of
from kangshu.api.outcome import MethodNotOffered
from kangshu.base import faults
from kangshu.store import status_of as entry_status


def test_the_table_holds_exactly_the_tree() -> None:
    tree = {one for one in faults.all_faults() if one.__module__ == "kangshu.base.faults"}
    assert set(ANSWERS) == tree | {MethodNotOffered}


@pytest.mark.parametrize("kind", sorted(set(ANSWERS) - {MethodNotOffered}, key=lambda one: one.__name__))
def test_every_fault_has_both_languages(kind: type[faults.Fault]) -> None:
    assert ANSWERS[kind].title.zh
    assert ANSWERS[kind].title.en
    said = outcome(kind("what is wrong", zh="哪里不对", expression="Patient.name"))
    issue = said["issue"][0]
    assert said["resourceType"] == "OperationOutcome"
    assert issue["details"]["text"] == "哪里不对"
    assert issue["diagnostics"] == "what is wrong"
    assert issue["expression"] == ["Patient.name"]
    assert issue["code"] == kind.code


def test_a_fault_of_another_room_takes_the_answer_of_its_kind() -> None:
    class Odd(faults.Unprocessable):
        """A room's own kind."""

    assert status_of(Odd("odd")) == 422


def test_english_comes_first_when_asked_for() -> None:
    details = outcome(faults.NotFound("nothing here", zh="未找到"), "en")["issue"][0]["details"]
    assert details["text"] == "nothing here"
    content = details["_text"]["extension"][0]["extension"][1]["valueString"]
    assert content == "未找到"


@pytest.mark.parametrize("kind", sorted(set(ANSWERS) - {MethodNotOffered}, key=lambda one: one.__name__))
def test_an_entry_of_a_batch_has_the_same_status(kind: type[faults.Fault]) -> None:
    assert entry_status(kind("x")).startswith(str(ANSWERS[kind].status))
