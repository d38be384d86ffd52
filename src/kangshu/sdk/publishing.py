"""What a state of a case declares of its public notice (公示)."""

from __future__ import annotations

from dataclasses import dataclass

from kangshu.base.text import Text

_NO_TEXT = Text("", "")


@dataclass(frozen=True, slots=True)
class Publication:
    """A public notice while a case is in a state: what everybody may read, for how many working days.

    `fields` are those of the case's forms that are shown; the names and numbers in `masked` show their beginning alone.
    The notice is up from the day the case came into the state to the end of the state's deadline, and no longer than the
    case is there. `objection` names the case kind of the service that an objection from the public starts, about this
    case; its form takes `name`, `contact` and `reason`.
    """

    title: Text
    days: str
    """Parameter: how many working days; it is the state's deadline."""
    fields: tuple[str, ...]
    masked: tuple[str, ...] = ()
    text: Text = _NO_TEXT
    objection: str = ""
