"""A view → one SQL statement over a table `resources(body)`, in the words of a dialect.

Each selection becomes an expression that is a list of structs: iterations map lists, crosswise joins are nesting,
a union joins lists end to end. The whole list is opened to rows at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kangshu.base.faults import Unsupported
from kangshu.measures.definition import Selection, View, ViewColumn
from kangshu.measures.dialect import COST_LIMIT, DEPTH_REACHED, NO_RESOURCE, Dialect, Kind
from kangshu.measures.duckdb_sql import DUCKDB
from kangshu.measures.path import Node, RowIndex, parse_path
from kangshu.measures.path_sql import Focus, PathCompiler, Term

_BOOLEAN: Final = frozenset({"boolean"})
_WHOLE: Final = frozenset({"integer", "positiveInt", "unsignedInt", "integer64"})
Rest = Callable[[dict[str, str]], str]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL, the values to bind by name, and the elements that the view names and R4 does not have."""

    sql: str
    values: dict[str, str]
    unknown: tuple[str, ...] = ()


def column_kind(column: ViewColumn) -> Kind:
    """Return what a view's column holds. Dates stay text: a FHIR date may be partial."""
    if column.type in _BOOLEAN:
        return "boolean"
    if column.type in _WHOLE:
        return "whole"
    return "number" if column.type == "decimal" else "text"


def column_type(column: ViewColumn, dialect: Dialect = DUCKDB) -> str:
    """Return the engine's type of a view's column."""
    return dialect.type_of(column_kind(column), many=column.collection)


def compile_view(view: View, dialect: Dialect = DUCKDB, *, depth: int = 6) -> Statement:
    """Return the statement that yields the view's rows from the table `resources`.

    `depth` bounds how deep `repeat` follows elements; deeper data raises an error that names DEPTH_REACHED.
    Raises Invalid or Unsupported for a path that the engine cannot be given.
    """
    compiler = _ViewCompiler(dialect, depth)
    root = Term("body", "one", view.resource)
    focus = Focus(root, root, dialect.cast("0", "number"))
    names = [column.name for column in view.columns()]

    def leaf(row: dict[str, str]) -> str:
        return dialect.list_of(dialect.struct({name: row[name] for name in names}))

    rows = compiler.selections(view.selections, focus, {}, leaf)
    paths = compiler.paths
    kind = dialect.member_text("body", "resourceType")
    conditions = [
        f"coalesce({paths.boolean(paths.compile(parse_path(path), focus), strict=True)}, false)"
        for path in view.where
    ]
    # the type must be tested first: a condition may raise on resources that are not the view's
    kept = (
        f"CASE WHEN {kind} = {paths.bind(view.resource)} THEN {' AND '.join(conditions) or 'true'} "
        f"WHEN {kind} IS NULL THEN {dialect.error(NO_RESOURCE)} ELSE false END"
    )
    sql = dialect.rows(rows, names, kept)
    if dialect.cost(sql) > COST_LIMIT:
        raise Unsupported(
            f"the view is nested too deeply for the {dialect.name} engine; use --engine closures",
            zh=f"视图嵌套层次过多，{dialect.name}引擎无法运行，请使用closures引擎",
        )
    return Statement(sql, paths.values, tuple(dict.fromkeys(paths.unknown)))


