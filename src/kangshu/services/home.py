"""The YAML of first-screen sections → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, cast

from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import Due, HomeSection, People, RegisterDeclaration
from kangshu.search import parse_criteria
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

_TONES = ("", "accent", "green", "amber", "red")
_NAMES = frozenset({"count", "whole", "rest", "share", "within"})


def read_section(entry: Entry, service: str, places: Places) -> HomeSection:
    """Return the section that `entry` declares; what is wrong goes to the entry's findings."""
    section = HomeSection(
        id=entry.string("id", required=True),
        service=service,
        screens=entry.strings("screens", required=True),
        title=entry.text("title"),
        label=entry.text("label", required=False),
        unit=entry.text("unit", required=False),
        note=entry.text("note", required=False),
        none=entry.text("none"),
        register=entry.string("register", required=True),
        columns=entry.strings("columns", required=not entry.has("due")),
        criteria=entry.string("criteria"),
        mine=entry.string("mine"),
        whole=entry.string("whole"),
        tone=cast("Any", entry.one_of("tone", _TONES)),
        wide=entry.boolean("wide"),
        due=_due(entry.entry("due")) if entry.has("due") else None,
    )
    places.note(section, entry)
    entry.close()
    return section


def _due(entry: Entry) -> Due:
    due = Due(
        column=entry.string("column", required=True),
        within=entry.string("within", required=True),
        unit=cast("Any", entry.one_of("unit", ("day", "month"), default="day")),
        series=entry.strings("series"),
        people=_people(entry.entry("people")) if entry.has("people") else None,
        person=entry.string("person", required=entry.has("people")),
    )
    entry.close()
    return due


def _people(entry: Entry) -> People:
    people = People(
        resource_type=entry.string("resource", required=True),
        criteria=entry.string("criteria"),
        mine=entry.string("mine"),
        subject=entry.string("subject", required=True),
    )
    entry.close()
    return people


def check_section(
    section: HomeSection,
    registers: Collection[RegisterDeclaration],
    parameters: Collection[str],
    homes: Collection[str],
    places: Places,
) -> Iterator[Finding]:
    """Yield what is wrong with a section, given its service's registers, every declared parameter and first screen."""

    def found(en: str, zh: str) -> Finding:
        return places.finding(section, en, zh)

    for screen in section.screens:
        if screen not in homes:
            yield found(f"no role opens with the screen '{screen}'", f"没有角色以“{screen}”为首页")
    register = next((one for one in registers if one.id == section.register), None)
    if register is None:
        yield found(
            f"there is no register '{section.register}' in this service",
            f"本服务没有台账“{section.register}”",
        )
        return
    kinds = {column.id: column.kind for column in register.columns}
    searched = {column.id for column in register.columns if column.search}
    due = section.due
    named = [*section.columns, *((due.column, due.person, *due.series) if due else ())]
    for name in filter(None, named):
        if name not in kinds:
            yield found(f"the register has no column '{name}'", f"台账没有列“{name}”")
    asked = [(register.resource_type, one) for one in (section.criteria, section.whole)]
    asked.append((register.resource_type, f"{section.mine}=x" if section.mine else ""))
    if due is not None:
        if kinds.get(due.column, "date") not in ("date", "datetime"):
            yield found(f"column '{due.column}' holds no day", f"列“{due.column}”不是日期")
        if due.within not in parameters:
            yield found(f"no rule declares the parameter '{due.within}'", f"没有声明参数“{due.within}”")
        if due.person in kinds and due.person not in searched:
            yield found(f"column '{due.person}' is not searched by", f"列“{due.person}”不能检索")
        if due.people is not None:
            people = due.people
            asked.append((people.resource_type, people.criteria))
            asked.append((people.resource_type, f"{people.mine}=x" if people.mine else ""))
            try:
                compile_expression(people.subject)
            except Fault as fault:
                yield found(fault.text, fault.zh)
    for kind, criteria in asked:
        if criteria:
            try:
                parse_criteria(kind, criteria)
            except Fault as fault:
                yield found(f"criteria '{criteria}': {fault.text}", f"条件“{criteria}”有误：{fault.zh}")
    try:
        for language in (section.note.zh, section.note.en):
            language.format(**dict.fromkeys(_NAMES, 0))
    except (KeyError, ValueError, IndexError):
        yield found("'note' names what there is not", "note 中的占位名无效")
