"""What can be wrong with an expression."""

from __future__ import annotations

from kangshu.base.faults import Invalid


class FhirPathFault(Invalid):
    """An expression does not parse, is used on what it does not fit, or asks for too much work."""

    code = "invalid"


class BudgetSpent(FhirPathFault):
    """An expression took more steps or time than one evaluation may."""

    code = "too-costly"
