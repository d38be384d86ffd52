"""One clause of a query → one SQL condition on a row of `resource`."""

# ruff: noqa: S608  # the text is of literals and aliases made here; every value is bound
from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kangshu.access import Grant
from kangshu.base.canonical import RESIDENT_ID
from kangshu.search import (
    TEXT_HEAD,
    ChainClause,
    Clause,
    Component,
    CompositeClause,
    CompositeSource,
    DateValue,
    DistrictClause,
    HasClause,
    IdClause,
    Kind,
    MissingClause,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    Source,
    StringValue,
    TokenValue,
    UpdatedClause,
    UriValue,
    Value,
    ValueClause,
    after,
    fold,
)
from kangshu.store.catalogue import NOWHERE, Catalogue
from kangshu.store.fields import codes_of, may_name_anybody, revealed_by, sees_every_number
from kangshu.store.masking import IDENTITY_NUMBER
from kangshu.store.sql import Binder, predicate_sql, readable_sql

TABLES: Final[dict[Kind, str]] = {
    "token": "index_token",
    "string": "index_string",
    "date": "index_date",
    "number": "index_number",
    "quantity": "index_quantity",
    "reference": "index_reference",
    "uri": "index_uri",
}


class Conditions:
    """Compiles clauses for one statement. `systems` are the numbers of the code systems that the query names."""

    def __init__(self, grant: Grant, catalogue: Catalogue, systems: dict[str, int], binder: Binder) -> None:
        self._grant = grant
        self._catalogue = catalogue
        self._systems = systems
        self._binder = binder
        self._depth = 0

    def clause(self, type: str, clause: Clause, row: str) -> str:
        """Return the condition that the record in `row`, of `type`, meets `clause`.

        A clause that would reveal a protected field is met only where the field is clear for the grant.
        """
        return " and ".join(
            f"({one})" for one in (self._met(type, clause, row), *self.clear(type, clause, row))
        )

    def clear(self, type: str, clause: Clause, row: str) -> list[str]:
        """Return the conditions that the record in `row` shows in clear what `clause` would reveal of it."""
        fields = revealed_by(type, codes_of(clause))
        parts = [predicate_sql(self._grant.may_see(field.id), row, self._binder) for field in fields]
        if not fields and not sees_every_number(self._grant) and may_name_anybody(type, clause):
            entry = self._alias("n")
            numbers = self._binder.bind(self._systems.get(RESIDENT_ID, -1), "integer")
            sources = [Source(code) for code in codes_of(clause)]
            parts.append(
                f"{predicate_sql(self._grant.may_see(IDENTITY_NUMBER), row, self._binder)} or not exists ("
                f"select 1 from {TABLES['token']} {entry} where {entry}.key = {row}.key "
                f"and {entry}.system = {numbers} and {self.params(type, sources, entry)})"
            )
        return [part for part in parts if part != "true"]

    def not_number(self, entry: str) -> str:
        """Return the end of a condition on a token entry: it is no identity number, unless the grant sees all."""
        if sees_every_number(self._grant):
            return ""
        return f" and {entry}.system <> {self._binder.bind(self._systems.get(RESIDENT_ID, -1), 'integer')}"

    def _met(self, type: str, clause: Clause, row: str) -> str:
        match clause:
            case IdClause(ids, negated):
                word = "<> all" if negated else "= any"
                return f"{row}.id {word}({self._binder.bind(list(ids), 'text[]')})"
            case UpdatedClause(values):
                return self._any(self._date(value, f"{row}.updated", f"{row}.updated") for value in values)
            case DistrictClause(prefixes):
                bind = self._binder.bind
                return self._any(f"starts_with({row}.district, {bind(one, 'text')})" for one in prefixes)
            case ValueClause():
                return self._value_clause(type, clause, row)
            case CompositeClause(sources, values):
                return self._any(
                    self._composite(type, source, value, row) for source in sources for value in values
                )
            case MissingClause(kind, sources, missing):
                return self._missing(type, kind, sources, missing, row)
            case ChainClause(sources, alternatives):
                return self._any(
                    self._chain(type, sources, target, inner, row) for target, inner in alternatives
                )
            case HasClause(source_type, sources, inner):
                return self._has(type, source_type, sources, inner, row)

    def join(self, type: str, clause: Clause) -> tuple[str, str] | None:
        """Return the index table with its alias, and the condition, when at most one of its rows can match a record.

        Such a clause is a plain join: the planner may then walk its index in the order of the records.
        """
        if (
            not isinstance(clause, ValueClause)
            or clause.modifier
            or len(clause.sources) != 1
            or len(clause.values) != 1
        ):
            return None
        value, source = clause.values[0], clause.sources[0]
        single = (isinstance(value, TokenValue) and value.code is not None and value.system is not None) or (
            isinstance(value, ReferenceValue) and bool(value.type or value.url or source.target)
        )
        if not single:
            return None
        entry = self._alias("j")
        wanted = self._value(clause.kind, "", value, entry)
        return f"{TABLES[clause.kind]} {entry}", f"{self.params(type, clause.sources, entry)} and {wanted}"

    def params(self, type: str, sources: Iterable[Source], entry: str) -> str:
        """Return the condition that the index row `entry` belongs to one of `sources`."""
        parts = []
        for source in sources:
            condition = (
                f"{entry}.param = {self._binder.bind(self._catalogue.param(type, source.code), 'integer')}"
            )
            if source.target:
                wanted = self._binder.bind(self._catalogue.type(source.target), "smallint")
                condition = f"{condition} and {entry}.target_type = {wanted}"
            parts.append(condition)
        return self._any(parts)

    def _any(self, parts: Iterable[str]) -> str:
        found = list(parts)
        if not found:
            return "false"
        return found[0] if len(found) == 1 else "(" + " or ".join(f"({one})" for one in found) + ")"

    def _alias(self, letter: str) -> str:
        self._depth += 1
        return f"{letter}{self._depth}"

    def _value_clause(self, type: str, clause: ValueClause, row: str) -> str:
        kind: Kind = "string" if clause.modifier == "text" else clause.kind
        entry = self._alias("i")
        wanted = self._any(self._value(kind, clause.modifier, value, entry) for value in clause.values)
        sources = clause.sources
        found = f"select {entry}.key from {TABLES[kind]} {entry} where {self.params(type, sources, entry)} and {wanted}"
        if clause.modifier == "not":
            return f"not exists ({found} and {entry}.key = {row}.key)"
        return f"{row}.key in ({found})"

    def _value(self, kind: Kind, modifier: str, value: Value, entry: str) -> str:
        match value:
            case TokenValue():
                return self._token(value, entry)
            case StringValue(text):
                return self._string(text, modifier, entry)
            case DateValue():
                return self._date(value, f"{entry}.low", f"{entry}.high")
            case NumberValue():
                return self._number(value, entry)
            case QuantityValue(number, system, code):
                return self._quantity(number, system, code, entry)
            case ReferenceValue(type, id, url):
                target = f"{entry}.target = {self._binder.bind(id, 'text')}"
                if not type and not url:
                    return target
                wanted = NOWHERE if url else self._catalogue.type(type)
                return f"{target} and {entry}.target_type = {self._binder.bind(wanted, 'smallint')}"
            case UriValue(uri):
                return self._uri(uri, modifier, entry)

    def _token(self, value: TokenValue, entry: str) -> str:
        parts = []
        if value.code is not None:
            parts.append(f"{entry}.code = {self._binder.bind(value.code, 'text')}")
        if value.system is not None:
            parts.append(
                f"{entry}.system = {self._binder.bind(self._systems.get(value.system, -1), 'integer')}"
            )
        return " and ".join(parts)

    def _string(self, text: str, modifier: str, entry: str) -> str:
        bind = self._binder.bind
        if modifier == "contains":
            return f"strpos({entry}.folded, {bind(text, 'text')}) > 0"
        folded = fold(text) if modifier == "exact" else text
        head = folded[:TEXT_HEAD]
        begins = f"left({entry}.folded, {TEXT_HEAD})"
        if modifier == "exact":
            return f"{begins} = {bind(head, 'text')} and {entry}.exact = {bind(text, 'text')}"
        parts = [f"{begins} >= {bind(head, 'text')}"]
        end = after(head)
        if end:
            parts.append(f"{begins} < {bind(end, 'text')}")
        if len(folded) > TEXT_HEAD:
            parts.append(f"starts_with({entry}.folded, {bind(folded, 'text')})")
        return " and ".join(parts)

    def _date(self, value: DateValue, low: str, high: str) -> str:
        """Source: https://hl7.org/fhir/R4/search.html#date; the entry is the half-open range [low, high)."""
        bind = self._binder.bind
        if value.prefix in ("lt", "eb"):  # bound alone: PostgreSQL refuses a parameter that nothing uses
            begin = bind(value.low, "timestamptz")
            return f"{high} <= {begin}" if value.prefix == "eb" and low != high else f"{low} < {begin}"
        if value.prefix in ("gt", "sa"):
            end = bind(value.high, "timestamptz")
            return f"{high} > {end}" if value.prefix == "gt" and low != high else f"{low} >= {end}"
        begin, end = bind(value.low, "timestamptz"), bind(value.high, "timestamptz")
        # a column of one instant lies within [begin, end) when it is below its end
        within = (
            f"{low} >= {begin} and {high} <= {end}" if low != high else f"{low} >= {begin} and {low} < {end}"
        )
        beyond = f"{high} > {end}" if low != high else f"{high} >= {end}"
        match value.prefix:
            case "eq":
                return f"({within} and {low} < {end})"
            case "ne":
                return f"not ({within})"
            case "ge":
                return f"({high} >= {begin} and ({beyond} or ({within})))"
            case "le":
                return f"({low} < {end} and ({low} < {begin} or ({within})))"
            case _:
                slack = f"greatest(abs(extract(epoch from now() - {begin})) * 0.1, 0) * interval '1 second'"
                return f"({low} < {end} + {slack} and {high} > {begin} - {slack})"

    def _number(self, value: NumberValue, entry: str) -> str:
        bind = self._binder.bind
        low, high = f"{entry}.low", f"{entry}.high"
        compared = {
            "gt": (high, ">"),
            "lt": (low, "<"),
            "ge": (high, ">="),
            "le": (low, "<="),
            "sa": (low, ">"),
            "eb": (high, "<"),
        }
        if value.prefix in compared:
            side, sign = compared[value.prefix]
            return f"{side} {sign} {bind(value.value, 'numeric')}"
        least, most = bind(value.low, "numeric"), bind(value.high, "numeric")
        match value.prefix:
            case "ne":
                return f"not ({low} >= {least} and {high} < {most})"
            case "ap":
                return f"({low} <= {most} and {high} >= {least})"
            case _:
                return f"({low} >= {least} and {low} < {most} and {high} < {most})"

    def _quantity(self, number: NumberValue, system: str | None, code: str | None, entry: str) -> str:
        bind = self._binder.bind
        parts = [self._number(number, entry)]
        if system is not None:
            parts.append(f"{entry}.system = {bind(self._systems.get(system, -1), 'integer')}")
            if code is not None:
                parts.append(f"{entry}.code = {bind(code, 'text')}")
        elif code is not None:
            one = bind(code, "text")
            parts.append(f"({entry}.code = {one} or {entry}.unit = {one})")
        return " and ".join(parts)

    def _uri(self, uri: str, modifier: str, entry: str) -> str:
        """Source: https://hl7.org/fhir/R4/search.html#uri; `:below` and `:above` are for URLs, not for URNs."""
        bound = self._binder.bind(uri, "text")
        value = f"{entry}.value"
        if modifier == "below":
            end = self._binder.bind(after(uri), "text")
            return f"({value} >= {bound} and {value} < {end} and not starts_with({value}, 'urn:'))"
        if modifier == "above":
            return f"(starts_with({bound}, {value}) and not starts_with({value}, 'urn:'))"
        return f"{value} = {bound}"

    def _missing(self, type: str, kind: Kind, sources: tuple[Source, ...], missing: bool, row: str) -> str:
        # a concept of text alone has no token, a reference of an identifier alone no target
        kinds: dict[Kind, tuple[Kind, ...]] = {
            "token": ("token", "string"),
            "reference": ("reference", "token"),
        }
        found = []
        for one in kinds.get(kind, (kind,)):
            entry = self._alias("i")
            kept = sources if one == "reference" else tuple(Source(source.code) for source in sources)
            if one == "token" and kind == "reference" and any(source.target for source in sources):
                continue
            params = self.params(type, kept, entry)
            found.append(
                f"exists (select 1 from {TABLES[one]} {entry} where {entry}.key = {row}.key and {params})"
            )
        either = "(" + " or ".join(found) + ")"
        return f"not {either}" if missing else either

    def _composite(self, type: str, source: CompositeSource, values: tuple[Value, ...], row: str) -> str:
        if not source.grouped:
            conditions = []
            for component, value in zip(source.components, values, strict=True):
                entry = self._alias("i")
                met = self._component(type, component, value, entry)
                table = TABLES[component.kind]
                conditions.append(f"{row}.key in (select {entry}.key from {table} {entry} where {met})")
            return " and ".join(conditions)
        entries = [self._alias("i") for _ in source.components]
        tables = ", ".join(
            f"{TABLES[component.kind]} {entry}"
            for component, entry in zip(source.components, entries, strict=True)
        )
        matched = [
            self._component(type, component, value, entry)
            for component, value, entry in zip(source.components, values, entries, strict=True)
        ]
        first = entries[0]
        matched += [f"{entry}.key = {first}.key and {entry}.part = {first}.part" for entry in entries[1:]]
        return f"{row}.key in (select {first}.key from {tables} where {' and '.join(matched)})"

    def _component(self, type: str, component: Component, value: Value, entry: str) -> str:
        params = self.params(type, (Source(component.code),), entry)
        return f"{params} and {self._value(component.kind, '', value, entry)}"

    def _chain(self, type: str, sources: tuple[Source, ...], target: str, inner: Clause, row: str) -> str:
        entry, there = self._alias("i"), self._alias("t")
        kind = self._binder.bind(self._catalogue.type(target), "smallint")
        params = self.params(type, sources, entry)
        readable = readable_sql(self._grant, there, self._catalogue, self._binder, target)
        condition = self.clause(target, inner, there)
        return (
            f"{row}.key in (select {entry}.key from index_reference {entry} join resource {there} "
            f"on {there}.type = {kind} and {there}.id = {entry}.target and not {there}.deleted "
            f"where {entry}.target_type = {kind} and {params} and {readable} and {condition})"
        )

    def _has(self, type: str, source_type: str, sources: tuple[Source, ...], inner: Clause, row: str) -> str:
        entry, there = self._alias("i"), self._alias("t")
        target = self._binder.bind(self._catalogue.type(type), "smallint")
        kind = self._binder.bind(self._catalogue.type(source_type), "smallint")
        params = self.params(source_type, sources, entry)
        readable = readable_sql(self._grant, there, self._catalogue, self._binder, source_type)
        condition = self.clause(source_type, inner, there)
        return (
            f"{row}.id in (select {entry}.target from index_reference {entry} join resource {there} "
            f"on {there}.key = {entry}.key and {there}.type = {kind} and not {there}.deleted "
            f"where {entry}.target_type = {target} and {params} and {readable} and {condition})"
        )


def systems_of(clauses: Iterable[Clause]) -> set[str]:
    """Return the code systems that `clauses` name."""
    found: set[str] = set()
    for clause in clauses:
        match clause:
            case ValueClause(values=values):
                found.update(_systems(values))
            case CompositeClause(values=tuples):
                for one in tuples:
                    found.update(_systems(one))
            case ChainClause(alternatives=alternatives):
                found.update(systems_of(inner for _, inner in alternatives))
            case HasClause(clause=inner):
                found.update(systems_of([inner]))
            case _:
                pass
    return found


def _systems(values: Iterable[Value]) -> set[str]:
    return {v.system for v in values if isinstance(v, TokenValue | QuantityValue) and v.system is not None}
