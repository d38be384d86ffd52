"""Tokens to a tree: a Pratt parser. Source: http://hl7.org/fhirpath/N1/grammar.html"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NoReturn

from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.quantities import CALENDAR_WORDS, Quantity
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.tokens import Token, tokenize
from kangshu.fhirpath.tree import (
    Binary,
    Call,
    Dollar,
    Dot,
    Index,
    Literal,
    Name,
    Tree,
    TypeTest,
    Unary,
    Variable,
)  # fmt: skip

LENGTH_LIMIT: Final = 20_000
DEPTH_LIMIT: Final = 120
"""Nesting that a written expression never reaches; deeper ones are attacks on the stack."""

_POWER: Final = {
    "implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4, "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<": 6, ">": 6, "<=": 6, ">=": 6, "|": 7, "is": 8, "as": 8, "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
_UNARY_POWER: Final = 11


def parse_expression(expression: str) -> Tree:
    """Return the tree of `expression`.

    Raises:
        FhirPathFault: it does not parse; the text says where.
    """
    if len(expression) > LENGTH_LIMIT:
        raise FhirPathFault(
            f"the expression is longer than {LENGTH_LIMIT} characters", zh=f"表达式超过 {LENGTH_LIMIT} 个字符"
        )
    return _Parser(list(tokenize(expression))).whole()


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def fail(self, wanted: str) -> NoReturn:
        token = self.token
        found = repr(token.text) if token.kind != "end" else "the end"
        raise FhirPathFault(
            f"expected {wanted} at offset {token.at}, found {found}",
            zh=f"第 {token.at} 个字符处应为 {wanted}, 实为 {found}",
        )

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def is_sign(self, text: str) -> bool:
        return self.token.kind == "sign" and self.token.text == text

    def expect(self, text: str) -> None:
        if not self.is_sign(text):
            self.fail(repr(text))
        self.at += 1

    def whole(self) -> Tree:
        tree = self.expression(0)
        if self.token.kind != "end":
            self.fail("an operator or the end")
        return tree

    def operator(self) -> str:
        token = self.token
        if token.kind == "sign" or (token.kind == "name" and not token.quoted):
            return token.text if token.text in _POWER else ""
        return ""

    def expression(self, power: int) -> Tree:
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise FhirPathFault("the expression is nested too deeply", zh="表达式嵌套过深")
        left = self.unary()
        length = 0
        while (operator := self.operator()) and _POWER[operator] > power:
            self.at += 1
            length += 1
            if length > DEPTH_LIMIT * 4:
                raise FhirPathFault("the expression has too many operators", zh="表达式运算符过多")
            if operator in ("is", "as"):
                left = TypeTest(operator, left, self.type_name())
            else:
                left = Binary(operator, left, self.expression(_POWER[operator]))
        self.depth -= 1
        return left

    def unary(self) -> Tree:
        if self.is_sign("-") or self.is_sign("+"):
            sign = self.take().text
            return Unary(sign, self.expression(_UNARY_POWER - 1))
        return self.postfix(self.term())

    def postfix(self, tree: Tree) -> Tree:
        while True:
            if self.is_sign("."):
                self.at += 1
                tree = Dot(tree, self.step())
            elif self.is_sign("["):
                self.at += 1
                tree = Index(tree, self.expression(0))
                self.expect("]")
            else:
                return tree

    def step(self) -> Name | Call:
        if self.token.kind != "name":
            self.fail("a name")
        name = self.take().text
        if not self.is_sign("("):
            return Name(name)
        self.at += 1
        arguments: list[Tree] = []
        if not self.is_sign(")"):
            arguments.append(self.expression(0))
            while self.is_sign(","):
                self.at += 1
                arguments.append(self.expression(0))
        self.expect(")")
        return Call(name, tuple(arguments))

    def type_name(self) -> str:
        if self.token.kind != "name":
            self.fail("a type")
        parts = [self.take().text]
        while self.is_sign("."):
            follower = self.tokens[self.at + 2]
            if follower.kind == "sign" and follower.text == "(":
                break
            self.at += 1
            if self.token.kind != "name":
                self.fail("a type")
            parts.append(self.take().text)
        return ".".join(parts)

    def term(self) -> Tree:
        token = self.token
        match token.kind:
            case "name":
                if not token.quoted and token.text in ("true", "false") and not self.called():
                    self.at += 1
                    return Literal((token.text == "true",))
                return self.step()
            case "string":
                self.at += 1
                return Literal((token.text,))
            case "number":
                return self.number()
            case "date" | "time":
                self.at += 1
                return Literal((Temporal.literal(token.text),))
            case "variable":
                self.at += 1
                return Variable(token.text)
            case "dollar" if token.text in ("$this", "$index", "$total"):
                self.at += 1
                return Dollar(token.text)
            case _:
                return self.bracket()

    def called(self) -> bool:
        follower = self.tokens[self.at + 1]
        return follower.kind == "sign" and follower.text == "("

    def bracket(self) -> Tree:
        if self.is_sign("("):
            self.at += 1
            tree = self.expression(0)
            self.expect(")")
            return tree
        if self.is_sign("{"):
            self.at += 1
            self.expect("}")
            return Literal(())
        return self.fail("a value or a path")

    def number(self) -> Tree:
        text = self.take().text.removesuffix("L")
        if len(text) > 60:
            raise FhirPathFault("a number has too many digits", zh="数值位数过多")
        unit = self.token
        if unit.kind == "string":
            self.at += 1
            return Literal((Quantity(Decimal(text), unit.text),))
        if unit.kind == "name" and unit.text in CALENDAR_WORDS and not self.called():
            self.at += 1
            return Literal((Quantity(Decimal(text), CALENDAR_WORDS[unit.text], calendar=True),))
        return Literal((Decimal(text) if "." in text else int(text),))
