"""Functions over numbers, and the bounds of what a value may mean. Source: http://hl7.org/fhirpath/N1/#math"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Decimal,
    InvalidOperation,
    Overflow,
    localcontext,
)

from kangshu.fhirpath import quantities
from kangshu.fhirpath.collections import whole_number
from kangshu.fhirpath.context import Context
from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.operators import number_result, single
from kangshu.fhirpath.quantities import Quantity
from kangshu.fhirpath.registry import plain
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.values import Items


def _number(items: Items, what: str) -> int | Decimal | None:
    value = single(items, what)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise FhirPathFault(f"{what} takes a number", zh=f"{what} 需要数值")
    return value


def _computed(make: Callable[[], Decimal]) -> Items:
    """Return what `make` computes with 28 digits; empty where it has no value or leaves all bounds."""
    try:
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = 28, 400, -400
            return number_result(+make())
    except (InvalidOperation, Overflow, ZeroDivisionError):
        return []


def _whole(number: int | Decimal | None, rounding: str) -> Items:
    """Return a number rounded to an Integer; empty where it has none."""
    if number is None or not -(2**40) < number < 2**40:
        return []
    return number_result(int(Decimal(number).to_integral_value(rounding)))


@plain("abs")
def abs_(context: Context, items: Items) -> Items:
    value = single(items, "abs")
    if isinstance(value, Quantity):
        return [Quantity(abs(value.value), value.unit, value.calendar)]
    number = _number(items, "abs")
    return (
        []
        if number is None
        else number_result(number.copy_abs() if isinstance(number, Decimal) else abs(number))
    )


@plain("ceiling")
def ceiling(context: Context, items: Items) -> Items:
    number = _number(items, "ceiling")
    return _whole(number, ROUND_CEILING)


@plain("floor")
def floor(context: Context, items: Items) -> Items:
    number = _number(items, "floor")
    return _whole(number, ROUND_FLOOR)


@plain("truncate")
def truncate(context: Context, items: Items) -> Items:
    number = _number(items, "truncate")
    return _whole(number, ROUND_DOWN)


@plain("exp")
def exp(context: Context, items: Items) -> Items:
    number = _number(items, "exp")
    return [] if number is None else _computed(lambda: Decimal(number).exp())


@plain("ln")
def ln(context: Context, items: Items) -> Items:
    number = _number(items, "ln")
    return [] if number is None or number <= 0 else _computed(lambda: Decimal(number).ln())


@plain("log", 1)
def log(context: Context, items: Items, base: Items) -> Items:
    number, foot = _number(items, "log"), _number(base, "log")
    if number is None or foot is None or number <= 0 or foot <= 0:
        return []
    with localcontext() as wide:
        wide.prec = 34
        bottom = Decimal(foot).ln()
        quotient = Decimal(number).ln() / bottom if bottom else None
    return [] if quotient is None else _computed(lambda: quotient)


@plain("power", 1)
def power(context: Context, items: Items, exponent: Items) -> Items:
    number, times = _number(items, "power"), _number(exponent, "power")
    if number is None or times is None:
        return []
    found = _computed(lambda: Decimal(number) ** Decimal(times))
    if (
        found
        and isinstance(found[0], Decimal)
        and isinstance(number, int)
        and isinstance(times, int)
        and times >= 0
    ):
        return number_result(int(found[0]))
    return found


@plain("sqrt")
def sqrt(context: Context, items: Items) -> Items:
    number = _number(items, "sqrt")
    return [] if number is None or number < 0 else _computed(lambda: Decimal(number).sqrt())


@plain("round", 0, 1)
def round_(context: Context, items: Items, precision: Items | None = None) -> Items:
    number = _number(items, "round")
    digits = 0 if precision is None else whole_number(precision, "round")
    if number is None or digits is None:
        return []
    if digits < 0 or digits > 28:
        raise FhirPathFault("round() takes 0 to 28 digits", zh="round() 的位数须为 0 到 28")
    with localcontext() as wide:
        wide.prec = 420
        rounded = Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return [int(rounded)] if isinstance(number, int) else [rounded]


@plain("precision")
def precision_(context: Context, items: Items) -> Items:
    value = single(items, "precision")
    if isinstance(value, Temporal):
        return [value.digits]
    if isinstance(value, Decimal):
        return [_places(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return [0]
    return []


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@plain("comparable", 1)
def comparable(context: Context, items: Items, other: Items) -> Items:
    one, two = single(items, "comparable"), single(other, "comparable")
    if isinstance(one, Quantity) and isinstance(two, Quantity):
        return [quantities.comparable(one, two)]
    return []


@plain("lowBoundary", 0, 1)
def low_boundary(context: Context, items: Items, precision: Items | None = None) -> Items:
    return _boundary(items, precision, low=True)


@plain("highBoundary", 0, 1)
def high_boundary(context: Context, items: Items, precision: Items | None = None) -> Items:
    return _boundary(items, precision, low=False)


def _boundary(items: Items, precision: Items | None, *, low: bool) -> Items:
    value = single(items, "lowBoundary" if low else "highBoundary")
    digits = whole_number(precision, "a boundary") if precision else None
    if value is None or (precision is not None and digits is None):
        return []
    if isinstance(value, Temporal):
        return _temporal_boundary(value, digits, low=low)
    if isinstance(value, Quantity):
        bound = _decimal_boundary(value.value, digits, low=low)
        return [] if bound is None else [Quantity(bound, value.unit, value.calendar)]
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        bound = _decimal_boundary(Decimal(value), digits, low=low)
        return [] if bound is None else [bound]
    return []


def _decimal_boundary(value: Decimal, digits: int | None, *, low: bool) -> Decimal | None:
    places = 8 if digits is None else digits
    if not 0 <= places <= 31:
        return None
    with localcontext() as wide:
        wide.prec = 80
        half = Decimal(5).scaleb(-_places(value) - 1)
        edge = value - half if low else value + half
        try:
            return edge.quantize(Decimal(1).scaleb(-places), ROUND_FLOOR if low else ROUND_CEILING)
        except InvalidOperation:
            return None


def _temporal_boundary(value: Temporal, digits: int | None, *, low: bool) -> Items:
    if value.kind == "time":
        wanted = {2: 1, 4: 2, 6: 3, 9: 3}.get(9 if digits is None else digits)
        parts = _filled_clock(value.parts, low=low)
        if wanted is None:
            return []
        return [Temporal("time", _cut_second(parts[:wanted], digits))]
    default = 8 if value.kind == "date" else 17
    wanted = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6}.get(default if digits is None else digits)
    if wanted is None:
        return []
    parts = _filled_date(value, low=low)
    if wanted <= 3:
        kind = "date" if value.kind == "date" or (digits or default) <= 8 else value.kind
        return [Temporal(kind, parts[:wanted])]
    zone = value.zone if value.zone is not None else (14 * 60 if low else -12 * 60)
    return [Temporal("dateTime", _cut_second(parts[:wanted], digits), zone)]


def _filled_date(value: Temporal, *, low: bool) -> tuple[int | Decimal, ...]:
    known = list(value.parts)
    if len(known) < 2:
        known.append(1 if low else 12)
    if len(known) < 3:
        known.append(1 if low else monthrange(int(known[0]), int(known[1]))[1])
    return (*known[:3], *_filled_clock(tuple(known[3:]), low=low))


def _filled_clock(parts: tuple[int | Decimal, ...], *, low: bool) -> tuple[int | Decimal, ...]:
    full = (0, 0) if low else (23, 59)
    filled: list[int | Decimal] = [*parts[:2], *full[len(parts[:2]) :]]
    if len(parts) > 2:
        second = Decimal(parts[2])
        if _places(second) < 3:
            edge = 0 if low else 10 ** (3 - _places(second)) - 1
            second = second.quantize(Decimal("0.001")) + Decimal(edge).scaleb(-3)
    else:
        second = Decimal("0.000") if low else Decimal("59.999")
    return (*filled, second)


def _cut_second(parts: tuple[int | Decimal, ...], digits: int | None) -> tuple[int | Decimal, ...]:
    if digits in (6, 14) and parts and isinstance(parts[-1], Decimal):
        return (*parts[:-1], Decimal(int(parts[-1])))
    return parts
