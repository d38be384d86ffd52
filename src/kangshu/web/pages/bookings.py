"""号源总览, 预约办理, 放号: a hospital's week, one slot and who has booked it, one appointment, and publishing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.clock import CITY_ZONE, today
from kangshu.base.faults import Conflict, Fault, Forbidden, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import BookingMove, Field, Option
from kangshu.web.forms import FormField, form_fields, sent_values, told
from kangshu.web.lookup import choices_of, with_residents
from kangshu.web.people import acted_for, choice_of_people
from kangshu.web.visit import Visit, texts

_PATIENT: Final = Field(
    "patient",
    Text("居民", "Resident"),
    "resident",
    required=True,
    help=Text("输入姓名或身份证号", "Name or number"),
)
_REASON: Final = Field("reason", Text("就诊原因（可不填）", "Reason (may be left out)"))
_SLOT: Final = Field("slot", Text("改约到", "Change to"), "choice", required=True)
_FROM: Final = Field("first", Text("从", "From"), "date", required=True)
_LAST: Final = Field("last", Text("到", "To"), "date", required=True)
_FIRST: Final = Field("first", Text("开始日期", "First day"), "date", required=True)
_WEEKS: Final = Field("weeks", Text("发布周数", "Weeks"), "integer", required=True)
_HOLIDAYS: Final = Field("holidays", Text("法定节假日也放号", "On public holidays too"), "boolean")


@dataclass(frozen=True, slots=True)
class ShownMove:
    """A move of an appointment with its form; it stands open when it was refused."""

    id: str
    title: str
    tone: str
    fields: Sequence[FormField]
    open: bool = False


async def board(visit: Visit) -> Response:
    """Show a hospital's week: what is left, department by department and hour by hour."""
    owners = await _owners(visit)
    organisation = visit.query("organisation")
    if organisation not in owners:
        own = [one for one in owners if visit.grant.acts_for(one)]
        organisation = next(iter([*own, *owners]), "")
    kinds = visit.platform.bookings.declarations
    kind = visit.query("kind") or next((one.code for one in kinds if one.usual), "")
    day = visit.query("day") or _next_day(today()).isoformat()
    found = None
    if organisation:
        found = await visit.platform.bookings.board(
            visit.grant,
            organisation,
            day,
            kind=kind,
            department=visit.query("department"),
            clinician=visit.query("clinician"),
        )
    first = found.days[0] if found else today()
    return visit.render(
        "bookings_board.html",
        board=found,
        owners=owners,
        organisation=organisation,
        kinds=[(one.code, visit.words.of(one.title)) for one in kinds],
        kind=kind,
        department=visit.query("department"),
        clinician=visit.query("clinician"),
        before=visit.with_query(day=(first - timedelta(days=7)).isoformat()),
        after=visit.with_query(day=(first + timedelta(days=7)).isoformat()),
        pools={pool.id: visit.words.of(pool.title) for one in kinds for pool in one.pools},
        today=today(),
        own=visit.grant.acts_for(organisation),
        register=_register(visit, "Appointment", ""),
    )


def _next_day(day: date) -> date:
    """Return the day whose week is shown at first: at a weekend the week that comes."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day


async def day_list(visit: Visit) -> Response:
    """Show who comes to one's own hospital on a day, in the order in which they are to be seen."""
    own = {id_: name for id_, name in (await _owners(visit)).items() if visit.grant.acts_for(id_)}
    organisation = visit.query("organisation")
    if organisation not in own:
        organisation = next(iter(own), "")
    day, kinds = visit.query("day") or today().isoformat(), visit.platform.bookings.declarations
    found = None
    if organisation:
        found = await visit.platform.bookings.day_list(
            visit.grant, organisation, day, department=visit.query("department"), kind=visit.query("kind")
        )
    return visit.render(
        "bookings_day.html",
        found=found,
        owners=own,
        organisation=organisation,
        kinds=[(one.code, visit.words.of(one.title)) for one in kinds],
        kind=visit.query("kind"),
        department=visit.query("department"),
        day=day,
    )


async def slot(visit: Visit) -> Response:
    """Show one slot: its places, who has booked them, and the form to book."""
    return await _slot_page(visit, {})


