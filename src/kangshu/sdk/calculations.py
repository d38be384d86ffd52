"""What a service folder declares of its calculations: named inputs, conditions, steps with their clause, a result."""

from __future__ import annotations

from dataclasses import dataclass

from kangshu.base.text import Text

_NO_TEXT = Text("", "")


@dataclass(frozen=True, slots=True)
class CalculationInput:
    """One figure or fact that a calculation starts from. `value` is FHIRPath over the case, with all that guards may name:
    `%values` are its fields, `%<id>` the records that the case looks up.

    Where it finds nothing the input is missing: the calculation says so by its title and gives no result, unless
    it is `optional`.
    """

    id: str
    title: Text
    value: str
    unit: str = ""
    optional: bool = False
    titles: tuple[tuple[str, Text], ...] = ()
    """How codes that it may be are told: code → text."""


@dataclass(frozen=True, slots=True)
class CalculationCondition:
    """What must hold. `check` is FHIRPath that is true or false over inputs, earlier steps and parameters.

    Where it does not hold, `refuse` decides: true refuses the move (a rate below the floor), false gives the result 0
    (somebody who has no claim); either way `text` says why.
    """

    id: str
    title: Text
    check: str
    clause: str
    text: Text
    refuse: bool = False
    words: Text = _NO_TEXT
    """As in a step."""


@dataclass(frozen=True, slots=True)
class CalculationStep:
    """One step: `expression` is FHIRPath over `%<input>`, `%<earlier step>` and `%parameters.<id>`; decimals are exact."""

    id: str
    title: Text
    expression: str
    clause: str
    unit: str = ""
    words: Text = _NO_TEXT
    """How an accountant reads the step: templates whose ${name} are the figures; without them the expression is shown."""


@dataclass(frozen=True, slots=True)
class CalculationDeclaration:
    """A calculation (测算): what it starts from, what must hold, its steps, and which of them is the result.

    `day` is FHIRPath of the day whose parameters rule (the day of the event); "" takes the day of the act. `cases` are
    the case kinds of the service that it is made for.
    """

    id: str
    service: str
    title: Text
    cases: tuple[str, ...]
    source: str
    inputs: tuple[CalculationInput, ...]
    steps: tuple[CalculationStep, ...]
    output: str
    unit: str
    conditions: tuple[CalculationCondition, ...] = ()
    help: Text = _NO_TEXT
    day: str = ""
    titles: tuple[tuple[str, Text], ...] = ()
    """How the codes of parameters read: code → text."""
    when: str = ""
    """FHIRPath over the case that is true where the calculation applies to it; "" for every case of its kinds."""
    states: tuple[str, ...] = ()
    """States in which the case page offers a trial; () for every state that is not final."""

    @property
    def code(self) -> str:
        """Return the calculation's name in the installation: `service/calculation`."""
        return f"{self.service}/{self.id}"
