"""Dated parameters: every figure of a rule, with jurisdiction and source clause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from kangshu.base.text import Text


@dataclass(frozen=True, slots=True)
class ParameterDeclaration:
    """A dated value of one jurisdiction. `jurisdiction` is a division prefix, "" for the whole country."""

    id: str
    title: Text
    value: Any
    unit: str
    jurisdiction: str
    valid_from: date
    valid_to: date | None
    source: str
    verified: bool
    service: str = ""
    purpose: str = ""
    """What of the platform's own it decides: `older-age` (from which age a resident's record says so); "" for nothing.
    The platform asks for the parameters of a purpose and never names one."""
    at_least: str = ""
    """Parameter below which no value is taken in: a floor (不低于) that a document sets; "" for none."""
    at_most: str = ""
    """Parameter above which no value is taken in; "" for none."""


def unverified_parameter(
    id_: str, zh: str, en: str, value: Any, unit: str, source: str, *, since: date
) -> ParameterDeclaration:
    """Return a parameter of the whole country in force from `since`, which an authority has still to confirm."""
    return ParameterDeclaration(
        id=id_,
        title=Text(zh, en),
        value=value,
        unit=unit,
        jurisdiction="",
        valid_from=since,
        valid_to=None,
        source=source,
        verified=False,
    )
