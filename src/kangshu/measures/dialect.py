"""What the engines say differently: one compiler writes views for all of them in these words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, Literal

Kind = Literal["text", "number", "whole", "boolean"]
"""The scalar types of a view's columns and of a path's values."""

DEPTH_REACHED: Final = "kangshu:repeat-depth"
"""What a statement's error says when `repeat` found more levels than it was compiled for."""
NO_RESOURCE: Final = "kangshu:no-resource"
"""What a statement's error says of a line that is no resource."""


class DepthReached(Exception):
    """`repeat` found more levels than the statement was compiled for."""


class Dialect(ABC):
    """The SQL of one engine. Every method returns an expression; an *element* is one JSON value, never SQL NULL.

    Lists count from 0 in every method here, whatever the engine does. Texts that come from a view are bound; what
    is written into the SQL are checked identifiers and the compiler's own words.
    """

    name: ClassVar[str]
    types: ClassVar[Mapping[Kind, str]]
    element_type: ClassVar[str]
    no_elements: ClassVar[str]
    """The empty list of elements."""

    # ------------------------------------------------------------------ names, types, errors

    @abstractmethod
    def bound(self, name: str) -> str:
        """Return the placeholder of the bound text `name`, typed as text."""

    @abstractmethod
    def quoted(self, name: str) -> str:
        """Return a column's name (an identifier) as the engine quotes it."""

    @abstractmethod
    def list_type(self, of: str) -> str:
        """Return the type of a list of `of`."""

    @abstractmethod
    def struct_type(self, fields: Mapping[str, str]) -> str:
        """Return the type of a struct."""

    @abstractmethod
    def error(self, text: str) -> str:
        """Return the expression that fails with `text` (words of ours without quotes)."""

    @abstractmethod
    def cost(self, sql: str) -> int:
        """Return what the engine needs to read a statement; above `COST_LIMIT` it is refused."""

    # ------------------------------------------------------------------ lists

    @abstractmethod
    def list_of(self, *items: str) -> str:
        """Return a list of items of one type."""

    @abstractmethod
    def empty_list(self, type_: str) -> str:
        """Return the empty list of `type_`, an element type."""

    @abstractmethod
    def length(self, items: str) -> str:
        """Return how many items a list has."""

    @abstractmethod
    def only(self, items: str) -> str:
        """Return the first item of a list that has one."""

    @abstractmethod
    def head(self, items: str) -> str:
        """Return the list of the first item, or of none."""

    @abstractmethod
    def tail(self, items: str) -> str:
        """Return the list of the last item, or of none."""

    @abstractmethod
    def at(self, items: str, place: str) -> str:
        """Return the list of the item at `place` (a variable, whole or NULL), or of none."""

    @abstractmethod
    def concat(self, *lists: str) -> str:
        """Return lists of one type as one."""

    @abstractmethod
    def flatten(self, lists: str) -> str:
        """Return a list of lists as one list."""

    @abstractmethod
    def distinct(self, items: str) -> str:
        """Return a list of elements without repetitions."""

    @abstractmethod
    def join(self, texts: str, glue: str) -> str:
        """Return a list of texts as one text."""

    @abstractmethod
    def map(self, items: str, item: str, body: str) -> str:
        """Return `body` for each item; it names the item `item`."""

    @abstractmethod
    def map_placed(self, items: str, item: str, place: str, body: Callable[[str], str]) -> str:
        """Return `body` for each item; it is given the expression of the item's place as a whole number."""

    @abstractmethod
    def filter(self, items: str, item: str, condition: str) -> str:
        """Return the items for which `condition`, which is never NULL, is true."""

    @abstractmethod
    def fold(self, times: int, state: str, start: str, step: str, type_: str) -> str:
        """Return `start` after `times` times `step`, which names the state `state`; both are of `type_`."""

    @abstractmethod
    def sorted_by(self, items: str, field: str, names: tuple[str, str]) -> str:
        """Return a list of structs by one field, a list of whole numbers; `names` are variables to use."""

    def let(self, name: str, sql: str, body: str) -> str:
        """Return `body` with `sql` computed once as `name`."""
        return self.only(self.map(self.list_of(sql), name, body))

    # ------------------------------------------------------------------ structs and rows

    @abstractmethod
    def struct(self, fields: Mapping[str, str]) -> str:
        """Return a struct of these expressions."""

    @abstractmethod
    def rows(self, listed: str, names: list[str], kept: str) -> str:
        """Return the statement: one row for each struct in `listed`, over the resources for which `kept`."""

    # ------------------------------------------------------------------ elements

    @abstractmethod
    def children(self, element: str, name: str) -> str:
        """Return what an element has under `name`, as a list of elements: an array's items, or the one value."""

    @abstractmethod
    def member_text(self, element: str, name: str) -> str:
        """Return the text that an element has under `name`, or NULL."""

    @abstractmethod
    def element_of(self, scalar: str) -> str:
        """Return a scalar that is not NULL as an element."""

    @abstractmethod
    def text_of(self, element: str) -> str:
        """Return an element as text, without quotes."""

    @abstractmethod
    def lexeme_of(self, element: str) -> str:
        """Return a number as it is written in the data, as far as the engine keeps it."""

    @abstractmethod
    def number_of(self, element: str) -> str:
        """Return a number as double."""

    @abstractmethod
    def boolean_of(self, element: str) -> str:
        """Return a boolean as such."""

    @abstractmethod
    def is_text(self, element: str) -> str:
        """Return whether an element is a JSON string."""

    @abstractmethod
    def is_number(self, element: str) -> str:
        """Return whether an element is a JSON number."""

    @abstractmethod
    def is_boolean(self, element: str) -> str:
        """Return whether an element is a JSON boolean."""

    @abstractmethod
    def canonical(self, element: str) -> str:
        """Return a text that equal elements share: 1 and 1.0 are equal."""

    # ------------------------------------------------------------------ texts and times

    @abstractmethod
    def matches(self, text: str, pattern: str) -> str:
        """Return whether a regular expression is found in `text`."""

    @abstractmethod
    def has_part(self, text: str, part: str, where: Literal["startsWith", "endsWith", "contains"]) -> str:
        """Return whether `text` has `part` there."""

    @abstractmethod
    def instant(self, text: str) -> str:
        """Return a dateTime as an instant; NULL where it is none."""

    # ------------------------------------------------------------------ what all engines say alike

    def type_of(self, kind: Kind, *, many: bool = False) -> str:
        """Return the type of a scalar, or of a list of them."""
        return self.list_type(self.types[kind]) if many else self.types[kind]

    def cast(self, sql: str, kind: Kind, *, many: bool = False) -> str:
        """Return `sql` as `kind`."""
        return f"CAST({sql} AS {self.type_of(kind, many=many)})"


COST_LIMIT: Final = 20_000
"""About 0.4 s and 300 MB of DuckDB's time and memory for reading a statement, before any row."""
