"""A view → a Python function from one resource to its rows, over `kangshu.fhirpath` closures.

The rows follow the specification's algorithm: for each focus, the parts (columns, nested selections, union) are
joined crosswise; `forEachOrNull` over nothing gives one row of nulls.
Source: https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition-notes.html (processing model).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from kangshu.base.faults import Invalid, TooLarge
from kangshu.fhirpath import Node, Quantity, resource_node
from kangshu.fhirpath import compile as compile_path
from kangshu.measures.definition import Selection, View, ViewColumn
from kangshu.measures.path import Call, parse_path
from kangshu.sdk import Resource

Row = dict[str, Any]
_Rows = Callable[[Any, Node, int], list[Row]]
_Items = Callable[[Any, Node, int], list[Any]]
_Value = Callable[[Any, Node, int], Any]
_DEPTH: Final = 100
_WHOLE: Final = frozenset({"integer", "positiveInt", "unsignedInt", "integer64"})


def compile_rows(view: View) -> Callable[[Resource], list[Row]]:
    """Return the function from a resource to its rows; a resource of another type has none.

    Raises Invalid for an expression that does not compile; the function raises Invalid where data does not fit
    the view (several values for a column that is no collection, a condition that is no boolean).
    """
    conditions = [_items(path) for path in view.where]
    select = _crosswise([_selection(one) for one in view.selections])
    names = [column.name for column in view.columns()]
    resource_type = view.resource

    def rows(resource: Resource) -> list[Row]:
        if resource.get("resourceType") != resource_type:
            return []
        root = resource_node(resource)
        for condition in conditions:
            if not _holds(condition(root, root, 0)):
                return []
        return [{name: row[name] for name in names} for row in select(root, root, 0)]

    return rows


def _items(path: str, *, nodes: bool = False) -> _Items:
    """Return the function to the items of `path`: nodes to go on from, else JSON values."""
    if path.strip() == "%rowIndex":
        return lambda _focus, _root, index: [index]
    compiled = compile_path(path)
    evaluate = compiled.items if nodes else compiled.evaluate
    if "%" not in path:
        return lambda focus, _root, _index: evaluate(focus)
    return lambda focus, root, index: evaluate(
        focus, {"rowIndex": index, "resource": root, "rootResource": root, "context": root}
    )


def _holds(found: list[Any]) -> bool:
    if not found:
        return False
    if len(found) > 1 or not isinstance(found[0], bool):
        raise Invalid("a view's where needs a boolean", zh="视图的where条件必须得到布尔值")
    return found[0]


def _column(column: ViewColumn) -> _Value:
    items, name = _items(column.path), column.name
    plain = _plain(column.type)
    nothing = "" if _joins(column.path) else None
    if column.collection:
        return lambda focus, root, index: [plain(item, name) for item in items(focus, root, index)]

    def value(focus: Any, root: Node, index: int) -> Any:
        found = items(focus, root, index)
        if not found:
            return nothing
        if len(found) > 1:
            raise Invalid(
                f"column '{name}' has several values; declare it a collection or narrow its path",
                zh=f"列“{name}”得到多个值，请声明为collection或缩小路径",
            )
        return plain(found[0], name)

    return value


def _joins(path: str) -> bool:
    """Return whether `path` ends with join(): in views the join of nothing is "", in FHIRPath it is nothing."""
    try:
        node = parse_path(path)
    except Invalid:
        return False
    return isinstance(node, Call) and node.name == "join"


def _plain(kind: str) -> Callable[[Any, str], Any]:
    """Return the function that brings an item to the plain value of a column of `kind`."""

    def value(item: Any, name: str) -> Any:
        if isinstance(item, dict | list | Quantity):
            raise Invalid(
                f"column '{name}' is no primitive value", zh=f"列“{name}”不是基本类型，请把路径写到具体元素"
            )
        if kind == "boolean" and not isinstance(item, bool):
            raise Invalid(f"column '{name}' is no boolean", zh=f"列“{name}”不是布尔值")
        if kind in _WHOLE and not isinstance(item, bool):
            return _whole(item, name)
        if isinstance(item, Decimal) and kind not in {"decimal", ""}:
            return str(item)
        return item

    return value


def _whole(item: Any, name: str) -> int:
    if isinstance(item, str) or item != int(item):
        raise Invalid(f"column '{name}' is no whole number", zh=f"列“{name}”不是整数")
    return int(item)


def _selection(selection: Selection) -> _Rows:
    inside = _inside(selection)
    iterate = _iteration(selection)
    if iterate is None:
        return inside
    nulls = _null_row(selection) if selection.for_each_or_null else None

    def rows(focus: Any, root: Node, index: int) -> list[Row]:
        found = iterate(focus, root, index)
        if not found and nulls is not None:
            return [dict(nulls)]
        return [row for place, item in enumerate(found) for row in inside(item, root, place)]

    return rows


def _inside(selection: Selection) -> _Rows:
    """Return the rows of one focus: columns, nested selections and the union, joined crosswise."""
    columns = [(column.name, _column(column)) for column in selection.columns]
    parts = [_selection(one) for one in selection.selections]
    if selection.union:
        union = [_selection(one) for one in selection.union]
        parts.append(lambda focus, root, index: [row for part in union for row in part(focus, root, index)])
    nested = _crosswise(parts)

    def rows(focus: Any, root: Node, index: int) -> list[Row]:
        own = {name: value(focus, root, index) for name, value in columns}
        return [{**own, **row} for row in nested(focus, root, index)]

    return rows


def _crosswise(parts: list[_Rows]) -> _Rows:
    def rows(focus: Any, root: Node, index: int) -> list[Row]:
        made: list[Row] = [{}]
        for part in parts:
            found = part(focus, root, index)
            made = [{**row, **one} for row in made for one in found]
            if not made:
                break
        return made

    return rows


def _iteration(selection: Selection) -> _Items | None:
    if not selection.repeat:
        path = selection.for_each or selection.for_each_or_null
        return _items(path, nodes=True) if path else None
    steps = [_items(path, nodes=True) for path in selection.repeat]

    def below(here: Any, root: Node, depth: int) -> Iterator[Any]:
        if depth > _DEPTH:
            raise TooLarge(
                f"'repeat' found elements nested deeper than {_DEPTH} levels", zh=f"repeat嵌套超过{_DEPTH}层"
            )
        for step in steps:
            for item in step(here, root, 0):
                yield item
                yield from below(item, root, depth + 1)

    return lambda focus, root, _index: list(below(focus, root, 0))


def _null_row(selection: Selection) -> Row:
    row: Row = {column.name: [] if column.collection else None for column in selection.all_columns()}
    for column in selection.columns:
        if column.path.strip() == "%rowIndex":
            row[column.name] = 0
    return row
