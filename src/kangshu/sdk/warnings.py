"""Rules that warn (预警): of a measure, of the rows of a list of work, of the targets of plans; as a service declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kangshu.base.text import Text

WarningLevel = Literal["attention", "important", "urgent"]
WARNING_LEVELS: tuple[WarningLevel, ...] = ("attention", "important", "urgent")
"""Lowest first."""
WarningTest = Literal["above", "below", "rise", "fall", "beyond", "pace"]
WarningAgainst = Literal["quarter", "year", "peers"]
_NO_TEXT = Text("", "")


@dataclass(frozen=True, slots=True)
class WarningRule:
    """One rule. It stands on a `measure`, on a `list` (`service/list`), or on the `targets` of the plans in force.

    Of a measure the value of each place is tested (`by`: "" the whole city, `district`, `town`, or a dimension whose
    values are Organizations): `above` or `below` a dated parameter; `rise` or `fall` by more than the parameter since
    `against` (the end of the last quarter, the same day a year ago) or beyond the median of its `peers`, in the measure's
    unit or, where `relative`, in per cent of what it is held against; `beyond` the city's value on the bad side by more
    than chance, as its confidence limits tell; `pace`: behind the share of the year that is over by more than the
    parameter. Where the denominator is less than the parameter `least`, nothing is said.

    Of a list each row is one thing (`each`), or the rows of each `institution` (a column of the list that holds
    Organizations), else of each county, are told as one warning with their number. `where` narrows the rows by columns.
    `above`, if declared, is the parameter of how many rows there must be more than.
    """

    id: str
    service: str
    title: Text
    help: Text
    level: WarningLevel
    act: Text
    """What is to be done, in words."""
    measure: str = ""
    list: str = ""
    targets: bool = False
    by: str = ""
    test: WarningTest = "above"
    parameter: str = ""
    against: WarningAgainst = "quarter"
    relative: bool = False
    urgent: str = ""
    """Parameter from which on the warning is urgent, tested as `parameter` is; "" for none."""
    least: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    each: bool = False
    institution: str = ""
    office: str = ""
    """Parameter that names the Organization (its id) which acts where no institution is concerned, and which supervises
    the institution where one is; "" for the parameter `warnings.office`."""
    note: Text = _NO_TEXT
    """What the reader must know of the figure, such as whose it is not."""

    @property
    def code(self) -> str:
        """Return `service/rule`."""
        return f"{self.service}/{self.id}"
