"""Text to tokens. Source: http://hl7.org/fhirpath/N1/#lexical-elements"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from kangshu.fhirpath.faults import FhirPathFault

TokenKind = Literal["name", "string", "number", "date", "time", "variable", "dollar", "sign", "end"]

_TOKEN: Final = re.compile(
    r"""
    (?P<blank>\s+|//[^\r\n]*|/\*.*?\*/)
  | (?P<unclosed>/\*)
  | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
  | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)
  | (?P<number>\d+(?:\.\d+)?L?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<variable>%(?:[A-Za-z_][A-Za-z0-9_-]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'))
  | (?P<dollar>\$[a-z]+)
  | (?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPES: Final = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `text` is without quotes and escapes, `at` its offset; `quoted` tells `div` from div."""

    kind: TokenKind
    text: str
    at: int
    quoted: bool = False


def unquote(text: str) -> str:
    """Return the text between two quotes, its escapes resolved."""
    return _ESCAPE.sub(_unescape, text[1:-1])


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPES.get(match[2], match[2])


def tokenize(expression: str) -> Iterator[Token]:
    """Yield the tokens of `expression`, an `end` token last.

    Raises:
        FhirPathFault: a sign that has no place in FHIRPath, or an unclosed comment.
    """
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup == "unclosed":
            raise FhirPathFault(
                f"not FHIRPath at offset {at}: {expression[at : at + 20]!r}",
                zh=f"第 {at} 个字符处不是合法的 FHIRPath: {expression[at : at + 20]!r}",
            )
        text = match[0]
        match match.lastgroup:
            case "blank":
                pass
            case "name" if text[0] in '`"':
                yield Token("name", unquote(text), at, quoted=True)
            case "string":
                yield Token("string", unquote(text), at)
            case "variable":
                yield Token("variable", unquote(text[1:]) if text[1] in "`'" else text[1:], at)
            case "name" | "number" | "date" | "time" | "dollar" | "sign" as kind:
                yield Token(kind, text, at)
        at = match.end()
    yield Token("end", "", at)
