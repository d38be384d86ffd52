"""The sections that a service puts on first screens, and what is due in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kangshu.base.text import Text

NO_TEXT = Text("", "")


@dataclass(frozen=True, slots=True)
class People:
    """Those of whom a first-screen section asks whether something is due: the subjects of some records."""

    resource_type: str
    criteria: str
    mine: str
    """Search parameter that points to the visitor's organisation; "" for all that the grant sees."""
    subject: str
    """FHIRPath of the reference to the person, e.g. `patient.reference`."""


@dataclass(frozen=True, slots=True)
class Due:
    """When a record of a first-screen section is due: `within` names the dated parameter of how long.

    Without `people`, `column` is the day on which a record ends: it is due when that day is at most `within` away; of
    the records that agree in the columns `series` only the last to end counts. With `people`, `column` is the day on
    which a record was made: a person is due when the newest record whose column `person` points to them is older
    than `within`, or when there is none.
    """

    column: str
    within: str
    unit: Literal["day", "month"] = "day"
    series: tuple[str, ...] = ()
    people: People | None = None
    person: str = ""


@dataclass(frozen=True, slots=True)
class HomeSection:
    """A key figure and a list over one register of the service, shown on first screens.

    It stands on the screens of the roles whose `home` is in `screens`. `criteria` narrow the register; `mine` is the
    search parameter that points to the visitor's organisation ("" for all that the grant sees); `whole` is the
    criteria of that of which the figure is a part ("" for the register itself). Where the whole is empty the section
    is left out. `note` stands under the figure and may hold {count}, {whole}, {rest}, {share} (per cent) and
    {within}; `none` is said when the list is empty.
    """

    id: str
    service: str
    screens: tuple[str, ...]
    title: Text
    register: str
    columns: tuple[str, ...]
    none: Text
    label: Text = NO_TEXT
    unit: Text = NO_TEXT
    note: Text = NO_TEXT
    criteria: str = ""
    mine: str = ""
    whole: str = ""
    tone: Literal["", "accent", "green", "amber", "red"] = ""
    wide: bool = False
    due: Due | None = None
