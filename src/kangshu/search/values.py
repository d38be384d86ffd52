"""Values of search parameters, from the text of a URL to the query tree.

Source: https://hl7.org/fhir/R4/search.html#prefix, #number, #date, #string, #token, #reference, #quantity, #escaping
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from kangshu.base.faults import Invalid
from kangshu.fhir import date_range, split_reference
from kangshu.search.folding import LONGEST_TEXT, fold, shorten
from kangshu.search.model import (
    DateValue,
    Kind,
    NumberValue,
    Prefix,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
    Value,
)

_PREFIXES: Final[dict[str, Prefix]] = {
    "eq": "eq", "ne": "ne", "gt": "gt", "lt": "lt", "ge": "ge", "le": "le", "sa": "sa", "eb": "eb", "ap": "ap",
}  # fmt: skip
_LARGEST_EXPONENT: Final = 100


def split(text: str, separator: str) -> list[str]:
    """Return the parts of `text` between unescaped separators; the escapes stay."""
    parts: list[str] = []
    part = ""
    signs = iter(text)
    for sign in signs:
        if sign == "\\":
            part += sign + next(signs, "")
        elif sign == separator:
            parts.append(part)
            part = ""
        else:
            part += sign
    return [*parts, part]


def unescape(text: str) -> str:
    r"""Return `text` with `\,`, `\|`, `\$` and `\\` taken as the signs themselves."""
    if "\\" not in text:
        return text
    out = ""
    signs = iter(text)
    for sign in signs:
        out += next(signs, "\\") if sign == "\\" else sign
    return out


def parse_value(kind: Kind, text: str, *, exact: bool = False, plain: bool = False, base: str = "") -> Value:
    """Return the value of one alternative. `exact` keeps a string as written; `plain` drops a token's system.

    Raises:
        Invalid: not a value of this kind.
    """
    match kind:
        case "token":
            value = token(text)
            return TokenValue(None, value.code) if plain and value.system else value
        case "string":
            written = unescape(text)
            return StringValue(written[:LONGEST_TEXT] if exact else fold(written[:LONGEST_TEXT]))
        case "date":
            return date(text)
        case "number":
            return number(text)
        case "quantity":
            return quantity(text)
        case "reference":
            return reference(unescape(text), base)
        case "uri":
            return UriValue(shorten(unescape(text)))


def token(text: str) -> TokenValue:
    """Return `code`, `system|code`, `|code` or `system|`."""
    parts = split(text, "|")
    if len(parts) == 1:
        return TokenValue(None, shorten(unescape(parts[0])))
    system, code = unescape(parts[0]), unescape("|".join(parts[1:]))
    if not system and not code:
        raise _invalid("token", text, "code, system|code, |code or system|")
    return TokenValue(system, shorten(code) if code else None)


def date(text: str) -> DateValue:
    """Return the range that a partial date with an optional prefix stands for."""
    prefix, rest = _prefix(text)
    low, high = date_range(unescape(rest).replace(" ", "+"))
    return DateValue(prefix, low, high)


def number(text: str) -> NumberValue:
    """Return a number with an optional prefix, and the range of its written precision."""
    prefix, rest = _prefix(text)
    try:
        value = Decimal(unescape(rest))
    except InvalidOperation:
        raise _invalid("number", text, "5, 5.40 or gt1e2") from None
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _LARGEST_EXPONENT or abs(value) > Decimal("1e100"):
        raise _invalid("number", text, "5, 5.40 or gt1e2")
    half = Decimal(5).scaleb(exponent - 1)
    if prefix == "ap":
        half = max(half, abs(value) / 10)
    return NumberValue(prefix, value, value - half, value + half)


def quantity(text: str) -> QuantityValue:
    """Return `number`, `number|system|code`, `number||code` or `number|system`."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) == 2:
        parts.append("")
    if len(parts) not in (1, 3):
        raise _invalid("quantity", text, "5.4, 5.4|http://unitsofmeasure.org|mg or 5.4||mg")
    if len(parts) == 1:
        return QuantityValue(number(parts[0]), None, None)
    return QuantityValue(number(parts[0]), parts[1] or None, shorten(parts[2]) if parts[2] else None)


def reference(text: str, base: str = "") -> ReferenceValue:
    """Return `id`, `Type/id` or an absolute URL; one below `base` is taken as relative."""
    local = text[len(base) :].lstrip("/") if base and text.startswith(base) else text
    found = split_reference(local)
    if found is not None and not found.base:
        return ReferenceValue(found.type, found.id)
    if ":" in local or "/" in local:
        return ReferenceValue("", shorten(local), url=True)
    return ReferenceValue("", local)


def _prefix(text: str) -> tuple[Prefix, str]:
    found = _PREFIXES.get(text[:2])
    return ("eq", text) if found is None else (found, text[2:])


def _invalid(kind: str, text: str, form: str) -> Invalid:
    return Invalid(
        f"{text[:60]!r} is not a {kind} value; write it as {form}",
        zh=f"{text[:60]!r} 不是有效的 {kind} 值，写法如 {form}",
    )
