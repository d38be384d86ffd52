"""The frozen types that a service folder declares. Platform rooms read them; none names a service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kangshu.base.text import Text
from kangshu.sdk.calculations import CalculationDeclaration
from kangshu.sdk.desks import DeskDeclaration, RosterDeclaration
from kangshu.sdk.documents import DocumentDeclaration
from kangshu.sdk.entrance import EntranceEntry
from kangshu.sdk.exchanges import ExchangeDeclaration
from kangshu.sdk.extracts import ExtractDeclaration
from kangshu.sdk.fields import NO_TEXT, Field, FieldKind, Option, RelatedRecords
from kangshu.sdk.home import HomeSection
from kangshu.sdk.lists import ListDeclaration
from kangshu.sdk.measures import AwaitedMeasure, DimensionDeclaration, MeasureDeclaration
from kangshu.sdk.parameters import ParameterDeclaration
from kangshu.sdk.pictures import NO_PICTURES, Pictures
from kangshu.sdk.publishing import Publication
from kangshu.sdk.quality import QualityRule
from kangshu.sdk.questionnaires import QuestionnaireDeclaration
from kangshu.sdk.scenarios import ScenarioDeclaration
from kangshu.sdk.signals import SignalDeclaration
from kangshu.sdk.warnings import WarningRule

if TYPE_CHECKING:
    from kangshu.sdk.bookings import BookingDeclaration
    from kangshu.sdk.city_records import CityRecords
    from kangshu.sdk.demo import AccountDeclaration, DemoCase, DemoCity

STAY = "stay"
"""Target of a move that leaves the case in its state."""

Resource: TypeAlias = dict[str, Any]
"""A FHIR R4 resource as parsed JSON; decimals are `decimal.Decimal`, so that lexemes are kept."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a register list. `value` is a FHIRPath over the resource."""

    id: str
    title: Text
    value: str
    kind: FieldKind = "text"
    options: tuple[Option, ...] = ()
    search: str = ""
    """Search parameter that filters on this column; "" for none."""
    sort: str = ""
    masked: bool = False
    """As in `Field`."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Records of a register take places of others, such as appointments of slots; the store never gives more than there are.

    `of` (over a record of the register), `condition` (while it takes a place), `places` and `open` (over the one whose
    places they are, of type `target`) are FHIRPath; without a value of `places` there is one. `full` and `free` are
    elements that the target has while no place, or one, is left; `search` is the parameter that finds who takes its places.
    """

    of: str
    target: str
    search: str
    text: Text
    condition: str = ""
    places: str = ""
    open: str = ""
    full: Mapping[str, Any] = field(default_factory=dict)
    free: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A notice about a record, once, from so many days before a day in it: `before` names the dated parameter of days.

    `to` is `organisation` or `person` (the list's first column of that kind), or a column's id. `text` may hold {date}
    and {days} and nothing of a person. `condition` (`while` in YAML) is FHIRPath that must be true of the record.
    """

    column: str
    before: str
    to: str
    text: Text
    condition: str = ""


@dataclass(frozen=True, slots=True)
class RegisterDeclaration:
    """A register (台账): a list, a form and an Excel template over one resource type.

    `criteria` is a search query that selects the register's resources within the type (`type=nursing`);
    `template` is what a new record holds besides the form's fields; `unique` names fields that no two records share.
    """

    id: str
    service: str
    title: Text
    resource_type: str
    criteria: str
    template: Resource
    columns: tuple[Column, ...]
    form: tuple[Field, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    unique_while: str = ""
    """FHIRPath of the records among which `unique` holds, e.g. `status = 'active'`; the template's codes go without saying."""
    capacity: tuple[Capacity, ...] = ()
    help: Text = NO_TEXT
    read_only: bool = False
    """Whether its records are made elsewhere, by cases: the form then only shows them."""
    remind: tuple[Reminder, ...] = ()
    pictures: Pictures = NO_PICTURES
    """How its records are drawn beside the list: on a map, along time, as a curve."""
    related: tuple[RelatedRecords, ...] = ()
    """What stands together with a record on its page; with any of it, the cases about the record too."""

    @property
    def code(self) -> str:
        """Return the register's name in the installation: `service/register`."""
        return f"{self.service}/{self.id}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a case may stay in a state: `parameter` names a dated parameter; minutes, hours, days or working days.

    `field` names a form field (a date) that the case itself carries: where it has a value, that day rules.
    `remind` names the parameter of how many units before the deadline the case counts as `soon`; with `tell` the party
    whose turn it is then gets a notice (催报).
    """

    parameter: str = ""
    unit: Literal["working-day", "day", "hour", "minute"] = "working-day"
    field: str = ""
    remind: str = ""
    tell: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A state of a case. `status` is the Task.status that it shows to the world."""

    id: str
    title: Text
    status: str
    final: bool = False
    deadline: Deadline | None = None
    box: Literal["owner", "requester", "none"] = "owner"
    """Whose worklist the case stands in while in this state."""
    overdue: str = ""
    """Move that the system itself makes when the deadline has passed; "" leaves it to people, who are notified."""
    publish: Publication | None = None
    """The public notice of cases in this state; None: nothing is public."""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One condition of a move, shown ticked or missing (销号条件).

    `check` is FHIRPath as in a guard; `evidence` is FHIRPath too: what it finds is shown beside the tick. `reason` names
    a field of the move's form: filling it in meets the item although `check` does not hold.
    """

    id: str
    title: Text
    check: str
    evidence: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Instead:
    """Another state than its `target` to which a move leads where `when` (FHIRPath as in a guard, with %form) is true."""

    target: str
    when: str


@dataclass(frozen=True, slots=True)
class Move:
    """A move of a case. `by` lists who may: `requester`, `owner`, `role:<id>`, `operation:<id>`, `patient`, `system`.

    A `target` of `stay` leaves the case in its state. `guard` is FHIRPath over the Task that must be true, with
    %form (the values just entered), %children (the child Tasks), %source (the state before) and %organisation (id
    of the mover's organisation); `guard_text` says what is missing.
    `effects` are declarations applied in the move's transaction (the kinds are listed in docs/adr/0007-cases.md).
    """

    id: str
    title: Text
    sources: tuple[str, ...]
    target: str
    by: tuple[str, ...]
    form: tuple[Field, ...] = ()
    guard: str = ""
    guard_text: Text = NO_TEXT
    effects: tuple[Mapping[str, Any], ...] = ()
    tone: Literal["primary", "plain", "danger"] = "primary"
    apart_from: tuple[str, ...] = ()
    """Moves (and `start`) whose maker may not make this one: the four-eye principle."""
    checklist: tuple[ChecklistItem, ...] = ()
    """All must be met; the case page shows each of them with its tick."""
    watched: bool = False
    """Whether time alone makes the move: the system makes it on every case in its sources as soon as its guard holds."""
    in_person: str = ""
    """Field of the case that names a Practitioner (or a PractitionerRole of one): where that person has an account, the
    move is made with it and with no other; without one, by whoever may."""
    recheck: Literal["", "holds", "fails"] = ""
    """The system makes the move on a case of returned records when it has run their rule again: where all hold now, where
    some still fail. `left` of its form is then how many."""
    instead: Instead | None = None
    """The other state to which the move leads where something is so."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Return every state (or `stay`) to which the move may lead, the usual one first."""
        return (self.target,) if self.instead is None else (self.target, self.instead.target)


@dataclass(frozen=True, slots=True)
class Monthly:
    """Records that are counted and not looked at: how many there are on a day of each month of a period.

    `first` and `last` are date fields of the case, `day` is the parameter of the day of the month; ${day} in the criteria is
    that day. What is found are {month, number}, such as {month: "2026-01", number: 312}.
    """

    first: str
    last: str
    day: str


@dataclass(frozen=True, slots=True)
class CaseRecords:
    """Records that a case looks up: guards, checklists and effects name them %`id` (the records themselves).

    `criteria` is a search within the type that may hold ${…} as a reference field's does; while a name in it has no value
    nothing is found. `columns` say what a record gives to a row of a table that is filled from them
    (`prefill: records:<id>`): column id → FHIRPath over the record.
    """

    id: str
    resource_type: str
    criteria: str
    columns: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    """Names of other records that stand beside these in a row: in its columns each means those about the same person."""
    key: str = ""
    """FHIRPath that gives the same text for records about the same person."""
    since: str = ""
    """Dated parameter of days: ${since} in the criteria is the day that lies so far back."""
    newest: str = ""
    """FHIRPath: of records that give the same text the first alone is taken, such as the last result of each kind."""
    monthly: Monthly | None = None


@dataclass(frozen=True, slots=True)
class CaseDeclaration:
    """A case kind (办件): a state machine over Task."""

    id: str
    service: str
    title: Text
    systems: tuple[str, ...]
    initial: str
    start_by: tuple[str, ...]
    form: tuple[Field, ...]
    states: tuple[State, ...]
    moves: tuple[Move, ...]
    numbering: str = ""
    """Case number pattern with {year} and {sequence}, e.g. 转〔{year}〕{sequence:05d}号; "" for none."""
    subject_type: str = ""
    help: Text = NO_TEXT
    effects: tuple[Mapping[str, Any], ...] = ()
    """Effects of starting a case, of the same kinds as a move's."""
    carries: str = ""
    """What of the platform's own this kind carries: `duty` (a plan's), `slip` (督办单, about a case that is late),
    `internal-flow` (what a unit does inside with a case that came in), `instruction` (a leader's), `consent` and `rights`
    (a resident's), `data-use` (an application, asked for by whoever makes extracts), `quality-return` (records
    returned to who sent them), `conference-issue` (what a duty in dispute is put to), `proposal`, `review`, `referral`;
    "" for nothing. The platform asks
    for the kind that carries a thing and never names a service."""
    answer: str = ""
    """Move by which the owner answers the requester. Where the owner works on papers inside (the kind that carries
    `internal-flow`), that move is made by the internal case's signed answer alone; "" for none."""
    internal: bool = False
    """Whether its cases and their papers stay within the unit: nobody outside it sees them (label INTERNAL)."""
    secret: bool = False
    """Whether its cases are statistical returns (label STATISTICS): of the parties, those alone see them whose role names
    the label. Numbers over them are shown under the rule of statistical secrecy (docs/adr/0046)."""
    records: tuple[CaseRecords, ...] = ()
    """What its expressions may ask of the registers, by name."""
    kept: tuple[Field, ...] = ()
    """Fields that nobody types: effects alone put values into them, and the case page shows them."""
    opens_record: bool = True
    """Whether an open case lets its parties see the records of the resident that it is about (care.yaml). A case that
    asks for a permission gives none: its Task has the intent `proposal`."""
    start_guard: str = ""
    """FHIRPath that must be true for a case to start, with what a move's guard may ask: %form, %organisation, %requester,
    its `records`; `start_guard_text` says what is missing. `start_by` says who may, this says with what."""
    start_guard_text: Text = NO_TEXT

    @property
    def code(self) -> str:
        """Return the Task.code of this kind: `service/case`."""
        return f"{self.service}/{self.id}"


@dataclass(frozen=True, slots=True)
class ViewDeclaration:
    """A SQL-on-FHIR v2 ViewDefinition that the background worker keeps materialised under `name`."""

    name: str
    service: str
    definition: Resource


CheckQuery: TypeAlias = Callable[[list[Resource], date, date, Mapping[str, Any]], tuple[float, float]]
"""A second computation of a measure: (raw resources, period start, period end, parameter values by id) →
(numerator, denominator). For a member of a family the columns that it is narrowed by stand among the parameter values,
each with its values."""


@dataclass(frozen=True, slots=True)
class Processing:
    """On what ground a service handles personal information: the entry of the record of processing (PIPL Art. 55, 56).

    `basis` names the ground of Art. 13(1), `clause` where it stands, `retention` the dated parameter of how many years
    it is kept ("": not fixed yet). What is handled and who may see it is read from the service's declarations.
    """

    purpose: Text
    basis: Literal["consent", "contract", "statutory", "emergency", "public-interest"]
    clause: str
    retention: str = ""


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing asked of a system that its folder does not do yet, said where the folder is shown."""

    system: str
    text: Text


@dataclass(frozen=True, slots=True)
class Service:
    """A service folder, checked and frozen."""

    id: str
    title: Text
    help: Text
    systems: tuple[str, ...]
    menu: Text
    order: int
    registers: tuple[RegisterDeclaration, ...] = ()
    cases: tuple[CaseDeclaration, ...] = ()
    parameters: tuple[ParameterDeclaration, ...] = ()
    views: tuple[ViewDeclaration, ...] = ()
    city: tuple[CityRecords, ...] = ()
    """What this service adds to a made city, whatever its size; `demo` makes the small demo city's."""
    measures: tuple[MeasureDeclaration, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    """Rules of data quality; the measure and the list of each stand among `measures` and `lists`."""
    awaited: tuple[AwaitedMeasure, ...] = ()
    """Measures that are defined and have no number yet, with what they wait for."""
    extracts: tuple[ExtractDeclaration, ...] = ()
    documents: tuple[DocumentDeclaration, ...] = ()
    calculations: tuple[CalculationDeclaration, ...] = ()
    exchanges: tuple[ExchangeDeclaration, ...] = ()
    bookings: tuple[BookingDeclaration, ...] = ()
    lists: tuple[ListDeclaration, ...] = ()
    warnings: tuple[WarningRule, ...] = ()
    dimensions: tuple[DimensionDeclaration, ...] = ()
    questionnaires: tuple[QuestionnaireDeclaration, ...] = ()
    scenarios: tuple[ScenarioDeclaration, ...] = ()
    signals: tuple[SignalDeclaration, ...] = ()
    desks: tuple[DeskDeclaration, ...] = ()
    rosters: tuple[RosterDeclaration, ...] = ()
    home: tuple[HomeSection, ...] = ()
    entrance: tuple[EntranceEntry, ...] = ()
    rules: tuple[str, ...] = ()
    """Ids of the mission's rules that the folder keeps, such as C28."""
    lacks: tuple[Lack, ...] | None = None
    """What is still asked of it; none: whole. None for a folder that has not been held against what was asked."""
    processing: Processing | None = None
    """None for a service that has not said on what ground it handles personal information."""
    roles: Mapping[str, Any] = field(default_factory=dict)
    """What the folder adds to the ready-made roles, as `roles.yaml` says it; empty for most."""
    users: frozenset[str] = frozenset()
    """Roles whose daily work it is: in their menu it stands. None: everybody's who may read its registers."""
    accounts: tuple[AccountDeclaration, ...] = ()
    """Its accounts of the demo city."""
    checks: Mapping[str, CheckQuery] = field(default_factory=dict)
    demo: Callable[[DemoCity], Iterable[Resource]] | None = None
    """`demo.py`'s `demo`: yields what this service adds to the demo city."""
    demo_cases: Callable[[DemoCity], Iterable[DemoCase]] | None = None
    """`demo_cases.py`'s `demo_cases`: yields the cases that the engine runs in the demo city."""

    def is_used_by(self, roles: Collection[str]) -> bool:
        """Return whether it is daily work of somebody in these roles; what they may read is another question."""
        return not self.users or not self.users.isdisjoint(roles)
