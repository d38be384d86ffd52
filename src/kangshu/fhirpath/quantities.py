"""Quantities: calendar durations and the part of UCUM that clinical data uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Final

CALENDAR_WORDS: Final = {
    word + plural: word
    for word in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
}
"""Calendar duration words, singular and plural, to the singular."""

DEFINITE: Final = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}
"""UCUM units that are exactly a calendar duration; `a` and `mo` are not."""
_CALENDAR_TO_UCUM: Final = {
    "year": "a", "month": "mo", **{word: code for code, word in DEFINITE.items()},
}  # fmt: skip

_PREFIXES: Final = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
_METRIC: Final = {
    "m": ("1", "m"), "g": ("1", "g"), "s": ("1", "s"), "K": ("1", "K"), "C": ("1", "C"), "cd": ("1", "cd"),
    "rad": ("1", "rad"), "mol": ("1", "mol"), "sr": ("1", "rad2"), "Hz": ("1", "s-1"), "N": ("1000", "g.m/s2"),
    "Pa": ("1000", "g/m/s2"), "J": ("1000", "g.m2/s2"), "W": ("1000", "g.m2/s3"), "A": ("1", "C/s"),
    "V": ("1000", "g.m2/s2/C"), "Ohm": ("1000", "g.m2/s/C2"), "F": ("0.001", "C2.s2/g/m2"), "S": ("0.001", "C2.s/g/m2"),
    "Wb": ("1000", "g.m2/s/C"), "T": ("1000", "g/s/C"), "H": ("1000", "g.m2/C2"), "lm": ("1", "cd.rad2"),
    "lx": ("1", "cd.rad2/m2"), "Bq": ("1", "s-1"), "Gy": ("1", "m2/s2"), "Sv": ("1", "m2/s2"), "kat": ("1", "mol/s"),
    "l": ("0.001", "m3"), "L": ("0.001", "m3"), "ar": ("100", "m2"), "t": ("1000000", "g"), "bar": ("100000000", "g/m/s2"),
    "u": ("1.6605402e-24", "g"), "eV": ("1.60217733e-16", "g.m2/s2"), "U": ("1/60000000", "mol/s"), "eq": ("1", "mol"),
    "osm": ("1", "mol"), "cal": ("4184", "g.m2/s2"), "dyn": ("0.01", "g.m/s2"), "erg": ("0.0001", "g.m2/s2"),
    "P": ("100", "g/m/s"), "m[Hg]": ("133322000", "g/m/s2"), "m[H2O]": ("9806650", "g/m/s2"),
    "[iU]": ("1", "[iU]"), "[IU]": ("1", "[iU]"), "Cel": ("1", "Cel"), "Ci": ("37000000000", "s-1"), "bit_s": ("1", "bit"),
}  # fmt: skip
_PLAIN: Final = {
    "%": ("0.01", ""), "[ppth]": ("0.001", ""), "[ppm]": ("0.000001", ""), "[ppb]": ("0.000000001", ""),
    "[pi]": ("3.1415926535897932384626433832795", ""), "10*": ("10", ""), "10^": ("10", ""),
    "min": ("60", "s"), "h": ("3600", "s"), "d": ("86400", "s"), "wk": ("604800", "s"), "a": ("31557600", "s"),
    "mo": ("2629800", "s"), "mo_j": ("2629800", "s"), "mo_g": ("2629746", "s"), "a_j": ("31557600", "s"),
    "a_g": ("31556952", "s"), "deg": ("0.017453292519943295769236907684886", "rad"),
    "[in_i]": ("0.0254", "m"), "[ft_i]": ("0.3048", "m"), "[yd_i]": ("0.9144", "m"), "[mi_i]": ("1609.344", "m"),
    "[lb_av]": ("453.59237", "g"), "[oz_av]": ("28.349523125", "g"), "[gr]": ("0.06479891", "g"),
    "[stone_av]": ("6350.29318", "g"), "[degF]": ("1", "[degF]"), "[foz_us]": ("0.0000295735295625", "m3"),
    "[cup_us]": ("0.0002365882365", "m3"), "[tsp_us]": ("0.00000492892159375", "m3"),
    "[tbs_us]": ("0.00001478676478125", "m3"), "[gal_us]": ("0.003785411784", "m3"), "[pH]": ("1", "[pH]"),
    "[psi]": ("6894757.293168", "g/m/s2"), "[in_i'Hg]": ("3386378.8", "g/m/s2"), "atm": ("101325000", "g/m/s2"),
    "[kn_i]": ("0.51444444444444444444444444444444", "m/s"), "[drp]": ("0.00000005", "m3"), "[HPF]": ("1", ""),
    "[LPF]": ("100", ""), "[diop]": ("1", "m-1"),
}  # fmt: skip

_COMPONENT: Final = re.compile(
    r"""(\{[^{}]*\})|((?:10[*^])|(?:\[[^\]]*\]|[A-Za-z_%'"])+)?([+-]?\d{1,3})?(\{[^{}]*\})?"""
)

Dimensions = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A System.Quantity. `unit` is UCUM, or a calendar word (singular) when `calendar`."""

    value: Decimal
    unit: str = "1"
    calendar: bool = False

    def __str__(self) -> str:
        if self.calendar:
            return f"{self.value} {self.unit}{'' if abs(self.value) == 1 else 's'}"
        return f"{self.value} '{self.unit}'"

    def ucum(self) -> str:
        """Return the UCUM code that comes nearest."""
        return _CALENDAR_TO_UCUM[self.unit] if self.calendar else self.unit


@lru_cache(maxsize=2048)
def canonical_unit(unit: str) -> tuple[Fraction, Dimensions] | None:
    """Return factor and dimensions of a UCUM unit in base units; None for one that is not understood."""
    if not unit or len(unit) > 100:
        return None
    try:
        factor, dimensions, rest = _term(unit, 0)
    except (ValueError, KeyError, RecursionError, ZeroDivisionError):
        return None
    if rest != len(unit):
        return None
    return factor, tuple(sorted((k, v) for k, v in dimensions.items() if v))


def _term(unit: str, at: int) -> tuple[Fraction, dict[str, int], int]:
    factor, dimensions, sign = Fraction(1), dict[str, int](), 1
    if unit.startswith("/", at):
        sign, at = -1, at + 1
    while at < len(unit) and unit[at] != ")":
        part_factor, part_dimensions, at = _component(unit, at)
        factor *= part_factor**sign
        for name, power in part_dimensions.items():
            dimensions[name] = dimensions.get(name, 0) + power * sign
        if at < len(unit) and unit[at] in "./":
            sign = -1 if unit[at] == "/" else 1
            at += 1
            if at == len(unit):
                raise ValueError(unit)
    return factor, dimensions, at


def _component(unit: str, at: int) -> tuple[Fraction, dict[str, int], int]:
    if unit[at] == "(":
        factor, dimensions, at = _term(unit, at + 1)
        if not unit.startswith(")", at):
            raise ValueError(unit)
        return factor, dimensions, at + 1
    match = _COMPONENT.match(unit, at)
    if match is None or match.end() == at:
        raise ValueError(unit)
    if match[1]:
        return Fraction(1), {}, match.end()
    power = int(match[3]) if match[3] else 1
    if match[2] is None:
        return Fraction(power), {}, match.end()
    factor, base = _atom(match[2])
    if abs(power) > 30:
        raise ValueError(unit)
    return factor**power, {name: each * power for name, each in base.items()}, match.end()


def _atom(code: str) -> tuple[Fraction, dict[str, int]]:
    row = _PLAIN.get(code) or _METRIC.get(code)
    scale = Fraction(1)
    if row is None:
        for length in (1, 2):
            if code[:length] in _PREFIXES and code[length:] in _METRIC:
                row = _METRIC[code[length:]]
                scale = Fraction(10) ** _PREFIXES[code[:length]]
                break
        else:
            if not code.startswith("["):
                raise KeyError(code)
            row = ("1", code)  # arbitrary units have a dimension of their own
    number, base = row
    factor = Fraction(number) * scale
    if base in ("", code) or base.startswith("["):
        return factor, ({base: 1} if base else {})
    return factor, _dimensions(base)


@lru_cache(maxsize=256)
def _base_parts(base: str) -> tuple[tuple[str, int], ...]:
    parts = []
    for sign, name, power in re.findall(r"([./]?)([A-Za-z]+)(-?\d)?", base):
        parts.append((name, int(power or 1) * (-1 if sign == "/" else 1)))
    return tuple(parts)


def _dimensions(base: str) -> dict[str, int]:
    return dict(_base_parts(base))


def _unit_of(quantity: Quantity) -> tuple[Fraction, Dimensions] | None:
    return canonical_unit(quantity.ucum())


def comparable(left: Quantity, right: Quantity) -> bool:
    """Return whether the two can be converted into each other."""
    if left.unit == right.unit and left.calendar == right.calendar:
        return True
    if _calendar_clash(left, right):
        return False
    one, two = _unit_of(left), _unit_of(right)
    return one is not None and two is not None and one[1] == two[1]


def _calendar_clash(left: Quantity, right: Quantity) -> bool:
    """A calendar year or month is no definite stretch of time: it compares only with its like."""
    vague = ("year", "month")
    for one, two in ((left, right), (right, left)):
        if one.calendar and one.unit in vague and not (two.calendar and two.unit in vague):
            return True
    return False


def scaled(quantity: Quantity) -> Fraction | None:
    """Return the value in base units, exactly."""
    if quantity.calendar and quantity.unit in ("year", "month"):
        return Fraction(quantity.value) * (12 if quantity.unit == "year" else 1)
    unit = _unit_of(quantity)
    return None if unit is None else Fraction(quantity.value) * unit[0]


def compare(left: Quantity, right: Quantity) -> int | None:
    """Return -1, 0 or 1; None where the two cannot be compared."""
    if left.unit == right.unit and left.calendar == right.calendar:
        return (left.value > right.value) - (left.value < right.value)
    if not comparable(left, right):
        return None
    one, two = scaled(left), scaled(right)
    if one is None or two is None:
        return None
    return (one > two) - (one < two)


def in_unit(quantity: Quantity, unit: str) -> Quantity | None:
    """Return `quantity` converted to `unit`; None where that cannot be."""
    target = Quantity(Decimal(1), unit)
    if not comparable(quantity, target):
        return None
    value, each = scaled(quantity), scaled(target)
    if value is None or each is None:
        return None
    return Quantity(to_decimal(value / each), unit)


def to_decimal(number: Fraction) -> Decimal:
    """Return a fraction as decimal with 28 digits, trailing zeros cut."""
    with localcontext() as context:
        context.prec = 28
        value = Decimal(number.numerator) / Decimal(number.denominator)
        return value.to_integral_value() if value == value.to_integral_value() else value.normalize()


def multiplied_unit(left: str, right: str, divide: bool) -> str:
    """Return the unit of a product or quotient, in base units where the two differ in kind."""
    if right == "1":
        return left
    if divide and left == right:
        return "1"
    if left == "1" and not divide:
        return right
    return f"{left}/{_bracketed(right)}" if divide else f"{left}.{right}"


def _bracketed(unit: str) -> str:
    return f"({unit})" if "." in unit or "/" in unit else unit
