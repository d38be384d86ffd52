"""What a service declares of bookings: kinds of slots, who may take which pool, and the ways of an appointment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kangshu.base.text import Text
from kangshu.sdk.fields import NO_TEXT, Field

BOOKING_STATES: Final = (
    "waitlist", "proposed", "pending", "booked", "checked-in", "fulfilled", "cancelled", "noshow",
)  # fmt: skip
"""Codes of Appointment.status that a booking may have."""
TAKING: Final = frozenset({"pending", "booked", "arrived", "checked-in", "fulfilled"})
"""Of these codes, those in which an appointment takes a place of its slot."""

PoolRight = Literal["anyone", "alliance", "elder"]


@dataclass(frozen=True, slots=True)
class Pool:
    """A share of the slots kept for somebody (号源池). The pool `public` is open to all who may book.

    `by`: `anyone`; `alliance`, members of the hospital's medical alliance; `elder`, residents of the age `age` and homes
    for older people. `release` names the parameter of how many hours before its beginning a slot that still has places
    is opened to all; "" never.
    """

    id: str
    title: Text
    by: PoolRight = "anyone"
    release: str = ""
    age: str = ""


@dataclass(frozen=True, slots=True)
class ShareRule:
    """Of the slots that an organisation of `kind` offers, at least the share `at_least` (a parameter, per cent) is in `pool`."""

    pool: str
    kind: str
    at_least: str


@dataclass(frozen=True, slots=True)
class LengthRule:
    """Slots of organisations of `kind` are at most `minutes` (a parameter) long."""

    kind: str
    minutes: str


@dataclass(frozen=True, slots=True)
class VisitPriority:
    """Who is seen first among those who wait: residents of the age `age` (a parameter) or more, or those booked in `pool`.
    The first that fits is kept with the appointment."""

    id: str
    title: Text
    age: str = ""
    pool: str = ""


@dataclass(frozen=True, slots=True)
class BookingMove:
    """A move of an appointment: `target` is the Appointment.status afterwards.

    `by`: `booker` (the organisation or resident who booked), `patient`, `owner` (whose slot it is), `system`,
    `role:<id>`. Fields of `form` have paths into the Appointment. `slot` says that a move takes another slot.
    """

    id: str
    title: Text
    sources: tuple[str, ...]
    target: str
    by: tuple[str, ...]
    form: tuple[Field, ...] = ()
    tone: Literal["primary", "plain", "danger"] = "primary"
    slot: bool = False
    before: bool = False
    """Whether it is possible only before the appointment begins."""


@dataclass(frozen=True, slots=True)
class BookingParameters:
    """Names of the dated parameters that rule a kind of booking; "" where nothing limits it."""

    hold_minutes: str = ""
    """How long a place stays held without being confirmed."""
    ahead_days: str = ""
    """How many days ahead slots may be booked."""
    latest_minutes: str = ""
    """How many minutes before its beginning a slot is closed to bookings."""
    open_most: str = ""
    """How many open bookings a resident may have."""
    miss_minutes: str = ""
    """How many minutes after its end an appointment without check-in is a no-show."""
    remind_hours: str = ""
    """How many hours before its beginning the resident is reminded."""
    no_shows: str = ""
    """With so many no-shows …"""
    no_show_months: str = ""
    """… within so many months …"""
    no_show_days: str = ""
    """… a resident cannot book for so many days after the last one."""
    offer_hours: str = ""
    """How long a place found for somebody on the waiting list stays held for them."""
    reconcile_hour: str = ""
    """From which hour of the day on bookings are compared with the hospitals' own systems, once a day."""
    priority_scope: str = ""
    """Over what those with priority are seen first: `slot` (among those of one hour) or `day`."""
    share_period: str = ""
    """Over what a share is reckoned: day, week or month."""
    share_scope: str = ""
    """For what it is reckoned: institution or department."""
    share_experts: str = ""
    """Whether slots of experts count."""
    share_released: str = ""
    """Whether a reserved slot that has been released still counts as reserved."""


@dataclass(frozen=True, slots=True)
class BookingDeclaration:
    """A kind of booking (预约): what may be booked, by whom, and what becomes of it."""

    id: str
    service: str
    title: Text
    start_by: tuple[str, ...]
    pools: tuple[Pool, ...]
    states: tuple[tuple[str, Text], ...]
    """Appointment.status → what it is called."""
    moves: tuple[BookingMove, ...]
    parameters: BookingParameters
    shares: tuple[ShareRule, ...] = ()
    lengths: tuple[LengthRule, ...] = ()
    priority: tuple[VisitPriority, ...] = ()
    """Who is seen first, in this order."""
    help: Text = NO_TEXT
    like: str = ""
    """Id of the kind of the same service whose pools, states, moves and parameters it shares where it has none of its own."""
    usual: bool = False
    """Whether slots that name no kind are of this one."""

    @property
    def code(self) -> str:
        """Return the name of the kind in the installation: `service/booking`."""
        return f"{self.service}/{self.id}"

    def state_title(self, status: str) -> Text:
        """Return what an Appointment.status is called."""
        return next((title for code, title in self.states if code == status), Text(status, status))

    def precedence(self, id: str) -> int:
        """Return the place of a priority in the order in which residents are seen, from 0; behind all where it is none."""
        ids = [one.id for one in self.priority]
        return ids.index(id) if id in ids else len(ids)

    def pool(self, id: str) -> Pool | None:
        """Return the pool `id`."""
        return next((one for one in self.pools if one.id == id), None)
