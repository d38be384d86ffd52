"""From a FHIR value to index entries, by parameter kind and FHIR type.

Each factory takes the parameter's name and returns the function that adds the entries of one value.
Values that do not parse give no entry: the validator speaks of them, the index does not.
Source: https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias

from kangshu.base.faults import Malformed
from kangshu.fhir import date_range, split_reference
from kangshu.search.entries import HIGHEST, LOWEST, Entries
from kangshu.search.folding import LONGEST_TEXT, fold, shorten
from kangshu.search.model import Kind
from kangshu.search.sounds import PHONETIC, name_sounds, person_sounds

Emit: TypeAlias = Callable[[Any, int, Entries], None]
Factory: TypeAlias = Callable[[str], Emit]

FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)

_range_of = lru_cache(maxsize=65536)(date_range)


def emitter(kind: Kind, type: str, parameter: str, target: str = "") -> Emit | None:
    """Return what adds the entries of a value of `type` to a parameter of `kind`; None where it has none.

    `target` keeps only references to that resource type.
    """
    if kind == "reference" and type == "Reference":
        return _reference(parameter, target)
    if parameter == PHONETIC:
        return _sounding_person(parameter) if type == "HumanName" else _sounding(parameter)
    factory = _FACTORIES.get((kind, type)) or _FACTORIES.get((kind, _LIKE.get(type, "")))
    return factory(parameter) if factory else None


def _add_text(parameter: str, part: int, text: Any, out: Entries) -> None:
    if type(text) is str and text:
        kept = text[:LONGEST_TEXT]
        out.string.append((parameter, part, fold(kept), kept))


def _plain_token(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is str:
            out.token.append((parameter, part, "", shorten(value)))
        elif type(value) is bool:
            out.token.append((parameter, part, "", "true" if value else "false"))
        elif type(value) is int:
            out.token.append((parameter, part, "", str(value)))

    return emit


def _coding(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is dict:
            system, code = value.get("system"), value.get("code")
            if system or code:
                out.token.append((parameter, part, system or "", shorten(code or "")))
            if value.get("display"):
                _add_text(parameter, part, value["display"], out)

    return emit


def _concept(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is not dict:
            return
        text = value.get("text")
        for coding in value.get("coding", ()):
            if type(coding) is not dict:
                continue
            system, code = coding.get("system"), coding.get("code")
            if system or code:
                out.token.append((parameter, part, system or "", shorten(code or "")))
            display = coding.get("display")
            if display and display != text:
                _add_text(parameter, part, display, out)
        if text:
            _add_text(parameter, part, text, out)

    return emit


def _identifier(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is dict:
            if value.get("value") or value.get("system"):
                row = (parameter, part, value.get("system") or "", shorten(value.get("value") or ""))
                out.token.append(row)
            kind = value.get("type")
            if type(kind) is dict and kind.get("text"):
                _add_text(parameter, part, kind["text"], out)

    return emit


def _contact(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is dict and type(value.get("value")) is str:
            out.token.append((parameter, part, value.get("use") or "", shorten(value["value"])))

    return emit


def _text(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        _add_text(parameter, part, value, out)

    return emit


def _parts_of(parameter: str, single: tuple[str, ...], several: tuple[str, ...]) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is not dict:
            return
        for name in single:
            _add_text(parameter, part, value.get(name), out)
        for name in several:
            for text in value.get(name) or ():
                _add_text(parameter, part, text, out)

    return emit


def _name(parameter: str) -> Emit:
    parts = _parts_of(parameter, ("text", "family"), ("given", "prefix", "suffix"))

    def emit(value: Any, part: int, out: Entries) -> None:
        parts(value, part, out)
        # a Chinese name is searched as it is spoken, family name first and without a blank
        if type(value) is dict and not value.get("text") and type(value.get("family")) is str:
            given = "".join(text for text in value.get("given") or () if type(text) is str)
            if given and not given.isascii():
                _add_text(parameter, part, value["family"] + given, out)

    return emit


def _sounding(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is str:
            out.string.extend((parameter, part, sound, sound) for sound in name_sounds(value))

    return emit


def _sounding_person(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is not dict:
            return
        parts = (value.get("family"), *(value.get("given") or ()))
        name = value.get("text") or " ".join(text for text in parts if type(text) is str)
        if type(name) is str:
            out.string.extend((parameter, part, sound, sound) for sound in person_sounds(name))

    return emit


def _address(parameter: str) -> Emit:
    return _parts_of(parameter, ("text", "city", "district", "state", "postalCode", "country"), ("line",))


def _date(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is str:
            try:
                low, high = _range_of(value)
            except Malformed:
                return
            out.date.append((parameter, part, low, high))

    return emit


def _period(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is not dict:
            return
        start, end = value.get("start"), value.get("end")
        if not start and not end:
            return
        try:
            low = _range_of(start)[0] if start else FIRST
            high = _range_of(end)[1] if end else LAST
        except (Malformed, TypeError):
            return
        out.date.append((parameter, part, low, max(low, high)))

    return emit


def _timing(parameter: str) -> Emit:
    period = _period(parameter)

    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is not dict:
            return
        events = [event for event in value.get("event") or () if type(event) is str]
        if events:
            try:
                ranges = [_range_of(event) for event in events]
            except Malformed:
                return
            out.date.append((parameter, part, min(r[0] for r in ranges), max(r[1] for r in ranges)))
        repeat = value.get("repeat")
        if type(repeat) is dict:
            period(repeat.get("boundsPeriod"), part, out)

    return emit


def _as_decimal(value: Any) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    if type(value) is int:
        return Decimal(value)
    return Decimal(repr(value)) if type(value) is float else None


def _number(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        number = _as_decimal(value)
        if number is not None:
            out.number.append((parameter, part, number, number))

    return emit


def _quantity(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is not dict:
            return
        number = _as_decimal(value.get("value"))
        if number is None:
            return
        comparator = value.get("comparator")
        low = LOWEST if comparator in ("<", "<=") else number
        high = HIGHEST if comparator in (">", ">=") else number
        system, code = value.get("system") or "", value.get("code") or ""
        out.quantity.append(
            (parameter, part, system, shorten(code), shorten(value.get("unit") or ""), low, high)
        )

    return emit


def _money(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        number = _as_decimal(value.get("value")) if type(value) is dict else None
        if number is not None:
            code = value.get("currency") or ""
            out.quantity.append((parameter, part, "urn:iso:std:iso:4217", code, code, number, number))

    return emit


def _range(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is not dict:
            return
        low, high = value.get("low") or {}, value.get("high") or {}
        least, most = _as_decimal(low.get("value")), _as_decimal(high.get("value"))
        if least is None and most is None:
            return
        unit = low if least is not None else high
        out.quantity.append(
            (
                parameter, part, unit.get("system") or "", unit.get("code") or "", unit.get("unit") or "",
                LOWEST if least is None else least, HIGHEST if most is None else most,
            )
        )  # fmt: skip

    return emit


def _reference(parameter: str, target: str = "") -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is not dict:
            return
        text = value.get("reference")
        if type(text) is str and text and not text.startswith("#"):
            kind, _, rest = text.partition("/")
            if rest.isalnum() and len(rest) <= 64 and kind.isalpha() and text.isascii():
                found = (kind, rest)
            else:
                split = split_reference(text)
                found = ("", shorten(text)) if split is None or split.base else (split.type, split.id)
            if not target or found[0] == target:
                out.reference.append((parameter, part, *found))
        identifier = value.get("identifier")
        if type(identifier) is dict and identifier.get("value"):
            row = (parameter, part, identifier.get("system") or "", shorten(identifier["value"]))
            out.token.append(row)

    return emit


def _canonical(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is str and value:
            url = value.partition("#")[0]
            out.reference.append((parameter, part, "", shorten(url)))
            bare = url.partition("|")[0]
            if bare != url:
                out.reference.append((parameter, part, "", shorten(bare)))

    return emit


def _uri(parameter: str) -> Emit:
    def emit(value: Any, part: int, out: Entries) -> None:
        if type(value) is str and value:
            out.uri.append((parameter, part, shorten(value)))

    return emit


_FACTORIES: Final[Mapping[tuple[str, str], Factory]] = {
    ("token", "string"): _plain_token,
    ("token", "Coding"): _coding,
    ("token", "CodeableConcept"): _concept,
    ("token", "Identifier"): _identifier,
    ("token", "ContactPoint"): _contact,
    ("string", "string"): _text,
    ("string", "HumanName"): _name,
    ("string", "Address"): _address,
    ("date", "dateTime"): _date,
    ("date", "Period"): _period,
    ("date", "Timing"): _timing,
    ("number", "decimal"): _number,
    ("quantity", "Quantity"): _quantity,
    ("quantity", "Money"): _money,
    ("quantity", "Range"): _range,
    ("reference", "canonical"): _canonical,
    ("uri", "uri"): _uri,
}
_LIKE: Final[Mapping[str, str]] = {
    "code": "string", "boolean": "string", "id": "string", "markdown": "string", "integer": "decimal",
    "positiveInt": "decimal", "unsignedInt": "decimal", "date": "dateTime", "instant": "dateTime",
    "Age": "Quantity", "Duration": "Quantity", "SimpleQuantity": "Quantity", "Count": "Quantity",
    "Distance": "Quantity", "url": "uri", "canonical": "uri", "oid": "uri", "uuid": "uri",
}  # fmt: skip
"""Types that are read as another one. `uri` as a reference and `uri` or `url` as a token follow below."""


def _with_uris() -> None:
    table: dict[tuple[str, str], Factory] = _FACTORIES  # type: ignore[assignment]
    for kind in ("uri", "url", "oid", "uuid"):
        table["token", kind] = _plain_token
        table["reference", kind] = _canonical
        table["string", kind] = _text


_with_uris()
