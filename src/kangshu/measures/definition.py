"""A ViewDefinition (SQL on FHIR v2), read and checked whole before an engine sees it.

Source: https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition.html. Constants are written into the
expressions as FHIRPath literals, so that both engines are given the same text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn

from kangshu.base.faults import Invalid
from kangshu.sdk import Resource

_COLUMN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESOURCE_TYPE: Final = re.compile(r"[A-Z][A-Za-z]{1,63}")
_STRING_OR_NAME: Final = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|%(?:([A-Za-z_]\w*)|`([^`]+)`)")
_DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_DATETIME: Final = re.compile(
    r"\d{4}(-\d\d(-\d\d)?)?|\d{4}-\d\d-\d\dT\d\d(:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?"
)
_TIME: Final = re.compile(r"\d\d(:\d\d(:\d\d(\.\d+)?)?)?")
_ENVIRONMENT: Final = frozenset({"rowIndex", "resource", "rootResource", "context", "ucum", "sct", "loinc"})
_ITERATIONS: Final = ("forEach", "forEachOrNull", "repeat")
_WHOLE: Final = frozenset({"valueInteger", "valuePositiveInt", "valueUnsignedInt", "valueInteger64"})
_TEXTUAL: Final = frozenset(
    "value" + name
    for name in ("String", "Code", "Id", "Uri", "Url", "Canonical", "Oid", "Uuid", "Markdown", "Base64Binary")
)


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column: FHIRPath `path` from the focus; `type` is a FHIR primitive type or "" when not said."""

    name: str
    path: str
    type: str = ""
    collection: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    """What the view tells an implementation of the column: names and values, see `layout`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One `select`: an iteration over the focus, then columns, nested selections and a union, joined crosswise.

    At most one of `for_each`, `for_each_or_null` and `repeat` is set.
    """

    columns: tuple[ViewColumn, ...] = ()
    selections: tuple[Selection, ...] = ()
    union: tuple[Selection, ...] = ()
    for_each: str = ""
    for_each_or_null: str = ""
    repeat: tuple[str, ...] = ()

    def all_columns(self) -> tuple[ViewColumn, ...]:
        """Return the columns that a row of this selection has, in order; a union gives those of its first part."""
        nested = [column for one in self.selections for column in one.all_columns()]
        union = self.union[0].all_columns() if self.union else ()
        return (*self.columns, *nested, *union)


@dataclass(frozen=True, slots=True)
class View:
    """A checked ViewDefinition. `where` holds FHIRPath conditions that a resource must meet."""

    name: str
    resource: str
    where: tuple[str, ...]
    selections: tuple[Selection, ...]

    def columns(self) -> tuple[ViewColumn, ...]:
        """Return the view's columns in order."""
        return tuple(column for one in self.selections for column in one.all_columns())


def read_view(definition: Resource) -> View:
    """Return the view that a ViewDefinition describes. Raises Invalid with the place of the first error."""
    if not isinstance(definition, dict):
        _refuse("a ViewDefinition is a JSON object", "视图定义必须是JSON对象", "ViewDefinition")
    resource = definition.get("resource")
    if not isinstance(resource, str) or not _RESOURCE_TYPE.fullmatch(resource):
        _refuse(
            "'resource' must name the resource type of the view",
            "视图定义缺少resource（资源类型）",
            "ViewDefinition.resource",
        )
    constants = _read_constants(definition.get("constant", []))
    reader = _Reader(constants)
    selections = reader.selections(definition.get("select"), "ViewDefinition.select", required=True)
    where = tuple(
        reader.path(_entry(item, place).get("path"), f"{place}.path")
        for item, place in _items(definition.get("where", []), "ViewDefinition.where")
    )
    name = definition.get("name", "")
    if not isinstance(name, str):
        _refuse("'name' must be text", "视图名称必须是文本", "ViewDefinition.name")
    view = View(name, resource, where, selections)
    seen: set[str] = set()
    for column in view.columns():
        # engines fold case, so two names that differ in case alone are one column
        if column.name.casefold() in seen:
            _refuse(
                f"column '{column.name}' is declared twice", f"列“{column.name}”重复", "ViewDefinition.select"
            )
        seen.add(column.name.casefold())
    if not seen:
        _refuse("the view has no column", "视图没有任何列", "ViewDefinition.select")
    return view


