"""Official documents that a case gives: what a service folder declares in `documents/*.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kangshu.base.text import Text

DOCUMENT_NAMES: Final = frozenset(
    {"number", "title", "state", "owner_name", "requester_name", "today", "year", "document_number"}
)
"""Names besides the case's fields: its number, title and state, its parties, the day and year, and 文号 once it is given."""
CITED_FIELD: Final = "cited"
"""Field (takes several) of a move's form that keeps the keys of what a case cites; it is chosen on a page of its own."""
CITED_COLUMNS: Final = frozenset({"what", "title", "unit", "state", "value", "as_of", "source", "sentence"})
"""Columns of the rows `cited`: a duty or a target with its state or value on the day; `sentence` says all in words."""


CALCULATED_ROWS: Final = {
    "calculation": frozenset({"title", "figures", "value", "clause"}),
    "unmet": frozenset({"title", "text", "clause"}),
}
"""Rows of the calculation that the case kept last: its steps, and the conditions that do not hold; with their columns."""


@dataclass(frozen=True, slots=True)
class DocumentColumn:
    """One column of a table in a document: its head and the template of its cells."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class DocumentBlock:
    """A block of the body. Templates hold ${name}: a field of the case as people read it, or a name of `plans.papers`.

    `each` repeats the block once per row, with ${item.<column>}: the rows of a table field or the values of a field
    that takes several (${item.value}), `children:<case>` for the child cases of that kind, `cited` for the duties and
    targets that the case cites, with their state and value on the day, `calculation` for the steps of the calculation that the
    case kept last, `unmet` for its conditions that do not hold. With `columns` the rows make one table.
    Text runs on after the heading; a text that begins with a line break stands below it.
    A block whose `when` (FHIRPath over the Task) does not hold, or whose text and heading come out empty, is left out.
    """

    text: str = ""
    heading: str = ""
    level: Literal[0, 1, 2, 3, 4] = 0
    each: str = ""
    columns: tuple[DocumentColumn, ...] = ()
    when: str = ""


@dataclass(frozen=True, slots=True)
class DocumentDeclaration:
    """A document (公文) that cases of one kind give, in the form of GB/T 9704-2012, or a print form (`sheet`).

    With `register` instead of `case` it is a print form of that register's records: names are the form's fields, and of
    whom they point to `<field>.name`, `.identity_number`, `.telephone`, …; `each: records:<register>:<column>` gives the
    records of another register of the service whose column points to the printed one. A move with the effect `document: <id>` makes it and keeps it as it then is; before that, anybody who sees the case
    may take a draft of it in `states`. `numbering` counts 文号 within what stands before {sequence}.
    """

    id: str
    service: str
    case: str
    title: Text
    form: Literal["document", "letter", "minutes", "sheet"]
    agency: str
    heading: str
    body: tuple[DocumentBlock, ...]
    register: str = ""
    facts: tuple[DocumentColumn, ...] = ()
    """Of a `sheet`: what stands below its heading, such as the number and the day."""
    states: tuple[str, ...] = ()
    """States in which a draft may be taken; () all that are not final."""
    label: str = ""
    numbering: str = ""
    mark: str = ""
    receivers: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()
    observers: tuple[str, ...] = ()
    annexes: tuple[str, ...] = ()
    cited_annex: str = ""
    """Title of an annex that tables what is cited; "" for none."""
    notes: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    issuer: str = ""

    @property
    def code(self) -> str:
        """Return the document's name in the installation: `service/document`."""
        return f"{self.service}/{self.id}"
