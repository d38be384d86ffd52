"""What a move under way holds, and what its templates and expressions may name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Gone, NotFound, Unprocessable
from kangshu.cases.calculating import NO_CALCULATIONS, Calculator
from kangshu.cases.guards import found_texts, truth
from kangshu.cases.opening import Opening
from kangshu.cases.records import rows_of
from kangshu.cases.substitution import substitute
from kangshu.cases.tasks import inputs, number_of, outputs
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Transaction

Outlet = Callable[[Transaction, Grant, Resource, datetime], Awaitable[Mapping[str, str]]]
"""Takes in a case that a move hands on: (the move's transaction under the engine's grant, who moves, the Task as it will
be, when) → what it has made, name → reference, kept in the Task's output."""


class BookingRoom(Protocol):
    """The room above that keeps bookings, as effects ask it: both within the move's own transaction."""

    async def book_within(
        self, transaction: Transaction, grant: Grant, slot: str, patient: str, values: Mapping[str, Any]
    ) -> Resource:
        """Take a place of a slot for a resident (ids), by the rules of its kind, and return the Appointment."""

    async def move_within(
        self, transaction: Transaction, appointment: str, move: str, values: Mapping[str, Any]
    ) -> bool:
        """Make a move of an appointment for whose slot it is; return whether it stood where that is possible."""


@dataclass(slots=True)
class UnderWay:
    """A move (or a start) inside its transaction. `spawn` and `follow` are children to start and moves to make on them."""

    transaction: Transaction
    grant: Grant
    declaration: CaseDeclaration
    task: Resource
    form: Mapping[str, Any]
    when: datetime
    source: str = ""
    """State before the move; "" for a start."""
    children: Sequence[Resource] = ()
    around: Mapping[str, Any] = field(default_factory=dict)
    """What guards may ask besides the Task; see `surroundings`."""
    given: dict[str, Any] = field(default_factory=dict)
    spawn: list[Opening] = field(default_factory=list)
    """Cases to open."""
    follow: list[str] = field(default_factory=list)
    """Moves to make on every open child."""
    elsewhere: list[tuple[str, str, dict[str, Any], bool]] = field(default_factory=list)
    """(Task id, move, values, whether it must be possible) of moves to make on other cases."""
    handed: list[str] = field(default_factory=list)
    """Outlets that the case is handed to."""
    outlets: Mapping[str, Outlet] = field(default_factory=dict)
    posts: Mapping[str, str] = field(default_factory=dict)
    """Roster `service/roster` → the post of its shifts."""
    calculator: Calculator = NO_CALCULATIONS
    bookings: BookingRoom | None = None
    """Who keeps bookings; None in an installation that has none."""
    jurisdiction: str = ""
    """Division whose parameters rule what is calculated."""
    code_minutes: int = 0
    """How long a one-time code that the move makes is good."""
    _names: dict[str, str] = field(default_factory=dict)

    def holds(self, expression: str, resource: Resource | None = None) -> bool:
        """Return whether a FHIRPath guard is true over `resource` (the Task by default)."""
        return truth(
            expression, resource or self.task, self.form, self.children, self.grant, self.source, self.around
        )

    def finds(self, expression: str) -> list[str]:
        """Return the texts that an expression finds over the Task."""
        return found_texts(expression, self.task, self.form, self.children, self.around)

    async def hand_over(self, element: str, reference: Any) -> None:
        """Put a party (`Organization/id`, `Practitioner/id`) into `element` of the Task, with its name."""
        if not reference:
            return
        name = await self.name_of(str(reference))
        self.task[element] = {"reference": str(reference), **({"display": name} if name else {})}

    async def name_of(self, reference: str) -> str:
        """Return the name of an Organization or Patient, "" where there is none."""
        if reference not in self._names:
            kind, _, id_ = reference.partition("/")
            try:
                found = (await self.transaction.read(kind, id_)).resource
            except (NotFound, Gone):
                raise Unprocessable(
                    f"there is no such {kind}", zh="所选机构或人员不存在", expression="owner"
                ) from None
            name = found.get("name")
            if isinstance(name, list):
                name = name[0].get("text", "") if name else ""
            self._names[reference] = str(name or "")
        return self._names[reference]

    def fill(self, template: Any, item: str | Mapping[str, Any] = "") -> Any:
        """Return `template` with its names replaced; `item` is the row (or the value) that it is filled for."""
        if isinstance(item, Mapping):
            more = {f"item.{name}": value for name, value in item.items()}
        else:
            more = {"item": item} if item else {}
        return substitute(template, {**self.values(), **more})

    def values(self) -> dict[str, Any]:
        """Return what templates may name: the case's own, its values, what the move's form and effects have given."""
        task = self.task
        organisation = f"Organization/{self.grant.organisation}" if self.grant.organisation else None
        built_in = {
            "task": f"Task/{task['id']}",
            "number": number_of(task) or None,
            "title": task.get("description"),
            "subject": (task.get("for") or {}).get("reference"),
            "focus": (task.get("focus") or {}).get("reference"),
            "requester": (task.get("requester") or {}).get("reference"),
            "owner": (task.get("owner") or {}).get("reference"),
            "organisation": organisation,
            "person": f"Patient/{self.grant.patient}" if self.grant.patient else None,
            "today": self.when.astimezone(CITY_ZONE).date().isoformat(),
            "now": instant(self.when),
            "actor": self.grant.display,
        }
        entered = {name: value for name, value in self.form.items() if value is not None}
        return {**built_in, **inputs(task), **outputs(task), **entered, **self.given}

    def rows(self, effect: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the rows of an effect's `each` for which its `where` holds; one without a column where it has none.

        Of records that the case looks up (`each: "%beds"`) a row holds the `reference` and what their declaration gives.
        """
        each = str(effect.get("each", ""))
        if each.startswith("%"):
            name = each.removeprefix("%")
            found = self.around.get(name, ())
            declared = next(one for one in self.declaration.records if one.id == name)
            given = rows_of(declared, found)
            rows = [
                {**row, "reference": f"{one['resourceType']}/{one['id']}"}
                for one, row in zip(found, given, strict=True)
            ]
        else:
            rows = listed(self.fill(each)) if each else [{}]
        for row in rows:
            if "where" not in effect or self.holds(str(effect["where"]), row):
                yield row

    def asked_names(self) -> dict[str, Any]:
        """Return what expressions may name, the case's values as the move leaves them."""
        return {**self.around, "values": inputs(self.task)}


def listed(value: Any) -> list[Any]:
    """Return a value of a template as a list; nothing gives an empty one."""
    return value if isinstance(value, list) else [] if value in (None, "") else [value]