class _Reader:
    """Reads selections with the view's constants written into their paths."""

    def __init__(self, constants: Mapping[str, str]) -> None:
        self._constants = constants

    def selections(self, listed: Any, place: str, *, required: bool = False) -> tuple[Selection, ...]:
        if required and not listed:
            _refuse("'select' must hold at least one selection", "视图定义缺少select", place)
        return tuple(
            self._selection(_entry(item, where), where) for item, where in _items(listed or [], place)
        )

    def _selection(self, entry: Mapping[str, Any], place: str) -> Selection:
        given = [key for key in _ITERATIONS if key in entry]
        if len(given) > 1:
            _refuse(
                f"one selection cannot have both '{given[0]}' and '{given[1]}'",
                "同一个select中不能同时使用多种迭代",
                place,
            )
        repeat = tuple(
            self.path(path, where) for path, where in _items(entry.get("repeat", []), f"{place}.repeat")
        )
        selection = Selection(
            columns=tuple(
                self._column(_entry(item, where), where)
                for item, where in _items(entry.get("column", []), f"{place}.column")
            ),
            selections=self.selections(entry.get("select"), f"{place}.select"),
            union=self._union(entry.get("unionAll"), f"{place}.unionAll"),
            for_each=self.path(entry["forEach"], f"{place}.forEach") if "forEach" in entry else "",
            for_each_or_null=(
                self.path(entry["forEachOrNull"], f"{place}.forEachOrNull")
                if "forEachOrNull" in entry
                else ""
            ),
            repeat=repeat,
        )
        if not (selection.columns or selection.selections or selection.union):
            _refuse("a selection needs columns, a select or a unionAll", "select中没有列", place)
        return selection

    def _union(self, listed: Any, place: str) -> tuple[Selection, ...]:
        parts = self.selections(listed, place)
        shapes = [[column.name for column in part.all_columns()] for part in parts]
        for shape in shapes[1:]:
            if shape != shapes[0]:
                _refuse(
                    "all parts of a unionAll need the same columns in the same order",
                    "unionAll各部分的列名和顺序必须一致",
                    place,
                )
        return parts

    def _column(self, entry: Mapping[str, Any], place: str) -> ViewColumn:
        name, kind, collection = entry.get("name"), entry.get("type", ""), entry.get("collection", False)
        if not isinstance(name, str) or not _COLUMN_NAME.fullmatch(name):
            _refuse(
                "a column's name must start with a letter and hold letters, digits and _ only",
                "列名须以字母开头，只能包含字母、数字和下划线",
                f"{place}.name",
            )
        if not isinstance(kind, str) or not isinstance(collection, bool):
            _refuse("'type' is text and 'collection' is a boolean", "列的type或collection不正确", place)
        return ViewColumn(
            name=name,
            path=self.path(entry.get("path"), f"{place}.path"),
            type=kind.rpartition("/")[2],
            collection=collection,
            tags=tuple(
                (str(tag.get("name", "")), str(tag.get("value", "")))
                for item, where in _items(entry.get("tag", []), f"{place}.tag")
                for tag in (_entry(item, where),)
            ),
        )

    def path(self, path: Any, place: str) -> str:
        """Return `path` with constants written as literals. Raises Invalid for no text or an unknown constant."""
        if not isinstance(path, str) or not path.strip():
            _refuse("a FHIRPath expression is expected", "此处需要FHIRPath表达式", place)

        def inlined(match: re.Match[str]) -> str:
            name = match.group(1) or match.group(2)
            if not name or name in _ENVIRONMENT or name.startswith(("vs-", "ext-")):
                return match.group(0)
            if name not in self._constants:
                _refuse(f"constant '%{name}' is not declared", f"常量“%{name}”没有定义", place)
            return self._constants[name]

        return _STRING_OR_NAME.sub(inlined, path)


def _read_constants(listed: Any) -> dict[str, str]:
    """Return each constant as a FHIRPath literal."""
    found: dict[str, str] = {}
    for item, place in _items(listed, "ViewDefinition.constant"):
        entry = _entry(item, place)
        name = entry.get("name")
        values = [key for key in entry if key.startswith("value")]
        if not isinstance(name, str) or not _COLUMN_NAME.fullmatch(name) or len(values) != 1:
            _refuse("a constant has a name and one value", "常量须有名称和一个取值", place)
        literal = _literal(values[0], entry[values[0]])
        if literal is None:
            _refuse(
                f"constant '{name}' has no value that a constant may have", f"常量“{name}”的取值不正确", place
            )
        found[name] = literal
    return found


def _literal(key: str, value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower() if key == "valueBoolean" else None
    if key in _WHOLE and isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if key == "valueDecimal" and isinstance(value, int | float | Decimal):
        # a decimal stays one: FHIRPath tells 1 from 1.0
        lexeme = format(Decimal(str(value)), "f")
        lexeme = lexeme if "." in lexeme else f"{lexeme}.0"
        return f"({lexeme})" if lexeme.startswith("-") else lexeme
    if not isinstance(value, str):
        return None
    if key in _TEXTUAL:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
        return f"'{escaped}'"
    if key == "valueDate" and _DATE.fullmatch(value):
        return f"@{value}"
    if key in {"valueDateTime", "valueInstant"} and _DATETIME.fullmatch(value):
        return f"@{value}" if "T" in value else f"@{value}T"
    if key == "valueTime" and _TIME.fullmatch(value):
        return f"@T{value}"
    return None


def _items(listed: Any, place: str) -> list[tuple[Any, str]]:
    if not isinstance(listed, list):
        _refuse("a list is expected", "此处应为列表", place)
    return [(item, f"{place}[{index}]") for index, item in enumerate(listed)]


def _entry(item: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        _refuse("an object is expected", "此处应为对象", place)
    return item


def _refuse(text: str, zh: str, place: str) -> NoReturn:
    raise Invalid(f"ViewDefinition: {text} ({place})", zh=f"视图定义：{zh}（{place}）", expression=place)
