"""A view → one DuckDB statement over a table `resources(body JSON)`.

Each selection becomes an expression of type STRUCT[]: iterations are list_transform, crosswise joins are
nesting, a union is list_concat. The outermost unnest makes the rows; no lateral joins, no temporary tables.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kangshu.measures.definition import Selection, View, ViewColumn
from kangshu.measures.path import Node, RowIndex, parse_path
from kangshu.measures.path_sql import EMPTY, Focus, PathCompiler, Term

DEPTH_REACHED: Final = "kangshu:repeat-depth"
"""What the statement's error says when `repeat` found more levels than it was compiled for."""

_BOOLEAN: Final = frozenset({"boolean"})
_WHOLE: Final = frozenset({"integer", "positiveInt", "unsignedInt", "integer64"})
Rest = Callable[[dict[str, str]], str]


@dataclass(frozen=True, slots=True)
class Statement:
    """DuckDB SQL and the values to bind by name."""

    sql: str
    values: dict[str, str]


def column_type(column: ViewColumn) -> str:
    """Return the DuckDB type of a view's column. Dates stay text: a FHIR date may be partial."""
    if column.type in _BOOLEAN:
        base = "BOOLEAN"
    elif column.type in _WHOLE:
        base = "BIGINT"
    elif column.type == "decimal":
        base = "DOUBLE"
    else:
        base = "VARCHAR"
    return f"{base}[]" if column.collection else base


def compile_view(view: View, *, depth: int = 6) -> Statement:
    """Return the statement that yields the view's rows from the table `resources`.

    `depth` bounds how deep `repeat` follows elements; deeper data raises an error that names DEPTH_REACHED.
    Raises Invalid or Unsupported for a path that DuckDB cannot be given.
    """
    compiler = _ViewCompiler(depth)
    root = Term("body", "one")
    focus = Focus(root, root, "CAST(0 AS DOUBLE)")
    names = [column.name for column in view.columns()]

    def leaf(row: dict[str, str]) -> str:
        fields = ", ".join(f"'{name}': {row[name]}" for name in names)
        return f"[{{{fields}}}]"

    rows = compiler.selections(view.selections, focus, {}, leaf)
    paths = compiler.paths
    conditions = [f"json_extract_string(body, '$.resourceType') = {paths.bind(view.resource)}"]
    conditions += [
        f"coalesce({paths.boolean(paths.compile(parse_path(path), focus), strict=True)}, false)"
        for path in view.where
    ]
    # the type must be tested first: a condition may raise on resources that are not the view's
    kept = f"CASE WHEN {conditions[0]} THEN {' AND '.join(conditions[1:]) or 'true'} ELSE false END"
    listed = ", ".join(f'made."{name}" AS "{name}"' for name in names)
    sql = f"SELECT {listed} FROM (SELECT unnest({rows}) AS made FROM resources WHERE {kept})"
    return Statement(sql, paths.values)


class _ViewCompiler:
    def __init__(self, depth: int) -> None:
        self.paths = PathCompiler()
        self._depth = depth

    def selections(self, listed: tuple[Selection, ...], focus: Focus, row: dict[str, str], rest: Rest) -> str:
        """Return the rows of selections side by side: each continues with the next, the last with `rest`."""
        if not listed:
            return rest(row)
        first, others = listed[0], listed[1:]
        return self._selection(first, focus, row, lambda made: self.selections(others, focus, made, rest))

    def _selection(self, selection: Selection, focus: Focus, row: dict[str, str], rest: Rest) -> str:
        items = self._items(selection, focus)
        if items is None:
            return self._inside(selection, focus, row, rest)
        item, place = self.paths.variable(), self.paths.variable()
        inner = Focus(Term(item, "one"), focus.root, f"CAST({place} - 1 AS DOUBLE)")
        body = self._inside(selection, inner, row, rest)
        rows = f"flatten(list_transform({items}, lambda {item}, {place}: {body}))"
        if not selection.for_each_or_null:
            return rows
        empty = rest({**row, **self._null_row(selection)})
        return f"CASE WHEN len({items}) = 0 THEN {empty} ELSE {rows} END"

    def _items(self, selection: Selection, focus: Focus) -> str | None:
        if selection.repeat:
            nodes = [parse_path(path) for path in selection.repeat]
            return self._descend(nodes, focus, focus.this, self._depth)
        path = selection.for_each or selection.for_each_or_null
        return self.paths.many(self.paths.compile(parse_path(path), focus)) if path else None

    def _descend(self, nodes: list[Node], focus: Focus, here: Term, depth: int) -> str:
        """Return all elements below `here` along `nodes`, each before its own children."""
        inner = Focus(here, focus.root, focus.row_index)
        children = [self.paths.many(self.paths.compile(node, inner)) for node in nodes]
        listed = children[0] if len(children) == 1 else f"list_concat({', '.join(children)})"
        if depth == 0:
            return self.paths.let(
                listed, lambda v: f"CASE WHEN len({v}) > 0 THEN error('{DEPTH_REACHED}') ELSE {EMPTY} END"
            )
        item = self.paths.variable()
        below = self._descend(nodes, focus, Term(item, "one"), depth - 1)
        return f"flatten(list_transform({listed}, lambda {item}: list_concat([{item}], {below})))"

    def _inside(self, selection: Selection, focus: Focus, row: dict[str, str], rest: Rest) -> str:
        made = dict(row)
        for column in selection.columns:
            made[column.name] = self._column(column, focus)

        def after(nested: dict[str, str]) -> str:
            if not selection.union:
                return rest(nested)
            parts = [self._selection(part, focus, nested, rest) for part in selection.union]
            return parts[0] if len(parts) == 1 else f"list_concat({', '.join(parts)})"

        return self.selections(selection.selections, focus, made, after)

    def _column(self, column: ViewColumn, focus: Focus) -> str:
        paths, kind = self.paths, column_type(column)
        term = paths.compile(parse_path(column.path), focus)
        if column.collection:
            item = paths.variable()
            value = self._value(Term(item, "one"), kind.removesuffix("[]"))
            return f"CAST(list_transform({paths.many(term)}, lambda {item}: {value}) AS {kind})"
        return f"CAST({self._value(term, kind)} AS {kind})"

    def _value(self, term: Term, kind: str) -> str:
        if kind == "BOOLEAN":
            return self.paths.boolean(term, strict=True)
        if term.kind in {"one", "many"} or kind == "VARCHAR":
            return self.paths.text(term)
        return term.sql

    def _null_row(self, selection: Selection) -> dict[str, str]:
        """Return the row of an iteration over nothing: all NULL, except that the row's index is 0."""
        nulls = {
            column.name: f"CAST(NULL AS {column_type(column)})"
            if not column.collection
            else f"CAST([] AS {column_type(column)})"
            for column in selection.all_columns()
        }
        for column in selection.columns:
            if parse_path(column.path) == RowIndex():
                nulls[column.name] = f"CAST(0 AS {column_type(column)})"
        return nulls
