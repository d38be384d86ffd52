"""The YAML of what a service puts behind the residents' entrance → declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import cast

from kangshu.base.faults import Fault
from kangshu.sdk import DOORS, CaseDeclaration, Door, EntranceEntry, RegisterDeclaration
from kangshu.search import parse_criteria
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places


def read_entrance(entry: Entry, service: str, places: Places) -> EntranceEntry:
    """Return the entry that `entry` declares; what is wrong goes to the entry's findings."""
    found = EntranceEntry(
        id=entry.string("id", required=True),
        service=service,
        door=cast("Door", entry.one_of("door", DOORS, required=True)),
        title=entry.text("title"),
        help=entry.text("help", required=False),
        case=entry.string("case"),
        values=entry.raw("values") or {},
        urgent=entry.boolean("urgent"),
        booking=entry.string("booking"),
        register=entry.string("register"),
        criteria=entry.string("criteria"),
        mine=entry.string("mine", default="patient"),
        columns=entry.strings("columns", required=entry.has("register")),
        none=entry.text("none", required=entry.has("register")),
    )
    if len([one for one in (found.case, found.register, found.booking) if one]) != 1:
        text = "an entry names a case, a booking or a register"
        entry.find(entry.line, text, "入口项须有 case、booking、register 其中之一")
    places.note(found, entry)
    entry.close()
    return found


def check_entrance(
    one: EntranceEntry,
    cases: Collection[CaseDeclaration],
    registers: Collection[RegisterDeclaration],
    bookings: Collection[str],
    places: Places,
) -> Iterator[Finding]:
    """Yield what is wrong with an entry, given its service's case kinds, registers and ids of bookings."""
    if one.case:
        yield from _check_case(one, cases, places)
        return
    if one.booking:
        if one.booking not in bookings:
            text = f"there is no booking '{one.booking}' in this service"
            yield places.finding(one, text, f"本服务没有预约“{one.booking}”")
        return
    register = next((found for found in registers if found.id == one.register), None)
    if register is None:
        text = f"there is no register '{one.register}' in this service"
        yield places.finding(one, text, f"本服务没有台账“{one.register}”")
        return
    for name in set(one.columns) - {column.id for column in register.columns}:
        yield places.finding(one, f"the register has no column '{name}'", f"台账没有列“{name}”")
    try:
        parse_criteria(
            register.resource_type, "&".join(filter(None, (one.criteria, f"{one.mine}=Patient/x")))
        )
    except Fault as fault:
        yield places.finding(one, f"criteria: {fault.text}", f"条件有误：{fault.zh}")


def _check_case(one: EntranceEntry, cases: Collection[CaseDeclaration], places: Places) -> Iterator[Finding]:
    kind = next((case for case in cases if case.id == one.case), None)
    if kind is None:
        yield places.finding(
            one, f"there is no case '{one.case}' in this service", f"本服务没有办件“{one.case}”"
        )
        return
    fields = {field.id: field for field in kind.form}
    for name in set(one.values) - set(fields):
        text = f"'values': the case asks for no '{name}'"
        yield places.finding(one, text, f"values：办件表单中没有“{name}”")
    if kind.subject_type != "Patient" and not one.values:
        text = f"'{one.case}' is about no resident"
        yield places.finding(one, text, f"“{kind.title.zh}”的办理对象不是居民")
    if one.values:
        for field in kind.form:
            if field.required and field.id not in one.values:
                text = f"'values' lacks '{field.id}': one press has to be enough"
                yield places.finding(one, text, f"values 缺少必填的“{field.title.zh}”，一键发起须填全")
