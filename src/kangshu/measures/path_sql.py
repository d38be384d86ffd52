"""FHIRPath subset → DuckDB expressions over a JSON column.

A compiled step is a `Term`: `one` (a JSON value that is not null), `many` (JSON[], never null), or a nullable scalar
(`text`, `number`, `boolean`), where NULL is FHIRPath's empty collection. Texts from the expression are bound
values; only names that match an identifier are written into the SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from kangshu.base.faults import Invalid, Unsupported
from kangshu.fhir import definitions
from kangshu.measures.boundary_sql import BOUNDED, boundary
from kangshu.measures.path import (
    Binary,
    Call,
    Index,
    Member,
    Negative,
    Node,
    RowIndex,
    This,
)
from kangshu.measures.path import Literal as LiteralNode

Kind = Literal["one", "many", "text", "number", "boolean"]
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
EMPTY: Final = "CAST([] AS JSON[])"
_REFERENCE: Final = r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]*)?$"


@dataclass(frozen=True, slots=True)
class Term:
    """A DuckDB expression, its kind, and the FHIR primitive type where the expression tells it."""

    sql: str
    kind: Kind
    type: str = ""


@dataclass(frozen=True, slots=True)
class Focus:
    """What a path is evaluated on: the element, the row's resource and the place in the iteration."""

    this: Term
    root: Term
    row_index: str


