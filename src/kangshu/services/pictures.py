"""The YAML of a register's pictures → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import (
    ChainLinks,
    ChainMembers,
    ChainPicture,
    CurvePicture,
    GanttPicture,
    GridPicture,
    MapPicture,
    Milestones,
    Pictures,
    RegisterDeclaration,
)
from kangshu.services.entry import Entry

_NUMBERS: Final = frozenset({"integer", "decimal"})
_WHOLE: Final = frozenset({"integer"})
_DAYS: Final = frozenset({"date", "datetime"})
_CHOICE: Final = frozenset({"choice"})
_POINTS: Final = frozenset({"reference"})
_HOLDERS: Final = frozenset({"reference", "organisation"})
_YES_OR_NO: Final = frozenset({"boolean"})
_ANY: Final = frozenset[str]()


def read_pictures(entry: Entry, service: str) -> Pictures:
    """Return what `map`, `gantt`, `curve`, `grid` and `chain` of a register declare."""
    return Pictures(
        _map(entry.entry("map")) if entry.has("map") else None,
        _gantt(entry.entry("gantt"), service) if entry.has("gantt") else None,
        _curve(entry.entry("curve")) if entry.has("curve") else None,
        _grid(entry.entry("grid")) if entry.has("grid") else None,
        _chain(entry.entry("chain"), service) if entry.has("chain") else None,
    )


def _map(entry: Entry) -> MapPicture:
    picture = MapPicture(
        latitude=entry.string("latitude", default="position.latitude"),
        longitude=entry.string("longitude", default="position.longitude"),
        label=entry.string("label", required=True),
        colour=entry.string("colour"),
        size=entry.string("size"),
    )
    entry.close()
    return picture


def _gantt(entry: Entry, service: str) -> GanttPicture:
    picture = GanttPicture(
        label=entry.string("label", required=True),
        start=entry.string("start", required=True),
        end=entry.string("end", required=True),
        colour=entry.string("colour"),
        progress=entry.string("progress"),
        late=entry.string("late"),
        milestones=_milestones(entry.entry("milestones"), service) if entry.has("milestones") else None,
    )
    entry.close()
    return picture


def _milestones(entry: Entry, service: str) -> Milestones:
    milestones = Milestones(
        register=_register(entry, service),
        of=entry.string("of", required=True),
        day=entry.string("day", required=True),
        label=entry.string("label", required=True),
        done=entry.string("done"),
    )
    entry.close()
    return milestones


def _curve(entry: Entry) -> CurvePicture:
    picture = CurvePicture(
        month=entry.string("month", required=True),
        value=entry.string("value", required=True),
        unit=entry.string("unit", required=True),
        planned=entry.string("planned"),
        of=entry.string("of"),
        added_up=cast("Any", entry.one_of("added_up", ("", "year", "all"), default="all")),
    )
    entry.close()
    return picture


def _grid(entry: Entry) -> GridPicture:
    picture = GridPicture(
        of=entry.string("of", required=True),
        row=entry.string("row", required=True),
        block=entry.string("block", required=True),
        label=entry.string("label", required=True),
        colour=entry.string("colour", required=True),
        mark=entry.string("mark"),
    )
    entry.close()
    return picture


def _chain(entry: Entry, service: str) -> ChainPicture:
    picture = ChainPicture(
        of=entry.string("of", required=True),
        order=entry.string("order", required=True),
        label=entry.string("label", required=True),
        members=_members(entry.entry("members"), service),
        unit=entry.text("unit"),
        wanted=entry.string("wanted"),
        links=_links(entry.entry("links"), service) if entry.has("links") else None,
    )
    entry.close()
    return picture


def _members(entry: Entry, service: str) -> ChainMembers:
    members = ChainMembers(
        register=_register(entry, service),
        of=entry.string("of", required=True),
        who=entry.string("who", required=True),
        until=entry.string("until"),
    )
    entry.close()
    return members


def _links(entry: Entry, service: str) -> ChainLinks:
    links = ChainLinks(
        register=_register(entry, service),
        giver=entry.string("giver", required=True),
        taker=entry.string("taker", required=True),
    )
    entry.close()
    return links


def _register(entry: Entry, service: str) -> str:
    """Return the code of the register that an entry names, of the same service where it says no other."""
    register = entry.string("register", required=True)
    return register if "/" in register else f"{service}/{register}"


def check_pictures(
    register: RegisterDeclaration, registers: Mapping[str, RegisterDeclaration]
) -> Iterator[tuple[str, str]]:
    """Yield (English, Chinese) of what is wrong with the pictures of a register, given every register by code."""
    pictures = register.pictures
    if pictures.map is not None:
        yield from _check_map(register, pictures.map)
    if pictures.gantt is not None:
        yield from _check_gantt(register, pictures.gantt, registers)
    if (curve := pictures.curve) is not None:
        yield from _columns(register, "curve", {curve.month: _DAYS})
        yield from _columns(register, "curve", {curve.value: _NUMBERS, curve.planned: _NUMBERS})
        yield from _columns(register, "curve", {curve.of: _POINTS})
    if (grid := pictures.grid) is not None:
        anything = dict.fromkeys((grid.row, grid.block, grid.label), _ANY)
        yield from _columns(register, "grid", {grid.of: _HOLDERS, **anything})
        yield from _columns(register, "grid", {grid.colour: _CHOICE, grid.mark: _CHOICE})
    if pictures.chain is not None:
        yield from _check_chain(register, pictures.chain, registers)


def _check_map(register: RegisterDeclaration, picture: MapPicture) -> Iterator[tuple[str, str]]:
    for expression in (picture.latitude, picture.longitude):
        try:
            compile_expression(expression)
        except Fault as fault:
            yield f"'map': {fault.text}", f"“map”：{fault.zh}"
    wanted = {picture.label: _ANY, picture.colour: _CHOICE, picture.size: _NUMBERS}
    yield from _columns(register, "map", wanted)


def _check_gantt(
    register: RegisterDeclaration, picture: GanttPicture, registers: Mapping[str, RegisterDeclaration]
) -> Iterator[tuple[str, str]]:
    wanted = {picture.start: _DAYS, picture.end: _DAYS, picture.colour: _CHOICE, picture.progress: _NUMBERS}
    yield from _columns(register, "gantt", {picture.label: _ANY, **wanted, picture.late: _YES_OR_NO})
    marks = picture.milestones
    if marks is None:
        return
    shown = {marks.of: _POINTS, marks.day: _DAYS, marks.label: _ANY, marks.done: _DAYS}
    yield from _check_other(marks.register, "gantt.milestones", shown, registers)
    if (other := registers.get(marks.register)) is not None and any(
        one.id == marks.of and not one.search for one in other.columns
    ):
        yield f"column '{marks.of}' is not searched by", f"列“{marks.of}”不能检索"


def _check_chain(
    register: RegisterDeclaration, picture: ChainPicture, registers: Mapping[str, RegisterDeclaration]
) -> Iterator[tuple[str, str]]:
    numbers = {picture.order: _WHOLE, picture.wanted: _WHOLE}
    yield from _columns(register, "chain", {picture.of: _CHOICE, picture.label: _ANY, **numbers})
    members, links = picture.members, picture.links
    placed = {members.of: _POINTS, members.who: _HOLDERS, members.until: _DAYS}
    yield from _check_other(members.register, "chain.members", placed, registers)
    if links is not None:
        joined = {links.giver: _HOLDERS, links.taker: _HOLDERS}
        yield from _check_other(links.register, "chain.links", joined, registers)


def _check_other(
    code: str,
    picture: str,
    wanted: Mapping[str, frozenset[str]],
    registers: Mapping[str, RegisterDeclaration],
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the columns of another register that a picture draws too."""
    other = registers.get(code)
    if other is None:
        yield f"there is no register '{code}'", f"没有台账“{code}”"
    else:
        yield from _columns(other, picture, wanted)


def _columns(
    register: RegisterDeclaration, picture: str, wanted: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, str]]:
    """Yield which of these columns the register lacks or has of another kind; "" asks for none."""
    kinds = {column.id: column.kind for column in register.columns}
    for name, fitting in wanted.items():
        if name and name not in kinds:
            yield (
                f"'{picture}': the register {register.code} has no column '{name}'",
                f"“{picture}”：台账没有列“{name}”",
            )
        elif name and fitting and kinds[name] not in fitting:
            yield (
                f"'{picture}': column '{name}' is a {kinds[name]}, not {', '.join(sorted(fitting))}",
                f"“{picture}”：列“{name}”的类型不合适",
            )
