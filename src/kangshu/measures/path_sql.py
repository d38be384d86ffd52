"""FHIRPath subset → SQL expressions over a JSON column, in the words of a dialect.

A compiled step is a `Term`: `one` (an element, not null), `many` (a list of elements, never null), or a nullable scalar
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
from kangshu.measures.dialect import Dialect
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

Shape = Literal["one", "many", "text", "number", "boolean"]
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_REFERENCE: Final = r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]*)?$"


@dataclass(frozen=True, slots=True)
class Term:
    """A SQL expression, its kind, and the FHIR primitive type where the expression tells it."""

    sql: str
    kind: Shape
    type: str = ""


@dataclass(frozen=True, slots=True)
class Focus:
    """What a path is evaluated on: the element, the row's resource and the place in the iteration."""

    this: Term
    root: Term
    row_index: str


class PathCompiler:
    """Compiles the paths of one view for one dialect.

    `values` collects what must be bound, by parameter name; `unknown` the elements that R4 does not have.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
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
        return self.dialect.bound(name)

    def let(self, sql: str, body: Callable[[str], str]) -> str:
        """Return `body` with `sql` computed once: a variable of a lambda over a list of one."""
        name = self.variable()
        return self.dialect.let(name, sql, body(name))

    # ------------------------------------------------------------------ forms of a term

    def many(self, term: Term) -> str:
        """Return `term` as a list of elements."""
        say = self.dialect
        if term.kind == "many":
            return term.sql
        if term.kind == "one":
            return say.list_of(term.sql)
        return self.let(
            term.sql,
            lambda v: (
                f"CASE WHEN {v} IS NULL THEN {say.no_elements} ELSE {say.list_of(say.element_of(v))} END"
            ),
        )

    def _single(self, term: Term, body: Callable[[str], str]) -> str:
        """Return `body` over the only item of a collection; NULL when empty, an error when there are more."""
        say = self.dialect
        if term.kind == "one":
            return body(term.sql)
        return self.let(
            term.sql,
            lambda v: (
                f"CASE {say.length(v)} WHEN 0 THEN NULL WHEN 1 THEN {body(say.only(v))} "
                f"ELSE {say.error('more than one item where one is expected')} END"
            ),
        )

    def text(self, term: Term) -> str:
        """Return `term` as nullable text."""
        if term.kind in {"one", "many"}:
            return self._single(term, self.dialect.text_of)
        return term.sql if term.kind == "text" else self.dialect.cast(term.sql, "text")

    def number(self, term: Term) -> str:
        """Return `term` as nullable double."""
        say = self.dialect
        if term.kind in {"one", "many"}:
            return self._single(
                term,
                lambda v: (
                    f"CASE WHEN {say.is_number(v)} THEN {say.number_of(v)} "
                    f"ELSE {say.error('a number is expected')} END"
                ),
            )
        if term.kind == "number":
            return term.sql
        raise _refused("a number is expected")

    def boolean(self, term: Term, *, strict: bool = False) -> str:
        """Return `term` as nullable boolean; a single item that is no boolean is true, or an error if `strict`."""
        say = self.dialect
        if term.kind == "boolean":
            return term.sql
        if term.kind in {"one", "many"}:
            other = say.error("a boolean is expected") if strict else "true"
            return self._single(
                term, lambda v: f"CASE WHEN {say.is_boolean(v)} THEN {say.boolean_of(v)} ELSE {other} END"
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
                sql = self.let(self.dialect.cast(place, "whole"), lambda v: self.dialect.at(items, v))
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

    def _named(self, source: Term, names: list[str]) -> str:
        """Return the children of `source` under any of the JSON `names`, as a list of elements."""
        say = self.dialect
        if source.kind == "one":
            return say.concat(*(say.children(source.sql, name) for name in names))
        item = self.variable()
        return say.flatten(say.map(source.sql, item, self._named(Term(item, "one"), names)))

    def _member(self, source: Term, name: str) -> Term:
        """Return the children called `name`: as R4 types them, or as JSON has them where the type is not known."""
        if not _NAME.fullmatch(name):
            raise _refused(f"'{name}' is no element name")
        if source.kind not in {"one", "many"}:
            return Term(self.dialect.no_elements, "many")
        known = definitions()
        kind = known.kind(source.type) if source.type else None
        if kind is None or source.type == "Resource":
            return Term(self._named(source, [name]), "many")
        if kind == "primitive":
            if name == "extension":
                raise Unsupported(
                    f"the {self.dialect.name} engine does not read extensions of primitive values; "
                    "use --engine closures",
                    zh=f"{self.dialect.name}引擎不支持读取基本类型元素的扩展，请使用closures引擎",
                )
            return Term(self.dialect.no_elements, "many")
        choices = known.choices(source.type, name)
        if not choices:
            child = known.child(source.type, name)
            choices = ((name, child.type),) if child else ()
        if not choices:
            self.unknown.append(f"{source.type}.{name}")
            return Term(self.dialect.no_elements, "many")
        types = {one for _, one in choices}
        sql = self._named(source, [json for json, _ in choices])
        return Term(sql, "many", types.pop() if len(types) == 1 else "")

    def _binary(self, operator: str, left: Term, right: Term) -> Term:
        if operator in {"and", "or"}:
            return Term(
                f"({self.boolean(left)} {operator.upper()} {self.boolean(right)})", "boolean", "boolean"
            )
        if operator == "|":
            both = self.dialect.concat(self.many(left), self.many(right))
            return Term(self.dialect.distinct(both), "many", left.type)
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
        say = self.dialect
        return self.let(
            self._single(left, str),
            lambda a: self.let(
                self._single(right, str),
                lambda b: (
                    f"CASE WHEN {say.is_text(a)} THEN {say.text_of(a)} {sql} {say.text_of(b)} "
                    f"ELSE {say.number_of(a)} {sql} {say.number_of(b)} END"
                ),
            ),
        )

    def _equal_collections(self, operator: str, left: Term, right: Term) -> str:
        say, item = self.dialect, self.variable()
        canonical = say.canonical(item)
        sql = "=" if operator == "=" else "<>"
        return self.let(
            self.many(left),
            lambda a: self.let(
                self.many(right),
                lambda b: (
                    f"CASE WHEN {say.length(a)} = 0 OR {say.length(b)} = 0 THEN NULL "
                    f"ELSE {say.map(a, item, canonical)} {sql} {say.map(b, item, canonical)} END"
                ),
            ),
        )

    def _compare_dates(self, sql: str, left: Term, right: Term) -> str:
        """Compare dates by the precision that both have; instants as instants; NULL where undecided."""

        say = self.dialect

        def body(a: str, b: str) -> str:
            length = f"least(length({a}), length({b}))"
            return (
                f"CASE WHEN contains({a}, 'T') AND contains({b}, 'T') "
                f"THEN {say.instant(a)} {sql} {say.instant(b)} "
                f"WHEN length({a}) = length({b}) THEN {a} {sql} {b} "
                f"WHEN left({a}, {length}) <> left({b}, {length}) "
                f"THEN left({a}, {length}) {sql} left({b}, {length}) END"
            )

        return self.let(self.text(left), lambda a: self.let(self.text(right), lambda b: body(a, b)))

    # ------------------------------------------------------------------ functions

    def _call(self, call: Call, focus: Focus) -> Term:
        say = self.dialect
        if call.name == "ofType" and isinstance(call.source, Member):
            return self._choice(self.compile(call.source.source, focus), call.source.name, _type_name(call))
        if call.name == "getResourceKey":
            _arguments(call, 0)
            resource = self.compile(call.source, focus)
            return Term(
                self._single(
                    resource,
                    lambda v: f"{say.member_text(v, 'resourceType')} || '/' || {say.member_text(v, 'id')}",
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
                return Term(f"({say.length(self.many(found))} {sign} 0)", "boolean", "boolean")
            case "not":
                _arguments(call, 0)
                return Term(f"(NOT {self.boolean(source)})", "boolean", "boolean")
            case "first":
                _arguments(call, 0)
                return Term(say.head(self.many(source)), "many", source.type)
            case "last":
                _arguments(call, 0)
                return Term(say.tail(self.many(source)), "many", source.type)
            case "distinct":
                _arguments(call, 0)
                return Term(say.distinct(self.many(source)), "many", source.type)
            case "count":
                _arguments(call, 0)
                return Term(say.cast(say.length(self.many(source)), "number"), "number", "integer")
            case "extension":
                _arguments(call, 1)
                return self._extension(source, self.text(self.compile(call.arguments[0], focus)))
            case "join":
                _arguments(call, 1 if call.arguments else 0)
                item, items = self.variable(), self.many(source)
                glue = self.text(self.compile(call.arguments[0], focus)) if call.arguments else "''"
                texts = say.map(items, item, say.text_of(item))
                return Term(f"coalesce({say.join(texts, glue)}, '')", "text", "string")
            case "getReferenceKey":
                _arguments(call, 1 if call.arguments else 0)
                return self._reference_key(source, _type_name(call) if call.arguments else "")
            case "lowBoundary" | "highBoundary":
                _arguments(call, 0)
                return self._boundary(source, call.name)
            case "ofType":
                return Term(self._resources(self.many(source), _type_name(call)), "many")
            case "startsWith" | "endsWith" | "contains":
                _arguments(call, 1)
                part = self.text(self.compile(call.arguments[0], focus))
                return Term(say.has_part(self.text(source), part, call.name), "boolean", "boolean")
            case _:
                raise Unsupported(
                    f"the {say.name} engine does not offer the function '{call.name}'; use --engine closures",
                    zh=f"{say.name}引擎不支持函数“{call.name}”，请使用closures引擎",
                )

    def _where(self, source: Term, condition: Node, focus: Focus) -> Term:
        item = self.variable()
        inner = replace(focus, this=Term(item, "one", source.type))
        kept = self.boolean(self.compile(condition, inner))
        sql = self.dialect.filter(self.many(source), item, f"coalesce({kept}, false)")
        return Term(sql, "many", source.type)

    def _extension(self, source: Term, url: str) -> Term:
        say, item = self.dialect, self.variable()
        extensions = self._member(source, "extension").sql
        same = f"coalesce({say.member_text(item, 'url')} = {url}, false)"
        return Term(say.filter(extensions, item, same), "many", "Extension")

    def _resources(self, items: str, kind: str) -> str:
        """Return those of a list of elements that are resources of the type `kind`."""
        say, item = self.dialect, self.variable()
        same = f"coalesce({say.member_text(item, 'resourceType')} = {self.bind(kind)}, false)"
        return say.filter(items, item, same)

    def _choice(self, source: Term, name: str, kind: str) -> Term:
        """Return `source.name.ofType(kind)`: the choice element of that type, or resources of it."""
        if not _NAME.fullmatch(name):
            raise _refused(f"'{name}' is no element name")
        if source.kind not in {"one", "many"}:
            return Term(self.dialect.no_elements, "many")
        choices = definitions().choices(source.type, name) if source.type else ()
        names = [json for json, one in choices if one == kind]
        if not choices:
            names = [name + kind[:1].upper() + kind[1:]]
        if names:
            typed = Term(self._named(source, names), "many", kind)
            if choices or kind[:1].islower():
                return typed
        resources = self._resources(self._named(source, [name]), kind)
        return Term(self.dialect.concat(typed.sql, resources) if names else resources, "many", kind)

    def _reference_key(self, source: Term, kind: str) -> Term:
        say, item = self.dialect, self.variable()
        elements = source.kind in {"one", "many"}
        references = self._named(source, ["reference"]) if elements else say.no_elements
        pattern, text = self.bind(_REFERENCE), say.text_of(item)
        wanted = f" AND regexp_extract({text}, {pattern}, 1) = {self.bind(kind)}" if kind else ""
        kept = say.filter(references, item, f"coalesce({say.matches(text, pattern)}{wanted}, false)")
        key = f"regexp_extract({text}, {pattern}, 1) || '/' || regexp_extract({text}, {pattern}, 2)"
        return Term(say.map(kept, item, say.element_of(key)), "many", "string")

    def _boundary(self, source: Term, name: str) -> Term:
        say, low = self.dialect, name == "lowBoundary"
        if source.type not in BOUNDED:
            raise Unsupported(
                f"{name}() on {say.name} needs a known type: write value.ofType(dateTime).{name}(), "
                "or use --engine closures",
                zh=f"{say.name}引擎中{name}()须先用ofType()指明类型，或使用closures引擎",
            )
        if source.kind in {"text", "number"}:
            return Term(
                boundary(say, say.cast(source.sql, "text"), source.type, low=low), "text", source.type
            )

        def body(v: str) -> str:
            lexeme = boundary(say, say.text_of(v), source.type, low=low)
            number = boundary(say, say.lexeme_of(v), "decimal", low=low)
            return f"CASE WHEN {say.is_text(v)} THEN {lexeme} ELSE {number} END"

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