class PathCompiler:
    """Compiles the paths of one view.

    `values` collects what must be bound, by parameter name; `unknown` the elements that R4 does not have.
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.unknown: list[str] = []
        self._variables = 0

    def variable(self) -> str:
        """Return a name for a lambda variable that no other step uses."""
        self._variables += 1
        return f"v{self._variables}"

    def bind(self, value: str) -> str:
        """Return the placeholder of a bound text."""
        name = f"text_{len(self.values)}"
        self.values[name] = value
        return f"CAST(${name} AS VARCHAR)"

    def let(self, sql: str, body: Callable[[str], str]) -> str:
        """Return `body` with `sql` computed once: a variable of a lambda over a list of one."""
        name = self.variable()
        return f"list_transform([{sql}], lambda {name}: {body(name)})[1]"

    # ------------------------------------------------------------------ forms of a term

    def many(self, term: Term) -> str:
        """Return `term` as JSON[]."""
        if term.kind == "many":
            return term.sql
        if term.kind == "one":
            return f"[{term.sql}]"
        return self.let(term.sql, lambda v: f"CASE WHEN {v} IS NULL THEN {EMPTY} ELSE [to_json({v})] END")

    def _single(self, term: Term, body: Callable[[str], str]) -> str:
        """Return `body` over the only item of a collection; NULL when empty, an error when there are more."""
        if term.kind == "one":
            return body(term.sql)
        return self.let(
            term.sql,
            lambda v: (
                f"CASE len({v}) WHEN 0 THEN NULL WHEN 1 THEN {body(f'{v}[1]')} "
                "ELSE error('more than one item where one is expected') END"
            ),
        )

    def text(self, term: Term) -> str:
        """Return `term` as nullable VARCHAR."""
        if term.kind in {"one", "many"}:
            return self._single(term, lambda v: f"json_extract_string({v}, '$')")
        return term.sql if term.kind == "text" else f"CAST({term.sql} AS VARCHAR)"

    def number(self, term: Term) -> str:
        """Return `term` as nullable DOUBLE."""
        if term.kind in {"one", "many"}:
            return self._single(
                term,
                lambda v: (
                    f"CASE WHEN json_type({v}) IN ('UBIGINT', 'BIGINT', 'DOUBLE') "
                    f"THEN CAST({v} AS DOUBLE) ELSE error('a number is expected') END"
                ),
            )
        if term.kind == "number":
            return term.sql
        raise _refused("a number is expected")

    def boolean(self, term: Term, *, strict: bool = False) -> str:
        """Return `term` as nullable BOOLEAN; a single item that is no boolean is true, or an error if `strict`."""
        if term.kind == "boolean":
            return term.sql
        if term.kind in {"one", "many"}:
            other = "error('a boolean is expected')" if strict else "true"
            return self._single(
                term,
                lambda v: f"CASE json_type({v}) WHEN 'BOOLEAN' THEN CAST({v} AS BOOLEAN) ELSE {other} END",
            )
        if strict:
            raise _refused("a boolean is expected")
        return self.let(term.sql, lambda v: f"CASE WHEN {v} IS NULL THEN NULL ELSE true END")

    # ------------------------------------------------------------------ nodes

    def compile(self, node: Node, focus: Focus) -> Term:
        """Return the term of `node` on `focus`. Raises Invalid, or Unsupported outside the subset."""
        match node:
            case LiteralNode(kind, text):
                return self._literal(kind, text)
            case This():
                return focus.this
            case RowIndex():
                return Term(focus.row_index, "number", "integer")
            case Member(This(), name) if name == focus.this.type:
                return focus.this
            case Member(source, name):
                return self._member(self.compile(source, focus), name)
            case Index(source, position):
                place = self.number(self.compile(position, focus))
                found = self.compile(source, focus)
                items = self.many(found)
                sql = self.let(f"CAST({place} AS BIGINT) + 1", lambda v: f"({items})[{v}:{v}]")
                return Term(sql, "many", found.type)
            case Binary(operator, left, right):
                return self._binary(operator, self.compile(left, focus), self.compile(right, focus))
            case Negative(operand):
                return Term(f"(-{self.number(self.compile(operand, focus))})", "number")
            case Call():
                return self._call(node, focus)
            case _:
                return focus.root

    def _literal(self, kind: str, text: str) -> Term:
        if kind == "number":
            return Term(f"CAST({text} AS DOUBLE)", "number", "decimal" if "." in text else "integer")
        if kind == "boolean":
            return Term(text, "boolean", "boolean")
        return Term(self.bind(text), "text", kind)

    def _children(self, element: str, name: str) -> str:
        """Return the children of one JSON element as JSON[]."""
        path = f"'$.\"{name}\"'"
        return (
            f"CASE json_type({element}, {path}) WHEN 'ARRAY' THEN json_extract({element}, '$.\"{name}\"[*]') "
            f"WHEN 'NULL' THEN {EMPTY} ELSE "
            f"CASE WHEN json_exists({element}, {path}) THEN [json_extract({element}, {path})] ELSE {EMPTY} END END"
        )

    def _named(self, source: Term, names: list[str]) -> str:
        """Return the children of `source` under any of the JSON `names`, as JSON[]."""
        if source.kind == "one":
            parts = [self._children(source.sql, name) for name in names]
            return parts[0] if len(parts) == 1 else f"list_concat({', '.join(parts)})"
        item = self.variable()
        inner = self._named(Term(item, "one"), names)
        return f"flatten(list_transform({source.sql}, lambda {item}: {inner}))"

    def _member(self, source: Term, name: str) -> Term:
        """Return the children called `name`: as R4 types them, or as JSON has them where the type is not known."""
        if not _NAME.fullmatch(name):
            raise _refused(f"'{name}' is no element name")
        if source.kind not in {"one", "many"}:
            return Term(EMPTY, "many")
        known = definitions()
        kind = known.kind(source.type) if source.type else None
        if kind is None or source.type == "Resource":
            return Term(self._named(source, [name]), "many")
        if kind == "primitive":
            if name == "extension":
                raise Unsupported(
                    "the DuckDB engine does not read extensions of primitive values; use --engine closures",
                    zh="DuckDB引擎不支持读取基本类型元素的扩展，请使用closures引擎",
                )
            return Term(EMPTY, "many")
        choices = known.choices(source.type, name)
        if not choices:
            child = known.child(source.type, name)
            choices = ((name, child.type),) if child else ()
        if not choices:
            self.unknown.append(f"{source.type}.{name}")
            return Term(EMPTY, "many")
        types = {one for _, one in choices}
        sql = self._named(source, [json for json, _ in choices])
        return Term(sql, "many", types.pop() if len(types) == 1 else "")

    def _binary(self, operator: str, left: Term, right: Term) -> Term:
        if operator in {"and", "or"}:
            return Term(
                f"({self.boolean(left)} {operator.upper()} {self.boolean(right)})", "boolean", "boolean"
            )
        if operator == "|":
            return Term(
                f"list_distinct(list_concat({self.many(left)}, {self.many(right)}))", "many", left.type
            )
        if operator == "&":
            return Term(
                f"(coalesce({self.text(left)}, '') || coalesce({self.text(right)}, ''))", "text", "string"
            )
        if operator in {"+", "-", "*", "/"}:
            if operator == "+" and "text" in {left.kind, right.kind}:
                return Term(f"({self.text(left)} || {self.text(right)})", "text", "string")
            divisor = f"nullif({self.number(right)}, 0)" if operator == "/" else self.number(right)
            # FHIRPath decimals have eight places: 0.1 + 0.2 is 0.3
            return Term(f"round({self.number(left)} {operator} {divisor}, 8)", "number", "decimal")
        return Term(self._compare(operator, left, right), "boolean", "boolean")

    def _compare(self, operator: str, left: Term, right: Term) -> str:
        kinds = {left.kind, right.kind}
        types = {left.type, right.type}
        sql = "<>" if operator == "!=" else operator
        if "number" in kinds:
            return f"({self.number(left)} {sql} {self.number(right)})"
        if "boolean" in kinds:
            return f"({self.boolean(left)} {sql} {self.boolean(right)})"
        if types & {"date", "dateTime", "instant"}:
            return self._compare_dates(sql, left, right)
        if "text" in kinds:
            return f"({self.text(left)} {sql} {self.text(right)})"
        if operator in {"=", "!="}:
            return self._equal_collections(operator, left, right)
        return self.let(
            self._single(left, str),
            lambda a: self.let(
                self._single(right, str),
                lambda b: (
                    f"CASE WHEN json_type({a}) = 'VARCHAR' "
                    f"THEN json_extract_string({a}, '$') {sql} json_extract_string({b}, '$') "
                    f"ELSE CAST({a} AS DOUBLE) {sql} CAST({b} AS DOUBLE) END"
                ),
            ),
        )

    def _equal_collections(self, operator: str, left: Term, right: Term) -> str:
        item = self.variable()
        canonical = (
            f"lambda {item}: CASE WHEN json_type({item}) IN ('UBIGINT', 'BIGINT', 'DOUBLE') "
            f"THEN CAST(CAST({item} AS DOUBLE) AS VARCHAR) ELSE CAST({item} AS VARCHAR) END"
        )
        sql = "=" if operator == "=" else "<>"
        return self.let(
            self.many(left),
            lambda a: self.let(
                self.many(right),
                lambda b: (
                    f"CASE WHEN len({a}) = 0 OR len({b}) = 0 THEN NULL "
                    f"ELSE list_transform({a}, {canonical}) {sql} list_transform({b}, {canonical}) END"
                ),
            ),
        )

    def _compare_dates(self, sql: str, left: Term, right: Term) -> str:
        """Compare dates by the precision that both have; instants as instants; NULL where undecided."""

        def body(a: str, b: str) -> str:
            length = f"least(length({a}), length({b}))"
            return (
                f"CASE WHEN contains({a}, 'T') AND contains({b}, 'T') "
                f"THEN TRY_CAST({a} AS TIMESTAMPTZ) {sql} TRY_CAST({b} AS TIMESTAMPTZ) "
                f"WHEN length({a}) = length({b}) THEN {a} {sql} {b} "
                f"WHEN left({a}, {length}) <> left({b}, {length}) "
                f"THEN left({a}, {length}) {sql} left({b}, {length}) END"
            )

        return self.let(self.text(left), lambda a: self.let(self.text(right), lambda b: body(a, b)))

    # ------------------------------------------------------------------ functions

    def _call(self, call: Call, focus: Focus) -> Term:
        if call.name == "ofType" and isinstance(call.source, Member):
            return self._choice(self.compile(call.source.source, focus), call.source.name, _type_name(call))
        if call.name == "getResourceKey":
            _arguments(call, 0)
            resource = self.compile(call.source, focus)
            return Term(
                self._single(
                    resource,
                    lambda v: (
                        f"json_extract_string({v}, '$.resourceType') || '/' || json_extract_string({v}, '$.id')"
                    ),
                ),
                "text",
                "string",
            )
        source = self.compile(call.source, focus)
        match call.name:
            case "where":
                _arguments(call, 1)
                return self._where(source, call.arguments[0], focus)
            case "exists" | "empty":
                _arguments(call, 1 if call.arguments and call.name == "exists" else 0)
                found = self._where(source, call.arguments[0], focus) if call.arguments else source
                sign = ">" if call.name == "exists" else "="
                return Term(f"(len({self.many(found)}) {sign} 0)", "boolean", "boolean")
            case "not":
                _arguments(call, 0)
                return Term(f"(NOT {self.boolean(source)})", "boolean", "boolean")
            case "first":
                _arguments(call, 0)
                return Term(f"({self.many(source)})[1:1]", "many", source.type)
            case "last":
                _arguments(call, 0)
                return Term(f"({self.many(source)})[-1:]", "many", source.type)
            case "count":
                _arguments(call, 0)
                return Term(f"CAST(len({self.many(source)}) AS DOUBLE)", "number", "integer")
            case "extension":
                _arguments(call, 1)
                return self._extension(source, self.text(self.compile(call.arguments[0], focus)))
            case "join":
                _arguments(call, 1 if call.arguments else 0)
                item, items = self.variable(), self.many(source)
                glue = self.text(self.compile(call.arguments[0], focus)) if call.arguments else "''"
                texts = f"list_transform({items}, lambda {item}: json_extract_string({item}, '$'))"
                return Term(f"coalesce(array_to_string({texts}, {glue}), '')", "text", "string")
            case "getReferenceKey":
                _arguments(call, 1 if call.arguments else 0)
                return self._reference_key(source, _type_name(call) if call.arguments else "")
            case "lowBoundary" | "highBoundary":
                _arguments(call, 0)
                return self._boundary(source, call.name)
            case "ofType":
                name = self.bind(_type_name(call))
                item = self.variable()
                return Term(
                    f"list_filter({self.many(source)}, lambda {item}: json_extract_string({item}, '$.resourceType') = {name})",
                    "many",
                )
            case "startsWith" | "endsWith" | "contains":
                _arguments(call, 1)
                function = {"startsWith": "starts_with", "endsWith": "ends_with"}.get(call.name, "contains")
                part = self.text(self.compile(call.arguments[0], focus))
                return Term(f"{function}({self.text(source)}, {part})", "boolean", "boolean")
            case _:
                raise Unsupported(
                    f"the DuckDB engine does not offer the function '{call.name}'; use --engine closures",
                    zh=f"DuckDB引擎不支持函数“{call.name}”，请使用closures引擎",
                )

    def _where(self, source: Term, condition: Node, focus: Focus) -> Term:
        item = self.variable()
        inner = replace(focus, this=Term(item, "one", source.type))
        kept = self.boolean(self.compile(condition, inner))
        return Term(
            f"list_filter({self.many(source)}, lambda {item}: coalesce({kept}, false))", "many", source.type
        )

    def _extension(self, source: Term, url: str) -> Term:
        item = self.variable()
        extensions = self._member(source, "extension").sql
        kept = f"list_filter({extensions}, lambda {item}: json_extract_string({item}, '$.url') = {url})"
        return Term(kept, "many", "Extension")

    def _choice(self, source: Term, name: str, kind: str) -> Term:
        """Return `source.name.ofType(kind)`: the choice element of that type, or resources of it."""
        if not _NAME.fullmatch(name):
            raise _refused(f"'{name}' is no element name")
        if source.kind not in {"one", "many"}:
            return Term(EMPTY, "many")
        choices = definitions().choices(source.type, name) if source.type else ()
        names = [json for json, one in choices if one == kind]
        if not choices:
            names = [name + kind[:1].upper() + kind[1:]]
        if names:
            typed = Term(self._named(source, names), "many", kind)
            if choices or kind[:1].islower():
                return typed
        item, plain = self.variable(), self._named(source, [name])
        resources = (
            f"list_filter({plain}, lambda {item}: json_extract_string({item}, '$.resourceType') = "
            f"{self.bind(kind)})"
        )
        return Term(f"list_concat({typed.sql}, {resources})" if names else resources, "many", kind)

    def _reference_key(self, source: Term, kind: str) -> Term:
        item = self.variable()
        references = self._named(source, ["reference"]) if source.kind in {"one", "many"} else EMPTY
        pattern = self.bind(_REFERENCE)
        text = f"json_extract_string({item}, '$')"
        wanted = f" AND regexp_extract({text}, {pattern}, 1) = {self.bind(kind)}" if kind else ""
        kept = f"list_filter({references}, lambda {item}: regexp_matches({text}, {pattern}){wanted})"
        key = f"regexp_extract({text}, {pattern}, 1) || '/' || regexp_extract({text}, {pattern}, 2)"
        return Term(f"list_transform({kept}, lambda {item}: to_json({key}))", "many", "string")

    def _boundary(self, source: Term, name: str) -> Term:
        low = name == "lowBoundary"
        if source.type not in BOUNDED:
            raise Unsupported(
                f"{name}() on DuckDB needs a known type: write value.ofType(dateTime).{name}(), or use --engine closures",
                zh=f"DuckDB引擎中{name}()须先用ofType()指明类型，或使用closures引擎",
            )
        if source.kind in {"text", "number"}:
            return Term(boundary(f"CAST({source.sql} AS VARCHAR)", source.type, low=low), "text", source.type)

        def body(v: str) -> str:
            lexeme = boundary(f"json_extract_string({v}, '$')", source.type, low=low)
            number = boundary(f"CAST({v} AS VARCHAR)", "decimal", low=low)
            return f"CASE WHEN json_type({v}) = 'VARCHAR' THEN {lexeme} ELSE {number} END"

        return Term(self._single(source, body), "text", source.type)


def _type_name(call: Call) -> str:
    """Return the type that `ofType` or `getReferenceKey` names."""
    _arguments(call, 1)
    argument = call.arguments[0]
    if (
        isinstance(argument, Member)
        and isinstance(argument.source, This | Member)
        and _NAME.fullmatch(argument.name)
    ):
        return argument.name
    raise _refused(f"{call.name}() needs the name of a type")


def _arguments(call: Call, count: int) -> None:
    if len(call.arguments) != count:
        raise _refused(f"{call.name}() takes {count} argument{'' if count == 1 else 's'}")


def _refused(why: str) -> Invalid:
    return Invalid(f"FHIRPath: {why}", zh=f"FHIRPath表达式有误：{why}")
