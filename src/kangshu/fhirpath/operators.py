"""The operators. Source: http://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation, Overflow, localcontext
from typing import Final, TypeGuard

from kangshu.fhirpath import quantities
from kangshu.fhirpath.compare import distinct, equal, equivalent, key, order
from kangshu.fhirpath.context import TEXT_LIMIT, Context, Run, truth
from kangshu.fhirpath.faults import BudgetSpent, FhirPathFault
from kangshu.fhirpath.quantities import Quantity
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.values import Item, Items, system, type_name

INTEGER_LIMIT: Final = 2**31
Number = int | Decimal


def single(items: Items, what: str) -> Item | None:
    """Return the one System value of a collection, None for an empty one. Raises FhirPathFault for several."""
    if not items:
        return None
    if len(items) > 1:
        raise FhirPathFault(
            f"{what} takes one value, not {len(items)}", zh=f"{what} 只接受一个值, 实有 {len(items)} 个"
        )
    return system(items[0])


def bounded(text: str) -> str:
    """Return `text`. Raises BudgetSpent where it is longer than an evaluation may make it."""
    if len(text) > TEXT_LIMIT:
        raise BudgetSpent("the expression makes too long a text", zh="表达式生成的文本过长")
    return text


def _misfit(operator: str, left: Item, right: Item) -> FhirPathFault:
    one, two = type_name(left)[1], type_name(right)[1]
    return FhirPathFault(f"{one} {operator} {two} has no meaning", zh=f"{one} {operator} {two} 没有意义")


def number_result(value: Number) -> Items:
    """Return a number as collection; empty where an Integer leaves its range."""
    if isinstance(value, int):
        return [value] if -INTEGER_LIMIT <= value < INTEGER_LIMIT else []
    if not value.is_finite():
        return []
    return [value]


def _is_number(value: object) -> TypeGuard[Number]:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _numbers(operator: str, one: Number, two: Number) -> Items:
    try:
        with localcontext() as context:
            context.prec = 38
            return number_result(_ARITHMETIC[operator](one, two))
    except (ZeroDivisionError, InvalidOperation, Overflow):
        return []


def _divide(one: Number, two: Number) -> Number:
    return Decimal(one) / Decimal(two)


def _whole(one: Number, two: Number) -> Number:
    return int(Decimal(one) // Decimal(two))


def _rest(one: Number, two: Number) -> Number:
    rest = Decimal(one) % Decimal(two)
    return int(rest) if isinstance(one, int) and isinstance(two, int) else rest


_ARITHMETIC: Final[dict[str, Callable[[Number, Number], Number]]] = {
    "+": lambda one, two: one + two,
    "-": lambda one, two: one - two,
    "*": lambda one, two: one * two,
    "/": _divide,
    "div": _whole,
    "mod": _rest,
}


def arithmetic(operator: str, left: Items, right: Items) -> Items:
    """Return `left operator right` for + - * / div mod."""
    one, two = single(left, operator), single(right, operator)
    if one is None or two is None:
        return []
    if _is_number(one) and _is_number(two):
        return _numbers(operator, one, two)
    if operator == "+" and isinstance(one, str) and isinstance(two, str):
        return [bounded(one + two)]
    if isinstance(one, Temporal) and isinstance(two, Quantity) and operator in ("+", "-"):
        return [one.plus(two, 1 if operator == "+" else -1)]
    if isinstance(one, Quantity) or isinstance(two, Quantity):
        return _quantities(operator, one, two)
    raise _misfit(operator, one, two)


def _quantities(operator: str, one: Item, two: Item) -> Items:
    left = Quantity(Decimal(one)) if _is_number(one) else one
    right = Quantity(Decimal(two)) if _is_number(two) else two
    if not isinstance(left, Quantity) or not isinstance(right, Quantity):
        raise _misfit(operator, one, two)
    if operator in ("+", "-"):
        other = right if left.unit == right.unit else quantities.in_unit(right, left.unit)
        if other is None:
            return []
        value = left.value + other.value if operator == "+" else left.value - other.value
        return [Quantity(value, left.unit, left.calendar)]
    if operator in ("*", "/"):
        if operator == "/" and right.value == 0:
            return []
        value = left.value * right.value if operator == "*" else left.value / right.value
        if left.calendar and right.unit == "1":
            return [Quantity(value, left.unit, calendar=True)]
        return [Quantity(value, quantities.multiplied_unit(left.ucum(), right.ucum(), operator == "/"))]
    raise _misfit(operator, one, two)


def concatenate(left: Items, right: Items) -> Items:
    """Return `left & right`: an empty side counts as an empty text."""
    parts = []
    for side in (left, right):
        value = single(side, "&")
        if value is not None and not isinstance(value, str):
            raise FhirPathFault("& joins texts", zh="& 只连接文本")
        parts.append(value or "")
    return [bounded("".join(parts))]


def negate(items: Items) -> Items:
    """Return `-x`."""
    value = single(items, "-")
    if value is None:
        return []
    if isinstance(value, Quantity):
        return [Quantity(-value.value, value.unit, value.calendar)]
    if _is_number(value):
        return [-value]
    raise FhirPathFault("only numbers and quantities have a sign", zh="只有数值和数量可取负")


def _boolean(answer: bool | None) -> Items:
    return [] if answer is None else [answer]


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _compared(
    test: Callable[[Items, Items], bool | None], context: Context, left: Items, right: Items
) -> bool | None:
    if len(left) > 1:
        context.spend(len(left) * (len(right) if test is equivalent else 1))
    return test(left, right)


def _contains(context: Context, left: Items, right: Items, what: str) -> Items:
    if not right:
        return []
    context.spend(len(left))
    if len(right) > 1:
        raise FhirPathFault(f"{what} looks for one value", zh=f"{what} 只查找一个值")
    wanted = key(right[0])
    return [any(key(item) == wanted for item in left)]


_ORDER: Final[dict[str, frozenset[int]]] = {
    "<": frozenset({-1}), "<=": frozenset({-1, 0}), ">": frozenset({1}), ">=": frozenset({0, 1}),
}  # fmt: skip


def compile_binary(operator: str, left: Run, right: Run) -> Run:
    """Return the closure of `left operator right`."""
    if operator in _ORDER:
        wanted = _ORDER[operator]

        def ordered(context: Context, this: Items) -> Items:
            answer = order(left(context, this), right(context, this))
            return [] if answer is None else [answer in wanted]

        return ordered
    if operator in _ARITHMETIC:
        return lambda context, this: arithmetic(operator, left(context, this), right(context, this))
    if operator in _LOGIC:
        return _LOGIC[operator](left, right)
    return _SIMPLE[operator](left, right)


def _and(left: Run, right: Run) -> Run:
    def run(context: Context, this: Items) -> Items:
        one = truth(left(context, this), "and")
        if one is False:
            return [False]
        two = truth(right(context, this), "and")
        if two is False:
            return [False]
        return [True] if one and two else []

    return run


def _or(left: Run, right: Run) -> Run:
    def run(context: Context, this: Items) -> Items:
        one = truth(left(context, this), "or")
        if one is True:
            return [True]
        two = truth(right(context, this), "or")
        if two is True:
            return [True]
        return [] if one is None or two is None else [False]

    return run


def _xor(left: Run, right: Run) -> Run:
    def run(context: Context, this: Items) -> Items:
        one, two = truth(left(context, this), "xor"), truth(right(context, this), "xor")
        return [] if one is None or two is None else [one is not two]

    return run


def _implies(left: Run, right: Run) -> Run:
    def run(context: Context, this: Items) -> Items:
        one = truth(left(context, this), "implies")
        if one is False:
            return [True]
        two = truth(right(context, this), "implies")
        if two is True:
            return [True]
        return [] if one is None or two is None else [False]

    return run


def _union(left: Run, right: Run) -> Run:
    def run(context: Context, this: Items) -> Items:
        found = left(context, this) + right(context, this)
        context.spend(len(found))
        return distinct(found) if len(found) > 1 else found

    return run


_LOGIC: Final[dict[str, Callable[[Run, Run], Run]]] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
}
_SIMPLE: Final[dict[str, Callable[[Run, Run], Run]]] = {
    "=": lambda left, right: lambda c, this: _boolean(_compared(equal, c, left(c, this), right(c, this))),
    "!=": lambda left, right: (
        lambda c, this: _boolean(_not(_compared(equal, c, left(c, this), right(c, this))))
    ),
    "~": lambda left, right: lambda c, this: [bool(_compared(equivalent, c, left(c, this), right(c, this)))],
    "!~": lambda left, right: lambda c, this: [not _compared(equivalent, c, left(c, this), right(c, this))],
    "|": _union,
    "&": lambda left, right: lambda c, this: concatenate(left(c, this), right(c, this)),
    "in": lambda left, right: lambda c, this: _contains(c, right(c, this), left(c, this), "in"),
    "contains": lambda left, right: lambda c, this: _contains(c, left(c, this), right(c, this), "contains"),
}
