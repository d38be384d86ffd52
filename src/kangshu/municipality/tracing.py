"""What a view makes of a kind of record, as SQL: found by running the view itself on marked records.

The template is filled with marks in place of values and goes through the very closures that the keeper runs; a mark
that comes out in a column says which of the facts stands there. So a view row is never written down a second time, and
a view that somebody adds tomorrow has its rows too. A column that a view may look into has its values listed; one that
may be missing is tried both ways. See docs/adr/0042-city-generator.md.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are quoted

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any, Final

from kangshu.access import Scope
from kangshu.base.faults import Invalid
from kangshu.measures import CompiledView
from kangshu.municipality.template import Template
from kangshu.sdk import CityRecords, Resource
from kangshu.store import scope_of

PLACE: Final = "place"
_MOST_VARIANTS: Final = 1024
_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_TEXTS: Final = ("VARCHAR", "DATE", "BOOLEAN")
_Variant = tuple[Any, ...]
_Outcome = tuple[tuple[str, ...], ...]
"""The rows of a view for one variant, each a SQL expression per column."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A column whose values are tried one by one: those it can have, or `None` for missing and `_FREE` for there."""

    column: str
    values: tuple[Any, ...]

    def condition(self, value: Any) -> str:
        if value is None:
            return f'"{self.column}" IS NULL'
        if value is _FREE:
            return f'"{self.column}" IS NOT NULL'
        return f'"{self.column}" = {_literal(value)}'


_FREE: Final = object()


