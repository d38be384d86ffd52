"""Equality, equivalence and order of items and collections. Source: http://hl7.org/fhirpath/N1/#equality"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from kangshu.fhirpath import quantities, temporal
from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.quantities import Quantity
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.values import Item, Items, Node, system, type_name


def equal(left: Items, right: Items) -> bool | None:
    """Return whether two collections are equal; None (unknown) where either is empty or precision leaves it open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    answer: bool | None = True
    for one, two in zip(left, right, strict=True):
        same = items_equal(one, two)
        if same is False:
            return False
        if same is None:
            answer = None
    return answer


def items_equal(left: Item, right: Item) -> bool | None:
    """Return whether two items are equal; None where unknown."""
    one, two = system(left), system(right)
    if isinstance(one, Node) or isinstance(two, Node):
        if isinstance(one, Node) and isinstance(two, Node):
            return json_equal(one.value, two.value)
        return False
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, Temporal) and isinstance(two, Temporal):
        if (one.kind == "time") != (two.kind == "time"):
            return False
        order = temporal.compare(one, two)
        return None if order is None else order == 0
    if isinstance(one, Quantity) or isinstance(two, Quantity):
        pair = _as_quantities(one, two)
        if pair is None:
            return False
        order = quantities.compare(*pair)
        return order == 0 if order is not None else (None if pair[0].unit != pair[1].unit else False)
    if isinstance(one, str) != isinstance(two, str) or isinstance(one, Temporal) or isinstance(two, Temporal):
        return False
    return one == two


def json_equal(left: Any, right: Any) -> bool:
    """Return whether two JSON values are equal; numbers by value, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(json_equal(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return bool(left == right)


def _as_quantities(one: Item, two: Item) -> tuple[Quantity, Quantity] | None:
    pair = [Quantity(Decimal(v)) if isinstance(v, (int, Decimal)) else v for v in (one, two)]
    if isinstance(pair[0], Quantity) and isinstance(pair[1], Quantity):
        return pair[0], pair[1]
    return None


def order(left: Items, right: Items) -> int | None:
    """Return -1, 0 or 1 for two collections of one item; None where empty or unknown.

    Raises:
        FhirPathFault: more than one item, or things that have no order between them.
    """
    if not left or not right:
        return None
    if len(left) > 1 or len(right) > 1:
        raise FhirPathFault("only single values can be compared", zh="只能比较单个值")
    return items_order(system(left[0]), system(right[0]))


def items_order(one: Item, two: Item) -> int | None:
    """Return -1, 0 or 1 for two System values; None where unknown. Raises FhirPathFault for different kinds."""
    if isinstance(one, Temporal) and isinstance(two, Temporal):
        return temporal.compare(one, two)
    if isinstance(one, Quantity) or isinstance(two, Quantity):
        pair = _as_quantities(one, two)
        if pair is not None:
            return quantities.compare(*pair)
    elif isinstance(one, str) and isinstance(two, str):
        return (one > two) - (one < two)
    elif _is_number(one) and _is_number(two):
        return (one > two) - (one < two)  # type: ignore[operator]
    if isinstance(one, (str, Temporal)) and isinstance(two, (str, Temporal)):
        return _text_against_time(one, two)
    raise FhirPathFault(
        f"{type_name(one)[1]} and {type_name(two)[1]} cannot be compared",
        zh=f"{type_name(one)[1]} 与 {type_name(two)[1]} 不能比较",
    )


def _text_against_time(one: str | Temporal, two: str | Temporal) -> int | None:
    """A date lexeme against a date: R4's own search expressions and invariants do this."""
    kind = one.kind if isinstance(one, Temporal) else two.kind  # type: ignore[union-attr]
    pair = [v if isinstance(v, Temporal) else Temporal.read(v, kind) for v in (one, two)]
    if pair[0] is None or pair[1] is None:
        raise FhirPathFault("a text and a date cannot be compared", zh="文本与日期不能比较")
    return temporal.compare(pair[0], pair[1])


