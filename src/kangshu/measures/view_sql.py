"""A view → one DuckDB statement over a table `resources(body JSON)`.

Each selection becomes an expression of type STRUCT[]: iterations are list_transform, crosswise joins are
nesting, a union is list_concat. The outermost unnest makes the rows; no lateral joins, no temporary tables.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kangshu.base.faults import Unsupported
from kangshu.measures.definition import Selection, View, ViewColumn
from kangshu.measures.path import Node, RowIndex, parse_path
from kangshu.measures.path_sql import Focus, PathCompiler, Term

DEPTH_REACHED: Final = "kangshu:repeat-depth"
"""What the statement's error says when `repeat` found more levels than it was compiled for."""

_BOOLEAN: Final = frozenset({"boolean"})
_WHOLE: Final = frozenset({"integer", "positiveInt", "unsignedInt", "integer64"})
_BRACKET: Final = re.compile(r"lambda |[()\[\]]")
_COST_LIMIT: Final = 20_000
"""About 0.4 s and 300 MB of DuckDB's time and memory for reading the statement, before any row."""
Rest = Callable[[dict[str, str]], str]


@dataclass(frozen=True, slots=True)
class Statement:
    """DuckDB SQL, the values to bind by name, and the elements that the view names and R4 does not have."""

    sql: str
    values: dict[str, str]
    unknown: tuple[str, ...] = ()


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
    root = Term("body", "one", view.resource)
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
    if _cost(sql) > _COST_LIMIT:
        raise Unsupported(
            "the view is nested too deeply for the DuckDB engine; use --engine closures",
            zh="视图嵌套层次过多，DuckDB引擎无法运行，请使用closures引擎",
        )
    return Statement(sql, paths.values, tuple(dict.fromkeys(paths.unknown)))


def _cost(sql: str) -> int:
    """Return what DuckDB needs to read the statement: twice as much for each lambda within a lambda."""
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
        iterated = self._items(selection, focus)
        if iterated is None:
            return self._inside(selection, focus, row, rest)
        items, item, place = iterated.sql, self.paths.variable(), self.paths.variable()
        inner = Focus(Term(item, "one", iterated.type), focus.root, f"CAST({place} - 1 AS DOUBLE)")
        body = self._inside(selection, inner, row, rest)
        rows = f"flatten(list_transform({items}, lambda {item}, {place}: {body}))"
        if not selection.for_each_or_null:
            return rows
        empty = rest({**row, **self._null_row(selection)})
        return f"CASE WHEN len({items}) = 0 THEN {empty} ELSE {rows} END"

    def _items(self, selection: Selection, focus: Focus) -> Term | None:
        if selection.repeat:
            nodes = [parse_path(path) for path in selection.repeat]
            return self._descend(nodes, focus)
        path = selection.for_each or selection.for_each_or_null
        if not path:
            return None
        term = self.paths.compile(parse_path(path), focus)
        return Term(self.paths.many(term), "many", term.type)

    def _descend(self, nodes: list[Node], focus: Focus) -> Term:
        """Return all elements below the focus along `nodes`, each before its own children.

        Level by level in a list_reduce: each element carries its place in the tree, by which all are sorted at
        the end. (Lambdas within lambdas would say it shorter, but DuckDB takes twice as long for each level.)
        """
        paths = self.paths
        found, one, made = paths.variable(), paths.variable(), paths.variable()
        kind = self._type_below(nodes, focus)

        def below(place: str, here: str, type_: str) -> str:
            child, number = paths.variable(), paths.variable()
            inner = Focus(Term(here, "one", type_), focus.root, focus.row_index)
            parts = [paths.many(paths.compile(node, inner)) for node in nodes]
            children = parts[0] if len(parts) == 1 else f"list_concat({', '.join(parts)})"
            return (
                f"list_transform({children}, lambda {child}, {number}: "
                f"{{'place': list_append({place}, {number}), 'node': {child}}})"
            )

        level = "STRUCT(place BIGINT[], node JSON)[]"
        start = f"CAST({{'found': CAST([] AS {level}), 'last': {below('CAST([] AS BIGINT[])', focus.this.sql, focus.this.type)}}} AS STRUCT(found {level}, last {level}))"
        deeper = f"flatten(list_transform({found}.last, lambda {one}: {below(f'{one}.place', f'{one}.node', kind)}))"
        step = f"{{'found': list_concat({found}.found, {found}.last), 'last': {deeper}}}"
        steps = f"list_transform(range({self._depth}), lambda {made}: CAST(NULL AS STRUCT(found {level}, last {level})))"
        ignored, item = paths.variable(), paths.variable()
        walked = f"list_reduce({steps}, lambda {found}, {ignored}: {step}, {start})"
        sql = paths.let(
            walked,
            lambda v: (
                f"CASE WHEN len({v}.last) > 0 THEN error('{DEPTH_REACHED}') "
                f"ELSE list_transform(list_sort({v}.found), lambda {item}: {item}.node) END"
            ),
        )
        return Term(sql, "many", kind)

    def _type_below(self, nodes: list[Node], focus: Focus) -> str:
        """Return the one type that `nodes` lead to at every level; "" where there are several."""
        types = {PathCompiler().compile(node, focus).type for node in nodes}
        if len(types) != 1:
            return ""
        kind = types.pop()
        again = Focus(Term("below", "one", kind), focus.root, focus.row_index)
        deeper = {PathCompiler().compile(node, again).type for node in nodes}
        return kind if deeper <= {kind, ""} else ""

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
