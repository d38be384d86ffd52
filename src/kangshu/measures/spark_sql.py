"""The words of Spark SQL 4, over a table `resources(body VARIANT)`.

A VARIANT keeps what a JSON value is (text, number, boolean, list, object), so that nothing is read twice; lists of
variants go through Spark's higher-order functions. Not kept are the trailing zeros of a decimal: 1.00 is 1.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Final, Literal

from kangshu.measures.dialect import Dialect, Kind


class Spark(Dialect):
    """The dialect of Spark SQL; an element is of type VARIANT."""

    name = "Spark"
    types: ClassVar[Mapping[Kind, str]] = {
        "text": "STRING",
        "number": "DOUBLE",
        "whole": "BIGINT",
        "boolean": "BOOLEAN",
    }
    element_type = "VARIANT"
    no_elements = "CAST(array() AS ARRAY<VARIANT>)"

    def bound(self, name: str) -> str:
        """Return `:name`."""
        return f"CAST(:{name} AS STRING)"

    def quoted(self, name: str) -> str:
        """Return the name in backquotes."""
        return f"`{name}`"

    def list_type(self, of: str) -> str:
        """Return ARRAY<of>."""
        return f"ARRAY<{of}>"

    def struct_type(self, fields: Mapping[str, str]) -> str:
        """Return STRUCT<…>."""
        return f"STRUCT<{', '.join(f'{name}: {type_}' for name, type_ in fields.items())}>"

    def error(self, text: str) -> str:
        """Return raise_error('…')."""
        return f"raise_error('{text}')"

    def cost(self, sql: str) -> int:
        """Return the lambdas in the statement: Spark reads each once, however they are nested."""
        return sql.count("->")

    def list_of(self, *items: str) -> str:
        """Return array(a, b)."""
        return f"array({', '.join(items)})"

    def empty_list(self, type_: str) -> str:
        """Return the typed array()."""
        return f"CAST(array() AS ARRAY<{type_}>)"

    def length(self, items: str) -> str:
        """Return array_size()."""
        return f"array_size({items})"

    def only(self, items: str) -> str:
        """Return item 0."""
        return f"{items}[0]"

    def head(self, items: str) -> str:
        """Return the slice of one from the start."""
        return f"slice({items}, 1, 1)"

    def tail(self, items: str) -> str:
        """Return the slice of one from the end."""
        return f"slice({items}, -1, 1)"

    def at(self, items: str, place: str) -> str:
        """Return a slice of one; a negative place has none."""
        return (
            f"CASE WHEN {place} >= 0 THEN slice({items}, CAST({place} AS INT) + 1, 1) "
            f"ELSE {self.no_elements} END"
        )

    def concat(self, *lists: str) -> str:
        """Return concat()."""
        return lists[0] if len(lists) == 1 else f"concat({', '.join(lists)})"

    def flatten(self, lists: str) -> str:
        """Return flatten()."""
        return f"flatten({lists})"

    def distinct(self, items: str) -> str:
        """Return array_distinct() by way of JSON: variants cannot be compared."""
        texts = f"array_distinct(transform({items}, each -> to_json(each)))"
        return f"transform({texts}, each -> parse_json(each))"

    def join(self, texts: str, glue: str) -> str:
        """Return array_join()."""
        return f"array_join({texts}, {glue})"

    def map(self, items: str, item: str, body: str) -> str:
        """Return transform()."""
        return f"transform({items}, {item} -> {body})"

    def map_placed(self, items: str, item: str, place: str, body: Callable[[str], str]) -> str:
        """Return transform() with the index."""
        return f"transform({items}, ({item}, {place}) -> {body(place)})"

    def filter(self, items: str, item: str, condition: str) -> str:
        """Return filter()."""
        return f"filter({items}, {item} -> {condition})"

    def fold(self, times: int, state: str, start: str, step: str, type_: str) -> str:
        """Return aggregate() over a sequence of `times`."""
        return f"aggregate(sequence(1, {times}), CAST({start} AS {type_}), ({state}, {state}_i) -> {step})"

    def sorted_by(self, items: str, field: str, names: tuple[str, str]) -> str:
        """Return array_sort() with a comparison of the field: variants have no order."""
        one, two = names
        compared = (
            f"CASE WHEN {one}.{field} < {two}.{field} THEN -1 WHEN {one}.{field} > {two}.{field} THEN 1 "
            "ELSE 0 END"
        )
        return f"array_sort({items}, ({one}, {two}) -> {compared})"

    def struct(self, fields: Mapping[str, str]) -> str:
        """Return named_struct()."""
        return "named_struct(" + ", ".join(f"'{name}', {sql}" for name, sql in fields.items()) + ")"

    def rows(self, listed: str, names: list[str], kept: str) -> str:
        """Return SELECT … FROM (SELECT explode(…))."""
        columns = ", ".join(f"made.`{name}` AS `{name}`" for name in names)
        return f"SELECT {columns} FROM (SELECT explode({listed}) AS made FROM resources WHERE {kept})"

    def children(self, element: str, name: str) -> str:
        """Return the variant array's items, or the one value; null has none."""
        found = f"variant_get({element}, '$.{name}', 'variant')"
        # a value that is no array is NULL under try_variant_get; a value that is absent is NULL under both
        listed = f"try_variant_get({element}, '$.{name}', 'array<variant>')"
        return (
            f"CASE WHEN {found} IS NULL OR is_variant_null({found}) THEN {self.no_elements} "
            f"ELSE coalesce({listed}, array({found})) END"
        )

    def member_text(self, element: str, name: str) -> str:
        """Return try_variant_get() as string."""
        return f"try_variant_get({element}, '$.{name}', 'string')"

    def element_of(self, scalar: str) -> str:
        """Return the scalar as VARIANT."""
        return f"CAST({scalar} AS VARIANT)"

    def text_of(self, element: str) -> str:
        """Return the variant as STRING."""
        return f"CAST({element} AS STRING)"

    def lexeme_of(self, element: str) -> str:
        """Return the variant as STRING: without the trailing zeros that a variant does not keep."""
        return f"CAST({element} AS STRING)"

    def number_of(self, element: str) -> str:
        """Return the variant as DOUBLE."""
        return f"CAST({element} AS DOUBLE)"

    def boolean_of(self, element: str) -> str:
        """Return the variant as BOOLEAN."""
        return f"CAST({element} AS BOOLEAN)"

    def is_text(self, element: str) -> str:
        """Return whether the variant's schema is STRING."""
        return f"schema_of_variant({element}) = 'STRING'"

    def is_number(self, element: str) -> str:
        """Return whether the variant's schema is that of a number."""
        return f"regexp_like(schema_of_variant({element}), '^(BIGINT|DECIMAL|DOUBLE)')"

    def is_boolean(self, element: str) -> str:
        """Return whether the variant's schema is BOOLEAN."""
        return f"schema_of_variant({element}) = 'BOOLEAN'"

    def canonical(self, element: str) -> str:
        """Return the JSON text; of a number its double's."""
        return (
            f"CASE WHEN {self.is_number(element)} THEN CAST(CAST({element} AS DOUBLE) AS STRING) "
            f"ELSE to_json({element}) END"
        )

    def matches(self, text: str, pattern: str) -> str:
        """Return regexp_like()."""
        return f"regexp_like({text}, {pattern})"

    def has_part(self, text: str, part: str, where: Literal["startsWith", "endsWith", "contains"]) -> str:
        """Return startswith(), endswith() or contains()."""
        return f"{where.lower()}({text}, {part})"

    def instant(self, text: str) -> str:
        """Return TRY_CAST to TIMESTAMP, which is an instant in Spark."""
        return f"TRY_CAST({text} AS TIMESTAMP)"


SPARK: Final = Spark()
