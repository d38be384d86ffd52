"""What a service folder declares of its exchange files: rows of cases that go out, and the file that comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kangshu.base.text import Text

_NO_TEXT = Text("", "")
BATCH_SYSTEM = "http://kangshu.org/fhir/sid/exchange-batch"
"""System of Task.groupIdentifier: the batch of a file in which a case went out."""


@dataclass(frozen=True, slots=True)
class ExchangeColumn:
    """A column of the file: its heading as the other side wants it, and a template as in effects (`${payee}`)."""

    title: str
    value: str
    kind: Literal["text", "amount", "integer"] = "text"


@dataclass(frozen=True, slots=True)
class ExchangeAnswer:
    """What a result in the returned file does: the words that mean it, the move, the values that it takes.

    `values` say from which heading of the returned file each field is filled. `settles`: whether the money arrived.
    """

    words: tuple[str, ...]
    move: str
    settles: bool
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SheetStart:
    """Cases started from the rows of a sheet: `key` heads the column of the row's own key, by which it starts once.

    `subject` heads the column of the resident whom a row is about ("" for none). `fields` of the start form have a
    column each; `values` are the same for every row.
    """

    key: Text
    fields: tuple[str, ...]
    subject: Text = _NO_TEXT
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExchangeDeclaration:
    """With `start`: cases of `case` that a sheet starts row by row, and nothing of what follows. Without: rows of cases as a file for another system (a bank), and that system's answer (回盘).

    Cases of `case` in `states` go out by the move `move`, which gets the batch number as its field `batch`. In the file
    `key` and `amount` are headings of columns: by the key a returned row finds its case, the amounts are added up
    for the control total. `result` is the heading of what became of a row in the returned file.
    """

    id: str
    service: str
    title: Text
    case: str
    by: tuple[str, ...]
    states: tuple[str, ...] = ()
    move: str = ""
    columns: tuple[ExchangeColumn, ...] = ()
    key: str = ""
    amount: str = ""
    result: str = ""
    answers: tuple[ExchangeAnswer, ...] = ()
    format: Literal["csv", "xlsx"] = "csv"
    encoding: Literal["utf-8", "gb18030"] = "gb18030"
    name: str = ""
    """How the file is named before its batch number."""
    help: Text = _NO_TEXT
    start: SheetStart | None = None

    @property
    def code(self) -> str:
        """Return the exchange's name in the installation: `service/exchange`."""
        return f"{self.service}/{self.id}"

    @property
    def kind(self) -> str:
        """Return the code of the case kind whose cases go out."""
        return f"{self.service}/{self.case}"
