"""Texts of targets and clauses as people read them: what is asked for, until when, the value, a title cut short."""

from __future__ import annotations

from typing import Any, Final

from kangshu.web.visit import Visit

_TITLE: Final = 26
_WHOLE: Final = 100
"""From here on a reckoned figure is shown in whole numbers."""


def short(text: str, length: int = _TITLE) -> str:
    """Return the beginning of a text, marked as cut where it is."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def target_text(target: Any) -> str:
    """Return what a target asks for, as the document says it: ≥ 55 %."""
    signs = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "=": "", "about": "约", "increase_to": "≥", "decrease_to": "≤",
             "increase_by": "+", "decrease_by": "-", "double": "×"}  # fmt: skip
    value = target.value
    figure = "–".join(number(one) for one in value) if isinstance(value, tuple) else number(value)
    return f"{signs.get(target.comparator, '')} {figure}{target.unit}".strip()


def number(value: Any) -> str:
    """Return a figure without needless zeros."""
    text = str(value)
    return (
        text.rstrip("0").rstrip(".") if "." in text and text.lstrip("-").replace(".", "").isdigit() else text
    )


def unit_text(target: Any) -> str:
    """Return the unit of the value that is known: the measure's where it measures another way than the target asks."""
    return str(target.light.unit or target.unit) if target.light.value is not None else ""


def due_text(visit: Visit, target: Any) -> str:
    """Return until when: a year; a masked one is said to be unknown."""
    if target.masked:
        return visit.words("年份未公布（{year}）", year=target.due or "xxxx")
    return visit.words("{year} 年底前", year=target.due) if target.due else ""


def reckoned_text(value: Any) -> str:
    """Return a figure that was reckoned, without a precision that it does not have; "—" where it is unknown."""
    if value is None:
        return "—"
    return value_text(round(value, 0 if abs(value) >= _WHOLE else 1))


def value_text(value: Any) -> str:
    """Return a target's value to two places; "—" where it is unknown."""
    return "—" if value is None else number(round(value, 2))