def _is_number(value: Item) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def equivalent(left: Items, right: Items) -> bool:
    """Return whether two collections are equivalent: order, case, white space and precision do not count."""
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return items_equivalent(left[0], right[0])
    rest = list(right)
    for one in left:
        for at, two in enumerate(rest):
            if items_equivalent(one, two):
                del rest[at]
                break
        else:
            return False
    return True


def items_equivalent(left: Item, right: Item) -> bool:
    """Return whether two items are equivalent."""
    one, two = system(left), system(right)
    if isinstance(one, str) and isinstance(two, str):
        return _loose(one) == _loose(two)
    if isinstance(one, Temporal) and isinstance(two, Temporal):
        if one.kind == "time" and two.kind != "time":
            return False
        return len(one.parts) == len(two.parts) and one.comparable_parts() == two.comparable_parts()
    if isinstance(one, Node) and isinstance(two, Node):
        return _json_equivalent(one.value, two.value)
    if _is_number(one) and _is_number(two):
        return _numbers_equivalent(Decimal(one), Decimal(two))  # type: ignore[arg-type]
    if isinstance(one, Quantity) and isinstance(two, Quantity):
        return _quantities_equivalent(one, two)
    return items_equal(one, two) is True


def _quantities_equivalent(one: Quantity, two: Quantity) -> bool:
    if one.unit == two.unit:
        return _numbers_equivalent(one.value, two.value)
    other = Quantity(two.value, two.ucum()) if two.calendar else two
    mine = Quantity(one.value, one.ucum()) if one.calendar else one
    converted = quantities.in_unit(other, mine.unit)
    return converted is not None and _numbers_equivalent(mine.value, converted.value)


def _numbers_equivalent(one: Decimal, two: Decimal) -> bool:
    digits = min(_fraction_digits(one), _fraction_digits(two))
    step = Decimal(1).scaleb(-digits)
    if max(abs(one), abs(two)) >= Decimal(10) ** 20:
        return one == two
    return one.quantize(step, ROUND_HALF_UP) == two.quantize(step, ROUND_HALF_UP)


def _fraction_digits(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _loose(text: str) -> str:
    return " ".join(text.casefold().split())


def _json_equivalent(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        names = (left.keys() | right.keys()) - {"id"}
        return all(
            name in left and name in right and _json_equivalent(left[name], right[name]) for name in names
        )
    if isinstance(left, list) and isinstance(right, list):
        rest = list(right)
        for one in left:
            found = next((at for at, two in enumerate(rest) if _json_equivalent(one, two)), None)
            if found is None:
                return False
            del rest[found]
        return not rest
    if isinstance(left, str) and isinstance(right, str):
        return _loose(left) == _loose(right)
    return json_equal(left, right)


def key(item: Item) -> Hashable:
    """Return a key that is equal for two items just when `=` holds between them."""
    value = system(item)
    if isinstance(value, Node):
        return ("node", _json_key(value.value))
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, (int, Decimal)):
        return ("number", value)
    if isinstance(value, Temporal):
        return ("time" if value.kind == "time" else "date", value.comparable_parts(), value.zone is None)
    if isinstance(value, Quantity):
        unit = (
            None
            if value.calendar and value.unit in ("year", "month")
            else quantities.canonical_unit(value.ucum())
        )
        if unit is None:
            return ("quantity", value.value, value.unit)
        return ("quantity", quantities.scaled(value), unit[1])
    return value


def _json_key(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((name, _json_key(value[name])) for name in sorted(value))
    if isinstance(value, list):
        return tuple(_json_key(child) for child in value)
    return (
        type(value).__name__ if isinstance(value, (bool, str)) else "n",
        str(value) if value is None else value,
    )


def distinct(items: Items) -> Items:
    """Return the items without those equal to an earlier one."""
    seen: set[Hashable] = set()
    kept: Items = []
    for item in items:
        mark = key(item)
        if mark not in seen:
            seen.add(mark)
            kept.append(item)
    return kept
