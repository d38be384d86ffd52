"""Many cases, one a line: what `kangshu fhirpath --batch` runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kangshu.base.faults import Fault, Malformed
from kangshu.fhir import parse_value, render
from kangshu.fhirpath.expression import compile


def batch(lines: Iterable[str | bytes]) -> Iterator[str]:
    """Yield, for each line `{"expr": …, "resource": …}`, a line `{"result": […]}` or `{"error": …}`.

    A line may also hold `variables`, an object of name to value. Blank lines are passed over; a faulty
    line gives an error line, so that answers stay beside their cases.
    """
    for line in lines:
        if line.strip():
            yield render(_answer(line)).decode()


def _answer(line: str | bytes) -> dict[str, Any]:
    try:
        case = parse_value(line)
        if not isinstance(case, dict) or not isinstance(case.get("expr"), str):
            raise Malformed('a case is an object with "expr"', zh='每行须为含 "expr" 的对象')
        return {"result": compile(case["expr"]).evaluate(case.get("resource"), case.get("variables"))}
    except Fault as fault:
        return {"error": fault.text}
