"""Fields of forms: one declaration serves registers, cases, bookings, Excel and Questionnaires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kangshu.base.text import Text

NO_TEXT = Text("", "")

FieldKind = Literal[
    "text", "paragraph", "integer", "decimal", "date", "datetime", "choice", "boolean",
    "organisation", "resident", "practitioner", "district", "attachment", "reference", "table",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a coded field."""

    code: str
    title: Text


@dataclass(frozen=True, slots=True)
class RelatedRecords:
    """Records of another register shown with each record of this one (一企一档): those whose `column` names it.

    `register` is `service/register`; `columns` are shown, all but `column` where none is named.
    """

    register: str
    column: str
    columns: tuple[str, ...] = ()
    title: Text = NO_TEXT
    """What they are called here; the register's title where there is none."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a list proposes for a field, in the list's order.

    `list` is `service/list`, `value` the column that is proposed ("subject": the row's subject), `reason` the columns told
    beside it. `where` narrows the list: column → template that may hold ${subject}, ${requester}, ${owner}, ${organisation}
    (of whoever fills the form in) and fields of the case; while one of them has no value nothing is proposed.
    """

    list: str
    value: str = "subject"
    reason: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; the same declaration serves registers, cases, Excel and Questionnaire.

    `path` is where the value stands in the resource: dotted element names with optional `[n]`, and
    `extension(name)` for an extension of ours, e.g. `name[0].text`, `extension(district).valueCode`.
    In a case form an empty path means that the value is kept as a Task.input of the field's id.
    """

    id: str
    title: Text
    kind: FieldKind = "text"
    path: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    system: str = ""
    """Code system of a `choice` that is stored as a Coding; "" stores the bare code."""
    reference_type: str = ""
    """Resource type that a `reference` points to, e.g. `Slot`."""
    criteria: str = ""
    """Search criteria of the resources that may be chosen for a reference, e.g. `status=free`; may hold ${…}."""
    many: bool = False
    """Whether the field takes a list of values."""
    unit: str = ""
    pattern: str = ""
    help: Text = NO_TEXT
    masked: bool = False
    """Says to readers that a protected field stands here. Which those are, and for whom, the policy decides alone."""
    check: Literal["", "resident-id", "organisation-code"] = ""
    """A rule beyond the pattern: the check character of a GB 11643 or GB 32100 number."""
    listed_by: RelatedRecords | None = None
    """In a choice of organisations: a register whose `column` names those that are offered first, with its `columns` told
    beside the name (a contact, hours of duty); a record whose column `active` says no is left out. The others may be chosen
    all the same."""
    suggest: Suggestion | None = None
    """What is proposed for the field, best first, with the reason; anything else may be filled in all the same."""
    prefill: str = ""
    """In a move's form: the field of the case whose value stands here at first, for the mover to change. In a table that
    grows, `children:<case>`: a row per finished child case of that kind, its values under the columns' names; or
    `records:<id>`: a row per record that the case looks up (`CaseDeclaration.records`). In a reference that takes several,
    `records:<id>` offers those records, of what the account itself sees: all of them ticked at first, for it to untick."""
    columns: tuple[Field, ...] = ()
    """What a row of a `table` holds, in the order shown; in no other kind. A row is a mapping of column id to value."""
    grows: bool = False
    """Whether rows of a `table` may be added. Otherwise the rows are those the case holds under the field's id: a move
    changes their open columns and nothing else."""
    hidden: bool = False
    """Kept and shown to nobody: in a column such as the id of what the row is about, in a form that the product itself fills
    in such as that by which it finds the case again."""
    questionnaire: str = ""
    """In a reference to an Observation or a QuestionnaireResponse: the questionnaire (`service/id`) that makes it; the form
    leads to filling it in for the case's resident. It may hold ${…}: a value of the case (`chronic_care/${disease}`)."""
    fixed: bool = False
    """In a column of a move's table: the form shows it and nobody changes it. A move opens columns of a table of the start
    form by `{id: …, open: [columns]}`; all others are fixed."""

    @property
    def draws(self) -> bool:
        """Return whether the form offers records that the case looks up, ticked, for whoever fills it in to untick."""
        return self.kind == "reference" and self.many and self.prefill.startswith("records:")
