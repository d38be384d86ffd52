"""Conversions between System types. Source: http://hl7.org/fhirpath/N1/#conversion"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from kangshu.fhirpath import quantities
from kangshu.fhirpath.context import Context
from kangshu.fhirpath.operators import INTEGER_LIMIT, single
from kangshu.fhirpath.quantities import CALENDAR_WORDS, Quantity
from kangshu.fhirpath.registry import plain
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.values import Item, Items, Node, read_quantity

_TRUE: Final = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER: Final = re.compile(r"[+-]?\d{1,12}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d{1,60}(\.\d{1,60})?", re.ASCII)


def to_boolean(value: Item) -> Item | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, Decimal)):
        return True if value == 1 else (False if value == 0 else None)
    if isinstance(value, str):
        return True if value.lower() in _TRUE else (False if value.lower() in _FALSE else None)
    return None


def to_integer(value: Item) -> Item | None:
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        number = int(value)
        return number if -INTEGER_LIMIT <= number < INTEGER_LIMIT else None
    return None


def to_decimal(value: Item) -> Item | None:
    if isinstance(value, (bool, int)):
        return Decimal(int(value))
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    return None


def to_string(value: Item) -> Item | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Node):
        return None
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def to_date(value: Item) -> Item | None:
    if isinstance(value, Temporal):
        return value.date() if value.kind != "time" else None
    return _read(value, "date") or _date_of(value)


def _date_of(value: Item) -> Item | None:
    moment = Temporal.read(value, "dateTime") if isinstance(value, str) else None
    return moment.date() if moment else None


def to_date_time(value: Item) -> Item | None:
    if isinstance(value, Temporal):
        return Temporal("dateTime", value.parts, value.zone) if value.kind != "time" else None
    return _read(value, "dateTime")


def to_time(value: Item) -> Item | None:
    if isinstance(value, Temporal):
        return value if value.kind == "time" else None
    return Temporal.read(value, "time") if isinstance(value, str) else None


def _read(value: Item, kind: str) -> Item | None:
    if not isinstance(value, str):
        return None
    return Temporal.read(value, "date" if kind == "date" else "dateTime")


def to_quantity(value: Item) -> Item | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, (bool, int, Decimal)):
        return Quantity(Decimal(value) if not isinstance(value, bool) else Decimal("1.0" if value else "0.0"))
    return read_quantity(value) if isinstance(value, str) else None


_CONVERSIONS: Final[dict[str, Callable[[Item], Item | None]]] = {
    "Boolean": to_boolean, "Integer": to_integer, "Decimal": to_decimal, "String": to_string,
    "Date": to_date, "DateTime": to_date_time, "Time": to_time,
}  # fmt: skip


def _register(name: str, convert: Callable[[Item], Item | None]) -> None:
    @plain(f"to{name}")
    def to(context: Context, items: Items) -> Items:
        value = single(items, f"to{name}")
        made = None if value is None else convert(value)
        return [] if made is None else [made]

    @plain(f"convertsTo{name}")
    def converts(context: Context, items: Items) -> Items:
        value = single(items, f"convertsTo{name}")
        return [] if value is None else [convert(value) is not None]


for _name, _convert in _CONVERSIONS.items():
    _register(_name, _convert)


def _in_unit(items: Items, unit: Items | None, what: str) -> Item | None:
    value = single(items, what)
    made = None if value is None else to_quantity(value)
    wanted = single(unit, what) if unit else None
    if not isinstance(made, Quantity) or not isinstance(wanted, str):
        return made
    if wanted in CALENDAR_WORDS:
        return made if made.unit == CALENDAR_WORDS[wanted] else None
    return quantities.in_unit(made, wanted)


@plain("toQuantity", 0, 1)
def to_quantity_in(context: Context, items: Items, unit: Items | None = None) -> Items:
    made = _in_unit(items, unit, "toQuantity")
    return [] if made is None else [made]


@plain("convertsToQuantity", 0, 1)
def converts_to_quantity(context: Context, items: Items, unit: Items | None = None) -> Items:
    if not items:
        return []
    return [_in_unit(items, unit, "convertsToQuantity") is not None]
