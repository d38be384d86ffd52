"""What a service puts behind the large buttons of the residents' entrance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from kangshu.base.text import Text

_NO_TEXT = Text("", "")

Door = Literal["help", "doctor", "visit", "subsidy"]
DOORS: tuple[Door, ...] = get_args(Door)
"""The buttons: 叫人帮忙, 我的医生, 我要看病, 我的补贴."""


@dataclass(frozen=True, slots=True)
class EntranceEntry:
    """One thing behind a door, for the resident or whoever acts for the resident.

    `case` names a kind of case of the service: a button where the resident or agent may start one, and in any event the
    resident's cases of this kind; with `values` (of its form, `${person}` being the resident) one press starts it, and with `urgent` its button is the red one. `booking`
    names a kind of booking. `register`
    names a register whose records of the resident are shown: those of `criteria` where the search parameter `mine`
    is the resident, with `columns`; `none` is said when there are none.
    """

    id: str
    service: str
    door: Door
    title: Text
    help: Text
    case: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False
    booking: str = ""
    register: str = ""
    criteria: str = ""
    mine: str = "patient"
    columns: tuple[str, ...] = ()
    none: Text = _NO_TEXT
