"""The demo city as a service folder sees it: places, organisations, staff and residents to give records to.

A folder's `demo.py` holds `demo(city: DemoCity) -> Iterator[Resource]`, which yields the service's own records.
The platform tags every one of them 演示数据. Given one seed a city is the same to the last character; each
service draws from `city.rng`, which is its own, so that no folder changes what another makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import cos, radians, sin, tau
from random import Random
from typing import Any, Literal, TypeAlias

from kangshu.base.canonical import code_system, structure
from kangshu.base.clock import CITY_ZONE
from kangshu.base.working_days import Calendar
from kangshu.sdk.declarations import Resource

OrganisationKind = Literal[
    "government", "commission", "tertiary-hospital", "secondary-hospital", "community-health-centre",
    "township-health-centre", "elder-institution", "day-care-centre", "call-centre",
]  # fmt: skip
StaffRole = Literal["general-practitioner", "physician", "nurse", "elder-care-worker"]
Outline: TypeAlias = tuple[tuple[float, float], ...]
"""A closed ring of (longitude, latitude) in degrees, CGCS2000: the border of a division."""


@dataclass(frozen=True, slots=True)
class AccountDeclaration:
    """An account of the demo city (`demo_accounts.yaml`); its password is made at random with the city.

    Its organisation is named by id, or is the first of a `kind`; `patient` says which resident it is
    (`first-elder`, `first-representative`).
    """

    name: str
    display: str
    roles: tuple[str, ...]
    organisation: str = ""
    kind: OrganisationKind | Literal[""] = ""
    practitioner: str = ""
    patient: str = ""
    district: str = ""


@dataclass(frozen=True, slots=True)
class DemoDistrict:
    """A district. `vigour` (0..1) says how far its work has come: services let their figures follow it."""

    code: str
    name: str
    share: float
    vigour: float


@dataclass(frozen=True, slots=True)
class DemoTown:
    """A street, town or township (9 digits) with its communities (12 digits → name)."""

    code: str
    name: str
    district: str
    urban: bool
    communities: dict[str, str]


@dataclass(frozen=True, slots=True)
class DemoOrganisation:
    """An organisation; `size` is its bed count or, for other kinds, a relative weight."""

    id: str
    kind: OrganisationKind
    name: str
    district: str
    town: str = ""
    private: bool = False
    internal_medical_unit: bool = False
    size: int = 1
    aliases: tuple[str, ...] = ()
    unit: str = ""
    """Key of a government unit, such as `civil-affairs`."""
    works_inside: bool = False
    """Whether it answers only what its own people have checked and signed inside."""
    marks: Mapping[str, str | int] = field(default_factory=dict)
    """Further extensions: name → code, or a date (YYYY-MM-DD)."""

    @property
    def reference(self) -> dict[str, str]:
        """Return a FHIR reference with display."""
        return {"reference": f"Organization/{self.id}", "display": self.name}


@dataclass(frozen=True, slots=True)
class DemoPractitioner:
    """Someone who works for `organisation` (an id) since `since`."""

    id: str
    name: str
    sex: Literal["male", "female"]
    organisation: str
    role: StaffRole
    since: date

    @property
    def reference(self) -> dict[str, str]:
        """Return a FHIR reference with display."""
        return {"reference": f"Practitioner/{self.id}", "display": self.name}


@dataclass(frozen=True, slots=True)
class DemoResident:
    """A resident. `conditions` maps ICD-10 codes to the day of diagnosis; `frailty` is 0 (fit) to 1."""

    id: str
    name: str
    sex: Literal["male", "female"]
    birth_date: date
    district: str
    town: str
    community: str
    household: str
    centre: str
    """Id of the community or township health centre that answers for the resident."""
    conditions: dict[str, date]
    frailty: float

    def age(self, day: date) -> int:
        """Return the age in completed years on `day`."""
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (not had_birthday)

    @property
    def reference(self) -> dict[str, str]:
        """Return a FHIR reference with display."""
        return {"reference": f"Patient/{self.id}", "display": self.name}


@dataclass(frozen=True, slots=True)
class DemoCity:
    """A made-up city on its day `today`, with `years` of records behind it."""

    code: str
    name: str
    today: date
    years: int
    seed: int
    calendar: Calendar
    districts: tuple[DemoDistrict, ...]
    towns: tuple[DemoTown, ...]
    organisations: tuple[DemoOrganisation, ...]
    practitioners: tuple[DemoPractitioner, ...]
    residents: tuple[DemoResident, ...]
    rng: Random = field(repr=False)
    outlines: Mapping[str, Outline] = field(repr=False)
    """The border of the city and of every district, town and community, by division code."""

    def position(self, division: str, key: str = "") -> dict[str, Decimal]:
        """Return a place within `division` (a code of any level) as a `Location.position`; each `key` has its own.

        Without a key it is the middle. KeyError when the city has no such division.
        """
        ring = self.outlines[division]
        middle = (
            sum(x for x, _ in ring[:-1]) / (len(ring) - 1),
            sum(y for _, y in ring[:-1]) / (len(ring) - 1),
        )
        east, north = middle
        if key:
            draw = Random(f"{self.seed}/{division}/{key}")  # noqa: S311 - a made-up city, not a secret
            border, reach = draw.choice(ring), draw.random() ** 0.5 * 0.8
            east, north = (at + (end - at) * reach for at, end in zip(middle, border, strict=True))
        return {"longitude": Decimal(f"{east:.5f}"), "latitude": Decimal(f"{north:.5f}")}

    def near(self, division: str, key: str, metres: int) -> dict[str, Decimal]:
        """Return a place at most so many metres from the middle of `division`, where its people live; each `key` has its own.

        KeyError when the city has no such division.
        """
        middle = self.position(division)
        draw = Random(f"{self.seed}/{division}/{key}")  # noqa: S311 - a made-up city, not a secret
        turn, reach = draw.random() * tau, metres / 111_195 * draw.random() ** 0.5
        north, east = float(middle["latitude"]), float(middle["longitude"])
        longitude = east + reach * cos(turn) / cos(radians(north))
        return {
            "longitude": Decimal(f"{longitude:.5f}"),
            "latitude": Decimal(f"{north + reach * sin(turn):.5f}"),
        }

    @property
    def first_day(self) -> date:
        """Return the first day of records: the first of January, `years` - 1 years before this year."""
        return date(self.today.year - self.years + 1, 1, 1)

    @property
    def record_years(self) -> range:
        """Return the years that have records, the present one last."""
        return range(self.first_day.year, self.today.year + 1)

    def of_kind(self, *kinds: OrganisationKind, district: str = "") -> tuple[DemoOrganisation, ...]:
        """Return the organisations of these kinds, in `district` only when it is given."""
        return tuple(
            one
            for one in self.organisations
            if one.kind in kinds and (not district or one.district == district)
        )

    def organisation(self, identifier: str) -> DemoOrganisation:
        """Return the organisation with this id; KeyError when the city has none."""
        for one in self.organisations:
            if one.id == identifier:
                return one
        raise KeyError(identifier)

    def unit(self, key: str) -> DemoOrganisation:
        """Return the city's government unit `key`, such as `civil-affairs`; KeyError when it has none."""
        return self.organisation(f"unit-{key}")

    def elders(self, age: int = 60) -> Iterator[DemoResident]:
        """Yield the residents of `age` years and more."""
        return (one for one in self.residents if one.age(self.today) >= age)

    def vigour(self, district: str) -> float:
        """Return how far the work of `district` has come, 0..1."""
        return next((one.vigour for one in self.districts if one.code == district), 0.5)

    def day(self, days: int) -> str:
        """Return the day `days` after today (before it where negative), YYYY-MM-DD."""
        return (self.today + timedelta(days=days)).isoformat()

    def day_in(self, year: int, working: bool = True, rng: Random | None = None) -> date:
        """Return a random day of `year` that is not after today, a working day unless told otherwise."""
        draw = rng or self.rng
        first, last = date(year, 1, 1), min(date(year, 12, 31), self.today)
        day = first + timedelta(days=draw.randrange((last - first).days + 1))
        while working and not self.calendar.is_working_day(day):
            day -= timedelta(days=1)
        return max(day, first)


