"""The words of DuckDB, over a table `resources(body JSON)`.

Iterations are list_transform, unions list_concat, and the outermost unnest makes the rows: no lateral joins, no
temporary tables.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, Literal

from kangshu.measures.dialect import Dialect, Kind

_BRACKET: Final = re.compile(r"lambda |[()\[\]]")
_NUMBERS: Final = "('UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')"


class DuckDB(Dialect):
    """The dialect of DuckDB; an element is of type JSON."""

    name = "DuckDB"
    types: ClassVar[Mapping[Kind, str]] = {
        "text": "VARCHAR",
        "number": "DOUBLE",
        "whole": "BIGINT",
        "boolean": "BOOLEAN",
    }
    element_type = "JSON"
    no_elements = "CAST([] AS JSON[])"

    def bound(self, name: str) -> str:
        """Return `$name` as VARCHAR."""
        return f"CAST(${name} AS VARCHAR)"

    def quoted(self, name: str) -> str:
        """Return the name in double quotes."""
        return f'"{name}"'

    def list_type(self, of: str) -> str:
        """Return `of[]`."""
        return f"{of}[]"

    def struct_type(self, fields: Mapping[str, str]) -> str:
        """Return STRUCT(…)."""
        return f"STRUCT({', '.join(f'{name} {type_}' for name, type_ in fields.items())})"

    def error(self, text: str) -> str:
        """Return error('…')."""
        return f"error('{text}')"

    def cost(self, sql: str) -> int:
        """Return twice as much for each lambda within a lambda: so does DuckDB's binder."""
        depth, cost = 0, 0
        opened: list[int] = []
        for match in _BRACKET.finditer(sql):
            match match.group():
                case "lambda ":
                    opened.append(depth)
                    cost += 2 ** min(len(opened), 40)
                case "(" | "[":
                    depth += 1
                case _:
                    depth -= 1
                    while opened and depth < opened[-1]:
                        opened.pop()
        return cost

    def list_of(self, *items: str) -> str:
        """Return [a, b]."""
        return f"[{', '.join(items)}]"

    def empty_list(self, type_: str) -> str:
        """Return the typed []."""
        return f"CAST([] AS {type_}[])"

    def length(self, items: str) -> str:
        """Return len()."""
        return f"len({items})"

    def only(self, items: str) -> str:
        """Return item 1."""
        return f"{items}[1]"

    def head(self, items: str) -> str:
        """Return the slice 1 to 1."""
        return f"({items})[1:1]"

    def tail(self, items: str) -> str:
        """Return the slice -1 to the end."""
        return f"({items})[-1:]"

    def at(self, items: str, place: str) -> str:
        """Return a slice of one; a negative place has none."""
        return f"CASE WHEN {place} >= 0 THEN ({items})[{place} + 1:{place} + 1] ELSE {self.no_elements} END"

    def concat(self, *lists: str) -> str:
        """Return list_concat()."""
        return lists[0] if len(lists) == 1 else f"list_concat({', '.join(lists)})"

    def flatten(self, lists: str) -> str:
        """Return flatten()."""
        return f"flatten({lists})"

    def distinct(self, items: str) -> str:
        """Return list_distinct()."""
        return f"list_distinct({items})"

    def join(self, texts: str, glue: str) -> str:
        """Return array_to_string()."""
        return f"array_to_string({texts}, {glue})"

    def map(self, items: str, item: str, body: str) -> str:
        """Return list_transform()."""
        return f"list_transform({items}, lambda {item}: {body})"

    def map_placed(self, items: str, item: str, place: str, body: Callable[[str], str]) -> str:
        """Return list_transform() with the index, which DuckDB counts from 1."""
        return f"list_transform({items}, lambda {item}, {place}: {body(f'({place} - 1)')})"

    def filter(self, items: str, item: str, condition: str) -> str:
        """Return list_filter()."""
        return f"list_filter({items}, lambda {item}: {condition})"

    def fold(self, times: int, state: str, start: str, step: str, type_: str) -> str:
        """Return list_reduce() over a list of `times` NULLs."""
        steps = f"list_transform(range({times}), lambda {state}_n: CAST(NULL AS {type_}))"
        return f"list_reduce({steps}, lambda {state}, {state}_i: {step}, CAST({start} AS {type_}))"

    def sorted_by(self, items: str, field: str, names: tuple[str, str]) -> str:
        """Return list_sort(): structs sort by their first field first, which `field` must be."""
        return f"list_sort({items})"

    def struct(self, fields: Mapping[str, str]) -> str:
        """Return {'a': …}."""
        return "{" + ", ".join(f"'{name}': {sql}" for name, sql in fields.items()) + "}"

    def rows(self, listed: str, names: list[str], kept: str) -> str:
        """Return SELECT … FROM (SELECT unnest(…))."""
        columns = ", ".join(f'made."{name}" AS "{name}"' for name in names)
        return f"SELECT {columns} FROM (SELECT unnest({listed}) AS made FROM resources WHERE {kept})"

    def children(self, element: str, name: str) -> str:
        """Return the JSON array's items, or the one value."""
        path = f"'$.\"{name}\"'"
        return (
            f"CASE json_type({element}, {path}) WHEN 'ARRAY' THEN json_extract({element}, '$.\"{name}\"[*]') "
            f"WHEN 'NULL' THEN {self.no_elements} ELSE "
            f"CASE WHEN json_exists({element}, {path}) THEN [json_extract({element}, {path})] "
            f"ELSE {self.no_elements} END END"
        )

    def member_text(self, element: str, name: str) -> str:
        """Return json_extract_string()."""
        return f"json_extract_string({element}, '$.{name}')"

    def element_of(self, scalar: str) -> str:
        """Return to_json()."""
        return f"to_json({scalar})"

    def text_of(self, element: str) -> str:
        """Return json_extract_string()."""
        return f"json_extract_string({element}, '$')"

    def lexeme_of(self, element: str) -> str:
        """Return the JSON text, which DuckDB keeps as written."""
        return f"CAST({element} AS VARCHAR)"

    def number_of(self, element: str) -> str:
        """Return the JSON number as DOUBLE."""
        return f"CAST({element} AS DOUBLE)"

    def boolean_of(self, element: str) -> str:
        """Return the JSON boolean as BOOLEAN."""
        return f"CAST({element} AS BOOLEAN)"

    def is_text(self, element: str) -> str:
        """Return whether json_type() is VARCHAR."""
        return f"json_type({element}) = 'VARCHAR'"

    def is_number(self, element: str) -> str:
        """Return whether json_type() is one of a number."""
        return f"json_type({element}) IN {_NUMBERS}"

    def is_boolean(self, element: str) -> str:
        """Return whether json_type() is BOOLEAN."""
        return f"json_type({element}) = 'BOOLEAN'"

    def canonical(self, element: str) -> str:
        """Return the JSON text; of a number its double's."""
        return (
            f"CASE WHEN {self.is_number(element)} THEN CAST(CAST({element} AS DOUBLE) AS VARCHAR) "
            f"ELSE CAST({element} AS VARCHAR) END"
        )

    def matches(self, text: str, pattern: str) -> str:
        """Return regexp_matches()."""
        return f"regexp_matches({text}, {pattern})"

    def has_part(self, text: str, part: str, where: Literal["startsWith", "endsWith", "contains"]) -> str:
        """Return starts_with(), ends_with() or contains()."""
        function = {"startsWith": "starts_with", "endsWith": "ends_with", "contains": "contains"}[where]
        return f"{function}({text}, {part})"

    def instant(self, text: str) -> str:
        """Return TRY_CAST to TIMESTAMPTZ."""
        return f"TRY_CAST({text} AS TIMESTAMPTZ)"


DUCKDB: Final = DuckDB()
