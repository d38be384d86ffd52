"""The YAML of bookings → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields, replace
from typing import Any, cast, get_args

from kangshu.sdk import (
    BOOKING_STATES,
    TAKING,
    BookingDeclaration,
    BookingMove,
    BookingParameters,
    LengthRule,
    Pool,
    PoolRight,
    ShareRule,
    VisitPriority,
)
from kangshu.services.declared import read_field
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

_FINAL = frozenset({"fulfilled", "cancelled", "noshow"})


def read_booking(entry: Entry, service: str, places: Places) -> BookingDeclaration:
    """Return the kind of booking that `entry` declares; what is wrong goes to the entry's findings."""
    booking = BookingDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        help=entry.text("help", required=False),
        usual=entry.boolean("usual"),
        like=entry.string("like"),
        start_by=entry.strings("start_by", required=not entry.has("like")),
        pools=entry.each("pools", _pool),
        states=tuple(
            (one.string("id", required=True), one.text("title")) for one in _closing(entry, "states")
        ),
        moves=tuple(_move(one, places) for one in entry.entries("moves")),
        parameters=_parameters(entry),
        shares=entry.each("shares", _share),
        lengths=entry.each("lengths", _length),
        priority=entry.each("priority", _priority),
    )
    places.note(booking, entry)
    entry.close()
    return booking


def resolved(bookings: tuple[BookingDeclaration, ...]) -> tuple[BookingDeclaration, ...]:
    """Return the kinds, each with what it leaves to the one that it is `like`."""
    by_id = {one.id: one for one in bookings}
    return tuple(_like(one, by_id[one.like]) if one.like in by_id else one for one in bookings)


def _like(booking: BookingDeclaration, other: BookingDeclaration) -> BookingDeclaration:
    parameters = booking.parameters if booking.parameters != BookingParameters() else other.parameters
    return replace(
        booking,
        start_by=booking.start_by or other.start_by,
        pools=booking.pools or other.pools,
        states=booking.states or other.states,
        moves=booking.moves or other.moves,
        parameters=parameters,
        priority=booking.priority or other.priority,
    )


def _closing(entry: Entry, key: str) -> Iterator[Entry]:
    for one in entry.entries(key):
        yield one
        one.close()


def _pool(entry: Entry) -> Pool:
    pool = Pool(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        by=cast("PoolRight", entry.one_of("by", get_args(PoolRight), default="anyone")),
        release=entry.string("release"),
        age=entry.string("age"),
    )
    entry.close()
    return pool


def _share(entry: Entry) -> ShareRule:
    share = ShareRule(
        entry.string("pool", required=True),
        entry.string("kind", required=True),
        entry.string("at_least", required=True),
    )
    entry.close()
    return share


def _length(entry: Entry) -> LengthRule:
    length = LengthRule(entry.string("kind", required=True), entry.string("minutes", required=True))
    entry.close()
    return length


def _priority(entry: Entry) -> VisitPriority:
    priority = VisitPriority(
        entry.string("id", required=True), entry.text("title"), entry.string("age"), entry.string("pool")
    )
    entry.close()
    return priority


def _parameters(entry: Entry) -> BookingParameters:
    if not entry.has("parameters"):
        return BookingParameters()
    one = entry.entry("parameters")
    found = BookingParameters(**{field.name: one.string(field.name) for field in fields(BookingParameters)})
    one.close()
    return found


def _move(entry: Entry, places: Places) -> BookingMove:
    move = BookingMove(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        sources=entry.strings("from", required=True),
        target=entry.one_of("to", BOOKING_STATES, required=True),
        by=entry.strings("by", required=True),
        form=tuple(read_field(one, places) for one in entry.entries("form")),
        tone=cast("Any", entry.one_of("tone", ("primary", "plain", "danger"), default="primary")),
        slot=entry.boolean("slot"),
        before=entry.boolean("before"),
    )
    places.note(move, entry)
    entry.close()
    return move


def check_booking(
    booking: BookingDeclaration, parameters: Collection[str], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with a kind of booking, given the ids of the installation's parameters."""

    def found(en: str, zh: str) -> Finding:
        return places.finding(booking, en, zh)

    states = {code for code, _ in booking.states}
    for code in states - set(BOOKING_STATES):
        yield found(f"'{code}' is no state of a booking", f"“{code}”不是预约状态")
    for move in booking.moves:
        for code in {*move.sources, move.target} - states:
            yield found(
                f"move '{move.id}' names no state '{code}'", f"操作“{move.id}”引用了不存在的状态“{code}”"
            )
        if not move.slot and move.target in TAKING and not set(move.sources) & TAKING:
            yield found(
                f"move '{move.id}' takes a place: 'slot: true'", f"操作“{move.id}”占用名额，须注明 slot: true"
            )
    for code in states - _FINAL - {source for move in booking.moves for source in move.sources}:
        yield found(f"no move leads out of '{code}'", f"状态“{code}”没有出口")
    asked = [getattr(booking.parameters, field.name) for field in fields(BookingParameters)]
    asked += [one.at_least for one in booking.shares] + [one.minutes for one in booking.lengths]
    asked += [one.age for one in booking.priority]
    for one in booking.priority:
        if bool(one.age) == bool(one.pool) or (one.pool and booking.pool(one.pool) is None):
            text = f"priority '{one.id}' is by 'age' or by a 'pool' of the kind"
            yield found(text, f"优先规则“{one.id}”须按 age 或本类型的 pool 之一确定")
    asked += [name for pool in booking.pools for name in (pool.release, pool.age)]
    for name in sorted({one for one in asked if one} - set(parameters)):
        yield found(f"there is no parameter '{name}'", f"没有参数“{name}”")
    for share in booking.shares:
        if booking.pool(share.pool) is None:
            yield found(f"there is no pool '{share.pool}'", f"没有号源池“{share.pool}”")
    for pool in booking.pools:
        if pool.by == "elder" and not pool.age:
            yield found(f"pool '{pool.id}' needs 'age'", f"号源池“{pool.id}”须有 age")
