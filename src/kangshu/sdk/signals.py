"""Signals: events from outside systems (telephony, devices) that start cases, move them or keep a record alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kangshu.base.text import Text

NO_TEXT = Text("", "")


@dataclass(frozen=True, slots=True)
class SignalFind:
    """A record that an event is about: the one of `type` that meets `criteria`, `%<id>` in what follows.

    `criteria` hold ${name} of the event's `reads`. Where none is found, or several, the name finds nothing.
    """

    id: str
    type: str
    criteria: str


@dataclass(frozen=True, slots=True)
class SignalRule:
    """What one kind of event does. The first rule whose `when` (FHIRPath over the event) holds is taken.

    `start`: a case of the signal's kind, under the key of the event. `move`: that move on the case of the key.
    `change`: path → FHIRPath of elements of the found record `record`.
    """

    id: str
    title: Text
    does: Literal["start", "move", "change"]
    when: str = ""
    move: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """Form field → FHIRPath over the event. In a start also fields of the move `again`: each form takes its own."""
    again: str = ""
    """In a start: the move made instead on the case about the same record that is still open."""
    record: str = ""
    """In a change: the found record that it is made to."""
    change: Mapping[str, str] = field(default_factory=dict)
    not_within: str = ""
    """In a change: the dated parameter of how many minutes pass before the same is written again. What comes sooner is
    acknowledged and not written: a heartbeat a minute is no version a minute."""
    at: str = ""
    """In a change: the path of the element that holds when it last happened; an older event changes nothing."""


@dataclass(frozen=True, slots=True)
class SignalExample:
    """One event of the interface, told in its documentation, replayed by `kangshu simulate` and by tests."""

    id: str
    title: Text
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SignalDeclaration:
    """An interface for events of an outside system: `POST /fhir/$signal?code=service/signal` with the event as JSON.

    `reads` names values of the event (FHIRPath over it); `event` gives its id, of which each is taken once; `key` what
    the events of one matter share, such as the id of a call; `time` when it happened (an instant with its zone).
    """

    id: str
    service: str
    title: Text
    case: str
    """Id of the service's case kind that the events start and move; "" where they only change records."""
    event: str
    time: str
    rules: tuple[SignalRule, ...]
    key: str = ""
    reads: Mapping[str, str] = field(default_factory=dict)
    finds: tuple[SignalFind, ...] = ()
    subject: str = ""
    """FHIRPath, with the found records, of the reference of whom a case is about."""
    focus: str = ""
    """As `subject`, of the record that a case is about; `again` looks for it."""
    examples: tuple[SignalExample, ...] = ()
    help: Text = NO_TEXT

    @property
    def code(self) -> str:
        """Return the signal's name in the installation: `service/signal`."""
        return f"{self.service}/{self.id}"

    @property
    def operation(self) -> str:
        """Return the operation that an account needs to send it."""
        return f"signal.send:{self.code}"
