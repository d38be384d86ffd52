"""What one evaluation carries along: its resource, variables, budget and doors to the world."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from kangshu.base import clock
from kangshu.fhirpath.faults import BudgetSpent, FhirPathFault
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.values import Items, Node, system

STEP_LIMIT: Final = 2_000_000
"""Items that one evaluation may touch: a few seconds of work."""
SECONDS_LIMIT: Final = 5.0
TEXT_LIMIT: Final = 1_000_000
"""Characters of any text that an evaluation makes."""

Resolver: TypeAlias = Callable[[str], "dict[str, Any] | None"]
"""Reference text to resource; None where it leads nowhere."""
Conforms: TypeAlias = Callable[["dict[str, Any]", str], bool]
MemberOf: TypeAlias = Callable[[Any, str], "bool | None"]

Run: TypeAlias = Callable[["Context", Items], Items]
"""A compiled expression: context and `$this` to a collection."""
Step: TypeAlias = Callable[["Context", Items, Items], Items]
"""A compiled step: context, input and the outer `$this` to a collection."""


class Context:
    """The state of one evaluation."""

    __slots__ = (
        "_checkpoint", "_deadline", "_now", "conforms", "index", "limit", "member_of", "resolver", "root", "spent",
        "total", "variables",
    )  # fmt: skip

    def __init__(
        self,
        root: Items,
        variables: Mapping[str, Items] | None = None,
        resolver: Resolver | None = None,
        conforms: Conforms | None = None,
        member_of: MemberOf | None = None,
        limit: int = STEP_LIMIT,
    ) -> None:
        self.root = root
        self.variables = variables
        self.resolver = resolver
        self.conforms = conforms
        self.member_of = member_of
        self.limit = limit
        self.index = 0
        self.total: Items = []
        self.spent = 0
        self._checkpoint = 2_000
        self._deadline = 0.0
        self._now: datetime | None = None

    def spend(self, steps: int) -> None:
        """Take `steps` off the budget.

        Raises:
            BudgetSpent: nothing is left, of steps or of time.
        """
        self.spent += steps
        if self.spent > self._checkpoint:
            self.look()

    def look(self) -> None:
        """Compare the work so far with the budget and the clock; before anything that is slow by itself.

        Raises:
            BudgetSpent: nothing is left.
        """
        moment = time.monotonic()
        if not self._deadline:
            self._deadline = moment + SECONDS_LIMIT
        if self.spent > self.limit or moment > self._deadline:
            raise BudgetSpent("the expression asks for too much work", zh="表达式计算量过大, 已中止")
        self._checkpoint = self.spent + 2_000

    def now(self) -> Temporal:
        """Return the present instant in the city's zone, the same throughout one evaluation."""
        if self._now is None:
            self._now = clock.now().astimezone(clock.CITY_ZONE)
        moment = self._now
        offset = moment.utcoffset()
        second = Decimal(moment.second) + Decimal(moment.microsecond // 1000).scaleb(-3)
        return Temporal(
            "dateTime",
            (moment.year, moment.month, moment.day, moment.hour, moment.minute, second),
            int(offset.total_seconds()) // 60 if offset else 0,
        )


def truth(items: Items, what: str = "a condition") -> bool | None:
    """Return a collection as boolean: None for empty, true for a single value that is no boolean.

    Raises:
        FhirPathFault: more than one item.
    """
    if not items:
        return None
    if len(items) > 1:
        raise FhirPathFault(f"{what} has more than one value", zh=f"{what} 含有多个值")
    value = system(items[0])
    return value if isinstance(value, bool) else True


def single_root(context: Context) -> Node | None:
    """Return the node that the evaluation began with, if it is one."""
    first = context.root[0] if context.root else None
    return first if isinstance(first, Node) else None
