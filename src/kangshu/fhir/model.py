"""FHIR JSON in and out. Numbers keep their lexemes: 1.10 comes back as 1.10.

`parse` reads what strangers send and refuses what no honest client writes: doubled keys, depth, NaN,
bytes that are not UTF-8, lone surrogates, NUL, numbers of absurd size. `decode` reads what `parse` once let in.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

from kangshu.base.faults import Malformed, TooLarge

Resource: TypeAlias = dict[str, Any]
"""A FHIR R4 resource as parsed JSON; decimals are `decimal.Decimal`."""

DEPTH_LIMIT: Final = 200
EXPONENT_LIMIT: Final = 308
"""Largest decimal exponent either way: that of a double, the widest number any reader expects."""
DIGIT_LIMIT: Final = 400

VALUE_LIMIT: Final = 1_000_000
"""Values in what one request sends: each takes some hundred bytes once it is read, whatever it took to write."""

_KEY: Final = re.compile(rb'"[ \t\r\n]*:')


class _Lexeme(Decimal):
    """A decimal whose text is not what `str` would make of it, such as 1e2 or 0.0000001."""

    __slots__ = ("lexeme",)
    lexeme: str

    def __reduce__(self) -> tuple[Any, ...]:
        return _lexeme, (self.lexeme,)

    def __copy__(self) -> _Lexeme:
        return self

    def __deepcopy__(self, memo: Any) -> _Lexeme:
        return self


def _lexeme(text: str) -> Decimal:
    number = _Lexeme(text)
    number.lexeme = text
    return number


def decimal(text: str) -> Decimal:
    """Return the decimal of a JSON number, its lexeme kept. Raises Malformed where it is of absurd size."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Malformed(
            "a number is too large or too small to be read", zh="数值过大或过小, 无法读取"
        ) from None
    if len(text) > DIGIT_LIMIT or not -EXPONENT_LIMIT <= number.adjusted() <= EXPONENT_LIMIT:
        raise Malformed(
            f"a number has more than {DIGIT_LIMIT} digits or an exponent beyond {EXPONENT_LIMIT}",
            zh=f"数值超过 {DIGIT_LIMIT} 位或指数超过 {EXPONENT_LIMIT}",
        )
    return number if str(number) == text else _lexeme(text)


def _encode_lexeme(value: object) -> object:
    if isinstance(value, _Lexeme):
        return msgspec.Raw(value.lexeme.encode())
    if isinstance(value, Decimal):
        return msgspec.Raw(str(value).encode())
    raise TypeError(f"{type(value).__name__} has no place in FHIR JSON")


_decoder: Final = msgspec.json.Decoder(float_hook=decimal)
_encoder: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=_encode_lexeme)


def parse(data: bytes | str) -> Resource:
    """Return the resource in `data`.

    Raises:
        Malformed: not JSON, not an object with a resourceType, or hostile (see the module's text).
    """
    value = parse_value(data)
    if not isinstance(value, dict):
        raise Malformed(
            "a resource is a JSON object; this is something else", zh="资源必须是 JSON 对象, 此处不是"
        )
    kind = value.get("resourceType")
    if not isinstance(kind, str) or not kind:
        raise Malformed(
            "the object has no resourceType", zh="对象缺少 resourceType", expression="resourceType"
        )
    return value


def parse_value(data: bytes | str) -> Any:
    """Return any JSON value under the same rules as `parse` (a JSON Patch is an array).

    Raises:
        Malformed: not JSON, or hostile.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    try:
        value = _decoder.decode(raw)
    except UnicodeDecodeError as fault:
        raise Malformed(
            f"the text is not UTF-8 (near byte {fault.start} of a string)", zh="文本不是 UTF-8 编码"
        ) from None
    except RecursionError:
        _too_deep()
    except msgspec.DecodeError as fault:
        raise Malformed(f"not JSON: {fault}", zh=f"不是合法的 JSON: {fault}") from None
    except ValueError:
        raise Malformed("a whole number has too many digits", zh="整数位数过多") from None
    keys = _count_keys(value)
    if keys != len(_KEY.findall(raw)):
        _refuse_doubled_keys(raw)
    if b"\\u0000" in raw:
        _refuse_nul(value)
    return value


def check_values(data: bytes) -> None:
    """Raise TooLarge when `data` holds more JSON values than one request may send: 50 MB of `{},` become gigabytes.

    Commas and brackets within texts are counted too: it is a bound, taken before anything is made of `data`.
    """
    if data.count(b",") + data.count(b"{") + data.count(b"[") > VALUE_LIMIT:
        raise TooLarge(
            f"the body holds more than {VALUE_LIMIT:,} values; send it in parts, or load it with 'kangshu load'",
            zh=f"请求体中的数据项超过{VALUE_LIMIT // 10_000}万个，请分批提交或使用“kangshu load”命令导入",
        )


def decode(data: bytes | str) -> Resource:
    """Return the resource in `data`, which `parse` has accepted before: no check for hostile input."""
    resource: Resource = _decoder.decode(data)
    return resource


def render(resource: Any, pretty: bool = False) -> bytes:
    """Return `resource` as UTF-8 JSON: without white space, or indented by two when `pretty`."""
    data = _encoder.encode(resource)
    return msgspec.json.format(data, indent=2) if pretty else data


def _count_keys(value: Any) -> int:
    """Return how many keys all objects of `value` hold; refuse depth on the way."""
    count = 0
    level = [value]
    depth = 0
    while level:
        depth += 1
        if depth > DEPTH_LIMIT:
            _too_deep()
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                count += len(node)
                for child in node.values():
                    if type(child) is dict or type(child) is list:
                        below.append(child)
            elif type(node) is list:
                for child in node:
                    if type(child) is dict or type(child) is list:
                        below.append(child)
        level = below
    return count


def check_depth(value: Any) -> None:
    """Raise Malformed when `value` is nested deeper than `parse` would let in: what a patch made of a resource."""
    _count_keys(value)


def _too_deep() -> NoReturn:
    raise Malformed(f"nested deeper than {DEPTH_LIMIT} levels", zh=f"嵌套超过 {DEPTH_LIMIT} 层") from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = set()
    for name, _ in pairs:
        if name in names:
            raise Malformed(
                f"the key {name[:60]!r} stands twice in one object",
                zh=f"键 {name[:60]!r} 在同一对象中重复出现",
            )
        names.add(name)


def _refuse_doubled_keys(raw: bytes) -> None:
    """Read again, slowly, with an eye on each object's keys: a string may merely look like a key."""
    json.loads(raw, object_pairs_hook=_unique, parse_float=str, parse_int=str)


def _refuse_nul(value: Any) -> None:
    nodes = [value]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            nodes.extend(node)
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, str) and "\x00" in node:
            raise Malformed("a string holds the character U+0000", zh="字符串含有 U+0000 字符")
