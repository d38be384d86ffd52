"""Functions over texts. Source: http://hl7.org/fhirpath/N1/#string-manipulation"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from typing import Final

from kangshu.fhirpath.collections import whole_number
from kangshu.fhirpath.context import TEXT_LIMIT, Context
from kangshu.fhirpath.faults import BudgetSpent, FhirPathFault
from kangshu.fhirpath.operators import bounded
from kangshu.fhirpath.patterns import search, substitute
from kangshu.fhirpath.registry import plain
from kangshu.fhirpath.values import Items, Node


def text(items: Items, what: str) -> str | None:
    """Return the one text of a collection (a date's lexeme counts), None for an empty one."""
    if not items:
        return None
    if len(items) > 1:
        raise FhirPathFault(
            f"{what} takes one text, not {len(items)}", zh=f"{what} 只接受一个文本, 实有 {len(items)} 个"
        )
    item = items[0]
    value = item.value if isinstance(item, Node) else item
    if isinstance(value, str):
        return value
    if isinstance(item, Node) and value is None:
        return None
    raise FhirPathFault(f"{what} takes a text", zh=f"{what} 需要文本")


def _pair(items: Items, other: Items, what: str) -> tuple[str, str] | None:
    one, two = text(items, what), text(other, what)
    return None if one is None or two is None else (one, two)


@plain("indexOf", 1)
def index_of(context: Context, items: Items, part: Items) -> Items:
    pair = _pair(items, part, "indexOf")
    return [] if pair is None else [pair[0].find(pair[1])]


@plain("lastIndexOf", 1)
def last_index_of(context: Context, items: Items, part: Items) -> Items:
    pair = _pair(items, part, "lastIndexOf")
    return [] if pair is None else [pair[0].rfind(pair[1])]


@plain("substring", 1, 2)
def substring(context: Context, items: Items, start: Items, length: Items | None = None) -> Items:
    value, begin = text(items, "substring"), whole_number(start, "substring")
    if value is None or begin is None or begin < 0 or begin >= len(value):
        return []
    amount = whole_number(length, "substring") if length else None
    if amount is None:
        return [value[begin:]]
    return [value[begin : begin + amount] if amount > 0 else ""]


@plain("startsWith", 1)
def starts_with(context: Context, items: Items, part: Items) -> Items:
    pair = _pair(items, part, "startsWith")
    return [] if pair is None else [pair[0].startswith(pair[1])]


@plain("endsWith", 1)
def ends_with(context: Context, items: Items, part: Items) -> Items:
    pair = _pair(items, part, "endsWith")
    return [] if pair is None else [pair[0].endswith(pair[1])]


@plain("contains", 1)
def contains(context: Context, items: Items, part: Items) -> Items:
    pair = _pair(items, part, "contains")
    return [] if pair is None else [pair[1] in pair[0]]


@plain("upper")
def upper(context: Context, items: Items) -> Items:
    value = text(items, "upper")
    return [] if value is None else [value.upper()]


@plain("lower")
def lower(context: Context, items: Items) -> Items:
    value = text(items, "lower")
    return [] if value is None else [value.lower()]


@plain("trim")
def trim(context: Context, items: Items) -> Items:
    value = text(items, "trim")
    return [] if value is None else [value.strip()]


@plain("length")
def length(context: Context, items: Items) -> Items:
    value = text(items, "length")
    return [] if value is None else [len(value)]


@plain("toChars")
def to_chars(context: Context, items: Items) -> Items:
    value = text(items, "toChars")
    context.spend(len(value or ""))
    return [] if value is None else list(value)


@plain("replace", 2)
def replace(context: Context, items: Items, pattern: Items, substitution: Items) -> Items:
    value, old, new = text(items, "replace"), text(pattern, "replace"), text(substitution, "replace")
    if value is None or old is None or new is None:
        return []
    if (value.count(old) or 1) * len(new) + len(value) > TEXT_LIMIT:
        raise BudgetSpent("replace() makes too long a text", zh="replace() 生成的文本过长")
    return [value.replace(old, new)]


def _meter(context: Context, pair: tuple[str, str] | None) -> None:
    """Take a regular expression's work off the budget; one over a long text is looked at beforehand."""
    if pair is not None:
        context.spend(1 + len(pair[0]) // 100)
        if len(pair[0]) > 500:
            context.look()


@plain("matches", 1, 2)
def matches(context: Context, items: Items, pattern: Items, flags: Items | None = None) -> Items:
    pair = _pair(items, pattern, "matches")
    _meter(context, pair)
    return [] if pair is None else [search(pair[1], pair[0], text(flags or [], "matches") or "")]


@plain("matchesFull", 1, 2)
def matches_full(context: Context, items: Items, pattern: Items, flags: Items | None = None) -> Items:
    pair = _pair(items, pattern, "matchesFull")
    _meter(context, pair)
    return (
        [] if pair is None else [search(pair[1], pair[0], text(flags or [], "matchesFull") or "", full=True)]
    )


@plain("replaceMatches", 2, 3)
def replace_matches(
    context: Context, items: Items, pattern: Items, substitution: Items, flags: Items | None = None
) -> Items:
    pair, new = _pair(items, pattern, "replaceMatches"), text(substitution, "replaceMatches")
    _meter(context, pair)
    if pair is None or new is None:
        return []
    return [bounded(substitute(pair[1], pair[0], new, text(flags or [], "replaceMatches") or ""))]


@plain("split", 1)
def split(context: Context, items: Items, separator: Items) -> Items:
    pair = _pair(items, separator, "split")
    if pair is None:
        return []
    parts: Items = list(pair[0].split(pair[1])) if pair[1] else list(pair[0])
    context.spend(len(parts))
    return parts


@plain("join", 0, 1)
def join(context: Context, items: Items, separator: Items | None = None) -> Items:
    if not items:
        return []
    between = text(separator or [], "join") or ""
    parts = [text([item], "join") or "" for item in items]
    if sum(map(len, parts)) + len(between) * len(parts) > TEXT_LIMIT:
        raise BudgetSpent("join() makes too long a text", zh="join() 生成的文本过长")
    return [between.join(parts)]


@plain("encode", 1)
def encode(context: Context, items: Items, scheme: Items) -> Items:
    pair = _pair(items, scheme, "encode")
    if pair is None:
        return []
    data = pair[0].encode("utf-8", "surrogatepass")
    match pair[1]:
        case "hex":
            return [bounded(data.hex())]
        case "base64":
            return [bounded(base64.b64encode(data).decode())]
        case "urlbase64":
            return [bounded(base64.urlsafe_b64encode(data).decode())]
    return []


@plain("decode", 1)
def decode(context: Context, items: Items, scheme: Items) -> Items:
    pair = _pair(items, scheme, "decode")
    if pair is None:
        return []
    try:
        match pair[1]:
            case "hex":
                return [bytes.fromhex(pair[0]).decode()]
            case "base64":
                return [base64.b64decode(pair[0], validate=True).decode()]
            case "urlbase64":
                return [base64.b64decode(pair[0], altchars=b"-_", validate=True).decode()]
    except (ValueError, binascii.Error):
        raise FhirPathFault(f"the text is not {pair[1]}", zh=f"文本不是 {pair[1]} 编码") from None
    return []


@plain("escape", 1)
def escape(context: Context, items: Items, target: Items) -> Items:
    pair = _pair(items, target, "escape")
    if pair is None:
        return []
    match pair[1]:
        case "html":
            return [bounded(html.escape(pair[0]))]
        case "json":
            return [bounded(json.dumps(pair[0], ensure_ascii=False)[1:-1])]
    return []


@plain("unescape", 1)
def unescape(context: Context, items: Items, target: Items) -> Items:
    pair = _pair(items, target, "unescape")
    if pair is None:
        return []
    match pair[1]:
        case "html":
            return [html.unescape(pair[0])]
        case "json":
            return [_JSON_ESCAPE.sub(_unescaped, pair[0])]
    return []


_JSON_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_JSON_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _JSON_ESCAPES.get(match[2], match[2])
