"""Work found by query: what is not yet examined, not covered, listed twice; as a service declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kangshu.base.text import Text

_NO_TEXT = Text("", "")
ListColumnKind = Literal["text", "integer", "decimal", "date", "month", "choice", "district", "name"]


@dataclass(frozen=True, slots=True)
class ListColumn:
    """One column of a list. `column` is that of the SQL.

    A `name` holds a reference ("Organization/x"): the page reads the record again and says what it is called, as far
    as the visitor may see it. A `choice` has `labels` and can be filtered by; a `month` is written YYYY-MM.
    """

    id: str
    title: Text
    column: str
    kind: ListColumnKind = "text"
    labels: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListStart:
    """The case that may be started for marked rows: `case` is `service/case`, `values` templates of its start form.

    Templates hold ${subject}, ${district}, ${<column>} by id, and any other column of the SQL. `receiver` gives the Organization that it goes to. What the
    form asks for and `values` do not give is asked once for all rows, before anything starts. `focus` makes the row's
    subject what the case is about, where the kind's subject type is another. An open case about the subject keeps a second
    one away; with `same` (fields of the start form) only one that has the same values in them, such as the disease.
    """

    case: str
    label: Text
    values: Mapping[str, Any] = field(default_factory=dict)
    receiver: str = ""
    focus: bool = False
    same: tuple[str, ...] = ()
    subject: str = ""
    """Template of whom the case is about, where that is not the row's subject: the resident of a report."""


@dataclass(frozen=True, slots=True)
class ListTotals:
    """The sums that stand above a list: a line per value of one of `down` (the visitor chooses which, the first to begin
    with), a column per value of the choice `across`. `down` names columns, `subject`, or `district` (the county).

    `of` is the number that is summed; rows that do not know theirs are counted beside the sums, never taken as 0. A
    list with totals is a table to look at, so it stands in its service's menu too.
    """

    of: str
    down: tuple[str, ...]
    across: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ListDeclaration:
    """Work found by query over the views (待办清单).

    `sql` (DuckDB) yields one row per thing to do with `subject` ("Type/id"), `district` and the columns; it reads the
    named views as tables and may use $period_start (1 January), $period_end (today) and one $name per declared
    parameter, as a measure's does, and $organisation ("Organization/x"), whose list it is. Every view is narrowed to what the visitor may read; each subject is read again
    before it is shown.

    Views that are `counted` are narrowed to what the visitor may count instead: an office that has the stay, and no right
    to read the resident, learns whether and since when it is to be ended. Such a list names its `roles`; its columns
    tell no more of a counted view than the work needs.
    """

    id: str
    service: str
    title: Text
    help: Text
    views: tuple[str, ...]
    parameters: tuple[str, ...]
    sql: str
    columns: tuple[ListColumn, ...]
    order: str = ""
    """Column by which the rows stand at first, with a leading `-` downwards; by subject where there is none."""
    none: Text = _NO_TEXT
    """What is said when there is nothing to do."""
    start: ListStart | None = None
    hidden: tuple[str, ...] = ()
    """Columns of the SQL that `start` asks for and nobody is shown."""
    open: str = ""
    """Register (`service/register`) whose page a row's subject leads to; "" for the first of its type."""
    counted: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Roles to whom the list is offered; all who may read its records where none is named."""
    offered: bool = True
    """Whether people open it; one that is not only proposes what to fill in (`suggest`)."""
    tone: Literal["", "accent", "amber", "red"] = "accent"
    """"" for a list that tells how things stand and asks for nothing: first screens leave it out."""
    totals: ListTotals | None = None
    measures: tuple[str, ...] = ()
    """Ids of the measures whose number this work changes: from the records behind the number a link leads here."""
    over: str = ""
    """As a measure's."""

    @property
    def code(self) -> str:
        """Return the list's name in the installation: `service/list`."""
        return f"{self.service}/{self.id}"