class Tracer:
    """Traces views over one kind of record whose facts have `columns` (name → DuckDB type)."""

    def __init__(self, records: CityRecords, columns: Mapping[str, str]) -> None:
        """Check the facts against the template. Raises Invalid for a column that is not there or has a bad type."""
        self.template = Template(records.resource)
        self._records, self._types = records, columns
        for name in self.template.columns:
            if name not in columns:
                raise Invalid(f"records '{records.id}': the SQL has no column '{name}'")
        self._choices = tuple(self._choice(name) for name in self.template.columns if self._is_choice(name))
        count = 1
        for one in self._choices:
            count *= len(one.values)
        if count > _MOST_VARIANTS:
            raise Invalid(
                f"records '{records.id}': {count} variants of values and missing columns are too many"
            )
        self._marked = [
            (variant, *self._resources(variant))
            for variant in product(*(one.values for one in self._choices))
        ]

    def statement(self, view: CompiledView, facts: str) -> str:
        """Return the SELECT of the rows of `view` over the relation `facts`, "" where it has none.

        Raises Invalid where the view looks into a value that the declaration does not list.
        """
        outcomes: dict[_Variant, _Outcome] = {}
        for variant, first, second in self._marked:
            rows = self._rows(view, first, 0)
            if rows != self._rows(view, second, 1):
                raise Invalid(
                    f"the view '{view.name}' looks into a value of records '{self._records.id}': list its `values`"
                )
            outcomes[variant] = rows
        most = max(len(rows) for rows in outcomes.values())
        names = list(view.given_columns())
        parts = []
        for place in range(most):
            kept = {variant: rows[place] for variant, rows in outcomes.items() if len(rows) > place}
            where = self._where(kept.keys())
            cells = (
                f'{self._case({variant: row[at] for variant, row in kept.items()})} AS "{name}"'
                for at, name in enumerate(names)
            )
            parts.append(f"SELECT {', '.join(cells)} FROM ({facts}){where}")
        return " UNION ALL ".join(parts)

    # ------------------------------------------------------------------ marks

    def _is_choice(self, name: str) -> bool:
        return (
            name in self.template.optional or name in self._records.values or self._types[name] == "BOOLEAN"
        )

    def _choice(self, name: str) -> _Choice:
        listed: tuple[Any, ...] = self._records.values.get(name, ())
        if self._types[name] == "BOOLEAN":
            listed = (True, False)
        missing = (None,) if name in self.template.optional else ()
        return _Choice(name, (*(listed or (_FREE,)), *missing))

    def _resources(self, variant: _Variant) -> tuple[Resource, Resource]:
        chosen = {one.column: value for one, value in zip(self._choices, variant, strict=True)}
        made = []
        for round_ in (0, 1):
            row = {
                name: self._mark(name, round_) if chosen.get(name, _FREE) is _FREE else chosen[name]
                for name in self.template.columns
            }
            made.append(self.template.fill(row))
        return made[0], made[1]

    def _mark(self, name: str, round_: int) -> Any:
        """Return what stands for a column; the second round's marks differ in value, length and order."""
        place, kind = self.template.columns.index(name), self._types[name]
        if kind in ("VARCHAR", "DATE"):
            return f"zq{place:03d}qz" if round_ == 0 else f"Aq{999 - place:03d}{place:03d}qA"
        if kind in _WHOLE:
            return 700_000_001 + 3 * place if round_ == 0 else 900_000_004 - 3 * place
        if kind.startswith("DECIMAL"):
            return (
                Decimal(f"{700_001 + 3 * place}.5") if round_ == 0 else Decimal(f"{900_004 - 3 * place}.25")
            )
        raise Invalid(
            f"records '{self._records.id}': the column '{name}' is {kind}: text, date, number or boolean"
        )

    # ------------------------------------------------------------------ rows

    def _rows(self, view: CompiledView, resource: Resource, round_: int) -> _Outcome:
        made = view.rows(resource)
        if not made:
            return ()
        scope, own = scope_of(resource)
        cells = self._scope(resource, scope, own)
        types = view.given_columns()
        return tuple(
            tuple(self._expression({**row, **cells}[name], kind, round_) for name, kind in types.items())
            for row in made
        )

    def _scope(self, resource: Resource, scope: Scope, own: bool) -> dict[str, Any]:
        """Return the cells of the scope; where the record tells no division, it is that of whom it is about."""
        if not own and PLACE not in self._types:
            raise Invalid(f"records '{self._records.id}': the SQL has no column '{PLACE}'")
        return {
            "resource_type": resource["resourceType"],
            "resource_id": resource["id"],
            "scope_district": scope.district if own else _Column(PLACE),
            "scope_organisations": list(scope.organisations),
            "scope_patient": scope.patient,
            "scope_labels": list(scope.labels),
        }

    def _expression(self, value: Any, kind: str, round_: int) -> str:
        if isinstance(value, list):
            items = ", ".join(self._plain(one, round_) for one in value)
            return f"CAST([{items}] AS {kind})"
        return f"CAST({self._plain(value, round_)} AS {kind})"

    def _plain(self, value: Any, round_: int) -> str:
        if isinstance(value, _Column):
            return f'"{value.name}"'
        if isinstance(value, str):
            return self._text(value, round_)
        if type(value) in (int, Decimal):
            for name in self.template.columns:
                if self._types[name] not in _TEXTS and value == self._mark(name, round_):
                    return f'"{name}"'
        return _literal(value)

    def _text(self, value: str, round_: int) -> str:
        marks = {
            str(self._mark(name, round_)): name
            for name in self.template.columns
            if self._types[name] != "BOOLEAN"
        }
        pieces = list(_pieces(value, marks))
        if not pieces:
            return "''"
        return " || ".join(
            _literal(text) if not name else f'CAST("{name}" AS VARCHAR)' for text, name in pieces
        )

    # ------------------------------------------------------------------ variants

    def _where(self, kept: Any) -> str:
        if len(kept) == len(self._marked):
            return ""
        admitted = {variant: str(variant in kept) for variant, _, _ in self._marked}
        places = self._relevant(admitted)
        wanted = {tuple(variant[place] for place in places) for variant in kept}
        return f" WHERE {' OR '.join(self._condition(places, values) for values in sorted(wanted, key=repr))}"

    def _case(self, outcomes: Mapping[_Variant, str]) -> str:
        distinct = dict.fromkeys(outcomes.values())
        if len(distinct) == 1:
            return next(iter(distinct))
        told = [one for one in distinct if not one.startswith("CAST(NULL AS ")]
        if len(told) == 1 and all(
            any(value is None and f'"{choice.column}"' in told[0] for choice, value in self._paired(variant))
            for variant, one in outcomes.items()
            if one != told[0]
        ):
            return told[0]  # what is missing makes the whole expression NULL by itself
        places = self._relevant(outcomes)
        cases: dict[_Variant, str] = {}
        for variant, one in outcomes.items():
            cases[tuple(variant[place] for place in places)] = one
        written = " ".join(
            f"WHEN {self._condition(places, values)} THEN {one}" for values, one in cases.items()
        )
        return f"CASE {written} END"

    def _paired(self, variant: _Variant) -> Iterator[tuple[_Choice, Any]]:
        yield from zip(self._choices, variant, strict=True)

    def _relevant(self, outcomes: Mapping[_Variant, str]) -> tuple[int, ...]:
        """Return the fewest choices (by place) that settle the outcome."""
        places = list(range(len(self._choices)))
        for place in tuple(places):
            fewer = [one for one in places if one != place]
            seen: dict[_Variant, str] = {}
            if all(seen.setdefault(tuple(v[p] for p in fewer), one) == one for v, one in outcomes.items()):
                places = fewer
        return tuple(places)

    def _condition(self, places: Sequence[int], values: _Variant) -> str:
        each = (self._choices[place].condition(value) for place, value in zip(places, values, strict=True))
        return f"({' AND '.join(each) or 'true'})"


@dataclass(frozen=True, slots=True)
class _Column:
    name: str


def _pieces(value: str, marks: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the pieces of a text: (text, "") and ("", column)."""
    found = [(value.find(mark), mark) for mark in marks if mark in value]
    if not found:
        if value:
            yield value, ""
        return
    at, mark = min(found)
    if at:
        yield value[:at], ""
    yield "", marks[mark]
    yield from _pieces(value[at + len(mark) :], marks)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
