"""办事入口: a resident's four large buttons, for oneself, for those in one's care, and for whoever gave a mandate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.access import Scope, admits
from kangshu.base.faults import Forbidden, NotFound
from kangshu.sdk import Door, EntranceEntry
from kangshu.web.people import acted_for, cases_of_person, name_of_person
from kangshu.web.rows import WorkRow
from kangshu.web.visit import Visit

_TITLES: Final[dict[Door, tuple[str, str]]] = {
    "help": ("叫人帮忙", "紧急求助、上门服务、助餐助洁"),
    "doctor": ("我的医生", "家庭医生、签约、老人体检评估"),
    "visit": ("我要看病", "预约挂号、转诊和就诊安排"),
    "subsidy": ("我的补贴", "能享受什么、办到哪一步、发了多少"),
}
"""Door → its title and what is behind it."""
_MOST_CASES: Final = 20
_PERSON: Final = "${person}"
_MOST_ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class Button:
    """A large button: the door or act `id`, what it is called, what is behind it, and where it leads.

    With `press` it acts at once and is sent as a form; the one that is `urgent` stands out.
    """

    id: str
    title: str
    note: str
    address: str
    press: bool = False
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody for whom the visitor may act. `part` says as what: oneself, in one's care, by mandate."""

    id: str
    name: str
    part: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Own:
    """A list behind a door: heads, rows of texts, and what is said where there is nothing."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    none: str


def doors(visit: Visit, person: str = "") -> list[Button]:
    """Return the four buttons; for `person` (an id) where it is not oneself."""
    asked = f"?for={person}" if person and person != visit.grant.patient else ""
    return [
        Button(door, visit.words(title), visit.words(note), f"/my/{door}{asked}")
        for door, (title, note) in _TITLES.items()
    ]


async def entrance(visit: Visit) -> Response:
    """Show the four buttons for the chosen person."""
    people = await people_at(visit, "/my")
    person = next(one for one in people if one.chosen)
    return visit.render("entrance.html", people=people, person=person, doors=doors(visit, person.id))


async def door(visit: Visit) -> Response:
    """Show what is behind one button for the chosen person."""
    name = visit.path("door")
    if name not in _TITLES:
        raise NotFound("there is no such door", zh="没有此入口")
    words = visit.words
    people = await people_at(visit, f"/my/{name}")
    person = next(one for one in people if one.chosen)
    entries = [
        one
        for service in sorted(visit.platform.services, key=lambda one: (one.order, one.id))
        for one in service.entrance
        if one.door == name
    ]
    _, mark, asked = person.address.partition("?")
    return visit.render(
        "entrance_door.html",
        title=words(_TITLES[name][0]),
        lead=words(_TITLES[name][1]),
        people=people,
        person=person,
        back=f"/my{mark}{asked}",
        acts=sorted(_acts(visit, entries, person.id), key=lambda one: (not one.urgent, not one.press)),
        cases=await _cases(visit, entries, person.id),
        lists=[await _own(visit, one, person.id) for one in entries if _seen(visit, one, person.id)],
    )


async def people_at(visit: Visit, address: str) -> list[Person]:
    """Return those for whom the visitor acts, the chosen one marked. Raises NotFound for somebody else's id."""
    grant, words = visit.grant, visit.words
    known = acted_for(visit)
    chosen = visit.query("for") or (known[0] if known else "")
    if chosen not in known:
        raise NotFound("there is no such person of yours", zh="没有可代为办理的此人")
    found = []
    for id_ in known:
        own = id_ == grant.patient
        part = words("本人") if own else words("监护") if id_ in grant.wards else words("受委托")
        where = address if own else f"{address}?for={id_}"
        found.append(Person(id_, await name_of_person(visit, id_), part, where, id_ == chosen))
    return found


def _acts(visit: Visit, entries: Iterable[EntranceEntry], person: str) -> Iterator[Button]:
    """Yield a large button for whatever the visitor may begin for the person."""
    startable = {one.code for one in visit.platform.cases.startable(visit.grant, person)}
    words = visit.words
    for one in entries:
        code = f"{one.service}/{one.case}"
        title, note = words.of(one.title), words.of(one.help)
        if one.booking:
            yield Button(one.id, title, note, f"/bookings?kind={one.service}/{one.booking}&patient={person}")
        elif one.values and code in startable:
            asked = f"?for={person}" if person != visit.grant.patient else ""
            address = f"/my/{one.door}/{one.service}/{one.id}{asked}"
            yield Button(one.id, title, note, address, press=True, urgent=one.urgent)
        elif one.case and code in startable:
            yield Button(one.id, title, note, f"/cases/start/{code}?subject=Patient/{person}")


async def press(visit: Visit) -> Response:
    """Start at once what one button says, for the chosen person, and lead to its page."""
    people = await people_at(visit, f"/my/{visit.path('door')}")
    person = next(one for one in people if one.chosen)
    entry = next(
        (
            one
            for service in visit.platform.services
            for one in service.entrance
            if one.values
            and (one.door, one.service, one.id) == tuple(map(visit.path, ("door", "service", "entry")))
        ),
        None,
    )
    if entry is None:
        raise NotFound("there is no such button", zh="没有此入口")
    code, named = f"{entry.service}/{entry.case}", f"Patient/{person.id}"
    if code not in {one.code for one in visit.platform.cases.startable(visit.grant, person.id)}:
        raise Forbidden("this account may not start that for this person", zh="当前账号不能代此人发起")
    values = {key: named if value == _PERSON else value for key, value in entry.values.items()}
    about = visit.platform.cases.declaration(code).subject_type
    stored = await visit.platform.cases.start(visit.grant, code, values, subject=named if about else None)
    return visit.go(f"/cases/{stored.id}", said="called")


async def _cases(visit: Visit, entries: Iterable[EntranceEntry], person: str) -> list[WorkRow]:
    """Return the first of the person's cases of these entries."""
    codes = {f"{one.service}/{one.case}" for one in entries if one.case}
    return (await cases_of_person(visit, person, codes))[:_MOST_CASES] if codes else []


def _seen(visit: Visit, entry: EntranceEntry, person: str) -> bool:
    """Return whether the visitor sees the person's records of the entry's register at all: a mandate opens few."""
    if not entry.register:
        return False
    kind = visit.platform.registers.declaration(f"{entry.service}/{entry.register}").resource_type
    return admits(visit.grant.may_read(kind), Scope(patient=person))


async def _own(visit: Visit, entry: EntranceEntry, person: str) -> Own:
    """Return the person's records of the entry's register."""
    words = visit.words
    register = visit.platform.registers.declaration(f"{entry.service}/{entry.register}")
    heads = tuple(words.of(one.title) for one in register.columns if one.id in entry.columns)
    rows = await visit.platform.registers.of_resident(visit.grant, entry, person, limit=_MOST_ROWS)
    texts = tuple(
        tuple(words.of(row.texts[name]) or "—" for name in _shown(entry, row.texts)) for row in rows
    )
    return Own(words.of(entry.title), heads, texts, words.of(entry.none))


def _shown(entry: EntranceEntry, texts: Iterable[str]) -> list[str]:
    """Return the entry's columns in the register's order."""
    return [name for name in texts if name in entry.columns]
