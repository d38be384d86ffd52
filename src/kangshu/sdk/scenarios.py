"""A scenario: how people of several organisations take cases through a service, as data that tests act out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from kangshu.base.text import Text

ScenarioVerb = Literal["start", "move", "signal", "record", "pass", "child", "made", "expect"]
SCENARIO_VERBS: tuple[ScenarioVerb, ...] = get_args(ScenarioVerb)


@dataclass(frozen=True, slots=True)
class ScenarioAccount:
    """Somebody who acts: a role in a post at an organisation (an id), for a district, or a resident or practitioner.

    `demo` names an account of the demo city instead.
    """

    id: str
    role: str = ""
    organisation: str = ""
    district: str = ""
    patient: str = ""
    practitioner: str = ""
    demo: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One step. `verb` and `what` say what is done:

    start <case>         a case is started and named `name`
    move <move>          a move on the case `of`
    signal <signal>      an outside system sends the event `values`; the case that it begins or moves is named `name`
    record <what>        a record changes meanwhile: `values` is the resource, `what` says why
    pass deadline        the deadline of the case `of` passes and the system does what it does by itself
    pass tick            the system looks after its cases
    child <case>         the case of this kind that `of` has opened (for `organisation`) is named `name`
    made <move>          the case `of` has this move in its history
    expect <FHIRPath>    true of the case `of`

    `of` is the first case of the scenario where it is empty. `by` acts (`system`: the product itself) and must succeed; before that everybody in
    `refused` tries the same and must be refused without a trace. `fault` names the field that is wrong, or a
    part of what the page says of a condition that does not hold: the step is to be refused so. `state` is where the case stands afterwards. `makes` are moves that other cases make in
    consequence, as (case name, move).
    """

    verb: ScenarioVerb
    what: str
    of: str = ""
    name: str = ""
    by: str = ""
    subject: str = ""
    receiver: str = ""
    organisation: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    refused: tuple[str, ...] = ()
    fault: str = ""
    makes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ScenarioDeclaration:
    """A scenario of a service. `given` are resources that stand before it begins."""

    id: str
    service: str
    title: Text
    accounts: tuple[ScenarioAccount, ...]
    steps: tuple[ScenarioStep, ...]
    given: tuple[dict[str, Any], ...] = ()
