"""The query tree: what a search asks for, with names resolved and values parsed. Frozen; names no engine.

Query ── where: Clause*          all must hold
      ── sort: Sort*
      ── includes: Include*
Clause = IdClause | UpdatedClause | DistrictClause | ValueClause | CompositeClause
       | MissingClause | ChainClause | HasClause
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

Kind = Literal["token", "string", "date", "number", "quantity", "reference", "uri"]
"""The kinds of index; `canonical` references are reference entries of no type."""

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a parameter's entries are kept: `code` is the indexed parameter, `target` narrows its references."""

    code: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class TokenValue:
    """`system` None: any; "": none. `code` None: any."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class StringValue:
    """Folded for the default and `:contains`, as written for `:exact`."""

    text: str


@dataclass(frozen=True, slots=True)
class DateValue:
    """The half-open range [low, high) that a partial date stands for."""

    prefix: Prefix
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class NumberValue:
    """A number and the half-open range [low, high) of its written precision."""

    prefix: Prefix
    value: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """A number with `system` (None: any) and `code` (None: any; matched against unit as well without system)."""

    number: NumberValue
    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """`type` "": any type; an absolute URL or canonical stands in `id` with `url` set."""

    type: str
    id: str
    url: bool = False


@dataclass(frozen=True, slots=True)
class UriValue:
    """A URI as written."""

    uri: str


Value: TypeAlias = (
    TokenValue | StringValue | DateValue | NumberValue | QuantityValue | ReferenceValue | UriValue
)


@dataclass(frozen=True, slots=True)
class IdClause:
    """The record's id is one of these."""

    ids: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class UpdatedClause:
    """The record's last change lies in one of these ranges."""

    values: tuple[DateValue, ...]


@dataclass(frozen=True, slots=True)
class DistrictClause:
    """The record's division is one of these or lies below one."""

    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValueClause:
    """One of the values matches an entry of one of the sources. `modifier` as in R4, without the colon."""

    kind: Kind
    sources: tuple[Source, ...]
    values: tuple[Value, ...]
    modifier: Literal["", "not", "text", "exact", "contains", "above", "below"] = ""


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a composite: its index kind, and the code its entries are kept under."""

    kind: Kind
    code: str


@dataclass(frozen=True, slots=True)
class CompositeSource:
    """A composite's components; `grouped` when the entries must come from one element (same part)."""

    components: tuple[Component, ...]
    grouped: bool


@dataclass(frozen=True, slots=True)
class CompositeClause:
    """One of the value tuples matches, component by component, in one of the sources."""

    sources: tuple[CompositeSource, ...]
    values: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class MissingClause:
    """The record has no (or, `missing` false, some) entry of the sources."""

    kind: Kind
    sources: tuple[Source, ...]
    missing: bool


@dataclass(frozen=True, slots=True)
class ChainClause:
    """A reference of the sources leads to a record of `type` that meets `clause`; one alternative per type."""

    sources: tuple[Source, ...]
    alternatives: tuple[tuple[str, Clause], ...]


@dataclass(frozen=True, slots=True)
class HasClause:
    """A record of `type` that meets `clause` refers here through `sources`."""

    type: str
    sources: tuple[Source, ...]
    clause: Clause


Clause: TypeAlias = (
    IdClause
    | UpdatedClause
    | DistrictClause
    | ValueClause
    | CompositeClause
    | MissingClause
    | ChainClause
    | HasClause
)


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by a parameter: its smallest value ascending, its largest descending; records without come last.

    `by` "_id" and "_lastUpdated" are columns of the record.
    """

    by: str
    kind: Kind
    sources: tuple[Source, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """References to follow: from `type` through `sources` to `target` ("" for any type).

    `reverse` follows them backwards (`_revinclude`); `iterate` applies to what was included as well.
    """

    type: str
    sources: tuple[Source, ...]
    target: str = ""
    reverse: bool = False
    iterate: bool = False


Total = Literal["none", "estimate", "accurate"]


@dataclass(frozen=True, slots=True)
class Query:
    """One search over one type. `count` is the page size; `ignored` the parameters left out by leniency."""

    type: str
    where: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 50
    total: Total = "none"
    count_only: bool = False
    includes: tuple[Include, ...] = ()
    elements: tuple[str, ...] = ()
    summary: Literal["", "true", "false", "text", "data", "count"] = ""
    ignored: tuple[str, ...] = ()
    text: str = field(default="", compare=False)
    """The query as it was written, for the audit and for links."""
