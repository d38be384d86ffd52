"""Deadlines: working days with holidays and make-up days, days, hours, the case's own date, and how urgent they are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from kangshu.base.parameters import ParameterMissing, ParameterTable
from kangshu.base.working_days import china
from kangshu.cases import Terms
from kangshu.cases.substitution import names_in, substitute
from kangshu.sdk import Deadline, ParameterDeclaration, Text


def parameter(id_: str, value: Any, jurisdiction: str = "") -> ParameterDeclaration:
    """Return a parameter valid since 2020."""
    return ParameterDeclaration(
        id_, Text("限", "limit"), value, "d", jurisdiction, date(2020, 1, 1), None, "source", verified=True
    )


TERMS = Terms(ParameterTable([parameter("n", 3), parameter("n", 5, "990103"), parameter("warn", 2)]), china())
BEFORE_MAY_DAY = datetime(2025, 4, 30, 2, 0, tzinfo=UTC)
"""Wednesday 10 o'clock; 1 to 5 May 2025 are days off, Sunday 27 April was worked."""


@pytest.mark.parametrize(
    ("deadline", "place", "end"),
    [
        (Deadline("n"), "990102", datetime(2025, 5, 8, 15, 59, 59, tzinfo=UTC)),
        (Deadline("n"), "990103001", datetime(2025, 5, 12, 15, 59, 59, tzinfo=UTC)),
        (Deadline("n", "day"), "990102", datetime(2025, 5, 3, 15, 59, 59, tzinfo=UTC)),
        (Deadline("n", "hour"), "990102", datetime(2025, 4, 30, 5, 0, tzinfo=UTC)),
        (Deadline("n", field="due"), "990102", datetime(2025, 6, 30, 15, 59, 59, tzinfo=UTC)),
        (None, "990102", None),
    ],
)
def test_end(deadline: Deadline | None, place: str, end: datetime | None) -> None:
    kind = {"coding": [{"system": "http://kangshu.org/fhir/CodeSystem/case-field", "code": "due"}]}
    task = {"resourceType": "Task", "input": [{"type": kind, "valueDate": "2025-06-30"}]}
    assert TERMS.end(deadline, task, BEFORE_MAY_DAY, place) == end


def test_a_missing_parameter_is_said() -> None:
    with pytest.raises(ParameterMissing):
        TERMS.end(Deadline("unknown"), {}, BEFORE_MAY_DAY, "990102")


@pytest.mark.parametrize(
    ("now", "urgency"),
    [
        (datetime(2025, 4, 30, tzinfo=UTC), "normal"),
        (datetime(2025, 5, 6, tzinfo=UTC), "soon"),
        (datetime(2025, 5, 8, 3, tzinfo=UTC), "today"),
        (datetime(2025, 5, 8, 16, tzinfo=UTC), "overdue"),
    ],
)
def test_urgency(now: datetime, urgency: str) -> None:
    end = datetime(2025, 5, 8, 15, 59, 59, tzinfo=UTC)
    assert TERMS.urgency(Deadline("n", remind="warn"), end, now, "990102") == urgency
    assert TERMS.urgency(None, None, now, "990102") == "none"


def test_substitution() -> None:
    values = {"a": 1, "b": None, "c": ["x", "y"], "d.e": "z"}
    template = {
        "one": "${a}",
        "none": "${b}",
        "text": "${a}-${b}-${c}",
        "list": ["${b}", "${d.e}"],
        "deep": {"x": "${b}"},
    }
    assert substitute(template, values) == {"one": 1, "text": "1--x、y", "list": ["z"]}
    assert sorted(names_in(template)) == ["a", "a", "b", "b", "b", "b", "c", "d.e"]
    assert substitute("${a} $ {a} ${a", values) == "1 $ {a} ${a"