async def _slot_page(visit: Visit, values: Mapping[str, Any], fault: Fault | None = None) -> Response:
    shown = await visit.platform.bookings.slot(visit.grant, visit.path("id"))
    names = await _names(visit, {shown.owner, *(_organisation(one.booker) for one in shown.appointments)})
    people = acted_for(visit)
    fields = (await choice_of_people(visit, _PATIENT, people), _REASON)
    chosen = visit.query("patient") if visit.query("patient") in people else next(iter(people), "")
    if chosen:
        values = {"patient": f"Patient/{chosen}", **values}
    choices = await choices_of(visit, fields, values)
    return visit.render(
        "bookings_slot.html",
        422 if fault else 200,
        slot=shown,
        names=names,
        title=visit.words.of(shown.kind.title),
        pool=visit.words.of(shown.pool),
        fields=form_fields(
            visit.words,
            fields[1:] if people == [visit.grant.patient] else fields,
            values,
            fault.issues if fault else (),
            choices,
        ),
        issues=told(visit.words, fault) or [visit.words.of(Text(fault.zh, fault.text))] if fault else [],
        waits=any(code == "waitlist" for code, _ in shown.kind.states),
        days=form_fields(visit.words, (_FROM, _LAST), _days(shown, values)),
        substitutes=form_fields(visit.words, (await _clinicians(visit, shown.owner),), {})
        if shown.own
        else (),
    )