@dataclass(frozen=True, slots=True)
class DemoMove:
    """A move of a demo case: by which organisation (an id), how many hours after the step before.

    `by` may be `Patient/id` too: that resident, acting in person or for the resident whom the case is about. A value
    `ANY` takes the first record that may be chosen for the field (in a row of a table, for the column), and of what a
    case cites the first few. `on` is a path of child kinds (`reply`, `reply/contribution`): the move is made on every
    child there that is in a state for it, by "" its own owner.
    """

    move: str
    by: str
    values: Mapping[str, Any] = field(default_factory=dict)
    hours: float = 4.0
    on: str = ""


@dataclass(frozen=True, slots=True)
class DemoCase:
    """A case of the demo city that the engine really runs: started `days` before today, then moved.

    `clause` is the number (from 1) of the sample plan's clause that the case carries: then the platform assigns it
    (交办) to the clause's lead units, `values` and `by` are its own, and the moves are made on each of the duties.
    A move by "" is made by the case's owner, by "*" by its requester.
    """

    kind: str
    by: str
    days: float
    values: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    moves: tuple[DemoMove, ...] = ()
    clause: int = 0
    child_moves: tuple[DemoMove, ...] = ()
    """Moves of every child case (会签), made before the case's own."""
    about_moves: Mapping[str, tuple[DemoMove, ...]] = field(default_factory=dict)
    """Kind → moves of every case of it that is about this one, made after the case's own."""


ANY = "*"


def at(day: date, hour: int, minute: int = 0) -> str:
    """Return a FHIR dateTime in the city's zone."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CITY_ZONE).isoformat()


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    """Return a CodeableConcept with one coding; `display` is Chinese and becomes its text too."""
    coding = {"system": system, "code": code}
    if not display:
        return {"coding": [coding]}
    return {"coding": [{**coding, "display": display}], "text": display}


def record(
    kind: str, id_: str, held: Iterable[tuple[str, str, Any]], *, name: str = "", subject: str = ""
) -> Resource:
    """Return a Basic that is a record of `kind`; `held` are its extensions: name, type of the value, value."""
    made: Resource = {
        "resourceType": "Basic",
        "id": id_,
        "code": {"coding": [{"system": code_system("record-kind"), "code": kind}]},
        "extension": [{"url": structure(one), f"value{type_}": value} for one, type_, value in held],
    }
    if name:
        made["code"]["text"] = name
    if subject:
        made["subject"] = {"reference": subject}
    return made


def evidence(id_: str, organisation: str, title: str) -> Resource:
    """Return a paper of `organisation` (an id) that stands for the evidence which moves ask for."""
    attachment = {"contentType": "text/plain", "title": f"{title}（演示）.txt", "data": "5ryU56S65p2Q5paZ"}
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "type": concept(code_system("paper"), "evidence", "证明材料"),
        "custodian": {"reference": f"Organization/{organisation}"},
        "content": [{"attachment": attachment}],
    }