class _ViewCompiler:
    def __init__(self, dialect: Dialect, depth: int) -> None:
        self._say = dialect
        self.paths = PathCompiler(dialect)
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
        say, items = self._say, iterated.sql
        item, place = self.paths.variable(), self.paths.variable()

        def body(index: str) -> str:
            inner = Focus(Term(item, "one", iterated.type), focus.root, say.cast(index, "number"))
            return self._inside(selection, inner, row, rest)

        rows = say.flatten(say.map_placed(items, item, place, body))
        if not selection.for_each_or_null:
            return rows
        empty = rest({**row, **self._null_row(selection)})
        return f"CASE WHEN {say.length(items)} = 0 THEN {empty} ELSE {rows} END"

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

        Level by level in a fold: each element carries its place in the tree, by which all are sorted at the end.
        (Lambdas within lambdas would say it shorter, but DuckDB takes twice as long for each level.)
        """
        say, paths = self._say, self.paths
        found, one = paths.variable(), paths.variable()
        kind = self._type_below(nodes, focus)
        whole = say.types["whole"]
        level = say.list_type(say.struct_type({"place": say.list_type(whole), "node": say.element_type}))

        def below(place: str, here: str, type_: str) -> str:
            child, number = paths.variable(), paths.variable()
            inner = Focus(Term(here, "one", type_), focus.root, focus.row_index)
            children = say.concat(*(paths.many(paths.compile(node, inner)) for node in nodes))

            def placed(index: str) -> str:
                longer = say.concat(place, say.list_of(say.cast(index, "whole")))
                return say.struct({"place": longer, "node": child})

            return say.map_placed(children, child, number, placed)

        deeper = say.flatten(say.map(f"{found}.last", one, below(f"{one}.place", f"{one}.node", kind)))
        step = say.struct({"found": say.concat(f"{found}.found", f"{found}.last"), "last": deeper})
        first = below(say.empty_list(whole), focus.this.sql, focus.this.type)
        start = say.struct({"found": f"CAST({say.list_of()} AS {level})", "last": first})
        walked = say.fold(self._depth, found, start, step, say.struct_type({"found": level, "last": level}))
        item, others = paths.variable(), (paths.variable(), paths.variable())
        sql = paths.let(
            walked,
            lambda v: (
                f"CASE WHEN {say.length(f'{v}.last')} > 0 THEN {say.error(DEPTH_REACHED)} "
                f"ELSE {say.map(say.sorted_by(f'{v}.found', 'place', others), item, f'{item}.node')} END"
            ),
        )
        return Term(sql, "many", kind)

    def _type_below(self, nodes: list[Node], focus: Focus) -> str:
        """Return the one type that `nodes` lead to at every level; "" where there are several."""
        types = {PathCompiler(self._say).compile(node, focus).type for node in nodes}
        if len(types) != 1:
            return ""
        kind = types.pop()
        again = Focus(Term("below", "one", kind), focus.root, focus.row_index)
        deeper = {PathCompiler(self._say).compile(node, again).type for node in nodes}
        return kind if deeper <= {kind, ""} else ""

    def _inside(self, selection: Selection, focus: Focus, row: dict[str, str], rest: Rest) -> str:
        made = dict(row)
        for column in selection.columns:
            made[column.name] = self._column(column, focus)

        def after(nested: dict[str, str]) -> str:
            if not selection.union:
                return rest(nested)
            parts = [self._selection(part, focus, nested, rest) for part in selection.union]
            return self._say.concat(*parts)

        return self.selections(selection.selections, focus, made, after)

    def _column(self, column: ViewColumn, focus: Focus) -> str:
        paths, kind = self.paths, column_kind(column)
        term = paths.compile(parse_path(column.path), focus)
        if column.collection:
            item = paths.variable()
            value = self._value(Term(item, "one"), kind)
            return self._say.cast(self._say.map(paths.many(term), item, value), kind, many=True)
        return self._say.cast(self._value(term, kind), kind)

    def _value(self, term: Term, kind: Kind) -> str:
        if kind == "boolean":
            return self.paths.boolean(term, strict=True)
        if term.kind in {"one", "many"} or kind == "text":
            return self.paths.text(term)
        return term.sql

    def _null_row(self, selection: Selection) -> dict[str, str]:
        """Return the row of an iteration over nothing: all NULL, except that the row's index is 0."""
        say = self._say
        nulls = {
            column.name: say.cast(
                say.list_of() if column.collection else "NULL", kind, many=column.collection
            )
            for column in selection.all_columns()
            for kind in (column_kind(column),)
        }
        for column in selection.columns:
            if parse_path(column.path) == RowIndex():
                nulls[column.name] = say.cast("0", column_kind(column))
        return nulls
