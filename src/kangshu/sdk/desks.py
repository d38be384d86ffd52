"""Desks (live pages of one case kind) and duty rosters (who is on duty at an hour)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kangshu.base.text import Text
from kangshu.sdk.signals import NO_TEXT


@dataclass(frozen=True, slots=True)
class CardColumn:
    """One cell of a card's line: FHIRPath over the record; a reference is shown by its name."""

    title: Text
    value: str
    labels: tuple[tuple[str, Text], ...] = ()
    """Code → what people read."""


@dataclass(frozen=True, slots=True)
class CardSection:
    """Records about the person of a case, as far as the visitor's grant shows them: contacts, medicines, illnesses.

    `criteria` hold ${subject}, ${focus}, ${district}, ${today}. With `nearest` the records are those closest to the
    case's position, at most so many, each with its distance; a record's place is its own position, that of the
    `place` it names (a path to a reference), or that of its division.
    """

    id: str
    title: Text
    type: str
    criteria: str
    columns: tuple[CardColumn, ...]
    none: Text
    nearest: int = 0
    place: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class DeskDeclaration:
    """A live page of one case kind in order of urgency, with a card for each case.

    Open cases stand by priority (stat, asap, urgent, routine), then the longest waiting first. `first` names the states
    that wait for somebody to begin: they come before those that somebody is at. `position` gives FHIRPaths over the
    Task of latitude and longitude; without, the person's address, the focus's place and the division are asked.
    """

    id: str
    service: str
    title: Text
    case: str
    columns: tuple[CardColumn, ...]
    sections: tuple[CardSection, ...] = ()
    first: tuple[str, ...] = ()
    position: tuple[str, str] = ("", "")
    take: str = ""
    """Move by which somebody begins with a case that waits: a button in its line. It asks for nothing."""
    roster: str = ""
    """Id of the service's roster whose people on duty the desk shows; "" for none."""
    roles: tuple[str, ...] = ()
    """Roles whose menu has it; nobody else opens it, except by a case that they see."""
    help: Text = NO_TEXT

    def offered_to(self, roles: Iterable[str]) -> bool:
        """Return whether an account with these roles may open it."""
        return bool(set(self.roles) & set(roles))

    @property
    def code(self) -> str:
        """Return the desk's name in the installation: `service/desk`."""
        return f"{self.service}/{self.id}"


@dataclass(frozen=True, slots=True)
class RosterDeclaration:
    """A duty roster (值班表) round the clock over a register of shifts.

    A shift is a Schedule: `serviceType` the post (CS(duty-post)), `actor` who has it, `planningHorizon` from when to when,
    extension(responsible-organisation) for which unit. `least` names the dated parameter of how many must be on
    duty at any moment: where there are fewer the roster shows a gap.
    """

    id: str
    service: str
    title: Text
    post: str
    register: str
    """Id of the service's register of shifts."""
    least: str
    roles: tuple[str, ...] = ()
    """As in a desk."""
    help: Text = NO_TEXT

    def offered_to(self, roles: Iterable[str]) -> bool:
        """Return whether an account with these roles may open it."""
        return bool(set(self.roles) & set(roles))

    @property
    def code(self) -> str:
        """Return the roster's name in the installation: `service/roster`."""
        return f"{self.service}/{self.id}"
