"""The FHIRPath subset that the SQL on FHIR specification asks of every engine, parsed to a tree.

The tree is what `path_sql` compiles to SQL; the closures engine uses the whole language instead.
Source: https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition-notes.html (minimal FHIRPath subset).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kangshu.base.faults import Invalid, Unsupported


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal; `kind` is string, number, boolean, date, dateTime or time; `text` its value unquoted."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class This:
    """`$this`."""


@dataclass(frozen=True, slots=True)
class RowIndex:
    """`%rowIndex`: the place of the focus in the nearest iteration, from 0."""


@dataclass(frozen=True, slots=True)
class Root:
    """`%resource` or `%context`: the resource that the row comes from."""


@dataclass(frozen=True, slots=True)
class Member:
    """`source.name`."""

    source: Node
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`source.name(arguments)`."""

    source: Node
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """`source[position]`."""

    source: Node
    position: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`."""

    operand: Node


Node = Literal | This | RowIndex | Root | Member | Call | Index | Binary | Negative

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
    | (?P<dateTime>@\d{4}(?:-\d\d(?:-\d\d)?)?T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)
    | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<variable>%(?:[A-Za-z_]\w*|`[^`]+`))
    | (?P<name>\$?[A-Za-z_]\w*|`(?:[^`\\]|\\.)*`)
    | (?P<symbol><=|>=|!=|!~|[-+*/=<>&|~.,()\[\]])
    )""",
    re.VERBOSE,
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_LEVELS: Final = (
    frozenset({"implies"}),
    frozenset({"or", "xor"}),
    frozenset({"and"}),
    frozenset({"in", "contains"}),
    frozenset({"=", "!=", "~", "!~"}),
    frozenset({"<", "<=", ">", ">="}),
    frozenset({"|"}),
    frozenset({"is", "as"}),
    frozenset({"+", "-", "&"}),
    frozenset({"*", "/", "div", "mod"}),
)
_OFFERED: Final = frozenset({"or", "and", "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "&", "|"})
_DEPTH: Final = 60


def parse_path(expression: str) -> Node:
    """Return the tree of `expression`.

    Raises Invalid where the text is not FHIRPath, Unsupported where an operator is outside the subset.
    """
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = self._scan()
        self._at = 0
        self._depth = 0

    def _scan(self) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        at, text = 0, self._expression.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._refused(f"unexpected text at position {at + 1}")
            tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        tokens.append(("end", ""))
        return tokens

    def whole(self) -> Node:
        node = self._binary(0)
        if self._peek() != ("end", ""):
            raise self._refused(f"'{self._peek()[1]}' is not expected here")
        return node

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expect(self, symbol: str) -> None:
        if self._take() != ("symbol", symbol):
            raise self._refused(f"'{symbol}' is missing")

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._peek()[0] in {"symbol", "name"} and self._peek()[1] in _LEVELS[level]:
            operator = self._take()[1]
            if operator not in _OFFERED:
                raise Unsupported(
                    f"the SQL engines do not offer the operator '{operator}'; use --engine closures",
                    zh=f"SQL引擎不支持运算符“{operator}”，请使用closures引擎",
                )
            left = Binary(operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> Node:
        if self._peek() == ("symbol", "-"):
            self._take()
            return Negative(self._unary())
        if self._peek() == ("symbol", "+"):
            self._take()
            return self._unary()
        return self._postfix()

    def _postfix(self) -> Node:
        node = self._term()
        while True:
            if self._peek() == ("symbol", "."):
                self._take()
                kind, text = self._take()
                if kind != "name":
                    raise self._refused("a name is expected after '.'")
                node = self._invoked(node, text)
            elif self._peek() == ("symbol", "["):
                self._take()
                node = Index(node, self._binary(0))
                self._expect("]")
            else:
                return node

    def _term(self) -> Node:
        kind, text = self._take()
        match kind:
            case "string":
                return Literal("string", _unescape(text[1:-1]))
            case "number":
                return Literal("number", text)
            case "date":
                return Literal("date", text[1:])
            case "dateTime":
                return Literal("dateTime", text[1:].rstrip("T"))
            case "time":
                return Literal("time", text[2:])
            case "variable":
                return self._variable(text)
            case "name" if text in {"true", "false"}:
                return Literal("boolean", text)
            case "name":
                return self._invoked(This(), text)
            case "symbol" if text == "(":
                self._depth += 1
                if self._depth > _DEPTH:
                    raise self._refused("too many nested parentheses")
                node = self._binary(0)
                self._expect(")")
                self._depth -= 1
                return node
            case _:
                raise self._refused(
                    f"'{text}' is not expected here" if text else "the expression ends too early"
                )

    def _variable(self, text: str) -> Node:
        if text == "%rowIndex":
            return RowIndex()
        if text in {"%resource", "%context", "%rootResource"}:
            return Root()
        raise Unsupported(
            f"the SQL engines do not offer the variable '{text}'; use --engine closures",
            zh=f"SQL引擎不支持变量“{text}”，请使用closures引擎",
        )

    def _invoked(self, source: Node, name: str) -> Node:
        if name == "$this":
            return This()
        if name.startswith("$"):
            raise self._refused(f"'{name}' is not offered by the SQL engines")
        plain = _unescape(name[1:-1]) if name.startswith("`") else name
        if self._peek() != ("symbol", "("):
            return Member(source, plain)
        self._take()
        self._depth += 1
        if self._depth > _DEPTH:
            raise self._refused("too many nested calls")
        arguments: list[Node] = []
        while self._peek() != ("symbol", ")"):
            if arguments:
                self._expect(",")
            arguments.append(self._binary(0))
        self._take()
        self._depth -= 1
        return Call(source, plain, tuple(arguments))

    def _refused(self, why: str) -> Invalid:
        return Invalid(
            f"FHIRPath '{self._expression}': {why}", zh=f"FHIRPath表达式“{self._expression}”有误：{why}"
        )


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPES.get(code, code)

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", one, text, flags=re.DOTALL)