def _days(shown: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    day = shown.start.astimezone(CITY_ZONE).date().isoformat() if shown.start else today().isoformat()
    return {"first": values.get("first") or day, "last": values.get("last") or day}


async def _clinicians(visit: Visit, organisation: str) -> Field:
    found = await visit.platform.bookings.clinicians(visit.grant, organisation)
    options = tuple(Option(id_, Text(name, name)) for id_, name in found)
    return Field("clinician", Text("替诊医师", "Another clinician"), "choice", required=True, options=options)


async def book(visit: Visit) -> Response:
    """Book, hold or wait; a refused form comes back with what is wrong."""
    form = texts(await visit.form())
    values = sent_values((_PATIENT, _REASON), form)
    bookings, id_ = visit.platform.bookings, visit.path("id")
    try:
        values = await with_residents(visit, (_PATIENT,), values)
        patient = str(values.get("patient") or visit.grant.patient).removeprefix("Patient/")
        if not patient:
            raise Unprocessable("say for whom", zh="请选择居民", expression="patient")
        if form.get("act") == "wait":
            shown = await bookings.slot(visit.grant, id_)
            made = await bookings.wait(visit.grant, shown.schedule, patient)
        else:
            reason = {"reason": values.get("reason") or ""}
            made = await bookings.book(
                visit.grant, id_, patient, hold=form.get("act") == "hold", values=reason
            )
    except (Unprocessable, Conflict, Forbidden) as fault:
        return await _slot_page(visit, values, fault)
    return visit.go(f"/bookings/{made.id}", said="moved")


async def close(visit: Visit) -> Response:
    """Close a slot (停诊) or open it again; the same of its clinic over some days, or let another clinician take that (替诊)."""
    form = texts(await visit.form())
    bookings, id_, act = visit.platform.bookings, visit.path("id"), form.get("act")
    first, last = form.get("first", ""), form.get("last", "")
    try:
        if act in ("stop", "resume"):
            await bookings.stop_clinic(visit.grant, id_, first, last, stopped=act == "stop")
        elif act == "substitute":
            await bookings.substitute(visit.grant, id_, form.get("clinician", ""), first, last)
        else:
            await bookings.close(visit.grant, id_, closed=act != "open")
    except (Conflict, Unprocessable, Forbidden) as fault:
        return await _slot_page(visit, {"first": first, "last": last}, fault)
    return visit.go(f"/bookings/slots/{visit.path('id')}", said="saved")


async def appointment(visit: Visit) -> Response:
    """Show one appointment and what may be done with it."""
    return await _appointment_page(visit)


async def _appointment_page(
    visit: Visit, tried: str = "", values: Mapping[str, Any] | None = None, fault: Fault | None = None
) -> Response:
    shown = await visit.platform.bookings.appointment(visit.grant, visit.path("id"))
    names = await _names(visit, {shown.owner, _organisation(shown.booker)})
    issues = fault.issues if fault else ()
    moves = []
    for one in shown.moves:
        fields = await _fields_of(visit, one, shown.slot)
        held = values if one.id == tried and values else {}
        moves.append(
            ShownMove(
                one.id,
                visit.words.of(one.title),
                one.tone,
                form_fields(visit.words, fields, held, issues if one.id == tried else ()),
                one.id == tried,
            )
        )
    return visit.render(
        "bookings_appointment.html",
        422 if fault else 200,
        one=shown,
        names=names,
        state=visit.words.of(shown.state),
        title=visit.words.of(shown.kind.title),
        pool=visit.words.of(shown.pool),
        moves=moves,
        issues=told(visit.words, fault) or [visit.words.of(Text(fault.zh, fault.text))] if fault else [],
    )


async def _fields_of(visit: Visit, move: BookingMove, slot_id: str) -> tuple[Field, ...]:
    """Return the fields of a move; one that takes another slot offers the free ones of the same department."""
    if not move.slot or not slot_id:
        return move.form
    free = await visit.platform.bookings.others(visit.grant, slot_id)
    options = tuple(
        Option(
            id_,
            Text(f"{visit.words.moment(start)}（余 {left}）", f"{visit.words.moment(start)} ({left} left)"),
        )
        for id_, start, left in free
    )
    return (Field("slot", _SLOT.title, "choice", required=True, options=options), *move.form)


async def move(visit: Visit) -> Response:
    """Make a move; a refused form comes back with what is wrong."""
    form = texts(await visit.form())
    name = visit.path("move")
    shown = await visit.platform.bookings.appointment(visit.grant, visit.path("id"))
    chosen = next((one for one in shown.kind.moves if one.id == name), None)
    if chosen is None:
        raise NotFound("there is no such move", zh="没有该操作")
    values = sent_values(chosen.form, form)
    try:
        await visit.platform.bookings.move(
            visit.grant,
            visit.path("id"),
            name,
            values,
            slot=form.get("slot", ""),
            if_match=whole_number(form.get("_version", "")),
        )
    except (Unprocessable, Conflict) as fault:
        return await _appointment_page(visit, name, {**values, "slot": form.get("slot", "")}, fault)
    return visit.go(f"/bookings/{visit.path('id')}", said="moved")


async def publishing(visit: Visit) -> Response:
    """Show the form to publish slots of a department's templates."""
    return await _publishing_page(visit, {"first": today().isoformat(), "weeks": 2})


async def _publishing_page(
    visit: Visit, values: Mapping[str, Any], fault: Fault | None = None, proposal: Any = None
) -> Response:
    fields = (await _service_field(visit), _FIRST, _WEEKS, _HOLIDAYS)
    shown = form_fields(visit.words, fields, values, fault.issues if fault else ())
    return visit.render(
        "bookings_publish.html",
        422 if fault else 200,
        fields=shown,
        issues=told(visit.words, fault) or [visit.words.of(Text(fault.zh, fault.text))] if fault else [],
        proposal=proposal,
        templates=_register(visit, "Basic", "slot-template"),
        pools={
            pool.id: visit.words.of(pool.title)
            for one in visit.platform.bookings.declarations
            for pool in one.pools
        },
    )


async def _service_field(visit: Visit) -> Field:
    own = sorted({visit.grant.organisation, *visit.grant.organisations} - {""})
    options: list[Option] = []
    for organisation in own:
        for one in await visit.platform.bookings.departments(visit.grant, organisation):
            options.append(Option(one[0], Text(one[1], one[1])))
    return Field("service", Text("科室", "Department"), "choice", required=True, options=tuple(options))


async def publish(visit: Visit) -> Response:
    """Tell what publishing would make, or publish."""
    form = texts(await visit.form())
    values = {name: form.get(name, "") for name in ("service", "first", "weeks", "holidays")}
    weeks = whole_number(values["weeks"]) or 1
    try:
        first = _day(values["first"])
        proposal = await visit.platform.bookings.publish(
            visit.grant,
            values["service"] or "none",
            first.isoformat(),
            (first + timedelta(days=7 * weeks - 1)).isoformat(),
            holidays=values["holidays"] == "true",
            dry=form.get("act") != "publish",
        )
    except (Unprocessable, Conflict, Forbidden) as fault:
        return await _publishing_page(visit, values, fault)
    if form.get("act") == "publish":
        return visit.go("/bookings", said="saved")
    return await _publishing_page(visit, values, None, proposal)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Unprocessable("a day is such as 2026-01-31", zh="请填写日期", expression="first") from error


def _register(visit: Visit, resource_type: str, criteria: str) -> str:
    """Return the address of the register of these records, "" where no service has one."""
    return next(
        (
            f"/registers/{one.service}/{one.id}"
            for one in visit.platform.registers.declarations
            if one.resource_type == resource_type and criteria in one.criteria
        ),
        "",
    )


async def _owners(visit: Visit) -> dict[str, str]:
    """Return the institutions that have slots, by id, with their names."""
    return dict(await visit.platform.bookings.owners(visit.grant))


async def _names(visit: Visit, ids: set[str]) -> dict[str, str]:
    found = {}
    for id_ in ids - {""}:
        try:
            found[id_] = str(
                (await visit.platform.store.read(visit.grant, "Organization", id_)).resource.get("name", id_)
            )
        except Fault:
            found[id_] = id_
    return found


def _organisation(reference: str) -> str:
    return reference.removeprefix("Organization/") if reference.startswith("Organization/") else ""
