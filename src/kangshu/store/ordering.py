# ruff: noqa: S608  # the text is of literals and aliases made here; every value is bound
"""The order of a search: which narrow rows come first, and where a page goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kangshu.access import AllOf, AnyOf, PatientIn, Predicate
from kangshu.search import DistrictClause, Query, Sort, UpdatedClause
from kangshu.store.conditions import TABLES, Conditions
from kangshu.store.fields import revealed_by
from kangshu.store.sql import Binder

_VALUE: Final = {
    "token": "code", "string": "folded", "date": "low", "number": "low", "quantity": "low", "reference": "target",
    "uri": "value",
}  # fmt: skip
_CASTS: Final = {"date": "timestamptz", "number": "numeric", "quantity": "numeric"}


@dataclass(frozen=True, slots=True)
class _Key:
    """One sort key. Rows without a value come last in either direction; columns of the record always have one."""

    expression: str
    descending: bool
    cast: str
    nullable: bool

    @property
    def sql(self) -> str:
        return (
            f"{self.expression}{' desc' if self.descending else ''}{' nulls last' if self.nullable else ''}"
        )


class Ordering:
    """The order of one query within one statement. Equal rows follow in the order of their keys."""

    def __init__(self, query: Query, conditions: Conditions, binder: Binder) -> None:
        self._query = query
        self._conditions = conditions
        self._binder = binder
        self._falling = bool(query.sort) and query.sort[0].descending

    @property
    def width(self) -> int:
        """How many sort values a row has."""
        return len(self._query.sort)

    def narrow(
        self, tables: str, where: str, position: Sequence[Any] | None, limit: str, readable: Predicate
    ) -> str:
        """Return the statement of one page's keys and sort values, in order, after `position` (values, then the key).

        `tables` are `resource r` and its joins, `where` the condition on them.
        """
        if self._leads(readable):
            return self._led(self._query.sort[0], where, position, limit)
        joins, keys = self._keys()
        if position is not None:
            where = f"{where} and ({self._beyond(position, keys)})"
        values = ", ".join(["r.key", *(f"{key.expression} as s{at}" for at, key in enumerate(keys))])
        order = ", ".join([*(key.sql for key in keys), self._by_key("r.key")])
        return f"select {values} from {tables} {joins} where {where} order by {order} limit {limit}"

    def _by_key(self, column: str) -> str:
        return f"{column} desc" if self._falling else column

    def _keys(self) -> tuple[str, list[_Key]]:
        """Return the joins that fetch sort values, and the keys."""
        joins: list[str] = []
        keys: list[_Key] = []
        for at, sort in enumerate(self._query.sort):
            if sort.by == "_id":
                keys.append(_Key("r.id", sort.descending, "text", nullable=False))
            elif sort.by == "_lastUpdated":
                keys.append(_Key("r.updated", sort.descending, "timestamptz", nullable=False))
            else:
                joins.append(self._join(at, sort))
                keys.append(_Key(f"o{at}.v", sort.descending, _CASTS.get(sort.kind, "text"), nullable=True))
        return " ".join(joins), keys

    def _join(self, at: int, sort: Sort) -> str:
        picked = "max" if sort.descending else "min"
        params = self._conditions.params(self._query.type, sort.sources, f"x{at}")
        if sort.kind == "token" and not revealed_by(self._query.type, (sort.by,)):
            params += self._conditions.not_number(f"x{at}")
        return (
            f"left join lateral (select {picked}(x{at}.{_VALUE[sort.kind]}) as v from {TABLES[sort.kind]} x{at} "
            f"where x{at}.key = r.key and {params}) o{at} on true"
        )

    def _beyond(self, position: Sequence[Any], keys: list[_Key]) -> str:
        alternatives: list[str] = []
        equal: list[str] = []
        for key, value in zip(keys, position, strict=False):
            if value is None:
                equal.append(f"{key.expression} is null")
                continue
            bound = self._binder.bind(value, key.cast)
            further = f"{key.expression} {'<' if key.descending else '>'} {bound}"
            if key.nullable:
                further = f"({further} or {key.expression} is null)"
            alternatives.append(" and ".join([*equal, further]))
            equal.append(f"{key.expression} = {bound}")
        alternatives.append(" and ".join([*equal, self._beyond_key("r.key", position[-1])]))
        return " or ".join(f"({one})" for one in alternatives)

    def _beyond_key(self, column: str, key: Any) -> str:
        return f"{column} {'<' if self._falling else '>'} {self._binder.bind(key, 'bigint')}"

    def _leads(self, readable: Predicate) -> bool:
        """Return whether walking the sort parameter's own index is the way: nothing else narrows the matches much."""
        if len(self._query.sort) != 1:
            return False
        (sort,) = self._query.sort
        if sort.kind not in _CASTS or len(sort.sources) != 1 or _names_residents(readable):
            return False
        return all(isinstance(clause, UpdatedClause | DistrictClause) for clause in self._query.where)

    def _led(self, sort: Sort, where: str, position: Sequence[Any] | None, limit: str) -> str:
        """Return the page by the index of the sort parameter: first the records with a value, then the others."""
        table, cast = TABLES[sort.kind], _CASTS[sort.kind]
        params = self._conditions.params(self._query.type, sort.sources, "x")
        others = self._conditions.params(self._query.type, sort.sources, "y")
        sign = ">" if sort.descending else "<"
        # of several values of one record the first in order counts
        first = (
            f"not exists (select 1 from {table} y where y.key = x.key and {others} "
            f"and (y.low {sign} x.low or (y.low = x.low and y.ctid > x.ctid)))"
        )
        order = f"x.low{' desc' if sort.descending else ''}, {self._by_key('x.key')}"
        beyond, rest = "true", "true"
        if position is not None and position[0] is not None:
            value = self._binder.bind(position[0], cast)
            on = "<" if sort.descending else ">"
            beyond = (
                f"x.low {on}= {value} and (x.low {on} {value} or {self._beyond_key('x.key', position[1])})"
            )
        elif position is not None:
            beyond, rest = "false", self._beyond_key("r.key", position[1])
        valued = (
            f"select x.key, x.low as s0 from {table} x join resource r on r.key = x.key "
            f"where {params} and {beyond} and {first} and {where} order by {order} limit {limit}"
        )
        bare = (
            f"select r.key, null::{cast} from resource r where {where} and {rest} "
            f"and not exists (select 1 from {table} y where y.key = r.key and {others}) "
            f"order by {self._by_key('r.key')} limit {limit}"
        )
        return f"select * from (({valued}) union all ({bare})) led limit {limit}"


def _names_residents(predicate: Predicate) -> bool:
    match predicate:
        case PatientIn():
            return True
        case AnyOf(parts) | AllOf(parts):
            return any(_names_residents(part) for part in parts)
        case _:
            return False
