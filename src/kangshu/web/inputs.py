"""Figures and days of a form, as people type them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from kangshu.base.faults import Invalid


def figure_of(form: Mapping[str, str], name: str) -> Decimal:
    """Return the number in a field; thousands may be grouped. Raises Invalid, at the field."""
    try:
        figure = Decimal(form.get(name, "").replace(",", "").replace("，", ""))
    except InvalidOperation as error:
        raise Invalid("the value must be a number", zh="数值应为数字", expression=name) from error
    if not figure.is_finite() or abs(figure) >= Decimal(10) ** 15:
        raise Invalid("the value must be a number", zh="数值应为数字", expression=name)
    return figure


def day_of(form: Mapping[str, str], name: str) -> date:
    """Return the day in a field. Raises Invalid, at the field."""
    try:
        return date.fromisoformat(form.get(name, ""))
    except ValueError as error:
        raise Invalid(
            "a date is written as 2026-03-01", zh="日期格式应为 2026-03-01", expression=name
        ) from error


def day_or_none(form: Mapping[str, str], name: str) -> date | None:
    """Return the day in a field, None for an empty one. Raises Invalid, at the field."""
    return day_of(form, name) if form.get(name) else None
