"""Values of primitive types: JSON type, lexical form, range. Source: https://hl7.org/fhir/R4/datatypes.html#primitive"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Final

from kangshu.base.text import Text
from kangshu.fhir import definitions, narrative_findings, narrative_has_content
from kangshu.fhirpath import Temporal

Check = Callable[[Any], Text | None]
"""Returns what is wrong with a value, None for nothing."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BASE64: Final = re.compile(r"[0-9A-Za-z+/=\s]*", re.ASCII)
_STRING_LIMIT: Final = 1024 * 1024
_INTEGERS: Final = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
_WRONG_TYPE: Final = {
    "boolean": Text("应为布尔值 true 或 false", "must be the JSON boolean true or false"),
    "integer": Text("应为整数", "must be a JSON whole number"),
    "decimal": Text("应为数值", "must be a JSON number"),
    "string": Text("应为字符串", "must be a JSON string"),
}
_EMPTY: Final = Text("值为空", "is empty")


def _boolean(value: Any) -> Text | None:
    return None if isinstance(value, bool) else _WRONG_TYPE["boolean"]


def _integer(least: int) -> Check:
    def check(value: Any) -> Text | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return _WRONG_TYPE["integer"]
        if not least <= value < 2**31:
            return Text(f"应在 {least} 与 2147483647 之间", f"must be between {least} and 2147483647")
        return None

    return check


def _decimal(value: Any) -> Text | None:
    return (
        None if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else _WRONG_TYPE["decimal"]
    )


def _text(value: Any) -> Text | None:
    if not isinstance(value, str):
        return _WRONG_TYPE["string"]
    if not value.strip():
        return _EMPTY
    if len(value) > _STRING_LIMIT:
        return Text("字符串超过 1 MB", "is longer than 1 MB")
    if _CONTROL.search(value):
        return Text("含有控制字符", "holds a control character")
    return None


def _base64(value: Any) -> Text | None:
    if not isinstance(value, str):
        return _WRONG_TYPE["string"]
    if not value:
        return _EMPTY
    if not _BASE64.fullmatch(value) or len("".join(value.split())) % 4:
        return Text("不是 Base64 编码", "is not base64")
    return None


def _xhtml(value: Any) -> Text | None:
    if not isinstance(value, str):
        return _WRONG_TYPE["string"]
    found = narrative_findings(value)
    if found:
        return Text(
            f"叙述文本不符合 XHTML 规则: {found[0]}", f"is not the XHTML that FHIR allows: {'; '.join(found)}"
        )
    if not narrative_has_content(value):
        return Text("叙述文本没有内容", "shows nothing (txt-2)")
    return None


def _lexical(type: str) -> Check:
    pattern = re.compile(definitions().pattern(type) or r"[\s\S]+")
    dated = type in ("date", "dateTime", "instant")

    def check(value: Any) -> Text | None:
        if not isinstance(value, str):
            return _WRONG_TYPE["string"]
        if not value:
            return _EMPTY
        if len(value) > _STRING_LIMIT or not pattern.fullmatch(value):
            return Text(f"不符合 {type} 的格式", f"is not in the form of a {type}")
        if dated and value[8:10] > "28" and Temporal.read(value, "dateTime") is None:
            return Text("日期或时间不存在", "is no date or time that exists")
        return None

    return check


_CHECKS: Final[dict[str, Check]] = {
    "boolean": _boolean, "decimal": _decimal, "string": _text, "markdown": _text, "base64Binary": _base64, "xhtml": _xhtml,
    **{name: _integer(least) for name, least in _INTEGERS.items()},
}  # fmt: skip


@cache
def primitive_check(type: str) -> Check:
    """Return the check of a primitive type."""
    return _CHECKS.get(type) or _lexical(type)
