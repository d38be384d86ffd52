"""FHIRPath lowBoundary() and highBoundary() as SQL expressions over a text lexeme."""

from __future__ import annotations

from typing import Final

from kangshu.measures.dialect import Dialect

BOUNDED: Final = frozenset({"decimal", "integer", "date", "dateTime", "instant", "time"})
_LOW_TIME: Final = "00:00:00.000"
_HIGH_TIME: Final = "23:59:59.999"


def boundary(say: Dialect, text: str, kind: str, *, low: bool) -> str:
    """Return the least or greatest value that `text` (an expression of text) may stand for, as text.

    `kind` is one of BOUNDED, a FHIR primitive type.
    """
    if kind in {"decimal", "integer"}:
        sign = "-" if low else "+"
        places = f"length(split_part({text}, '.', 2))"
        value = f"round({say.cast(text, 'number')} {sign} 0.5 * power(10, -{places}), 8)"
        return say.cast(value, "text")
    if kind in {"dateTime", "instant"}:
        return _moment(say, text, low=low)
    if kind == "date":
        return _day(say, text, low=low)
    return _clock(text, low=low)


def _day(say: Dialect, text: str, *, low: bool) -> str:
    last = say.cast(f"last_day(CAST({text} || '-01' AS DATE))", "text")
    year = "-01-01" if low else "-12-31"
    month = f"{text} || '-01'" if low else last
    return f"CASE length({text}) WHEN 4 THEN {text} || '{year}' WHEN 7 THEN {month} ELSE left({text}, 10) END"


def _clock(text: str, *, low: bool) -> str:
    whole = _LOW_TIME if low else _HIGH_TIME
    # a lexeme of n characters keeps them; the rest is the boundary's, except that :mm:ss gets its milliseconds
    return f"left({text} || substr('{whole}', length({text}) + 1), 12)"


def _moment(say: Dialect, text: str, *, low: bool) -> str:
    zone = "+14:00" if low else "-12:00"
    stated = f"regexp_extract({text}, '(Z|[+-][0-9][0-9]:[0-9][0-9])$', 1)"
    clock = f"regexp_extract({text}, 'T([0-9:.]*)', 1)"
    day = _day(say, f"split_part({text}, 'T', 1)", low=low)
    return (
        f"({day} || 'T' || {_clock(clock, low=low)} || CASE {stated} WHEN '' THEN '{zone}' ELSE {stated} END)"
    )
